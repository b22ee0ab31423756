// SPDX-License-Identifier: Apache-2.0
// A source for tests of the store: disks with known contents, chunk by chunk, made from a seed; and
// a session that plays what the receiver would do with them.
#ifndef BF_TESTS_UNIT_STORE_SESSION_H
#define BF_TESTS_UNIT_STORE_SESSION_H

#include <stdint.h>

#include "replica/state/state.h"
#include "replica/store/store.h"

enum { SOURCE_DISKS = 2 };

// What a chunk contains is a function of (seed, disk, chunk, version): version 0 is zero bytes,
// UINT32_MAX is "unused".
struct source_disk {
    struct bf_geometry geometry;
    uint64_t chunks;
    uint32_t *version; // per chunk
};
struct source {
    uint64_t seed;
    uint16_t disks;
    struct source_disk disk[SOURCE_DISKS];
    uint8_t boot[16], session[16];
};
#define SOURCE_UNUSED UINT32_MAX

uint64_t source_random(uint64_t *state);
void source_make(struct source *x, uint64_t seed, uint16_t disks, uint64_t bytes, uint32_t chunk);
void source_free(struct source *x);
void source_copy(struct source *to, const struct source *from);
// Gives a share (per mille) of the chunks new contents, some of them zero or unused.
void source_change(struct source *x, uint32_t per_mille);
void source_boot(struct source *x); // new boot number and session
uint32_t source_read(const struct source *x, uint16_t disk, uint64_t chunk, uint8_t *out);
enum bf_chunk_state source_state(const struct source *x, uint16_t disk, uint64_t chunk,
                                 struct bf_digest *digest);
void source_root(const struct source *x, uint16_t disk, struct bf_digest *out);

// Machine "web" and its disks 0.. in the database.
void session_machine(struct bf_state *state, const struct source *x);
void session_config(const struct source *x, struct bf_session_config *config);
// One write, of which the store holds nothing afterwards.
enum bf_err session_data(struct bf_store store, uint16_t disk, uint64_t first, uint32_t count,
                         const struct bf_digest *digests, const void *raw, uint32_t raw_len);
// Every step returns the store's answer; loops over BF_AGAIN itself.
enum bf_err session_send(struct bf_session_store *s, const struct source *x, uint16_t disk,
                         uint64_t first, uint64_t end);
enum bf_err session_checkpoint(struct bf_session_store *s, uint16_t disk, uint64_t next);
enum bf_err session_seal(struct bf_session_store *s, const struct source *x, uint32_t *point);
// Sends what base() does not have already, from the resume position on, with a checkpoint every
// `every` chunks, then finishes the disks. *sent counts chunks (may be NULL).
enum bf_err session_copy(struct bf_session_store *s, const struct source *x, uint64_t every,
                         uint64_t *sent);
// The number of chunks before next_chunk whose base() is not what the source has.
uint64_t session_wrong(struct bf_session_store *s, const struct source *x, uint16_t disk,
                       uint64_t end);
// The number of chunks for which base() is not what the live layer contains, read through the open
// session's storage daemon. UNKNOWN is always true.
uint64_t session_untruths(struct bf_state *state, struct bf_session_store *s,
                          const struct source *x, uint16_t disk);
// The number of chunks of a sealed point that are not what the source has, read through a storage
// daemon of its own.
uint64_t point_wrong(struct bf_state *state, uint32_t point, const struct source *x, uint16_t disk);

#endif
