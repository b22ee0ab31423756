// SPDX-License-Identifier: Apache-2.0
// Inside of the scan of disks: what image/usage/scan.c and image/usage/doubt.c share.
#ifndef BF_IMAGE_USAGE_SCAN_H
#define BF_IMAGE_USAGE_SCAN_H

#include "image/parttab.h"
#include "image/usage/parts.h"

// Sets the doubt of each place, which are the table's partitions in their order. What lies in front
// of byte iso_end belongs to an ISO image. Fails without memory.
enum bf_err bf_usage_doubts(const struct bf_parttab *t, uint64_t iso_end,
                            struct bf_usage_place *place);

#endif
