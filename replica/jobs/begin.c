// SPDX-License-Identifier: Apache-2.0
// Puts a failover on record. The row and the folder with the plan are there together: the folder is
// made before the transaction that has the row ends.
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fmt.h"
#include "base/platform.h"
#include "replica/jobs/begin.h"
#include "replica/jobs/folder.h"
#include "replica/state/text.h"

static enum bf_err db_fault(struct bf_db *db, enum bf_err err, struct bf_fault *fault)
{
    if (err)
        *fault = *bf_db_fault(db);
    return err;
}

static enum bf_err check_others(struct bf_db *db, const struct bf_failover_order *order,
                                struct bf_fault *fault)
{
    struct bf_failover *others = NULL;
    size_t count = 0;
    enum bf_err err =
        db_fault(db, bf_db_failover_list(db, order->machine, 0, &others, &count), fault);
    if (!err)
        err = bf_fo_may_begin(order->mode, others, count, fault);
    free(others);
    return err;
}

// After a commit the job is over, and the machine is not here: a second cutover makes two of it.
static enum bf_err check_fence(struct bf_db *db, const struct bf_failover_order *order,
                               struct bf_fault *fault)
{
    struct bf_fence fence;
    char since[BF_TIME_TEXT];
    if (order->mode == BF_FAILOVER_TEST || order->again)
        return BF_OK;
    enum bf_err err = bf_db_fence_get(db, order->machine, &fence);
    if (err == BF_ERR_NOT_FOUND)
        return BF_OK;
    if (err)
        return db_fault(db, err, fault);
    return bf_fault_set(fault, BF_ERR_BUSY, BF_SIDE_CONFIG,
                        "if its home there is lost for good, say --again; then see to it that the "
                        "machine there stays off",
                        "%s lives %s since %s: another failover would make two of it",
                        order->machine, fence.place, bf_time_text(fence.since, since));
}

static enum bf_err make_word(char out[33], struct bf_fault *fault)
{
    uint8_t bytes[16];
    if (bf_platform_entropy(bytes, sizeof bytes))
        return bf_fault_set(fault, BF_ERR_NO_ENTROPY, BF_SIDE_SERVER, "start it again",
                            "the kernel gives no random numbers");
    bf_hex(out, bytes, sizeof bytes);
    return BF_OK;
}

static enum bf_err add_rows(struct bf_db *db, const struct bf_failover_order *order,
                            struct bf_job *job, struct bf_fault *fault)
{
    int64_t now = time(NULL);
    bool waits = order->mode == BF_FAILOVER_PLANNED;
    struct bf_failover f = {.mode = order->mode,
                            .patience = order->patience,
                            .fresh = order->fresh,
                            .wait = order->wait,
                            .until = order->lasts ? now + (int64_t)order->lasts : 0};
    bf_snprintf(job->machine, sizeof job->machine, "%s", order->machine);
    bf_snprintf(job->kind, sizeof job->kind, "failover");
    bf_snprintf(job->step, sizeof job->step, "%s",
                bf_fo_info(waits ? BF_FO_WAITING : BF_FO_FINALIZING)->name);
    job->point = order->point;
    job->since[BF_JOB_PENDING] = now;
    bf_snprintf(f.machine, sizeof f.machine, "%s", order->machine);
    bf_snprintf(f.target, sizeof f.target, "%s", order->target);
    enum bf_err err = make_word(f.word, fault);
    if (err)
        return err;
    err = bf_db_job_add(db, job);
    f.job = job->id;
    return db_fault(db, err ? err : bf_db_failover_add(db, &f), fault);
}

enum bf_err bf_failover_begin(struct bf_state *state, const struct bf_failover_order *order,
                              int64_t *out, struct bf_fault *fault)
{
    struct bf_db *db = bf_state_db(state);
    struct bf_job job = {0};
    enum bf_err err = db_fault(db, bf_db_begin(db), fault);
    if (err)
        return err;
    err = check_others(db, order, fault);
    if (!err)
        err = check_fence(db, order, fault);
    if (!err)
        err = add_rows(db, order, &job, fault);
    if (!err)
        err = bf_job_folder_make(state, job.id, fault);
    if (!err)
        err = bf_job_plan_keep(state, job.id, order->plan, order->plan_len, fault);
    if (!err)
        err = bf_job_order_keep(state, job.id, &order->run, fault);
    if (!err)
        err = db_fault(db, bf_db_commit(db), fault);
    bf_db_rollback(db);
    *out = job.id;
    return err;
}
