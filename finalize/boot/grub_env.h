// SPDX-License-Identifier: Apache-2.0
// GRUB's environment block: grubenv, and what load_env -f reads. A header line, NAME=VALUE lines in
// which a backslash escapes the next byte, and '#' up to the block's size (GRUB manual 2.06, "The
// GRUB environment block"). GRUB writes it in place when the machine starts, so it keeps its size.
#ifndef BF_FINALIZE_BOOT_GRUB_ENV_H
#define BF_FINALIZE_BOOT_GRUB_ENV_H

#include "finalize/core/text.h"

struct bf_grub_env {
    const char *text; // borrowed
    size_t len;
    size_t pos;
    struct bf_line line; // the variable's, or a comment's
    const char *name;    // NULL: it has none
    size_t name_len;
    const char *value; // as it is written
    size_t value_len;
};

// Begins to read a block. False when GRUB would not take it for one.
bool bf_grub_env_init(struct bf_grub_env *env, const char *text, size_t len);
// Steps to the next line; the '#' at the end is not one.
bool bf_grub_env_next(struct bf_grub_env *env);
// Appends the value without its escapes, and a value with them.
void bf_grub_env_value(const struct bf_grub_env *env, struct bf_text *out);
void bf_grub_env_escape(struct bf_text *out, const char *value, size_t len);
// Fills a block that is to replace `env` up to the size of that, where that was filled. False when
// it does not fit.
bool bf_grub_env_fill(const struct bf_grub_env *env, struct bf_text *block);

#endif
