// SPDX-License-Identifier: Apache-2.0
// The source's end of a bundle, see net/proto/bundle.h. What is written is gathered into a segment
// that fills one TLS record with its header, in a buffer of the next lane in turn that has taken
// everything it was given before; poll sends one that is not full. Lanes that take no more do not
// hold up the others.
//
// A lane above 0 goes through OPENING, ASKED and USED, or is GONE. One is opened at a time, and
// only when there was no room in the others: a source that its disks or processors hold up, or a
// near server, needs no more than one.
#include <string.h>

#include "base/assert.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "net/proto/bundle.h"

enum {
    SEGMENT = 16383 - BF_SEGMENT_HEADER, // 16383: one record of TLS 1.3 as mbedTLS writes it
    ANSWER_US = 20 * 1000 * 1000,        // for the server to let a lane join
    LAST_WORDS_US = 2 * 1000 * 1000,     // for lane 0 to tell why another one was closed
};

enum lane_state { LANE_NONE, LANE_OPENING, LANE_ASKED, LANE_USED, LANE_GONE };

struct lane {
    enum lane_state state;
    struct bf_stream stream;
    uint64_t deadline;
    uint8_t answer[BF_JOINED_SIZE];
    uint8_t answered;
    size_t len, at; // of what is to be written to the stream
    uint8_t bytes[BF_PREFACE_SIZE + BF_SEGMENT_HEADER + SEGMENT];
};

struct bundle {
    struct bf_lane_maker maker;
    struct bf_preface preface;
    uint32_t lanes; // at most
    uint32_t turn;
    uint64_t offset;      // of the next byte to be written
    struct lane *filling; // has a segment that is not full
    size_t header_at;     // of that segment, in its lane's bytes
    int crowded;          // a write found no room
    struct bf_fault fault;
    uint64_t fails_us; // when a lost lane fails the bundle; 0: none is lost
    int failed;
    struct lane lane[];
};

static uint32_t used(const struct bundle *b)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < b->lanes; i++)
        count += b->lane[i].state == LANE_USED;
    return count;
}

// ---- Losing lanes ------------------------------------------------------------------------------

// The bundle ends with this fault: at once, or when the server has had time to say more.
static void lose(struct bundle *b, const struct bf_fault *why, uint64_t after_us)
{
    BF_ASSERT(why->code);
    if (b->fails_us)
        return;
    b->fault = *why;
    b->fails_us = bf_platform_now_us() + after_us;
}

static void check_lost(struct bundle *b)
{
    if (b->fails_us && bf_platform_now_us() >= b->fails_us)
        b->failed = 1;
}

static void lost_lane(struct bundle *b, struct lane *l)
{
    const struct bf_fault *why = l->stream.ops->fault(l->stream.impl);
    struct bf_fault fault;
    BF_ASSERT(l->state == LANE_USED);
    if (l->stream.ops->state(l->stream.impl) == BF_STREAM_FAILED && why && why->code)
        fault = *why;
    else
        bf_fault_set(&fault, BF_ERR_NETWORK, BF_SIDE_SERVER, "look at the server's log",
                     "the server closed one of the connections");
    lose(b, &fault, l == &b->lane[0] ? 0 : LAST_WORDS_US);
}

// A lane that is not in use yet is done without, and so are those that would come after it.
static void give_up(struct bundle *b, struct lane *l, const char *why)
{
    BF_ASSERT(l != &b->lane[0] && (l->state == LANE_OPENING || l->state == LANE_ASKED));
    bf_log(BF_LOG_WARNING, "connection %u of %u cannot be opened (%s): continuing with %u",
           (unsigned)(l - b->lane) + 1, (unsigned)b->lanes, why, (unsigned)used(b));
    if (l->stream.ops)
        l->stream.ops->close(l->stream.impl);
    l->stream.ops = NULL;
    l->state = LANE_GONE;
}

// ---- Writing -----------------------------------------------------------------------------------

static void push(struct bundle *b, struct lane *l)
{
    BF_ASSERT(l != b->filling); // its segment has no header yet
    BF_ASSERT(l->at <= l->len && l->len <= sizeof l->bytes);
    while (l->at < l->len) {
        size_t done = 0;
        enum bf_err err =
            l->stream.ops->write(l->stream.impl, l->bytes + l->at, l->len - l->at, &done);
        if (err != BF_OK && err != BF_AGAIN && l->state == LANE_USED)
            lost_lane(b, l);
        if (err != BF_OK || done == 0)
            return;
        BF_ASSERT(done <= l->len - l->at);
        l->at += done;
    }
    l->at = l->len = 0;
}

static void seal(struct bundle *b)
{
    struct lane *l = b->filling;
    uint32_t len = (uint32_t)(l->len - b->header_at - BF_SEGMENT_HEADER);
    BF_ASSERT(len && len <= SEGMENT && len <= b->offset);
    bf_segment_put(l->bytes + b->header_at, &(struct bf_bundle_segment){b->offset - len, len});
    b->filling = NULL;
    push(b, l);
}

static void say_preface(struct bundle *b, struct lane *l)
{
    BF_ASSERT(!l->len && !l->at);
    b->preface.lane = (uint8_t)(l - b->lane);
    bf_preface_put(l->bytes + l->len, &b->preface);
    l->len += BF_PREFACE_SIZE;
}

// The next lane in turn that has room, with the place for a header. NULL: none has.
static struct lane *lane_with_room(struct bundle *b)
{
    BF_ASSERT(!b->filling);
    for (uint32_t i = 0; i < b->lanes; i++) {
        struct lane *l = &b->lane[(b->turn + i) % b->lanes];
        if (l->state != LANE_USED)
            continue;
        push(b, l);
        // the preface may still wait: it goes first
        if (l->len > BF_PREFACE_SIZE)
            continue;
        b->turn = (uint32_t)(l - b->lane) + 1;
        b->header_at = l->len;
        l->len += BF_SEGMENT_HEADER;
        BF_ASSERT(l->len <= sizeof l->bytes - SEGMENT);
        return l;
    }
    b->crowded = 1;
    return NULL;
}

static enum bf_err bundle_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    struct bundle *b = impl;
    *done = 0;
    if (b->failed)
        return b->fault.code;
    while (*done < len && !b->fails_us) {
        if (!b->filling)
            b->filling = lane_with_room(b);
        if (!b->filling)
            break;
        struct lane *l = b->filling;
        size_t room = b->header_at + BF_SEGMENT_HEADER + SEGMENT - l->len;
        size_t part = len - *done < room ? len - *done : room;
        BF_ASSERT(l->state == LANE_USED && room && room <= SEGMENT);
        memcpy(l->bytes + l->len, (const uint8_t *)bytes + *done, part);
        l->len += part;
        b->offset += part;
        *done += part;
        if (part == room)
            seal(b);
    }
    return *done > 0 || len == 0 ? BF_OK : BF_AGAIN;
}

// ---- Further lanes -----------------------------------------------------------------------------

static void open_next(struct bundle *b)
{
    struct bf_fault fault;
    for (uint32_t i = 1; i < b->lanes; i++) {
        struct lane *l = &b->lane[i];
        if (l->state == LANE_USED)
            continue;
        if (l->state != LANE_NONE)
            return; // under way, or not to be had
        BF_ASSERT(!l->stream.ops && !l->len && !l->answered);
        l->state = LANE_OPENING;
        if (b->maker.open(b->maker.impl, &l->stream, &fault) != BF_OK) {
            l->stream.ops = NULL;
            give_up(b, l, fault.what);
        }
        return;
    }
}

static void lane_opens(struct bundle *b, struct lane *l)
{
    BF_ASSERT(l != &b->lane[0] && l->state == LANE_OPENING);
    switch (l->stream.ops->state(l->stream.impl)) {
    case BF_STREAM_OPENING:
        break;
    case BF_STREAM_OPEN:
        say_preface(b, l);
        l->state = LANE_ASKED;
        l->deadline = bf_platform_now_us() + ANSWER_US;
        break;
    default:
        give_up(b, l, l->stream.ops->fault(l->stream.impl)->what);
    }
}

static void lane_asked(struct bundle *b, struct lane *l)
{
    struct bf_reader r;
    size_t done = 0;
    BF_ASSERT(l->answered < sizeof l->answer);
    enum bf_err err = l->stream.ops->read(l->stream.impl, l->answer + l->answered,
                                          sizeof l->answer - l->answered, &done);
    BF_ASSERT(done <= sizeof l->answer - l->answered);
    l->answered += (uint8_t)done;
    bf_reader_init(&r, l->answer, l->answered);
    if (bf_get_u64(&r) == BF_LANE_JOINED) {
        l->state = LANE_USED;
        bf_log(BF_LOG_INFO, "%u connections to the server are in use", (unsigned)used(b));
    } else if (l->answered == sizeof l->answer || (err != BF_OK && err != BF_AGAIN)) {
        give_up(b, l, "the server does not accept it");
    } else if (bf_platform_now_us() >= l->deadline) {
        give_up(b, l, "the server does not answer");
    }
}

// The server says nothing here: reading shows that the connection ended.
static void lane_used(struct bundle *b, struct lane *l)
{
    uint8_t byte;
    size_t done = 0;
    BF_ASSERT(l != &b->lane[0]); // what the server says there is the stream's
    enum bf_err err = l->stream.ops->read(l->stream.impl, &byte, 1, &done);
    if (err != BF_AGAIN || done)
        lost_lane(b, l);
}

static void turn_lane(struct bundle *b, struct lane *l)
{
    if (l->state == LANE_NONE || l->state == LANE_GONE)
        return;
    push(b, l);
    l->stream.ops->poll(l->stream.impl);
    if (l->state == LANE_OPENING)
        lane_opens(b, l);
    else if (l->state == LANE_ASKED)
        lane_asked(b, l);
    else if (l != &b->lane[0])
        lane_used(b, l);
}

// ---- The stream --------------------------------------------------------------------------------

static void bundle_poll(void *impl)
{
    struct bundle *b = impl;
    struct lane *first = &b->lane[0];
    if (b->filling)
        seal(b);
    for (uint32_t i = 0; i < b->lanes; i++)
        turn_lane(b, &b->lane[i]);
    if (b->crowded && first->stream.ops->state(first->stream.impl) == BF_STREAM_OPEN)
        open_next(b);
    b->crowded = 0;
    if (first->stream.ops->state(first->stream.impl) == BF_STREAM_FAILED)
        lost_lane(b, first);
    check_lost(b);
}

static enum bf_err bundle_read(void *impl, void *bytes, size_t size, size_t *done)
{
    struct bundle *b = impl;
    const struct bf_stream *first = &b->lane[0].stream;
    *done = 0;
    if (b->failed)
        return b->fault.code;
    enum bf_err err = first->ops->read(first->impl, bytes, size, done);
    if (err != BF_ERR_CLOSED || !b->fails_us)
        return err;
    b->failed = 1; // there are no last words
    return b->fault.code;
}

static enum bf_stream_state bundle_state(void *impl)
{
    const struct bundle *b = impl;
    const struct bf_stream *first = &b->lane[0].stream;
    return b->failed ? BF_STREAM_FAILED : first->ops->state(first->impl);
}

static size_t bundle_unsent(void *impl)
{
    const struct bundle *b = impl;
    size_t total = 0;
    for (uint32_t i = 0; i < b->lanes; i++) {
        const struct lane *l = &b->lane[i];
        BF_ASSERT(l->at <= l->len);
        if (l->state == LANE_USED)
            total += l->len - l->at + l->stream.ops->unsent(l->stream.impl);
    }
    return total;
}

static const struct bf_fault *bundle_fault(void *impl)
{
    const struct bundle *b = impl;
    const struct bf_stream *first = &b->lane[0].stream;
    return b->fails_us ? &b->fault : first->ops->fault(first->impl);
}

static void bundle_close(void *impl)
{
    struct bundle *b = impl;
    if (b->filling)
        seal(b);
    for (uint32_t i = 0; i < b->lanes; i++)
        if (b->lane[i].stream.ops)
            b->lane[i].stream.ops->close(b->lane[i].stream.impl);
    bf_free(b);
}

static const struct bf_stream_ops bundle_ops = {
    .write = bundle_write,
    .read = bundle_read,
    .poll = bundle_poll,
    .state = bundle_state,
    .unsent = bundle_unsent,
    .fault = bundle_fault,
    .close = bundle_close,
};

uint32_t bf_bundle_lanes(const struct bf_stream *bundle)
{
    return bundle->ops == &bundle_ops ? used(bundle->impl) : 1;
}

enum bf_err bf_bundle_open(struct bf_stream first, uint32_t lanes, struct bf_lane_maker maker,
                           struct bf_stream *out, struct bf_fault *fault)
{
    BF_ASSERT(lanes >= 1 && lanes <= BF_LANES_MAX);
    struct bundle *b = bf_alloc(sizeof *b + lanes * sizeof b->lane[0]);
    if (!b)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SOURCE, "give the machine more memory",
                            "no memory for a connection");
    if (bf_platform_entropy(b->preface.bundle, sizeof b->preface.bundle) != BF_OK) {
        bf_free(b);
        return bf_fault_set(fault, BF_ERR_NO_ENTROPY, BF_SIDE_SOURCE,
                            "use a machine whose firmware or processor has a random number "
                            "generator",
                            "there is no source of random numbers for a connection");
    }
    b->maker = maker;
    b->lanes = lanes;
    b->lane[0].stream = first;
    b->lane[0].state = LANE_USED;
    say_preface(b, &b->lane[0]);
    *out = (struct bf_stream){&bundle_ops, b};
    return BF_OK;
}
