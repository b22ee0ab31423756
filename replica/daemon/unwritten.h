// SPDX-License-Identifier: Apache-2.0
// What could not be written to the database, because its file system is full or another program
// holds it: kept in memory, told at the control socket at once, and written once that works again.
// Of each machine the worst event (of equal ones the newest) and the newest state of its job.
//
// Takes bf_daemon.lock by itself, so it must not be held, unless a function says otherwise.
#ifndef BF_REPLICA_DAEMON_UNWRITTEN_H
#define BF_REPLICA_DAEMON_UNWRITTEN_H

#include <jansson.h>
#include <stdint.h>

#include "replica/state/db.h"

struct bf_daemon;

enum { BF_UNWRITTEN_MAX = 64 }; // machines; then the one that changed longest ago goes

struct bf_unwritten {
    char machine[BF_NAME_MAX]; // empty: a free place
    uint64_t order;            // when it changed last, among all
    uint8_t writing;           // a thread is at it
    struct bf_event_row event; // time 0: none
    struct bf_job job;         // id 0: none
    struct bf_fault fault;     // what ended the session; code BF_OK: none
};

void bf_unwritten_event(struct bf_daemon *d, const struct bf_event_row *event);
void bf_unwritten_job(struct bf_daemon *d, const struct bf_job *job);
// A newer state of this job was written.
void bf_unwritten_forget_job(struct bf_daemon *d, const struct bf_job *job);
// What ended the machine's session, for the status; ignored if nothing of the machine is kept.
void bf_unwritten_fault(struct bf_daemon *d, const char *machine, const struct bf_fault *fault);

// Writes all, in the order in which it changed, up to the first failure; nothing within a
// transaction, which could be rolled back.
void bf_unwritten_write(struct bf_daemon *d, struct bf_db *db);
// The main thread's: the same every BF_WAIT_UNWRITTEN_MS, without waiting for another writer.
void bf_unwritten_tick(struct bf_daemon *d);
int bf_unwritten_any(struct bf_daemon *d);

// An array, one object per machine. With the lock held.
json_t *bf_unwritten_json(const struct bf_daemon *d);

#endif
