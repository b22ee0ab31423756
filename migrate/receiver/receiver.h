// SPDX-License-Identifier: Apache-2.0
// The receiving end of one connection, as a step function: no sockets, no clock, no threads of its
// own. The server calls bf_receiver_step from its loop, the simulation from its virtual one.
//
// Call it at least once a second, also when nothing happens: silence is counted in its turns.
//
// States: HELLO (waiting for it) -> [ENROLLING ->] PLANNING -> RECEIVING -> SEALING -> DONE; FAILED
// from everywhere. The host decides about identity and sessions: it is asked through
// bf_receiver_host.
#ifndef BF_MIGRATE_RECEIVER_RECEIVER_H
#define BF_MIGRATE_RECEIVER_RECEIVER_H

#include <stdint.h>

#include "base/err.h"
#include "migrate/store.h"
#include "net/proto/proto.h"
#include "net/stream.h"

// What the host answers to HELLO and INVENTORY.
struct bf_receiver_session {
    struct bf_welcome welcome;
    struct bf_store_opened opened; // of its limits none: the receiver's writes are the source's
};

struct bf_receiver_host {
    // Opens or resumes the session for the peer of this connection (whose identity the host knows
    // from TLS). The host fills *out; refuses with a fault that is sent to the source. BF_AGAIN: it
    // takes longer, ask again in the next turn, with the same arguments and what is in *out so far;
    // the source is kept assured meanwhile.
    enum bf_err (*session)(void *impl, const struct bf_hello *hello,
                           const struct bf_inventory *inventory, struct bf_receiver_session *out,
                           struct bf_fault *fault);
    // Enrolment: only on connections without a client certificate. certificate has room for 8192.
    enum bf_err (*enrol)(void *impl, const struct bf_enrol *request, uint8_t *certificate,
                         uint32_t *certificate_len, struct bf_fault *fault);
    // An assessment. begin says who answers; then what the source found and how fast bytes came
    // from it. Refused with a fault that is sent to the source. Both NULL: the host takes none.
    enum bf_err (*assess_begin)(void *impl, const struct bf_hello *hello,
                                struct bf_welcome *welcome, struct bf_fault *fault);
    enum bf_err (*assess)(void *impl, const struct bf_assessment *found,
                          const struct bf_assessed *link, struct bf_fault *fault);
    // Asked at every step: BF_OK, or the reason to end the connection (revoked, superseded, stop).
    enum bf_err (*allowed)(void *impl, struct bf_fault *fault);
    // Bytes of a disk that the source could not read, ascending; they are on stable storage when it
    // returns. And: the source reads this disk anew from here on, what was told of it before is
    // forgotten; by then the store counts nothing from there on as durable, so that a session never
    // goes on behind bytes that were forgotten and not told again. NULL: nobody wants to know.
    enum bf_err (*unreadable)(void *impl, const struct bf_unreadable *what, struct bf_fault *fault);
    enum bf_err (*rereading)(void *impl, uint16_t disk, uint64_t offset, struct bf_fault *fault);
    // Storage of the machine that no disk stands for, numbered from 0 on each connection, and what
    // lies where on a disk of the plan; each replaces what was told under the same number before.
    // They are on stable storage when it returns. NULL: nobody wants to know.
    enum bf_err (*unseen)(void *impl, uint16_t ordinal, const struct bf_unseen *what,
                          struct bf_fault *fault);
    // A boot entry of its firmware, numbered likewise, in the firmware's order.
    enum bf_err (*boot_entry)(void *impl, uint16_t ordinal, const struct bf_boot_entry *what,
                              struct bf_fault *fault);
    enum bf_err (*place)(void *impl, const struct bf_place *what, struct bf_fault *fault);
    // Events for status and log.
    void (*progress)(void *impl, uint16_t disk, uint64_t next_chunk, uint64_t raw_bytes,
                     uint64_t wire_bytes);
    void (*phase)(void *impl, const char *phase); // "receiving", "verifying", "sealed"
    void (*event)(void *impl, int level, const char *text);
    void *impl;
};

struct bf_receiver;

// Takes an open stream (its owner stays the caller). has_identity: the peer presented a certificate
// that the host accepted; without one only enrolment is allowed. NULL without memory.
struct bf_receiver *bf_receiver_new(struct bf_stream stream, const struct bf_receiver_host *host,
                                    int has_identity, uint64_t now_us);
// One turn. BF_AGAIN: go on (*idle set when nothing was done: wait for the stream); BF_OK: the
// connection ended as it should; anything else: it failed, bf_receiver_fault says why.
enum bf_err bf_receiver_step(struct bf_receiver *r, uint64_t now_us, int *idle);
const struct bf_fault *bf_receiver_fault(const struct bf_receiver *r);
void bf_receiver_free(struct bf_receiver *r); // takes NULL; does not close stream or store

#endif
