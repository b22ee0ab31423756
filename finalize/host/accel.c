// SPDX-License-Identifier: Apache-2.0
// Chooses the accelerator, see accel.h. The probe starts QEMU as a run does, without disks, and
// ends it at the kernel's first words on the serial port.
#include "finalize/host/accel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "finalize/vm/frame.h"
#include "finalize/host/memory.h"
#include "finalize/host/qemu.h"
#include "finalize/core/waits.h"

#define LOG_BYTES 16384

static const char first_words[] = "Linux version ";

static bool kernel_spoke(int log)
{
    static const size_t words = sizeof first_words - 1;
    char *text = malloc(LOG_BYTES);
    ssize_t len = text ? pread(log, text, LOG_BYTES, 0) : -1;
    bool spoke = len > 0 && memmem(text, (size_t)len, first_words, words);
    free(text);
    return spoke;
}

// The first line that QEMU wrote, which names the cause; what follows is often its collapse.
static void first_line(int log, char *out, size_t size)
{
    ssize_t len = pread(log, out, size - 1, 0);
    out[len > 0 ? len : 0] = 0;
    out[strcspn(out, "\r\n")] = 0;
    for (char *c = out; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

static bool has_ended(pid_t pid, long long deadline)
{
    pid_t got;
    while ((got = waitpid(pid, NULL, WNOHANG)) == 0 && bf_now_ms() < deadline)
        usleep(10000);
    return got != 0;
}

// A kernel that starts speaks within a second; the rest is for a busy host. One that does not start
// is waited for this long once, each start of the host. True when the kernel spoke; else `why` says
// what happened instead.
static bool wait_for_kernel(const struct bf_run *run, struct bf_qemu *qemu, char *why, size_t size)
{
    long long begin = bf_now_ms(), now = begin;
    bool spoke = false, ended = false;
    char said[120];
    while (!spoke && !ended && (now = bf_now_ms()) < begin + BF_RUN_PROBE_MS &&
           !(run->stop && run->stop->asked)) {
        ended = has_ended(qemu->pid, now + 20);
        spoke = kernel_spoke(qemu->log);
    }
    first_line(qemu->log, said, sizeof said);
    if (spoke)
        snprintf(why, size, "a kernel started with KVM, in %lld.%01lld s", (now - begin) / 1000,
                 (now - begin) / 100 % 10);
    else if (ended)
        snprintf(why, size, "QEMU exits when using /dev/kvm: %s", said);
    else
        snprintf(why, size, "no kernel started with /dev/kvm within %d s", BF_RUN_PROBE_MS / 1000);
    if (!ended)
        kill(qemu->pid, SIGKILL);
    if (!ended && !has_ended(qemu->pid, bf_now_ms() + BF_RUN_GONE_MS))
        snprintf(why, size, "QEMU hangs in /dev/kvm");
    return spoke;
}

static void probe(const struct bf_run *run, struct bf_accel *accel)
{
    struct bf_run bare = {.kernel = run->kernel,
                          .initramfs = run->initramfs,
                          .mode = "inspect",
                          .qemu = run->qemu,
                          .tmp = run->tmp};
    struct bf_qemu qemu;
    char error[256];
    accel->kvm = bf_qemu_start(&bare, BF_QEMU_PROBE, &qemu, error, sizeof error) == BF_OK;
    if (!accel->kvm) {
        snprintf(accel->why, sizeof accel->why, "/dev/kvm cannot be tried: %.100s", error);
        return;
    }
    accel->kvm = wait_for_kernel(run, &qemu, accel->why, sizeof accel->why);
    bf_qemu_close(&qemu);
}

static bool is_asked_for(struct bf_accel *accel, bool *wrong)
{
    const char *asked = getenv("QEMU_ACCEL");
    if (!asked || !*asked)
        return false;
    accel->kvm = strcmp(asked, "kvm") == 0;
    *wrong = !accel->kvm && strcmp(asked, "tcg") != 0;
    snprintf(accel->why, sizeof accel->why, "QEMU_ACCEL asks for it");
    return true;
}

enum bf_err bf_accel_choose(const struct bf_run *run, struct bf_accel *accel,
                            struct bf_fault *fault)
{
    bool wrong = false;
    *accel = (struct bf_accel){.kvm = false};
    bool asked = is_asked_for(accel, &wrong);
    if (wrong)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "correct QEMU_ACCEL",
                            "QEMU_ACCEL is neither tcg nor kvm");
    if (asked)
        return BF_OK;
    if (access("/dev/kvm", R_OK | W_OK) < 0) {
        if (errno == ENOENT)
            snprintf(accel->why, sizeof accel->why, "there is no /dev/kvm");
        else
            snprintf(accel->why, sizeof accel->why, "/dev/kvm: %s", strerror(errno));
        return BF_OK;
    }
    if (bf_accel_recall(run->memory, accel))
        return BF_OK;
    probe(run, accel);
    if (!run->stop || !run->stop->asked)
        bf_accel_remember(run->memory, accel);
    return BF_OK;
}

void bf_accel_failed(const struct bf_run *run, struct bf_accel *accel, const char *how)
{
    accel->kvm = false;
    snprintf(accel->why, sizeof accel->why, "with KVM, %.150s", how);
    if (!getenv("QEMU_ACCEL"))
        bf_accel_remember(run->memory, accel);
}
