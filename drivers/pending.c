// SPDX-License-Identifier: Apache-2.0
// Requests in flight. See drivers/pending.h.
#include "drivers/pending.h"

#include "base/assert.h"
#include "base/platform.h"

void bf_pending_init(struct bf_pending *p, struct bf_pci *pci, uint32_t count)
{
    BF_ASSERT(count > 0 && count <= BF_PENDING_SLOTS);
    *p = (struct bf_pending){.pci = pci, .count = count};
}

bool bf_pending_find(const struct bf_pending *p, uint32_t *index)
{
    uint32_t i = 0;
    while (i < p->count && p->slot[i].state != BF_PENDING_FREE)
        i++;
    *index = i;
    return i < p->count;
}

void bf_pending_take(struct bf_pending *p, uint32_t index, struct bf_block_request *request,
                     uint32_t bytes)
{
    struct bf_pending_slot *s = &p->slot[index];
    BF_ASSERT(index < p->count && s->state == BF_PENDING_FREE);
    BF_ASSERT(!s->request && !s->data.host);
    BF_ASSERT(bytes > 0 && (!request || !request->done));
    s->state = BF_PENDING_HELD;
    s->request = request;
    s->bytes = bytes;
}

enum bf_err bf_pending_map(struct bf_pending *p, uint32_t index, void *data)
{
    struct bf_pending_slot *s = &p->slot[index];
    enum bf_err err;
    BF_ASSERT(index < p->count && s->state == BF_PENDING_HELD && !s->data.host);
    err = p->pci->ops->map(p->pci->impl, data, s->bytes, &s->data);
    if (err)
        bf_pending_release(p, index, err);
    return err;
}

void bf_pending_out(struct bf_pending *p, uint32_t index, uint64_t timeout_us)
{
    BF_ASSERT(index < p->count && p->slot[index].state != BF_PENDING_FREE);
    p->slot[index].state = BF_PENDING_OUT;
    p->slot[index].deadline_us = bf_platform_now_us() + timeout_us;
}

void bf_pending_hold(struct bf_pending *p, uint32_t index)
{
    BF_ASSERT(index < p->count && p->slot[index].state == BF_PENDING_OUT);
    p->slot[index].state = BF_PENDING_HELD;
}

// Tells whoever waits, once.
static void tell(struct bf_pending_slot *s, enum bf_err status, bool kept)
{
    struct bf_block_request *request = s->request;
    if (!request)
        return;
    BF_ASSERT(!request->done);
    request->status = status;
    request->kept = kept;
    request->done = 1;
    s->request = NULL;
}

void bf_pending_release(struct bf_pending *p, uint32_t index, enum bf_err status)
{
    struct bf_pending_slot *s = &p->slot[index];
    enum bf_err unmapped = BF_OK;
    BF_ASSERT(index < p->count && s->state != BF_PENDING_FREE);
    if (s->data.host)
        unmapped = p->pci->ops->unmap(p->pci->impl, &s->data);
    BF_ASSERT(!s->data.host);
    s->state = BF_PENDING_FREE;
    s->status = status ? status : unmapped;
    tell(s, s->status, false);
}

void bf_pending_end(struct bf_pending *p, bool quiet, enum bf_err status)
{
    BF_ASSERT(status != BF_OK);
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->slot[i].state == BF_PENDING_FREE)
            continue;
        if (quiet)
            bf_pending_release(p, i, status);
        else
            tell(&p->slot[i], status, true);
    }
}

bool bf_pending_is_idle(const struct bf_pending *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (p->slot[i].state != BF_PENDING_FREE)
            return false;
    return true;
}

bool bf_pending_is_late(const struct bf_pending *p)
{
    uint64_t now = bf_platform_now_us();
    for (uint32_t i = 0; i < p->count; i++)
        if (p->slot[i].state == BF_PENDING_OUT && now >= p->slot[i].deadline_us)
            return true;
    return false;
}

enum bf_err bf_pending_refuse(struct bf_block_request *request, enum bf_err status)
{
    BF_ASSERT(status != BF_OK && status != BF_AGAIN);
    request->status = status;
    request->done = 1;
    return BF_OK;
}
