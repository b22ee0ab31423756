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

enum { BF_TAKEOVER_MAX = 64, BF_UNREAD_MAX = 32 };

struct bf_taken {
    struct bf_pci_efi bus;
    const struct bf_controller_ops *ops;
    void *controller;
};

// A controller that a native driver was asked about.
struct bf_asked {
    void *handle;       // EFI_HANDLE of the PCI function; it stays
    const char *driver; // "virtio-scsi"
    enum bf_err err;    // BF_OK: it was asked for all that it has
    uint32_t units;     // that it has
};

// Something that exists and is not in the copy, or not all of it.
struct bf_unread {
    char slot[16];  // of the controller: "00:05.0", with the segment in front where it is not 0
    char what[48];  // "NVMe namespace 2"
    char why[96];   // "another command set", one phrase
    char todo[96];  // what a person can do about it; may be empty
    uint8_t partly; // the disk is among the disks, but what is read is not all of it
};

struct bf_takeover {
    struct bf_taken taken[BF_TAKEOVER_MAX];
    uint32_t count;
    struct bf_asked asked[BF_TAKEOVER_MAX];
    uint32_t asked_count;
    struct bf_unread unread[BF_UNREAD_MAX];
    uint32_t unread_count; // may be more than BF_UNREAD_MAX: that many there are
};

// Call it when everything has been read that the program needs from its boot medium, after
// bf_blockio_scan and before bf_snp_open. Changes source of the disks that it takes: driver and
// geometry; of the identity, what the firmware did not know is added. disks: room for
// BF_EFI_DISKS_MAX; disks that only a native driver sees are added, and the order is again that of
// the paths. *t must stay in its place. Each entry of unread[] is logged as a warning.
void bf_takeover_begin(struct bf_takeover *t, struct bf_efi_disk *disks, uint32_t *count);

// Instead of it, where the firmware's drivers are to be used: nothing is taken, and nobody knows
// what the firmware does not list. The log says so when a controller is there that could be asked;
// asked[] has those, with BF_ERR_CANCELLED.
void bf_takeover_skip(struct bf_takeover *t);

// Gives all controllers back. The disks must have been closed. Takes one that never began.
void bf_takeover_end(struct bf_takeover *t);

#endif
