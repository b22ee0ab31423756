// SPDX-License-Identifier: Apache-2.0
// The lines of an assessment (docs/serial.md), for the boot program and the hosted sender.
#ifndef BF_MIGRATE_ANNOUNCE_ASSESS_H
#define BF_MIGRATE_ANNOUNCE_ASSESS_H

#include "migrate/announce.h"
#include "migrate/assess.h"

struct bf_assess_announcer { // all zero: nothing was announced
    enum bf_assess_phase phase;
    uint16_t disk;
    uint8_t begun;
};

// Call it in every turn: tells what changed, and with DONE what was found.
void bf_announce_assess(struct bf_announcer *a, struct bf_assess_announcer *told, uint64_t now_us,
                        const struct bf_assess_view *v);

#endif
