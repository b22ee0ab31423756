# SPDX-License-Identifier: Apache-2.0
LINUX_SRCS := linux/platform_linux.c linux/socket_stream.c linux/tap_nic.c
LINUX_SRCS += linux/assert.c linux/child_state.c linux/file_disk.c linux/file_readers.c linux/file_store.c linux/machine_linux.c linux/workers_linux.c

BOOTFERRY_PUSH_SRCS := linux/push.c
