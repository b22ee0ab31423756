// SPDX-License-Identifier: Apache-2.0
// A model of a virtio SCSI host with a few logical units, written from the specifications (Virtual
// I/O Device 1.2, 5.6; SPC-5; SBC-4), that also does what a host must not.
#ifndef BF_TESTS_SIM_VIRTIO_SCSI_H
#define BF_TESTS_SIM_VIRTIO_SCSI_H

#include "tests/sim_virtio.h"

enum { SIM_VSCSI_UNITS = 3, SIM_VSCSI_SENSE = 96, SIM_VSCSI_MANY = 9 };

enum sim_vscsi_fault { // of reads
    SIM_VSCSI_GOOD,
    SIM_VSCSI_LOST,        // never completed, also when the unit is reset
    SIM_VSCSI_STUCK,       // completed when the unit is reset, not before
    SIM_VSCSI_WRONG_ID,    // completes a chain that is not out
    SIM_VSCSI_MIDDLE_ID,   // names a descriptor in the middle of a chain
    SIM_VSCSI_HUGE_ID,     // beyond the ring
    SIM_VSCSI_TWICE,       // completes it two times
    SIM_VSCSI_LONG,        // claims to have written more than there is room
    SIM_VSCSI_SHORT,       // transfers half of it and says so
    SIM_VSCSI_RESIDUAL,    // a residual larger than what was asked for
    SIM_VSCSI_NO_RESPONSE, // completes without writing a response
    SIM_VSCSI_RESPONSE,    // with the response of the field
    SIM_VSCSI_STATUS,      // with status and sense of the fields
};

struct sim_vscsi_unit {
    uint8_t present, target, type;
    uint16_t lun;
    const uint8_t *content;
    uint64_t blocks;
    uint32_t block_size;
    uint64_t claims;       // as many blocks READ CAPACITY tells; 0: blocks
    uint32_t max_transfer; // of page B0; 0: the page is not listed
    uint8_t protection;    // P_TYPE and PROT_EN
    uint8_t attentions;    // commands, but INQUIRY, that a unit attention takes the place of
    uint8_t reserved;      // type of a persistent reservation; 0: none
    uint8_t mute_pages;    // no vital product data
};

struct sim_vscsi {
    struct sim_virtio virtio;
    struct sim_vscsi_unit unit[SIM_VSCSI_UNITS];
    uint32_t max_sectors, cmd_per_lun, sense_size;
    uint16_t max_target;
    uint32_t many;       // units 0 to many - 1 of target 9 are there, each as unit 0
    uint8_t refuse_luns; // REPORT LUNS
    uint32_t together;   // the shortest REPORT LUNS are answered when so many are out; 0: at once
    const uint8_t *luns; // entries of REPORT LUNS instead of what there is; NULL: what there is
    uint32_t luns_bytes, luns_claimed;

    uint8_t hold; // reads wait for sim_vscsi_complete
    enum sim_vscsi_fault fault;
    uint32_t faults; // how many reads
    uint8_t response, status, sense[SIM_VSCSI_SENSE];
    uint32_t sense_len;
    uint8_t deaf_control; // task management is not answered
    uint8_t tmf_response;
    uint8_t deaf; // nothing is answered

    // the device's state
    uint16_t held[64], stuck[64];
    uint32_t held_count, stuck_count;
    uint32_t reads, long_reads, unit_resets, most_out;
};

// Unit 0: target 0, LUN 0 with blocks of 512; unit 1: target 3, LUN 300 with blocks of 4096; unit 2
// is not there. Both of the same content.
void sim_vscsi_init(struct sim_vscsi *m, const uint8_t *content, uint64_t bytes);
// Lays out configuration space; call it after changing fields above.
void sim_vscsi_plug(struct sim_vscsi *m);
// Completes the held read number i.
void sim_vscsi_complete(struct sim_vscsi *m, uint32_t i);
// Fixed-format sense data for SIM_VSCSI_STATUS.
void sim_vscsi_set_sense(struct sim_vscsi *m, uint8_t key, uint8_t asc);

#endif
