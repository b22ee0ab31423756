// SPDX-License-Identifier: Apache-2.0
// Fences as text and JSON, see fence.h.
#include "replica/cli/fence.h"

#include <stdio.h>

#include "base/fmt.h"
#include "replica/state/text.h"

json_t *bf_fence_json(struct bf_db *db, const char *machine)
{
    struct bf_fence fence;
    if (bf_db_fence_get(db, machine, &fence))
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:b, s:I, s:o}", "job", (json_int_t)fence.job, "since",
                     bf_json_time(fence.since), "place", bf_json_text(fence.place), "unplanned",
                     fence.unplanned, "contacts", (json_int_t)fence.contacts, "contacted",
                     bf_json_time(fence.contacted));
}

int bf_fence_is_up(struct bf_db *db, const char *machine)
{
    struct bf_fence fence;
    return bf_db_fence_get(db, machine, &fence) == BF_OK;
}

void bf_fence_print(struct bf_db *db, const char *machine, const char *before)
{
    struct bf_fence fence;
    char when[BF_TIME_TEXT];
    if (bf_db_fence_get(db, machine, &fence))
        return;
    printf("%s%s lives elsewhere since %s: %s (%s failover, job %lld).\n", before, machine,
           bf_time_text(fence.since, when), fence.place, fence.unplanned ? "unplanned" : "planned",
           (long long)fence.job);
    printf("Its source is refused, and its medium powers it off: see docs/fencing.md.\n");
    if (fence.contacts)
        printf("The source was started %u time%s since, the last time at %s.\n", fence.contacts,
               bf_plural(fence.contacts), bf_time_text(fence.contacted, when));
    else
        printf("The source was not started since, as far as this server can tell.\n");
}
