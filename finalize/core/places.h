// SPDX-License-Identifier: Apache-2.0
// From a file system and a path in it, as a boot loader names a file, to the path in the guest's
// tree, and back.
#ifndef BF_FINALIZE_CORE_PLACES_H
#define BF_FINALIZE_CORE_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "finalize/core/devices.h"

// The path in the tree of `path` on device `dev`, counted from the top of its file system (of a
// Btrfs: from its top level, subvolumes being folders). False when that part of it is not mounted,
// or the result does not fit.
bool bf_place_path(const struct bf_devices *d, const struct bf_device *dev, const char *path,
                   char *out, size_t size);
// The device that holds a path of the tree, by the mount point that is nearest; links are not
// followed. `inside`, if it is not NULL, gets the path in the device's file system. NULL when no
// place is known, or `inside` is too small.
const struct bf_device *bf_place_device(const struct bf_devices *d, const char *path, char *inside,
                                        size_t size);

#endif
