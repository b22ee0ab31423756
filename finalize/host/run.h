// SPDX-License-Identifier: Apache-2.0
// Runs the finalizer in its own small VM over a set of disks: the guest's file systems are opened
// by the VM's kernel, never by the host's. QEMU runs without privileges, without a network, in its
// seccomp sandbox, and gets every file as a descriptor, so that files in a private folder can be
// used.
#ifndef BF_FINALIZE_HOST_RUN_H
#define BF_FINALIZE_HOST_RUN_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

enum bf_run_format { BF_RUN_RAW, BF_RUN_QCOW2 };

// One file of a disk's chain. Formats are named, never probed.
struct bf_run_file {
    const char *path;
    enum bf_run_format format;
};

// One disk: the top overlay first, each file backed by the next. For "apply" and "undo" the top is
// written to; everything else is opened read-only. Nothing that a qcow2 file says about its backing
// file is believed: the chain is exactly this list.
struct bf_run_disk {
    const struct bf_run_file *chain;
    size_t files; // at least 1
};

// For stopping a run from a signal handler; begins as BF_RUN_STOP_INIT.
struct bf_run_stop {
    volatile sig_atomic_t asked, control;
};
#define BF_RUN_STOP_INIT                                                                           \
    {                                                                                              \
        0, -1                                                                                      \
    }

struct bf_run {
    const char *kernel; // vmlinuz of the small VM
    const char *initramfs;
    const struct bf_run_disk *disk;
    size_t disks;     // 1 to BF_RUN_DISKS, in the order of the recovery point
    const char *mode; // "inspect", "dry-run", "apply" or "undo"
    const char *plan; // JSON bytes; NULL for "inspect" and "undo"
    size_t plan_len;
    unsigned deadline;        // seconds for the whole run; 0: BF_RUN_DEADLINE
    const char *qemu;         // NULL: qemu-system-x86_64 of the PATH
    const char *tmp;          // folder for throw-away files; NULL: TMPDIR or /var/tmp
    uint64_t overlay_mib;     // by how much the overlay of a disk may grow; 0: BF_RUN_OVERLAY_MIB
    const char *memory;       // private folder for what memory.h keeps; NULL: none of its own
    struct bf_run_stop *stop; // NULL: it cannot be stopped
    unsigned memory_mib;      // of the VM; 0: as much as the plan needs
    const void *keys;         // bf_run_finalizer() sets it, to what the plan's key files hold
};

#define BF_RUN_DISKS    16
#define BF_RUN_CHAIN    64
#define BF_RUN_DEADLINE 600

// Memory of the VM. Deriving the key of a LUKS2 device takes up to 1 GiB where cryptsetup chose the
// cost, and up to 4 GiB where somebody else did: a VM that is too small for its header says so, and
// is started again with more, up to the last of these.
#define BF_RUN_MEMORY_MIB     320
#define BF_RUN_KEY_MEMORY_MIB 1536
#define BF_RUN_MEMORY_MAX_MIB 4864

// The journal of a large ext4 file system, which is replayed, has 1 GiB.
#define BF_RUN_OVERLAY_MIB 2048

enum bf_run_end {
    BF_RUN_OK = 0,  // the report says "ok"
    BF_RUN_REFUSED, // the plan does not fit the system, or is no valid plan; nothing was changed
    BF_RUN_FAILED,  // something broke inside the VM; throw the overlay away
    BF_RUN_BROKEN,  // no report came: QEMU did not start, or the VM died
    BF_RUN_LATE,    // it was not done by the deadline
    BF_RUN_NO_ROOM, // an overlay met its limit or a full file system; throw the overlay away
};

// Runs it and waits. `*report` is the report's JSON, NUL-terminated, freed by the caller with
// free(); it is made for every outcome (from BF_RUN_BROKEN on by this side), and names the
// accelerator with the reason for it. Only "apply" and "undo" change a disk, and only its top file.
// "inspect" and "dry-run" work on a throw-away overlay. Blocking; may be called from several
// threads.
enum bf_run_end bf_run_finalizer(const struct bf_run *run, char **report, size_t *report_len);

// Ends a run early: it returns BF_RUN_BROKEN soon, with nothing left running. May be called from a
// signal handler.
void bf_run_request_stop(struct bf_run_stop *stop);

#endif
