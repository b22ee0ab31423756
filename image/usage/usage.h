// SPDX-License-Identifier: Apache-2.0
// Only what is used: which parts of a disk are certainly unused, as its own file systems say. The
// maps are read from the raw disks, lazily, as the copy advances in disk order, with a fixed amount
// of memory whatever the size of a disk. They may only ever err towards copying: what no file
// system claims, what is dirty, unknown, inconsistent, ambiguous or unreadable counts as used.
#ifndef BF_IMAGE_USAGE_USAGE_H
#define BF_IMAGE_USAGE_USAGE_H

#include <stdint.h>

#include "base/err.h"
#include "image/block.h"

enum { BF_USAGE_DISKS_MAX = 64 };

struct bf_usage_choice;
struct bf_usage; // of all disks that are copied together

// Where looking at the disks is, for whoever waits for it.
struct bf_usage_look {
    uint32_t disk;
    const char *place; // "partition 2"; "": all of the disk
    const char *step;  // "partition table", "marks", "RAID", "LVM" or "map"
    uint64_t bytes;    // examined in this step
};
// Called now and then while disks are looked at, in the middle of the functions below: before each
// read of a disk, and between two reads whenever about 1 MiB was examined. It may do whatever does
// not touch the maps. When it returns anything but 0, looking ends, for all of this session: what
// was not known by then is copied whole.
struct bf_usage_watch {
    int (*turn)(void *user, const struct bf_usage_look *look);
    void *user;
};

// Looks for partitions and what is on them, on every disk: a file system may lie on several, and a
// system that hibernated anywhere has an interest in all of them. Entries of disk may be NULL: not
// there. NULL without memory or with more than BF_USAGE_DISKS_MAX disks: all used. The disks and
// the array stay the caller's and must outlive the maps, as must watch, which may be NULL; all is
// used by one thread. What takes more work than its budget (image/usage/work.h) is copied whole.
struct bf_usage *bf_usage_open(struct bf_source_disk *const *disk, uint32_t disks,
                               const struct bf_usage_watch *watch);
void bf_usage_free(struct bf_usage *u); // takes NULL

// On which of these disks a system lies that hibernated, as a set of bits: also on volumes of LVM2
// and on md RAID1, as far as all of them is here. What cannot be read is passed over.
uint64_t bf_usage_hibernated(struct bf_source_disk *const *disk, uint32_t disks,
                             const struct bf_usage_watch *watch);

// For tests: how many bytes were examined since the maps were opened; 0 for NULL.
uint64_t bf_usage_work(const struct bf_usage *u);

// What is wanted of single places; before the first disk is selected. Marks what each exception
// has met on any of the disks. NULL for u: nothing is left out, and all that was wanted is met.
void bf_usage_choose(struct bf_usage *u, struct bf_usage_choice *choice);

// Turns to one of the disks, of which all later answers are, and tells the log what is on it. NULL
// for u, or a disk that is none of those opened, is a disk that is all used.
void bf_usage_select(struct bf_usage *u, const struct bf_source_disk *disk);

// What lies on the selected disk and which way each place goes: one note for every partition,
// volume and disk without a table, in no particular order. Valid until another disk is selected.
struct bf_usage_span {
    uint64_t first, bytes; // of the disk
};
struct bf_usage_note {
    const char *name; // "partition 2", "volume vg0/root", "the whole disk"
    const char *what; // "ext4", "NTFS", "unknown"
    const char *why;  // it is copied whole; NULL: only what is used is copied
    const struct bf_usage_span *span;
    uint32_t spans; // where it lies; at most BF_USAGE_NOTE_SPANS, what follows is not listed
};
enum { BF_USAGE_NOTE_SPANS = 256 };
uint32_t bf_usage_notes(const struct bf_usage *u); // 0 for NULL
const struct bf_usage_note *bf_usage_note(const struct bf_usage *u, uint32_t i);
// A note that says something else than before, and was not given here since; UINT32_MAX: none. It
// happens when the answers of a map took too much work while the disk was copied.
uint32_t bf_usage_notes_changed(struct bf_usage *u);

// The extent that begins at byte `at` (which lies on the disk): it ends at *end > at, and all
// of it is unused (1) or counts as used (0). The next extent may be of the same kind. Reads the
// disks, a bounded amount in one call. NULL is a disk that is all used. The copy asks for runs, and
// only tests for extents.
int bf_usage_extent(struct bf_usage *u, uint64_t at, uint64_t disk_bytes, uint64_t *end);

// How many chunks from `first` on are of one kind: at least one, at most `most`, and at most
// `most_used` when they are not unused. *unused: each of them is unused as a whole. first + most
// lies within the disk.
uint64_t bf_usage_run(struct bf_usage *u, uint64_t first, uint64_t most, uint32_t most_used,
                      uint32_t chunk_size, uint64_t disk_bytes, int *unused);

#endif
