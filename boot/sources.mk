# SPDX-License-Identifier: Apache-2.0
# The EFI program and its C library. boot/libc is seen by the efi flavour only, as its system
# headers.
BOOT_LIBC_SRCS := boot/libc/string.c boot/libc/stdlib.c
CFLAGS_boot/libc/string.c := -fno-builtin
