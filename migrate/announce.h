// SPDX-License-Identifier: Apache-2.0
// Announces what a sending program does: compares the sender's progress with what was announced
// before and makes each difference a line for scripts (docs/serial.md) and, where a person wants to
// know it, a sentence. The boot program and the hosted sender share it and so have the same lines.
#ifndef BF_MIGRATE_ANNOUNCE_H
#define BF_MIGRATE_ANNOUNCE_H

#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "migrate/progress.h"
#include "net/proto/proto.h"

struct bf_announcer {
    void (*line)(void *user, const char *line);  // for scripts
    void (*event)(void *user, const char *text); // for people; may be NULL
    void *user;
    uint32_t workers; // processors that help

    // of the inventory that was announced, for the verdict (migrate/unseen.h)
    uint32_t unknown;
    char unknown_list[192];

    // what was announced already
    enum bf_phase phase;
    uint32_t connections;
    uint8_t begun, first_byte;
    uint8_t disk_done[BF_PROTO_DISKS_MAX];
    uint64_t next_progress_us, next_looking_us;
};

void bf_announce_log(const struct bf_announcer *a, uint64_t now_us, enum bf_log_level level,
                     const char *text);
// The machine, its NICs and its disks, also those that are not sent, and what no disk came from.
void bf_announce_inventory(struct bf_announcer *a, const char *name,
                           const struct bf_inventory *inventory);
// Call it in every turn: cheap when nothing changed, at most one progress line per second.
void bf_announce_progress(struct bf_announcer *a, uint64_t now_us, const struct bf_progress *p);
// Where a look at the disks is: at most once per second.
void bf_announce_looking(struct bf_announcer *a, uint64_t now_us, const struct bf_looking *looking);
// The last line. p may be NULL when there never was a sender; fault's code is BF_OK for success.
void bf_announce_verdict(const struct bf_announcer *a, uint64_t now_us, const struct bf_progress *p,
                         const struct bf_fault *fault);

// "52:54:00:12:34:56"
void bf_mac_text(char out[18], const uint8_t mac[6]);

#endif
