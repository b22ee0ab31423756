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

// Which disk of a controller, as its device path names it (UEFI 2.10, 10.3.4); 0 without such a
// node, for a controller that is one disk.
enum bf_unit_kind {
    BF_UNIT_KIND_NAMESPACE, // NVMe: the namespace identifier
    BF_UNIT_KIND_SCSI,      // target << 16 | logical unit number
    BF_UNIT_KIND_SATA,      // port << 16 | port of a multiplier; its bit 15: there is none
};
#define BF_UNIT_SATA ((uint64_t)BF_UNIT_KIND_SATA << 32)
#define BF_UNIT_SCSI ((uint64_t)BF_UNIT_KIND_SCSI << 32)

// What a controller has that is a disk, or would be one. A drive for other media is no unit.
struct bf_unit {
    uint64_t number;
    const char *why;  // why it cannot be read, one short phrase; NULL: it is a disk to be opened
    uint8_t eui64[8]; // of a namespace, as its device path says it
};

struct bf_controller_ops {
    const char *driver; // "virtio-blk"
    uint8_t single;     // a controller is one disk, so one that is listed is all of it
    int (*serves)(const struct bf_pci_id *id);
    // Resets and starts it. pci stays the caller's, and in its place, until close. On failure the
    // device is reset and nothing is held. BF_ERR_UNSUPPORTED: a kind that is left to the firmware.
    enum bf_err (*open)(struct bf_pci *pci, void **controller);
    // Fills ops, impl and geometry, and what is not yet known of the identity. BF_ERR_NOT_FOUND: no
    // such unit, or of another kind.
    enum bf_err (*disk)(void *controller, uint64_t unit, struct bf_source_disk *out);
    // Looks for what is there, in a bounded time, whatever the firmware lists. Fills up to `room`
    // units; *count is how many there are, which may be more. After an error what was found until
    // then stands.
    enum bf_err (*units)(void *controller, struct bf_unit *out, uint32_t room, uint32_t *count);
    // Ends all use of memory by the device; takes NULL.
    void (*close)(void *controller);
};

#endif
