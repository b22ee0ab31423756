// SPDX-License-Identifier: Apache-2.0
// Little-endian cursors that fail once and stay failed. Bounds are checked as "len > left", never
// as a sum that could wrap; what is read after a failure is zero.
#include "base/cursor.h"

#include <string.h>

#include "base/bytes.h"

void bf_reader_init(struct bf_reader *r, const void *bytes, size_t len)
{
    r->at = bytes;
    r->end = len ? r->at + len : r->at;
    r->failed = 0;
}

size_t bf_reader_left(const struct bf_reader *r)
{
    return r->failed ? 0 : (size_t)(r->end - r->at);
}

int bf_reader_ok(const struct bf_reader *r)
{
    return !r->failed;
}

int bf_reader_done(const struct bf_reader *r)
{
    return !r->failed && r->at == r->end;
}

void bf_reader_fail(struct bf_reader *r)
{
    r->failed = 1;
}

const uint8_t *bf_get_span(struct bf_reader *r, size_t len)
{
    const uint8_t *span = r->at;
    if (r->failed || len > (size_t)(r->end - r->at)) {
        r->failed = 1;
        return NULL;
    }
    if (len)
        r->at += len;
    return span;
}

void bf_skip(struct bf_reader *r, size_t len)
{
    bf_get_span(r, len);
}

uint8_t bf_get_u8(struct bf_reader *r)
{
    const uint8_t *span = bf_get_span(r, 1);
    return span ? *span : 0;
}

uint16_t bf_get_u16(struct bf_reader *r)
{
    const uint8_t *span = bf_get_span(r, 2);
    return span ? bf_le16(span) : 0;
}

uint32_t bf_get_u32(struct bf_reader *r)
{
    const uint8_t *span = bf_get_span(r, 4);
    return span ? bf_le32(span) : 0;
}

uint64_t bf_get_u64(struct bf_reader *r)
{
    const uint8_t *span = bf_get_span(r, 8);
    return span ? bf_le64(span) : 0;
}

int64_t bf_get_i64(struct bf_reader *r)
{
    return (int64_t)bf_get_u64(r);
}

void bf_get_bytes(struct bf_reader *r, void *out, size_t len)
{
    const uint8_t *span = bf_get_span(r, len);
    if (!len)
        return;
    if (span)
        memcpy(out, span, len);
    else
        memset(out, 0, len);
}

// ASCII's control characters, and C1 (U+0080 to U+009F) in UTF-8, which some terminals obey too.
static int is_control(const uint8_t *at, size_t left)
{
    return at[0] < ' ' || at[0] == 127 ||
           (at[0] == 0xc2 && left > 1 && at[1] >= 0x80 && at[1] <= 0x9f);
}

void bf_get_string(struct bf_reader *r, char *out, size_t size)
{
    size_t len = bf_get_u16(r);
    const uint8_t *span = NULL;
    if (len < size)
        span = bf_get_span(r, len);
    else
        r->failed = 1;
    for (size_t i = 0; span && i < len; i++)
        if (is_control(span + i, len - i))
            r->failed = 1;
    if (!span || r->failed)
        len = 0;
    if (len)
        memcpy(out, span, len);
    if (size)
        out[len] = 0;
}

void bf_writer_init(struct bf_writer *w, void *bytes, size_t size)
{
    w->start = bytes;
    w->at = w->start;
    w->end = size ? w->start + size : w->start;
    w->failed = 0;
}

size_t bf_writer_len(const struct bf_writer *w)
{
    return (size_t)(w->at - w->start);
}

int bf_writer_ok(const struct bf_writer *w)
{
    return !w->failed;
}

uint8_t *bf_put_space(struct bf_writer *w, size_t len)
{
    uint8_t *space = w->at;
    if (w->failed || len > (size_t)(w->end - w->at)) {
        w->failed = 1;
        return NULL;
    }
    if (len)
        w->at += len;
    return space;
}

void bf_put_u8(struct bf_writer *w, uint8_t v)
{
    uint8_t *space = bf_put_space(w, 1);
    if (space)
        *space = v;
}

void bf_put_u16(struct bf_writer *w, uint16_t v)
{
    uint8_t *space = bf_put_space(w, 2);
    if (space)
        bf_put_le16(space, v);
}

void bf_put_u32(struct bf_writer *w, uint32_t v)
{
    uint8_t *space = bf_put_space(w, 4);
    if (space)
        bf_put_le32(space, v);
}

void bf_put_u64(struct bf_writer *w, uint64_t v)
{
    uint8_t *space = bf_put_space(w, 8);
    if (space)
        bf_put_le64(space, v);
}

void bf_put_i64(struct bf_writer *w, int64_t v)
{
    bf_put_u64(w, (uint64_t)v);
}

void bf_put_bytes(struct bf_writer *w, const void *bytes, size_t len)
{
    uint8_t *space = bf_put_space(w, len);
    if (space && len)
        memcpy(space, bytes, len);
}

void bf_put_string(struct bf_writer *w, const char *text)
{
    size_t len = strlen(text);
    if (len > UINT16_MAX) {
        w->failed = 1;
        return;
    }
    bf_put_u16(w, (uint16_t)len);
    bf_put_bytes(w, text, len);
}
