// SPDX-License-Identifier: Apache-2.0
// Where a place lies on its disk: lists of spans, and how much of them lies in ranges that come in
// ascending order.
#ifndef BF_REPLICA_STATE_SPANS_H
#define BF_REPLICA_STATE_SPANS_H

#include <stdint.h>

#include "net/proto/proto.h"

// Sorts spans, cuts what lies beyond the end of the disk, and joins what touches or overlaps.
// Returns how many are left.
uint32_t bf_spans_tidy(struct bf_place_span *span, uint32_t count, uint64_t disk_bytes);
// Bytes in tidy spans.
uint64_t bf_spans_bytes(const struct bf_place_span *span, uint32_t count);
// How many bytes of [first, end) lie in tidy spans. *at is 0 for the first range, and kept from one
// to the next, each of which begins at or behind the end of the one before.
uint64_t bf_spans_within(const struct bf_place_span *span, uint32_t count, uint32_t *at,
                         uint64_t first, uint64_t end);

#endif
