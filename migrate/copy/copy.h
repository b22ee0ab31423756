// SPDX-License-Identifier: Apache-2.0
// The copy pipeline: reads the planned disks, finds out what each chunk is (zero, unused, what the
// store has already, data), gives it to a store in the order of the disk, and has the store seal a
// point of all of them. It knows the store by its interface alone (migrate/store.h): the same code
// copies to a replica server, whose connections come and go, and to a file.
//
// States: CLOSED -begin-> COPYING (disk by disk) -> SEALING -> [REPAIRING -> SEALING] -> SEALED.
// bf_copy_stop leads back to CLOSED from everywhere; what was durable then is not read again.
#ifndef BF_MIGRATE_COPY_COPY_H
#define BF_MIGRATE_COPY_COPY_H

#include <stdint.h>

#include "base/err.h"
#include "image/block.h"
#include "migrate/progress.h"
#include "migrate/store.h"

struct bf_config;
struct bf_workers;

struct bf_copy_config {
    const struct bf_inventory *inventory; // disk i of it is disks[i]
    struct bf_source_disk *const *disks;  // NULL entries for those that are not planned
    struct bf_workers *workers;           // started, outlives the copy; NULL: the caller alone
    uint8_t copy_all;                     // also what the disks' file systems call unused
    const char *copy_all_why;             // words for it, when copy_all
    const struct bf_config *places;       // what it says of single places; NULL: nothing
    uint8_t map_errors;     // blocks that cannot be read are left zero and told to the store
    int64_t (*clock)(void); // wall clock; NULL: there is none
    // Called several times a second while one turn takes long because the disks are looked at; not
    // 0: the look is to be cut short. May be NULL.
    int (*meanwhile)(void *user, uint64_t now_us);
    void *user;
    // What the disks and the point are about is kept there; the owner's, who fills in the rest.
    struct bf_progress *progress;
};

struct bf_copy;

// NULL without memory. bf_copy_read_with gives it the memory to read into, at least once before it
// begins: what is left of an allowance after everything else was made.
struct bf_copy *bf_copy_new(const struct bf_copy_config *config);
enum bf_err bf_copy_read_with(struct bf_copy *c, uint32_t bytes);

// A store is open, for the first time or again: goes on behind what is durable there. The plan must
// fit the disks (bf_copy_plan_is_unsound), and opened stays as it is until bf_copy_stop.
void bf_copy_begin(struct bf_copy *c, const struct bf_store_opened *opened, uint64_t now_us);
// Why disk i of a plan does not fit the disks that are to be copied, and those before it; NULL: it
// does.
const char *bf_copy_plan_is_unsound(const struct bf_copy *c, const struct bf_store_opened *opened,
                                    uint16_t i);

// One bounded turn, the store's included. BF_AGAIN: go on; BF_OK: the point exists; anything else:
// bf_copy_fault says why, and the caller decides whether to stop and begin again.
enum bf_err bf_copy_step(struct bf_copy *c, uint64_t now_us);
const struct bf_fault *bf_copy_fault(const struct bf_copy *c);

// Something was done in the last turn.
int bf_copy_moved(const struct bf_copy *c);
// A span of a disk is being copied.
int bf_copy_is_reading(const struct bf_copy *c);
// How often durable() rose since it began, and whether more became durable than ever before.
uint32_t bf_copy_durables(const struct bf_copy *c);
int bf_copy_got_on(struct bf_copy *c); // and forgets it
// Everything has to be read again in a session of its own: a system turned out to hibernate after
// something was left out. Set until the next bf_copy_begin.
int bf_copy_wants_anew(const struct bf_copy *c);

// The store is gone, or not wanted any more. Reads in flight are drained by later turns:
// bf_copy_drain does a turn of that, and returns 1 when nothing is in flight.
void bf_copy_stop(struct bf_copy *c);
int bf_copy_drain(struct bf_copy *c);
// Takes NULL. What a device or a worker does not let go of stays where it is: 0 then, and the
// memory that config points to must stay as well.
int bf_copy_free(struct bf_copy *c);

#endif
