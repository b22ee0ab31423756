// SPDX-License-Identifier: Apache-2.0
// See tests/fuzz_map.h.
#include "tests/fuzz_map.h"

#include <stdlib.h>
#include <string.h>

#include "image/usage/usage.h"

enum { SECTOR = 512, EXTENTS = 64, CHUNK = 65536 };
static const uint64_t WORK_MAX = 2048ull << 20; // a map, its answers, and marks

struct hostile_disk {
    struct bf_source_disk source;
    const uint8_t *bytes;
    size_t len;
};

static enum bf_err submit(void *impl, struct bf_block_request *r)
{
    const struct hostile_disk *d = impl;
    uint64_t at = r->block * SECTOR, len = (uint64_t)r->count * SECTOR;
    memset(r->data, 0, len);
    if (at < d->len)
        memcpy(r->data, d->bytes + at, d->len - at < len ? d->len - at : len);
    r->status = BF_OK;
    r->done = 1;
    return BF_OK;
}

static void close_disk(void *impl)
{
    (void)impl;
}

static void judge_extents(struct bf_usage *u, uint64_t bytes, uint64_t kept)
{
    uint64_t end;
    int steps = 0;
    for (uint64_t at = 0; at < bytes && steps++ < EXTENTS; at = end) {
        int unused = bf_usage_extent(u, at, bytes, &end);
        if (end <= at || end > bytes || (unused && at < kept))
            abort();
    }
}

static void judge_chunks(struct bf_usage *u, uint64_t bytes)
{
    int steps = 0, unused;
    for (uint64_t chunk = 0; chunk < bytes / CHUNK && steps++ < EXTENTS;) {
        uint64_t left = bytes / CHUNK - chunk;
        uint64_t run = bf_usage_run(u, chunk, left, 16, CHUNK, bytes, &unused);
        if (!run || run > left || (!unused && run > 16))
            abort();
        chunk += run;
    }
}

void fuzz_map(const uint8_t *bytes, size_t len, uint64_t sectors, uint64_t kept)
{
    static const struct bf_block_ops ops = {"fuzz", submit, NULL, close_disk, NULL};
    struct hostile_disk d = {.source.ops = &ops, .bytes = bytes, .len = len};
    struct bf_source_disk *disks[] = {&d.source};
    d.source.impl = &d;
    d.source.geometry = (struct bf_block_geometry){.block_size = SECTOR,
                                                   .blocks = sectors,
                                                   .alignment = 1,
                                                   .max_blocks = 128,
                                                   .preferred_blocks = 128,
                                                   .depth = 1};
    struct bf_usage *u = bf_usage_open(disks, 1, NULL);
    bf_usage_select(u, disks[0]);
    judge_extents(u, sectors * SECTOR, kept);
    judge_chunks(u, sectors * SECTOR);
    if (bf_usage_work(u) > WORK_MAX)
        abort();
    bf_usage_free(u);
}
