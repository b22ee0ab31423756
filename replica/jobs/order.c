// SPDX-License-Identifier: Apache-2.0
// The order of a job's folder; see order.h.
#include "replica/jobs/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/fmt.h"
#include "replica/jobs/folder.h"
#include "replica/state/file.h"

#define ORDER "order.json"

enum bf_err bf_job_order_keep(const struct bf_state *state, int64_t job,
                              const struct bf_job_order *order, struct bf_fault *fault)
{
    return bf_job_put_json(state, job, ORDER,
                           json_pack("{s:s, s:i, s:I}", "vm", order->vm, "deadline",
                                     (int)order->deadline, "overlay",
                                     (json_int_t)order->overlay_mib),
                           fault);
}

void bf_job_order_load(const struct bf_state *state, int64_t job, struct bf_job_order *out)
{
    char path[BF_JOB_PATH];
    uint8_t *text = NULL;
    size_t len;
    struct bf_fault ignored;
    memset(out, 0, sizeof *out);
    bf_job_path(state, job, ORDER, path);
    if (bf_file_read(path, 65536, &text, &len, &ignored))
        return;
    json_t *json = json_loadb((const char *)text, len, 0, NULL);
    free(text);
    const char *vm = json_string_value(json_object_get(json, "vm"));
    bf_snprintf(out->vm, sizeof out->vm, "%s", vm ? vm : "");
    out->deadline = (unsigned)json_integer_value(json_object_get(json, "deadline"));
    out->overlay_mib = (uint64_t)json_integer_value(json_object_get(json, "overlay"));
    json_decref(json);
}
