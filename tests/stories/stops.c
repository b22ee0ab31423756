// SPDX-License-Identifier: Apache-2.0
// The named steps in the programs of the stories that kill: a process that comes to a step for
// which there is a file of that name in the folder BF_STOPS puts its number into the file, names it
// STEP.hit, and stops until somebody kills it. Each file stops one process, once.
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "replica/state/step.h"

void bf_step_done(const char *name)
{
    const char *folder = getenv("BF_STOPS");
    char armed[PATH_MAX], hit[PATH_MAX];
    int fd;

    if (!folder)
        return;
    snprintf(armed, sizeof armed, "%s/%s", folder, name);
    snprintf(hit, sizeof hit, "%s/%s.hit", folder, name);
    fd = open(armed, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    dprintf(fd, "%d\n", (int)getpid());
    close(fd);
    if (rename(armed, hit) == 0)
        raise(SIGSTOP);
}
