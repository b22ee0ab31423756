// SPDX-License-Identifier: Apache-2.0
// What a virtio SCSI host and its driver exchange (Virtual I/O Device 1.2, 5.6), as far as it is
// used here, with the names of the specification.
#ifndef BF_DRIVERS_VIRTIO_SCSI_WIRE_H
#define BF_DRIVERS_VIRTIO_SCSI_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum { BF_VSCSI_CONTROLQ = 0, BF_VSCSI_REQUESTQ = 2 }; // 5.6.2

enum { // virtio_scsi_config, in words of 32 bits, 5.6.4
    BF_VSCSI_CONFIG_MAX_SECTORS = 2,
    BF_VSCSI_CONFIG_CMD_PER_LUN = 3,
    BF_VSCSI_CONFIG_SENSE_SIZE = 5,
    BF_VSCSI_CONFIG_CDB_SIZE = 6,
    BF_VSCSI_CONFIG_MAX_TARGET = 7, // the upper half; the lower one is max_channel
    BF_VSCSI_CONFIG_WORDS = 8,
};
enum { BF_VSCSI_SENSE_BYTES = 96, BF_VSCSI_CDB_BYTES = 32 }; // what a reset sets them to

struct bf_vscsi_lun { // 5.6.6.1: 1, target, single level LUN, zeros
    uint8_t bytes[8];
};

static inline struct bf_vscsi_lun bf_vscsi_lun(uint8_t target, uint16_t lun)
{
    return (struct bf_vscsi_lun){{1, target, (uint8_t)(0x40 | lun >> 8), (uint8_t)lun}};
}

struct bf_vscsi_request { // virtio_scsi_req_cmd, 5.6.6.1, for the device to read
    struct bf_vscsi_lun lun;
    uint64_t id;
    uint8_t task_attr, prio, crn;
    uint8_t cdb[BF_VSCSI_CDB_BYTES];
};
enum { BF_VSCSI_REQUEST_BYTES = 51 };
_Static_assert(offsetof(struct bf_vscsi_request, cdb) + BF_VSCSI_CDB_BYTES ==
                   BF_VSCSI_REQUEST_BYTES,
               "5.6.6.1");

struct bf_vscsi_response { // for the device to write; the data follows
    uint32_t sense_len;
    uint32_t residual;
    uint16_t status_qualifier;
    uint8_t status;
    uint8_t response;
    uint8_t sense[BF_VSCSI_SENSE_BYTES];
};
_Static_assert(sizeof(struct bf_vscsi_response) == 108, "5.6.6.1");

enum { // response
    BF_VSCSI_S_OK = 0,
    BF_VSCSI_S_ABORTED = 2,
    BF_VSCSI_S_BAD_TARGET = 3,
    BF_VSCSI_S_RESET = 4,
    BF_VSCSI_S_BUSY = 5,
    BF_VSCSI_S_TRANSPORT_FAILURE = 6,
    BF_VSCSI_S_FUNCTION_SUCCEEDED = 10, // of a task management function; or OK
    BF_VSCSI_S_INCORRECT_LUN = 12,
    BF_VSCSI_S_NONE = 0xff, // before the device wrote it
};

struct bf_vscsi_tmf { // virtio_scsi_ctrl_tmf, 5.6.6.2
    uint32_t type;
    uint32_t subtype;
    struct bf_vscsi_lun lun;
    uint64_t id;
    uint8_t response; // from here on for the device to write
};
enum { BF_VSCSI_T_TMF = 0, BF_VSCSI_T_TMF_LOGICAL_UNIT_RESET = 5 };

#endif
