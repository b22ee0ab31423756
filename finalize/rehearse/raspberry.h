// SPDX-License-Identifier: Apache-2.0
// The firmware of the Raspberry Pi.
#ifndef BF_FINALIZE_REHEARSE_RASPBERRY_H
#define BF_FINALIZE_REHEARSE_RASPBERRY_H

#include "finalize/rehearse/walk.h"

// `file` is the config.txt of its partition.
void bf_walk_raspberry(struct bf_walk *w, const char *file, const struct bf_device *dev);

#endif
