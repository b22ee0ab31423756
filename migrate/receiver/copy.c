// SPDX-License-Identifier: Apache-2.0
// Ranges of a disk as the receiver takes them: in order, inside the disk, with digests that it
// computed itself. The root is formed of what was stored, and is compared with the source's.
#include <string.h>

#include "base/assert.h"
#include "migrate/receiver/parts.h"

enum {
    CATCH_UP_RUNS = 64, // answers of the store used per turn
    PACE_US = 100000,
    PACE_BYTES = 65536, // below that nobody's pace matters, unless the store is waited for
};

static uint64_t chunks_of(const struct bf_receiver *r, uint16_t index)
{
    return bf_geometry_chunks(&r->session->opened.plan[index].geometry);
}

// BF_OK and BF_AGAIN as they are; a failure in the store's own words.
static enum bf_err from_store(struct bf_receiver *r, enum bf_err err)
{
    return err && err != BF_AGAIN ? bf_receiver_fault_from_store(r, err) : err;
}

static enum bf_err ask_base(struct bf_receiver *r, uint16_t index, uint64_t first, uint64_t want,
                            enum bf_chunk_state *state, uint32_t *count)
{
    const struct bf_store *store = &r->session->opened.store;
    uint32_t most = want < BF_BASE_ENTRIES_MAX ? (uint32_t)want : BF_BASE_ENTRIES_MAX;
    BF_ASSERT(want && first + want <= chunks_of(r, index));
    enum bf_err err = store->ops->base(store->impl, r->session->opened.plan[index].disk, first,
                                       most, state, count, r->digests);
    if (!err && (!*count || *count > most))
        err = BF_ERR_IO;
    return err;
}

enum bf_err bf_receiver_catch_up(struct bf_receiver *r, uint16_t index, uint64_t to,
                                 uint64_t *doubt, uint64_t *count)
{
    struct bf_receiver_disk *d = &r->disk[index];
    enum bf_chunk_state state;
    uint32_t run;
    BF_ASSERT(to <= chunks_of(r, index));
    if (d->root.next_chunk > to)
        bf_root_init(&d->root, &r->session->opened.plan[index].geometry);
    for (int i = 0; d->root.next_chunk < to; i++) {
        uint64_t first = d->root.next_chunk;
        enum bf_err err;
        if (i == CATCH_UP_RUNS) {
            r->moved = 1;
            return BF_AGAIN;
        }
        err = ask_base(r, index, first, to - first, &state, &run);
        if (err)
            return from_store(r, err);
        if (state == BF_CHUNK_UNKNOWN) {
            *doubt = first;
            *count = run;
            return BF_ERR_CORRUPT;
        }
        bf_root_add(&d->root, state, run, r->digests);
    }
    return BF_OK;
}

// What comes in order must join what was before; after NEED, chunks come where the store is in
// doubt, and nowhere else. Returns BF_OK with *index.
static enum bf_err place(struct bf_receiver *r, uint16_t number, uint64_t first, uint64_t count,
                         uint16_t *index)
{
    int found = bf_store_index(&r->session->opened, number);
    struct bf_receiver_disk *d;
    uint64_t chunks;
    if (found < 0)
        return bf_receiver_bad_frame(r, "a disk that is not planned");
    *index = (uint16_t)found;
    d = &r->disk[found];
    chunks = chunks_of(r, *index);
    if (first > chunks || count > chunks - first)
        return bf_receiver_bad_frame(r, "a range beyond the end of the disk");
    if (d->begun && !d->done && first != d->next)
        return bf_receiver_bad_frame(r, "a range out of order");
    if (!d->begun && first > d->next)
        return bf_receiver_bad_frame(r, "a range after the point of resumption");
    return BF_OK;
}

static enum bf_err place_repair(struct bf_receiver *r, uint16_t index, uint64_t first,
                                uint64_t count)
{
    while (count > 0) {
        enum bf_chunk_state state;
        uint32_t run;
        enum bf_err err = ask_base(r, index, first, count, &state, &run);
        if (err)
            return from_store(r, err);
        if (state != BF_CHUNK_UNKNOWN)
            return bf_receiver_bad_frame(r, "a repair that was not requested");
        first += run;
        count -= run;
    }
    return BF_OK;
}

// The root has to be formed again where it covers what was repaired.
static void note_repair(struct bf_receiver *r, uint16_t index, uint64_t first)
{
    struct bf_receiver_disk *d = &r->disk[index];
    BF_ASSERT(d->done);
    d->rooted = 0;
    if (first < d->root.next_chunk)
        bf_root_init(&d->root, &r->session->opened.plan[index].geometry);
}

// A disk that is done takes repairs only, but only once it was asked for some: before that, a
// range means that the source begins the disk again.
static int is_repair(const struct bf_receiver *r, uint16_t index)
{
    return r->disk[index].done && (r->disk[index].begun || r->needs > 0);
}

// The first range of the disk on this connection, before any of it is stored. What is durable goes
// back to there first, and only then what is known of the bytes behind it: a connection that breaks
// in between, or later, leaves nothing durable about which less is known than was told.
static enum bf_err begin_disk(struct bf_receiver *r, uint16_t index, uint64_t first)
{
    const struct bf_store *store = &r->session->opened.store;
    struct bf_receiver_disk *d = &r->disk[index];
    const struct bf_planned_disk *plan = &r->session->opened.plan[index];
    struct bf_fault fault = {0};
    enum bf_err err;
    if (d->begun || is_repair(r, index))
        return BF_OK;
    BF_ASSERT(first <= d->next && !d->root.next_chunk && !r->stored);
    err = store->ops->restart(store->impl, plan->disk, first);
    if (err)
        return from_store(r, err);
    d->begun = 1;
    d->done = 0;
    d->rooted = 0;
    d->next = d->told = first;
    d->told_bad = first * plan->geometry.chunk_size;
    if (r->host->rereading)
        err = r->host->rereading(r->host->impl, plan->disk, d->told_bad, &fault);
    return err ? bf_receiver_fault_from_host(r, err, &fault) : BF_OK;
}

static void advance(struct bf_receiver *r, uint16_t index, uint64_t count, uint64_t raw,
                    uint64_t wire)
{
    struct bf_receiver_disk *d = &r->disk[index];
    BF_ASSERT(d->begun && !d->done);
    BF_ASSERT(d->next <= chunks_of(r, index) && count <= chunks_of(r, index) - d->next);
    d->next += count;
    if (r->host->progress)
        r->host->progress(r->host->impl, r->session->opened.plan[index].disk, d->next, raw, wire);
}

static uint64_t raw_bytes(const struct bf_geometry *g, uint64_t first, uint64_t count)
{
    uint64_t begin = first * g->chunk_size, end = begin + count * g->chunk_size;
    BF_ASSERT(begin <= g->disk_bytes);
    return (end < g->disk_bytes ? end : g->disk_bytes) - begin;
}

// Decompresses, and compares every digest. Afterwards *raw is what may be stored.
static enum bf_err check_data(struct bf_receiver *r, const struct bf_geometry *g,
                              const struct bf_data *m, const uint8_t **raw)
{
    static const uint64_t caps[] = {0, BF_CAP_LZ4, BF_CAP_ZSTD};
    const uint8_t *at;
    *raw = m->codec == BF_CODEC_NONE ? m->body : r->raw;
    if (r->checked)
        return BF_OK;
    if (raw_bytes(g, m->first, m->count) != m->raw_len)
        return bf_receiver_bad_frame(r, "DATA whose length is not that of its chunks");
    if (m->codec != BF_CODEC_NONE) {
        if (!(r->session->welcome.caps & caps[m->codec]))
            return bf_receiver_bad_frame(r, "a compression that was not agreed on");
        if (bf_decompress(r->decompressor, (enum bf_codec)m->codec, r->raw, m->raw_len, m->body,
                          m->body_len))
            return bf_receiver_bad_frame(r, "DATA that cannot be decompressed");
    }
    at = *raw;
    for (uint32_t i = 0; i < m->count; i++) {
        struct bf_digest computed;
        uint32_t len = bf_geometry_chunk_bytes(g, m->first + i);
        bf_digest_of(&computed, at, len);
        if (memcmp(computed.bytes, m->digests + i * sizeof computed, sizeof computed) != 0)
            return bf_receiver_refuse(r, BF_ERR_CORRUPT, BF_SIDE_SOURCE, "test the source's memory",
                                      "chunk %llu of disk %u arrived with a different digest",
                                      (unsigned long long)(m->first + i), m->disk);
        at += len;
    }
    r->checked = 1;
    return BF_OK;
}

// The frame, and what it was decompressed to, stay until the store holds neither.
static enum bf_err store_data(struct bf_receiver *r, const struct bf_data *m, const uint8_t *raw)
{
    const struct bf_store *store = &r->session->opened.store;
    enum bf_err err = BF_OK;
    BF_ASSERT(r->checked && (r->stored || !r->write.held));
    if (!r->stored) {
        r->write = (struct bf_store_write){
            .disk = m->disk,
            .count = m->count,
            .first = m->first,
            .digests = (const struct bf_digest *)m->digests, // bytes only: nothing to align
            .raw = raw,
            .raw_len = m->raw_len,
        };
        err = store->ops->data(store->impl, &r->write);
    }
    if (err == BF_AGAIN)
        return err;
    r->stored = err == BF_OK;
    if (r->stored && r->write.held)
        return BF_AGAIN;
    r->stored = r->checked = 0;
    return from_store(r, err);
}

enum bf_err bf_receiver_data(struct bf_receiver *r, const struct bf_frame *f)
{
    const struct bf_geometry *g;
    const uint8_t *raw;
    struct bf_data m;
    uint16_t index = 0;
    enum bf_err err;
    if (bf_get_data(f, &m))
        return bf_receiver_bad_frame(r, "DATA");
    err = place(r, m.disk, m.first, m.count, &index);
    if (err)
        return err;
    g = &r->session->opened.plan[index].geometry;
    err = check_data(r, g, &m, &raw);
    if (!err)
        err = begin_disk(r, index, m.first);
    if (err)
        return err;
    if (is_repair(r, index) && !r->stored) {
        err = place_repair(r, index, m.first, m.count);
        if (err)
            return err;
    }
    err = store_data(r, &m, raw);
    if (err)
        return err;
    if (is_repair(r, index)) {
        note_repair(r, index, m.first);
        return BF_OK;
    }
    if (r->disk[index].root.next_chunk == m.first)
        bf_root_add(&r->disk[index].root, BF_CHUNK_DATA, m.count, r->write.digests);
    advance(r, index, m.count, m.raw_len, f->length);
    return BF_OK;
}

// SAME: the store must know what it has there, for each chunk. The root takes the store's word.
static enum bf_err take_same(struct bf_receiver *r, uint16_t index, const struct bf_range *m)
{
    struct bf_receiver_disk *d = &r->disk[index];
    BF_ASSERT(m->first == d->next && r->range_done <= m->count);
    for (int i = 0; r->range_done < m->count; i++) {
        uint64_t first = m->first + r->range_done;
        enum bf_chunk_state state;
        uint32_t run;
        enum bf_err err;
        if (i == CATCH_UP_RUNS) {
            r->moved = 1;
            return BF_AGAIN;
        }
        err = ask_base(r, index, first, m->count - r->range_done, &state, &run);
        if (err)
            return from_store(r, err);
        if (state == BF_CHUNK_UNKNOWN)
            return bf_receiver_bad_frame(r, "SAME where the server has nothing certain");
        if (d->root.next_chunk == first)
            bf_root_add(&d->root, state, run, r->digests);
        r->range_done += run;
    }
    r->range_done = 0;
    return BF_OK;
}

static enum bf_err take_clear(struct bf_receiver *r, uint16_t index, const struct bf_range *m)
{
    const struct bf_store *store = &r->session->opened.store;
    struct bf_receiver_disk *d = &r->disk[index];
    enum bf_chunk_state state = (enum bf_chunk_state)m->state;
    enum bf_err err = store->ops->clear(store->impl, m->disk, m->first, m->count, state);
    if (err)
        return from_store(r, err);
    if (!is_repair(r, index) && d->root.next_chunk == m->first)
        bf_root_add(&d->root, state, m->count, NULL);
    return BF_OK;
}

enum bf_err bf_receiver_range(struct bf_receiver *r, const struct bf_frame *f)
{
    struct bf_range m;
    uint16_t index = 0;
    enum bf_err err;
    if (bf_get_range(f, &m))
        return bf_receiver_bad_frame(r, "RANGE");
    err = place(r, m.disk, m.first, m.count, &index);
    if (err)
        return err;
    if (is_repair(r, index)) {
        err = m.state == BF_RANGE_SAME ? bf_receiver_bad_frame(r, "SAME as a repair")
                                       : place_repair(r, index, m.first, m.count);
        if (err)
            return err;
        err = take_clear(r, index, &m);
        if (!err)
            note_repair(r, index, m.first);
        return err;
    }
    err = begin_disk(r, index, m.first);
    if (!err)
        err = m.state == BF_RANGE_SAME ? take_same(r, index, &m) : take_clear(r, index, &m);
    if (err)
        return err;
    advance(r, index, m.count,
            raw_bytes(&r->session->opened.plan[index].geometry, m.first, m.count), f->length);
    return BF_OK;
}

enum bf_err bf_receiver_unreadable(struct bf_receiver *r, const struct bf_frame *f)
{
    struct bf_fault fault = {0};
    struct bf_receiver_disk *d;
    struct bf_unreadable m;
    enum bf_err err = BF_OK;
    int index;
    if (bf_get_unreadable(f, &m))
        return bf_receiver_bad_frame(r, "UNREADABLE");
    index = bf_store_index(&r->session->opened, m.disk);
    if (index < 0 || !r->disk[index].begun || r->disk[index].done)
        return bf_receiver_bad_frame(r, "UNREADABLE of a disk that is not being copied");
    d = &r->disk[index];
    if (m.offset < d->told_bad ||
        m.offset + m.bytes > raw_bytes(&r->session->opened.plan[index].geometry, 0, d->next))
        return bf_receiver_bad_frame(r, "UNREADABLE outside of what was sent");
    d->told_bad = m.offset + m.bytes;
    if (r->host->unreadable)
        err = r->host->unreadable(r->host->impl, &m, &fault);
    return err ? bf_receiver_fault_from_host(r, err, &fault) : BF_OK;
}

enum bf_err bf_receiver_base_want(struct bf_receiver *r, const struct bf_frame *f)
{
    struct bf_base_want m;
    int index;
    uint64_t chunks;
    if (bf_get_base_want(f, &m))
        return bf_receiver_bad_frame(r, "BASE_WANT");
    index = bf_store_index(&r->session->opened, m.disk);
    if (index < 0)
        return bf_receiver_bad_frame(r, "BASE_WANT for a disk that is not planned");
    chunks = chunks_of(r, (uint16_t)index);
    if (m.first > chunks || m.count > chunks - m.first)
        return bf_receiver_bad_frame(r, "BASE_WANT beyond the end of the disk");
    if (r->wants == BF_BASE_WANTS_MAX)
        return bf_receiver_bad_frame(r, "too many BASE_WANT");
    r->want[(r->want_at + r->wants++) % BF_BASE_WANTS_MAX] =
        (struct bf_receiver_want){(uint16_t)index, m.first, m.count};
    return BF_OK;
}

enum bf_err bf_receiver_answer_base(struct bf_receiver *r)
{
    size_t most = BF_FRAME_HEADER + 32 + BF_BASE_ENTRIES_MAX * sizeof(struct bf_digest);
    while (r->wants > 0) {
        struct bf_receiver_want *want = &r->want[r->want_at];
        enum bf_chunk_state state;
        uint32_t run;
        enum bf_err err;
        uint8_t *room = bf_channel_room(&r->channel, most);
        BF_ASSERT(r->want_at < BF_BASE_WANTS_MAX && r->wants <= BF_BASE_WANTS_MAX);
        if (!room)
            return BF_AGAIN;
        err = ask_base(r, want->disk, want->first, want->count, &state, &run);
        if (err)
            return from_store(r, err);
        struct bf_base_run answer = {r->session->opened.plan[want->disk].disk, (uint8_t)state,
                                     want->first, run, r->digests[0].bytes};
        bf_channel_put(&r->channel, bf_put_base(room, most, &answer));
        r->moved = 1;
        want->first += run;
        want->count -= run;
        if (!want->count) {
            r->want_at = (r->want_at + 1) % BF_BASE_WANTS_MAX;
            r->wants--;
        }
    }
    return BF_OK;
}

enum bf_err bf_receiver_checkpoint(struct bf_receiver *r, const struct bf_frame *f)
{
    const struct bf_store *store = &r->session->opened.store;
    struct bf_checkpoint m;
    enum bf_err err;
    int index;
    if (bf_get_checkpoint(f, &m) || f->type != BF_MSG_CHECKPOINT)
        return bf_receiver_bad_frame(r, "CHECKPOINT");
    index = bf_store_index(&r->session->opened, m.disk);
    if (index < 0 || !r->disk[index].begun || m.next_chunk != r->disk[index].next)
        return bf_receiver_bad_frame(r, "CHECKPOINT not at the last range");
    BF_ASSERT(!r->write.held && !r->range_done);
    err = store->ops->checkpoint(store->impl, m.disk, m.next_chunk);
    return from_store(r, err);
}

void bf_receiver_report_pace(struct bf_receiver *r)
{
    uint64_t whole = 0, came = r->channel.bytes_in - r->paced_bytes;
    struct bf_pace m;
    uint8_t *room = bf_channel_room(&r->channel, 64);
    for (int i = 0; i < 3; i++)
        whole += r->pace_us[i];
    if (whole < PACE_US || !room)
        return;
    m.waited = (uint16_t)(r->pace_us[BF_RECEIVER_WAITS_PEER] * 1000 / whole);
    m.stored = (uint16_t)(r->pace_us[BF_RECEIVER_WAITS_STORE] * 1000 / whole);
    if (came > PACE_BYTES || m.stored) {
        bf_channel_put(&r->channel, bf_put_pace(room, 64, &m));
        r->moved = 1;
    }
    memset(r->pace_us, 0, sizeof r->pace_us);
    r->paced_bytes = r->channel.bytes_in;
}

void bf_receiver_report_durable(struct bf_receiver *r)
{
    const struct bf_store *store = &r->session->opened.store;
    for (uint16_t i = 0; i < r->session->opened.disks; i++) {
        struct bf_receiver_disk *d = &r->disk[i];
        struct bf_checkpoint m = {r->session->opened.plan[i].disk, 0};
        uint8_t *room = bf_channel_room(&r->channel, 64);
        BF_ASSERT(d->told <= d->next);
        m.next_chunk = store->ops->durable(store->impl, m.disk);
        if (!room || !d->begun || m.next_chunk <= d->told || m.next_chunk > d->next)
            continue;
        bf_channel_put(&r->channel, bf_put_checkpoint(room, 64, BF_MSG_DURABLE, &m));
        d->told = m.next_chunk;
        r->moved = 1;
    }
}

enum bf_err bf_receiver_disk_done(struct bf_receiver *r, const struct bf_frame *f)
{
    const struct bf_store *store = &r->session->opened.store;
    struct bf_disk_done m;
    struct bf_receiver_disk *d;
    uint64_t doubt, count;
    enum bf_err err;
    int index;
    if (bf_get_disk_done(f, &m))
        return bf_receiver_bad_frame(r, "DISK_DONE");
    index = bf_store_index(&r->session->opened, m.disk);
    if (index < 0 || r->disk[index].next != chunks_of(r, (uint16_t)index))
        return bf_receiver_bad_frame(r, "DISK_DONE before the end of the disk");
    d = &r->disk[index];
    err = bf_receiver_catch_up(r, (uint16_t)index, d->next, &doubt, &count);
    if (err == BF_ERR_CORRUPT && r->state != BF_RECEIVER_FAILING)
        return bf_receiver_refuse(r, err, BF_SIDE_SERVER, "look at the server's log",
                                  "the store lost chunk %llu of disk %u while it was written",
                                  (unsigned long long)doubt, m.disk);
    if (err)
        return err;
    BF_ASSERT(d->root.next_chunk == d->next);
    bf_root_final(&d->root, &d->digest);
    if (!bf_digest_equal(&d->digest, &m.root))
        return bf_receiver_refuse(
            r, BF_ERR_CORRUPT, BF_SIDE_SERVER,
            "make sure that no other machine was started from this medium, and start again; if "
            "this happens again, check the server's disk and memory",
            "disk %u: what is stored is not what the source read", m.disk);
    err = store->ops->disk_done(store->impl, m.disk, &m.root);
    if (err)
        return from_store(r, err);
    d->rooted = d->done = d->begun = 1;
    return BF_OK;
}
