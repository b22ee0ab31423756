// SPDX-License-Identifier: Apache-2.0
// See tests/fuzz_frames.h.
#include "tests/fuzz_frames.h"

#include <string.h>

#include "base/bytes.h"
#include "net/proto/proto.h"
#include "tests/fuzz_rng.h"

enum { POOL = 128, FRAME_MAX = 70000, FRAMES = 256, LENGTH_AT = 4 };

static struct {
    uint8_t bytes[FRAME_MAX];
    size_t len;
} pool[POOL];
static uint32_t pooled;

struct frames {
    size_t at[FRAMES + 1]; // and where the last one ends
    uint32_t count;
};

size_t fuzz_frame_length(const uint8_t *bytes, size_t len, size_t at)
{
    struct bf_frame frame;
    size_t need;
    return bf_frame_parse(bytes + at, len - at, &frame, &need) == BF_OK ? need : len - at;
}

void fuzz_frames_learn(const uint8_t *bytes, size_t len)
{
    for (size_t at = 0, n; at < len && pooled < POOL; at += n) {
        n = fuzz_frame_length(bytes, len, at);
        if (n > FRAME_MAX)
            continue;
        memcpy(pool[pooled].bytes, bytes + at, n);
        pool[pooled++].len = n;
    }
}

static void split(struct frames *f, const uint8_t *data, size_t size, size_t head)
{
    f->count = 0;
    f->at[0] = head;
    while (f->at[f->count] < size && f->count < FRAMES) {
        size_t at = f->at[f->count];
        f->at[++f->count] = at + fuzz_frame_length(data, size, at);
    }
}

// Bytes in the place of others. The new size; the old one when there is no room.
static size_t replace(uint8_t *data, size_t size, size_t max, size_t at, size_t old,
                      const uint8_t *bytes, size_t len)
{
    if (size - old + len > max)
        return size;
    memmove(data + at + len, data + at + old, size - at - old);
    memcpy(data + at, bytes, len);
    return size - old + len;
}

static void put_length(uint8_t *frame, size_t payload)
{
    bf_put_le32(frame + LENGTH_AT, (uint32_t)payload);
}

// A number somewhere in the fixed part of a frame, or libFuzzer's own idea, with a length that
// fits.
static size_t change_inside(uint8_t *data, size_t size, size_t max, size_t at, size_t len,
                            struct fuzz_rng *r)
{
    static uint8_t copy[2 * FRAME_MAX];
    size_t payload = len - BF_FRAME_HEADER, fixed = payload < 64 ? payload : 64;
    uint64_t number = fuzz_number(r);
    if (len <= BF_FRAME_HEADER || len > FRAME_MAX)
        return size;
    memcpy(copy, data + at, len);
    if (fuzz_below(r, 3)) {
        size_t bytes = 1ull << fuzz_below(r, 4), where = fuzz_below(r, fixed);
        for (size_t i = 0; i < bytes && where + i < payload; i++)
            copy[BF_FRAME_HEADER + where + i] = (uint8_t)(number >> 8 * i);
    } else {
        payload = LLVMFuzzerMutate(copy + BF_FRAME_HEADER, payload, payload + 64);
        put_length(copy, payload);
    }
    return replace(data, size, max, at, len, copy, BF_FRAME_HEADER + payload);
}

static size_t change(uint8_t *data, size_t size, size_t max, const struct frames *f,
                     struct fuzz_rng *r)
{
    static uint8_t copy[FRAME_MAX];
    uint32_t i = (uint32_t)fuzz_below(r, f->count), k = (uint32_t)fuzz_below(r, f->count);
    uint32_t sample = (uint32_t)fuzz_below(r, pooled);
    size_t at = f->at[i], len = f->at[i + 1] - at, from = f->at[k], n = f->at[k + 1] - from;
    switch (fuzz_below(r, 6)) {
    case 0: // one goes
        return replace(data, size, max, at, len, copy, 0);
    case 1: // one comes twice, or elsewhere as well
    case 2: // one in the place of another
        if (n > sizeof copy)
            return size;
        memcpy(copy, data + from, n);
        return replace(data, size, max, at, fuzz_below(r, 2) ? len : 0, copy, n);
    case 3:
        return replace(data, size, max, at, 0, pool[sample].bytes, pool[sample].len);
    default:
        return change_inside(data, size, max, at, len, r);
    }
}

static size_t change_some(uint8_t *data, size_t size, size_t max, size_t head, uint64_t changes,
                          struct fuzz_rng *r)
{
    static struct frames f;
    for (split(&f, data, size, head); changes && f.count; changes--) {
        size = change(data, size, max, &f, r);
        split(&f, data, size, head);
    }
    return size;
}

size_t fuzz_frames_mutate(uint8_t *data, size_t size, size_t max, size_t head, unsigned seed,
                          fuzz_frames_make *make)
{
    struct fuzz_rng r = {seed};
    uint64_t kind = fuzz_below(&r, 8);
    if (kind > 2 && (size = make(&r, data, max)))
        return change_some(data, size, max, head, fuzz_below(&r, 3), &r);
    if (size <= head || !pooled || !kind)
        return LLVMFuzzerMutate(data, size, max);
    if (!fuzz_below(&r, 16)) {
        data[fuzz_below(&r, head)] = (uint8_t)fuzz_next(&r);
        return size;
    }
    return change_some(data, size, max, head, 1 + fuzz_below(&r, 3), &r);
}
