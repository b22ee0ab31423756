// SPDX-License-Identifier: Apache-2.0
// See migrate/copy_time.h.
#include "migrate/copy_time.h"

#include "base/assert.h"

enum { SHARE = 1024 };

static uint64_t seconds(uint64_t bytes, uint64_t rate)
{
    if (!bytes)
        return 0;
    return rate ? bytes / rate + (bytes % rate != 0) : UINT64_MAX;
}

static uint64_t more(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

// Of the bytes used, those that go over the wire, as the samples were compressed. packed is at most
// sampled, so this is at most used.
static uint64_t on_the_wire(const struct bf_assessed_disk *d)
{
    uint64_t share = d->sampled >= SHARE ? d->packed / (d->sampled / SHARE) : SHARE;
    BF_ASSERT(d->packed <= d->sampled); // as a frame is judged
    if (share > SHARE)
        share = SHARE;
    return d->used / SHARE * share + d->used % SHARE * share / SHARE;
}

void bf_copy_time(struct bf_copy_time *out, const struct bf_assessment *a, uint64_t link)
{
    *out = (struct bf_copy_time){0};
    for (uint16_t i = 0; i < a->disks && i < BF_PROTO_DISKS_MAX; i++) {
        const struct bf_assessed_disk *d = &a->disk[i];
        uint64_t own = more(seconds(d->used, d->rate), seconds(d->used, a->compute));
        out->bytes = sum(out->bytes, d->bytes);
        out->used = sum(out->used, d->used);
        out->later = sum(out->later, own);
        out->first = sum(out->first, more(own, seconds(on_the_wire(d), link)));
    }
    BF_ASSERT(out->used <= out->bytes && out->later <= out->first);
}
