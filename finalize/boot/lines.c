// SPDX-License-Identifier: Apache-2.0
// Files with kernel command lines: what is not rewritten in them keeps its bytes.
#include "finalize/boot/lines.h"

#include <string.h>

#define WHY "root, resume, network and consoles of the kernel's command line"

bool bf_lines_same(const struct bf_text *text, const char *at, size_t len)
{
    return bf_text_ok(text) && text->len == len && (!len || memcmp(text->data, at, len) == 0);
}

enum bf_err bf_lines_set(struct bf_fin *f, const char *path, const struct bf_text *content)
{
    return bf_fin_set(f, path, content, WHY);
}

static bool are_read(const struct bf_text *text, const struct bf_shvar_change *change, size_t count)
{
    struct bf_shvars vars;
    bf_shvars_load(&vars, bf_text_get(text), text->len);
    bool fine = !vars.failed;
    for (size_t i = 0; i < count && fine; i++) {
        const struct bf_shvar_var *v = bf_shvars_find(&vars, change[i].key);
        fine = change[i].value ? v && v->literal && strcmp(v->value, change[i].value) == 0 : !v;
    }
    bf_shvars_free(&vars);
    return fine;
}

enum bf_err bf_lines_set_variables(struct bf_fin *f, const char *path,
                                   const struct bf_shvar_change *change, size_t count)
{
    size_t len;
    enum bf_err err;
    struct bf_text out = {0};
    const char *text = bf_fin_get(f, path, &len, &err);
    if (!text || !count)
        return err;
    bf_shvar_edit(&out, text, len, change, count);
    if (are_read(&out, change, count))
        err = bf_lines_set(f, path, &out);
    else
        bf_note(f->report, "skipped", path, "is a program, in which %s cannot be set",
                change[0].key);
    bf_text_free(&out);
    return err;
}
