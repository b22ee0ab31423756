// SPDX-License-Identifier: Apache-2.0
// The one door to a guest's files. Every path is resolved by the kernel inside one directory
// (openat2 with RESOLVE_IN_ROOT): absolute links and "../.." chains end at that directory, never at
// the host's. Only regular files are read, with a size cap, so a device node or a FIFO placed in
// the tree cannot hang or feed us. Paths are given from the guest's point of view ("/etc/fstab").
#ifndef BF_FINALIZE_CORE_ROOT_H
#define BF_FINALIZE_CORE_ROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/err.h"
#include "finalize/core/budget.h"

// The cap for configuration files, and for a binary that is copied whole (an EFI loader).
#define BF_ROOT_TEXT_MAX ((size_t)1 << 20)
#define BF_ROOT_BLOB_MAX ((size_t)16 << 20)

struct bf_fin_root {
    int fd;                   // the directory, O_PATH or O_RDONLY; owned
    struct bf_budget *budget; // of the step at work; borrowed. NULL: none is kept
    // The security label of a file or folder that is made at `path` (`mode` with its type), freed
    // by the caller; NULL when it has none. NULL itself: no guest's policy is known.
    char *(*label)(void *labels, const char *path, mode_t mode);
    void *labels; // borrowed
};

// Whoever has no use for the reason of a failure passes NULL as the fault.

// Opens the directory `path` of the host as a guest's root.
enum bf_err bf_fin_root_attach(struct bf_fin_root *root, const char *path, struct bf_fault *fault);
void bf_fin_root_close(struct bf_fin_root *root);

// Opens a path inside the root; `flags` as for open(2), O_CLOEXEC is added. The descriptor, or -1
// with the fault.
int bf_fin_root_open(const struct bf_fin_root *root, const char *path, int flags,
                     struct bf_fault *fault);
// Opens a regular file for reading, its size into *size: for what is too large to be held in
// memory. The descriptor, or -1 with the fault.
int bf_fin_root_open_file(const struct bf_fin_root *root, const char *path, uint64_t *size,
                          struct bf_fault *fault);
// Reads a regular file of at most `cap` bytes. The result is NUL-terminated, of *len bytes, freed
// by the caller. NULL with the fault: BF_ERR_NOT_FOUND; BF_ERR_LIMIT (larger than the cap, or
// beyond the budget); BF_ERR_RANGE (not a regular file); ...
char *bf_fin_root_read(const struct bf_fin_root *root, const char *path, size_t cap, size_t *len,
                       struct bf_fault *fault);
// Reads `len` bytes at `offset` of a regular file. BF_ERR_IO when it ends before.
enum bf_err bf_fin_root_pread(const struct bf_fin_root *root, const char *path, void *buf,
                              size_t len, off_t offset, struct bf_fault *fault);

// Status of a path; links are followed inside the root.
enum bf_err bf_fin_root_stat(const struct bf_fin_root *root, const char *path, struct stat *st,
                             struct bf_fault *fault);
bool bf_fin_root_exists(const struct bf_fin_root *root, const char *path);
// Whether one of the paths exists; the list ends with NULL.
bool bf_fin_root_any(const struct bf_fin_root *root, const char *const *path);
bool bf_fin_root_is_dir(const struct bf_fin_root *root, const char *path);
// The text of a symbolic link that stands at `path` itself, freed by the caller; NULL when it is
// none.
char *bf_fin_root_readlink(const struct bf_fin_root *root, const char *path);
// The guest path of what `path` leads to once every link is resolved; the last component need not
// exist. Freed by the caller; NULL with the fault.
char *bf_fin_root_real(const struct bf_fin_root *root, const char *path, struct bf_fault *fault);

// Compares two C strings by their bytes, for qsort(3) over pointers to them.
int bf_by_bytes(const void *a, const void *b);

// A directory's entries, sorted by byte value, without those that begin with a dot.
struct bf_names {
    char **name;
    size_t count;
};

// Lists the names that end in `suffix` ("" for all). A directory that is missing gives an empty
// list; one that has more than 4096 names is over the budget. After a failure there is nothing to
// free.
enum bf_err bf_fin_root_list(const struct bf_fin_root *root, const char *dir, const char *suffix,
                             struct bf_names *out);
void bf_names_free(struct bf_names *names);

// Reads everything left in a descriptor, at most `cap` bytes, else NULL with BF_ERR_LIMIT.
// NUL-terminated.
char *bf_read_fd(int fd, size_t cap, size_t *len, struct bf_fault *fault);

#endif
