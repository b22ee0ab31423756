// SPDX-License-Identifier: Apache-2.0
// File systems around the filled boot image, made by mtools and xorriso inside a private folder.
#ifndef BF_REPLICA_MEDIA_IMAGE_H
#define BF_REPLICA_MEDIA_IMAGE_H

#include "base/err.h"

// A FAT image with EFI/BOOT/BOOTX64.EFI and bootferry.conf, at path.
enum bf_err bf_media_fat(const char *path, const char *efi, const char *conf,
                         struct bf_fault *fault);

// A hybrid ISO whose EFI system partition is the FAT image: bootable as a CD (El Torito) and, by
// its GPT, as a disk. folder: what the ISO's own file system shows.
enum bf_err bf_media_iso(const char *path, const char *fat, const char *folder,
                         struct bf_fault *fault);

// Signs a boot image for Secure Boot.
enum bf_err bf_media_sign(const char *from, const char *to, const char *key, const char *cert,
                          struct bf_fault *fault);

#endif
