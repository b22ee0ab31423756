# SPDX-License-Identifier: Apache-2.0
BASE_SRCS := base/cursor.c base/err.c base/fmt.c base/log.c base/mem.c

# The porting checklist is compiled, and linked into nothing.
LINT_DEPS += build/efi/base/platform_stub.o build/linux/base/platform_stub.o
