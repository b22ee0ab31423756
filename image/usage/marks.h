// SPDX-License-Identifier: Apache-2.0
// Inside of the signatures: marks that are too short to prove anything by themselves, or that have
// no fixed place. The checks are libblkid's (its files are named beside each); `at` is where the
// mark was found. They err towards "yes".
#ifndef BF_IMAGE_USAGE_MARKS_H
#define BF_IMAGE_USAGE_MARKS_H

#include "image/usage/parts.h"

int bf_mark_fat(const struct bf_usage_place *place, uint64_t at);
int bf_mark_bitlocker(const struct bf_usage_place *place, uint64_t at);
int bf_mark_core_storage(const struct bf_usage_place *place, uint64_t at);
int bf_mark_udf(const struct bf_usage_place *place, uint64_t at);
int bf_mark_hfs(const struct bf_usage_place *place, uint64_t at);
int bf_mark_hfs_plus(const struct bf_usage_place *place, uint64_t at);
int bf_mark_nilfs(const struct bf_usage_place *place, uint64_t at);
int bf_mark_jmicron(const struct bf_usage_place *place, uint64_t at);
int bf_mark_silicon(const struct bf_usage_place *place, uint64_t at);
int bf_mark_via(const struct bf_usage_place *place, uint64_t at);
int bf_mark_apple_map(const struct bf_usage_place *place, uint64_t at);
int bf_mark_sun(const struct bf_usage_place *place, uint64_t at);

// Marks that may be in many places: ZFS's uberblocks, UFS, Minix, System V, an XFS log by itself.
// Adds those it finds. Read errors are passed on.
enum bf_err bf_marks_scattered(struct bf_usage_place *place);

#endif
