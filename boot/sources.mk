# SPDX-License-Identifier: Apache-2.0
# The EFI program and its C library. boot/libc is seen by the efi flavour only, as its system
# headers.
BOOT_LIBC_SRCS := boot/libc/string.c boot/libc/stdlib.c
CFLAGS_boot/libc/string.c := -fno-builtin
BOOT_SRCS := $(BOOT_LIBC_SRCS) boot/main.c boot/platform_efi.c boot/heap.c boot/sections.c \
    boot/cpu_$(ARCH).c
TEST_SRCS_test_heap := boot/heap.c
