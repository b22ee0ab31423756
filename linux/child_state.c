// SPDX-License-Identifier: Apache-2.0
// See child_state.h. The state is the letter behind the command's name in parentheses, which may
// itself contain parentheses: the last one counts. R: running or waiting for a processor; D: in an
// uninterruptible wait, nearly always for a disk.
#include "linux/child_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"

// Reads a stat file. The fields behind the name, or NULL.
static const char *read_stat(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, size - 1) : -1;
    char *name_end;

    if (fd >= 0)
        close(fd);
    if (len <= 0)
        return NULL;
    text[len] = 0;
    name_end = strrchr(text, ')');
    return name_end && name_end[1] == ' ' ? name_end + 2 : NULL;
}

int bf_child_is_at_work(int pid)
{
    char path[320], text[512];
    struct dirent *entry;
    DIR *tasks;
    int at_work = 0;

    snprintf(path, sizeof path, "/proc/%d/task", pid);
    tasks = opendir(path);
    if (!tasks)
        return 1;
    while (!at_work && (entry = readdir(tasks))) {
        const char *fields;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/stat", pid, entry->d_name);
        fields = read_stat(path, text, sizeof text);
        at_work = fields && (*fields == 'R' || *fields == 'D');
    }
    closedir(tasks);
    return at_work;
}

// Processor time in clock ticks: fields 14 and 15, utime and stime.
static uint64_t ticks_of(int pid)
{
    char path[32], text[512];
    unsigned long long user = 0, system = 0;
    const char *fields;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    fields = pid > 0 ? read_stat(path, text, sizeof text) : NULL;
    if (!fields || sscanf(fields, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
                          &system) != 2)
        return 0;
    return user + system;
}

void bf_child_watch_begin(struct bf_child_watch *w, int pid, uint64_t now_us)
{
    *w = (struct bf_child_watch){.pid = pid, .looked_us = now_us};
}

void bf_child_progress(struct bf_child_watch *w)
{
    w->quiet_ms = w->at_rest_ms = 0;
}

static int has_worked(struct bf_child_watch *w)
{
    uint64_t ticks = ticks_of(w->pid) + ticks_of(w->also);
    int more = ticks != w->ticks;

    w->ticks = ticks;
    if (more && w->computes)
        bf_child_progress(w);
    return more || bf_child_is_at_work(w->pid) || (w->also && bf_child_is_at_work(w->also));
}

enum bf_child_verdict bf_child_look(struct bf_child_watch *w, uint64_t now_us)
{
    uint64_t passed_ms = (now_us - w->looked_us) / 1000;

    BF_ASSERT(now_us >= w->looked_us);
    if (passed_ms < BF_CHILD_LOOK_MS)
        return BF_CHILD_WORKS;
    if (passed_ms > BF_CHILD_GAP_MOST_MS)
        passed_ms = BF_CHILD_GAP_MOST_MS;
    w->looked_us = now_us;
    w->quiet_ms += (uint32_t)passed_ms;
    w->at_rest_ms = has_worked(w) ? 0 : w->at_rest_ms + (uint32_t)passed_ms;
    BF_ASSERT(w->at_rest_ms <= w->quiet_ms); // progress is work
    if (w->at_rest_ms >= BF_CHILD_SILENT_MS)
        return BF_CHILD_HANGS;
    return w->quiet_ms >= BF_CHILD_STUCK_MS ? BF_CHILD_IS_STUCK : BF_CHILD_WORKS;
}
