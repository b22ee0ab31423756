// SPDX-License-Identifier: Apache-2.0
// Kernels and initramfs files that lie where distributions put them, paired by their names.
#ifndef BF_FINALIZE_INITRAMFS_IMAGES_H
#define BF_FINALIZE_INITRAMFS_IMAGES_H

#include "finalize/system/fin.h"

#define BF_IMAGES_MAX 128

struct bf_image {
    char image[192]; // canonical paths
    char initramfs[192];
};

struct bf_image_list {
    struct bf_image *item; // owned
    size_t count;
};

// Whether a file's name is one of a kernel.
bool bf_image_is(const char *name);

// To be freed with bf_images_free() in any case.
void bf_images_load(struct bf_fin *f, struct bf_image_list *out);
void bf_images_free(struct bf_image_list *list);

#endif
