// SPDX-License-Identifier: Apache-2.0
// The beginning of an LVM2 physical volume for fuzzers, with its checksums as they should be.
#ifndef BF_TESTS_LVM_IMAGE_H
#define BF_TESTS_LVM_IMAGE_H

#include <stddef.h>
#include <stdint.h>

enum { LVM_IMAGE_HEAD = 512, LVM_IMAGE_AREA = 4096, LVM_IMAGE_TEXT = LVM_IMAGE_AREA + 512 };

// A label in the second sector and a metadata area of `area` bytes at LVM_IMAGE_AREA, whose text
// follows its header; the data begins behind it. device is in bytes; uuid has 32 characters.
void lvm_image_make(uint8_t *disk, const char *uuid, uint64_t device, uint64_t area,
                    const void *text, size_t len);
// Makes the checksums of a physical volume right, as far as it is one.
void lvm_image_sum(uint8_t *disk, size_t size);

#endif
