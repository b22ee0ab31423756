# SPDX-License-Identifier: Apache-2.0
LINUX_SRCS := linux/platform_linux.c
