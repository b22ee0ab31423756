// SPDX-License-Identifier: Apache-2.0
// What a medium carries for machines that cannot start the boot program: each of the two says so on
// the screen. Their sources are boot/refuse/.
#ifndef BF_REPLICA_MEDIA_REFUSALS_H
#define BF_REPLICA_MEDIA_REFUSALS_H

#include <stddef.h>
#include <stdint.h>

enum {
    BF_BIOS_SECTOR = 512,    // bf_bios_sector is so long, and ends with the signature 55 aa
    BF_BIOS_CODE_BYTES = 384 // of it, the code and its text, wherever they stand
};

extern const uint8_t bf_bios_sector[];

// EFI/BOOT/BOOTIA32.EFI, a program for 32-bit UEFI.
extern const uint8_t bf_ia32_image[], bf_ia32_image_end[];

#endif
