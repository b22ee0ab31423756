// SPDX-License-Identifier: Apache-2.0
// The mediator in front of every source disk's driver: judges a request once, counts it, measures
// how long a blocking driver kept the loop, and keeps the list of requests that the driver owns.
#include "image/block.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/platform.h"

enum { BOUNCE_BYTES = 65536 };

enum bf_err bf_block_geometry_check(const struct bf_block_geometry *g)
{
    if (!bf_is_power_of_two(g->block_size) || g->block_size < BF_BLOCK_MIN ||
        g->block_size > BF_BLOCK_MAX)
        return BF_ERR_UNSUPPORTED;
    if (!g->blocks || g->blocks > (uint64_t)INT64_MAX / g->block_size)
        return BF_ERR_UNSUPPORTED;
    if (!bf_is_power_of_two(g->alignment) || g->alignment > BF_BLOCK_ALIGN_MAX)
        return BF_ERR_UNSUPPORTED;
    if (!g->max_blocks || !g->preferred_blocks || g->preferred_blocks > g->max_blocks || !g->depth)
        return BF_ERR_UNSUPPORTED;
    return BF_OK;
}

uint64_t bf_source_bytes(const struct bf_source_disk *disk)
{
    return disk->geometry.blocks * disk->geometry.block_size;
}

// Takes finished requests off the list and counts their outcome. A request whose caller gave up
// waiting lies at the start of its own memory, which is released here.
static void reap(struct bf_source_disk *disk)
{
    struct bf_block_request **link = &disk->in_flight;
    while (*link) {
        struct bf_block_request *request = *link;
        if (!request->done) {
            link = &request->tracked;
            continue;
        }
        *link = request->tracked;
        request->tracked = NULL;
        if (request->status)
            disk->errors++;
        else
            disk->bytes_read += (uint64_t)request->count * disk->geometry.block_size;
        if (request->orphan && !request->kept)
            bf_free(request);
    }
}

enum bf_err bf_source_submit(struct bf_source_disk *disk, struct bf_block_request *request)
{
    const struct bf_block_geometry *g = &disk->geometry;
    uint64_t before = 0;
    enum bf_err err;
    if (!request->count || request->count > g->max_blocks || request->block > g->blocks ||
        request->count > g->blocks - request->block ||
        ((uintptr_t)request->data & (g->alignment - 1)))
        return BF_ERR_RANGE;
    reap(disk); // what a poll of a neighbour on the same controller finished is still here
    request->done = request->kept = 0;
    request->status = BF_OK;
    request->next = NULL;
    if (g->blocking)
        before = bf_platform_now_us();
    err = disk->ops->submit(disk->impl, request);
    if (g->blocking)
        disk->blocked_us += bf_platform_now_us() - before;
    if (err)
        return err;
    disk->requests++;
    request->tracked = disk->in_flight;
    disk->in_flight = request;
    reap(disk);
    return BF_OK;
}

void bf_source_poll(struct bf_source_disk *disk)
{
    if (disk->ops->poll)
        disk->ops->poll(disk->impl);
    reap(disk);
}

int bf_source_zeros(struct bf_source_disk *disk, uint64_t block, uint64_t *blocks)
{
    uint64_t rest = block < disk->geometry.blocks ? disk->geometry.blocks - block : 0;
    int zeros = 0;
    *blocks = rest ? rest : 1;
    if (rest && disk->ops->zeros)
        zeros = disk->ops->zeros(disk->impl, block, blocks);
    if (!*blocks) { // nothing was said
        *blocks = 1;
        return 0;
    }
    if (*blocks > rest)
        *blocks = rest ? rest : 1;
    return zeros;
}

struct bounce {
    struct bf_block_request request; // first: an orphan is freed through it
    uint8_t *data;
};

static struct bounce *bounce_new(const struct bf_block_geometry *g, uint32_t *blocks)
{
    uint32_t most = BOUNCE_BYTES / g->block_size;
    *blocks = most < g->max_blocks ? most : g->max_blocks;
    // One allocation for both, aligned for the data, which comes after the request.
    size_t align = g->alignment < 16 ? 16 : g->alignment;
    size_t head = (sizeof(struct bounce) + align - 1) / align * align;
    struct bounce *b = bf_alloc_aligned(head + (size_t)*blocks * g->block_size, align);
    if (b)
        b->data = (uint8_t *)b + head;
    return b;
}

static enum bf_err bounce_read(struct bf_source_disk *disk, struct bounce *b, uint64_t block,
                               uint32_t count, uint64_t deadline)
{
    enum bf_err err;
    b->request.block = block;
    b->request.count = count;
    b->request.data = b->data;
    while ((err = bf_source_submit(disk, &b->request)) == BF_AGAIN) {
        if (bf_platform_now_us() >= deadline)
            return BF_ERR_BUSY;
        bf_source_poll(disk);
        bf_platform_idle(100);
    }
    if (err)
        return err;
    for (;;) {
        if (b->request.done)
            return b->request.status;
        if (bf_platform_now_us() >= deadline)
            return BF_ERR_TIMEOUT;
        bf_source_poll(disk);
        if (!b->request.done)
            bf_platform_idle(100);
    }
}

enum bf_err bf_source_read(struct bf_source_disk *disk, uint64_t offset, void *out, size_t len,
                           uint64_t timeout_us)
{
    uint64_t bytes = bf_source_bytes(disk), deadline = bf_platform_now_us() + timeout_us;
    uint32_t size = disk->geometry.block_size, most;
    uint8_t *to = out;
    enum bf_err err = BF_OK;
    if (offset > bytes || len > bytes - offset)
        return BF_ERR_RANGE;
    struct bounce *b = bounce_new(&disk->geometry, &most);
    if (!b)
        return BF_ERR_NO_MEMORY;
    while (len > 0) {
        uint32_t skip = (uint32_t)(offset % size);
        uint64_t want = (skip + (uint64_t)len + size - 1) / size;
        uint32_t count = want < most ? (uint32_t)want : most;
        err = bounce_read(disk, b, offset / size, count, deadline);
        if (err)
            break;
        size_t got = (size_t)count * size - skip;
        if (got > len)
            got = len;
        memcpy(to, b->data + skip, got);
        to += got;
        offset += got;
        len -= got;
    }
    if (err == BF_ERR_TIMEOUT && !b->request.done)
        b->request.orphan = 1;
    else if (!b->request.kept)
        bf_free(b);
    return err;
}

void bf_source_close(struct bf_source_disk *disk)
{
    if (!disk || !disk->ops)
        return;
    disk->ops->close(disk->impl);
    for (struct bf_block_request *r = disk->in_flight; r; r = r->tracked)
        r->done = 1;
    reap(disk);
    disk->ops = NULL;
    disk->impl = NULL;
}
