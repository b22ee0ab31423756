// SPDX-License-Identifier: Apache-2.0
// Codecs of the messages that tell what was found on the machine and what was not: UNSEEN,
// BOOT_ENTRY, PLACE. All are for people who read about a recovery point; nothing in a session
// depends on them.
#include "net/proto/codec.h"

size_t bf_put_unseen(uint8_t *out, size_t size, const struct bf_unseen *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_UNSEEN, BF_FRAME_OPTIONAL);
    bf_put_u8(&w, m->kind);
    bf_put_u8(&w, m->asked);
    bf_put_u16(&w, m->vendor);
    bf_put_u16(&w, m->device);
    bf_put_bytes(&w, m->class_code, sizeof m->class_code);
    bf_put_string(&w, m->slot);
    bf_put_string(&w, m->what);
    bf_put_string(&w, m->why);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_unseen(const struct bf_frame *f, struct bf_unseen *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_UNSEEN);
    m->kind = bf_get_u8(&r);
    bf_demand(&r, m->kind <= BF_UNSEEN_UNIT);
    m->asked = bf_get_flag(&r);
    m->vendor = bf_get_u16(&r);
    m->device = bf_get_u16(&r);
    bf_get_bytes(&r, m->class_code, sizeof m->class_code);
    bf_get_string(&r, m->slot, sizeof m->slot);
    bf_get_string(&r, m->what, sizeof m->what);
    bf_demand(&r, m->what[0] != 0);
    bf_get_string(&r, m->why, sizeof m->why);
    return bf_frame_verdict(&r);
}

size_t bf_put_boot_entry(uint8_t *out, size_t size, const struct bf_boot_entry *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_BOOT_ENTRY, BF_FRAME_OPTIONAL);
    bf_put_u16(&w, m->number);
    bf_put_u8(&w, m->current);
    bf_put_u8(&w, m->active);
    bf_put_string(&w, m->name);
    bf_put_string(&w, m->path);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_boot_entry(const struct bf_frame *f, struct bf_boot_entry *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_BOOT_ENTRY);
    m->number = bf_get_u16(&r);
    m->current = bf_get_flag(&r);
    m->active = bf_get_flag(&r);
    bf_get_string(&r, m->name, sizeof m->name);
    bf_get_string(&r, m->path, sizeof m->path);
    return bf_frame_verdict(&r);
}

size_t bf_put_place(uint8_t *out, size_t size, const struct bf_place *m)
{
    struct bf_writer w;
    if (m->count > BF_PLACE_SPANS_MAX)
        return 0;
    bf_frame_begin(&w, out, size, BF_MSG_PLACE, BF_FRAME_OPTIONAL);
    bf_put_u16(&w, m->disk);
    bf_put_u16(&w, m->ordinal);
    bf_put_string(&w, m->name);
    bf_put_string(&w, m->what);
    bf_put_string(&w, m->why);
    bf_put_u16(&w, m->count);
    for (uint16_t i = 0; i < m->count; i++) {
        bf_put_u64(&w, m->span[i].first);
        bf_put_u64(&w, m->span[i].bytes);
    }
    return bf_frame_end(&w, 0);
}

static void get_span(struct bf_reader *r, struct bf_place_span *span)
{
    span->first = bf_get_u64(r);
    span->bytes = bf_get_u64(r);
    bf_demand(r, span->bytes >= 1 && span->bytes <= INT64_MAX &&
                     span->first <= INT64_MAX - span->bytes);
}

enum bf_err bf_get_place(const struct bf_frame *f, struct bf_place *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_PLACE);
    m->disk = bf_get_disk(&r);
    m->ordinal = bf_get_u16(&r);
    bf_demand(&r, m->ordinal < BF_PLACES_MAX);
    bf_get_string(&r, m->name, sizeof m->name);
    bf_get_string(&r, m->what, sizeof m->what);
    bf_demand(&r, m->name[0] && m->what[0]);
    bf_get_string(&r, m->why, sizeof m->why);
    m->count = bf_get_u16(&r);
    if (m->count > BF_PLACE_SPANS_MAX)
        return BF_ERR_PROTOCOL;
    for (uint16_t i = 0; i < m->count; i++)
        get_span(&r, &m->span[i]);
    return bf_frame_verdict(&r);
}
