// SPDX-License-Identifier: Apache-2.0
// How long a cutover will take; see estimate.h. The median of the last few times counts, which one
// odd run does not move.
#include "replica/jobs/estimate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 7 };

struct times {
    int64_t s[SAMPLES];
    int count;
};

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t median(struct times *t)
{
    if (t->count == 0)
        return -1;
    qsort(t->s, (size_t)t->count, sizeof t->s[0], compare);
    return t->s[t->count / 2];
}

static void add(struct times *t, int64_t seconds)
{
    if (t->count < SAMPLES && seconds >= 0)
        t->s[t->count++] = seconds;
}

// The moments that a failover has on record: its beginning, the machine's start, the evidence.
static void add_failover(const struct bf_job *job, const struct bf_failover *f, struct times *adapt,
                         struct times *start)
{
    int64_t begun = job->since[BF_JOB_RUNNING], ready = job->since[BF_JOB_TARGET_READY];
    int64_t failed = job->since[BF_JOB_FAILED];
    // Evidence that was given up first, and came later, says nothing about a start.
    bool late = failed && failed <= ready;
    if (!begun || !f->started || !ready || late || strcmp(f->evidence, "operator") == 0)
        return;
    add(adapt, f->started - begun);
    add(start, ready - f->started);
}

static enum bf_err failovers(struct bf_db *db, const char *machine, const char *target,
                             struct bf_estimate *out)
{
    struct bf_failover *list = NULL;
    struct bf_job job;
    struct times adapt = {0}, start = {0};
    size_t count = 0;
    enum bf_err err = bf_db_failover_list(db, machine, 1, &list, &count);
    for (size_t i = count; !err && i > 0; i--) // the newest first
        if (strcmp(list[i - 1].target, target) == 0 &&
            bf_db_job_get(db, list[i - 1].job, &job) == BF_OK)
            add_failover(&job, &list[i - 1], &adapt, &start);
    free(list);
    out->samples = start.count;
    out->own = machine != NULL;
    out->adapt_s = median(&adapt);
    out->start_s = median(&start);
    return err;
}

static enum bf_err runs(struct bf_db *db, const char *machine, struct bf_estimate *out)
{
    struct bf_job *jobs = NULL;
    struct times run = {0};
    size_t count = 0;
    enum bf_err err = bf_db_job_list(db, machine, 0, &jobs, &count);
    for (size_t i = 0; !err && i < count; i++)
        if (strcmp(jobs[i].kind, "replication") == 0 && jobs[i].phase == BF_JOB_SUCCEEDED)
            add(&run, jobs[i].since[BF_JOB_SUCCEEDED] - jobs[i].since[BF_JOB_RUNNING]);
    free(jobs);
    out->run_s = median(&run);
    return err;
}

enum bf_err bf_estimate_make(struct bf_db *db, const char *machine, const char *target,
                             struct bf_estimate *out)
{
    *out = (struct bf_estimate){.run_s = -1, .adapt_s = -1, .start_s = -1};
    enum bf_err err = failovers(db, machine, target, out);
    if (!err && out->samples == 0)
        err = failovers(db, NULL, target, out);
    return err ? err : runs(db, machine, out);
}
