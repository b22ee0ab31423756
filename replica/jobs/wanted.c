// SPDX-License-Identifier: Apache-2.0
// Whether a job wants a runner: asked by runners, by commands that wait, and by the daemon.
#include "replica/jobs/runner.h"

bool bf_runner_is_wanted(const struct bf_job *job, const struct bf_failover *f, int64_t now)
{
    const struct bf_fo_info *info = bf_fo_info(bf_fo_step_of(job));
    return !f->over && (info->works || f->wish != BF_WISH_NONE || (f->until && now >= f->until));
}
