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
    enum bf_err err;
    const char *text = bf_fin_get(f, path, &len, &err);
    if (!text)
        return err;
    while (bf_line_next(text, len, &pos, &line))
        rewrite(f, &line, path, &out);
    err = bf_lines_set(f, path, &out);
    bf_text_free(&out);
    return err;
}

// bf_lines_rewrite() for each file of a folder.
static enum bf_err rewrite_one(struct bf_fin *f, const char *path, void *rewrite)
{
    return bf_lines_rewrite(f, path, *(bf_line_rewriter **)rewrite);
}

enum bf_err bf_lines_rewrite_all(struct bf_fin *f, const char *dir, const char *suffix,
                                 bf_line_rewriter *rewrite)
{
    return bf_fin_each(f, dir, suffix, rewrite_one, &rewrite);
}
