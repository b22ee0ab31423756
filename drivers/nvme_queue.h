// SPDX-License-Identifier: Apache-2.0
// A pair of a submission and a completion queue of NVM Express (1.4, 4.1), polled, and the commands
// that are out on it by their identifiers. What the controller completes is checked: an identifier
// that is out, the right queue, a head that it can have.
#ifndef BF_DRIVERS_NVME_QUEUE_H
#define BF_DRIVERS_NVME_QUEUE_H

#include <stdint.h>

#include "drivers/nvme_regs.h"
#include "drivers/pci.h"

enum { BF_NVME_QUEUE_ENTRIES = 16 };

struct bf_nvme_queue {
    struct bf_pci *pci;
    uint16_t id;
    uint32_t stride; // of the doorbells
    uint16_t tail, head;
    uint8_t phase;
    struct bf_dma memory; // submission queue in the first page, completion queue in the second
};

enum bf_err bf_nvme_queue_open(struct bf_nvme_queue *q, struct bf_pci *pci, uint16_t id,
                               uint32_t stride);
void bf_nvme_queue_close(struct bf_nvme_queue *q);
// Empties it, for a controller that was reset.
void bf_nvme_queue_clear(struct bf_nvme_queue *q);

uint64_t bf_nvme_queue_sq(const struct bf_nvme_queue *q); // bus addresses
uint64_t bf_nvme_queue_cq(const struct bf_nvme_queue *q);

// The caller never has more out than BF_NVME_QUEUE_ENTRIES - 1.
void bf_nvme_queue_submit(struct bf_nvme_queue *q, const struct bf_nvme_command *command);

// The next completion. BF_AGAIN: none. BF_ERR_PROTOCOL: of another queue.
enum bf_err bf_nvme_queue_take(struct bf_nvme_queue *q, struct bf_nvme_completion *out);

#endif
