// SPDX-License-Identifier: Apache-2.0
// NICs of virtual machines: virtio network devices (Virtual I/O Device 1.2, 5.1), modern and
// transitional. Legacy devices, which have no modern interface, stay with the firmware.
#ifndef BF_DRIVERS_VIRTIO_NET_H
#define BF_DRIVERS_VIRTIO_NET_H

#include "drivers/pci.h"
#include "net/nic.h"

// A frame that is not sent for so long while there is a link: the device is reset, once.
enum { BF_VIRTIO_NET_STALL_US = 5000000 };

int bf_virtio_net_serves(const struct bf_pci_id *id);

// Resets and starts the device and fills *nic, which stays in its place until closed, as *pci does.
// The name is the caller's: it stays. nic->mtu is, going in, what the operator wants of a device
// that does not say how much it takes; up to 1500 means nothing special. On failure the device is
// reset and nothing is held. BF_ERR_UNSUPPORTED: a kind that is left to the firmware.
enum bf_err bf_virtio_net_open(struct bf_pci *pci, struct bf_nic *nic);

#endif
