// SPDX-License-Identifier: Apache-2.0
// Unified kernel images (UAPI Group, "Unified Kernel Image"): systemd's stub with the kernel, its
// initramfs and its command line in sections of one EFI program.
#ifndef BF_FINALIZE_REHEARSE_UNIFIED_H
#define BF_FINALIZE_REHEARSE_UNIFIED_H

#include "finalize/rehearse/sections.h"

bool bf_unified_is(const struct bf_sections *pe);
// Adds the start of an image that `from` offers. NULL when there are too many starts, or the file
// is no image.
struct bf_start *bf_unified_add(struct bf_walk *w, const char *loader, const char *from,
                                const char *file);
// What is inside of a start's kernel, which is an image. A command line that the start has already
// is passed to the image and takes the place of its own.
void bf_unified_fill(struct bf_walk *w, struct bf_start *s, const struct bf_sections *pe);

#endif
