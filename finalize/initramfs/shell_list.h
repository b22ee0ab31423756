// SPDX-License-Identifier: Apache-2.0
// A variable of a shell's file that is a list of words.
#ifndef BF_FINALIZE_INITRAMFS_SHELL_LIST_H
#define BF_FINALIZE_INITRAMFS_SHELL_LIST_H

#include "finalize/system/fin.h"

// Adds the words that are not there yet to a variable, which is made if it is missing. A value that
// a shell would compute is left alone, with a note. Fails after bf_refuse() or bf_fail().
enum bf_err bf_shell_list(struct bf_fin *f, const char *path, const char *key, char separator,
                          const char *const *word, size_t count);
// Sets a variable to one value.
enum bf_err bf_shell_set(struct bf_fin *f, const char *path, const char *key, const char *value);

#endif
