// SPDX-License-Identifier: Apache-2.0
// The changes to one file of variables, gathered before they are made.
#ifndef BF_FINALIZE_NETWORK_IFCFG_CHANGE_H
#define BF_FINALIZE_NETWORK_IFCFG_CHANGE_H

#include "finalize/core/shvar.h"
#include "finalize/system/fin.h"

struct bf_ifcfg_changes {
    struct bf_shvar_change item[BF_SHVAR_CHANGES]; // keys and values are owned
    size_t count;
    bool failed; // out of memory, or too many
};

// Wants a variable to have a value, or to be gone. The first word about a key stays.
void bf_ifcfg_want(struct bf_ifcfg_changes *c, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void bf_ifcfg_drop(struct bf_ifcfg_changes *c, const char *key);
void bf_ifcfg_changes_free(struct bf_ifcfg_changes *c);
// Makes them in a file as it will be; `start` is what a file that is not there begins with, or
// NULL.
enum bf_err bf_ifcfg_apply(struct bf_fin *f, const struct bf_ifcfg_changes *c, const char *path,
                           const char *start, const char *why);

#endif
