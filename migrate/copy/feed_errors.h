// SPDX-License-Identifier: Apache-2.0
// What the reading stage does about reads that fail; for migrate/copy/feed*.c only.
#ifndef BF_MIGRATE_COPY_FEED_ERRORS_H
#define BF_MIGRATE_COPY_FEED_ERRORS_H

#include "migrate/copy/feed.h"

// So many blocks more are in the slot, read or left zero.
void bf_slot_pass(const struct bf_feed *feed, struct bf_slot *slot, uint32_t blocks);
// The slot's request failed: it is asked in smaller parts, again after a pause, or for a witness.
// An error is final, feed->fault says why.
enum bf_err bf_slot_failed(struct bf_feed *feed, struct bf_slot *slot);
// The block that is asked for to see whether the disk reads at all.
uint64_t bf_slot_witness_block(const struct bf_feed *feed, const struct bf_slot *slot);
// That was read, or not: the block in question is left zero, or the disk is in doubt.
enum bf_err bf_slot_witness(struct bf_feed *feed, struct bf_slot *slot);

#endif
