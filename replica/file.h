// SPDX-License-Identifier: Apache-2.0
// Files of the operator: read whole with a bound, written through a private temporary file and a
// rename, so that a reader sees the old contents or the new ones and a secret is never readable by
// others, not even for a moment.
#ifndef BF_REPLICA_FILE_H
#define BF_REPLICA_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

// Reads the whole regular file, at most max bytes, into memory that the caller frees with free().
// One more byte, zero, follows the contents. Faults name the path and the side at fault.
enum bf_err bf_file_read(const char *path, size_t max, uint8_t **out, size_t *len,
                         struct bf_fault *fault);

// A file that comes into being: write to fd (or let others write to path), then commit or abandon.
struct bf_file_new {
    char path[4096];   // the temporary file, beside the target
    char target[4096]; // what commit renames it to
    int fd;
};
// The temporary file is created with mode 0600. Refuses a target that exists and is not a regular
// file, since a rename would replace a device node instead of writing to it.
enum bf_err bf_file_begin(struct bf_file_new *f, const char *target, struct bf_fault *fault);
// Gives the file its mode, flushes it and its folder, and puts it in place. Closes in any case; on
// failure the temporary file is gone.
enum bf_err bf_file_commit(struct bf_file_new *f, mode_t mode, struct bf_fault *fault);
void bf_file_abandon(struct bf_file_new *f); // also after commit, then without effect

enum bf_err bf_file_write_all(int fd, const void *bytes, size_t len);

// begin, write, commit.
enum bf_err bf_file_replace(const char *target, const void *bytes, size_t len, mode_t mode,
                            struct bf_fault *fault);

// A private folder under TMPDIR (0700). remove takes it away with everything in it.
enum bf_err bf_tempdir_make(char *out, size_t size, struct bf_fault *fault);
void bf_tempdir_remove(const char *path);

// Flushes a folder, so that a rename inside it survives a loss of power.
enum bf_err bf_dir_sync(const char *path);

#endif
