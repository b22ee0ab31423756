// SPDX-License-Identifier: Apache-2.0
// Words of kernel command lines that name a disk.
#ifndef BF_FINALIZE_BOOT_CMDLINE_NAMES_H
#define BF_FINALIZE_BOOT_CMDLINE_NAMES_H

#include "finalize/boot/cmdline.h"

// What becomes of a word by the names of disks in it; see bf_cmdline_word().
enum bf_cmdline_word bf_cmdline_name(struct bf_fin *f, const struct bf_cmdline *at,
                                     const char *word, size_t len, struct bf_text *out);
// The same for the value of a variable from which command lines have their root.
enum bf_cmdline_word bf_cmdline_root(struct bf_fin *f, const struct bf_cmdline *at,
                                     const char *name, size_t len, struct bf_text *out);

#endif
