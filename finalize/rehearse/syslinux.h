// SPDX-License-Identifier: Apache-2.0
// U-Boot's distro boot, which reads an extlinux.conf (U-Boot, doc/develop/distro.rst).
#ifndef BF_FINALIZE_REHEARSE_SYSLINUX_H
#define BF_FINALIZE_REHEARSE_SYSLINUX_H

#include "finalize/rehearse/walk.h"

void bf_walk_uboot(struct bf_walk *w, const char *file, const struct bf_device *dev);

#endif
