// SPDX-License-Identifier: Apache-2.0
// Rewriting a loader's file line by line.
#ifndef BF_FINALIZE_BOOT_LINES_H
#define BF_FINALIZE_BOOT_LINES_H

#include "finalize/system/fin.h"

// Appends what becomes of a line of the file `path`, its end included.
typedef void bf_line_rewriter(struct bf_fin *f, const struct bf_line *line, const char *path,
                              struct bf_text *out);

// Rewrites a file; one that is not there is left so. Fails after bf_refuse() or bf_fail().
enum bf_err bf_lines_rewrite(struct bf_fin *f, const char *path, bf_line_rewriter *rewrite);
// The same for each file of a folder that ends in `suffix`.
enum bf_err bf_lines_rewrite_all(struct bf_fin *f, const char *dir, const char *suffix,
                                 bf_line_rewriter *rewrite);
// Sets a file whose kernel command lines changed.
enum bf_err bf_lines_set(struct bf_fin *f, const char *path, const struct bf_text *content);

#endif
