// SPDX-License-Identifier: Apache-2.0
// The folder of a job, STATE/jobs/ID (0700): its lock, which says that a runner is at work, and the
// plan. A plan's passphrases and keys are never stored: a runner that needs them gets the whole
// plan from the command that began the job, and one that follows it does without.
#ifndef BF_REPLICA_JOBS_FOLDER_H
#define BF_REPLICA_JOBS_FOLDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "replica/state/state.h"

enum { BF_JOB_FOLDER = 48, BF_JOB_PATH = 4352, BF_JOB_PLAN_MAX = 1 << 20 };

// Relative to the state's folder: "jobs/7".
void bf_job_folder(int64_t job, char out[BF_JOB_FOLDER]);
// The path of a file in it.
void bf_job_path(const struct bf_state *state, int64_t job, const char *file,
                 char out[BF_JOB_PATH]);
// Writes a file of it as JSON, mode 0600, whole or not at all. Takes the value; NULL stands for one
// that there was no memory for.
enum bf_err bf_job_put_json(const struct bf_state *state, int64_t job, const char *file,
                            json_t *json, struct bf_fault *fault);
// Makes it, empty: what a command left whose transaction was never finished goes.
enum bf_err bf_job_folder_make(const struct bf_state *state, int64_t job, struct bf_fault *fault);
// Takes the lock; *lock is to be closed. BF_ERR_BUSY: a runner has it.
enum bf_err bf_job_lock(const struct bf_state *state, int64_t job, int *lock,
                        struct bf_fault *fault);
// Whether a runner is at work.
bool bf_job_is_locked(const struct bf_state *state, int64_t job);

// Keeps a plan, JSON that was checked, without its passphrases and keys.
enum bf_err bf_job_plan_keep(const struct bf_state *state, int64_t job, const char *plan,
                             size_t len, struct bf_fault *fault);
// The kept plan; the caller's. *incomplete: it had passphrases or keys.
enum bf_err bf_job_plan_load(const struct bf_state *state, int64_t job, char **plan, size_t *len,
                             bool *incomplete, struct bf_fault *fault);

#endif
