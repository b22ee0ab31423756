// SPDX-License-Identifier: Apache-2.0
// Virtio SCSI hosts (Virtual I/O Device 1.2, 5.6) with their logical units, read only. Legacy
// devices, which have no modern interface, stay with the firmware.
#ifndef BF_DRIVERS_VIRTIO_SCSI_H
#define BF_DRIVERS_VIRTIO_SCSI_H

#include "drivers/controller.h"

enum {
    // Of one request at the device. Then its logical unit is reset, once; then the device, once.
    BF_VIRTIO_SCSI_TIMEOUT_US = 30000000,
    BF_VIRTIO_SCSI_RESET_US = 5000000,     // of a unit, until nothing of it is out any more
    BF_VIRTIO_SCSI_PATIENCE_US = 20000000, // with a unit that is busy or not ready
};

// A unit is a target and a logical unit number.
extern const struct bf_controller_ops bf_virtio_scsi;

#endif
