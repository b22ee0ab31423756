// SPDX-License-Identifier: Apache-2.0
// What a native driver needs of the bus: one PCI function's configuration space, its registers, and
// memory that it may reach. Implemented over EFI_PCI_IO_PROTOCOL (drivers/pci_efi.c) and by models
// of devices in the tests. References: PCI Local Bus 3.0, chapter 6.
//
// Registers are read and written through a handle that fails once and stays failed, so that a
// driver looks at pci->failed after a sequence. A function that was pulled out reads as all ones.
#ifndef BF_DRIVERS_PCI_H
#define BF_DRIVERS_PCI_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { BF_PCI_PAGE = 4096 };

// Memory that the device reaches at another address than the processor, perhaps.
struct bf_dma {
    void *host;
    uint64_t device;
    size_t bytes;
    void *token; // the bus's
};

struct bf_pci_ops {
    // width: bytes of one access, 1, 2, 4, and for registers 8.
    enum bf_err (*config_read)(void *impl, uint32_t offset, uint32_t width, uint32_t *value);
    enum bf_err (*read)(void *impl, uint8_t bar, uint64_t offset, uint32_t width, uint64_t *value);
    enum bf_err (*write)(void *impl, uint8_t bar, uint64_t offset, uint32_t width, uint64_t value);
    // Zeroed memory that both sides may use at the same time, aligned to BF_PCI_PAGE on both.
    enum bf_err (*alloc)(void *impl, size_t bytes, struct bf_dma *out);
    void (*free)(void *impl, struct bf_dma *dma);
    // Opens memory to the device for writing; what it wrote is seen after unmap. One piece on the
    // device's side or BF_ERR_NO_MEMORY.
    enum bf_err (*map)(void *impl, void *host, size_t bytes, struct bf_dma *out);
    enum bf_err (*unmap)(void *impl, struct bf_dma *dma);
    // Whether the function may reach memory by itself. BF_OK only when that is confirmed: once it
    // is off, no buffer belongs to the device any more, whatever state it is in.
    enum bf_err (*master)(void *impl, int on);
    // The function reaches addresses of 32 bits only. Called before any memory is opened to it.
    enum bf_err (*narrow)(void *impl);
};

struct bf_pci {
    const struct bf_pci_ops *ops;
    void *impl;
    uint8_t failed;
    // Set by drivers of a function that does not stop (drivers/recovery.h). cut: its way to memory
    // is cut, and must not be opened again. wild: not even that could be had; it may write to
    // memory that it was given, so none of it is freed.
    uint8_t cut, wild;
};

struct bf_pci_id {
    uint16_t vendor, device;
    uint32_t class_code; // base class, subclass, interface
};

// All ones when the access fails.
uint32_t bf_pci_config(struct bf_pci *pci, uint32_t offset, uint32_t width);
uint64_t bf_pci_read(struct bf_pci *pci, uint8_t bar, uint64_t offset, uint32_t width);
void bf_pci_write(struct bf_pci *pci, uint8_t bar, uint64_t offset, uint32_t width, uint64_t value);
struct bf_pci_id bf_pci_identify(struct bf_pci *pci);

// Capability number `index` (0: the first) of those with this id (6.7), or 0 when there is none.
// The walk is bounded: a list may be a circle.
uint32_t bf_pci_capability(struct bf_pci *pci, uint8_t id, uint32_t index);

// Frees what alloc gave; takes one that was never filled. Of a wild function it is kept for good.
void bf_dma_free(struct bf_pci *pci, struct bf_dma *dma);

#endif
