// SPDX-License-Identifier: Apache-2.0
// See fin.h.
#include "finalize/system/fin.h"

#include <stdio.h>

const char *bf_fin_get(struct bf_fin *f, const char *path, size_t *len, enum bf_err *err)
{
    struct bf_fault fault;
    const char *text = bf_edits_get(&f->edits, path, len, &fault);
    *err = text || fault.code == BF_ERR_NOT_FOUND
               ? BF_OK
               : bf_refuse(f->report, "%s cannot be read: %s", path, fault.what);
    return text;
}

enum bf_err bf_fin_each(struct bf_fin *f, const char *dir, const char *suffix,
                        enum bf_err (*visit)(struct bf_fin *f, const char *path, void *arg),
                        void *arg)
{
    struct bf_names names;
    enum bf_err err = BF_OK;
    if (bf_edits_list(&f->edits, dir, suffix, &names))
        return BF_OK;
    for (size_t i = 0; i < names.count && !err; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%.250s", dir, names.name[i]);
        err = visit(f, path, arg);
    }
    bf_names_free(&names);
    return err;
}

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
