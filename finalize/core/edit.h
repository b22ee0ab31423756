// SPDX-License-Identifier: Apache-2.0
// The set of changes that one run wants to make to a guest. Adapters read and write files through
// it and never touch the disk: a dry run is this set without a commit, and a change whose result
// equals what is there is no change. Paths are made canonical first, so /lib/x and /usr/lib/x are
// one entry.
#ifndef BF_FINALIZE_CORE_EDIT_H
#define BF_FINALIZE_CORE_EDIT_H

#include <jansson.h>
#include <stdint.h>

#include "finalize/core/part.h"
#include "finalize/core/root.h"

enum bf_edit_kind {
    BF_EDIT_NONE, // read, not changed
    BF_EDIT_CREATE,
    BF_EDIT_MODIFY,
    BF_EDIT_REMOVE,
    BF_EDIT_PARTS, // put together anew of its own ranges and of new bytes
    BF_EDIT_TAIL,  // the first `keep` bytes stay, the rest is replaced by `data`
};

struct bf_edit {
    char *path; // canonical, from the guest's point of view
    char *old;  // content on disk; NULL when absent, or for BF_EDIT_TAIL
    size_t old_len;
    char *data; // content wanted; NULL when absent
    size_t len;
    uint64_t keep; // BF_EDIT_TAIL
    uint64_t old_size;
    struct bf_part *part; // BF_EDIT_PARTS; owned, with their data
    size_t parts;
    char *why;     // reasons, joined by "; "
    unsigned mode; // permissions of a file that is created
    bool existed;
    bool tail; // its content is not held here: BF_EDIT_TAIL and BF_EDIT_PARTS
    bool link; // a symbolic link: `old` and `data` are what it leads to
};

struct bf_edits {
    struct bf_fin_root *root; // borrowed
    struct bf_edit **item;
    size_t count;
    json_t *macs; // source's addresses -> what they are now, for the journal; owned
    bool failed;  // out of memory somewhere: the set is incomplete and is not committed
};

void bf_edits_init(struct bf_edits *e, struct bf_fin_root *root);
void bf_edits_free(struct bf_edits *e);

// The content that `path` will have: pending if changed, else what is on disk (cap
// BF_ROOT_TEXT_MAX). NUL-terminated, owned by the set, valid until the path is written again. NULL
// with *len 0 and the fault, which may be NULL: BF_ERR_NOT_FOUND for a file that is not there or
// goes, BF_ERR_LIMIT beyond the budget.
const char *bf_edits_get(struct bf_edits *e, const char *path, size_t *len, struct bf_fault *fault);

// The size that a regular file will have, also a large one that is not read as a whole.
// BF_ERR_NOT_FOUND for one that is not there or goes; `fault` may be NULL.
enum bf_err bf_edits_size(const struct bf_edits *e, const char *path, uint64_t *size,
                          struct bf_fault *fault);
// Reads up to `len` bytes at `offset` of a file as it will be; the number in *got is smaller at its
// end only.
enum bf_err bf_edits_pread(const struct bf_edits *e, const char *path, void *buf, size_t len,
                           uint64_t offset, size_t *got, struct bf_fault *fault);

// The content that a file, named by its canonical path, is going to have; NULL when nothing changes
// it. Owned by the set, as above.
const char *bf_edits_pending(const struct bf_edits *e, const char *real, size_t *len);

// Wants `path` to have this content. `mode` is used when the file is created, else its own stays.
// Fails when the file that is there cannot be read (it is then left alone), as do all three with
// BF_ERR_DENIED when a link leads to the folder of the undo journal.
enum bf_err bf_edits_set(struct bf_edits *e, const char *path, const void *data, size_t len,
                         unsigned mode, const char *why, struct bf_fault *fault);
enum bf_err bf_edits_remove(struct bf_edits *e, const char *path, const char *why,
                            struct bf_fault *fault);
// Wants everything from byte `keep` of a large existing file to be `data`; equal bytes are no
// change.
enum bf_err bf_edits_tail(struct bf_edits *e, const char *path, uint64_t keep, const void *data,
                          size_t len, const char *why, struct bf_fault *fault);

// Wants a large existing file, which has no other names, to be these parts; their bytes are copied.
// One range that is all of it is no change. BF_ERR_LIMIT beyond BF_PARTS_SIZE_MAX.
#define BF_PARTS_SIZE_MAX ((uint64_t)512 << 20)
enum bf_err bf_edits_parts(struct bf_edits *e, const char *path, const struct bf_part *part,
                           size_t parts, const char *why, struct bf_fault *fault);

// Wants `path` itself, in whatever folder that leads to, to be a symbolic link to `target`; NULL:
// to be gone. Fails with BF_ERR_RANGE when something else than a link stands there.
enum bf_err bf_edits_link(struct bf_edits *e, const char *path, const char *target, const char *why,
                          struct bf_fault *fault);
// What the link at `path` will lead to; NULL when there will be none. Owned by the set, as above.
const char *bf_edits_link_target(struct bf_edits *e, const char *path);

// Remembers that an interface with the source's address `from` now has `to`, so that a later run
// finds it by the same plan even when addresses were exchanged between interfaces.
void bf_edits_moved_mac(struct bf_edits *e, const char *from, const char *to);
// The same of an interface that had the IP address `from` when a plan found it by that: `to` is its
// name, or its MAC address where it has none.
void bf_edits_moved_ip(struct bf_edits *e, const char *from, const char *to);

// The size that the file of an entry will have.
uint64_t bf_edit_size(const struct bf_edit *edit);
enum bf_edit_kind bf_edit_kind(const struct bf_edit *edit);
// The number of entries that change something.
size_t bf_edits_changes(const struct bf_edits *e);

// Files of `dir` that end in `suffix` as they will be: on disk, plus created, minus removed.
// BF_ERR_NO_MEMORY, or BF_ERR_LIMIT beyond the budget, with nothing to free.
enum bf_err bf_edits_list(struct bf_edits *e, const char *dir, const char *suffix,
                          struct bf_names *out);

#endif
