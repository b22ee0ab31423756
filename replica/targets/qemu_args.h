// SPDX-License-Identifier: Apache-2.0
// The command line of a new machine's QEMU: everything is named, nothing is left to a default that
// differs between versions, and no format is probed. Paths are as they are called from the folder
// in which it is started.
#ifndef BF_REPLICA_TARGETS_QEMU_ARGS_H
#define BF_REPLICA_TARGETS_QEMU_ARGS_H

#include <limits.h>
#include <stdbool.h>

#include "replica/targets/args.h"
#include "replica/targets/target.h"

// Names of files and sockets in the folder in which it is started.
#define BF_QEMU_PID    "qemu.pid" // locked by QEMU while it lives
#define BF_QEMU_LOG    "qemu.log"
#define BF_QEMU_QMP    "qmp.sock"
#define BF_QEMU_SERIAL "serial.sock"
#define BF_QEMU_AGENT  "agent.sock"
#define BF_QEMU_VNC    "screen.sock"
#define BF_QEMU_VARS   "vars.fd"
#define BF_QEMU_SCRIPT "start"

// Where the machine's disks are: over the replica's layers, or copied to its home.
struct bf_qemu_place {
    char home[PATH_MAX]; // absolute, or relative to the state's folder; "": it has none yet
    bool disk[BF_TGT_DISKS], vars; // which of them are at home
};

struct bf_qemu_line {
    const struct bf_tgt_machine *machine;
    const struct bf_qemu_place *place;
    const char *state; // the state's folder, as it is called from there: "../../"
    bool at_home;      // it is started in its home, where everything is
    bool raw;          // what is at home is raw, not qcow2
    const char *accel; // "kvm", "tcg", or for a host that is not known "kvm:tcg"
    const char *code;  // OVMF's code; NULL: SeaBIOS
};

void bf_qemu_args(struct bf_args *a, const struct bf_qemu_line *line);

// The disk's node names: "disk0" on top of its chain, "disk0-1" the layer below, and so on; once it
// is at home "home0".
void bf_qemu_node(char out[32], const struct bf_tgt_disk *disk, uint32_t below);
void bf_qemu_home_node(char out[32], const struct bf_tgt_disk *disk);
// "overlay-0.qcow2" in the job's folder, "disk-0.qcow2" or "disk-0.raw" at home.
void bf_qemu_overlay_name(char out[32], const struct bf_tgt_disk *disk);
void bf_qemu_home_name(char out[32], const struct bf_tgt_disk *disk, bool raw);

// qemu_disks.c: the nodes and devices of the disks, from the first free place on the bus on.
void bf_qemu_disk_args(struct bf_args *a, const struct bf_qemu_line *line, uint32_t *place);
// The disk's WWN as QEMU and Proxmox VE take it, a number; false: it has none that could be one.
bool bf_qemu_wwn(char out[24], const struct bf_tgt_disk *disk);

// qemu_slots.c: a place on the bus, as ",addr=...".
void bf_qemu_slot(char out[40], const struct bf_tgt_machine *m, uint32_t place);

#endif
