// SPDX-License-Identifier: Apache-2.0
// What a run has the boot loaders' room do; see system/steps.h.
#ifndef BF_FINALIZE_BOOT_STEPS_H
#define BF_FINALIZE_BOOT_STEPS_H

#include "finalize/system/fin.h"

// The boot loaders, and by which firmware they are started.
void bf_inspect_boot(struct bf_fin *f);

// Who signed what starts next, into the report's system.secure_boot.
void bf_inspect_secure_boot(struct bf_fin *f);

enum bf_err bf_adapt_boot(struct bf_fin *f);
enum bf_err bf_adapt_efi(struct bf_fin *f);
// The same of the system as it will be: refused where the plan has Secure Boot and it would not
// start.
enum bf_err bf_check_secure_boot(struct bf_fin *f);

#endif
