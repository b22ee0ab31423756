// SPDX-License-Identifier: Apache-2.0
// The named steps in the store's tests.
#include "tests/unit/store_step.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "replica/state/step.h"

static const char *kill_name;
static int kill_nth;
static void (*_Atomic watcher)(const char *name); // steps are announced by several threads

void store_step_kill_at(const char *name, int nth)
{
    kill_name = name;
    kill_nth = nth;
}

void store_step_watch(void (*watch)(const char *name))
{
    watcher = watch;
}

void bf_step_done(const char *name)
{
    void (*watch)(const char *) = watcher;

    if (watch)
        watch(name);
    if (kill_name && strcmp(kill_name, name) == 0 && --kill_nth == 0)
        kill(getpid(), SIGKILL);
}
