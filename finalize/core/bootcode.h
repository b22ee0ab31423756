// SPDX-License-Identifier: Apache-2.0
// What a BIOS would start of a disk: the code in its first sectors, which lies in no file system.
#ifndef BF_FINALIZE_CORE_BOOTCODE_H
#define BF_FINALIZE_CORE_BOOTCODE_H

#include <stddef.h>

// The first track, where boot code and what it loads are kept by convention.
#define BF_BOOTCODE_BYTES ((size_t)63 * 512)

// Recognises boot code by marks in `sectors`, the first `len` bytes of a disk: "none" (nothing is
// started), "grub", "grub-incomplete" (what it loads next is not there), "grub-legacy", "syslinux",
// "lilo", "windows", "active" (code that starts the active partition, whatever that holds) or
// "other". Never NULL.
const char *bf_bootcode(const void *sectors, size_t len);

#endif
