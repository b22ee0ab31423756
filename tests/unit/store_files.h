// SPDX-License-Identifier: Apache-2.0
// Folders for tests of the store: a private temporary folder with room for one state.
#ifndef BF_TESTS_UNIT_STORE_FILES_H
#define BF_TESTS_UNIT_STORE_FILES_H

struct store_files {
    char folder[128]; // everything is in it
    char state[160];  // not created
};
void store_files_make(struct store_files *files);
// Removes the folder with all that is in it.
void store_files_remove(const struct store_files *files);
// Copies a whole folder tree (sparse files stay sparse).
void store_files_copy(const char *from, const char *to);

// A tmpfs of its own, where the caller may mount one. False otherwise.
int store_files_mount(const char *folder, const char *options);
int store_files_remount(const char *folder, const char *options);
void store_files_unmount(const char *folder);

#endif
