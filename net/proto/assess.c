// SPDX-License-Identifier: Apache-2.0
// Codecs of an assessment: FILL, ASSESSMENT, ASSESSED.
#include "base/assert.h"
#include "net/proto/codec.h"

size_t bf_put_fill_head(uint8_t *out, size_t size, uint32_t len)
{
    struct bf_writer w;
    if (!len || len > BF_DATA_MAX)
        return 0;
    bf_frame_begin(&w, out, size, BF_MSG_FILL, 0);
    size_t whole = bf_frame_end(&w, len);
    BF_ASSERT(!whole || whole == BF_FRAME_HEADER + (size_t)len);
    return whole ? BF_FRAME_HEADER : 0;
}

static void put_assessed_disk(struct bf_writer *w, const struct bf_assessed_disk *d)
{
    bf_put_u16(w, d->number);
    bf_put_u64(w, d->bytes);
    bf_put_u64(w, d->used);
    bf_put_u64(w, d->rate);
    bf_put_u64(w, d->sampled);
    bf_put_u64(w, d->packed);
    bf_put_string(w, d->name);
}

static void get_assessed_disk(struct bf_reader *r, struct bf_assessed_disk *d)
{
    d->number = bf_get_disk(r);
    d->bytes = bf_get_u64(r);
    d->used = bf_get_u64(r);
    bf_demand(r, d->bytes <= INT64_MAX && d->used <= d->bytes);
    d->rate = bf_get_u64(r);
    bf_demand(r, d->rate <= INT64_MAX);
    d->sampled = bf_get_u64(r);
    d->packed = bf_get_u64(r);
    bf_demand(r, d->sampled <= INT64_MAX && d->packed <= d->sampled);
    bf_get_string(r, d->name, sizeof d->name);
}

size_t bf_put_assessment(uint8_t *out, size_t size, const struct bf_assessment *m)
{
    struct bf_writer w;
    if (!m->disks || m->disks > BF_PROTO_DISKS_MAX)
        return 0;
    bf_frame_begin(&w, out, size, BF_MSG_ASSESSMENT, 0);
    bf_put_u64(&w, m->compute);
    bf_put_u32(&w, m->unseen);
    bf_put_string(&w, m->unseen_list);
    bf_put_u16(&w, m->disks);
    for (uint16_t i = 0; i < m->disks; i++)
        put_assessed_disk(&w, &m->disk[i]);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_assessment(const struct bf_frame *f, struct bf_assessment *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_ASSESSMENT);
    m->compute = bf_get_u64(&r);
    bf_demand(&r, m->compute <= INT64_MAX);
    m->unseen = bf_get_u32(&r);
    bf_get_string(&r, m->unseen_list, sizeof m->unseen_list);
    m->disks = bf_get_u16(&r);
    if (!m->disks || m->disks > BF_PROTO_DISKS_MAX)
        return BF_ERR_PROTOCOL;
    for (uint16_t i = 0; i < m->disks; i++)
        get_assessed_disk(&r, &m->disk[i]);
    return bf_frame_verdict(&r);
}

size_t bf_put_assessed(uint8_t *out, size_t size, const struct bf_assessed *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_ASSESSED, 0);
    bf_put_u64(&w, m->filled);
    bf_put_u64(&w, m->link);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_assessed(const struct bf_frame *f, struct bf_assessed *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_ASSESSED);
    m->filled = bf_get_u64(&r);
    m->link = bf_get_u64(&r);
    bf_demand(&r, m->link <= INT64_MAX);
    return bf_frame_verdict(&r);
}
