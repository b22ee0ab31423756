// SPDX-License-Identifier: Apache-2.0
// A model of an NVM Express controller with two namespaces, written from the specification (NVM
// Express 1.4), that also does what a controller must not.
#ifndef BF_TESTS_SIM_NVME_H
#define BF_TESTS_SIM_NVME_H

#include "drivers/nvme_regs.h"
#include "tests/sim_pci.h"

enum sim_nvme_fault {
    SIM_NVME_GOOD,
    SIM_NVME_LOST,        // never completed
    SIM_NVME_WRONG_CID,   // an identifier that is not out
    SIM_NVME_TWICE,       // completed two times
    SIM_NVME_WRONG_QUEUE, // names another submission queue
    SIM_NVME_ERROR,       // unrecovered read error
    SIM_NVME_STATUS,      // the status of the field
};

struct sim_nvme_namespace {
    const uint8_t *content;
    uint64_t blocks;
    uint32_t shift; // of the block size
    uint16_t metadata;
    uint8_t extended;  // it lies behind each block
    uint8_t protected; // it is protection information, at its beginning
    uint8_t format;    // bits that are set in FLBAS besides
};

struct sim_nvme_queue {
    uint64_t sq, cq;
    uint32_t size, head, put;
    uint8_t phase, there;
};

struct sim_nvme {
    struct sim_pci pci;
    struct sim_nvme_namespace space[2]; // numbers 1 and 2
    uint32_t highest;                   // further ones are as number 1; 0: none
    uint32_t mute;                      // is not described
    uint8_t old;                        // there is no list of them
    uint8_t tcg;                        // locking flags of its discovery; 0: no Security Receive
    uint8_t reserved;                   // type of a reservation; 0: it knows of none, 0xff: none
    uint8_t deaf_reservations;
    uint8_t circular; // the list begins again
    uint32_t dstrd;
    uint8_t mdts;

    uint8_t hold;              // reads wait for sim_nvme_complete
    uint16_t status;           // for SIM_NVME_STATUS
    enum sim_nvme_fault fault; // of the next `faults` reads
    uint32_t faults;
    uint8_t never_ready, ready_stuck, fatal, deaf_admin;

    // the controller's state
    uint32_t cc, csts, aqa;
    uint64_t asq, acq;
    struct sim_nvme_queue queue[2];
    struct bf_nvme_command held[16];
    uint32_t held_count;
    uint32_t resets, reads, interrupts_masked;
};

void sim_nvme_init(struct sim_nvme *m, const uint8_t *content, uint64_t bytes);
// Completes the held read number i.
void sim_nvme_complete(struct sim_nvme *m, uint32_t i);

#endif
