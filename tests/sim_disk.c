// SPDX-License-Identifier: Apache-2.0
// The simulated source disk, see tests/sim_disk.h.
#include "tests/sim_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/platform.h"
#include "tests/platform_sim.h"

static void complete(struct sim_disk *d, struct bf_block_request *r)
{
    uint64_t bad = d->model.bad_block;
    uint32_t size = d->model.block_size;
    int hit = bad != UINT64_MAX && bad < r->block + r->count && r->block <= bad + d->model.bad_more;
    if (bf_platform_now_us() < d->model.busy_until) {
        r->status = d->model.busy_as;
    } else if (hit && d->model.bad_times) {
        if (d->model.bad_times != UINT32_MAX)
            d->model.bad_times--;
        memset(r->data, 0xee, (size_t)r->count * size);
        r->status = BF_ERR_IO;
    } else {
        memcpy(r->data, d->data + r->block * size, (size_t)r->count * size);
        r->status = BF_OK;
    }
    r->done = 1;
}

static enum bf_err disk_submit(void *impl, struct bf_block_request *request)
{
    struct sim_disk *d = impl;
    uint64_t takes = d->model.read_us ? sim_random() % d->model.read_us : 0;
    if (request->count > d->model.max_blocks || request->block >= d->source.geometry.blocks)
        abort(); // the mediator let it pass
    if (d->model.blocking) {
        sim_clock_advance(takes);
        complete(d, request);
        return BF_OK;
    }
    if (d->in_flight == d->model.depth)
        return BF_AGAIN;
    request->user = (void *)(uintptr_t)(bf_platform_now_us() + takes);
    request->next = d->queue;
    d->queue = request;
    d->in_flight++;
    if (d->in_flight > d->most_in_flight)
        d->most_in_flight = d->in_flight;
    return BF_OK;
}

static void disk_poll(void *impl)
{
    struct sim_disk *d = impl;
    struct bf_block_request **link = &d->queue;
    while (*link) {
        struct bf_block_request *r = *link;
        if ((uintptr_t)r->user > bf_platform_now_us()) {
            link = &r->next;
            continue;
        }
        *link = r->next;
        d->in_flight--;
        complete(d, r);
    }
}

static void disk_close(void *impl)
{
    struct sim_disk *d = impl;
    d->queue = NULL;
    d->in_flight = 0;
}

static int is_zero(const struct sim_disk *d, uint64_t block)
{
    const uint8_t *at = d->data + block * d->model.block_size;
    return !at[0] && memcmp(at, at + 1, d->model.block_size - 1) == 0;
}

static int disk_zeros(void *impl, uint64_t block, uint64_t *blocks)
{
    struct sim_disk *d = impl;
    int zeros = is_zero(d, block);
    uint64_t most = sim_random() % 2 ? *blocks : 1 + sim_random() % 2000, end = block + 1;
    if (block >= d->source.geometry.blocks)
        abort(); // the mediator let it pass
    while (end < d->source.geometry.blocks && end - block < most && is_zero(d, end) == zeros)
        end++;
    *blocks = end - block;
    return zeros;
}

static const struct bf_block_ops plain = {"sim", disk_submit, disk_poll, disk_close, NULL};
static const struct bf_block_ops telling = {"sim", disk_submit, disk_poll, disk_close, disk_zeros};

void sim_disk_init(struct sim_disk *disk, const struct sim_disk_model *model, uint8_t *data)
{
    memset(disk, 0, sizeof *disk);
    disk->model = *model;
    disk->data = data;
    disk->source.ops = model->tells_zeros ? &telling : &plain;
    disk->source.impl = disk;
    disk->source.geometry = (struct bf_block_geometry){
        .block_size = model->block_size,
        .blocks = model->bytes / model->block_size,
        .alignment = model->alignment,
        .max_blocks = model->max_blocks,
        .preferred_blocks = model->preferred_blocks,
        .depth = model->blocking ? 1 : model->depth,
        .blocking = model->blocking,
    };
    disk->source.identity.bytes = model->bytes;
    disk->source.identity.block_size = model->block_size;
    snprintf(disk->source.identity.serial, sizeof disk->source.identity.serial, "SIM1");
}
