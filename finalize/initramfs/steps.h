// SPDX-License-Identifier: Apache-2.0
// What a run has the initramfs' room do; see system/steps.h.
#ifndef BF_FINALIZE_INITRAMFS_STEPS_H
#define BF_FINALIZE_INITRAMFS_STEPS_H

#include "finalize/system/fin.h"

// The kernels that have modules, with their images.
void bf_inspect_kernels(struct bf_fin *f);

// The settings of the makers off device names that depend on the order of the disks.
enum bf_err bf_adapt_makers(struct bf_fin *f);
// The drivers of the target, in each image and in the settings of the makers.
enum bf_err bf_adapt_initramfs(struct bf_fin *f);

#endif
