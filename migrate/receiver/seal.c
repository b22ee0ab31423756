// SPDX-License-Identifier: Apache-2.0
// From COMMIT to COMMITTED: every disk's root, the point's root compared with the source's, the
// store's own re-reading, and the repair of what it finds damaged. A point is all disks or nothing.
#include "base/assert.h"
#include "migrate/receiver/parts.h"

enum {
    VERIFYING_EVERY_US = 1000000,
    ROUNDS_MAX = 16, // a store that is damaged again each time is not worth a seventeenth
};

static uint64_t chunks_of(const struct bf_receiver *r, uint16_t index)
{
    return bf_geometry_chunks(&r->session->opened.plan[index].geometry);
}

static enum bf_err put_need(struct bf_receiver *r, const struct bf_need *need)
{
    uint8_t *room = bf_channel_room(&r->channel, 64);
    if (!room)
        return BF_AGAIN;
    bf_channel_put(&r->channel, bf_put_need(room, 64, need));
    r->needs++;
    return BF_OK;
}

// The roots of disks that were finished on an earlier connection, or repaired, come from the store.
// Where it is in doubt, that range is asked for, and COMMIT comes again.
static enum bf_err form_roots(struct bf_receiver *r, int *asked)
{
    for (uint16_t i = 0; i < r->session->opened.disks; i++) {
        struct bf_receiver_disk *d = &r->disk[i];
        struct bf_need need = {r->session->opened.plan[i].disk, 0, 0, 0};
        enum bf_err err;
        if (!d->done)
            return bf_receiver_bad_frame(r, "COMMIT before DISK_DONE of every disk");
        if (d->rooted)
            continue;
        err = bf_receiver_catch_up(r, i, chunks_of(r, i), &need.first, &need.count);
        if (err == BF_ERR_CORRUPT && r->state != BF_RECEIVER_FAILING) {
            *asked = 1;
            return put_need(r, &need);
        }
        if (err)
            return err;
        BF_ASSERT(d->root.next_chunk == chunks_of(r, i));
        bf_root_final(&d->root, &d->digest);
        d->rooted = 1;
    }
    return BF_OK;
}

enum bf_err bf_receiver_commit(struct bf_receiver *r, const struct bf_frame *f)
{
    const struct bf_store *store = &r->session->opened.store;
    struct bf_store_seal what = {.disk_roots = r->roots, .disks = r->session->opened.disks};
    int asked = 0;
    enum bf_err err;
    BF_ASSERT(!r->checked && !r->stored && !r->range_done); // no frame is half dealt with
    if (bf_get_commit(f, &r->commit))
        return bf_receiver_bad_frame(r, "COMMIT");
    err = form_roots(r, &asked);
    if (err || asked)
        return err;
    for (uint16_t i = 0; i < r->session->opened.disks; i++) {
        BF_ASSERT(r->disk[i].done && r->disk[i].rooted);
        r->roots[i] = r->disk[i].digest;
    }
    bf_point_root(r->roots, what.disks, &what.point_root);
    if (!bf_digest_equal(&what.point_root, &r->commit.point_root))
        return bf_receiver_refuse(
            r, BF_ERR_CORRUPT, r->needs ? BF_SIDE_SOURCE : BF_SIDE_SERVER,
            r->needs ? "check the source's disks" : "look at the server's log",
            "what is stored is not what the source %sread", r->needs ? "first " : "");
    what.source_clock = r->commit.clock;
    err = store->ops->seal(store->impl, &what);
    if (err)
        return err == BF_AGAIN ? err : bf_receiver_fault_from_store(r, err);
    r->state = BF_RECEIVER_SEALING;
    if (r->host->phase)
        r->host->phase(r->host->impl, "verifying");
    return BF_OK;
}

static void tell_verifying(struct bf_receiver *r, const struct bf_store_progress *progress)
{
    struct bf_verifying m = {progress->disk, progress->done, progress->total};
    uint8_t *room = bf_channel_room(&r->channel, 64);
    if (!room || m.done > m.total || r->now_us - r->told_us < VERIFYING_EVERY_US)
        return;
    bf_channel_put(&r->channel, bf_put_verifying(room, 64, &m));
    r->told_us = r->now_us;
    r->moved = 1;
}

static enum bf_err sealed(struct bf_receiver *r, uint32_t point, int64_t time)
{
    struct bf_committed m = {point, time, r->commit.point_root};
    uint8_t *room = bf_channel_room(&r->channel, 128);
    BF_ASSERT(r->state == BF_RECEIVER_SEALING);
    if (!room)
        return BF_AGAIN;
    bf_channel_put(&r->channel, bf_put_committed(room, 128, &m));
    r->state = BF_RECEIVER_DONE;
    r->ends_us = r->now_us + BF_FAREWELL_US;
    r->moved = 1;
    if (r->host->phase)
        r->host->phase(r->host->impl, "sealed");
    return BF_OK;
}

// Fetches the next damaged range; BF_ERR_NOT_FOUND after the last, or at the limit of a round.
static enum bf_err next_need(struct bf_receiver *r, struct bf_need *need)
{
    const struct bf_store *store = &r->session->opened.store;
    if (r->needs_round == BF_NEED_MAX)
        return BF_ERR_NOT_FOUND;
    r->needs_round++;
    return store->ops->need(store->impl, &need->disk, &need->first, &need->count);
}

static enum bf_err begin_needing(struct bf_receiver *r)
{
    enum bf_err err;
    BF_ASSERT(r->state == BF_RECEIVER_SEALING && r->rounds <= ROUNDS_MAX);
    r->needs_round = 0;
    if (++r->rounds > ROUNDS_MAX)
        return bf_receiver_refuse(r, BF_ERR_CORRUPT, BF_SIDE_SERVER, "check the server's disks",
                                  "the store was found damaged %d times in a row", ROUNDS_MAX);
    err = next_need(r, &r->need);
    if (err == BF_ERR_NOT_FOUND)
        err = BF_ERR_CORRUPT;
    if (err)
        return bf_receiver_fault_from_store(r, err);
    r->state = BF_RECEIVER_NEEDING;
    return BF_OK;
}

enum bf_err bf_receiver_seal_step(struct bf_receiver *r)
{
    const struct bf_store *store = &r->session->opened.store;
    struct bf_store_progress progress = {0};
    uint32_t point = 0;
    int64_t time = 0;
    enum bf_err err = store->ops->seal_poll(store->impl, &progress, &point, &time);
    if (err == BF_AGAIN) {
        tell_verifying(r, &progress);
        return err;
    }
    if (err == BF_OK)
        return sealed(r, point, time);
    return err == BF_ERR_CORRUPT ? begin_needing(r) : bf_receiver_fault_from_store(r, err);
}

enum bf_err bf_receiver_need_step(struct bf_receiver *r)
{
    while (r->state == BF_RECEIVER_NEEDING) {
        struct bf_need after = {0};
        enum bf_err err;
        BF_ASSERT(r->needs_round && r->needs_round <= BF_NEED_MAX);
        if (!bf_channel_room(&r->channel, 64))
            return BF_AGAIN;
        err = next_need(r, &after);
        if (err && err != BF_ERR_NOT_FOUND)
            return bf_receiver_fault_from_store(r, err);
        r->need.more = err == BF_OK;
        put_need(r, &r->need);
        r->need = after;
        r->moved = 1;
        if (err) {
            r->state = BF_RECEIVER_RECEIVING;
            if (r->host->phase)
                r->host->phase(r->host->impl, "receiving");
        }
    }
    return BF_OK;
}
