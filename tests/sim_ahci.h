// SPDX-License-Identifier: Apache-2.0
// A model of an AHCI controller with two ports, written from the specifications (AHCI 1.3.1;
// ACS-4), that also does what a controller and a disk must not.
#ifndef BF_TESTS_SIM_AHCI_H
#define BF_TESTS_SIM_AHCI_H

#include "drivers/ahci_regs.h"
#include "tests/sim_pci.h"

enum { SIM_AHCI_PORTS = 2 };

enum sim_ahci_fault { // of reads
    SIM_AHCI_GOOD,
    SIM_AHCI_LOST,  // never completed
    SIM_AHCI_SHORT, // half of it, and it says so (not queued)
    SIM_AHCI_STRAY, // another slot becomes active as well
    SIM_AHCI_ERROR, // unrecoverable, and the slot is not active any more (not queued)
    SIM_AHCI_LINK,  // the transfer fails on the link
    SIM_AHCI_CRC,   // the disk says that its end of the link failed
};

enum sim_ahci_log { // what the queued error log is like
    SIM_AHCI_LOG_GOOD,
    SIM_AHCI_LOG_ABSENT,
    SIM_AHCI_LOG_DAMAGED,
    SIM_AHCI_LOG_LIES, // names a tag that is not out
};

struct sim_ahci_port {
    // the disk
    uint8_t present;
    uint32_t signature;
    const uint8_t *content;
    uint64_t blocks;
    uint32_t block_size;
    uint8_t depth; // 0: does not queue
    uint8_t small; // addresses of 28 bits only
    char serial[21];
    uint64_t bad_block; // fails; UINT64_MAX: none
    enum sim_ahci_log log;
    uint8_t locked;            // by a password
    uint8_t tcg;               // locking flags of its discovery; 0: it knows none
    uint8_t tcg_lies;          // it claims to know one
    uint64_t native;           // blocks, with those that it hides; 0: it does not tell
    uint8_t ama;               // it tells by the later command
    uint8_t multiplier_ports;  // of a port multiplier, when the signature is one's
    uint16_t multiplier_links; // which of them have something on them

    // what goes wrong
    uint8_t hold; // reads wait for sim_ahci_complete
    enum sim_ahci_fault fault;
    uint32_t faults;            // how many reads
    uint8_t engine_stuck;       // the command engine does not stop before a COMRESET
    uint8_t receiver_stuck;     // the receiver of frames does not stop
    uint8_t no_link, no_answer; // after a COMRESET; to questions
    uint8_t stays_busy;         // after an error
    uint8_t needs_power;        // no link before the port is told to spin it up

    // the port's state
    uint64_t clb, fb;
    uint32_t is, ie, cmd, tfd, sctl, sact, ci, serr;
    uint8_t halted; // by an error, until it is stopped
    uint8_t failed_tag;
    uint32_t held[32], held_count;
    uint32_t discoveries;
    uint32_t comresets, reads, queued_reads, logs, most_out;
};

struct sim_ahci {
    struct sim_pci pci;
    struct sim_ahci_port port[SIM_AHCI_PORTS];
    uint32_t cap, cap2;
    uint8_t bios_keeps; // does not let go

    uint32_t ghc, bohc, resets;
};

// Port 0: blocks of 512, queues; port 1: blocks of 4096, does not. Both of the same content.
void sim_ahci_init(struct sim_ahci *m, const uint8_t *content, uint64_t bytes);
// Completes the held read in slot i.
void sim_ahci_complete(struct sim_ahci *m, uint32_t port, uint32_t i);
// As IDENTIFY DEVICE of that port answers it.
void sim_ahci_identify(const struct sim_ahci_port *p, uint8_t data[512]);

#endif
