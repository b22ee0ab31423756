// SPDX-License-Identifier: Apache-2.0
// What the two ends of a bundle say to each other, see net/proto/bundle.h: both compile this.
#include "net/proto/bundle.h"

#include <string.h>

#include "base/cursor.h"

enum { MAGIC_SIZE = 8, ZEROS = 7 };

void bf_preface_put(uint8_t out[BF_PREFACE_SIZE], const struct bf_preface *p)
{
    static const uint8_t zeros[ZEROS];
    struct bf_writer w;
    bf_writer_init(&w, out, BF_PREFACE_SIZE);
    bf_put_u64(&w, BF_PREFACE_MAGIC);
    bf_put_bytes(&w, p->bundle, sizeof p->bundle);
    bf_put_u8(&w, p->lane);
    bf_put_bytes(&w, zeros, sizeof zeros);
}

enum bf_err bf_preface_parse(const uint8_t *bytes, size_t len, struct bf_preface *out)
{
    struct bf_reader r;
    uint8_t zeros[ZEROS], any = 0;
    bf_reader_init(&r, bytes, len);
    if (len < MAGIC_SIZE)
        return BF_AGAIN;
    if (bf_get_u64(&r) != BF_PREFACE_MAGIC)
        return BF_ERR_NOT_FOUND;
    if (len < BF_PREFACE_SIZE)
        return BF_AGAIN;
    bf_get_bytes(&r, out->bundle, sizeof out->bundle);
    out->lane = bf_get_u8(&r);
    bf_get_bytes(&r, zeros, sizeof zeros);
    for (size_t i = 0; i < sizeof zeros; i++)
        any |= zeros[i];
    return any || out->lane >= BF_LANES_MAX ? BF_ERR_PROTOCOL : BF_OK;
}

void bf_segment_put(uint8_t out[BF_SEGMENT_HEADER], const struct bf_bundle_segment *s)
{
    struct bf_writer w;
    bf_writer_init(&w, out, BF_SEGMENT_HEADER);
    bf_put_u64(&w, s->offset);
    bf_put_u32(&w, s->len);
}

enum bf_err bf_segment_parse(const uint8_t bytes[BF_SEGMENT_HEADER], uint64_t next,
                             struct bf_bundle_segment *out)
{
    struct bf_reader r;
    bf_reader_init(&r, bytes, BF_SEGMENT_HEADER);
    out->offset = bf_get_u64(&r);
    out->len = bf_get_u32(&r);
    if (!out->len || out->len > BF_SEGMENT_MAX || out->offset < next ||
        out->offset > UINT64_MAX - out->len)
        return BF_ERR_PROTOCOL;
    return BF_OK;
}
