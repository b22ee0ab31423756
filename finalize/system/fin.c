// SPDX-License-Identifier: Apache-2.0
// See fin.h.
#include "finalize/system/fin.h"

enum bf_err bf_fin_set_mode(struct bf_fin *f, const char *path, const struct bf_text *content,
                            unsigned mode, const char *why)
{
    struct bf_fault fault;
    if (!bf_text_ok(content))
        return bf_fail(f->report, "out of memory");
    const char *data = content->data ? content->data : "";
    if (bf_edits_set(&f->edits, path, data, content->len, mode, why, &fault))
        return bf_fail(f->report, "%s cannot be changed: %s", path, fault.what);
    return BF_OK;
}

enum bf_err bf_fin_set(struct bf_fin *f, const char *path, const struct bf_text *content,
                       const char *why)
{
    return bf_fin_set_mode(f, path, content, 0644, why);
}
