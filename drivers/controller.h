// SPDX-License-Identifier: Apache-2.0
// A native driver as whoever takes controllers over from the firmware sees it.
//
// A controller is opened on a function that nobody else uses, and its disks are opened on it. Disks
// are closed first (bf_source_close), then the controller. Opening reads identify data and nothing
// else; every wait has a deadline.
#ifndef BF_DRIVERS_CONTROLLER_H
#define BF_DRIVERS_CONTROLLER_H

#include <stdint.h>

#include "drivers/pci.h"
#include "image/block.h"

struct bf_controller_ops {
    const char *driver; // "virtio-blk"
    int (*serves)(const struct bf_pci_id *id);
    // Resets and starts it. pci stays the caller's, and in its place, until close. On failure the
    // device is reset and nothing is held. BF_ERR_UNSUPPORTED: a kind that is left to the firmware.
    enum bf_err (*open)(struct bf_pci *pci, void **controller);
    // Fills ops, impl and geometry, and what is not yet known of the identity. unit: a namespace's
    // number; 0 where a controller is one disk.
    enum bf_err (*disk)(void *controller, uint32_t unit, struct bf_source_disk *out);
    // Ends all use of memory by the device; takes NULL.
    void (*close)(void *controller);
};

#endif
