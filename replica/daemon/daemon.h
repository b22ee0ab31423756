// SPDX-License-Identifier: Apache-2.0
// The daemon's inside, shared by the files of this room. One thread is the door
// (replica/daemon/door.h): it accepts connections and does their handshakes. The main thread
// answers the control socket, looks after revocations, and gives every connection that came through
// the door a thread of its own, which runs the receiver over TLS and the session's store. A session
// may use several connections: the thread of the first one serves them all.
//
// Connections are of two classes. One with a certificate of our root keeps its place, whatever
// strangers do. One without wants to enrol: there are few places for those, with little memory, and
// newcomers displace the oldest of the address that has most, until one has shown a valid key.
//
// What the threads share is guarded by bf_daemon.lock; a connection's verdict is atomic, because it
// is looked at in every step. A machine has one connection with a session at a time: the newest.
#ifndef BF_REPLICA_DAEMON_DAEMON_H
#define BF_REPLICA_DAEMON_DAEMON_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "migrate/receiver/receiver.h"
#include "net/proto/bundle.h"
#include "net/proto/proto.h"
#include "replica/daemon/status.h"
#include "replica/daemon/unwritten.h"
#include "replica/daemon/door.h"
#include "replica/pki/ca.h"
#include "replica/state/state.h"
#include "replica/store/store.h"
#include "replica/daemon/tls_server.h"

enum {
    BF_CONNECTIONS_MAX = 512,  // that came through the door, lanes included
    BF_ENROLLING_MAX = 32,     // of them without a certificate
    BF_OPENING_MAX = 16,       // of them of one machine, without a session yet
    BF_UNREADABLE_MAX = 65536, // ranges that a session may have
    BF_STRANGER_MS = 30000,    // from accept to a session, or to the end of an enrolment
    BF_ASSESS_MS = 150000,     // from accept to the end of an assessment
    BF_ORPHAN_MS = 5000,       // for the connection that another one wants to join
    BF_TAKE_OVER_MS = 20000,   // for an older connection of the machine to let go
    BF_SESSIONS_DEFAULT = 16,  // at the same time; each may hold some 50 MiB of memory
    BF_SESSIONS_LIMIT = 256,
    BF_HANGS_MAX = 3, // replacements of a storage daemon in a row; the sender's SETBACKS_MAX
};

// Why a connection has to end, although nothing is wrong with it.
enum bf_verdict {
    BF_VERDICT_NONE,
    BF_VERDICT_REVOKED,
    BF_VERDICT_FENCED, // the machine lives elsewhere since
    BF_VERDICT_SUPERSEDED,
    BF_VERDICT_CROWDED, // a newcomer took the place of one that has neither certificate nor session
    BF_VERDICT_STOPPING,
};

// A machine whose storage daemon hung.
struct bf_hang {
    char machine[BF_NAME_MAX]; // empty: a free place
    uint32_t count;            // in a row, without anything more that became durable
    uint64_t order;            // when, among all
};

struct bf_daemon {
    struct bf_state *state;
    pthread_mutex_t lock;
    pthread_cond_t released; // a connection let go of its machine, or ended
    struct bf_ca *ca;
    struct bf_conn *conns; // newest first
    uint32_t conn_count, session_count, sessions_max;
    struct bf_door *door;
    struct bf_reports *reports; // NULL: none are taken
    pthread_mutex_t
        door_lock; // of what follows, up to minute_lines; never held while anything takes time
    struct bf_tls_server *tls;
    struct bf_arrival *arrivals, **arrivals_end; // through the door, not taken yet
    uint32_t arrival_count;
    uint64_t minute_us;    // when counting of log lines about strangers began
    uint32_t minute_lines; // since then
    uint64_t seed;         // for bf_claim_victim
    uint32_t lane_count;   // connections that joined another one
    int wake;              // eventfd: a connection ended, or arrived
    int stopping;          // eventfd: readable once the daemon was told to end
    uint64_t hangs;        // storage daemons that hung, in all
    struct bf_hang hang[BF_SESSIONS_LIMIT];
    struct bf_unwritten unwritten[BF_UNWRITTEN_MAX];
    uint64_t unwritten_order;   // changes to them, in all
    uint64_t unwritten_next_us; // the main thread's: when to try again
    uint64_t jobs_next_us;      // likewise: when to look for jobs that nobody works on
};

// A connection that another thread gives away.
struct bf_joining {
    uint8_t lane;
    struct bf_stream stream;
};

// One connection. Its thread owns everything that is not said to be shared.
struct bf_conn {
    struct bf_daemon *daemon;
    struct bf_conn *next; // shared
    pthread_t thread;
    char from[64]; // the peer's address, for the log
    struct bf_peer_address address;
    uint64_t accepted_us;
    int wake;                    // eventfd: the verdict changed
    _Atomic int verdict;         // enum bf_verdict; shared, only ever set once
    uint8_t ended;               // shared: the thread can be joined
    uint8_t has_session;         // shared
    _Atomic uint8_t keeps_place; // it has shown something of ours: a newcomer does not displace it
    uint8_t assesses;            // instead of a session
    uint8_t holds_machine;       // shared: no other connection may open this machine's store
    uint8_t waits_for_machine;   // shared: an older connection has it
    uint64_t take_over_us;       // since when
    struct bf_tls_peer peer;     // shared if it has a certificate: then it does not change
    struct bf_stream stream;     // of bf_bundle_accept; ops NULL: it was handed over
    struct bf_preface preface;   // shared once has_bundle or waits_to_join is set
    uint8_t has_bundle;          // shared: others may join
    uint8_t waits_to_join;       // shared
    uint8_t lane_count;          // shared: further lanes, joining ones included
    _Atomic uint8_t joining_count;           // shared; changed with the lock held
    struct bf_joining joining[BF_LANES_MAX]; // shared
    struct bf_db *db;
    struct bf_session_store *store;
    struct bf_session_row row;
    struct bf_job job;
    uint64_t resumed_chunks;  // of all disks, durable when this connection began
    uint32_t unreadable_rows; // of the session
    char *inventory;          // JSON of what the machine said about itself
    struct bf_live live;      // shared
};

// conn.c: the thread of a connection; takes the stream and releases the arrival. The stream
// was closed when BF_ERR_LIMIT or BF_ERR_NO_MEMORY is returned.
enum bf_err bf_conn_start(struct bf_daemon *d, struct bf_arrival *a);
// Joins the threads that are through.
void bf_conn_reap(struct bf_daemon *d);
// Ends those whose machine or certificate was revoked, or whose machine lives elsewhere. Called
// often.
void bf_conn_check(struct bf_daemon *d);

// wait.c: waits for the sockets, the store or a verdict.
void bf_conn_wait(struct bf_conn *c, int timeout_ms);
// Ends a connection with this verdict, unless it has one. With the lock held.
void bf_conn_end(struct bf_conn *c, enum bf_verdict verdict);

// events.c: one line in the machine's events and in the log.
void bf_conn_event(struct bf_conn *c, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Copies what the connection's database said last; its code.
enum bf_err bf_conn_db_fault(const struct bf_conn *c, struct bf_fault *fault);
// Whether a line about somebody without a certificate may be logged: they must not fill the log.
int bf_conn_may_log(struct bf_daemon *d);

// lanes.c: several connections of one session. take looks whether this is lane 0 of a bundle
// and lets those join that were handed over; end refuses and closes what still comes.
void bf_lanes_take(struct bf_conn *c);
void bf_lanes_end(struct bf_conn *c);
// Gives a further lane to the thread of its lane 0, for which it waits a while. c->stream is gone
// after BF_OK.
enum bf_err bf_lanes_hand_over(struct bf_conn *c, struct bf_fault *fault);

// session.c: what the receiver asks of its host.
extern const struct bf_receiver_host bf_conn_host;
// Lets go of the machine and closes the books of the session.
void bf_conn_release(struct bf_conn *c, enum bf_err outcome, const struct bf_fault *fault);

// disks.c: the planned disks into config and out, in order of their numbers.
enum bf_err bf_conn_plan_disks(struct bf_conn *c, const struct bf_inventory *inventory,
                               struct bf_session_config *config, struct bf_receiver_session *out,
                               struct bf_fault *fault);

// accept.c: a point was made of the disks, so what was refused before, and accepted, is the past.
void bf_conn_disks_settled(struct bf_conn *c);

// found.c: host calls of the receiver about what the source found on its machine.
enum bf_err bf_conn_unseen(void *impl, uint16_t ordinal, const struct bf_unseen *what,
                           struct bf_fault *fault);
enum bf_err bf_conn_boot_entry(void *impl, uint16_t ordinal, const struct bf_boot_entry *what,
                               struct bf_fault *fault);
enum bf_err bf_conn_place(void *impl, const struct bf_place *what, struct bf_fault *fault);

// admit.c: host calls of the receiver, and the look into the database.
enum bf_err bf_conn_allowed(void *impl, struct bf_fault *fault);
enum bf_err bf_conn_enrol(void *impl, const struct bf_enrol *request, uint8_t *certificate,
                          uint32_t *certificate_len, struct bf_fault *fault);
// Whether this peer may still send. BF_OK, or the fault for the source.
enum bf_err bf_conn_admit(struct bf_db *db, const struct bf_tls_peer *peer, struct bf_fault *fault);
// A machine that lives elsewhere was refused: its operator hears that the old one is on.
void bf_conn_note_fenced(struct bf_conn *c, const struct bf_fault *fault);

// assess.c: host calls of the receiver: what a machine found out about itself, which sends nothing.
enum bf_err bf_conn_assess_begin(void *impl, const struct bf_hello *hello,
                                 struct bf_welcome *welcome, struct bf_fault *fault);
enum bf_err bf_conn_assess(void *impl, const struct bf_assessment *found,
                           const struct bf_assessed *link, struct bf_fault *fault);

// hangs.c: the storage daemon of this session hung and was killed; how often that happened
// in a row without anything more that became durable. While the store is there.
uint32_t bf_conn_note_hang(struct bf_conn *c);
void bf_conn_forget_hangs(struct bf_conn *c); // a point was made
uint64_t bf_conn_durable_chunks(const struct bf_conn *c);

// stop.c. begin: from here on SIGTERM and SIGINT make d->stopping readable and end the
// process after BF_WAIT_END_MS. To be called before other threads exist.
enum bf_err bf_stop_begin(struct bf_daemon *d);
// Ends all connections and joins their threads; ends the process when one does not end.
void bf_stop_connections(struct bf_daemon *d);

// control.c: the control socket. open gives its descriptor, serve answers one caller.
enum bf_err bf_control_open(struct bf_daemon *d, int *fd, struct bf_fault *fault);
// Returns 1 when the daemon was asked to look at its state again.
int bf_control_serve(struct bf_daemon *d, int fd);
void bf_control_close(struct bf_daemon *d, int fd);

#endif
