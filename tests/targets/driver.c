// SPDX-License-Identifier: Apache-2.0
// Calls one function of a target from a shell, each in a process of its own, as the jobs do it:
//
//     target_driver STATE NAME@POINT[/K] PLAN FOLDER URI TEST ACTION [ARGUMENT]
//
// FOLDER is relative to STATE, TEST the job's number or 0. ACTION: check, make, start, power,
// picture FILE, written, agent COMMAND, ask, pull, commit [TO], at-home [start], remove, describe.
// Events and results go to standard output, a fault to standard error with exit status 1. In the
// environment: BF_KILL_AT=STEP ends it there by SIGKILL, BF_KILL_QEMU_AT=STEP the machine's QEMU,
// BF_CANCEL_AT=STEP cancels it, and BF_RUN_AT=STEP runs the shell command in BF_RUN there.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "replica/state/file.h"
#include "replica/state/step.h"
#include "replica/targets/machine.h"
#include "replica/targets/qemu_process.h"

static const struct bf_tgt *the_target;
static bool cancelled;

static bool is_at(const char *variable, const char *name)
{
    const char *step = getenv(variable);

    return step && strcmp(step, name) == 0;
}

static void kill_qemu(void)
{
    struct bf_qemu_machine q;
    struct bf_fault fault;
    int folder;
    pid_t pid = bf_qemu_open(the_target, &q, &fault) ? 0 : bf_qemu_pid(&q, &folder);

    if (pid > 0)
        kill(pid, SIGKILL);
    bf_qemu_shut(&q);
}

void bf_step_done(const char *name)
{
    if (is_at("BF_KILL_AT", name))
        kill(getpid(), SIGKILL);
    if (is_at("BF_KILL_QEMU_AT", name))
        kill_qemu();
    if (is_at("BF_CANCEL_AT", name))
        cancelled = true;
    if (is_at("BF_RUN_AT", name) && system(getenv("BF_RUN")) != 0)
        fprintf(stderr, "BF_RUN failed\n");
}

static bool goes_on(void *user)
{
    (void)user;
    return !cancelled;
}

static void tell(void *user, const char *sentence)
{
    (void)user;
    printf("event: %s\n", sentence);
}

static void progress(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    if (done > total)
        printf("progress beyond its end: %llu of %llu\n", (unsigned long long)done,
               (unsigned long long)total);
}

static const char *const powers[] = {"absent", "off", "on", "crashed"};

static enum bf_err show_power(const struct bf_tgt_ops *ops, struct bf_fault *fault)
{
    enum bf_tgt_power power;
    enum bf_err err = ops->power(the_target, &power, fault);

    if (!err)
        puts(powers[power]);
    return err;
}

// As for a machine of which nothing but the name is known.
static enum bf_err show_home(const struct bf_tgt_ops *ops, bool start, struct bf_fault *fault)
{
    static struct bf_tgt_machine named;
    struct bf_tgt tgt = *the_target;
    enum bf_tgt_power power;
    enum bf_err err;

    memcpy(named.name, tgt.machine->name, sizeof named.name);
    tgt.machine = &named;
    err = ops->at_home(&tgt, start, &power, fault);
    if (!err)
        puts(powers[power]);
    return err;
}

static enum bf_err show_written(const struct bf_tgt_ops *ops, struct bf_fault *fault)
{
    uint64_t bytes;
    enum bf_err err = ops->written(the_target, &bytes, fault);

    if (!err)
        printf("%llu\n", (unsigned long long)bytes);
    return err;
}

static enum bf_err show_agent(const struct bf_tgt_ops *ops, const char *command,
                              struct bf_fault *fault)
{
    char *answer;
    enum bf_err err = ops->agent(the_target, command, &answer, fault);

    if (!err)
        puts(answer);
    free(answer);
    return err;
}

static enum bf_err act(const struct bf_tgt_ops *ops, const char *action, const char *argument,
                       struct bf_fault *fault)
{
    char *text;

    if (strcmp(action, "check") == 0)
        return ops->check(the_target, fault);
    if (strcmp(action, "make") == 0)
        return ops->make(the_target, fault);
    if (strcmp(action, "start") == 0)
        return ops->start(the_target, fault);
    if (strcmp(action, "power") == 0)
        return show_power(ops, fault);
    if (strcmp(action, "written") == 0)
        return show_written(ops, fault);
    if (strcmp(action, "picture") == 0)
        return ops->picture(the_target, argument, fault);
    if (strcmp(action, "agent") == 0)
        return show_agent(ops, argument, fault);
    if (strcmp(action, "ask") == 0)
        return ops->stop(the_target, BF_TGT_ASK, fault);
    if (strcmp(action, "pull") == 0)
        return ops->stop(the_target, BF_TGT_PULL, fault);
    if (strcmp(action, "commit") == 0)
        return ops->commit(the_target, argument, fault);
    if (strcmp(action, "at-home") == 0)
        return show_home(ops, argument != NULL, fault);
    if (strcmp(action, "remove") == 0)
        return ops->remove(the_target, fault);
    text = strcmp(action, "describe") == 0 ? ops->describe(the_target) : NULL;
    if (text)
        fputs(text, stdout);
    free(text);
    return text ? BF_OK
                : bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "see its head",
                               "there is no action %s", action);
}

static enum bf_err run(char **argv, struct bf_fault *fault)
{
    static struct bf_tgt_machine machine;
    const struct bf_tgt_ops *ops = bf_tgt_find(argv[5], fault);
    struct bf_state *state = NULL;
    struct bf_tgt tgt = {.folder = argv[4],
                         .uri = argv[5],
                         .machine = &machine,
                         .goes_on = goes_on,
                         .progress = progress,
                         .tell = tell};
    struct bf_image_ref ref;
    uint8_t *plan = NULL;
    size_t len = 0;
    enum bf_err err = ops ? bf_state_open(argv[1], BF_STATE_COMMAND, &state, fault) : fault->code;

    if (!err)
        err = bf_image_ref_parse(argv[2], &ref) ? BF_ERR_CONFIG : BF_OK;
    if (!err)
        err = bf_image_resolve(state, &ref, fault);
    if (!err)
        err = bf_file_read(argv[3], 65536, &plan, &len, fault);
    if (!err)
        err = bf_tgt_machine_make(state, &ref, (const char *)plan, len, strtol(argv[6], NULL, 10),
                                  &machine, fault);
    tgt.state = state;
    the_target = &tgt;
    if (!err)
        err = act(ops, argv[7], argv[8], fault);
    bf_tgt_machine_free(&machine);
    free(plan);
    bf_state_close(state);
    return err;
}

int main(int argc, char **argv)
{
    struct bf_fault fault = {.code = BF_OK};

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 8 || argc > 9) {
        fprintf(stderr, "target_driver: see its head\n");
        return 2;
    }
    if (run(argv, &fault) == BF_OK)
        return 0;
    fprintf(stderr, "%s (%s): %s\nto do: %s\n", bf_err_name(fault.code), bf_side_name(fault.side),
            fault.what, fault.todo);
    return 1;
}
