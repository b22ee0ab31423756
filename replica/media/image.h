// SPDX-License-Identifier: Apache-2.0
// File systems around the filled boot image, made by mtools and xorriso in memory.
#ifndef BF_REPLICA_MEDIA_IMAGE_H
#define BF_REPLICA_MEDIA_IMAGE_H

#include "base/err.h"
#include "replica/media/memory_file.h"

// The files that go into a medium.
struct bf_media_files {
    const struct bf_memory_file *efi;  // the boot program
    const struct bf_memory_file *ia32; // what a 32-bit UEFI starts instead
    const struct bf_memory_file *conf; // bootferry.conf
};

// A FAT image with EFI/BOOT/BOOTX64.EFI, BOOTIA32.EFI and bootferry.conf, in `fat`, which is empty
// before. A BIOS that starts it shows one sentence.
enum bf_err bf_media_fat(const struct bf_memory_file *fat, const struct bf_media_files *files,
                         struct bf_fault *fault);

// A hybrid ISO whose EFI system partition is the FAT image: bootable as a CD (El Torito) and, by
// its GPT, as a disk. folder: what the ISO's own file system shows; it has the file BF_MEDIA_BIOS,
// a boot sector that a BIOS starts from the CD, and as a disk.
#define BF_MEDIA_BIOS "bios.img"
enum bf_err bf_media_iso(const struct bf_memory_file *iso, const struct bf_memory_file *fat,
                         const char *folder, struct bf_fault *fault);

// Signs a boot image for Secure Boot.
enum bf_err bf_media_sign(const struct bf_memory_file *from, const struct bf_memory_file *to,
                          const char *key, const char *cert, struct bf_fault *fault);

#endif
