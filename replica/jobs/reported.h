// SPDX-License-Identifier: Apache-2.0
// What a machine in its new home has reported of itself over HTTPS (replica/daemon/reports.h):
// lines of evidence.h. The daemon finds the job by its word and keeps them in the job's folder; the
// job's runner judges them. Files there: guest.new waits for a runner, guest.log was judged.
#ifndef BF_REPLICA_JOBS_REPORTED_H
#define BF_REPLICA_JOBS_REPORTED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "replica/jobs/evidence.h"
#include "replica/state/state.h"

enum {
    BF_REPORTED_MAX = 65536, // bytes
    BF_REPORTED_AGAIN_S = 60 // from one report of a job that was judged to the next
};
#define BF_REPORTED_JUDGED "guest.log"

// The word of the first line that has one, 32 hexadecimal digits. False: there is none.
bool bf_reported_word(const char *bytes, size_t len, char word[BF_EVIDENCE_WORD]);

// The failover with this word, one that is not over. How long it takes tells nothing of the words
// that there are. BF_ERR_NOT_FOUND.
enum bf_err bf_reported_find(struct bf_db *db, const char *word, struct bf_failover *out);

// Keeps a report, whole and flushed. One that was kept before changes nothing. BF_ERR_BUSY: another
// one was judged just now. The fault is not set then.
enum bf_err bf_reported_keep(const struct bf_state *state, int64_t job, const char *bytes,
                             size_t len, struct bf_fault *fault);
// Whether one waits to be judged.
bool bf_reported_waits(const struct bf_state *state, int64_t job);

struct bf_reported {
    char *bytes; // free(3)
    size_t len;
    ino_t file;
};
// The one that waits.
enum bf_err bf_reported_load(const struct bf_state *state, int64_t job, struct bf_reported *out,
                             struct bf_fault *fault);
// It was judged. One that came since goes on waiting. judged NULL: whichever waits.
enum bf_err bf_reported_settle(const struct bf_state *state, int64_t job,
                               const struct bf_reported *judged, struct bf_fault *fault);

#endif
