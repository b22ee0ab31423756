// SPDX-License-Identifier: Apache-2.0
// bootferry status: what every machine is doing, from the daemon if it runs and from the database
// in any case; with --watch again every second.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fmt.h"
#include "replica/cli/cli.h"
#include "replica/cli/fence.h"
#include "replica/cli/found.h"
#include "replica/cli/job_view.h"
#include "replica/cli/out.h"
#include "replica/cli/unwritten.h"
#include "replica/state/ask.h"
#include "replica/points/found_text.h"

enum { EVENTS = 12, JOBS = 16, WATCH_SECONDS = 1 };

static const struct bf_cli_option options[] = {
    {"--watch", NULL, 0, "repeat every second; with NAME, until its job has ended"},
    {NULL, NULL, 0, NULL},
};

// One look at one machine.
struct view {
    struct bf_machine machine;
    struct bf_job job;          // the latest replication; id 0: none
    struct bf_job recent[JOBS]; // of any kind, newest first
    size_t jobs;
    uint8_t session[16]; // of that job, when has_session
    int has_session;
    int fenced;
    const json_t *live; // borrowed from the daemon's answer, NULL without a session
    const json_t *kept; // likewise: what it could not write to the database yet
};

static const json_t *live_of(const json_t *answer, const char *name)
{
    size_t i;
    const json_t *session, *sessions = json_object_get(answer, "sessions");
    json_array_foreach(sessions, i, session)
    {
        const char *machine = json_string_value(json_object_get(session, "machine"));
        if (machine && strcmp(machine, name) == 0)
            return session;
    }
    return NULL;
}

static uint64_t number_of(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 ? (uint64_t)value : 0;
}

static enum bf_err look(struct bf_cli *cli, const struct bf_machine *machine, const json_t *answer,
                        struct view *v)
{
    struct bf_job *list = NULL;
    size_t count = 0;
    memset(v, 0, sizeof *v);
    v->machine = *machine;
    v->live = live_of(answer, machine->name);
    v->kept = bf_unwritten_of(answer, machine->name);
    enum bf_err err = bf_db_job_list(cli->db, machine->name, JOBS, &list, &count);
    for (size_t i = 0; !err && i < count && i < JOBS; i++) {
        bf_unwritten_onto(v->kept, &list[i]);
        v->recent[v->jobs++] = list[i];
        if (v->job.id == 0 && strcmp(list[i].kind, "replication") == 0)
            v->job = list[i];
    }
    free(list);
    v->fenced = bf_fence_is_up(cli->db, machine->name);
    v->has_session = v->job.id && !bf_db_session_of_job(cli->db, v->job.id, v->session);
    return err;
}

// One word for what is going on.
static const char *phase_of(const struct view *v)
{
    if (v->live)
        return json_string_value(json_object_get(v->live, "phase"));
    if (v->machine.revoked)
        return "revoked";
    if (v->fenced)
        return "fenced";
    if (v->job.id == 0)
        return "never seen";
    if (v->job.phase == BF_JOB_RUNNING)
        return "waiting";
    return bf_job_phase_name(v->job.phase);
}

// ---- JSON --------------------------------------------------------------------------------------

static json_t *events_json(struct bf_cli *cli, const char *name)
{
    struct bf_event_row *list = NULL;
    size_t count = 0;
    if (bf_db_event_list(cli->db, name, 0, EVENTS, &list, &count))
        count = 0;
    json_t *array = bf_cli_events_json(list, count);
    free(list);
    return array;
}

// What the source found; of a machine that was never seen, nothing.
static json_t *found_json(struct bf_cli *cli, const struct view *v)
{
    if (!v->has_session)
        return json_pack("{s:[], s:[]}", "places", "unseen");
    return json_pack("{s:o, s:o}", "places", bf_places_json(cli->db, v->session, -1), "unseen",
                     bf_unseen_json(cli->db, v->session));
}

static json_t *view_json(struct bf_cli *cli, const struct view *v)
{
    json_t *jobs = json_array();
    for (size_t i = 0; i < v->jobs; i++)
        json_array_append_new(jobs, bf_cli_job_json(&v->recent[i]));
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", v->machine.name,
                     "state", v->machine.revoked ? "revoked" : "active", "phase", phase_of(v),
                     "fence", bf_fence_json(cli->db, v->machine.name), "job",
                     bf_cli_job_json(&v->job), "jobs", jobs, "live",
                     v->live ? json_deep_copy(v->live) : json_null(), "found", found_json(cli, v),
                     "events", events_json(cli, v->machine.name), "unrecorded",
                     bf_unwritten_event_json(v->kept));
}

// ---- Text --------------------------------------------------------------------------------------

static void add_row(struct bf_table *t, const struct view *v)
{
    char done[16] = "-", speed[BF_BYTES_TEXT + 2] = "-", eta[24] = "-", point[16] = "-",
         since[BF_TIME_TEXT], bytes[BF_BYTES_TEXT];
    uint64_t total = number_of(v->live, "bytes"), position = number_of(v->live, "position");
    const json_t *left = json_object_get(v->live, "eta");
    if (v->live && total)
        bf_snprintf(done, sizeof done, "%u %%", (unsigned)(position / (total / 1000 + 1) / 10));
    if (v->live && position == total && total)
        bf_snprintf(done, sizeof done, "100 %%");
    if (v->live)
        bf_snprintf(speed, sizeof speed, "%s/s", bf_bytes_text(number_of(v->live, "rate"), bytes));
    if (json_is_integer(left)) {
        unsigned long long s = (unsigned long long)json_integer_value(left);
        bf_snprintf(eta, sizeof eta, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
    }
    if (v->job.point)
        bf_snprintf(point, sizeof point, "@%u", v->job.point);
    bf_table_row(t, v->machine.name, phase_of(v), done, speed, eta, point,
                 bf_time_text(v->job.id ? v->job.since[v->job.phase] : 0, since));
}

static void print_details(struct bf_cli *cli, const struct view *v)
{
    size_t i;
    const json_t *disk;
    char a[BF_BYTES_TEXT], b[BF_BYTES_TEXT], when[BF_TIME_TEXT];
    struct bf_event_row *list = NULL;
    size_t count = 0;
    json_array_foreach(json_object_get(v->live, "disks"), i, disk)
    {
        printf("%sdisk %llu: %s of %s\n", i ? "" : "\n",
               (unsigned long long)number_of(disk, "disk"),
               bf_bytes_text(number_of(disk, "position"), a),
               bf_bytes_text(number_of(disk, "bytes"), b));
    }
    const char *kex = json_string_value(json_object_get(v->live, "kex"));
    if (v->live)
        printf("this connection: %s of disk, %s on the wire, from %s, key exchange %s\n",
               bf_bytes_text(number_of(v->live, "received"), a),
               bf_bytes_text(number_of(v->live, "wire"), b),
               json_string_value(json_object_get(v->live, "from")), kex ? kex : "unknown");
    bf_fence_print(cli->db, v->machine.name, "\n");
    if (v->has_session && v->job.phase < BF_JOB_SUCCEEDED)
        bf_cli_print_places(cli->db, v->session, 0, "\n");
    if (v->has_session)
        bf_cli_print_unseen(cli->db, v->session, "\n");
    if (!v->live && !v->machine.revoked && !v->fenced && v->job.phase == BF_JOB_RUNNING)
        printf(
            "\nThe connection was cut. A source that is still on reconnects by itself and "
            "continues;\n"
            "one that is off can be booted from its medium again, and then sends only what is not\n"
            "here yet.\n");
    for (i = 0; i < v->jobs; i++)
        printf("%sjob %lld, %s: %s%s%s\n", i ? "" : "\n", (long long)v->recent[i].id,
               v->recent[i].kind, bf_job_phase_name(v->recent[i].phase),
               v->recent[i].detail[0] ? ", " : "", v->recent[i].detail);
    if (bf_db_event_list(cli->db, v->machine.name, 0, EVENTS, &list, &count) || count == 0)
        return;
    printf("\n");
    for (i = 0; i < count; i++)
        printf("%s  %s\n", bf_time_text(list[i].time, when), list[i].text);
    free(list);
}

// ---- One look, or many -------------------------------------------------------------------------

static enum bf_err load(struct bf_cli *cli, const json_t *answer, struct view **out, size_t *count)
{
    struct bf_machine *list = NULL, one;
    const char *name = cli->argument[0];
    enum bf_err err;
    *out = NULL;
    *count = 1;
    err = name ? bf_db_machine_get(cli->db, name, &one) : bf_db_machine_list(cli->db, &list, count);
    if (!err)
        *out = calloc(*count ? *count : 1, sizeof **out);
    for (size_t i = 0; !err && *out && i < *count; i++)
        err = look(cli, name ? &one : &list[i], answer, &(*out)[i]);
    free(list);
    return err;
}

// What the daemon had to say: its answer, the code of bf_control_query, and who it is.
struct daemon_answer {
    json_t *json;
    enum bf_err err;
    int process;
};

static void print_unserved(const struct daemon_answer *a)
{
    char name[BF_CONTROL_NAME];
    if (a->err == BF_ERR_TIMEOUT)
        printf("\n%s holds this state but does not answer: the above is from the database.\n",
               bf_control_name(a->process, name));
    else if (a->err)
        printf("\nbootferryd does not serve this state at the moment.\n");
}

static void print_text(struct bf_cli *cli, const struct view *v, size_t count,
                       const struct daemon_answer *a)
{
    struct bf_table t;
    bf_table_begin(&t, "MACHINE", "PHASE", ">DONE", ">SPEED", ">ETA", ">POINT", "SINCE", NULL);
    for (size_t i = 0; i < count; i++)
        add_row(&t, &v[i]);
    bf_table_print(&t);
    if (cli->argument[0])
        print_details(cli, &v[0]);
    for (size_t i = 0; i < count; i++)
        bf_unwritten_print(v[i].kept, v[i].machine.name);
    print_unserved(a);
}

// What --watch NAME waits for: a job that was not over when it began.
struct watch {
    int begun;
    int64_t over_at_start; // id of a job that was over already
};

static int job_is_over(const struct bf_job *j)
{
    return j->phase == BF_JOB_SUCCEEDED || j->phase == BF_JOB_FAILED;
}

// -1: go on; else the exit status.
static int watched(struct bf_cli *cli, struct watch *w, const struct view *v)
{
    if (!bf_cli_has(cli, "--watch"))
        return BF_CLI_OK;
    if (!w->begun) {
        w->begun = 1;
        w->over_at_start = job_is_over(&v->job) ? v->job.id : -1;
    }
    if (!cli->argument[0] || !job_is_over(&v->job) || v->job.id == w->over_at_start)
        return -1;
    return v->job.phase == BF_JOB_SUCCEEDED ? BF_CLI_OK : BF_CLI_FAILED;
}

static int show(struct bf_cli *cli, struct watch *w)
{
    struct view *v = NULL;
    size_t count;
    json_t *array = json_array();
    struct daemon_answer a = {0};
    a.err = bf_control_query(cli->state, BF_CONTROL_STATUS, &a.json, &a.process);
    int status = -1;
    if (load(cli, a.json, &v, &count) || !v) {
        status = bf_cli_fail(bf_db_fault(cli->db));
    } else if (cli->json) {
        for (size_t i = 0; i < count; i++)
            json_array_append_new(array, view_json(cli, &v[i]));
        json_t *whole = json_pack("{s:b, s:b, s:O}", "served", !a.err, "held",
                                  a.err != BF_ERR_NOT_FOUND, "machines", array);
        json_dumpf(whole, stdout, bf_cli_has(cli, "--watch") ? JSON_COMPACT : JSON_INDENT(2));
        putchar('\n');
        json_decref(whole);
    } else {
        if (bf_cli_has(cli, "--watch") && isatty(1))
            printf("\033[H\033[2J");
        print_text(cli, v, count, &a);
    }
    fflush(stdout);
    if (status < 0)
        status = watched(cli, w, &v[0]);
    json_decref(a.json);
    json_decref(array);
    free(v);
    return status;
}

static int run(struct bf_cli *cli)
{
    struct bf_machine machine;
    struct watch w = {0};
    int status =
        cli->argument[0] ? bf_cli_open_machine(cli, cli->argument[0], &machine) : bf_cli_open(cli);
    if (status)
        return status;
    while ((status = show(cli, &w)) < 0) {
        if (ferror(stdout))
            return BF_CLI_FAILED;
        sleep(WATCH_SECONDS);
    }
    return status;
}

const struct bf_cli_command bf_command_status = {
    .name = "status",
    .usage = "[NAME] [--watch]",
    .summary = "Show what machines are doing: phase, progress, speed, events",
    .details =
        "Phases: never seen, opening, receiving, verifying, sealed, waiting (a session that was\n"
        "interrupted and will continue), Succeeded, Failed, revoked, fenced (the machine lives\n"
        "elsewhere). --watch NAME ends with the job, with status 0 if it succeeded.",
    .max = 1,
    .options = options,
    .json = 1,
    .run = run,
};
