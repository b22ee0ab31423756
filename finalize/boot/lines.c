// SPDX-License-Identifier: Apache-2.0
// Files with kernel command lines: what is not rewritten in them keeps its bytes.
#include "finalize/boot/lines.h"

#include <stdio.h>

#define WHY "root, resume and consoles of the kernel's command line"

int bf_lines_set(struct bf_fin *f, const char *path, const struct bf_text *content)
{
    return bf_fin_set(f, path, content, WHY);
}

int bf_lines_rewrite(struct bf_fin *f, const char *path, bf_line_rewriter *rewrite)
{
    size_t len, pos = 0;
    struct bf_line line;
    struct bf_text out = {0};
    struct bf_fault fault;
    const char *text = bf_edits_get(&f->edits, path, &len, &fault);
    if (!text)
        return fault.code == BF_ERR_NOT_FOUND
                   ? 0
                   : bf_refuse(f->report, "%s cannot be read: %s", path, fault.what);
    while (bf_line_next(text, len, &pos, &line))
        rewrite(f, &line, path, &out);
    int rc = bf_lines_set(f, path, &out);
    bf_text_free(&out);
    return rc;
}

int bf_lines_rewrite_all(struct bf_fin *f, const char *dir, const char *suffix,
                         bf_line_rewriter *rewrite)
{
    struct bf_names names;
    int rc = 0;
    if (bf_edits_list(&f->edits, dir, suffix, &names))
        return 0;
    for (size_t i = 0; i < names.count && rc == 0; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%.250s", dir, names.name[i]);
        rc = bf_lines_rewrite(f, path, rewrite);
    }
    bf_names_free(&names);
    return rc;
}
