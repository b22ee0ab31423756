// SPDX-License-Identifier: Apache-2.0
// Commits a set of edits: originals and journal reach the disk, then each file is replaced. A run
// that is killed at any point leaves whole files, old or new, and a journal that undoes them; one
// that fails takes back what it did.
#include "finalize/core/commit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "finalize/core/fault.h"
#include "finalize/core/journal.h"

static struct bf_content content_of(const struct bf_edit *edit)
{
    return (struct bf_content){.keep = edit->keep,
                               .data = edit->data,
                               .len = edit->len,
                               .link = edit->link,
                               .part = edit->part,
                               .parts = edit->parts};
}

static enum bf_err write_edit(struct bf_edits *e, const struct bf_edit *edit,
                              struct bf_print *print, struct bf_fault *fault)
{
    char dir[4096];
    struct bf_meta meta;
    struct bf_content c = content_of(edit);
    BF_ASSERT((edit->data || edit->parts) && (edit->existed || !edit->keep));
    bf_dirname(edit->path, dir, sizeof dir);
    enum bf_err err = bf_mkdirs(e->root, dir, 0755, fault);
    if (err)
        return err;
    err = edit->existed ? bf_meta_of(e->root, edit->path, &meta, fault)
                        : bf_meta_new(e->root, edit->path, edit->mode, &meta, fault);
    if (!err)
        err = bf_replace(e->root, edit->path, &c, &meta, false, print, fault);
    bf_meta_free(&meta);
    return err;
}

// What a change took away, for a run that fails after it.
struct done {
    const struct bf_edit *edit;
    struct bf_meta meta; // of a file that existed
    char *tail;          // BF_EDIT_TAIL: what stood behind the part that was kept; owned
    size_t tail_len;
    int old; // BF_EDIT_PARTS: the file itself, which stays as long as it is open, where the journal
             // has an older one; -1: none. Owned
};

static void free_done(struct done *d)
{
    bf_meta_free(&d->meta);
    free(d->tail);
    if (d->old >= 0)
        close(d->old);
}

static enum bf_err remember(const struct bf_edits *e, const struct bf_journal *j,
                            const struct bf_edit *edit, struct done *d, struct bf_fault *fault)
{
    uint64_t size;
    *d = (struct done){.edit = edit, .old = -1};
    enum bf_err err = edit->existed ? bf_meta_of(e->root, edit->path, &d->meta, fault) : BF_OK;
    if (!err && edit->parts && bf_journal_is_older(j, edit->path)) {
        d->old = bf_fin_root_open_file(e->root, edit->path, &size, fault);
        err = d->old < 0 ? fault->code : BF_OK;
    }
    if (err || !edit->tail || edit->parts) // else of parts the journal has the whole
        return err;
    d->tail_len = (size_t)(edit->old_size - edit->keep);
    d->tail = malloc(d->tail_len + 1);
    if (!d->tail)
        return bf_fault_errno(fault, ENOMEM);
    return bf_fin_root_pread(e->root, edit->path, d->tail, d->tail_len, (off_t)edit->keep, fault);
}

// The change that failed may not have come to this file.
static bool is_as_before(const struct bf_edits *e, const char *path, const struct bf_content *c)
{
    struct bf_print now, before;
    struct bf_fault ignored;
    return !bf_print_file(e->root, path, &now, &ignored) &&
           !bf_print_content(e->root, path, c, &before, &ignored) && now.size == before.size &&
           bf_digest_equal(&now.digest, &before.digest);
}

// From the file itself, or from the copy in the journal.
static enum bf_err take_back_whole(const struct bf_edits *e, const struct bf_journal *j,
                                   const struct done *d, struct bf_fault *fault)
{
    uint64_t size;
    BF_ASSERT(d->edit->existed && d->edit->parts);
    int fd = d->old < 0 ? bf_journal_open_copy(j, e->root, d->edit->path, &size, fault) : d->old;
    if (fd < 0)
        return fault->code;
    const struct bf_part whole = {.len = d->edit->old_size};
    struct bf_content c = {.part = &whole, .parts = 1, .other = true, .file = fd};
    enum bf_err err = is_as_before(e, d->edit->path, &c)
                          ? BF_OK
                          : bf_replace(e->root, d->edit->path, &c, &d->meta, true, NULL, fault);
    if (fd != d->old)
        close(fd);
    return err;
}

static enum bf_err take_back(const struct bf_edits *e, const struct bf_journal *j,
                             const struct done *d, struct bf_fault *fault)
{
    const struct bf_edit *edit = d->edit;
    struct bf_print now;
    if (edit->parts)
        return take_back_whole(e, j, d, fault);
    if (!edit->existed)
        return bf_print_file(e->root, edit->path, &now, fault)
                   ? BF_OK
                   : bf_unlink(e->root, edit->path, fault);
    struct bf_content c = {.keep = edit->tail ? edit->keep : 0,
                           .data = edit->tail ? d->tail : edit->old,
                           .len = edit->tail ? d->tail_len : edit->old_len,
                           .link = edit->link};
    return is_as_before(e, edit->path, &c)
               ? BF_OK
               : bf_replace(e->root, edit->path, &c, &d->meta, true, NULL, fault);
}

// What is taken back leaves the journal as it was before the run, and none where there was none.
static void take_all_back(struct bf_edits *e, struct done *done, size_t count, const json_t *before,
                          struct bf_journal *j, struct bf_fin_report *r)
{
    struct bf_fault fault;
    bool whole = true;
    for (size_t i = count; i-- > 0;)
        if (take_back(e, j, &done[i], &fault)) {
            bf_note(r, "warning", done[i].edit->path, "could not be restored: %s", fault.what);
            whole = false;
        }
    json_t *files = json_deep_copy(json_object_get(before, "files"));
    if (!whole || !files || json_object_set_new(j->json, "files", files))
        return; // the journal on disk undoes the rest
    if (bf_journal_is_empty(j))
        bf_undo_forget(j, e->root);
    else
        bf_journal_save(j, e->root, &fault);
}

static enum bf_err change(struct bf_edits *e, struct bf_journal *j, const struct bf_edit *edit,
                          struct done *done, struct bf_fault *fault)
{
    struct bf_print print;
    bool gone = bf_edit_kind(edit) == BF_EDIT_REMOVE;
    BF_ASSERT(j->covers); // nothing is touched before the journal that undoes it is on disk
    enum bf_err err = remember(e, j, edit, done, fault);
    if (!err)
        err = gone ? bf_unlink(e->root, edit->path, fault) : write_edit(e, edit, &print, fault);
    if (!err)
        bf_journal_after(j, edit->path, gone ? NULL : &print);
    return err;
}

static enum bf_err apply(struct bf_edits *e, struct bf_journal *j, const json_t *before,
                         struct bf_fin_report *r)
{
    struct done *done = calloc(e->count, sizeof *done);
    struct bf_fault fault;
    size_t count = 0;
    enum bf_err err = done ? BF_OK : bf_fail(r, "out of memory");
    for (size_t i = 0; i < e->count && !err; i++) {
        struct bf_edit *edit = e->item[i];
        if (bf_edit_kind(edit) == BF_EDIT_NONE)
            continue;
        // The one that fails is taken back too: it may be half done.
        if (change(e, j, edit, &done[count++], &fault))
            err =
                bf_fail(r, "%s could not be written: %s; what was changed before it was taken back",
                        edit->path, fault.what);
    }
    if (err && done)
        take_all_back(e, done, count, before, j, r);
    for (size_t i = 0; i < count; i++)
        free_done(&done[i]);
    free(done);
    return err;
}

// What the file is going to be, so that an undo after a kill knows it from an administrator's edit.
static enum bf_err expect(const struct bf_edits *e, struct bf_journal *j,
                          const struct bf_edit *edit, struct bf_fault *fault)
{
    struct bf_print print;
    struct bf_content c = content_of(edit);
    bool gone = bf_edit_kind(edit) == BF_EDIT_REMOVE;
    BF_ASSERT(gone == (!edit->data && !edit->parts));
    enum bf_err err = gone ? BF_OK : bf_print_content(e->root, edit->path, &c, &print, fault);
    return err ? err
               : bf_journal_before(j, edit->path, gone ? NULL : &print,
                                   !gone && bf_has_other_names(e->root, edit->path), fault);
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

// Nothing of the guest's was touched yet; what was kept of it is of no use.
static void forget(struct bf_edits *e, struct bf_journal *j, const json_t *before)
{
    json_t *files = json_deep_copy(json_object_get(before, "files"));
    if (files && !json_object_set_new(j->json, "files", files) && bf_journal_is_empty(j))
        bf_undo_forget(j, e->root);
}

static enum bf_err commit(struct bf_edits *e, struct bf_journal *j, struct bf_fin_report *r)
{
    json_t *before = json_deep_copy(j->json);
    if (!before)
        return bf_fail(r, "out of memory");
    enum bf_err err = record(e, j, r);
    if (err)
        forget(e, j, before);
    else
        err = apply(e, j, before, r);
    if (!err)
        err = save(e, j, r);
    BF_ASSERT(err || (j->covers && !bf_journal_is_empty(j)));
    json_decref(before);
    return err;
}

enum bf_err bf_commit(struct bf_edits *e, struct bf_fin_report *r)
{
    struct bf_journal j;
    if (e->failed)
        return bf_fail(r, "out of memory");
    if (bf_edits_changes(e) == 0)
        return BF_OK;
    enum bf_err err = bf_journal_load(&j, e->root, r);
    if (err)
        return err;
    BF_ASSERT(!j.covers); // of this run there is nothing in it yet
    err = commit(e, &j, r);
    bf_journal_free(&j);
    return err;
}
