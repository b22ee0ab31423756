// SPDX-License-Identifier: Apache-2.0
// A simulated PCI function: configuration space as bytes, registers by a device model, and memory
// that the device reaches at other addresses than the driver, only where and as long as it was
// opened to it. What a device does outside of that is counted and not done.
#ifndef BF_TESTS_SIM_PCI_H
#define BF_TESTS_SIM_PCI_H

#include "drivers/pci.h"

enum { SIM_PCI_RANGES = 64 };

struct sim_pci_range {
    uint64_t device;
    uint8_t *host;
    size_t bytes;
    uint8_t live;
};

struct sim_pci {
    struct bf_pci pci;
    uint8_t config[256];
    uint64_t (*read)(void *model, uint8_t bar, uint64_t offset, uint32_t width);
    void (*write)(void *model, uint8_t bar, uint64_t offset, uint32_t width, uint64_t value);
    void *model;
    struct sim_pci_range range[SIM_PCI_RANGES];
    uint64_t next_device;
    uint32_t stray;       // accesses of the device to memory that is not its own
    uint32_t alloc_fails; // counts down to the allocation that fails; 0: none
    uint8_t master;
    uint8_t master_stuck; // cannot be switched off
    uint8_t gone;         // pulled out
};

void sim_pci_init(struct sim_pci *s, uint16_t vendor, uint16_t device, uint32_t class_code);
// The device's view of memory; NULL when it may not go there.
void *sim_pci_reach(struct sim_pci *s, uint64_t device, size_t bytes);
// How much is open to the device: zero when a driver has cleaned up.
uint32_t sim_pci_open_ranges(const struct sim_pci *s);

#endif
