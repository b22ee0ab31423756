// SPDX-License-Identifier: Apache-2.0
// Commits a set of edits: space is checked, originals and journal reach the disk, then each file is
// replaced. A run that is killed at any point leaves whole files, old or new, and a journal that
// undoes them.
#include "finalize/core/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "finalize/core/journal.h"

#define SPACE_MARGIN ((uint64_t)1 << 20)

static uint64_t bytes_needed(const struct bf_edit *edit)
{
    return edit->keep + edit->len;
}

// A new file stands beside the old one for a moment, so its file system must have room for both.
// Asked for each file before the first is written; the margin is for the journal and its copies.
static int check_space(const struct bf_edits *e, struct bf_fin_report *r)
{
    for (size_t i = 0; i < e->count; i++) {
        struct bf_edit *edit = e->item[i];
        char dir[4096];
        struct statvfs fs;
        if (bf_edit_kind(edit) == BF_EDIT_NONE || bf_edit_kind(edit) == BF_EDIT_REMOVE)
            continue;
        bf_dirname(edit->path, dir, sizeof dir);
        int fd = bf_fin_root_open(e->root, dir, O_RDONLY | O_DIRECTORY);
        if (fd < 0)
            continue; // a directory that will be created
        int rc = fstatvfs(fd, &fs);
        close(fd);
        if (rc == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < bytes_needed(edit) + SPACE_MARGIN)
            return bf_fail(
                r,
                "%s: the file system has %llu KiB free and the new file needs %llu KiB beside "
                "the old one; free some space on the source",
                edit->path, (unsigned long long)(fs.f_bavail * fs.f_frsize >> 10),
                (unsigned long long)(bytes_needed(edit) >> 10));
    }
    return 0;
}

static int make_parents(const struct bf_fin_root *root, const char *path)
{
    char dir[4096];
    bf_dirname(path, dir, sizeof dir);
    if (bf_fin_root_is_dir(root, dir))
        return 0;
    return make_parents(root, dir) < 0 ? -1 : bf_mkdir(root, dir, 0755);
}

static int write_edit(struct bf_edits *e, const struct bf_edit *edit, struct bf_print *print)
{
    char dir[4096];
    struct bf_meta meta;
    bf_dirname(edit->path, dir, sizeof dir);
    if (make_parents(e->root, edit->path) < 0)
        return -1;
    int rc = edit->existed ? bf_meta_of(e->root, edit->path, &meta)
                           : bf_meta_new(e->root, dir, edit->mode, &meta);
    struct bf_content c = {edit->keep, edit->data, edit->len};
    if (rc == 0)
        rc = bf_replace(e->root, edit->path, &c, &meta, false, print);
    bf_meta_free(&meta);
    return rc;
}

static int apply(struct bf_edits *e, struct bf_journal *j, struct bf_fin_report *r)
{
    for (size_t i = 0; i < e->count; i++) {
        struct bf_edit *edit = e->item[i];
        struct bf_print print;
        enum bf_edit_kind kind = bf_edit_kind(edit);
        if (kind == BF_EDIT_NONE)
            continue;
        int rc =
            kind == BF_EDIT_REMOVE ? bf_unlink(e->root, edit->path) : write_edit(e, edit, &print);
        if (rc < 0)
            return bf_fail(r,
                           "%s could not be written: %s; what was changed before it can be undone",
                           edit->path, strerror(errno));
        bf_journal_after(j, edit->path, kind == BF_EDIT_REMOVE ? NULL : &print);
    }
    return 0;
}

// What the file is going to be, so that an undo after a kill knows it from an administrator's edit.
static int expect(const struct bf_edits *e, struct bf_journal *j, const struct bf_edit *edit)
{
    struct bf_print print;
    struct bf_content c = {edit->keep, edit->data, edit->len};
    bool gone = bf_edit_kind(edit) == BF_EDIT_REMOVE;
    if (!gone && bf_print_content(e->root, edit->path, &c, &print) < 0)
        return -1;
    bf_journal_before(j, edit->path, gone ? NULL : &print);
    return 0;
}

static int record(struct bf_edits *e, struct bf_journal *j, struct bf_fin_report *r)
{
    for (size_t i = 0; i < e->count; i++) {
        struct bf_edit *edit = e->item[i];
        if (bf_edit_kind(edit) == BF_EDIT_NONE)
            continue;
        if (bf_journal_record(j, e->root, edit) < 0)
            return bf_fail(r, "the original of %s could not be kept for undo: %s", edit->path,
                           strerror(errno));
        if (expect(e, j, edit) < 0)
            return bf_fail(r, "%s cannot be read: %s", edit->path, strerror(errno));
    }
    if (e->macs && json_object_update(json_object_get(j->json, "macs"), e->macs) < 0)
        return bf_fail(r, "out of memory");
    if (bf_journal_save(j, e->root) < 0)
        return bf_fail(r, "the undo journal could not be written: %s", strerror(errno));
    return 0;
}

int bf_commit(struct bf_edits *e, struct bf_fin_report *r)
{
    struct bf_journal j;
    if (e->failed)
        return bf_fail(r, "out of memory");
    if (bf_edits_changes(e) == 0)
        return 0;
    if (check_space(e, r) < 0 || bf_journal_load(&j, e->root, r) < 0)
        return -1;
    int rc = record(e, &j, r);
    if (rc == 0)
        rc = apply(e, &j, r);
    if (rc == 0 && bf_journal_save(&j, e->root) < 0)
        rc = bf_fail(r, "the undo journal could not be written: %s", strerror(errno));
    bf_journal_free(&j);
    return rc;
}
