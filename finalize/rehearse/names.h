// SPDX-License-Identifier: Apache-2.0
// Sets of names of kernel modules, and what a kernel's own lists say of them (modules.dep(5)).
#ifndef BF_FINALIZE_REHEARSE_NAMES_H
#define BF_FINALIZE_REHEARSE_NAMES_H

#include "finalize/core/root.h"
#include "finalize/core/text.h"

#define BF_MODULE_NAME 64

// A name, '-' as '_', and the line of the list that it was found in, if it was.
struct bf_module_name {
    char name[BF_MODULE_NAME];
    struct bf_line line;
};

struct bf_module_names {
    struct bf_module_name *item; // owned; sorted after bf_module_names_sort()
    size_t count;
    bool failed; // out of memory, or more than any kernel has
};

// "kernel/fs/ext4/ext4.ko.xz" to "ext4". False for what is no module.
bool bf_module_name_of(const char *path, size_t len, char out[BF_MODULE_NAME]);
// A name as it is written anywhere, with '-' as '_'.
void bf_module_name_copy(const char *name, size_t len, char out[BF_MODULE_NAME]);

// Adds a name; the line may be NULL.
void bf_module_names_add(struct bf_module_names *n, const char *name, const struct bf_line *line);
void bf_module_names_sort(struct bf_module_names *n);
// The entry of that name, or NULL.
const struct bf_module_name *bf_module_names_find(const struct bf_module_names *n,
                                                  const char *name);
void bf_module_names_free(struct bf_module_names *n);

// What a kernel has: as files, with all that each needs, and built in.
struct bf_module_lists {
    char version[128];
    char *dep, *builtin_text; // owned; NULL: not there
    struct bf_module_names files, builtin;
};

// Reads the lists of a version; without modules.dep, `dep` is NULL. Freed in any case.
void bf_module_lists_open(struct bf_module_lists *l, const struct bf_fin_root *root,
                          const char *version);
void bf_module_lists_free(struct bf_module_lists *l);

#endif
