// SPDX-License-Identifier: Apache-2.0
// Frames of the replica protocol (docs/protocol.md): the header, and what all messages share.
#include "net/proto/proto.h"

#include <string.h>

#include "base/assert.h"

#include "net/proto/codec.h"

enum bf_err bf_frame_parse(const uint8_t *bytes, size_t len, struct bf_frame *out, size_t *need)
{
    struct bf_reader r;
    *need = BF_FRAME_HEADER;
    if (len < BF_FRAME_HEADER)
        return BF_AGAIN;
    bf_reader_init(&r, bytes, BF_FRAME_HEADER);
    out->type = bf_get_u16(&r);
    out->flags = bf_get_u16(&r);
    out->length = bf_get_u32(&r);
    out->payload = bytes + BF_FRAME_HEADER;
    if (out->length > BF_FRAME_PAYLOAD_MAX || (out->flags & ~BF_FRAME_OPTIONAL))
        return BF_ERR_PROTOCOL;
    *need = BF_FRAME_HEADER + (size_t)out->length;
    return len < *need ? BF_AGAIN : BF_OK;
}

void bf_frame_begin(struct bf_writer *w, uint8_t *out, size_t size, uint16_t type, uint16_t flags)
{
    bf_writer_init(w, out, size);
    bf_put_u16(w, type);
    bf_put_u16(w, flags);
    bf_put_u32(w, 0);
}

size_t bf_frame_end(struct bf_writer *w, size_t extra)
{
    size_t total = bf_writer_len(w) + extra;
    BF_ASSERT(!bf_writer_ok(w) || bf_writer_len(w) >= BF_FRAME_HEADER);
    if (!bf_writer_ok(w) || total - BF_FRAME_HEADER > BF_FRAME_PAYLOAD_MAX)
        return 0;
    struct bf_writer length;
    bf_writer_init(&length, w->start + 4, 4);
    bf_put_u32(&length, (uint32_t)(total - BF_FRAME_HEADER));
    return total;
}

void bf_frame_open(struct bf_reader *r, const struct bf_frame *f, uint16_t type)
{
    BF_ASSERT(f->length <= BF_FRAME_PAYLOAD_MAX);
    bf_reader_init(r, f->payload, f->length);
    bf_demand(r, f->type == type);
}

enum bf_err bf_frame_verdict(const struct bf_reader *r)
{
    return bf_reader_done(r) ? BF_OK : BF_ERR_PROTOCOL;
}

void bf_demand(struct bf_reader *r, int condition)
{
    if (!condition)
        bf_reader_fail(r);
}

uint8_t bf_get_flag(struct bf_reader *r)
{
    uint8_t v = bf_get_u8(r);
    bf_demand(r, v <= 1);
    return v;
}

uint16_t bf_get_disk(struct bf_reader *r)
{
    uint16_t v = bf_get_u16(r);
    bf_demand(r, v < BF_PROTO_DISKS_MAX);
    return v;
}

void bf_demand_range(struct bf_reader *r, uint64_t first, uint64_t count, uint64_t max)
{
    bf_demand(r, count >= 1 && count <= max && count <= BF_CHUNK_NUMBER_MAX &&
                     first <= BF_CHUNK_NUMBER_MAX - count);
}

static int name_byte_ok(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

int bf_machine_name_ok(const char *name)
{
    if (!name_byte_ok(name[0]) || name[0] == '-' || name[0] == '.')
        return 0;
    for (size_t i = 0; name[i]; i++) {
        if (i >= BF_NAME_MAX - 1 || !name_byte_ok(name[i]))
            return 0;
        if (name[i] == '.' && name[i + 1] == '.')
            return 0;
    }
    return 1;
}
