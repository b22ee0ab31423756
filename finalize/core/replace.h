// SPDX-License-Identifier: Apache-2.0
// Single steps on disk, each atomic: replace a file, unlink, make directories. All paths are
// canonical guest paths (bf_fin_root_real()).
#ifndef BF_FINALIZE_CORE_REPLACE_H
#define BF_FINALIZE_CORE_REPLACE_H

#include <stdint.h>

#include "base/err.h"
#include "finalize/core/meta.h"
#include "finalize/core/part.h"
#include "finalize/core/root.h"
#include "image/digest.h"

// What a file shall hold: the first `keep` bytes of the file that is there, then `data`; or, where
// there are parts, these and nothing else.
struct bf_content {
    uint64_t keep;
    const void *data;
    size_t len;
    bool link;                  // it is a symbolic link to what `data`, a C string, says
    const struct bf_part *part; // borrowed
    size_t parts;
    bool other; // ranges are of `file`, open for reading, and not of the file that is there
    int file;
};

// What a file holds, as the journal records it (BLAKE3): an undo restores only what is still as it
// was left.
struct bf_print {
    uint64_t size;
    struct bf_digest digest;
};

// All fill *fault when they fail.

// On failure the old file stands untouched, but for one that has other names: it is written where
// it stands, and the journal knows that it was begun. Flags that forbid it (chattr +i, +a) are
// lifted and set again.
enum bf_err bf_replace(const struct bf_fin_root *root, const char *path,
                       const struct bf_content *content, const struct bf_meta *meta, bool with_time,
                       struct bf_print *print, struct bf_fault *fault);
// Whether the file has other names (hard links), so that it is written where it stands.
bool bf_has_other_names(const struct bf_fin_root *root, const char *path);
// Removes what a killed bf_replace of the path left beside it.
void bf_replace_sweep(const struct bf_fin_root *root, const char *path);
// Of a symbolic link, what it leads to.
enum bf_err bf_print_file(const struct bf_fin_root *root, const char *path, struct bf_print *print,
                          struct bf_fault *fault);
// What the path would hold after bf_replace.
enum bf_err bf_print_content(const struct bf_fin_root *root, const char *path,
                             const struct bf_content *content, struct bf_print *print,
                             struct bf_fault *fault);
enum bf_err bf_unlink(const struct bf_fin_root *root, const char *path, struct bf_fault *fault);
// Makes a directory with the owner of its parent and the label that the guest's policy gives, and
// those above it that are missing (0755). An
// existing one is no error.
enum bf_err bf_mkdirs(const struct bf_fin_root *root, const char *dir, mode_t mode,
                      struct bf_fault *fault);
enum bf_err bf_rmdir(const struct bf_fin_root *root, const char *path, struct bf_fault *fault);
enum bf_err bf_set_mtime(const struct bf_fin_root *root, const char *path, struct timespec mtime,
                         struct bf_fault *fault);
// Metadata of a path; for a new file: the owner of the folder, which is there, `mode`, and the
// label that the guest's policy gives. Freed with bf_meta_free in any case.
enum bf_err bf_meta_of(const struct bf_fin_root *root, const char *path, struct bf_meta *m,
                       struct bf_fault *fault);
enum bf_err bf_meta_new(const struct bf_fin_root *root, const char *path, mode_t mode,
                        struct bf_meta *m, struct bf_fault *fault);
// The directory part of a canonical path into `out` ("/" at the top).
void bf_dirname(const char *path, char *out, size_t size);

#endif
