// SPDX-License-Identifier: Apache-2.0
// See boot.h.
#include "replica/jobs/boot.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "replica/jobs/folder.h"
#include "replica/state/file.h"

enum { ID_CHARACTERS = 36, ID = ID_CHARACTERS + 1 };

static bool read_id(const char *path, char out[ID])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t len = fd >= 0 ? read(fd, out, ID_CHARACTERS) : -1;
    if (fd >= 0)
        close(fd);
    out[len > 0 ? len : 0] = 0;
    return len == ID_CHARACTERS;
}

static bool this_boot(char out[ID])
{
    return read_id("/proc/sys/kernel/random/boot_id", out);
}

enum bf_err bf_job_boot_note(const struct bf_state *state, int64_t job, struct bf_fault *fault)
{
    char path[BF_JOB_PATH], id[ID];
    bf_job_path(state, job, "boot", path);
    if (!this_boot(id))
        return bf_fault_set(fault, BF_ERR_IO, BF_SIDE_SERVER, "mount /proc",
                            "this host's boot_id cannot be read");
    return bf_file_replace(path, id, ID_CHARACTERS, 0600, fault);
}

bool bf_job_boot_is_past(const struct bf_state *state, int64_t job)
{
    char path[BF_JOB_PATH], noted[ID], now[ID];
    bf_job_path(state, job, "boot", path);
    return read_id(path, noted) && this_boot(now) && strcmp(noted, now) != 0;
}

bool bf_job_boot_matters(const struct bf_state *state, const struct bf_job *job)
{
    enum bf_fo_step step = bf_fo_step_of(job);
    return (step == BF_FO_READY || step == BF_FO_UNPROVEN || step == BF_FO_COMMITTED) &&
           bf_job_boot_is_past(state, job->id);
}
