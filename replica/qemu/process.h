// SPDX-License-Identifier: Apache-2.0
// Child processes: started without a shell, with nothing inherited but what is named, and ended by
// the kernel when the thread that started them ends, but for those in sessions of their own.
#ifndef BF_REPLICA_QEMU_PROCESS_H
#define BF_REPLICA_QEMU_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct bf_process_config {
    const char *const *argv; // NULL at the end; argv[0] is looked up in PATH
    int dir;                 // working folder, -1: this one
    int keep;                // a descriptor that it gets under the same number, -1: none
    const int *keep_more;    // further ones, -1 at the end; NULL: none
    int output;              // its standard output and error, -1: ours
    const char *setting;     // "NAME=value" to add to its environment, NULL: none
    bool own_session;        // it lives on when its starter ends, and no terminal reaches it
};
// BF_ERR_NOT_FOUND when the program is not installed.
enum bf_err bf_process_start(const struct bf_process_config *config, pid_t *pid);

// Waits for the end of a child, as long as it works (replica/state/wait.h). BF_OK: exit status 0;
// BF_ERR_IO: another end; BF_ERR_TIMEOUT: it hung; BF_ERR_CANCELLED. It is gone in any case.
enum bf_err bf_process_await(pid_t pid, const char *name);

// The same for one that should end now: after ms milliseconds it is killed, BF_ERR_TIMEOUT. Not
// cancelled. One that stays even then (its disk does not answer) is left behind: the next
// bf_process_start that finds it gone buries it.
enum bf_err bf_process_reap(pid_t pid, uint32_t ms);

struct bf_process_run {
    const char *const *argv;
    int dir;    // working folder, -1: this one
    int keep;   // a descriptor that it gets under the same number, -1: none
    pid_t also; // a process that works for it, so that waiting for that one is work; 0: none
    const char *also_name;                       // for the log, when there is one
    void (*watch)(void *user, const char *text); // gets what it prints, piece by piece; or NULL
    void *user;
    char *said; // its last line with a word in it, or why it was ended
    size_t size;
};
// Runs one to its end. BF_ERR_NOT_FOUND, or as bf_process_await.
enum bf_err bf_process_run_to_end(const struct bf_process_run *run);

// The same with what is usual.
enum bf_err bf_process_run(const char *const *argv, int dir,
                           void (*watch)(void *user, const char *text), void *user, char *said,
                           size_t size);

#endif
