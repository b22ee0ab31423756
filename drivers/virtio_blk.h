// SPDX-License-Identifier: Apache-2.0
// Disks of virtual machines: virtio block devices (Virtual I/O Device 1.1, 5.2), read only. Legacy
// devices, which have no modern interface, stay with the firmware.
#ifndef BF_DRIVERS_VIRTIO_BLK_H
#define BF_DRIVERS_VIRTIO_BLK_H

#include "drivers/controller.h"

enum { BF_VIRTIO_BLK_TIMEOUT_US = 30000000 }; // of one request, then the device is reset, once

extern const struct bf_controller_ops bf_virtio_blk;

#endif
