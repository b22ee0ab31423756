// SPDX-License-Identifier: Apache-2.0
// Codecs of the messages that carry a disk and end in a point: BASE_WANT, BASE, DATA, RANGE,
// CHECKPOINT, DURABLE, DISK_DONE, COMMIT, NEED, VERIFYING, COMMITTED. Judged here is what can be
// judged without a disk; whether a range lies on the disk is the receiver's to know.
#include "net/proto/codec.h"

enum { DIGEST = sizeof(struct bf_digest) };

static void put_digest(struct bf_writer *w, const struct bf_digest *d)
{
    bf_put_bytes(w, d->bytes, sizeof d->bytes);
}

static void get_digest(struct bf_reader *r, struct bf_digest *d)
{
    bf_get_bytes(r, d->bytes, sizeof d->bytes);
}

size_t bf_put_base_want(uint8_t *out, size_t size, const struct bf_base_want *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_BASE_WANT, 0);
    bf_put_u16(&w, m->disk);
    bf_put_u64(&w, m->first);
    bf_put_u32(&w, m->count);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_base_want(const struct bf_frame *f, struct bf_base_want *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_BASE_WANT);
    m->disk = bf_get_disk(&r);
    m->first = bf_get_u64(&r);
    m->count = bf_get_u32(&r);
    bf_demand_range(&r, m->first, m->count, BF_BASE_WANT_MAX);
    return bf_frame_verdict(&r);
}

size_t bf_put_base(uint8_t *out, size_t size, const struct bf_base_run *m)
{
    struct bf_writer w;
    if (m->state == BF_CHUNK_DATA && m->count > BF_BASE_ENTRIES_MAX)
        return 0;
    bf_frame_begin(&w, out, size, BF_MSG_BASE, 0);
    bf_put_u16(&w, m->disk);
    bf_put_u8(&w, m->state);
    bf_put_u64(&w, m->first);
    bf_put_u32(&w, m->count);
    if (m->state == BF_CHUNK_DATA)
        bf_put_bytes(&w, m->digests, (size_t)m->count * DIGEST);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_base(const struct bf_frame *f, struct bf_base_run *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_BASE);
    m->disk = bf_get_disk(&r);
    m->state = bf_get_u8(&r);
    m->first = bf_get_u64(&r);
    m->count = bf_get_u32(&r);
    m->digests = NULL;
    bf_demand(&r, m->state <= BF_CHUNK_UNKNOWN);
    bf_demand_range(&r, m->first, m->count,
                    m->state == BF_CHUNK_DATA ? BF_BASE_ENTRIES_MAX : BF_BASE_WANT_MAX);
    if (m->state == BF_CHUNK_DATA && bf_reader_ok(&r))
        m->digests = bf_get_span(&r, (size_t)m->count * DIGEST);
    return bf_frame_verdict(&r);
}

size_t bf_put_data_head(uint8_t *out, size_t size, const struct bf_data *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_DATA, 0);
    bf_put_u16(&w, m->disk);
    bf_put_u8(&w, m->codec);
    bf_put_u8(&w, m->count);
    bf_put_u64(&w, m->first);
    bf_put_u32(&w, m->raw_len);
    bf_put_bytes(&w, m->digests, (size_t)m->count * DIGEST);
    return bf_frame_end(&w, m->body_len) ? bf_writer_len(&w) : 0;
}

enum bf_err bf_get_data(const struct bf_frame *f, struct bf_data *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_DATA);
    m->disk = bf_get_disk(&r);
    m->codec = bf_get_u8(&r);
    m->count = bf_get_u8(&r);
    m->first = bf_get_u64(&r);
    m->raw_len = bf_get_u32(&r);
    bf_demand(&r, m->codec <= BF_CODEC_ZSTD);
    bf_demand_range(&r, m->first, m->count, BF_DATA_CHUNKS_MAX);
    bf_demand(&r, m->raw_len >= 1 && m->raw_len <= BF_DATA_MAX);
    m->digests = bf_get_span(&r, (size_t)m->count * DIGEST);
    m->body_len = (uint32_t)bf_reader_left(&r);
    m->body = bf_get_span(&r, m->body_len);
    // A compressed body that is not smaller than what it stands for is nobody's honest work.
    bf_demand(&r, m->codec == BF_CODEC_NONE ? m->body_len == m->raw_len
                                            : m->body_len >= 1 && m->body_len < m->raw_len);
    return bf_frame_verdict(&r);
}

size_t bf_put_range(uint8_t *out, size_t size, const struct bf_range *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_RANGE, 0);
    bf_put_u16(&w, m->disk);
    bf_put_u8(&w, m->state);
    bf_put_u64(&w, m->first);
    bf_put_u64(&w, m->count);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_range(const struct bf_frame *f, struct bf_range *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_RANGE);
    m->disk = bf_get_disk(&r);
    m->state = bf_get_u8(&r);
    m->first = bf_get_u64(&r);
    m->count = bf_get_u64(&r);
    bf_demand(&r, m->state == BF_CHUNK_ZERO || m->state == BF_CHUNK_UNUSED ||
                      m->state == BF_CHUNK_UNREADABLE || m->state == BF_RANGE_SAME);
    bf_demand_range(&r, m->first, m->count, BF_CHUNK_NUMBER_MAX);
    return bf_frame_verdict(&r);
}

size_t bf_put_unreadable(uint8_t *out, size_t size, const struct bf_unreadable *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_UNREADABLE, 0);
    bf_put_u16(&w, m->disk);
    bf_put_u64(&w, m->offset);
    bf_put_u64(&w, m->bytes);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_unreadable(const struct bf_frame *f, struct bf_unreadable *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_UNREADABLE);
    m->disk = bf_get_disk(&r);
    m->offset = bf_get_u64(&r);
    m->bytes = bf_get_u64(&r);
    bf_demand(&r, m->bytes >= 1 && m->bytes <= INT64_MAX && m->offset <= INT64_MAX - m->bytes);
    return bf_frame_verdict(&r);
}

size_t bf_put_checkpoint(uint8_t *out, size_t size, uint16_t type, const struct bf_checkpoint *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, type, 0);
    bf_put_u16(&w, m->disk);
    bf_put_u64(&w, m->next_chunk);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_checkpoint(const struct bf_frame *f, struct bf_checkpoint *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, f->type == BF_MSG_DURABLE ? BF_MSG_DURABLE : BF_MSG_CHECKPOINT);
    m->disk = bf_get_disk(&r);
    m->next_chunk = bf_get_u64(&r);
    bf_demand(&r, m->next_chunk <= BF_CHUNK_NUMBER_MAX);
    return bf_frame_verdict(&r);
}

size_t bf_put_disk_done(uint8_t *out, size_t size, const struct bf_disk_done *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_DISK_DONE, 0);
    bf_put_u16(&w, m->disk);
    put_digest(&w, &m->root);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_disk_done(const struct bf_frame *f, struct bf_disk_done *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_DISK_DONE);
    m->disk = bf_get_disk(&r);
    get_digest(&r, &m->root);
    return bf_frame_verdict(&r);
}

size_t bf_put_commit(uint8_t *out, size_t size, const struct bf_commit *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_COMMIT, 0);
    put_digest(&w, &m->point_root);
    bf_put_i64(&w, m->clock);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_commit(const struct bf_frame *f, struct bf_commit *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_COMMIT);
    get_digest(&r, &m->point_root);
    m->clock = bf_get_i64(&r);
    return bf_frame_verdict(&r);
}

size_t bf_put_need(uint8_t *out, size_t size, const struct bf_need *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_NEED, 0);
    bf_put_u16(&w, m->disk);
    bf_put_u64(&w, m->first);
    bf_put_u64(&w, m->count);
    bf_put_u8(&w, m->more);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_need(const struct bf_frame *f, struct bf_need *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_NEED);
    m->disk = bf_get_disk(&r);
    m->first = bf_get_u64(&r);
    m->count = bf_get_u64(&r);
    m->more = bf_get_flag(&r);
    bf_demand_range(&r, m->first, m->count, BF_CHUNK_NUMBER_MAX);
    return bf_frame_verdict(&r);
}

size_t bf_put_pace(uint8_t *out, size_t size, const struct bf_pace *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_PACE, BF_FRAME_OPTIONAL);
    bf_put_u16(&w, m->waited);
    bf_put_u16(&w, m->stored);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_pace(const struct bf_frame *f, struct bf_pace *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_PACE);
    m->waited = bf_get_u16(&r);
    m->stored = bf_get_u16(&r);
    bf_demand(&r, m->waited <= 1000 && m->stored <= 1000 - m->waited);
    return bf_frame_verdict(&r);
}

size_t bf_put_verifying(uint8_t *out, size_t size, const struct bf_verifying *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_VERIFYING, BF_FRAME_OPTIONAL);
    bf_put_u16(&w, m->disk);
    bf_put_u64(&w, m->done);
    bf_put_u64(&w, m->total);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_verifying(const struct bf_frame *f, struct bf_verifying *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_VERIFYING);
    m->disk = bf_get_disk(&r);
    m->done = bf_get_u64(&r);
    m->total = bf_get_u64(&r);
    bf_demand(&r, m->done <= m->total);
    return bf_frame_verdict(&r);
}

size_t bf_put_committed(uint8_t *out, size_t size, const struct bf_committed *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_COMMITTED, 0);
    bf_put_u32(&w, m->point);
    bf_put_i64(&w, m->time);
    put_digest(&w, &m->point_root);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_committed(const struct bf_frame *f, struct bf_committed *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_COMMITTED);
    m->point = bf_get_u32(&r);
    bf_demand(&r, m->point >= 1);
    m->time = bf_get_i64(&r);
    get_digest(&r, &m->point_root);
    return bf_frame_verdict(&r);
}
