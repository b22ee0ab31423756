// SPDX-License-Identifier: Apache-2.0
// A set of chunks as a bounded list of ranges, for marks that may be forgotten: when there is no
// place for another range the smallest one goes. Nothing is ever in the set that was not added, and
// nothing that was removed since.
#ifndef BF_REPLICA_STORE_RANGES_H
#define BF_REPLICA_STORE_RANGES_H

#include <stdint.h>

enum { BF_RANGES_MAX = 64 };

struct bf_range_set {
    uint32_t count;
    struct {
        uint64_t first, end;
    } range[BF_RANGES_MAX + 1]; // ascending, apart from each other; one place to work with
};

// Chunks [first, end); nothing happens when that is empty.
void bf_ranges_add(struct bf_range_set *set, uint64_t first, uint64_t end);
void bf_ranges_remove(struct bf_range_set *set, uint64_t first, uint64_t end);

// The first chunks of [from, limit) that are not in the set. Returns 0 when all of them are.
int bf_ranges_gap(const struct bf_range_set *set, uint64_t from, uint64_t limit, uint64_t *first,
                  uint64_t *end);
uint64_t bf_ranges_total(const struct bf_range_set *set); // chunks in it

#endif
