// SPDX-License-Identifier: Apache-2.0
// Progress, as the screen, the serial lines and the hosted sender show it: what was really done.
#ifndef BF_MIGRATE_PROGRESS_H
#define BF_MIGRATE_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/digest.h"
#include "net/proto/proto.h"

enum bf_phase {
    BF_PHASE_CONNECTING,
    BF_PHASE_WAITING, // between attempts
    BF_PHASE_COPYING,
    BF_PHASE_VERIFYING, // the server re-reads and compares
    BF_PHASE_REPAIRING,
    BF_PHASE_DONE,
    BF_PHASE_FAILED,
};
const char *bf_phase_name(enum bf_phase phase);

struct bf_progress_disk {
    uint64_t bytes;        // size of the disk
    uint64_t position;     // everything before it was read and sent in this boot
    uint64_t durable;      // everything before it is flushed at the server
    uint64_t verified;     // re-read by the server
    uint64_t unreadable;   // could not be read, zero in the copy
    struct bf_digest root; // valid when done
    uint8_t planned, done;
};

// Where a look at the disks is that takes longer; step "": there is none.
struct bf_looking {
    uint32_t disk; // index in the inventory
    char place[48], step[24];
    uint64_t bytes; // examined
};
struct bf_usage_look;
void bf_looking_set(struct bf_looking *looking, const struct bf_usage_look *look);
// "looking at disk 0, partition 2: map, 12 MiB"
void bf_looking_text(char *out, size_t size, const struct bf_looking *looking);

struct bf_progress {
    enum bf_phase phase;
    struct bf_looking looking;
    char server[96]; // where it is connected or connecting to
    char kex[16];    // the key exchange of that connection, "" without TLS
    char machine[BF_NAME_MAX];
    uint16_t disks;
    struct bf_progress_disk disk[BF_PROTO_DISKS_MAX]; // by index in the inventory
    uint64_t bytes_total, bytes_position;             // over the planned disks
    uint64_t read_bytes;                              // for copying, counting what was read again
    uint64_t data_bytes, zero_bytes, same_bytes, unused_bytes, unreadable_bytes;
    // Where the signature of a hibernated system was found in what was copied: from then on nothing
    // is left out any more. asleep 0: nowhere.
    uint8_t asleep;
    uint16_t asleep_disk; // index in the inventory
    uint64_t asleep_byte;
    uint64_t sent_bytes;  // frames written to the stream, all connections together
    uint64_t rate;        // bytes of disk per second over the last few seconds
    uint64_t limit;       // bytes on the wire per second, as configured; 0 = none
    uint64_t eta_seconds; // of copying; UINT64_MAX when it cannot be told
    uint32_t connections; // attempts that reached WELCOME
    uint32_t point;       // committed recovery point
    struct bf_digest point_root;
    uint64_t started_us, copied_us, committed_us; // monotonic time of each step, 0 before it
    struct bf_fault last_fault; // of the last attempt that failed; code BF_OK when none
};

#endif
