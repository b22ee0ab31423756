// SPDX-License-Identifier: Apache-2.0
// The room that a run takes: what the VM writes goes into overlays, each of which has a limit that
// is known before it starts, and the room for all of them has to be there then.
#ifndef BF_FINALIZE_HOST_ROOM_H
#define BF_FINALIZE_HOST_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "finalize/host/run.h"

// Files that QEMU may write to.
struct bf_room {
    int fd[BF_RUN_DISKS]; // of our own
    uint64_t growth[BF_RUN_DISKS];
    size_t files;
    uint64_t file_max; // RLIMIT_FSIZE for QEMU: a write beyond it fails
    bool bounded;      // false: no overlay is written, and a disk has a size of its own
};

// A file of no name in the folder for throw-away files: the run's, else TMPDIR, else /var/tmp. The
// descriptor, or -1 with the fault; *folder is where it was tried.
int bf_room_file(const struct bf_run *run, const char **folder, struct bf_fault *fault);

// Takes note of a file that will be written: `growth` more bytes at most than it has now, or, with
// 0, none (a raw disk). Fails when there is no descriptor left for it.
enum bf_err bf_room_add(struct bf_room *room, int fd, uint64_t growth, struct bf_fault *fault);

// How much an overlay of a disk of this size may grow.
uint64_t bf_room_growth(const struct bf_run *run, uint64_t disk_bytes);

// Whether the file systems have the room; if not, why.
bool bf_room_there(const struct bf_room *room, const struct bf_run *run, char *error, size_t size);

// After the run: whether a file met its limit, or its file system is full; and which.
bool bf_room_missed(const struct bf_room *room, char *error, size_t size);

void bf_room_close(struct bf_room *room);

#endif
