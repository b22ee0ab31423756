// SPDX-License-Identifier: Apache-2.0
// Kernels and initramfs files as the files of the boot loaders name them. Nothing is judged or
// rewritten here: a name is taken to the file in the tree that it can mean.
#ifndef BF_FINALIZE_INITRAMFS_NAMED_H
#define BF_FINALIZE_INITRAMFS_NAMED_H

#include "finalize/system/fin.h"

#define BF_NAMED_MAX     128 // entries of all files
#define BF_NAMED_INITRDS 6   // of one entry

struct bf_named_kernel {
    char kernel[192]; // canonical path in the tree
    char initramfs[BF_NAMED_INITRDS][192];
    size_t count;      // of these
    char blocked[128]; // modules that its command line keeps from being loaded, with commas
    bool hidden;       // the entry names an initramfs that was not found
    bool first;        // the first entry, or the one that is started by default, of its loader
};

struct bf_named_list {
    struct bf_named_kernel *item; // owned
    size_t count;
};

// Reads the files of every loader that is known. To be freed with bf_named_free() in any case.
void bf_named_load(struct bf_fin *f, struct bf_named_list *out);
void bf_named_free(struct bf_named_list *list);

// The file that a loader whose configuration is the file `config` means by `word`: its canonical
// path into `out`. False when there is none.
bool bf_named_find(struct bf_fin *f, const char *config, const char *word, char *out, size_t size);

#endif
