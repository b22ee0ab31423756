// SPDX-License-Identifier: Apache-2.0
// An assessment: no session, no store. Bytes come and are thrown away, bounded in number and time;
// then comes what the source found, which is the host's to keep.
#include "base/assert.h"
#include "base/mem.h"
#include "migrate/receiver/parts.h"

enum { FILL_US = 60000000, LINK_LEAST_US = 1000 };
#define FILL_MOST ((uint64_t)1 << 40)

enum bf_err bf_receiver_begin_assessment(struct bf_receiver *r)
{
    struct bf_welcome welcome = {.version = BF_PROTO_VERSION_MAX, .caps = BF_CAP_ASSESS};
    size_t most = 256 + sizeof welcome;
    uint8_t *room = bf_channel_room(&r->channel, most);
    struct bf_fault fault = {0};
    if (!r->has_identity)
        return bf_receiver_refuse(r, BF_ERR_AUTH, BF_SIDE_CONFIG,
                                  "make a medium for this machine with `bootferry media`",
                                  "a machine without a certificate may only enrol");
    if (!r->host->assess_begin || !r->host->assess)
        return bf_receiver_refuse(r, BF_ERR_UNSUPPORTED, BF_SIDE_SERVER, "update the server",
                                  "the server takes no assessments");
    if (!room)
        return BF_AGAIN;
    enum bf_err err = r->host->assess_begin(r->host->impl, &r->hello, &welcome, &fault);
    if (err)
        return bf_receiver_fault_from_host(r, err, &fault);
    for (int i = 0; i < 16; i++) // it names none, and a frame without one is unsound
        welcome.session[i] = r->hello.boot[i];
    bf_channel_put(&r->channel, bf_put_welcome(room, most, &welcome));
    r->state = BF_RECEIVER_ASSESSING;
    return BF_OK;
}

enum bf_err bf_receiver_fill(struct bf_receiver *r, const struct bf_frame *f)
{
    BF_ASSERT(r->state == BF_RECEIVER_ASSESSING);
    if (!r->filled_us) { // time counts from the first one, which came before
        r->filled_us = r->now_us ? r->now_us : 1;
        return BF_OK;
    }
    if (r->now_us - r->filled_us > FILL_US || r->filled > FILL_MOST)
        return bf_receiver_refuse(r, BF_ERR_LIMIT, BF_SIDE_SOURCE,
                                  "use the same version of Bootferry on both sides",
                                  "an assessment times the link for a minute at most");
    r->filled += f->length;
    return BF_OK;
}

enum bf_err bf_receiver_assessment(struct bf_receiver *r, const struct bf_frame *f)
{
    struct bf_assessment *found = bf_alloc(sizeof *found);
    struct bf_assessed link = {.filled = r->filled};
    uint8_t *room = bf_channel_room(&r->channel, 64);
    uint64_t us = r->now_us - r->filled_us;
    struct bf_fault fault = {0};
    enum bf_err err = BF_AGAIN;
    if (r->filled && us >= LINK_LEAST_US)
        link.link =
            r->filled < UINT64_MAX / 1000000 ? r->filled * 1000000 / us : r->filled / us * 1000000;
    if (!found)
        err = bf_receiver_refuse(r, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "give the server more memory",
                                 "the server has no memory left");
    else if (bf_get_assessment(f, found))
        err = bf_receiver_bad_frame(r, "ASSESSMENT");
    else if (room) {
        err = r->host->assess(r->host->impl, found, &link, &fault);
        if (err)
            err = bf_receiver_fault_from_host(r, err, &fault);
    }
    bf_free(found);
    if (err)
        return err;
    bf_channel_put(&r->channel, bf_put_assessed(room, 64, &link));
    r->state = BF_RECEIVER_DONE;
    r->ends_us = r->now_us + BF_FAREWELL_US;
    return BF_OK;
}
