// SPDX-License-Identifier: Apache-2.0
// A port multiplier on a port of an AHCI controller (Serial ATA 3.3, 16): which of its ports have
// something on them. Disks behind it are not read. It shows its signature after a soft reset that
// is addressed to it (16.3.3.1), which the firmware has sent or not: none is sent here, since some
// disks do not take it well. Without one, the port looks like the disk on port 0 of the multiplier.
#ifndef BF_DRIVERS_AHCI_MULTIPLIER_H
#define BF_DRIVERS_AHCI_MULTIPLIER_H

#include "drivers/pci.h"

enum { BF_AHCI_MULTIPLIER_PORTS = 15 };

// Of a port that is stopped and has one: bit n of *present is set when there is a link on its port
// n. The port is stopped again. BF_ERR_TIMEOUT: it did not stop, its memory is the controller's.
enum bf_err bf_ahci_multiplier(struct bf_pci *pci, uint32_t port, uint32_t *present);

#endif
