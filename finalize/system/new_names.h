// SPDX-License-Identifier: Apache-2.0
// The names that the disks of the new home may have, for files that choose disks by patterns.
#ifndef BF_FINALIZE_SYSTEM_NEW_NAMES_H
#define BF_FINALIZE_SYSTEM_NEW_NAMES_H

#include "finalize/system/fin.h"

#define BF_NEW_NAMES 4
#define BF_NEW_NAME  40

// What a partition may be called by the drivers of the plan's target: "/dev/vdb2", "/dev/sdb2", ...
size_t bf_new_names(const struct bf_fin *f, const struct bf_device *dev,
                    char name[BF_NEW_NAMES][BF_NEW_NAME]);
// How all of them begin: "/dev/vd", "/dev/sd", ...
size_t bf_new_stems(const struct bf_fin *f, const char *stem[BF_NEW_NAMES]);

#endif
