// SPDX-License-Identifier: Apache-2.0
// Split virtqueues. See drivers/virtqueue.h. Fields are little-endian, as every processor is that
// this is built for.
#include "drivers/virtqueue.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "rings are shared with the device");
_Static_assert(sizeof(struct bf_virtq_desc) == 16, "2.6.5");

enum { AVAIL_NO_INTERRUPT = 1, USED_NO_NOTIFY = 1 };

struct virtq_avail { // 2.6.6
    uint16_t flags;
    uint16_t idx;
    uint16_t ring[];
};
struct virtq_used { // 2.6.8
    uint16_t flags;
    uint16_t idx;
    struct {
        uint32_t id;
        uint32_t len;
    } ring[];
};

static struct virtq_avail *avail_ring(const struct bf_virtqueue *vq)
{
    return (void *)((uint8_t *)vq->memory.host + vq->avail_at);
}

static struct virtq_used *used_ring(const struct bf_virtqueue *vq)
{
    return (void *)((uint8_t *)vq->memory.host + vq->used_at);
}

// Chains that the device has, or has done with and that were not taken yet.
static uint16_t out_of(const struct bf_virtqueue *vq)
{
    return (uint16_t)(vq->offered - vq->taken);
}

enum bf_err bf_virtqueue_open(struct bf_virtqueue *vq, struct bf_pci *pci, uint16_t size)
{
    enum bf_err err;
    BF_ASSERT(bf_is_power_of_two(size));
    memset(vq, 0, sizeof *vq);
    vq->size = size;
    vq->avail_at = size * (uint32_t)sizeof(struct bf_virtq_desc);
    vq->used_at = (vq->avail_at + 6 + 2u * size + 3) & ~3u; // aligned to 4 (2.6)
    err = pci->ops->alloc(pci->impl, vq->used_at + 6 + 8u * size, &vq->memory);
    if (err)
        return err;
    vq->desc = vq->memory.host;
    bf_virtqueue_clear(vq);
    return BF_OK;
}

void bf_virtqueue_close(struct bf_virtqueue *vq, struct bf_pci *pci)
{
    bf_dma_free(pci, &vq->memory);
    vq->desc = NULL;
}

void bf_virtqueue_clear(struct bf_virtqueue *vq)
{
    BF_ASSERT(vq->desc && vq->desc == vq->memory.host);
    BF_ASSERT(vq->avail_at < vq->used_at && vq->used_at < vq->memory.bytes);
    memset((uint8_t *)vq->memory.host + vq->avail_at, 0, vq->memory.bytes - vq->avail_at);
    avail_ring(vq)->flags = AVAIL_NO_INTERRUPT;
    vq->offered = vq->taken = 0;
}

void bf_virtqueue_offer(struct bf_virtqueue *vq, uint16_t head)
{
    struct virtq_avail *avail = avail_ring(vq);
    BF_ASSERT(head < vq->size);
    BF_ASSERT(out_of(vq) < vq->size); // each chain is with one side only
    avail->ring[vq->offered & (vq->size - 1)] = head;
    vq->offered++;
    // The device sees descriptors and ring before the index, and the index before a notification.
    __atomic_store_n(&avail->idx, vq->offered, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

int bf_virtqueue_quiet(const struct bf_virtqueue *vq)
{
    return __atomic_load_n(&used_ring(vq)->flags, __ATOMIC_RELAXED) & USED_NO_NOTIFY;
}

enum bf_err bf_virtqueue_take(struct bf_virtqueue *vq, uint16_t *head, uint32_t *len)
{
    struct virtq_used *used = used_ring(vq);
    uint16_t done = __atomic_load_n(&used->idx, __ATOMIC_ACQUIRE);
    uint16_t slot = vq->taken & (vq->size - 1);
    uint32_t id;
    BF_ASSERT(out_of(vq) <= vq->size);
    if (done == vq->taken)
        return BF_AGAIN;
    if ((uint16_t)(done - vq->taken) > out_of(vq))
        return BF_ERR_PROTOCOL;
    id = __atomic_load_n(&used->ring[slot].id, __ATOMIC_RELAXED);
    *len = __atomic_load_n(&used->ring[slot].len, __ATOMIC_RELAXED);
    if (id >= vq->size)
        return BF_ERR_PROTOCOL;
    *head = (uint16_t)id;
    vq->taken++;
    return BF_OK;
}
