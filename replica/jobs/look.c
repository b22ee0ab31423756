// SPDX-License-Identifier: Apache-2.0
// The step that looks for evidence: reads what the new machine says about itself until it shows
// that it runs as planned, or its time is over. Then its console and a picture of its screen say
// why.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fmt.h"
#include "base/log.h"
#include "replica/jobs/agent.h"
#include "replica/jobs/boot.h"
#include "replica/jobs/console.h"
#include "replica/jobs/folder.h"
#include "replica/jobs/proof.h"
#include "replica/jobs/steps.h"
#include "replica/state/reason.h"

enum { TAIL = 1 << 20, CONSOLE_LINES = 6 };

struct look {
    struct bf_proof proof;    // what came through its port and its console
    struct bf_proof reported; // what came over HTTPS
    struct bf_evidence seen;  // by the guest agent
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

// Reads what the machine has said so far. True: it shows that the machine runs as planned.
static bool judge(struct bf_runner *r, struct look *l)
{
    struct bf_evidence *e = &l->proof.evidence;
    size_t said_len, console_len;
    char *said = tail_of(r, BF_TGT_EVIDENCE, &said_len);
    char *console = tail_of(r, BF_TGT_CONSOLE, &console_len);
    memset(e, 0, sizeof *e);
    if (said)
        bf_evidence_read(e, r->f.word, said, said_len);
    if (console)
        bf_evidence_read(e, r->f.word, console, console_len);
    bool good = bf_proof_judge(r, &l->proof);
    if (!good)
        look_at_console(r, l, console, console_len);
    free(said);
    free(console);
    return good;
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
    struct bf_evidence_plan plan = bf_proof_plan(r, &l->proof);
    struct bf_fault ignored;
    char missing[sizeof l->proof.missing];
    if (l->proof.evidence.boot_id[0] || bf_agent_look(r->ops, &r->tgt, &l->seen, &ignored))
        return;
    for (uint32_t i = 0; i < l->seen.nics; i++)
        bf_runner_say(r, BF_LOG_INFO, "its guest agent: the NIC with %s has %s", l->seen.nic[i].mac,
                      l->seen.nic[i].addresses[0] ? l->seen.nic[i].addresses : "no address");
    bool right = bf_evidence_judge_agent(&l->seen, &plan, missing, sizeof missing);
    bf_snprintf(l->proof.missing, sizeof l->proof.missing, "the guest agent of %.40s answers%s%s",
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
                        "%s: %s%s%s", how, console, console[0] ? "; " : "", l->proof.missing);
}

// What it has said here counts first; a report does where its port and console are silent.
static enum bf_err is_ready(struct bf_runner *r, struct look *l, bool *good, struct bf_fault *fault)
{
    enum bf_err err = BF_OK;
    *good = judge(r, l);
    if (*good) {
        bf_proof_keep(r, &l->proof, "machine");
        return BF_OK;
    }
    err = bf_proof_hear(r, &l->reported, good, fault);
    if (*good)
        bf_proof_keep(r, &l->reported, "guest");
    return err;
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
    bool good;
    for (;;) {
        enum bf_err err = is_ready(r, l, &good, fault);
        if (err || good)
            return err;
        err = ask_power(r, l, &power, fault);
        if (!err && power != BF_TGT_ON)
            return give_up(r, l, "the new machine is off", fault);
        if (time(NULL) >= until)
            return err ? err : give_up(r, l, "there is no evidence that it runs", fault);
        if (!bf_runner_goes_on(r))
            return bf_fault_set(fault, BF_ERR_CANCELLED, BF_SIDE_NONE, "", "it was stopped");
        sleep(1);
    }
}

enum bf_err bf_runner_look(struct bf_runner *r, enum bf_fo_step *next, struct bf_fault *fault)
{
    struct look *l = calloc(1, sizeof *l);
    enum bf_err err = bf_runner_open_machine(r, fault);
    if (!err && bf_job_boot_is_past(r->state, r->job.id)) {
        bf_runner_say(r, BF_LOG_WARNING, "this host was restarted while the machine was looked at");
        free(l);
        *next = BF_FO_STARTING;
        return BF_OK;
    }
    if (!l)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory to look at a machine");
    if (!err) {
        bf_proof_begin(r, &l->proof);
        l->reported = l->proof;
        err = look(r, l, fault);
    }
    free(l);
    *next = BF_FO_READY;
    return err;
}
