// SPDX-License-Identifier: Apache-2.0
// The reports of machines in the folders of their jobs; see reported.h.
#include "replica/jobs/reported.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "replica/jobs/folder.h"
#include "replica/state/file.h"
#include "replica/state/reason.h"

#define WAITS "guest.new"

static const char mark[] = "BOOTFERRY-EVIDENCE ";

enum { MARK = sizeof mark - 1, DIGITS = BF_EVIDENCE_WORD - 1 };

static bool is_word(const char *at)
{
    for (size_t i = 0; i < DIGITS; i++)
        if (!at[i] || !strchr("0123456789abcdef", at[i]))
            return false;
    return at[DIGITS] == ' ';
}

bool bf_reported_word(const char *bytes, size_t len, char word[BF_EVIDENCE_WORD])
{
    const char *end = bytes + len, *at = bytes;
    while ((at = memmem(at, (size_t)(end - at), mark, MARK))) {
        at += MARK;
        if ((size_t)(end - at) <= DIGITS)
            return false;
        if (is_word(at)) {
            memcpy(word, at, DIGITS);
            word[DIGITS] = 0;
            return true;
        }
    }
    return false;
}

// Looks at all bytes, whichever differ.
static bool is_same(const char *a, const char *b)
{
    unsigned differ = 0;
    for (size_t i = 0; i < DIGITS; i++)
        differ |= (unsigned)(a[i] ^ b[i]);
    return differ == 0;
}

enum bf_err bf_reported_find(struct bf_db *db, const char *word, struct bf_failover *out)
{
    struct bf_failover *list = NULL;
    size_t count = 0, found = SIZE_MAX;
    enum bf_err err = bf_db_failover_list(db, NULL, 0, &list, &count);
    if (err)
        return err;
    for (size_t i = 0; i < count; i++)
        if (strlen(list[i].word) == DIGITS && is_same(list[i].word, word))
            found = i;
    if (found < count)
        *out = list[found];
    free(list);
    return found < count ? BF_OK : BF_ERR_NOT_FOUND;
}

// ---- In the folder -----------------------------------------------------------------------------

static bool has(const struct bf_state *state, int64_t job, const char *file, const char *bytes,
                size_t len)
{
    char path[BF_JOB_PATH];
    struct bf_fault ignored;
    uint8_t *there = NULL;
    size_t there_len = 0;
    bf_job_path(state, job, file, path);
    bool same = bf_file_read(path, BF_REPORTED_MAX, &there, &there_len, &ignored) == BF_OK &&
                there_len == len && memcmp(there, bytes, len) == 0;
    free(there);
    return same;
}

static bool was_judged_just_now(const struct bf_state *state, int64_t job)
{
    char path[BF_JOB_PATH];
    struct stat st;
    bf_job_path(state, job, BF_REPORTED_JUDGED, path);
    if (stat(path, &st) != 0)
        return false;
    int64_t age = time(NULL) - st.st_mtime;
    return age >= 0 && age < BF_REPORTED_AGAIN_S;
}

enum bf_err bf_reported_keep(const struct bf_state *state, int64_t job, const char *bytes,
                             size_t len, struct bf_fault *fault)
{
    char path[BF_JOB_PATH];
    if (has(state, job, WAITS, bytes, len) || has(state, job, BF_REPORTED_JUDGED, bytes, len))
        return BF_OK;
    if (was_judged_just_now(state, job))
        return BF_ERR_BUSY;
    bf_job_path(state, job, WAITS, path);
    return bf_file_replace(path, bytes, len, 0600, fault);
}

bool bf_reported_waits(const struct bf_state *state, int64_t job)
{
    char path[BF_JOB_PATH];
    bf_job_path(state, job, WAITS, path);
    return access(path, F_OK) == 0;
}

// The file's number is taken before its bytes: one that replaces it in between is not settled.
enum bf_err bf_reported_load(const struct bf_state *state, int64_t job, struct bf_reported *out,
                             struct bf_fault *fault)
{
    char path[BF_JOB_PATH];
    struct stat st = {0};
    uint8_t *bytes = NULL;
    *out = (struct bf_reported){0};
    bf_job_path(state, job, WAITS, path);
    if (stat(path, &st) == 0)
        out->file = st.st_ino;
    enum bf_err err = bf_file_read(path, BF_REPORTED_MAX, &bytes, &out->len, fault);
    out->bytes = (char *)bytes;
    return err;
}

enum bf_err bf_reported_settle(const struct bf_state *state, int64_t job,
                               const struct bf_reported *judged, struct bf_fault *fault)
{
    char from[BF_JOB_PATH], to[BF_JOB_PATH];
    struct stat st;
    bf_job_path(state, job, WAITS, from);
    bf_job_path(state, job, BF_REPORTED_JUDGED, to);
    if (stat(from, &st) != 0 || (judged && st.st_ino != judged->file) || rename(from, to) == 0)
        return BF_OK;
    enum bf_err code = bf_reason_errno(errno);
    return bf_fault_set(fault, code, BF_SIDE_SERVER,
                        bf_reason_todo(code, "look at the permissions of the state's folder"),
                        "%s cannot be renamed: %s", from, strerror(errno));
}
