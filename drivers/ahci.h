// SPDX-License-Identifier: Apache-2.0
// SATA disks on AHCI controllers (Serial ATA AHCI 1.3.1), read only. CD drives and port multipliers
// stay with the firmware.
#ifndef BF_DRIVERS_AHCI_H
#define BF_DRIVERS_AHCI_H

#include "drivers/controller.h"

enum { BF_AHCI_TIMEOUT_US = 30000000 }; // of one command, then the port is reset, once

// A unit is a port, and a port of a multiplier behind it.
extern const struct bf_controller_ops bf_ahci;

#endif
