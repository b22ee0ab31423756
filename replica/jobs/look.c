// SPDX-License-Identifier: Apache-2.0
// The step that looks for evidence: reads what the new machine says about itself until it shows
// that it runs as planned, or its time is over. Then its console and a picture of its screen say
// why.
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fmt.h"
#include "base/log.h"
#include "replica/jobs/agent.h"
#include "replica/jobs/console.h"
#include "replica/jobs/evidence.h"
#include "replica/jobs/folder.h"
#include "replica/jobs/steps.h"
#include "replica/state/reason.h"

enum { TAIL = 1 << 20, CONSOLE_LINES = 6, MISSING = 160 };

struct look {
    struct bf_evidence evidence;
    struct bf_evidence seen; // by the guest agent
    char missing[MISSING];
    char host[65]; // that is planned, or ""
    struct bf_console_end console;
    char lines[1024]; // the last ones of the console
    bool told;        // what the console shows was told
    bool unasked;     // the target could not be asked whether the machine is on
};

// The last megabyte of a file that the target writes; the caller's. NULL: nothing is there.
static char *tail_of(const struct bf_runner *r, const char *file, size_t *len)
{
    char path[BF_JOB_PATH];
    struct stat st;
    char *text = NULL;
    bf_job_path(r->state, r->job.id, file, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    *len = 0;
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 && (text = malloc(TAIL))) {
        ssize_t got = pread(fd, text, TAIL, st.st_size > TAIL ? st.st_size - TAIL : 0);
        *len = got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0)
        close(fd);
    return text;
}

// What the console shows that somebody should know at once: a prompt for a passphrase waits long.
static void look_at_console(struct bf_runner *r, struct look *l, const char *text, size_t len)
{
    l->console = bf_console_tail(text ? text : "", len, CONSOLE_LINES, l->lines, sizeof l->lines);
    if (l->console.state != BF_CONSOLE_PASSPHRASE || l->told)
        return;
    l->told = true;
    bf_runner_say(r, BF_LOG_WARNING, "%s: %s", bf_console_text(l->console.state), l->console.line);
}

static struct bf_evidence_plan planned(const struct bf_runner *r, const struct look *l)
{
    return (struct bf_evidence_plan){.nic = r->machine->nic,
                                     .nics = r->machine->nics,
                                     .host = l->host,
                                     .isolated = r->machine->isolated};
}

// Reads what the machine has said so far. True: it shows that the machine runs as planned.
static bool judge(struct bf_runner *r, struct look *l)
{
    struct bf_evidence_plan plan = planned(r, l);
    size_t said_len, console_len;
    char *said = tail_of(r, BF_TGT_EVIDENCE, &said_len);
    char *console = tail_of(r, BF_TGT_CONSOLE, &console_len);
    memset(&l->evidence, 0, sizeof l->evidence);
    if (said)
        bf_evidence_read(&l->evidence, r->f.word, said, said_len);
    if (console)
        bf_evidence_read(&l->evidence, r->f.word, console, console_len);
    bool good = bf_evidence_judge(&l->evidence, &plan, l->missing, sizeof l->missing);
    if (!good)
        look_at_console(r, l, console, console_len);
    free(said);
    free(console);
    return good;
}

// ---- Ready -------------------------------------------------------------------------------------

static json_t *evidence_json(const struct bf_evidence *e)
{
    json_t *nics = json_array(), *gateways = json_array(), *units = json_array();
    for (uint32_t i = 0; i < e->nics; i++)
        json_array_append_new(
            nics, json_pack("{s:s, s:s}", "mac", e->nic[i].mac, "addresses", e->nic[i].addresses));
    for (uint32_t i = 0; i < e->gateways; i++)
        json_array_append_new(gateways, json_pack("{s:s, s:b}", "address", e->gateway[i].address,
                                                  "answers", (int)e->gateway[i].answers));
    for (uint32_t i = 0; i < e->units; i++)
        json_array_append_new(units, json_string(e->unit[i]));
    return json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:o}", "boot_id", e->boot_id, "host", e->host,
                     "root", e->root, "root_writable", (int)e->root_writable, "nics", nics,
                     "gateways", gateways, "failed_units", units);
}

static enum bf_err ready(struct bf_runner *r, const struct look *l)
{
    const struct bf_evidence *e = &l->evidence;
    struct bf_fault ignored;
    char where[96] = "";
    for (uint32_t i = 0; i < e->nics && !where[0]; i++)
        bf_snprintf(where, sizeof where, "%.80s", e->nic[i].addresses);
    bf_job_put_json(r->state, r->job.id, "evidence.json", evidence_json(e), &ignored);
    bf_snprintf(r->f.evidence, sizeof r->f.evidence, "machine");
    bf_snprintf(r->job.detail, sizeof r->job.detail, "%s runs%s%s", e->host,
                where[0] ? " with " : "", where);
    bf_runner_say(r, BF_LOG_INFO, "%s itself shows that it runs%s%s", e->host,
                  where[0] ? ", with " : "", where);
    for (uint32_t i = 0; i < e->units; i++)
        bf_runner_say(r, BF_LOG_WARNING, "a unit has failed there: %s", e->unit[i]);
    return BF_OK;
}

// ---- Not ready ---------------------------------------------------------------------------------

// The last lines of the console become events, and the screen a picture.
static void show_why(struct bf_runner *r, struct look *l)
{
    char path[BF_JOB_PATH];
    struct bf_fault ignored;
    char *rest = l->lines, *line;
    while ((line = strsep(&rest, "\n")))
        if (line[0])
            bf_runner_say(r, BF_LOG_INFO, "its console: %s", line);
    bf_job_path(r->state, r->job.id, "screen.png", path);
    if (r->ops->picture(&r->tgt, path, &ignored) == BF_OK)
        bf_runner_say(r, BF_LOG_INFO, "a picture of its screen: %s", path);
}

// Where nothing was heard, a guest agent may say what it sees. That is no evidence: it goes into
// the reason, for whoever is to decide.
static void ask_agent(struct bf_runner *r, struct look *l)
{
    struct bf_evidence_plan plan = planned(r, l);
    struct bf_fault ignored;
    char missing[MISSING];
    if (l->evidence.boot_id[0] || bf_agent_look(r->ops, &r->tgt, &l->seen, &ignored))
        return;
    for (uint32_t i = 0; i < l->seen.nics; i++)
        bf_runner_say(r, BF_LOG_INFO, "its guest agent: the NIC with %s has %s", l->seen.nic[i].mac,
                      l->seen.nic[i].addresses[0] ? l->seen.nic[i].addresses : "no address");
    bool right = bf_evidence_judge_agent(&l->seen, &plan, missing, sizeof missing);
    bf_snprintf(l->missing, sizeof l->missing, "the guest agent of %.40s answers%s%s",
                l->seen.host[0] ? l->seen.host : "a nameless system",
                right ? ", and sees what was planned" : ": ", missing);
}

static enum bf_err give_up(struct bf_runner *r, struct look *l, const char *how,
                           struct bf_fault *fault)
{
    judge(r, l); // its last words may have come since
    const char *console = bf_console_text(l->console.state);
    ask_agent(r, l);
    show_why(r, l);
    return bf_fault_set(fault, BF_ERR_TIMEOUT, BF_SIDE_SOURCE,
                        "look at it; then bootferry confirm, or bootferry rollback (of a test: "
                        "cleanup)",
                        "%s: %s%s%s", how, console, console[0] ? "; " : "", l->missing);
}

// A target that cannot be asked for a while (its daemon is being restarted) is asked again: neither
// the machine nor its evidence comes through it.
static enum bf_err ask_power(struct bf_runner *r, struct look *l, enum bf_tgt_power *power,
                             struct bf_fault *fault)
{
    enum bf_err err = r->ops->power(&r->tgt, power, fault);
    if (err && !l->unasked)
        bf_runner_say(r, BF_LOG_WARNING, "whether it is on is not known, and is asked again: %s",
                      fault->what);
    l->unasked = err != BF_OK;
    return err;
}

static enum bf_err look(struct bf_runner *r, struct look *l, struct bf_fault *fault)
{
    int64_t until = r->f.started + (int64_t)r->f.patience;
    enum bf_tgt_power power;
    for (;;) {
        if (judge(r, l))
            return ready(r, l);
        enum bf_err err = ask_power(r, l, &power, fault);
        if (!err && power != BF_TGT_ON)
            return give_up(r, l, "the new machine is off", fault);
        if (time(NULL) >= until)
            return err ? err : give_up(r, l, "there is no evidence that it runs", fault);
        if (!bf_runner_goes_on(r))
            return bf_fault_set(fault, BF_ERR_CANCELLED, BF_SIDE_NONE, "", "it was stopped");
        sleep(1);
    }
}

static void planned_host(const struct bf_runner *r, char out[65])
{
    json_t *plan = json_loadb(r->plan, r->plan_len, 0, NULL);
    const char *host = json_string_value(json_object_get(plan, "hostname"));
    bf_snprintf(out, 65, "%s", host ? host : "");
    json_decref(plan);
}

enum bf_err bf_runner_look(struct bf_runner *r, enum bf_fo_step *next, struct bf_fault *fault)
{
    struct look *l = calloc(1, sizeof *l);
    enum bf_err err = bf_runner_open_machine(r, fault);
    if (!l)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory to look at a machine");
    if (!err) {
        planned_host(r, l->host);
        err = look(r, l, fault);
    }
    free(l);
    *next = BF_FO_READY;
    return err;
}
