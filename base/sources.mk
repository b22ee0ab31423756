# SPDX-License-Identifier: Apache-2.0
BASE_SRCS := base/cursor.c base/err.c base/fmt.c base/log.c base/mem.c base/secret.c
BASE_SRCS += base/base64.c base/config.c base/config_identity.c base/config_link.c base/config_network.c base/config_help.c \
    base/config_proxy.c \
    base/config_run.c base/config_table.c base/config_value.c base/ip.c base/section.c base/selector.c \
    base/smbios.c

# The porting checklist is compiled, and linked into nothing.
LINT_DEPS += build/efi/base/platform_stub.o build/linux/base/platform_stub.o

COLD_SRCS += $(filter-out base/cursor.c base/mem.c,$(BASE_SRCS))
