// SPDX-License-Identifier: Apache-2.0
// LILO's configuration.
#ifndef BF_FINALIZE_REHEARSE_LILO_H
#define BF_FINALIZE_REHEARSE_LILO_H

#include "finalize/rehearse/walk.h"

// LILO starts what its map file has, which /sbin/lilo made of the configuration: what is read here
// is what it will start only if that was run after the last change.
void bf_walk_lilo(struct bf_walk *w, const char *file, const struct bf_device *dev);

#endif
