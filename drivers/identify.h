// SPDX-License-Identifier: Apache-2.0
// What disks answer when they are asked who they are: ATA IDENTIFY DEVICE (ACS-4, 7.13), SCSI
// INQUIRY and its vital product data (SPC-5, 6.7 and 7.7), NVMe Identify (NVM Express 1.4, 5.15),
// virtio-blk GET_ID (Virtual I/O Device 1.1, 5.2.6).
// Parsers of bytes and a length; the answers are hostile, short ones are ignored. Each fills what
// it finds and is not yet known, in the same text that Linux shows for the same disk.
#ifndef BF_DRIVERS_IDENTIFY_H
#define BF_DRIVERS_IDENTIFY_H

#include <stddef.h>

#include "image/identity.h"

enum {
    BF_IDENTIFY_ATA_BYTES = 512,
    BF_IDENTIFY_NVME_BYTES = 4096,
    BF_IDENTIFY_VIRTIO_BYTES = 20,
};

void bf_identify_ata(const void *data, size_t len, struct bf_disk_identity *id);
void bf_identify_inquiry(const void *data, size_t len, struct bf_disk_identity *id);
void bf_identify_vpd_serial(const void *data, size_t len, struct bf_disk_identity *id);  // page 80h
void bf_identify_vpd_devices(const void *data, size_t len, struct bf_disk_identity *id); // page 83h
void bf_identify_virtio(const void *data, size_t len, struct bf_disk_identity *id);
void bf_identify_nvme_controller(const void *data, size_t len, struct bf_disk_identity *id);
void bf_identify_nvme_namespace(const void *data, size_t len, struct bf_disk_identity *id);

// A name for a namespace that has none of its own, so that two of one controller can be told apart:
// the controller's serial number and the namespace's.
#define BF_IDENTIFY_NVME_NAMED "nvme."
void bf_identify_nvme_number(uint32_t nsid, struct bf_disk_identity *id);

#endif
