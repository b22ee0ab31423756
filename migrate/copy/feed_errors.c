// SPDX-License-Identifier: Apache-2.0
// Reads that fail, see migrate/copy/feed.h. A read is halved until one block is left, which is
// tried a few times with pauses between. Whether then the block or the disk is at fault is seen
// from a witness: another block that can be read at this time.
#include "migrate/copy/feed_errors.h"

#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/platform.h"

enum {
    TRIES = 3, // of one block, before it counts as unreadable
    REST_LEAST_US = 50000,
    WITNESSES = 5,
};

// ---- Faults ------------------------------------------------------------------------------------

static enum bf_err unreadable(struct bf_feed *feed, const struct bf_slot *slot)
{
    uint64_t at = slot->first * feed->geometry.chunk_size + slot->got;
    char name[160];
    bf_identity_text(name, sizeof name, &feed->disk->identity);
    return bf_fault_set(&feed->fault, BF_ERR_IO, BF_SIDE_SOURCE,
                        "replace the disk; on-read-error=map copies what can still be read",
                        "disk %s cannot be read at byte %llu", name, (unsigned long long)at);
}

// A native driver says so after it has reset the controller in vain.
static enum bf_err silent(struct bf_feed *feed)
{
    char name[160];
    bf_identity_text(name, sizeof name, &feed->disk->identity);
    return bf_fault_set(&feed->fault, BF_ERR_IO, BF_SIDE_SOURCE,
                        "look at the disk's controller and cables; driver=firmware reads it "
                        "another way",
                        "the controller of disk %s no longer answers", name);
}

static enum bf_err troubled(struct bf_feed *feed, const struct bf_slot *slot)
{
    char name[160];
    bf_identity_text(name, sizeof name, &feed->disk->identity);
    return bf_fault_set(&feed->fault, BF_ERR_IO, BF_SIDE_SOURCE,
                        "look at the disk, its controller and its cables or network",
                        "disk %s has answered nothing but errors for %u seconds", name,
                        (uint32_t)((bf_platform_now_us() - slot->trouble_us) / 1000000));
}

// ---- What is done about it ---------------------------------------------------------------------

void bf_slot_pass(const struct bf_feed *feed, struct bf_slot *slot, uint32_t blocks)
{
    slot->got += blocks * feed->disk->geometry.block_size;
    BF_ASSERT(slot->state == BF_SLOT_READING && slot->got <= slot->bytes);
    slot->tries = 0;
    slot->rest_us = 0;
    slot->trouble_us = 0;
    if (slot->got >= slot->bytes)
        slot->state = BF_SLOT_READY;
}

// A drive may work for many seconds at each try. Where the block before was bad already, one is
// enough.
static uint8_t tries_of(const struct bf_feed *feed, const struct bf_slot *slot)
{
    uint32_t block = slot->got / feed->disk->geometry.block_size;
    return block && bf_slot_is_bad(slot, block - 1) ? 1 : TRIES;
}

static void leave_zero(struct bf_feed *feed, struct bf_slot *slot)
{
    uint32_t size = feed->disk->geometry.block_size, block = slot->got / size;
    BF_ASSERT(slot->got < slot->bytes && block < BF_SLOT_BLOCKS_MAX);
    if (!slot->unreadable++)
        memset(slot->bad, 0, sizeof slot->bad);
    slot->bad[block / 8] |= (uint8_t)(1u << block % 8);
    memset(slot->data + slot->got, 0, size);
    slot->growing = 1;
    bf_slot_pass(feed, slot, 1);
}

// The next try comes after a pause, twice as long as the one before.
static void rest(struct bf_slot *slot)
{
    slot->rest_us = slot->rest_us ? 2 * slot->rest_us : REST_LEAST_US;
    if (slot->rest_us > BF_FEED_REST_MOST_US)
        slot->rest_us = BF_FEED_REST_MOST_US;
    slot->rested_us = bf_platform_now_us() + slot->rest_us;
}

// Nothing is known about the block.
static enum bf_err in_trouble(struct bf_feed *feed, struct bf_slot *slot)
{
    uint64_t now = bf_platform_now_us();
    if (!slot->trouble_us)
        slot->trouble_us = now ? now : 1;
    if (now - slot->trouble_us >= BF_FEED_TROUBLE_US)
        return troubled(feed, slot);
    if (!feed->trouble_told) {
        char name[160];
        bf_identity_text(name, sizeof name, &feed->disk->identity);
        bf_log(BF_LOG_WARNING, "disk %s: reads fail for now; trying again for %u seconds", name,
               BF_FEED_TROUBLE_US / 1000000);
    }
    feed->trouble_told = 1;
    slot->tries = 0;
    rest(slot);
    return BF_OK;
}

// What was read last, the end, and some in between: not all of a disk is bad at the same time.
uint64_t bf_slot_witness_block(const struct bf_feed *feed, const struct bf_slot *slot)
{
    uint64_t blocks = feed->disk->geometry.blocks;
    BF_ASSERT(slot->witness && slot->witness <= WITNESSES);
    return slot->witness == 1 ? feed->witness : (blocks - 1) >> (slot->witness - 2);
}

// The disk was asked for another block, after this one had failed.
enum bf_err bf_slot_witness(struct bf_feed *feed, struct bf_slot *slot)
{
    if (slot->request.status && slot->witness++ < WITNESSES)
        return BF_OK;
    if (!slot->request.status)
        feed->witness = slot->request.block;
    slot->witness = 0;
    if (slot->request.status)
        return in_trouble(feed, slot);
    if (!feed->map_errors)
        return unreadable(feed, slot);
    leave_zero(feed, slot);
    return BF_OK;
}

enum bf_err bf_slot_failed(struct bf_feed *feed, struct bf_slot *slot)
{
    struct bf_block_request *r = &slot->request;
    BF_ASSERT(r->status && !slot->in_flight);
    if (r->status == BF_ERR_MEDIA)
        return bf_fault_set(&feed->fault, BF_ERR_MEDIA, BF_SIDE_SOURCE,
                            "put the disk back and start again", "a disk has been removed");
    if (r->status == BF_ERR_TIMEOUT)
        return silent(feed);
    if (slot->witness)
        return bf_slot_witness(feed, slot);
    if (r->status == BF_ERR_BUSY)
        return in_trouble(feed, slot);
    slot->part = r->count > 1 ? r->count / 2 : 1;
    slot->growing = 0;
    if (r->count == 1 && ++slot->tries >= tries_of(feed, slot))
        slot->witness = 1;
    else if (r->count == 1)
        rest(slot);
    return BF_OK;
}

int bf_slot_is_bad(const struct bf_slot *slot, uint32_t block)
{
    BF_ASSERT(block < BF_SLOT_BLOCKS_MAX);
    return slot->unreadable && (slot->bad[block / 8] >> block % 8 & 1);
}
