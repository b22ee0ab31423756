// SPDX-License-Identifier: Apache-2.0
// Queue pairs of NVM Express. See drivers/nvme_queue.h.
#include "drivers/nvme_queue.h"

#include <string.h>

#include "base/assert.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "queues are shared with the device");
_Static_assert(BF_NVME_QUEUE_ENTRIES * sizeof(struct bf_nvme_command) <= BF_PCI_PAGE, "one page");

static struct bf_nvme_command *submissions(const struct bf_nvme_queue *q)
{
    return q->memory.host;
}

static struct bf_nvme_completion *completions(const struct bf_nvme_queue *q)
{
    return (void *)((uint8_t *)q->memory.host + BF_PCI_PAGE);
}

enum bf_err bf_nvme_queue_open(struct bf_nvme_queue *q, struct bf_pci *pci, uint16_t id,
                               uint32_t stride)
{
    enum bf_err err;
    BF_ASSERT(stride >= sizeof(uint32_t) && stride % sizeof(uint32_t) == 0);
    memset(q, 0, sizeof *q);
    q->pci = pci;
    q->id = id;
    q->stride = stride;
    err = pci->ops->alloc(pci->impl, 2 * BF_PCI_PAGE, &q->memory);
    if (!err)
        bf_nvme_queue_clear(q);
    return err;
}

void bf_nvme_queue_close(struct bf_nvme_queue *q)
{
    if (q->pci)
        bf_dma_free(q->pci, &q->memory);
}

void bf_nvme_queue_clear(struct bf_nvme_queue *q)
{
    BF_ASSERT(q->memory.bytes >= 2 * BF_PCI_PAGE && q->memory.device % BF_PCI_PAGE == 0);
    memset(q->memory.host, 0, 2 * BF_PCI_PAGE);
    q->tail = q->head = 0;
    q->phase = 1;
}

uint64_t bf_nvme_queue_sq(const struct bf_nvme_queue *q)
{
    return q->memory.device;
}

uint64_t bf_nvme_queue_cq(const struct bf_nvme_queue *q)
{
    return q->memory.device + BF_PCI_PAGE;
}

void bf_nvme_queue_submit(struct bf_nvme_queue *q, const struct bf_nvme_command *command)
{
    BF_ASSERT(q->tail < BF_NVME_QUEUE_ENTRIES);
    submissions(q)[q->tail] = *command;
    q->tail = (uint16_t)((q->tail + 1) % BF_NVME_QUEUE_ENTRIES);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); // the controller reads the entry after the doorbell
    bf_pci_write(q->pci, 0, BF_NVME_DOORBELLS + 2u * q->id * q->stride, 4, q->tail);
}

enum bf_err bf_nvme_queue_take(struct bf_nvme_queue *q, struct bf_nvme_completion *out)
{
    struct bf_nvme_completion *entry = &completions(q)[q->head];
    uint16_t status = __atomic_load_n(&entry->status, __ATOMIC_ACQUIRE);
    BF_ASSERT(q->head < BF_NVME_QUEUE_ENTRIES && q->phase <= 1);
    if ((status & 1) != q->phase)
        return BF_AGAIN;
    *out = *entry;
    out->status = status >> 1;
    q->head = (uint16_t)((q->head + 1) % BF_NVME_QUEUE_ENTRIES);
    if (q->head == 0)
        q->phase ^= 1;
    bf_pci_write(q->pci, 0, BF_NVME_DOORBELLS + (2u * q->id + 1) * q->stride, 4, q->head);
    return out->sqid == q->id ? BF_OK : BF_ERR_PROTOCOL;
}
