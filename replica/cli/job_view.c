// SPDX-License-Identifier: Apache-2.0
// Jobs as operators see them; see job_view.h.
#include "replica/cli/job_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fmt.h"
#include "replica/cli/out.h"
#include "replica/jobs/begin.h"
#include "replica/jobs/folder.h"

enum { LOOK_US = 300000 };

json_t *bf_cli_job_json(const struct bf_job *j)
{
    if (j->id == 0)
        return json_null();
    json_t *since = json_object();
    for (int p = BF_JOB_PENDING; p <= BF_JOB_FAILED; p++)
        if (j->since[p])
            json_object_set_new(since, bf_job_phase_name((enum bf_job_phase)p),
                                bf_json_time(j->since[p]));
    return json_pack("{s:I, s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:o, s:o}", "id", (json_int_t)j->id,
                     "kind", j->kind, "phase", bf_job_phase_name(j->phase), "step", j->step,
                     "since", since, "bytes_total", (json_int_t)j->bytes_total, "bytes_done",
                     (json_int_t)j->bytes_done, "bytes_wire", (json_int_t)j->bytes_wire, "point",
                     j->point ? json_integer(j->point) : json_null(), "detail",
                     bf_json_text(j->detail));
}

static json_t *failover_json(const struct bf_failover *f)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:b, s:o, s:o}", "mode", bf_failover_mode_name(f->mode),
                     "target", f->target, "object",
                     f->object ? json_integer(f->object) : json_null(), "evidence",
                     f->evidence[0] ? json_string(f->evidence) : json_null(), "over", f->over,
                     "started", bf_json_time(f->started), "until", bf_json_time(f->until));
}

json_t *bf_cli_events_json(const struct bf_event_row *list, size_t count)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_pack("{s:I, s:o, s:s, s:o}", "id", (json_int_t)list[i].id,
                                               "time", bf_json_time(list[i].time), "level",
                                               levels[list[i].level & 3], "text",
                                               bf_json_text(list[i].text)));
    return array;
}

// ---- What comes next ---------------------------------------------------------------------------

// Of what the job's step allows, in the order in which it is offered. Cancelling what has come to
// rest is the same as taking it away, and is not named beside that.
enum { OFFERS_MAX = 4 };
static size_t find_offers(const struct bf_job *job, const struct bf_failover *f,
                          enum bf_failover_wish out[OFFERS_MAX])
{
    static const enum bf_failover_wish at_rest[OFFERS_MAX] = {BF_WISH_CONFIRM, BF_WISH_COMMIT,
                                                              BF_WISH_ROLLBACK, BF_WISH_CLEANUP};
    struct bf_fo_answer answer;
    struct bf_fault refusal;
    size_t count = 0;
    enum bf_fo_step step = bf_fo_step_of(job);
    for (size_t i = 0; i < OFFERS_MAX && !bf_fo_info(step)->works; i++)
        if (bf_fo_ask(f->mode, step, at_rest[i], &answer, &refusal) == BF_OK)
            out[count++] = at_rest[i];
    if (bf_fo_info(step)->works &&
        bf_fo_ask(f->mode, step, BF_WISH_CANCEL, &answer, &refusal) == BF_OK)
        out[count++] = BF_WISH_CANCEL;
    return count;
}

void bf_cli_job_next(const struct bf_job *job, const struct bf_failover *f, FILE *out)
{
    enum bf_failover_wish wishes[OFFERS_MAX];
    char when[BF_TIME_TEXT], name[BF_NAME_MAX];
    if (f->job == 0 || f->over)
        return;
    // A machine has one cutover, and maybe many tests.
    if (f->mode == BF_FAILOVER_TEST)
        bf_snprintf(name, sizeof name, "%lld", (long long)job->id);
    else
        bf_snprintf(name, sizeof name, "%s", job->machine);
    size_t count = find_offers(job, f, wishes);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%sbootferry %s %s", i ? ", or " : "Next: ", bf_fo_wish_name(wishes[i]), name);
    fputs(count ? "\n" : "", out);
    if (f->mode == BF_FAILOVER_TEST && f->until)
        fprintf(out, "It ends by itself at %s.\n", bf_time_text(f->until, when));
}

static json_t *next_json(const struct bf_job *job, const struct bf_failover *f)
{
    enum bf_failover_wish wishes[OFFERS_MAX];
    json_t *array = json_array();
    size_t count = f->over ? 0 : find_offers(job, f, wishes);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_string(bf_fo_wish_name(wishes[i])));
    return array;
}

// ---- The whole job ------------------------------------------------------------------------------

static json_t *events_json(struct bf_cli *cli, int64_t job)
{
    struct bf_event_row *list = NULL;
    size_t count = 0;
    if (bf_db_event_of_job(cli->db, job, 0, &list, &count))
        count = 0;
    json_t *array = bf_cli_events_json(list, count);
    free(list);
    return array;
}

json_t *bf_cli_job_whole_json(struct bf_cli *cli, const struct bf_job *job)
{
    struct bf_failover f;
    json_t *whole = bf_cli_job_json(job);
    json_object_set_new(whole, "machine", json_string(job->machine));
    if (bf_db_failover_get(cli->db, job->id, &f) == BF_OK) {
        json_object_set_new(whole, "failover", failover_json(&f));
        json_object_set_new(json_object_get(whole, "failover"), "next", next_json(job, &f));
    }
    json_object_set_new(whole, "events", events_json(cli, job->id));
    return whole;
}

// ---- Following ---------------------------------------------------------------------------------

static int64_t print_events(struct bf_cli *cli, int64_t job, int64_t after)
{
    struct bf_event_row *list = NULL;
    char when[BF_TIME_TEXT];
    size_t count = 0;
    if (bf_db_event_of_job(cli->db, job, after, &list, &count))
        return after;
    for (size_t i = 0; i < count; i++) {
        printf("%s  %s\n", bf_time_text(list[i].time, when), list[i].text);
        after = list[i].id;
    }
    fflush(stdout);
    free(list);
    return after;
}

// A runner that was killed is not waited for: another one is started.
static int keep_going(struct bf_cli *cli, const struct bf_job *job)
{
    struct bf_fault fault;
    if (bf_job_is_locked(cli->state, job->id) || bf_state_is_served(cli->state))
        return BF_CLI_OK;
    return bf_runner_spawn(cli->state, job->id, NULL, 0, &fault) ? bf_cli_fail(&fault) : BF_CLI_OK;
}

// How long nobody holds the job's lock before it counts as abandoned: a runner needs some time.
enum { ABANDONED_LOOKS = 20 };

int bf_cli_job_follow(struct bf_cli *cli, int64_t id, int quiet)
{
    struct bf_job job;
    struct bf_failover f;
    int64_t seen = 0;
    int status = BF_CLI_OK, alone = 0;
    if (quiet)
        seen = INT64_MAX;
    for (;;) {
        if (bf_db_job_get(cli->db, id, &job) || bf_db_failover_get(cli->db, id, &f))
            return bf_cli_fail(bf_db_fault(cli->db));
        seen = print_events(cli, id, seen);
        // The end of a test that lasts is not waited for.
        f.until = 0;
        if (!bf_runner_is_wanted(&job, &f, time(NULL)))
            return BF_CLI_OK;
        alone = bf_job_is_locked(cli->state, id) ? 0 : alone + 1;
        if (alone == ABANDONED_LOOKS && (status = keep_going(cli, &job)))
            return status;
        usleep(LOOK_US);
    }
}

int bf_cli_job_result(struct bf_cli *cli, int64_t id)
{
    struct bf_job job;
    struct bf_failover f;
    if (bf_db_job_get(cli->db, id, &job))
        return bf_cli_fail(bf_db_fault(cli->db));
    int failed = job.phase == BF_JOB_FAILED;
    if (cli->json)
        return bf_json_print(bf_cli_job_whole_json(cli, &job)) || failed;
    if (bf_db_failover_get(cli->db, id, &f))
        f = (struct bf_failover){0};
    printf("job %lld of %s: %s, %s%s%s%s%s\n", (long long)id, job.machine,
           bf_job_phase_name(job.phase), job.step, f.evidence[0] ? ", evidence " : "", f.evidence,
           job.detail[0] ? ": " : "", job.detail);
    bf_cli_job_next(&job, &f, stdout);
    return failed ? BF_CLI_FAILED : BF_CLI_OK;
}
