// SPDX-License-Identifier: Apache-2.0
// Files of the operator: read whole with a bound, written through a private file and a rename, so
// that a reader sees the old contents or the new ones and a secret is never readable by others, not
// even for a moment.
#ifndef BF_REPLICA_STATE_FILE_H
#define BF_REPLICA_STATE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

// Reads the whole regular file, at most max bytes, into memory that the caller frees with free().
// One more byte, zero, follows the contents. Faults name the path and the side at fault.
enum bf_err bf_file_read(const char *path, size_t max, uint8_t **out, size_t *len,
                         struct bf_fault *fault);

enum bf_err bf_file_write_all(int fd, const void *bytes, size_t len);

// Writes a new file beside the target and gives it the target's name, which it replaces: whole,
// with this mode, flushed together with its folder. Refuses a target that exists and is not a
// regular file. After a failure nothing new is there.
enum bf_err bf_file_replace(const char *target, const void *bytes, size_t len, mode_t mode,
                            struct bf_fault *fault);

// A private folder under TMPDIR (0700), for what no secret is in. Making one removes those that
// were left by processes that were killed.
struct bf_tempdir {
    char path[4096];
    int lock;
};
enum bf_err bf_tempdir_make(struct bf_tempdir *d, struct bf_fault *fault);
void bf_tempdir_remove(struct bf_tempdir *d); // with everything in it

// Takes a folder away with everything in it; links are not followed.
void bf_folder_remove(const char *path);

// Flushes a folder, so that a rename inside it survives a loss of power.
enum bf_err bf_dir_sync(const char *path);

#endif
