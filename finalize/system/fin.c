// SPDX-License-Identifier: Apache-2.0
// See fin.h.
#include "finalize/system/fin.h"

#include <errno.h>
#include <string.h>

int bf_fin_set(struct bf_fin *f, const char *path, const struct bf_text *content, const char *why)
{
    if (!bf_text_ok(content))
        return bf_fail(f->report, "out of memory");
    if (bf_edits_set(&f->edits, path, content->data ? content->data : "", content->len, 0644, why) <
        0)
        return bf_fail(f->report, "%s cannot be changed: %s", path, strerror(errno));
    return 0;
}
