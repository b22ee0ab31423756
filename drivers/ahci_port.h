// SPDX-License-Identifier: Apache-2.0
// One port of an AHCI controller with the disk on it.
#ifndef BF_DRIVERS_AHCI_PORT_H
#define BF_DRIVERS_AHCI_PORT_H

#include "drivers/pci.h"
#include "image/block.h"

struct bf_ahci_port;

// Starts a port that is stopped and asks the disk who it is. Fills ops, impl and geometry, and what
// is not yet known of the identity; ops->close ends it. cap: the controller's. On failure the port
// is stopped and nothing is held. BF_ERR_NOT_FOUND: no disk. BF_ERR_UNSUPPORTED: one that is left
// to the firmware.
enum bf_err bf_ahci_port_open(struct bf_pci *pci, uint32_t cap, uint32_t number,
                              struct bf_source_disk *out);

// Stops a port that somebody else used: after BF_OK no memory is its own any more (10.1.2).
enum bf_err bf_ahci_port_stop(struct bf_pci *pci, uint32_t number);

#endif
