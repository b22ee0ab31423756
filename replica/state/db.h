// SPDX-License-Identifier: Apache-2.0
// The state's database: who may do what, and which files make up which point. SQLite with a
// write-ahead log, synchronous=FULL, foreign keys on; the schema's version is checked and a foreign
// one refused. Several processes may have it open. A connection belongs to one thread at a time.
//
// Times are seconds since 1970 UTC, 0 = never or not yet. Every function that writes is one
// transaction of its own unless bf_db_begin was called. Lists are arrays to be freed with free().
// Every failure leaves its fault in the connection (bf_db_fault).
#ifndef BF_REPLICA_STATE_DB_H
#define BF_REPLICA_STATE_DB_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/digest.h"
#include "image/identity.h"
#include "image/manifest.h"
#include "net/proto/proto.h"

struct bf_db;

enum bf_err bf_db_create(const char *path, struct bf_fault *fault); // BF_ERR_EXISTS
enum bf_err bf_db_open(const char *path, struct bf_db **out, struct bf_fault *fault);
void bf_db_close(struct bf_db *db); // takes NULL
// Its faults are told to a source: of a full disk, that nothing acknowledged is lost.
void bf_db_for_session(struct bf_db *db);
const struct bf_fault *bf_db_fault(const struct bf_db *db); // of the last call that failed

// How long calls wait for another writer before they fail with BF_ERR_BUSY: until this moment
// (bf_platform_now_us), all calls together; 0, the default: BF_WAIT_DB_MS for each. What cancels
// the thread (replica/state/wait.h) ends such a wait too.
void bf_db_wait_until(struct bf_db *db, uint64_t until_us);

// sql.c
// BEGIN IMMEDIATE: waits for another writer, then BF_ERR_BUSY. Not nested.
enum bf_err bf_db_begin(struct bf_db *db);
enum bf_err bf_db_commit(struct bf_db *db);
void bf_db_rollback(struct bf_db *db); // harmless outside a transaction
int bf_db_is_in_transaction(const struct bf_db *db);

// db.c
// Small settings of the server ("addresses", "created"). get: BF_ERR_NOT_FOUND.
enum bf_err bf_db_meta_set(struct bf_db *db, const char *key, const char *value);
enum bf_err bf_db_meta_get(struct bf_db *db, const char *key, char *out, size_t size);
enum bf_err bf_db_meta_remove(struct bf_db *db, const char *key); // harmless when there is none

// ---- Machines ----------------------------------------------------------------------------------

struct bf_machine {
    char name[BF_NAME_MAX];
    int64_t created, revoked;
};
enum bf_err bf_db_machine_add(struct bf_db *db, const char *name, int64_t now); // BF_ERR_EXISTS
enum bf_err bf_db_machine_get(struct bf_db *db, const char *name, struct bf_machine *out);
enum bf_err bf_db_machine_list(struct bf_db *db, struct bf_machine **out, size_t *count);
// Revokes the machine, its certificates and its enrolment keys.
enum bf_err bf_db_machine_revoke(struct bf_db *db, const char *name, int64_t now);
// Lets the machine have new ones; what was revoked stays so.
enum bf_err bf_db_machine_renew(struct bf_db *db, const char *name);

// ---- Certificates ------------------------------------------------------------------------------

enum bf_role { BF_ROLE_SERVER = 1, BF_ROLE_MACHINE = 2 };
struct bf_certificate {
    char serial[48];           // hexadecimal, lower case
    uint8_t fingerprint[32];   // SHA-256 of the DER
    char machine[BF_NAME_MAX]; // empty for the server's
    enum bf_role role;
    char origin[16]; // "init", "media", "enrolled"
    int64_t created, not_after, revoked;
};
enum bf_err bf_db_certificate_add(struct bf_db *db, const struct bf_certificate *c);
enum bf_err bf_db_certificate_get(struct bf_db *db, const uint8_t fingerprint[32],
                                  struct bf_certificate *out);
// machine NULL: all.
enum bf_err bf_db_certificate_list(struct bf_db *db, const char *machine,
                                   struct bf_certificate **out, size_t *count);
enum bf_err bf_db_certificate_revoke(struct bf_db *db, const char *serial, int64_t now);

// ---- Enrolment keys (only their hashes are kept) -----------------------------------------------

struct bf_enrolment {
    uint8_t hash[32];
    char machine[BF_NAME_MAX];
    int64_t created, not_before, not_after, revoked;
    uint32_t uses_max, uses;
};
enum bf_err bf_db_enrolment_add(struct bf_db *db, const struct bf_enrolment *e);
// Ends one key, as for a medium that was not finished.
enum bf_err bf_db_enrolment_revoke(struct bf_db *db, const uint8_t hash[32], int64_t now);
enum bf_err bf_db_enrolment_list(struct bf_db *db, const char *machine, struct bf_enrolment **out,
                                 size_t *count);
// Checks name, revocation, period and uses, and counts one use, all in one transaction.
// BF_ERR_DENIED with the reason in the fault (for the server's log, not for the peer).
enum bf_err bf_db_enrolment_use(struct bf_db *db, const uint8_t hash[32], const char *machine,
                                int64_t now);

// ---- Disks of replicas -------------------------------------------------------------------------

struct bf_replica_disk {
    char machine[BF_NAME_MAX];
    uint16_t number;                  // never used again for another disk
    struct bf_disk_identity identity; // as last seen
    struct bf_geometry geometry;      // fixed for ever
    uint32_t layer;                   // the one being written, 0 before the first session
    int64_t created;
};
// Gives the next free number, in disk->number.
enum bf_err bf_db_disk_add(struct bf_db *db, struct bf_replica_disk *disk);
enum bf_err bf_db_disk_get(struct bf_db *db, const char *machine, uint16_t number,
                           struct bf_replica_disk *out);
enum bf_err bf_db_disk_list(struct bf_db *db, const char *machine, struct bf_replica_disk **out,
                            size_t *count);
// Attributes that were learnt since (identity only).
enum bf_err bf_db_disk_identity(struct bf_db *db, const char *machine, uint16_t number,
                                const struct bf_disk_identity *identity);
enum bf_err bf_db_disk_layer(struct bf_db *db, const char *machine, uint16_t number,
                             uint32_t layer);
// The disk has another size now, in geometry and identity. Points keep their own.
enum bf_err bf_db_disk_resize(struct bf_db *db, const char *machine, uint16_t number,
                              uint64_t bytes);

// ---- Recovery points ---------------------------------------------------------------------------

// SEALING: everything is on the disk, the switch to new layers is not confirmed yet. Recovery turns
// it into SEALED. Only SEALED points are shown to anybody.
enum bf_point_state { BF_POINT_SEALING = 1, BF_POINT_SEALED = 2 };
struct bf_point_disk {
    uint16_t disk;
    uint32_t layer;       // its topmost layer, never written again
    uint32_t next_layer;  // the layer made for what comes after
    uint64_t bytes;       // size of the disk
    uint64_t data_bytes;  // in chunks of data
    int64_t unused_bytes; // in chunks that were left out; -1: an older version made the point
    int64_t new_bytes;    // of data that the point before did not have there; -1 likewise
    struct bf_digest root;
    struct bf_disk_identity identity; // as it was then
};
struct bf_point {
    char machine[BF_NAME_MAX];
    uint32_t number; // from 1
    enum bf_point_state state;
    int64_t time;         // server's clock
    int64_t source_clock; // the source's claim
    struct bf_digest root;
    uint8_t session[16], boot[16];
    uint16_t disks;
    struct bf_point_disk disk[BF_PROTO_DISKS_MAX]; // ascending numbers
};
// Inserts it (state SEALING) with the next number, in point->number.
enum bf_err bf_db_point_add(struct bf_db *db, struct bf_point *point);
// SEALING to SEALED, and every disk's live layer becomes its next_layer.
enum bf_err bf_db_point_sealed(struct bf_db *db, const char *machine, uint32_t number);
// number 0: the latest sealed one.
enum bf_err bf_db_point_get(struct bf_db *db, const char *machine, uint32_t number,
                            struct bf_point *out);
// Sealed points in order of number; NULL machine with SEALING for recovery.
enum bf_err bf_db_point_list(struct bf_db *db, const char *machine, enum bf_point_state state,
                             struct bf_point **out, size_t *count);
// The point that this session sealed within this boot. BF_ERR_NOT_FOUND.
enum bf_err bf_db_point_of_session(struct bf_db *db, const char *machine, const uint8_t session[16],
                                   const uint8_t boot[16], struct bf_point *out);

// Numbers of the layers of a disk that belong to points (of both states), ascending.
enum bf_err bf_db_disk_layers(struct bf_db *db, const char *machine, uint16_t number,
                              uint32_t **out, size_t *count);

// ---- Finalized objects NAME@POINT/K ------------------------------------------------------------

enum bf_object_state { BF_OBJECT_MAKING = 1, BF_OBJECT_READY = 2 };
struct bf_object {
    char machine[BF_NAME_MAX];
    uint32_t point, number; // K, from 1, never used again
    enum bf_object_state state;
    int64_t created;
};
// Gives the next number, in object->number; state MAKING.
enum bf_err bf_db_object_add(struct bf_db *db, struct bf_object *object);
enum bf_err bf_db_object_ready(struct bf_db *db, const char *machine, uint32_t point,
                               uint32_t number);
enum bf_err bf_db_object_get(struct bf_db *db, const char *machine, uint32_t point, uint32_t number,
                             struct bf_object *out);
// machine NULL: all machines; point 0: all points.
enum bf_err bf_db_object_list(struct bf_db *db, const char *machine, uint32_t point,
                              struct bf_object **out, size_t *count);
// Numbers of removed objects are not given again.
enum bf_err bf_db_object_remove(struct bf_db *db, const char *machine, uint32_t point,
                                uint32_t number);

// ---- Sessions, jobs, events --------------------------------------------------------------------

struct bf_session_row {
    uint8_t id[16], boot[16];
    char machine[BF_NAME_MAX];
    int64_t started, ended;
    uint32_t point; // sealed by it, 0 = none
    int64_t job;
};
enum bf_err bf_db_session_put(struct bf_db *db, const struct bf_session_row *row); // adds, replaces
enum bf_err bf_db_session_get(struct bf_db *db, const uint8_t id[16], struct bf_session_row *out);

// ---- What could not be read --------------------------------------------------------------------

struct bf_unreadable_row {
    uint16_t disk;
    uint64_t offset, bytes;
};
// Adds a range behind those that this session has for the disk; one that follows directly is joined
// with the last. *rows counts those that were added as rows of their own.
enum bf_err bf_db_unreadable_add(struct bf_db *db, const uint8_t session[16],
                                 const struct bf_unreadable_row *row, uint32_t *rows);
// Forgets what the session has for the disk from offset on; a range that reaches beyond it is cut.
enum bf_err bf_db_unreadable_forget(struct bf_db *db, const uint8_t session[16], uint16_t disk,
                                    uint64_t offset);
// By disk and offset; free *out.
enum bf_err bf_db_unreadable_list(struct bf_db *db, const uint8_t session[16],
                                  struct bf_unreadable_row **out, size_t *count);
// Forgets what sessions of the machine had that never came to a point.
enum bf_err bf_db_unreadable_tidy(struct bf_db *db, const char *machine);
enum bf_err bf_db_unreadable_count(struct bf_db *db, const uint8_t session[16], uint32_t *rows);

// ---- What was found ----------------------------------------------------------------------------

// Each replaces what the session has under the same number. *changed: it said something new.
enum bf_err bf_db_unseen_put(struct bf_db *db, const uint8_t session[16], uint16_t ordinal,
                             const struct bf_unseen *m, int *changed);
// Its spans are tidy (replica/state/spans.h).
enum bf_err bf_db_place_put(struct bf_db *db, const uint8_t session[16], const struct bf_place *m,
                            int *changed);
enum bf_err bf_db_unseen_list(struct bf_db *db, const uint8_t session[16], struct bf_unseen **out,
                              size_t *count);
struct bf_place_row {
    uint16_t disk, ordinal;
    char name[sizeof((struct bf_place *)0)->name];
    char what[sizeof((struct bf_place *)0)->what];
    char why[sizeof((struct bf_place *)0)->why];
    uint64_t first, bytes;           // where it begins, and in all; bytes 0: not known
    int64_t unused_bytes, new_bytes; // as of a point's disk; -1: no point yet, or not known
};
// By disk, and in the order in which they lie on it, a volume behind the partition that it lies in;
// free *out.
enum bf_err bf_db_place_list(struct bf_db *db, const uint8_t session[16], struct bf_place_row **out,
                             size_t *count);
enum bf_err bf_db_place_spans(struct bf_db *db, const uint8_t session[16], uint16_t disk,
                              uint16_t ordinal, struct bf_place_span out[BF_PLACE_SPANS_MAX],
                              uint32_t *count);
enum bf_err bf_db_place_figures(struct bf_db *db, const uint8_t session[16],
                                const struct bf_place_row *row);
// Forgets what sessions of the machine had that never came to a point.
enum bf_err bf_db_found_tidy(struct bf_db *db, const char *machine);
// The session that a replication belongs to.
enum bf_err bf_db_session_of_job(struct bf_db *db, int64_t job, uint8_t session[16]);

enum bf_job_phase { // the words are KubeVirt's
    BF_JOB_PENDING = 1,
    BF_JOB_RUNNING = 2,
    BF_JOB_TARGET_READY = 3,
    BF_JOB_SUCCEEDED = 4,
    BF_JOB_FAILED = 5,
};
const char *bf_job_phase_name(enum bf_job_phase phase); // "Pending", "Running", "TargetReady", ...
struct bf_job {
    int64_t id;
    char machine[BF_NAME_MAX];
    char kind[24]; // "replication", "finalize", "failover"
    enum bf_job_phase phase;
    int64_t since[6];     // when each phase was entered, by enum bf_job_phase
    char step[24];        // within Running: "receiving", "verifying", ...
    uint64_t bytes_total; // of the disks
    uint64_t bytes_done, bytes_data, bytes_wire;
    uint32_t point;
    char detail[192]; // result, or what failed and what to do
};
enum bf_err bf_db_job_add(struct bf_db *db, struct bf_job *job); // gives job->id; phase Pending
// Writes everything but id, machine and kind; a new phase gets its time stamp from now.
enum bf_err bf_db_job_update(struct bf_db *db, struct bf_job *job, int64_t now);
enum bf_err bf_db_job_get(struct bf_db *db, int64_t id, struct bf_job *out);
// The newest first, at most limit (0: all); machine NULL: all.
enum bf_err bf_db_job_list(struct bf_db *db, const char *machine, uint32_t limit,
                           struct bf_job **out, size_t *count);

// ---- Failovers: what a job of that kind has beside its row among the jobs -----------------------

enum bf_failover_mode { BF_FAILOVER_PLANNED = 1, BF_FAILOVER_UNPLANNED = 2, BF_FAILOVER_TEST = 3 };
// What the operator asked of it since it began; the runner takes it up.
enum bf_failover_wish {
    BF_WISH_NONE,
    BF_WISH_COMMIT,
    BF_WISH_ROLLBACK,
    BF_WISH_CANCEL,
    BF_WISH_CLEANUP,
    BF_WISH_CONFIRM,
    BF_WISHES
};
struct bf_failover {
    int64_t job;
    char machine[BF_NAME_MAX];
    enum bf_failover_mode mode;
    int over;         // nothing is left of it, or it was committed
    char target[512]; // a URI, replica/targets/target.h
    uint32_t object;  // the K that was finalized for it, 0: not yet
    char word[33];    // of its evidence
    enum bf_failover_wish wish;
    int discard;       // with ROLLBACK, CANCEL: what the new machine wrote may be lost
    char to[512];      // with COMMIT: where the disks go; "": the target's default
    char ending[16];   // the step that removing leads to
    int64_t until;     // a test is over then, 0: never
    int64_t started;   // when its machine was switched on
    uint32_t patience; // seconds for evidence, from then on
    uint32_t fresh;    // planned: how old the source's run may be when the job begins, seconds
    uint32_t wait;     // planned: how long to wait for that run, seconds
    char evidence[16]; // "machine", "guest", "operator", "none"; "": none yet
};
const char *bf_failover_mode_name(enum bf_failover_mode mode); // "planned", "unplanned", "test"
// Its job is there already. Both belong into one transaction.
enum bf_err bf_db_failover_add(struct bf_db *db, const struct bf_failover *f);
// Writes everything but job, machine, mode, target, word, and the wish with what belongs to it.
enum bf_err bf_db_failover_update(struct bf_db *db, const struct bf_failover *f);
// The wish, discard and to.
enum bf_err bf_db_failover_wish(struct bf_db *db, const struct bf_failover *f);
enum bf_err bf_db_failover_get(struct bf_db *db, int64_t job, struct bf_failover *out);
// By job, those that are not over, or all; machine NULL: of all machines.
enum bf_err bf_db_failover_list(struct bf_db *db, const char *machine, int all,
                                struct bf_failover **out, size_t *count);

struct bf_event_row {
    int64_t id, time, job; // job 0: none
    char machine[BF_NAME_MAX];
    int level; // enum bf_log_level
    char text[256];
};
// Old ones are dropped beyond 1000 per machine.
enum bf_err bf_db_event_add(struct bf_db *db, struct bf_event_row *event); // gives event->id
// In order of time, those of a job with id > after.
enum bf_err bf_db_event_of_job(struct bf_db *db, int64_t job, int64_t after,
                               struct bf_event_row **out, size_t *count);
// In order of time, the last limit of them with id > after; machine NULL: all.
enum bf_err bf_db_event_list(struct bf_db *db, const char *machine, int64_t after, uint32_t limit,
                             struct bf_event_row **out, size_t *count);

// ---- Fences ------------------------------------------------------------------------------------

// While a failover has a fence for a machine, the machine's source is refused with BF_ERR_FENCED
// and powers itself off. A machine may have several, by as many failovers: one that was committed,
// and a later one. It is let in again when the last of them was lifted.
struct bf_fence {
    char machine[BF_NAME_MAX];
    int64_t job;       // the failover's
    int64_t since;     // when it was put
    char place[80];    // where the machine lives, after "lives": "on libvirt host h as web-1"
    uint8_t unplanned; // the source was not asked
    uint32_t contacts; // how often the source came since
    int64_t contacted; // when it came last
};
// Puts the job's fence, or changes its place; the rest of one that is there stays as it is.
enum bf_err bf_db_fence_put(struct bf_db *db, const struct bf_fence *fence);
// Takes the job's fence away, job 0: all of the machine. Harmless when there is none.
enum bf_err bf_db_fence_lift(struct bf_db *db, const char *machine, int64_t job);
// The newest of the machine. BF_ERR_NOT_FOUND.
enum bf_err bf_db_fence_get(struct bf_db *db, const char *machine, struct bf_fence *out);
// BF_OK for a machine without a fence, else BF_ERR_FENCED with a fault for its source: where it
// lives since when, and what to do. Within a transaction it holds until that ends.
enum bf_err bf_db_fence_check(struct bf_db *db, const char *machine);
// The source came; *fresh: not seen in the ten minutes before.
enum bf_err bf_db_fence_contact(struct bf_db *db, const char *machine, int64_t now, int *fresh);

#endif
