// SPDX-License-Identifier: Apache-2.0
// Setting a loader's file.
#ifndef BF_FINALIZE_BOOT_LINES_H
#define BF_FINALIZE_BOOT_LINES_H

#include "finalize/system/fin.h"

// Sets a file whose kernel command lines changed.
enum bf_err bf_lines_set(struct bf_fin *f, const char *path, const struct bf_text *content);

#endif
