// SPDX-License-Identifier: Apache-2.0
// Whether a child process that somebody waits for works or hangs, as the kernel shows it
// (proc(5): /proc/PID/task/TID/stat). A process hangs when it brings nothing forward and none of
// its threads runs or waits for a disk: it is stopped, or its threads wait for each other. One that
// waits for a slow disk, or for a processor on a busy machine, gets more time, though not all the
// time in the world. docs/waits.md has the numbers of all waits.
#ifndef BF_LINUX_CHILD_STATE_H
#define BF_LINUX_CHILD_STATE_H

#include <stdint.h>

enum {
    BF_CHILD_LOOK_MS = 500,      // how often it is looked at
    BF_CHILD_SILENT_MS = 10000,  // neither progress nor work: it hangs
    BF_CHILD_STUCK_MS = 120000,  // no progress, although it works or waits for a disk
    BF_CHILD_GAP_MOST_MS = 1000, // counted of the time between two looks: we may have slept too
};

struct bf_child_watch {
    int pid;
    int also;            // another one that works for it, 0: none
    int computes;        // it says nothing for as long as it takes: processor time is progress
    uint64_t ticks;      // of processor time, of both
    uint64_t looked_us;  // when it was looked at last
    uint32_t quiet_ms;   // since its last progress
    uint32_t at_rest_ms; // the same, since it was last seen at work
};

enum bf_child_verdict { BF_CHILD_WORKS, BF_CHILD_HANGS, BF_CHILD_IS_STUCK };

void bf_child_watch_begin(struct bf_child_watch *w, int pid, uint64_t now_us);

// It brought something forward: an answer, bytes, a line of output.
void bf_child_progress(struct bf_child_watch *w);

// Looks at it when the last look was BF_CHILD_LOOK_MS ago. Never waits. To be called at least once
// a second; time in which nobody called does not count against the child.
enum bf_child_verdict bf_child_look(struct bf_child_watch *w, uint64_t now_us);

// True while a thread of the process runs or waits for a disk, or where /proc does not tell.
// Outside of the watch for its tests.
int bf_child_is_at_work(int pid);

#endif
