// SPDX-License-Identifier: Apache-2.0
// See preflight.h. A dry run ends with it, so that it says what an apply would.
#include "finalize/core/preflight.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "finalize/core/commit.h"
#include "finalize/core/replace.h"

#define SPACE_MARGIN ((uint64_t)1 << 20) // for the journal, and for what file systems need besides
#define FS_MAX       32

// What the changes so far make of a file system.
struct space {
    dev_t dev;
    uint64_t free;  // bytes, before the run
    int64_t grown;  // by the changes so far
    uint64_t nodes; // files that can be made; UINT64_MAX: no limit
};

struct spaces {
    struct space at[FS_MAX];
    size_t count;
};

// The folder that a change writes to, or the one above it that is there. -1 with the fault.
static int open_dir(const struct bf_edits *e, const char *dir, char *found, size_t size,
                    struct bf_fault *fault)
{
    int fd = bf_fin_root_open(e->root, dir, O_RDONLY | O_DIRECTORY, fault);
    snprintf(found, size, "%s", dir);
    while (fd < 0 && fault->code == BF_ERR_NOT_FOUND && strcmp(found, "/") != 0) {
        char above[4096];
        bf_dirname(found, above, sizeof above);
        snprintf(found, size, "%s", above);
        fd = bf_fin_root_open(e->root, found, O_RDONLY | O_DIRECTORY, fault);
    }
    return fd;
}

static enum bf_err check_dir(int fd, const char *dir, struct bf_fin_report *r)
{
    struct statvfs fs;
    if (fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY))
        return bf_refuse(r, "%s is on a file system that is mounted read-only; nothing was changed",
                         dir);
    if (bf_flags_of(fd) & BF_FLAGS_LOCKED)
        return bf_refuse(r,
                         "the folder %s is immutable or append-only (chattr +i, +a); take the flag "
                         "away first. Nothing was changed",
                         dir);
    if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
        return bf_refuse(r, "the folder %s may not be written: %s; nothing was changed", dir,
                         strerror(errno));
    return BF_OK;
}

// Flags that only root can lift, and a file whose owner only root can give to the new one.
static enum bf_err check_file(const struct bf_edits *e, const struct bf_edit *edit,
                              struct bf_fin_report *r)
{
    struct bf_meta meta;
    struct bf_fault fault;
    if (!edit->existed)
        return BF_OK;
    enum bf_err err = bf_meta_of(e->root, edit->path, &meta, &fault);
    bool locked = !err && (meta.flags & BF_FLAGS_LOCKED), root = geteuid() == 0;
    if (err)
        err = bf_refuse(r, "%s cannot be read: %s; nothing was changed", edit->path, fault.what);
    else if (!root && meta.uid != geteuid())
        err = bf_refuse(r,
                        "%s belongs to another user, and only root can keep that; nothing was "
                        "changed",
                        edit->path);
    else if (!root && locked)
        err = bf_refuse(r,
                        "%s is immutable or append-only (chattr +i, +a), and only root can lift "
                        "that; nothing was changed",
                        edit->path);
    else if (locked)
        bf_note(r, "info", edit->path,
                "is immutable or append-only (chattr): the flag is lifted for the change and set "
                "again");
    bf_meta_free(&meta);
    bool names = !err && bf_has_other_names(e->root, edit->path);
    if (names && bf_edit_kind(edit) == BF_EDIT_PARTS)
        return bf_refuse(r,
                         "%s has other names (hard links), and is too large to be written where it "
                         "stands; nothing was changed",
                         edit->path);
    if (names)
        bf_note(r, "info", edit->path, "has other names (hard links), which change with it");
    return err;
}

static struct space *space_of(struct spaces *s, int fd)
{
    struct stat st;
    struct statvfs fs;
    if (fstat(fd, &st) < 0 || fstatvfs(fd, &fs) < 0)
        return NULL;
    for (size_t i = 0; i < s->count; i++)
        if (s->at[i].dev == st.st_dev)
            return &s->at[i];
    if (s->count == FS_MAX)
        return NULL;
    struct space *at = &s->at[s->count++];
    *at = (struct space){.dev = st.st_dev,
                         .free = (uint64_t)fs.f_bavail * fs.f_frsize,
                         .nodes = fs.f_files ? fs.f_favail : UINT64_MAX};
    return at;
}

// A new file stands beside the old one for a moment, so there must be room for both.
static enum bf_err take_space(struct space *s, const char *path, uint64_t new, uint64_t old,
                              struct bf_fin_report *r)
{
    int64_t left = (int64_t)s->free - s->grown;
    BF_ASSERT(new <= INT64_MAX / 2 && old <= INT64_MAX / 2);
    if (left < (int64_t)(new + SPACE_MARGIN))
        return bf_refuse(
            r,
            "%s: the file system has %lld KiB free for it and the new file needs %llu KiB beside "
            "the old one; free some space on the source. Nothing was changed",
            path, (long long)(left > 0 ? left >> 10 : 0), (unsigned long long)(new >> 10));
    if (s->nodes == 0)
        return bf_refuse(r,
                         "%s: the file system has no inode left; remove some files on the "
                         "source. Nothing was changed",
                         path);
    s->nodes -= s->nodes != UINT64_MAX && old == 0;
    s->grown += (int64_t) new - (int64_t)old;
    return BF_OK;
}

static enum bf_err check_edit(const struct bf_edits *e, const struct bf_edit *edit,
                              struct spaces *spaces, struct bf_fin_report *r)
{
    char dir[4096], found[4096];
    struct bf_fault fault;
    bf_dirname(edit->path, dir, sizeof dir);
    int fd = open_dir(e, dir, found, sizeof found, &fault);
    if (fd < 0)
        return bf_refuse(r, "%s: its folder cannot be opened: %s; nothing was changed", edit->path,
                         fault.what);
    enum bf_err err = check_dir(fd, found, r);
    struct space *s = space_of(spaces, fd);
    close(fd);
    if (!err)
        err = check_file(e, edit, r);
    bool written = bf_edit_kind(edit) != BF_EDIT_REMOVE;
    return err || !s || !written ? err
                                 : take_space(s, edit->path, bf_edit_size(edit), edit->old_size, r);
}

// What undo keeps: the old content, or the tail that goes.
static enum bf_err check_undo(const struct bf_edits *e, struct spaces *spaces,
                              struct bf_fin_report *r)
{
    char found[4096];
    struct bf_fault fault;
    uint64_t kept = 0;
    for (size_t i = 0; i < e->count; i++)
        if (bf_edit_kind(e->item[i]) != BF_EDIT_NONE)
            kept += e->item[i]->old_size - e->item[i]->keep;
    int fd = open_dir(e, BF_UNDO_DIR, found, sizeof found, &fault);
    if (fd < 0)
        return bf_refuse(r, "the folder of the undo journal cannot be opened: %s", fault.what);
    enum bf_err err = check_dir(fd, found, r);
    struct space *s = space_of(spaces, fd);
    close(fd);
    return err || !s ? err : take_space(s, BF_UNDO_DIR, kept, 0, r);
}

enum bf_err bf_preflight(const struct bf_edits *e, struct bf_fin_report *r)
{
    struct spaces spaces = {.count = 0};
    enum bf_err err = BF_OK;
    if (bf_edits_changes(e) == 0)
        return BF_OK;
    err = check_undo(e, &spaces, r);
    for (size_t i = 0; i < e->count && !err; i++)
        if (bf_edit_kind(e->item[i]) != BF_EDIT_NONE)
            err = check_edit(e, e->item[i], &spaces, r);
    return err;
}
