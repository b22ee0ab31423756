// SPDX-License-Identifier: Apache-2.0
// The copy pipeline, see migrate/copy/copy.h: which span of which disk is read, from where, and
// what has to follow it. Hashing and what the store prepares run ahead of giving
// (migrate/copy/data.c), so that a slow store and a busy processor overlap; giving keeps the order
// of the disk, in which the root is formed as well. Repairs take the same way without base, order
// and root.
#include "migrate/copy/copy.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "migrate/copy/parts.h"

enum {
    CHECKPOINT_BYTES = 32 * 1024 * 1024,
    CHECKPOINT_US = 1000000,
};

// ---- Making ------------------------------------------------------------------------------------

static void count_disks(struct bf_copy *c)
{
    const struct bf_inventory *inv = c->config.inventory;
    BF_ASSERT(inv->disks <= BF_PROTO_DISKS_MAX);
    c->progress->disks = inv->disks;
    for (uint16_t i = 0; i < inv->disks; i++) {
        struct bf_progress_disk *p = &c->progress->disk[i];
        p->bytes = inv->disk[i].identity.bytes;
        p->planned = inv->disk[i].planned;
        if (!p->planned)
            continue;
        c->disks++;
        c->progress->bytes_total += p->bytes;
    }
}

struct bf_copy *bf_copy_new(const struct bf_copy_config *config)
{
    struct bf_copy *c = bf_alloc_aligned(sizeof *c, _Alignof(struct bf_copy));
    if (!c)
        return NULL;
    c->config = *config;
    c->progress = config->progress;
    c->current = c->usage_of = BF_NO_DISK;
    count_disks(c);
    c->disk = bf_alloc((c->disks ? c->disks : 1) * sizeof *c->disk);
    c->mark = bf_alloc(BF_MARKS * sizeof *c->mark);
    if (c->disk && c->mark && bf_copy_work_init(c))
        return c;
    bf_copy_free(c);
    return NULL;
}

enum bf_err bf_copy_read_with(struct bf_copy *c, uint32_t bytes)
{
    enum bf_err err;
    BF_ASSERT(c->state == BF_COPY_CLOSED && !c->feed.memory);
    err = bf_feed_init(&c->feed, bytes);
    if (err)
        return err;
    c->feed.ahead = c->workers->count;
    c->feed.map_errors = c->config.map_errors;
    return BF_OK;
}

int bf_copy_free(struct bf_copy *c)
{
    if (!c)
        return 1;
    bf_usage_free(c->usage);
    bf_free(c->disk);
    bf_free(c->mark);
    if (!bf_copy_work_free(c)) {
        bf_feed_stop(&c->feed);
        return 0;
    }
    bf_feed_free(&c->feed);
    bf_free(c);
    return 1;
}

const struct bf_fault *bf_copy_fault(const struct bf_copy *c)
{
    return &c->fault;
}

int bf_copy_moved(const struct bf_copy *c)
{
    return c->moved;
}

int bf_copy_is_reading(const struct bf_copy *c)
{
    return c->current != BF_NO_DISK;
}

uint32_t bf_copy_durables(const struct bf_copy *c)
{
    return c->durables;
}

int bf_copy_got_on(struct bf_copy *c)
{
    int got_on = c->got_on;
    c->got_on = 0;
    return got_on;
}

int bf_copy_wants_anew(const struct bf_copy *c)
{
    return c->anew;
}

// ---- The store's answers -----------------------------------------------------------------------

static uint64_t traffic(const struct bf_copy *c)
{
    const struct bf_store *store = &c->opened->store;
    return store->ops->traffic ? store->ops->traffic(store->impl) : c->progress->data_bytes;
}

// ---- Where to begin ----------------------------------------------------------------------------

// Forgets marks beyond what the store has: copying will pass there again. In a new session these
// are all.
static void forget_marks(struct bf_copy *c, uint16_t index, uint64_t beyond)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->marks; i++)
        if (c->mark[i].disk != index || c->mark[i].chunk <= beyond)
            c->mark[kept++] = c->mark[i];
    c->marks = kept;
}

static const struct bf_mark *best_mark(const struct bf_copy *c, uint16_t index, uint64_t chunk)
{
    const struct bf_mark *best = NULL;
    for (uint32_t i = 0; i < c->marks; i++)
        if (c->mark[i].disk == index && c->mark[i].chunk <= chunk)
            if (!best || c->mark[i].chunk > best->chunk)
                best = &c->mark[i];
    return best;
}

// When all places are taken every second one is given up: copying can still continue from a mark
// before the durable point, only a little earlier.
static void add_mark(struct bf_copy *c)
{
    if (c->marks == BF_MARKS) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < c->marks; i += 2)
            c->mark[kept++] = c->mark[i];
        c->marks = kept;
    }
    BF_ASSERT(c->marks < BF_MARKS);
    BF_ASSERT(!c->repair && c->root.next_chunk == c->given);
    c->mark[c->marks].disk = c->current;
    c->mark[c->marks].chunk = c->given;
    c->mark[c->marks].unreadable = c->disk[c->current].progress->unreadable;
    c->mark[c->marks++].root = c->root;
}

// More is durable than ever before in this session.
static void note_furthest(struct bf_copy *c, struct bf_copy_disk *d, uint64_t chunk)
{
    if (chunk <= d->furthest)
        return;
    d->furthest = chunk;
    c->got_on = 1;
}

static void became_durable(struct bf_copy *c, uint16_t index, uint64_t chunk)
{
    struct bf_copy_disk *d = &c->disk[index];
    const struct bf_mark *best = best_mark(c, index, chunk);
    uint64_t from = best ? best->chunk : 0;
    uint32_t kept = 0;
    BF_ASSERT(chunk <= bf_geometry_chunks(&d->plan.geometry));
    d->durable = chunk;
    d->progress->durable = bf_copy_position(d, chunk);
    c->durables++;
    note_furthest(c, d, chunk);
    for (uint32_t i = 0; i < c->marks; i++)
        if (c->mark[i].disk != index || c->mark[i].chunk >= from)
            c->mark[kept++] = c->mark[i];
    c->marks = kept;
}

static void look_what_is_durable(struct bf_copy *c)
{
    const struct bf_store *store = &c->opened->store;
    for (uint16_t i = 0; i < c->disks; i++) {
        uint64_t chunk = store->ops->durable(store->impl, c->disk[i].plan.disk);
        if (chunk != c->disk[i].durable)
            became_durable(c, i, chunk);
    }
}

const char *bf_copy_plan_is_unsound(const struct bf_copy *c, const struct bf_store_opened *opened,
                                    uint16_t i)
{
    const struct bf_inventory *inv = c->config.inventory;
    const struct bf_planned_disk *p = &opened->plan[i];
    struct bf_source_disk *const *disks = c->config.disks;
    if (p->disks != c->disks || i >= c->disks)
        return "a different number of disks than planned";
    if (i && p->disk <= p[-1].disk)
        return "disks out of order";
    if (p->inventory_disk >= inv->disks || !inv->disk[p->inventory_disk].planned ||
        !disks[p->inventory_disk])
        return "a disk that is not planned";
    if (p->geometry.disk_bytes != bf_source_bytes(disks[p->inventory_disk]) ||
        p->geometry.block_size != disks[p->inventory_disk]->geometry.block_size)
        return "a disk of another size";
    for (uint16_t k = 0; k < i; k++)
        if (opened->plan[k].inventory_disk == p->inventory_disk)
            return "a disk twice";
    if (p->resume_chunk && !(opened->resumed && opened->can & BF_STORE_RESUME))
        return "a point of resumption in a new session";
    if (p->has_base && !(opened->can & BF_STORE_BASE))
        return "a base that the store does not have";
    return NULL;
}

// What is known of another disk, or in chunks of another size, says nothing about this one.
static int is_another(const struct bf_copy_disk *d, const struct bf_planned_disk *plan)
{
    return d->plan.inventory_disk != plan->inventory_disk ||
           d->plan.geometry.chunk_size != plan->geometry.chunk_size;
}

static void begin_with(struct bf_copy *c, uint16_t i, const struct bf_planned_disk *plan)
{
    struct bf_copy_disk *d = &c->disk[i];
    int another = is_another(d, plan);
    if (another)
        d->done = 0;
    // Of a connection that broke, the last word on what is durable may not have come, but holds.
    if (another || !c->opened->resumed)
        d->furthest = 0;
    d->plan = *plan;
    d->source = c->config.disks[plan->inventory_disk];
    d->progress = &c->progress->disk[plan->inventory_disk];
    forget_marks(c, i, another ? 0 : plan->resume_chunk);
    d->durable = plan->resume_chunk;
    note_furthest(c, d, plan->resume_chunk);
    if (plan->resume_chunk < bf_geometry_chunks(&plan->geometry))
        d->done = 0;
    d->told = d->done && plan->done;
    d->progress->done = d->done;
    d->progress->durable = bf_copy_position(d, plan->resume_chunk);
    d->progress->position = d->done ? d->progress->bytes : 0;
}

void bf_copy_begin(struct bf_copy *c, const struct bf_store_opened *opened, uint64_t now_us)
{
    BF_ASSERT(c->state == BF_COPY_CLOSED && c->feed.memory);
    BF_ASSERT(opened->disks == c->disks);
    c->opened = opened;
    c->now_us = now_us;
    c->anew = 0;
    c->asleep_told = 0;
    c->durables = 0;
    c->feed.left_out &= opened->resumed;
    for (uint16_t i = 0; i < c->disks; i++) {
        BF_ASSERT(!bf_copy_plan_is_unsound(c, opened, i));
        begin_with(c, i, &opened->plan[i]);
    }
    c->state = BF_COPY_COPYING;
    c->progress->phase = BF_PHASE_COPYING;
}

void bf_copy_stop(struct bf_copy *c)
{
    bf_feed_stop(&c->feed);
    bf_workers_cancel(c->workers);
    c->first = c->held = c->batches = 0;
    c->current = BF_NO_DISK;
    c->opened = NULL;
    c->state = BF_COPY_CLOSED;
}

int bf_copy_drain(struct bf_copy *c)
{
    int moved = 0;
    if (!bf_feed_quiet(&c->feed))
        bf_feed_poll(&c->feed, &moved);
    return bf_feed_quiet(&c->feed);
}

// The maps of all planned disks, turned to one of them at a time; they are kept over sessions.
// When everything is copied they are there to be told about.
static struct bf_usage *usage_of(struct bf_copy *c, uint16_t index)
{
    if (c->usage_of != index)
        bf_usage_select(c->usage, c->disk[index].source);
    c->usage_of = index;
    return c->copy_whole ? NULL : c->usage;
}

static void begin_span(struct bf_copy *c, uint16_t index, uint64_t first, uint64_t end)
{
    struct bf_copy_disk *d = &c->disk[index];
    BF_ASSERT(c->current == BF_NO_DISK && index < c->disks);
    BF_ASSERT(first <= end && end <= bf_geometry_chunks(&d->plan.geometry));
    c->current = index;
    c->given = c->classified = first;
    c->span_end = end;
    c->restarted = 0;
    bf_copy_base_forget(c);
    c->marked_us = c->now_us;
    c->marked_chunk = first;
    c->marked_bytes = traffic(c);
    bf_feed_start(&c->feed, d->source, usage_of(c, index), &d->plan.geometry, first, end);
    bf_copy_work_start(c);
    c->moved = 1;
}

static enum bf_err begin_disk(struct bf_copy *c, uint16_t index)
{
    struct bf_copy_disk *d = &c->disk[index];
    const struct bf_mark *mark = best_mark(c, index, d->plan.resume_chunk);
    enum bf_err err = bf_copy_look(c);
    if (err)
        return err;
    c->repair = 0;
    c->places_told = 0;
    c->place_again = UINT32_MAX;
    d->progress->unreadable = mark ? mark->unreadable : 0;
    if (mark)
        c->root = mark->root;
    else
        bf_root_init(&c->root, &d->plan.geometry);
    begin_span(c, index, c->root.next_chunk, bf_geometry_chunks(&d->plan.geometry));
    return BF_OK;
}

// ---- Checkpoints -------------------------------------------------------------------------------

static enum bf_err checkpoint(struct bf_copy *c, int at_end)
{
    const struct bf_store *store = &c->opened->store;
    enum bf_err err;
    BF_ASSERT(c->marked_chunk <= c->given && c->given <= c->span_end);
    if (c->repair || c->given == c->marked_chunk)
        return BF_OK;
    if (!at_end && traffic(c) - c->marked_bytes < CHECKPOINT_BYTES &&
        c->now_us - c->marked_us < CHECKPOINT_US)
        return BF_OK;
    err = bf_copy_report_unreadable(c);
    if (!err)
        err = bf_copy_answer(
            c, store->ops->checkpoint(store->impl, c->disk[c->current].plan.disk, c->given));
    if (err)
        return err;
    add_mark(c);
    c->marked_us = c->now_us;
    c->marked_chunk = c->given;
    c->marked_bytes = traffic(c);
    return BF_OK;
}

// ---- Ends --------------------------------------------------------------------------------------

static void end_span(struct bf_copy *c)
{
    bf_feed_stop(&c->feed);
    c->current = BF_NO_DISK;
    c->moved = 1;
}

// The last chunk is with the store: what has to follow it?
static enum bf_err finish_span(struct bf_copy *c)
{
    struct bf_copy_disk *d = &c->disk[c->current];
    enum bf_err err;
    BF_ASSERT(c->given == c->span_end && !c->batches);
    if (!bf_copy_all_released(c))
        return BF_AGAIN;
    if (c->repair) {
        end_span(c);
        return BF_OK;
    }
    err = checkpoint(c, 1);
    if (!err)
        err = bf_copy_report_places(c); // what has changed since
    if (err)
        return err;
    BF_ASSERT(c->root.next_chunk == bf_geometry_chunks(&d->plan.geometry));
    bf_root_final(&c->root, &d->digest);
    d->done = 1;
    d->progress->done = 1;
    d->progress->root = d->digest;
    end_span(c);
    return BF_OK;
}

static enum bf_err report_disk_done(struct bf_copy *c, struct bf_copy_disk *d)
{
    const struct bf_store *store = &c->opened->store;
    enum bf_err err;
    BF_ASSERT(d->done && !d->told);
    err = bf_copy_answer(c, store->ops->disk_done(store->impl, d->plan.disk, &d->digest));
    if (err)
        return err;
    d->told = 1;
    c->moved = 1;
    return BF_OK;
}

static enum bf_err seal(struct bf_copy *c)
{
    const struct bf_store *store = &c->opened->store;
    struct bf_store_seal what = {.disk_roots = c->roots, .disks = c->disks};
    enum bf_err err;
    for (uint16_t i = 0; i < c->disks; i++) {
        BF_ASSERT(c->disk[i].done && c->disk[i].told);
        c->roots[i] = c->disk[i].digest;
    }
    bf_point_root(c->roots, c->disks, &what.point_root);
    what.source_clock = c->config.clock ? c->config.clock() : 0;
    err = bf_copy_answer(c, store->ops->seal(store->impl, &what));
    if (err)
        return err;
    c->progress->point_root = what.point_root;
    if (!c->progress->copied_us)
        c->progress->copied_us = c->now_us;
    c->state = BF_COPY_SEALING;
    if (c->opened->can & BF_STORE_VERIFY)
        c->progress->phase = BF_PHASE_VERIFYING;
    c->moved = 1;
    return BF_OK;
}

// Between two spans: the next disk, the next repair, or the end of all.
static enum bf_err next_span(struct bf_copy *c)
{
    BF_ASSERT(c->need_at <= c->needs && c->needs <= BF_NEED_MAX);
    if (!bf_feed_quiet(&c->feed) || !bf_workers_quiet(c->workers))
        return BF_AGAIN;
    if (c->state == BF_COPY_REPAIRING && c->need_at < c->needs) {
        const struct bf_need *need = &c->need[c->need_at++];
        c->repair = 1;
        begin_span(c, need->disk, need->first, need->first + need->count);
        return BF_OK;
    }
    for (uint16_t i = 0; i < c->disks; i++) {
        struct bf_copy_disk *d = &c->disk[i];
        enum bf_err err;
        if (!d->done)
            return begin_disk(c, i);
        err = d->told ? BF_OK : report_disk_done(c, d);
        if (err)
            return err;
    }
    return seal(c);
}

// ---- Sealing -----------------------------------------------------------------------------------

static void note_verified(struct bf_copy *c, const struct bf_store_progress *p)
{
    int index = p->total ? bf_store_index(c->opened, p->disk) : -1;
    struct bf_progress_disk *disk;
    for (int i = 0; i < index; i++)
        c->disk[i].progress->verified = c->disk[i].progress->bytes;
    if (index < 0)
        return;
    disk = c->disk[index].progress;
    disk->verified = p->done < disk->bytes ? p->done : disk->bytes;
}

// What the store wants again. What it cannot name is not asked of it.
static enum bf_err collect_needs(struct bf_copy *c)
{
    const struct bf_store *store = &c->opened->store;
    BF_ASSERT(c->state == BF_COPY_SEALING);
    c->needs = c->need_at = 0;
    while (c->needs < BF_NEED_MAX) {
        struct bf_need need = {0};
        uint64_t chunks;
        int index;
        enum bf_err err = store->ops->need(store->impl, &need.disk, &need.first, &need.count);
        if (err == BF_ERR_NOT_FOUND)
            break;
        index = bf_store_index(c->opened, need.disk);
        chunks = index < 0 ? 0 : bf_geometry_chunks(&c->disk[index].plan.geometry);
        if (!err && (need.first > chunks || need.count > chunks - need.first))
            err = BF_ERR_RANGE;
        if (err)
            return bf_copy_answer(c, err);
        need.disk = (uint16_t)index;
        c->need[c->needs++] = need;
    }
    c->state = BF_COPY_REPAIRING;
    c->progress->phase = BF_PHASE_REPAIRING;
    c->moved = 1;
    return c->needs ? BF_OK : bf_copy_answer(c, BF_ERR_CORRUPT);
}

static enum bf_err sealing(struct bf_copy *c)
{
    const struct bf_store *store = &c->opened->store;
    struct bf_store_progress progress = {0};
    int64_t time = 0;
    uint32_t point = 0;
    enum bf_err err = store->ops->seal_poll(store->impl, &progress, &point, &time);
    if (err == BF_ERR_CORRUPT)
        return collect_needs(c);
    if (err == BF_AGAIN)
        note_verified(c, &progress);
    if (err)
        return bf_copy_answer(c, err);
    for (uint16_t i = 0; i < c->disks; i++)
        c->disk[i].progress->verified = c->disk[i].progress->durable = c->disk[i].progress->bytes;
    c->progress->point = point;
    c->progress->committed_us = c->now_us;
    c->state = BF_COPY_SEALED;
    return BF_OK;
}

// ---- The turn ----------------------------------------------------------------------------------

static enum bf_err read_some(struct bf_copy *c)
{
    const struct bf_store *store = &c->opened->store;
    struct bf_source_disk *disk = c->disk[c->current].source;
    uint64_t blocked = disk->blocked_us;
    int moved = 0;
    enum bf_err err = bf_feed_poll(&c->feed, &moved);
    c->moved |= (uint8_t)moved;
    c->progress->read_bytes = c->feed.bytes_read;
    if (store->ops->held_up)
        store->ops->held_up(store->impl, disk->blocked_us - blocked);
    if (err)
        c->fault = c->feed.fault;
    return err ? c->fault.code : BF_OK;
}

static enum bf_err restart(struct bf_copy *c)
{
    const struct bf_store *store = &c->opened->store;
    enum bf_err err;
    if (c->repair || c->restarted)
        return BF_OK;
    BF_ASSERT(!c->held && !c->batches && c->given == c->marked_chunk);
    err = bf_copy_answer(c,
                         store->ops->restart(store->impl, c->disk[c->current].plan.disk, c->given));
    c->restarted = err == BF_OK;
    return err;
}

static enum bf_err copy_span(struct bf_copy *c)
{
    enum bf_err err = restart(c);
    if (!err && !c->repair)
        err = bf_copy_report_places(c);
    if (!err)
        err = read_some(c);
    if (!err)
        err = bf_copy_move_data(c);
    if (!err)
        err = checkpoint(c, 0);
    if ((!err || err == BF_AGAIN) && c->given == c->span_end && bf_feed_empty(&c->feed))
        err = finish_span(c);
    return err;
}

enum bf_err bf_copy_step(struct bf_copy *c, uint64_t now_us)
{
    const struct bf_store *store = c->opened ? &c->opened->store : NULL;
    enum bf_err err;
    BF_ASSERT((c->opened != NULL) == (c->state != BF_COPY_CLOSED));
    BF_ASSERT(c->current == BF_NO_DISK || c->current < c->disks);
    BF_ASSERT(c->current == BF_NO_DISK || c->state == BF_COPY_COPYING ||
              c->state == BF_COPY_REPAIRING);
    c->moved = 0;
    if (c->state == BF_COPY_CLOSED || c->state == BF_COPY_SEALED)
        return c->state == BF_COPY_SEALED ? BF_OK : BF_AGAIN;
    c->now_us = now_us;
    err = bf_copy_answer(c, store->ops->poll(store->impl));
    if (err && err != BF_AGAIN)
        return err;
    look_what_is_durable(c);
    if (c->state == BF_COPY_SEALING) {
        err = sealing(c);
        return c->state == BF_COPY_SEALED || err ? err : BF_AGAIN;
    }
    err = bf_copy_heed_asleep(c);
    if (!err)
        err = c->current == BF_NO_DISK ? next_span(c) : copy_span(c);
    return err ? err : BF_AGAIN;
}
