// SPDX-License-Identifier: Apache-2.0
// The manifest as a file: a header, run records, a trailer with the root, all streamed, so that
// memory does not depend on the disk's size. The reader believes nothing: every count is judged
// against the geometry and the root is computed again. docs/formats.md has the bytes.
#include "image/manifest.h"

#include <string.h>

#include "base/bytes.h"
#include "base/cursor.h"

#define MAGIC "BFMANIFT" // 8 bytes, no NUL
enum {
    VERSION = 1,
    HEADER = 40,
    RECORD = 16,
    TRAILER_STATE = 255,
};

static enum bf_err put(struct bf_manifest_writer *w, const void *bytes, size_t len)
{
    if (!w->failed && len)
        w->failed = w->sink.write(w->sink.user, bytes, len);
    return w->failed;
}

static enum bf_err put_record(struct bf_manifest_writer *w, uint8_t state, uint64_t count)
{
    uint8_t bytes[RECORD] = {state};
    struct bf_writer cursor;
    bf_writer_init(&cursor, bytes + 8, 8);
    bf_put_u64(&cursor, count);
    return put(w, bytes, sizeof bytes);
}

static enum bf_err put_pending(struct bf_manifest_writer *w)
{
    uint64_t count = w->pending;
    w->pending = 0;
    return count ? put_record(w, w->pending_state, count) : w->failed;
}

enum bf_err bf_manifest_begin(struct bf_manifest_writer *w, const struct bf_geometry *g,
                              struct bf_manifest_sink sink)
{
    uint8_t bytes[HEADER] = {0};
    struct bf_writer cursor;
    memset(w, 0, sizeof *w);
    w->sink = sink;
    w->failed = bf_geometry_check(g);
    if (w->failed)
        return w->failed;
    bf_root_init(&w->root, g);
    bf_writer_init(&cursor, bytes, sizeof bytes);
    bf_put_bytes(&cursor, MAGIC, 8);
    bf_put_u32(&cursor, VERSION);
    bf_put_u32(&cursor, HEADER);
    bf_put_u64(&cursor, g->disk_bytes);
    bf_put_u32(&cursor, g->block_size);
    bf_put_u32(&cursor, g->chunk_size);
    return put(w, bytes, sizeof bytes);
}

enum bf_err bf_manifest_add(struct bf_manifest_writer *w, enum bf_chunk_state state, uint64_t count,
                            const struct bf_digest *digests)
{
    if (w->failed || !count)
        return w->failed;
    w->failed = bf_root_add(&w->root, state, count, digests);
    if (w->failed)
        return w->failed;
    if (state == BF_CHUNK_DATA) {
        put_pending(w);
        put_record(w, BF_CHUNK_DATA, count);
        return put(w, digests, count * sizeof *digests);
    }
    if (w->pending_state != state)
        put_pending(w);
    w->pending_state = (uint8_t)state;
    w->pending += count;
    return w->failed;
}

enum bf_err bf_manifest_end(struct bf_manifest_writer *w, struct bf_digest *root_out)
{
    struct bf_digest root;
    if (w->failed)
        return w->failed;
    w->failed = bf_root_final(&w->root, &root);
    put_pending(w);
    put_record(w, TRAILER_STATE, w->root.next_chunk);
    put(w, root.bytes, sizeof root.bytes);
    if (!w->failed && root_out)
        *root_out = root;
    return w->failed;
}

// Exactly len bytes; an early end is corruption.
static enum bf_err get(struct bf_manifest_reader *r, void *out, size_t len)
{
    uint8_t *at = out;
    while (len > 0 && !r->failed) {
        size_t got = 0;
        r->failed = r->source.read(r->source.user, at, len, &got);
        if (!r->failed && (got == 0 || got > len))
            r->failed = BF_ERR_CORRUPT;
        if (!r->failed) {
            at += got;
            len -= got;
        }
    }
    return r->failed;
}

enum bf_err bf_manifest_open(struct bf_manifest_reader *r, struct bf_manifest_source source)
{
    uint8_t bytes[HEADER];
    struct bf_reader cursor;
    memset(r, 0, sizeof *r);
    r->source = source;
    if (get(r, bytes, sizeof bytes))
        return r->failed;
    if (memcmp(bytes, MAGIC, 8) != 0)
        return r->failed = BF_ERR_CORRUPT;
    bf_reader_init(&cursor, bytes + 8, sizeof bytes - 8);
    if (bf_get_u32(&cursor) != VERSION)
        return r->failed = BF_ERR_VERSION;
    if (bf_get_u32(&cursor) != HEADER)
        return r->failed = BF_ERR_CORRUPT;
    r->geometry.disk_bytes = bf_get_u64(&cursor);
    r->geometry.block_size = bf_get_u32(&cursor);
    r->geometry.chunk_size = bf_get_u32(&cursor);
    if (bf_get_u64(&cursor) != 0 || bf_geometry_check(&r->geometry))
        return r->failed = BF_ERR_CORRUPT;
    bf_root_init(&r->root, &r->geometry);
    return BF_OK;
}

static enum bf_err check_trailer(struct bf_manifest_reader *r, uint64_t chunks)
{
    struct bf_digest stored, computed;
    uint8_t beyond;
    size_t got = 0;
    if (chunks != r->next || get(r, stored.bytes, sizeof stored.bytes) ||
        bf_root_final(&r->root, &computed) || !bf_digest_equal(&stored, &computed))
        return r->failed ? r->failed : (r->failed = BF_ERR_CORRUPT);
    r->failed = r->source.read(r->source.user, &beyond, 1, &got);
    if (!r->failed && got)
        r->failed = BF_ERR_CORRUPT;
    if (r->failed)
        return r->failed;
    r->finished = 1;
    return BF_ERR_CLOSED;
}

static enum bf_err next_record(struct bf_manifest_reader *r)
{
    uint8_t bytes[RECORD];
    static const uint8_t reserved[7];
    uint64_t count;
    if (get(r, bytes, sizeof bytes))
        return r->failed;
    count = bf_le64(bytes + 8);
    if (memcmp(bytes + 1, reserved, sizeof reserved) != 0)
        return r->failed = BF_ERR_CORRUPT;
    if (bytes[0] == TRAILER_STATE)
        return check_trailer(r, count);
    if (bytes[0] >= BF_CHUNK_UNKNOWN || !count ||
        count > bf_geometry_chunks(&r->geometry) - r->next)
        return r->failed = BF_ERR_CORRUPT;
    r->run_state = bytes[0];
    r->run_left = count;
    return BF_OK;
}

enum bf_err bf_manifest_next(struct bf_manifest_reader *r, struct bf_manifest_run *run)
{
    if (r->failed)
        return r->failed;
    if (r->finished)
        return BF_ERR_CLOSED;
    if (!r->run_left) {
        enum bf_err err = next_record(r);
        if (err)
            return err;
    }
    run->state = (enum bf_chunk_state)r->run_state;
    run->first = r->next;
    run->count = r->run_left;
    if (run->state == BF_CHUNK_DATA) {
        if (run->count > BF_MANIFEST_BATCH)
            run->count = BF_MANIFEST_BATCH;
        if (get(r, run->digests, run->count * sizeof run->digests[0]))
            return r->failed;
    }
    r->failed = bf_root_add(&r->root, run->state, run->count, run->digests);
    r->next += run->count;
    r->run_left -= run->count;
    return r->failed;
}
