// SPDX-License-Identifier: Apache-2.0
// Which disks get a native driver: controllers that one of ours serves are taken from the firmware
// and given back in the end. What does not start natively goes back at once and is read through the
// firmware, as before; the log says why. A CD drive or the medium that the program was loaded from
// may be on a controller that is taken: nothing is read from them any more, and the firmware finds
// them again when the controller is given back.
#ifndef BF_DRIVERS_TAKEOVER_EFI_H
#define BF_DRIVERS_TAKEOVER_EFI_H

#include <stdint.h>

#include "drivers/blockio_efi.h"
#include "drivers/controller.h"
#include "drivers/pci_efi.h"

enum { BF_TAKEOVER_MAX = 32 };

struct bf_taken {
    struct bf_pci_efi bus;
    const struct bf_controller_ops *ops;
    void *controller;
};

struct bf_takeover {
    struct bf_taken taken[BF_TAKEOVER_MAX];
    uint32_t count;
};

// Call it when everything has been read that the program needs from its boot medium, after
// bf_blockio_scan and before bf_snp_open. Changes source of the disks that it takes: driver and
// geometry; of the identity, what the firmware did not know is added. *t must stay in its place.
void bf_takeover_begin(struct bf_takeover *t, struct bf_efi_disk *disks, uint32_t count);

// Gives all controllers back. The disks must have been closed. Takes one that never began.
void bf_takeover_end(struct bf_takeover *t);

#endif
