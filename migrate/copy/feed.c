// SPDX-License-Identifier: Apache-2.0
// The reading stage, see migrate/copy/feed.h. A slot holds some chunks in one piece of memory and
// has at most one request in flight; several slots make the queue deep. A blocking driver gets one
// request per turn, so that the network is looked after between any two.
#include "migrate/copy/feed.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/platform.h"
#include "migrate/copy/feed_errors.h"

enum {
    TRIES = 3,            // of one block, before it counts as unreadable
    RELEASE_US = 5000000, // how long free waits for a device
    ZERO_CHUNKS = 65536,  // in one slot; the maps are asked about each of them
};

enum bf_err bf_feed_init(struct bf_feed *feed, uint32_t memory_bytes)
{
    memset(feed, 0, sizeof *feed);
    feed->memory_bytes = memory_bytes < BF_FEED_MEMORY_MIN ? BF_FEED_MEMORY_MIN : memory_bytes;
    feed->memory = bf_alloc_aligned(feed->memory_bytes, BF_BLOCK_ALIGN_MAX);
    feed->slot = bf_alloc(BF_FEED_SLOTS * sizeof *feed->slot);
    if (feed->memory && feed->slot)
        return BF_OK;
    bf_feed_free(feed);
    return BF_ERR_NO_MEMORY;
}

static int any_in_flight(const struct bf_feed *feed)
{
    for (uint32_t i = 0; feed->slot && i < BF_FEED_SLOTS; i++)
        if (feed->slot[i].in_flight)
            return 1;
    return 0;
}

static void take_back(struct bf_feed *feed, struct bf_slot *slot)
{
    BF_ASSERT(slot->in_flight && slot->request.done);
    slot->in_flight = 0;
    feed->kept |= slot->request.kept;
}

static void drain(struct bf_feed *feed)
{
    bf_source_poll(feed->draining);
    for (uint32_t i = 0; i < BF_FEED_SLOTS; i++)
        if (feed->slot[i].in_flight && feed->slot[i].request.done)
            take_back(feed, &feed->slot[i]);
    if (!any_in_flight(feed))
        feed->draining = NULL;
}

void bf_feed_free(struct bf_feed *feed)
{
    uint64_t deadline = bf_platform_now_us() + RELEASE_US;
    bf_feed_stop(feed);
    while (feed->draining && bf_platform_now_us() < deadline) {
        drain(feed);
        if (feed->draining)
            bf_platform_idle(1000);
    }
    if (!feed->draining && !feed->kept)
        bf_free(feed->memory);
    if (!feed->draining)
        bf_free(feed->slot);
    feed->memory = NULL;
    feed->slot = NULL;
}

void bf_feed_start(struct bf_feed *feed, struct bf_source_disk *disk, struct bf_usage *usage,
                   const struct bf_geometry *g, uint64_t first, uint64_t end)
{
    uint64_t preferred = (uint64_t)disk->geometry.preferred_blocks * disk->geometry.block_size;
    uint32_t slot_bytes, most = BF_DATA_MAX / g->chunk_size, depth = disk->geometry.depth;
    BF_ASSERT(!feed->disk && bf_feed_quiet(feed));
    BF_ASSERT(first <= end && end <= bf_geometry_chunks(g));
    if (most > BF_DATA_CHUNKS_MAX)
        most = BF_DATA_CHUNKS_MAX;
    feed->slot_chunks =
        (uint32_t)(preferred / g->chunk_size < most ? preferred / g->chunk_size : most);
    if (!feed->slot_chunks)
        feed->slot_chunks = 1;
    slot_bytes = feed->slot_chunks * g->chunk_size + BF_BLOCK_ALIGN_MAX;
    feed->slots = feed->memory_bytes / slot_bytes;
    // Two beyond the queue: one that is being worked on, one whose reading is complete.
    if (feed->slots > depth + 2u + feed->ahead)
        feed->slots = depth + 2u + feed->ahead;
    if (feed->slots > BF_FEED_SLOTS)
        feed->slots = BF_FEED_SLOTS;
    BF_ASSERT(feed->slots > 0);
    for (uint32_t i = 0; i < feed->slots; i++) {
        BF_ASSERT(!feed->slot[i].in_flight);
        feed->slot[i].state = BF_SLOT_FREE;
        feed->slot[i].data = feed->memory + (size_t)i * slot_bytes;
    }
    if (feed->disk_of_witness != disk) {
        feed->disk_of_witness = disk;
        feed->witness = disk->geometry.blocks - 1;
        feed->trouble_told = 0;
    }
    feed->disk = disk;
    feed->usage = usage;
    feed->geometry = *g;
    feed->next = first;
    feed->end = end;
    feed->extent_end = 0;
    feed->head = feed->used = 0;
}

void bf_feed_stop(struct bf_feed *feed)
{
    if (feed->disk && any_in_flight(feed))
        feed->draining = feed->disk;
    feed->disk = NULL;
    feed->used = 0;
    feed->next = feed->end = 0;
}

int bf_feed_quiet(const struct bf_feed *feed)
{
    return feed->draining == NULL;
}

// What the driver knows about the place where reading stands.
static void look_for_zeros(struct bf_feed *feed, uint64_t at)
{
    uint32_t size = feed->disk->geometry.block_size;
    uint64_t blocks;
    if (at < feed->extent_end)
        return;
    feed->extent_zero = (uint8_t)bf_source_zeros(feed->disk, at / size, &blocks);
    feed->extent_end = at + blocks * size;
}

// Whole chunks of zeros from here on, 0 when there is something to read. *most: before the next
// ones.
static uint64_t zero_chunks(struct bf_feed *feed, uint64_t *most)
{
    uint32_t size = feed->geometry.chunk_size;
    uint64_t count;
    look_for_zeros(feed, feed->next * size);
    count = feed->extent_end / size;
    if (feed->extent_end >= feed->geometry.disk_bytes)
        count = feed->end;
    if (feed->extent_zero && count > feed->next)
        return count - feed->next < *most ? count - feed->next : *most;
    if (!feed->extent_zero && feed->extent_end % size)
        count++;
    if (!feed->extent_zero && count > feed->next && count - feed->next < *most)
        *most = count - feed->next;
    return 0;
}

// A run of chunks of one kind: as long as a slot when it has to be read, as long as the map or the
// driver says at once when not. What is unused and zero, too, is unused.
static uint32_t next_run(struct bf_feed *feed, struct bf_slot *slot)
{
    uint64_t most = feed->end - feed->next, all = most, zeros = zero_chunks(feed, &most), run;
    uint32_t to_read = feed->slot_chunks < most ? feed->slot_chunks : (uint32_t)most;
    int unused;
    if (zeros)
        to_read = zeros < ZERO_CHUNKS ? (uint32_t)zeros : ZERO_CHUNKS;
    run = bf_usage_run(feed->usage, feed->next, all, to_read, feed->geometry.chunk_size,
                       feed->geometry.disk_bytes, &unused);
    slot->unread = unused || zeros;
    slot->instead = unused ? BF_CHUNK_UNUSED : BF_CHUNK_ZERO;
    return run < UINT32_MAX ? (uint32_t)run : UINT32_MAX;
}

static void fill_slot(struct bf_feed *feed, struct bf_slot *slot)
{
    uint64_t offset = feed->next * feed->geometry.chunk_size;
    uint64_t rest = feed->geometry.disk_bytes - offset;
    BF_ASSERT(slot->state == BF_SLOT_FREE && !slot->in_flight);
    BF_ASSERT(feed->next < feed->end && feed->used < feed->slots);
    slot->count = next_run(feed, slot);
    BF_ASSERT(slot->count && slot->count <= feed->end - feed->next);
    BF_ASSERT(slot->unread || slot->count <= feed->slot_chunks);
    feed->left_out |= slot->unread && slot->instead == BF_CHUNK_UNUSED;
    slot->state = slot->unread ? BF_SLOT_READY : BF_SLOT_READING;
    slot->tries = slot->witness = 0;
    slot->rest_us = 0;
    slot->rested_us = slot->trouble_us = 0;
    slot->unreadable = slot->told = 0;
    slot->growing = 0;
    slot->part = feed->disk->geometry.max_blocks;
    slot->first = feed->next;
    slot->bytes = slot->unread ? 0 : slot->count * feed->geometry.chunk_size;
    if (slot->bytes > rest)
        slot->bytes = (uint32_t)rest;
    slot->got = slot->asked = slot->hashed = slot->classified = slot->framed = slot->sent = 0;
    if (slot->unread)
        slot->asked = slot->hashed = slot->classified = slot->count;
    feed->next += slot->count;
    feed->used++;
}

// Before the block that fails is found, parts become smaller only: each failing read may take
// seconds. Behind it they become larger again.
static void read_on(const struct bf_feed *feed, struct bf_slot *slot, uint32_t blocks)
{
    uint32_t most = feed->disk->geometry.max_blocks;
    if (slot->tries)
        slot->growing = 1;
    bf_slot_pass(feed, slot, blocks);
    if (slot->growing)
        slot->part = blocks < most / 2 ? 2 * blocks : most;
}

static enum bf_err finish_part(struct bf_feed *feed, struct bf_slot *slot)
{
    struct bf_block_request *r = &slot->request;
    take_back(feed, slot);
    if (!r->status)
        feed->bytes_read += (uint64_t)r->count * feed->disk->geometry.block_size;
    if (!r->status && slot->witness)
        return bf_slot_witness(feed, slot);
    if (!r->status) {
        feed->witness = r->block + r->count - 1;
        if (r->data != slot->data + slot->got)
            memmove(slot->data + slot->got, r->data,
                    (size_t)r->count * feed->disk->geometry.block_size);
        read_on(feed, slot, r->count);
        return BF_OK;
    }
    return bf_slot_failed(feed, slot);
}

// BF_AGAIN: the disk's queue is full.
static enum bf_err submit_part(struct bf_feed *feed, struct bf_slot *slot)
{
    uint32_t size = feed->disk->geometry.block_size;
    uint32_t left = (slot->bytes - slot->got) / size;
    uintptr_t align = feed->disk->geometry.alignment;
    struct bf_block_request *r = &slot->request;
    uint64_t offset = slot->first * feed->geometry.chunk_size + slot->got;
    enum bf_err err;
    BF_ASSERT(!slot->in_flight);
    r->block = offset / size;
    r->count = left < slot->part ? left : slot->part;
    if (slot->witness) {
        r->block = bf_slot_witness_block(feed, slot);
        r->count = 1;
    }
    BF_ASSERT(slot->got < slot->bytes && r->count && align <= BF_BLOCK_ALIGN_MAX);
    r->data = (void *)(((uintptr_t)slot->data + slot->got + align - 1) & ~(align - 1));
    err = bf_source_submit(feed->disk, r);
    if (err == BF_AGAIN)
        return err;
    if (err)
        return bf_fault_set(&feed->fault, err, BF_SIDE_SOURCE, "report this as a defect",
                            "a read was refused by the disk's driver");
    slot->in_flight = 1;
    return BF_OK;
}

static enum bf_err move_slot(struct bf_feed *feed, struct bf_slot *slot, int *moved, int *blocked)
{
    enum bf_err err = BF_OK;
    if (slot->in_flight && slot->request.done) {
        *moved = 1;
        err = finish_part(feed, slot);
    }
    if (err || slot->state != BF_SLOT_READING || slot->in_flight || *blocked ||
        (slot->rested_us && bf_platform_now_us() < slot->rested_us))
        return err;
    slot->rested_us = 0;
    err = submit_part(feed, slot);
    if (err == BF_AGAIN || feed->disk->geometry.blocking)
        *blocked = 1;
    if (!err)
        *moved = 1;
    return err == BF_AGAIN ? BF_OK : err;
}

enum bf_err bf_feed_poll(struct bf_feed *feed, int *moved)
{
    int blocked = 0;
    if (feed->draining)
        drain(feed);
    if (!feed->disk)
        return BF_OK;
    bf_source_poll(feed->disk);
    for (uint32_t i = 0; i < feed->used; i++) {
        struct bf_slot *slot = &feed->slot[(feed->head + i) % feed->slots];
        enum bf_err err = move_slot(feed, slot, moved, &blocked);
        if (err)
            return err;
    }
    while (!blocked && feed->next < feed->end && feed->used < feed->slots) {
        struct bf_slot *slot = &feed->slot[(feed->head + feed->used) % feed->slots];
        fill_slot(feed, slot);
        *moved |= slot->unread;
        enum bf_err err = move_slot(feed, slot, moved, &blocked);
        if (err)
            return err;
    }
    return BF_OK;
}

struct bf_slot *bf_feed_ready(struct bf_feed *feed, uint32_t i)
{
    struct bf_slot *slot;
    if (i >= feed->used)
        return NULL;
    slot = &feed->slot[(feed->head + i) % feed->slots];
    return slot->state == BF_SLOT_READY ? slot : NULL;
}

int bf_feed_empty(const struct bf_feed *feed)
{
    return feed->used == 0 && feed->next == feed->end;
}

void bf_feed_pop(struct bf_feed *feed)
{
    BF_ASSERT(feed->used > 0 && feed->slot[feed->head].state == BF_SLOT_READY);
    BF_ASSERT(!feed->slot[feed->head].in_flight);
    feed->slot[feed->head].state = BF_SLOT_FREE;
    feed->head = (feed->head + 1) % feed->slots;
    feed->used--;
}
