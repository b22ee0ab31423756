// SPDX-License-Identifier: Apache-2.0
// Setting a loader's file.
#ifndef BF_FINALIZE_BOOT_LINES_H
#define BF_FINALIZE_BOOT_LINES_H

#include "finalize/core/shvar.h"
#include "finalize/system/fin.h"

// Whether a text has these bytes.
bool bf_lines_same(const struct bf_text *text, const char *at, size_t len);
// Sets a file whose kernel command lines changed.
enum bf_err bf_lines_set(struct bf_fin *f, const char *path, const struct bf_text *content);
// Sets a file of shell variables with the changes. One in which they would not be read, since it is
// a program, is reported and left alone.
enum bf_err bf_lines_set_variables(struct bf_fin *f, const char *path,
                                   const struct bf_shvar_change *change, size_t count);

#endif
