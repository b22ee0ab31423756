// SPDX-License-Identifier: Apache-2.0
// The parts of the bus contract that are the same on every bus. See drivers/pci.h.
#include "drivers/pci.h"

#include <string.h>

#include "base/assert.h"

enum {
    VENDOR_ID = 0x00, // PCI 3.0, figure 6-1
    CLASS_CODE = 0x08,
    STATUS = 0x06,
    STATUS_CAPABILITIES = 0x10,
    CAPABILITIES = 0x34,
    POINTER_MASK = 0xfc, // the low bits are reserved
    HEADER_BYTES = 0x40,
    CAPABILITIES_MAX = 48, // as many as fit between the header and 256 bytes
    BARS = 6,
};

uint32_t bf_pci_config(struct bf_pci *pci, uint32_t offset, uint32_t width)
{
    uint32_t value = UINT32_MAX;
    BF_ASSERT((width == 1 || width == 2 || width == 4) && offset % width == 0);
    if (pci->ops->config_read(pci->impl, offset, width, &value)) {
        pci->failed = 1;
        return UINT32_MAX;
    }
    return value;
}

uint64_t bf_pci_read(struct bf_pci *pci, uint8_t bar, uint64_t offset, uint32_t width)
{
    uint64_t value = UINT64_MAX;
    BF_ASSERT(bar < BARS);
    BF_ASSERT(width == 1 || width == 2 || width == 4 || width == 8);
    if (pci->ops->read(pci->impl, bar, offset, width, &value)) {
        pci->failed = 1;
        return UINT64_MAX;
    }
    return value;
}

void bf_pci_write(struct bf_pci *pci, uint8_t bar, uint64_t offset, uint32_t width, uint64_t value)
{
    BF_ASSERT(bar < BARS);
    BF_ASSERT(width == 1 || width == 2 || width == 4 || width == 8);
    if (pci->ops->write(pci->impl, bar, offset, width, value))
        pci->failed = 1;
}

struct bf_pci_id bf_pci_identify(struct bf_pci *pci)
{
    uint32_t id = bf_pci_config(pci, VENDOR_ID, 4);
    return (struct bf_pci_id){.vendor = (uint16_t)id,
                              .device = (uint16_t)(id >> 16),
                              .class_code = bf_pci_config(pci, CLASS_CODE, 4) >> 8};
}

uint32_t bf_pci_capability(struct bf_pci *pci, uint8_t id, uint32_t index)
{
    uint32_t at;
    if (!(bf_pci_config(pci, STATUS, 2) & STATUS_CAPABILITIES))
        return 0;
    at = bf_pci_config(pci, CAPABILITIES, 1) & POINTER_MASK;
    for (uint32_t i = 0; i < CAPABILITIES_MAX && at >= HEADER_BYTES && !pci->failed; i++) {
        if (bf_pci_config(pci, at, 1) == id && index-- == 0)
            return at;
        at = bf_pci_config(pci, at + 1, 1) & POINTER_MASK;
    }
    return 0;
}

void bf_dma_free(struct bf_pci *pci, struct bf_dma *dma)
{
    BF_ASSERT((dma->host != NULL) == (dma->bytes > 0)); // filled, or never filled
    if (dma->host && !pci->wild)
        pci->ops->free(pci->impl, dma);
    memset(dma, 0, sizeof *dma);
}
