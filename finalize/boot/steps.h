// SPDX-License-Identifier: Apache-2.0
// What a run has the boot loaders' room do; see system/steps.h.
#ifndef BF_FINALIZE_BOOT_STEPS_H
#define BF_FINALIZE_BOOT_STEPS_H

#include "finalize/system/fin.h"

// The boot loaders, and by which firmware they are started.
void bf_inspect_boot(struct bf_fin *f);

enum bf_err bf_adapt_boot(struct bf_fin *f);
enum bf_err bf_adapt_efi(struct bf_fin *f);

#endif
