// SPDX-License-Identifier: Apache-2.0
// The folder of a job; see folder.h.
#include "replica/jobs/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fmt.h"
#include "replica/state/file.h"
#include "replica/state/reason.h"

#define PLAN   "plan.json"
#define LOCK   "lock"
#define FOLDER "jobs"

void bf_job_folder(int64_t job, char out[BF_JOB_FOLDER])
{
    bf_snprintf(out, BF_JOB_FOLDER, FOLDER "/%lld", (long long)job);
}

void bf_job_path(const struct bf_state *state, int64_t job, const char *file, char out[BF_JOB_PATH])
{
    bf_snprintf(out, BF_JOB_PATH, "%s/" FOLDER "/%lld%s%s", bf_state_path(state), (long long)job,
                file[0] ? "/" : "", file);
}

static enum bf_err failed(const char *doing, const char *path, int number, struct bf_fault *fault)
{
    enum bf_err code = bf_reason_errno(number);
    return bf_fault_set(
        fault, code, BF_SIDE_SERVER,
        bf_reason_todo(code, "look at the permissions and the free space of the state folder"),
        "%s cannot be %s: %s", path, doing, strerror(number));
}

enum bf_err bf_job_folder_make(const struct bf_state *state, int64_t job, struct bf_fault *fault)
{
    char path[BF_JOB_PATH], folder[BF_JOB_FOLDER];
    bf_job_folder(job, folder);
    bf_job_path(state, job, "", path);
    bf_folder_remove(path);
    if ((mkdirat(bf_state_dir(state), FOLDER, 0700) != 0 && errno != EEXIST) ||
        mkdirat(bf_state_dir(state), folder, 0700) != 0)
        return failed("made", folder, errno, fault);
    return BF_OK;
}

// The lock's file, open and locked; -1 with errno.
static int open_lock(const struct bf_state *state, int64_t job)
{
    char path[BF_JOB_FOLDER];
    bf_snprintf(path, sizeof path, FOLDER "/%lld/" LOCK, (long long)job);
    int fd = openat(bf_state_dir(state), path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int number = errno;
    close(fd);
    errno = number;
    return -1;
}

enum bf_err bf_job_lock(const struct bf_state *state, int64_t job, int *lock,
                        struct bf_fault *fault)
{
    *lock = open_lock(state, job);
    if (*lock >= 0)
        return BF_OK;
    if (errno == EWOULDBLOCK)
        return bf_fault_set(fault, BF_ERR_BUSY, BF_SIDE_SERVER,
                            "bootferry jobs shows how far it is", "job %lld is being worked on",
                            (long long)job);
    return failed("locked", "the folder of the job", errno, fault);
}

bool bf_job_is_locked(const struct bf_state *state, int64_t job)
{
    int fd = open_lock(state, job);
    bool locked = fd < 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    return locked;
}

enum bf_err bf_job_put_json(const struct bf_state *state, int64_t job, const char *file,
                            json_t *json, struct bf_fault *fault)
{
    char path[BF_JOB_PATH];
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    if (!text)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory for a job");
    bf_job_path(state, job, file, path);
    enum bf_err err = bf_file_replace(path, text, strlen(text), 0600, fault);
    free(text);
    return err;
}

// ---- The plan ----------------------------------------------------------------------------------

// Takes them out of "unlock", which keeps its entries.
static void remove_keys(json_t *plan)
{
    json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(plan, "unlock"), i, entry)
    {
        json_object_del(entry, "passphrase");
        json_object_del(entry, "key");
    }
}

// Whether an entry of "unlock" has nothing to unlock with.
static bool lacks_keys(const json_t *plan)
{
    const json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(plan, "unlock"), i, entry)
    {
        if (!json_object_get(entry, "passphrase") && !json_object_get(entry, "key") &&
            !json_object_get(entry, "key_file"))
            return true;
    }
    return false;
}

enum bf_err bf_job_plan_keep(const struct bf_state *state, int64_t job, const char *plan,
                             size_t len, struct bf_fault *fault)
{
    json_t *json = json_loadb(plan, len, 0, NULL);
    if (!json)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "correct the plan",
                            "the plan is no JSON, or there is no memory for it");
    remove_keys(json);
    return bf_job_put_json(state, job, PLAN, json, fault);
}

enum bf_err bf_job_plan_load(const struct bf_state *state, int64_t job, char **plan, size_t *len,
                             bool *incomplete, struct bf_fault *fault)
{
    char path[BF_JOB_PATH];
    uint8_t *bytes = NULL;
    bf_job_path(state, job, PLAN, path);
    enum bf_err err = bf_file_read(path, BF_JOB_PLAN_MAX, &bytes, len, fault);
    if (err)
        return err;
    json_t *json = json_loadb((const char *)bytes, *len, 0, NULL);
    *incomplete = lacks_keys(json);
    json_decref(json);
    *plan = (char *)bytes;
    return BF_OK;
}
