// SPDX-License-Identifier: Apache-2.0
// What a distribution makes extlinux.conf from.
#ifndef BF_FINALIZE_BOOT_EXTLINUX_DEFAULTS_H
#define BF_FINALIZE_BOOT_EXTLINUX_DEFAULTS_H

#include "finalize/system/fin.h"

// Rewrites it. Fails after bf_refuse() or bf_fail().
enum bf_err bf_extlinux_defaults(struct bf_fin *f);

#endif
