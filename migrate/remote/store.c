// SPDX-License-Identifier: Apache-2.0
// The operations of the store far away, one or two frames each.
#include "base/assert.h"
#include "migrate/remote/parts.h"

enum { SLOW_READ_US = 1000000 }; // of a blocking driver, beyond which the server is told

static enum bf_err store_base(void *impl, uint16_t disk, uint64_t first, uint32_t want,
                              enum bf_chunk_state *state, uint32_t *count,
                              struct bf_digest *digests)
{
    return bf_remote_base(impl, disk, first, want, state, count, digests);
}

static enum bf_err store_prepare(void *impl, struct bf_store_write *write)
{
    return bf_remote_prepare(impl, write);
}

static enum bf_err store_data(void *impl, struct bf_store_write *write)
{
    return bf_remote_data(impl, write);
}

// ---- Ranges ------------------------------------------------------------------------------------

// Joins chunks that need no data to the range before them.
static enum bf_err join(struct bf_remote *r, uint16_t disk, uint8_t state, uint64_t first,
                        uint64_t count)
{
    struct bf_range *range = &r->range;
    int fits = range->disk == disk && range->state == state && range->first + range->count == first;
    BF_ASSERT(bf_remote_takes_chunks(r) && count);
    if (range->count && !fits && !bf_remote_flush(r))
        return BF_AGAIN;
    if (!range->count)
        *range = (struct bf_range){.disk = disk, .state = state, .first = first};
    range->count += count;
    return BF_OK;
}

static enum bf_err store_clear(void *impl, uint16_t disk, uint64_t first, uint64_t count,
                               enum bf_chunk_state state)
{
    return join(impl, disk, (uint8_t)state, first, count);
}

static enum bf_err store_keep(void *impl, uint16_t disk, uint64_t first, uint64_t count)
{
    return join(impl, disk, BF_RANGE_SAME, first, count);
}

// ---- What follows ------------------------------------------------------------------------------

// Room for a frame behind the range that is being joined; NULL: not now.
static uint8_t *room_behind(struct bf_remote *r, size_t size)
{
    return bf_remote_flush(r) ? bf_channel_room(&r->channel, size) : NULL;
}

static enum bf_err store_checkpoint(void *impl, uint16_t disk, uint64_t next_chunk)
{
    struct bf_remote *r = impl;
    struct bf_checkpoint m = {disk, next_chunk};
    uint8_t *room = room_behind(r, 64);
    BF_ASSERT(r->state == BF_REMOTE_OPEN);
    if (!room)
        return BF_AGAIN;
    bf_channel_put(&r->channel, bf_put_checkpoint(room, 64, BF_MSG_CHECKPOINT, &m));
    return BF_OK;
}

// The first range of the disk says so, and the server keeps to the order.
static enum bf_err store_restart(void *impl, uint16_t disk, uint64_t first)
{
    (void)impl, (void)disk, (void)first;
    return BF_OK;
}

static uint64_t store_durable(void *impl, uint16_t disk)
{
    const struct bf_remote *r = impl;
    int index = bf_store_index(&r->opened, disk);
    return index < 0 ? 0 : r->durable[index];
}

static enum bf_err store_disk_done(void *impl, uint16_t disk, const struct bf_digest *root)
{
    struct bf_remote *r = impl;
    struct bf_disk_done m = {disk, *root};
    uint8_t *room = room_behind(r, 64);
    BF_ASSERT(r->state == BF_REMOTE_OPEN);
    if (!room)
        return BF_AGAIN;
    bf_channel_put(&r->channel, bf_put_disk_done(room, 64, &m));
    return BF_OK;
}

static enum bf_err store_seal(void *impl, const struct bf_store_seal *what)
{
    struct bf_remote *r = impl;
    struct bf_commit m = {.point_root = what->point_root, .clock = what->source_clock};
    uint8_t *room = room_behind(r, 64);
    BF_ASSERT(bf_remote_takes_chunks(r) && what->disks == r->opened.disks);
    if (!room)
        return BF_AGAIN;
    bf_channel_put(&r->channel, bf_put_commit(room, 64, &m));
    r->point_root = what->point_root;
    r->needs = r->need_at = 0;
    r->state = BF_REMOTE_SEALING;
    return BF_OK;
}

static enum bf_err store_seal_poll(void *impl, struct bf_store_progress *progress, uint32_t *point,
                                   int64_t *time)
{
    const struct bf_remote *r = impl;
    BF_ASSERT(r->state >= BF_REMOTE_SEALING);
    *progress =
        (struct bf_store_progress){r->verifying.disk, r->verifying.done, r->verifying.total};
    if (r->state != BF_REMOTE_SEALED)
        return r->state == BF_REMOTE_REPAIRING ? BF_ERR_CORRUPT : BF_AGAIN;
    *point = r->committed.point;
    *time = r->committed.time;
    return BF_OK;
}

static enum bf_err store_need(void *impl, uint16_t *disk, uint64_t *first, uint64_t *count)
{
    struct bf_remote *r = impl;
    const struct bf_need *need = &r->need[r->need_at];
    BF_ASSERT(r->state == BF_REMOTE_REPAIRING && r->need_at <= r->needs);
    if (r->need_at == r->needs)
        return BF_ERR_NOT_FOUND;
    r->need_at++;
    *disk = need->disk;
    *first = need->first;
    *count = need->count;
    return BF_OK;
}

// The connection is polled by its owner.
static enum bf_err store_poll(void *impl)
{
    const struct bf_remote *r = impl;
    return r->channel.failed;
}

static const struct bf_fault *store_fault(void *impl)
{
    const struct bf_remote *r = impl;
    return r->channel.failed ? &r->channel.fault : NULL;
}

static void store_abort(void *impl, const struct bf_fault *why)
{
    bf_remote_give_up(impl, why);
    bf_remote_packs_forget(impl);
}

static uint64_t store_traffic(void *impl)
{
    return bf_remote_sent(impl);
}

// ---- What else the source knows ----------------------------------------------------------------

static enum bf_err store_unreadable(void *impl, const struct bf_unreadable *what)
{
    struct bf_remote *r = impl;
    uint8_t *room = room_behind(r, 64);
    if (!room)
        return BF_AGAIN;
    bf_channel_put(&r->channel, bf_put_unreadable(room, 64, what));
    return BF_OK;
}

static enum bf_err store_place(void *impl, const struct bf_place *what)
{
    struct bf_remote *r = impl;
    size_t most = 1024 + BF_PLACE_SPANS_MAX * sizeof(struct bf_place_span);
    uint8_t *room = bf_channel_room(&r->channel, most);
    if (!room)
        return BF_AGAIN;
    bf_channel_put(&r->channel, bf_put_place(room, most, what));
    return BF_OK;
}

static enum bf_err store_event(void *impl, const struct bf_event *what)
{
    struct bf_remote *r = impl;
    uint8_t *room = bf_channel_room(&r->channel, BF_SMALL_FRAME);
    if (!room)
        return BF_AGAIN;
    bf_channel_put(&r->channel, bf_put_event(room, BF_SMALL_FRAME, what));
    return BF_OK;
}

// A driver that blocks keeps us from the network: the server is told how long that may take.
static void store_held_up(void *impl, uint64_t blocked_us)
{
    struct bf_remote *r = impl;
    uint64_t ms = blocked_us / 1000 * 4;
    struct bf_busy m = {ms < BF_BUSY_MAX_MS ? (uint32_t)ms : BF_BUSY_MAX_MS};
    uint8_t *room = bf_channel_room(&r->channel, 64);
    if (blocked_us < SLOW_READ_US || m.ms <= r->busy_ms || !room)
        return;
    bf_channel_put(&r->channel, bf_put_busy(room, 64, &m));
    r->busy_ms = m.ms;
}

const struct bf_store_ops bf_remote_ops = {
    .base = store_base,
    .prepare = store_prepare,
    .data = store_data,
    .clear = store_clear,
    .keep = store_keep,
    .checkpoint = store_checkpoint,
    .restart = store_restart,
    .durable = store_durable,
    .disk_done = store_disk_done,
    .seal = store_seal,
    .seal_poll = store_seal_poll,
    .need = store_need,
    .poll = store_poll,
    .fault = store_fault,
    .abort = store_abort,
    .unreadable = store_unreadable,
    .place = store_place,
    .event = store_event,
    .held_up = store_held_up,
    .traffic = store_traffic,
};
