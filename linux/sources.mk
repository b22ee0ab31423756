# SPDX-License-Identifier: Apache-2.0
LINUX_SRCS := linux/platform_linux.c linux/socket_stream.c linux/tap_nic.c
