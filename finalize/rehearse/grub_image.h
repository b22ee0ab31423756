// SPDX-License-Identifier: Apache-2.0
// From GRUB's EFI program to the configuration that it reads.
#ifndef BF_FINALIZE_REHEARSE_GRUB_IMAGE_H
#define BF_FINALIZE_REHEARSE_GRUB_IMAGE_H

#include "finalize/rehearse/efi_program.h"

// `file` is the program on the EFI system partition that is mounted at `mount`.
void bf_walk_grub_image(struct bf_walk *w, const char *mount, const char *file,
                        const struct bf_efi_program *p);

#endif
