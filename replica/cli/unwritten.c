// SPDX-License-Identifier: Apache-2.0
// See cli_unwritten.h.
#include "replica/cli/unwritten.h"

#include <stdio.h>
#include <string.h>

#include "base/fmt.h"
#include "replica/state/text.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

const json_t *bf_unwritten_of(const json_t *answer, const char *machine)
{
    size_t i;
    const json_t *kept;
    json_array_foreach(json_object_get(answer, "unwritten"), i, kept)
    {
        if (strcmp(text_of(kept, "machine"), machine) == 0)
            return kept;
    }
    return NULL;
}

void bf_unwritten_onto(const json_t *kept, struct bf_job *job)
{
    const json_t *newer = json_object_get(kept, "job");
    json_int_t phase = json_integer_value(json_object_get(newer, "phase"));
    if (!newer || json_integer_value(json_object_get(newer, "id")) != job->id ||
        phase < BF_JOB_PENDING || phase > BF_JOB_FAILED)
        return;
    job->phase = (enum bf_job_phase)phase;
    job->since[phase] = json_integer_value(json_object_get(newer, "since"));
    bf_snprintf(job->step, sizeof job->step, "%s", text_of(newer, "step"));
    bf_snprintf(job->detail, sizeof job->detail, "%s", text_of(newer, "detail"));
}

json_t *bf_unwritten_event_json(const json_t *kept)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    const json_t *event = json_object_get(kept, "event");
    if (!event)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "time",
                        bf_json_time(json_integer_value(json_object_get(event, "time"))));
    json_object_set_new(
        json, "level",
        json_string(levels[json_integer_value(json_object_get(event, "level")) & 3]));
    json_object_set(json, "text", json_object_get(event, "text"));
    json_object_update(json, json_object_get(kept, "fault"));
    return json;
}

void bf_unwritten_print(const json_t *kept, const char *machine)
{
    char when[BF_TIME_TEXT];
    const json_t *event = json_object_get(kept, "event");
    if (event)
        printf("\n%s, %s: %s\n"
               "bootferryd could not record this in the database yet, and keeps trying.\n",
               machine, bf_time_text(json_integer_value(json_object_get(event, "time")), when),
               text_of(event, "text"));
}
