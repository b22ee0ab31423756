// SPDX-License-Identifier: Apache-2.0
// Commits a set of edits: space is checked, originals and journal reach the disk, then each file is
// replaced. A run that is killed at any point leaves whole files, old or new, and a journal that
// undoes them.
#include "finalize/core/commit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/assert.h"
#include "finalize/core/journal.h"

#define SPACE_MARGIN ((uint64_t)1 << 20)

static uint64_t bytes_needed(const struct bf_edit *edit)
{
    BF_ASSERT(edit->data && edit->keep <= edit->old_size);
    return edit->keep + edit->len;
}

// A new file stands beside the old one for a moment, so its file system must have room for both.
// Asked for each file before the first is written; the margin is for the journal and its copies.
static enum bf_err check_space(const struct bf_edits *e, struct bf_fin_report *r)
{
    for (size_t i = 0; i < e->count; i++) {
        struct bf_edit *edit = e->item[i];
        char dir[4096];
        struct statvfs fs;
        if (bf_edit_kind(edit) == BF_EDIT_NONE || bf_edit_kind(edit) == BF_EDIT_REMOVE)
            continue;
        bf_dirname(edit->path, dir, sizeof dir);
        int fd = bf_fin_root_open(e->root, dir, O_RDONLY | O_DIRECTORY, NULL);
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
    return BF_OK;
}

static enum bf_err write_edit(struct bf_edits *e, const struct bf_edit *edit,
                              struct bf_print *print, struct bf_fault *fault)
{
    char dir[4096];
    struct bf_meta meta;
    struct bf_content c = {edit->keep, edit->data, edit->len};
    BF_ASSERT(edit->data && (edit->existed || !edit->keep));
    bf_dirname(edit->path, dir, sizeof dir);
    enum bf_err err = bf_mkdirs(e->root, dir, 0755, fault);
    if (err)
        return err;
    err = edit->existed ? bf_meta_of(e->root, edit->path, &meta, fault)
                        : bf_meta_new(e->root, dir, edit->mode, &meta, fault);
    if (!err)
        err = bf_replace(e->root, edit->path, &c, &meta, false, print, fault);
    bf_meta_free(&meta);
    return err;
}

static enum bf_err apply(struct bf_edits *e, struct bf_journal *j, struct bf_fin_report *r)
{
    for (size_t i = 0; i < e->count; i++) {
        struct bf_edit *edit = e->item[i];
        struct bf_print print;
        struct bf_fault fault;
        enum bf_edit_kind kind = bf_edit_kind(edit);
        if (kind == BF_EDIT_NONE)
            continue;
        BF_ASSERT(j->covers); // nothing is touched before the journal that undoes it is on disk
        if (kind == BF_EDIT_REMOVE ? bf_unlink(e->root, edit->path, &fault)
                                   : write_edit(e, edit, &print, &fault))
            return bf_fail(r, "%s could not be written: %s; earlier changes can be undone",
                           edit->path, fault.what);
        bf_journal_after(j, edit->path, kind == BF_EDIT_REMOVE ? NULL : &print);
    }
    return BF_OK;
}

// What the file is going to be, so that an undo after a kill knows it from an administrator's edit.
static enum bf_err expect(const struct bf_edits *e, struct bf_journal *j,
                          const struct bf_edit *edit, struct bf_fault *fault)
{
    struct bf_print print;
    struct bf_content c = {edit->keep, edit->data, edit->len};
    bool gone = bf_edit_kind(edit) == BF_EDIT_REMOVE;
    BF_ASSERT(gone == !edit->data);
    enum bf_err err = gone ? BF_OK : bf_print_content(e->root, edit->path, &c, &print, fault);
    return err ? err : bf_journal_before(j, edit->path, gone ? NULL : &print, fault);
}

static enum bf_err save(struct bf_edits *e, struct bf_journal *j, struct bf_fin_report *r)
{
    struct bf_fault fault;
    if (bf_journal_save(j, e->root, &fault))
        return bf_fail(r, "the undo journal could not be written: %s", fault.what);
    return BF_OK;
}

static enum bf_err record(struct bf_edits *e, struct bf_journal *j, struct bf_fin_report *r)
{
    struct bf_fault fault;
    for (size_t i = 0; i < e->count; i++) {
        struct bf_edit *edit = e->item[i];
        if (bf_edit_kind(edit) == BF_EDIT_NONE)
            continue;
        if (bf_journal_record(j, e->root, edit, &fault))
            return bf_fail(r, "the original of %s could not be kept for undo: %s", edit->path,
                           fault.what);
        if (expect(e, j, edit, &fault))
            return bf_fail(r, "%s cannot be read: %s", edit->path, fault.what);
    }
    if (e->macs && json_object_update(json_object_get(j->json, "macs"), e->macs) < 0)
        return bf_fail(r, "out of memory");
    return save(e, j, r);
}

enum bf_err bf_commit(struct bf_edits *e, struct bf_fin_report *r)
{
    struct bf_journal j;
    if (e->failed)
        return bf_fail(r, "out of memory");
    if (bf_edits_changes(e) == 0)
        return BF_OK;
    enum bf_err err = check_space(e, r);
    if (!err)
        err = bf_journal_load(&j, e->root, r);
    if (err)
        return err;
    BF_ASSERT(!j.covers); // of this run there is nothing in it yet
    err = record(e, &j, r);
    if (!err)
        err = apply(e, &j, r);
    if (!err)
        err = save(e, &j, r);
    BF_ASSERT(err || (j.covers && !bf_journal_is_empty(&j)));
    bf_journal_free(&j);
    return err;
}
