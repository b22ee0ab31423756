// SPDX-License-Identifier: Apache-2.0
// The server's end of a bundle, see net/proto/bundle.h: what kind of connection it is, and the
// segments of all lanes as one stream. From each lane no more is read than the header of its next
// segment, and the bytes of the one that is next in the stream. Everything that comes in is judged
// by the parsers of net/proto/bundle.c; a segment that never comes shows as silence, which the
// reader of the stream has a limit for.
#include <string.h>

#include "base/assert.h"
#include "base/cursor.h"
#include "base/mem.h"
#include "net/proto/bundle.h"

struct lane {
    struct bf_stream stream; // ops NULL: there is none
    uint8_t ended;           // in an orderly way, after a whole segment
    uint8_t has_header;
    size_t got; // of the header
    uint8_t header[BF_SEGMENT_HEADER];
    struct bf_bundle_segment segment; // what is left of it
    uint8_t answer[BF_JOINED_SIZE];
    size_t answer_left; // to be written
};

struct accepted {
    enum bf_bundle_kind kind;
    struct bf_preface preface;
    uint8_t first[BF_PREFACE_SIZE]; // what it begins with
    size_t first_len, first_at;     // first_at: given on, of a plain one
    struct bf_fault fault;
    int failed;
    int starved;
    uint64_t next; // where the stream stands
    struct lane lane[BF_LANES_MAX];
    struct lane *current; // whose segment is being taken
};

static enum bf_err fail(struct accepted *a, const char *what)
{
    a->failed = 1;
    return bf_fault_set(&a->fault, BF_ERR_PROTOCOL, BF_SIDE_SOURCE,
                        "use the same version of Bootferry on both sides", "%s", what);
}

// The fault of a lane becomes that of the bundle.
static enum bf_err fail_with(struct accepted *a, const struct lane *l)
{
    const struct bf_fault *why = l->stream.ops->fault(l->stream.impl);
    a->failed = 1;
    if (why && why->code) {
        a->fault = *why;
        return why->code;
    }
    return bf_fault_set(&a->fault, BF_ERR_NETWORK, BF_SIDE_NETWORK, "wait: the source tries again",
                        "one of the source's connections broke");
}

// ---- What it is --------------------------------------------------------------------------------

// Reads the bytes that tell. Errors of the connection are left to the read that comes after.
static void decide(struct accepted *a)
{
    const struct bf_stream *s = &a->lane[0].stream;
    while (a->kind == BF_BUNDLE_UNDECIDED && !a->failed) {
        // no more than the magic, until that says that there is more
        size_t want = a->first_len < 8 ? 8 : BF_PREFACE_SIZE, done = 0;
        BF_ASSERT(a->first_len < want); // else it would have been decided
        enum bf_err err =
            s->ops->read(s->impl, a->first + a->first_len, want - a->first_len, &done);
        BF_ASSERT(done <= want - a->first_len);
        a->first_len += done;
        if (err == BF_ERR_CLOSED)
            a->kind = BF_BUNDLE_PLAIN;
        if (err != BF_OK || !done)
            return;
        err = bf_preface_parse(a->first, a->first_len, &a->preface);
        if (err == BF_ERR_NOT_FOUND)
            a->kind = BF_BUNDLE_PLAIN;
        else if (err == BF_OK)
            a->kind = a->preface.lane ? BF_BUNDLE_FURTHER : BF_BUNDLE_FIRST;
        else if (err != BF_AGAIN)
            fail(a, "a connection began with a malformed preface");
    }
}

static enum bf_err read_plain(struct accepted *a, void *bytes, size_t size, size_t *done)
{
    const struct bf_stream *s = &a->lane[0].stream;
    size_t left = a->first_len - a->first_at;
    BF_ASSERT(a->kind == BF_BUNDLE_PLAIN && a->first_at <= a->first_len);
    if (!left)
        return s->ops->read(s->impl, bytes, size, done);
    *done = left < size ? left : size;
    memcpy(bytes, a->first + a->first_at, *done);
    a->first_at += *done;
    return BF_OK;
}

// ---- Segments ----------------------------------------------------------------------------------

// Reads on to the end of the lane's next header.
static enum bf_err read_header(struct accepted *a, struct lane *l)
{
    while (!l->has_header && !l->ended) {
        size_t done = 0;
        BF_ASSERT(!l->segment.len && l->got < sizeof l->header && l != a->current);
        enum bf_err err = l->stream.ops->read(l->stream.impl, l->header + l->got,
                                              sizeof l->header - l->got, &done);
        if (err == BF_ERR_CLOSED && !l->got) {
            l->ended = 1;
            return BF_OK;
        }
        if (err == BF_ERR_CLOSED)
            return fail(a, "a connection ended within a segment");
        if (err == BF_AGAIN || (err == BF_OK && !done))
            return BF_OK;
        if (err != BF_OK)
            return fail_with(a, l);
        BF_ASSERT(done <= sizeof l->header - l->got);
        l->got += done;
        if (l->got < sizeof l->header)
            continue;
        if (bf_segment_parse(l->header, a->next, &l->segment) != BF_OK)
            return fail(a, "a segment of the stream has a wrong place or length");
        l->has_header = 1;
        l->got = 0;
    }
    return BF_OK;
}

static enum bf_err read_headers(struct accepted *a)
{
    for (uint32_t i = 0; i < BF_LANES_MAX; i++) {
        struct lane *l = &a->lane[i];
        enum bf_err err = l->stream.ops ? read_header(a, l) : BF_OK;
        if (err != BF_OK)
            return err;
    }
    return BF_OK;
}

// Finds the lane whose segment comes next; current is NULL when it is not there. Of two segments
// that claim the same bytes the second is found here, when the stream has passed its beginning.
static enum bf_err choose(struct accepted *a)
{
    BF_ASSERT(a->kind == BF_BUNDLE_FIRST && !a->current);
    enum bf_err err = read_headers(a);
    for (uint32_t i = 0; err == BF_OK && i < BF_LANES_MAX; i++) {
        struct lane *l = &a->lane[i];
        if (!l->has_header)
            continue;
        BF_ASSERT(l->stream.ops && l->segment.len);
        if (l->segment.offset < a->next)
            err = fail(a, "two segments of the stream overlap");
        else if (l->segment.offset == a->next)
            a->current = l;
    }
    return err;
}

static int all_ended(const struct accepted *a)
{
    for (uint32_t i = 0; i < BF_LANES_MAX; i++)
        if (a->lane[i].stream.ops && !a->lane[i].ended)
            return 0;
    return 1;
}

static enum bf_err read_segment(struct accepted *a, void *bytes, size_t size, size_t *done)
{
    struct lane *l = a->current;
    size_t want = l->segment.len < size ? l->segment.len : size;
    BF_ASSERT(l->has_header && !l->ended && l->segment.len);
    BF_ASSERT(l->segment.offset == a->next);
    enum bf_err err = l->stream.ops->read(l->stream.impl, bytes, want, done);
    if (err == BF_ERR_CLOSED)
        return fail(a, "a connection ended within a segment");
    if (err == BF_AGAIN) {
        // The others are read on to their next headers, so that none is waited for in vain.
        err = read_headers(a);
        return err == BF_OK ? BF_AGAIN : err;
    }
    if (err != BF_OK)
        return fail_with(a, l);
    BF_ASSERT(*done <= want);
    a->next += *done;
    l->segment.offset += *done;
    l->segment.len -= (uint32_t)*done;
    if (!l->segment.len) {
        l->has_header = 0;
        a->current = NULL;
    }
    return BF_OK;
}

static enum bf_err read_bundle(struct accepted *a, void *bytes, size_t size, size_t *done)
{
    enum bf_err err = a->current ? BF_OK : choose(a);
    if (err != BF_OK)
        return err;
    if (a->current)
        return read_segment(a, bytes, size, done);
    return all_ended(a) ? BF_ERR_CLOSED : BF_AGAIN;
}

// ---- The stream --------------------------------------------------------------------------------

static enum bf_err accepted_read(void *impl, void *bytes, size_t size, size_t *done)
{
    struct accepted *a = impl;
    enum bf_err err = BF_AGAIN;
    *done = 0;
    decide(a);
    if (a->failed)
        err = a->fault.code;
    else if (a->kind == BF_BUNDLE_PLAIN)
        err = read_plain(a, bytes, size, done);
    else if (a->kind == BF_BUNDLE_FIRST && size > 0)
        err = read_bundle(a, bytes, size, done);
    a->starved = !*done;
    return err;
}

static enum bf_err accepted_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    struct accepted *a = impl;
    const struct bf_stream *s = &a->lane[0].stream;
    *done = 0;
    return a->failed ? a->fault.code : s->ops->write(s->impl, bytes, len, done);
}

// A failure shows in the state of the lane.
static void push_answer(struct lane *l)
{
    size_t done = 0;
    const uint8_t *from = l->answer + sizeof l->answer - l->answer_left;
    BF_ASSERT(l->answer_left <= sizeof l->answer);
    if (l->answer_left &&
        l->stream.ops->write(l->stream.impl, from, l->answer_left, &done) == BF_OK)
        l->answer_left -= done;
}

static void accepted_poll(void *impl)
{
    struct accepted *a = impl;
    for (uint32_t i = 0; i < BF_LANES_MAX; i++) {
        struct lane *l = &a->lane[i];
        if (!l->stream.ops)
            continue;
        push_answer(l);
        l->stream.ops->poll(l->stream.impl);
        if (i > 0 && !a->failed && l->stream.ops->state(l->stream.impl) == BF_STREAM_FAILED)
            fail_with(a, l);
    }
    decide(a);
}

static enum bf_stream_state accepted_state(void *impl)
{
    const struct accepted *a = impl;
    const struct bf_stream *s = &a->lane[0].stream;
    enum bf_stream_state state = a->failed ? BF_STREAM_FAILED : s->ops->state(s->impl);
    if (state != BF_STREAM_ENDED)
        return state;
    // Other lanes, or the bytes that told what it is, may still hold something.
    if (a->kind == BF_BUNDLE_FIRST)
        return all_ended(a) ? BF_STREAM_ENDED : BF_STREAM_OPEN;
    return a->first_at < a->first_len ? BF_STREAM_OPEN : BF_STREAM_ENDED;
}

static size_t accepted_unsent(void *impl)
{
    const struct accepted *a = impl;
    return a->lane[0].stream.ops->unsent(a->lane[0].stream.impl);
}

static const struct bf_fault *accepted_fault(void *impl)
{
    const struct accepted *a = impl;
    return a->failed ? &a->fault : a->lane[0].stream.ops->fault(a->lane[0].stream.impl);
}

static void accepted_close(void *impl)
{
    struct accepted *a = impl;
    for (uint32_t i = 0; i < BF_LANES_MAX; i++)
        if (a->lane[i].stream.ops)
            a->lane[i].stream.ops->close(a->lane[i].stream.impl);
    bf_free(a);
}

static const struct bf_stream_ops accepted_ops = {
    .write = accepted_write,
    .read = accepted_read,
    .poll = accepted_poll,
    .state = accepted_state,
    .unsent = accepted_unsent,
    .fault = accepted_fault,
    .close = accepted_close,
};

enum bf_err bf_bundle_accept(struct bf_stream first, struct bf_stream *out)
{
    struct accepted *a = bf_alloc(sizeof *a);
    if (!a)
        return BF_ERR_NO_MEMORY;
    a->lane[0].stream = first;
    a->starved = 1;
    *out = (struct bf_stream){&accepted_ops, a};
    return BF_OK;
}

enum bf_bundle_kind bf_bundle_kind(const struct bf_stream *s, struct bf_preface *out)
{
    const struct accepted *a = s->impl;
    BF_ASSERT(s->ops == &accepted_ops);
    if (a->kind == BF_BUNDLE_FIRST || a->kind == BF_BUNDLE_FURTHER)
        *out = a->preface;
    return a->kind;
}

struct bf_stream bf_bundle_detach(struct bf_stream *s)
{
    struct accepted *a = s->impl;
    struct bf_stream lane = a->lane[0].stream;
    BF_ASSERT(s->ops == &accepted_ops && a->kind == BF_BUNDLE_FURTHER);
    BF_ASSERT(a->first_len == BF_PREFACE_SIZE); // no byte of its segments is lost
    bf_free(a);
    s->ops = NULL;
    return lane;
}

enum bf_err bf_bundle_join(const struct bf_stream *bundle, uint8_t lane, struct bf_stream stream)
{
    struct accepted *a = bundle->impl;
    struct bf_writer w;
    BF_ASSERT(bundle->ops == &accepted_ops);
    if (a->failed || a->kind != BF_BUNDLE_FIRST || all_ended(a))
        return BF_ERR_CLOSED;
    if (lane >= BF_LANES_MAX || a->lane[lane].stream.ops)
        return BF_ERR_PROTOCOL;
    struct lane *l = &a->lane[lane];
    BF_ASSERT(!l->has_header && !l->got && !l->answer_left && !l->ended);
    l->stream = stream;
    bf_writer_init(&w, l->answer, sizeof l->answer);
    bf_put_u64(&w, BF_LANE_JOINED);
    l->answer_left = sizeof l->answer;
    push_answer(l);
    a->starved = 1; // it is to be read
    return BF_OK;
}

const struct bf_stream *bf_bundle_lane(const struct bf_stream *s, uint32_t lane)
{
    const struct accepted *a = s->impl;
    const struct lane *l = &a->lane[lane];
    BF_ASSERT(s->ops == &accepted_ops && lane < BF_LANES_MAX);
    return l->stream.ops && !l->ended ? &l->stream : NULL;
}

int bf_bundle_starved(const struct bf_stream *s)
{
    const struct accepted *a = s->impl;
    BF_ASSERT(s->ops == &accepted_ops);
    return a->starved;
}
