// SPDX-License-Identifier: Apache-2.0
// A kernel's modules: which exist, which are built in, and what a module needs, from its
// modules.dep.
#ifndef BF_FINALIZE_INITRAMFS_MODULES_H
#define BF_FINALIZE_INITRAMFS_MODULES_H

#include "base/err.h"
#include "finalize/core/root.h"

#define BF_MODULE_NAME 64

// A module of modules.dep, or a file of an initramfs.
struct bf_module {
    char name[BF_MODULE_NAME]; // without folder and suffix, with "_" for "-"
    const char *path;          // relative to the version's folder; not terminated
    size_t len;
    const char *needs; // what stands behind the colon, up to the line's end; not terminated
    size_t needs_len;
};

struct bf_modules {
    char dir[256]; // guest path of /lib/modules/VERSION, canonical
    char *dep;     // modules.dep; owned
    size_t dep_len;
    struct bf_module *item; // by name, of the text above; owned
    size_t count;
    char *builtin; // modules.builtin, or NULL; owned
    size_t builtin_len;
};

// A set of module files, relative to the directory, in the order in which they were added.
struct bf_module_set {
    char **path;
    size_t count;
};

enum bf_module_kind { BF_MODULE_MISSING, BF_MODULE_BUILTIN, BF_MODULE_FILE };

// Reads the lists of one kernel. BF_ERR_NOT_FOUND without a modules.dep that can be read,
// BF_ERR_LIMIT when its folder's path is too long. Closed in any case.
enum bf_err bf_modules_open(const struct bf_fin_root *root, const char *version,
                            struct bf_modules *m);
void bf_modules_close(struct bf_modules *m);
// Makes the sorted list, m->item and m->count, of a modules.dep, into which it points.
// BF_ERR_NO_MEMORY.
enum bf_err bf_modules_parse(const char *dep, size_t len, struct bf_modules *m);
// Finds a module by name and adds its file and all that it needs to the set.
enum bf_module_kind bf_modules_want(const struct bf_modules *m, const char *name,
                                    struct bf_module_set *set);
void bf_module_set_free(struct bf_module_set *set);

// The name of the module that a path like kernel/drivers/block/virtio-blk.ko.xz is; false for any
// other file.
bool bf_module_name(const char *path, size_t len, char out[BF_MODULE_NAME]);
// Sorts modules by name, and finds one; NULL: there is none.
void bf_modules_sort(struct bf_module *item, size_t count);
const struct bf_module *bf_modules_find(const struct bf_module *item, size_t count,
                                        const char *name);

#endif
