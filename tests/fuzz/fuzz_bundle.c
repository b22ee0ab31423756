// SPDX-License-Identifier: Apache-2.0
// The server's end of a bundle: prefaces and segments of up to three lanes, in pieces. The first
// byte of the input says how many lanes there are; then each byte is a lane and a length, followed
// by as many bytes for that lane (none: its end). No more may be delivered than all were given.
#include <stdlib.h>
#include <string.h>

#include "net/proto/bundle.h"
#include "tests/fuzz_seed.h"

enum { LANES = 3, MOST = 4096 };

struct queue {
    uint8_t bytes[MOST];
    size_t len, at;
    int ended;
};

static enum bf_err queue_read(void *impl, void *bytes, size_t size, size_t *done)
{
    struct queue *q = impl;
    *done = q->len - q->at < size ? q->len - q->at : size;
    memcpy(bytes, q->bytes + q->at, *done);
    q->at += *done;
    return *done || !size ? BF_OK : q->ended ? BF_ERR_CLOSED : BF_AGAIN;
}

static enum bf_err queue_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    *done = len;
    return BF_OK;
}

static void queue_poll(void *impl)
{
}

static enum bf_stream_state queue_state(void *impl)
{
    return BF_STREAM_OPEN;
}

static size_t queue_unsent(void *impl)
{
    return 0;
}

static const struct bf_fault *queue_fault(void *impl)
{
    return NULL;
}

static const struct bf_stream_ops ops = {queue_write,  queue_read,  queue_poll, queue_state,
                                         queue_unsent, queue_fault, queue_poll};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    uint8_t seed[2 + BF_PREFACE_SIZE + 2 * (1 + BF_SEGMENT_HEADER + 4)] = {2, BF_PREFACE_SIZE};
    uint8_t *at = seed + 2;
    bf_preface_put(at, &(struct bf_preface){.lane = 0});
    at += BF_PREFACE_SIZE;
    for (uint8_t lane = 0; lane < 2; lane++) {
        *at++ = (uint8_t)(lane << 6 | (BF_SEGMENT_HEADER + 4));
        bf_segment_put(at, &(struct bf_bundle_segment){lane ? 0u : 4u, 4});
        at += BF_SEGMENT_HEADER + 4;
    }
    fuzz_seed(*argc, *argv, 0, seed, sizeof seed);
    return 0;
}

static uint64_t drain(struct bf_stream *s)
{
    uint8_t bytes[77];
    uint64_t total = 0;
    size_t done = 0;
    while (s->ops->read(s->impl, bytes, sizeof bytes, &done) == BF_OK)
        total += done;
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct queue queue[LANES];
    struct bf_stream s;
    struct bf_preface p;
    uint64_t delivered = 0, given = 0;
    memset(queue, 0, sizeof queue);
    if (size < 1 || bf_bundle_accept((struct bf_stream){&ops, &queue[0]}, &s) != BF_OK)
        return 0;
    uint32_t lanes = data[0] % LANES, joined = 0;
    for (size_t at = 1; at < size;) {
        struct queue *q = &queue[(data[at] >> 6) % LANES];
        size_t len = data[at++] & 0x3f;
        len = len < size - at ? len : size - at;
        len = len < MOST - q->len ? len : MOST - q->len;
        memcpy(q->bytes + q->len, data + at, len);
        q->len += len;
        q->ended |= len == 0;
        at += len;
        given += len;
        delivered += drain(&s);
        if (!joined && bf_bundle_kind(&s, &p) == BF_BUNDLE_FIRST)
            while (joined < lanes &&
                   bf_bundle_join(&s, (uint8_t)(joined + 1),
                                  (struct bf_stream){&ops, &queue[joined + 1]}) == BF_OK)
                joined++;
    }
    delivered += drain(&s);
    if (delivered > given)
        abort();
    s.ops->close(s.impl);
    return 0;
}
