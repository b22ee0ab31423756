// SPDX-License-Identifier: Apache-2.0
// The store of the simulation, see tests/sim_store.h for its failure model.
#include "tests/sim_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/platform.h"
#include "tests/platform_sim.h"

static uint64_t chunk_offset(const struct sim_store_disk *d, uint64_t chunk)
{
    return chunk * d->geometry.chunk_size;
}

static enum bf_err store_base(void *impl, uint16_t disk, uint64_t first, uint32_t want,
                              enum bf_chunk_state *state, uint32_t *count,
                              struct bf_digest *digests)
{
    struct sim_store *s = impl;
    struct sim_store_disk *d = &s->disk[disk];
    uint64_t chunks = bf_geometry_chunks(&d->geometry);
    uint32_t n = 0, most = 1 + (uint32_t)(sim_random() % 40);
    if (first >= chunks || want > chunks - first)
        abort(); // the receiver judges ranges
    *state = (enum bf_chunk_state)d->chunk[first].state;
    while (n < want && n < most && d->chunk[first + n].state == *state) {
        digests[n] = d->chunk[first + n].digest;
        n++;
    }
    *count = n;
    return BF_OK;
}

// A chunk's contents before its first write since they were durable are kept for a power loss.
static void touch(struct sim_store_disk *d, uint64_t chunk)
{
    uint64_t at = chunk_offset(d, chunk);
    if (!d->chunk[chunk].dirty)
        memcpy(d->before + at, d->data + at, bf_geometry_chunk_bytes(&d->geometry, chunk));
    d->chunk[chunk].dirty = 1;
}

// A write that is held is looked at again when it is released: nothing of it may have changed.
static void hold(struct sim_store *s, struct bf_store_write *w)
{
    if (!s->holds || s->held == SIM_STORE_HELD || sim_random() % 4 == 0)
        return;
    w->held = 1;
    s->hold[s->held++] = w;
    if (s->held > s->most_held)
        s->most_held = s->held;
}

static void release(struct sim_store *s, uint32_t i)
{
    struct bf_store_write *w = s->hold[i];
    struct sim_store_disk *d = &s->disk[w->disk];
    if (memcmp(d->data + chunk_offset(d, w->first), w->raw, w->raw_len) != 0 ||
        !bf_digest_equal(&d->chunk[w->first].digest, &w->digests[0]))
        abort();
    w->held = 0;
    s->hold[i] = s->hold[--s->held];
}

static enum bf_err store_data(void *impl, struct bf_store_write *w)
{
    struct sim_store *s = impl;
    struct sim_store_disk *d = &s->disk[w->disk];
    const uint8_t *at = w->raw;
    if (s->session_sealed)
        abort(); // nothing may change after the point
    if ((s->queue_full_often && sim_random() % 4 == 0) || bf_platform_now_us() < s->stuck_until_us)
        return BF_AGAIN;
    if (w->raw_len > s->room)
        return bf_fault_set(&s->fault, BF_ERR_NO_SPACE, BF_SIDE_SERVER, "free some space",
                            "the store is full");
    if (s->room != UINT64_MAX)
        s->room -= w->raw_len;
    for (uint32_t i = 0; i < w->count; i++) {
        uint64_t chunk = w->first + i;
        uint32_t len = bf_geometry_chunk_bytes(&d->geometry, chunk);
        touch(d, chunk);
        memcpy(d->data + chunk_offset(d, chunk), at, len);
        d->chunk[chunk].state = BF_CHUNK_DATA;
        d->chunk[chunk].digest = w->digests[i];
        at += len;
        s->writes++;
    }
    if (at != (const uint8_t *)w->raw + w->raw_len)
        abort();
    hold(s, w);
    return BF_OK;
}

static enum bf_err store_clear(void *impl, uint16_t disk, uint64_t first, uint64_t count,
                               enum bf_chunk_state state)
{
    struct sim_store *s = impl;
    struct sim_store_disk *d = &s->disk[disk];
    if (s->session_sealed)
        abort();
    for (uint64_t i = first; i < first + count; i++) {
        touch(d, i);
        memset(d->data + chunk_offset(d, i), 0, bf_geometry_chunk_bytes(&d->geometry, i));
        d->chunk[i].state = (uint8_t)state;
        s->clears++;
    }
    return BF_OK;
}

static enum bf_err store_checkpoint(void *impl, uint16_t disk, uint64_t next_chunk)
{
    struct sim_store *s = impl;
    struct sim_store_disk *d = &s->disk[disk];
    uint64_t ready_us = bf_platform_now_us();
    if (d->queue == SIM_STORE_CHECKPOINTS)
        return BF_AGAIN;
    if (s->checkpoint_us)
        ready_us += sim_random() % s->checkpoint_us;
    d->queued[d->queue++] = (struct sim_checkpoint){next_chunk, ready_us};
    return BF_OK;
}

// Takes a while, like everything that goes to a disk, and is durable when it says so.
static enum bf_err store_restart(void *impl, uint16_t disk, uint64_t first)
{
    struct sim_store *s = impl;
    struct sim_store_disk *d = &s->disk[disk];
    if (s->session_sealed)
        return bf_fault_set(&s->fault, BF_ERR_DENIED, BF_SIDE_SOURCE, "report this", "sealed");
    if (first >= d->durable && !d->done && !d->queue)
        return BF_OK;
    if (d->queue)
        abort(); // it comes before anything else of the disk
    if (sim_random() % 2)
        return BF_AGAIN;
    d->durable = first < d->durable ? first : d->durable;
    d->done = 0;
    return BF_OK;
}

static uint64_t store_durable(void *impl, uint16_t disk)
{
    struct sim_store *s = impl;
    return s->disk[disk].durable;
}

static enum bf_err store_disk_done(void *impl, uint16_t disk, const struct bf_digest *root)
{
    struct sim_store *s = impl;
    s->disk[disk].root = *root;
    s->disk[disk].done = 1;
    return BF_OK;
}

static enum bf_err store_seal(void *impl, const struct bf_store_seal *what)
{
    struct sim_store *s = impl;
    if (what->disks != s->disks)
        abort();
    s->sealing_root = what->point_root;
    s->seal_steps = 3;
    s->damaged = 0;
    return BF_OK;
}

static void verify(struct sim_store *s)
{
    for (uint32_t i = 0; i < s->disks; i++) {
        struct sim_store_disk *d = &s->disk[i];
        for (uint64_t c = 0; c < bf_geometry_chunks(&d->geometry); c++) {
            uint32_t len = bf_geometry_chunk_bytes(&d->geometry, c);
            struct bf_digest now;
            int sound;
            bf_digest_of(&now, d->data + chunk_offset(d, c), len);
            sound = d->chunk[c].state == BF_CHUNK_DATA
                        ? bf_digest_equal(&now, &d->chunk[c].digest)
                        : d->chunk[c].state != BF_CHUNK_UNKNOWN &&
                              bf_is_zero(d->data + chunk_offset(d, c), len);
            if (sound)
                continue;
            d->chunk[c].state = BF_CHUNK_UNKNOWN;
            s->damaged++;
        }
    }
    s->need_disk = 0;
    s->need_chunk = 0;
}

static void make_point(struct sim_store *s)
{
    struct sim_point *p = &s->point[s->points++];
    if (s->points > SIM_STORE_POINTS)
        abort();
    p->disks = s->disks;
    p->root = s->sealing_root;
    for (uint32_t i = 0; i < s->disks; i++) {
        struct sim_store_disk *d = &s->disk[i];
        p->data[i] = malloc(d->geometry.disk_bytes);
        memcpy(p->data[i], d->data, d->geometry.disk_bytes);
        for (uint64_t c = 0; c < bf_geometry_chunks(&d->geometry); c++)
            d->chunk[c].dirty = 0;
        d->durable = bf_geometry_chunks(&d->geometry); // a point survives a loss of power
        d->done = 1;
    }
    s->session_sealed = 1;
}

static enum bf_err store_seal_poll(void *impl, struct bf_store_progress *progress, uint32_t *point,
                                   int64_t *time)
{
    struct sim_store *s = impl;
    progress->disk = 0;
    progress->total = 3;
    progress->done = 3 - s->seal_steps;
    if (s->seal_steps > 0) {
        s->seal_steps--;
        return BF_AGAIN;
    }
    if (!s->session_sealed) {
        verify(s);
        if (s->damaged)
            return BF_ERR_CORRUPT;
        make_point(s);
    }
    *point = s->points;
    *time = bf_platform_wall();
    return BF_OK;
}

static enum bf_err store_need(void *impl, uint16_t *disk, uint64_t *first, uint64_t *count)
{
    struct sim_store *s = impl;
    for (; s->need_disk < s->disks; s->need_disk++, s->need_chunk = 0) {
        struct sim_store_disk *d = &s->disk[s->need_disk];
        for (; s->need_chunk < bf_geometry_chunks(&d->geometry); s->need_chunk++) {
            if (d->chunk[s->need_chunk].state != BF_CHUNK_UNKNOWN)
                continue;
            *disk = (uint16_t)s->need_disk;
            *first = s->need_chunk++;
            *count = 1;
            return BF_OK;
        }
    }
    return BF_ERR_NOT_FOUND;
}

static void finish_checkpoint(struct sim_store_disk *d)
{
    for (uint64_t c = 0; c < d->queued[0].next_chunk; c++)
        d->chunk[c].dirty = 0;
    if (d->queued[0].next_chunk > d->durable)
        d->durable = d->queued[0].next_chunk;
    memmove(d->queued, d->queued + 1, --d->queue * sizeof d->queued[0]);
}

static enum bf_err store_poll(void *impl)
{
    struct sim_store *s = impl;
    if (s->held && sim_random() % 2)
        release(s, (uint32_t)(sim_random() % s->held));
    for (uint32_t i = 0; i < s->disks; i++) {
        struct sim_store_disk *d = &s->disk[i];
        while (d->queue && d->queued[0].ready_us <= bf_platform_now_us())
            finish_checkpoint(d);
    }
    return BF_OK;
}

static const struct bf_fault *store_fault(void *impl)
{
    struct sim_store *s = impl;
    return &s->fault;
}

static void store_abort(void *impl, const struct bf_fault *why)
{
    struct sim_store *s = impl;
    (void)why;
    while (s->held)
        release(s, 0);
}

static const struct bf_store_ops ops = {
    .base = store_base,
    .data = store_data,
    .clear = store_clear,
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
};

void sim_store_init(struct sim_store *store)
{
    memset(store, 0, sizeof *store);
    store->room = UINT64_MAX;
}

void sim_store_disk(struct sim_store *store, uint32_t i, const struct bf_geometry *g)
{
    struct sim_store_disk *d = &store->disk[i];
    d->geometry = *g;
    d->data = calloc(1, g->disk_bytes);
    d->before = calloc(1, g->disk_bytes);
    d->chunk = calloc(bf_geometry_chunks(g), sizeof *d->chunk);
    if (i >= store->disks)
        store->disks = i + 1;
}

void sim_store_free(struct sim_store *store)
{
    for (uint32_t i = 0; i < store->disks; i++) {
        free(store->disk[i].data);
        free(store->disk[i].before);
        free(store->disk[i].chunk);
        for (uint32_t p = 0; p < store->points; p++)
            free(store->point[p].data[i]);
    }
}

int sim_store_open(struct sim_store *store, const uint8_t session[16], const uint8_t boot[16])
{
    int same = store->has_session && memcmp(store->session, session, 16) == 0 &&
               memcmp(store->boot, boot, 16) == 0;
    memset(&store->fault, 0, sizeof store->fault);
    store->seal_steps = 0;
    // What was under way when the last connection ended was not waited for.
    for (uint32_t i = 0; i < store->disks; i++)
        store->disk[i].queue = 0;
    if (same)
        return 1;
    store->has_session = 1;
    store->session_sealed = 0;
    memcpy(store->session, session, 16);
    memcpy(store->boot, boot, 16);
    for (uint32_t i = 0; i < store->disks; i++) {
        store->disk[i].durable = 0;
        store->disk[i].done = 0;
    }
    return 0;
}

void sim_store_power_loss(struct sim_store *store)
{
    for (uint32_t i = 0; i < store->disks; i++) {
        struct sim_store_disk *d = &store->disk[i];
        d->queue = 0;
        for (uint64_t c = 0; c < bf_geometry_chunks(&d->geometry); c++) {
            uint64_t at = chunk_offset(d, c);
            uint32_t len = bf_geometry_chunk_bytes(&d->geometry, c), keep = 0;
            if (!d->chunk[c].dirty)
                continue;
            if (sim_random() % 3)
                keep = sim_random() % 2 ? len : (uint32_t)(sim_random() % len);
            memcpy(d->data + at + keep, d->before + at + keep, len - keep);
            d->chunk[c].state = BF_CHUNK_UNKNOWN;
            d->chunk[c].dirty = 0;
        }
        // A finished disk whose tail was lost is not finished.
        if (d->durable < bf_geometry_chunks(&d->geometry))
            d->done = 0;
    }
}

void sim_store_doubt(struct sim_store *store, uint32_t disk, uint64_t chunk)
{
    store->disk[disk].chunk[chunk].state = BF_CHUNK_UNKNOWN;
}

void sim_store_rot(struct sim_store *store, uint32_t disk, uint64_t offset)
{
    store->disk[disk].data[offset] ^= 0x40;
}

struct bf_store sim_store_interface(struct sim_store *store)
{
    return (struct bf_store){&ops, store};
}
