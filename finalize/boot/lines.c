// SPDX-License-Identifier: Apache-2.0
// Files with kernel command lines: what is not rewritten in them keeps its bytes.
#include "finalize/boot/lines.h"

#include <stdio.h>

#define WHY "root, resume, network and consoles of the kernel's command line"

enum bf_err bf_lines_set(struct bf_fin *f, const char *path, const struct bf_text *content)
{
    return bf_fin_set(f, path, content, WHY);
}

enum bf_err bf_lines_rewrite(struct bf_fin *f, const char *path, bf_line_rewriter *rewrite)
{
    size_t len, pos = 0;
    struct bf_line line;
    struct bf_text out = {0};
    struct bf_fault fault;
    const char *text = bf_edits_get(&f->edits, path, &len, &fault);
    if (!text)
        return fault.code == BF_ERR_NOT_FOUND
                   ? BF_OK
                   : bf_refuse(f->report, "%s cannot be read: %s", path, fault.what);
    while (bf_line_next(text, len, &pos, &line))
        rewrite(f, &line, path, &out);
    enum bf_err err = bf_lines_set(f, path, &out);
    bf_text_free(&out);
    return err;
}

enum bf_err bf_lines_rewrite_all(struct bf_fin *f, const char *dir, const char *suffix,
                                 bf_line_rewriter *rewrite)
{
    struct bf_names names;
    enum bf_err err = BF_OK;
    if (bf_edits_list(&f->edits, dir, suffix, &names))
        return BF_OK;
    for (size_t i = 0; i < names.count && !err; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%.250s", dir, names.name[i]);
        err = bf_lines_rewrite(f, path, rewrite);
    }
    bf_names_free(&names);
    return err;
}
