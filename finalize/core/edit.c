// SPDX-License-Identifier: Apache-2.0
// The pending changes of one run, held in memory; see edit.h. Size is bounded by the caps of root.h
// and by ENTRIES_MAX files.
#include "finalize/core/edit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "finalize/core/edit_set.h"
#include "finalize/core/fault.h"
#include "finalize/core/undo_dir.h"

#define ENTRIES_MAX 4096

void bf_edits_init(struct bf_edits *e, struct bf_fin_root *root)
{
    BF_ASSERT(root);
    *e = (struct bf_edits){.root = root};
}

static void edit_free(struct bf_edit *edit)
{
    if (!edit)
        return;
    bf_parts_free(edit->part, edit->parts);
    free(edit->path);
    free(edit->old);
    free(edit->data);
    free(edit->why);
    free(edit);
}

void bf_edits_free(struct bf_edits *e)
{
    for (size_t i = 0; i < e->count; i++)
        edit_free(e->item[i]);
    free(e->item);
    json_decref(e->macs);
    *e = (struct bf_edits){0};
}

enum bf_err bf_edits_no_memory(struct bf_edits *e, struct bf_fault *fault)
{
    e->failed = true;
    return bf_fault_errno(fault, ENOMEM);
}

struct bf_edit *bf_edits_find(const struct bf_edits *e, const char *real)
{
    BF_ASSERT(real[0] == '/' && e->count <= ENTRIES_MAX);
    for (size_t i = 0; i < e->count; i++)
        if (strcmp(e->item[i]->path, real) == 0)
            return e->item[i];
    return NULL;
}

static char *copy_bytes(const void *data, size_t len)
{
    char *p = malloc(len + 1);
    if (!p)
        return NULL;
    if (len)
        memcpy(p, data, len);
    p[len] = 0;
    return p;
}

// Reads what is on disk into a new entry. A missing file is an entry too.
static enum bf_err load(struct bf_edits *e, struct bf_edit *edit, size_t cap,
                        struct bf_fault *fault)
{
    edit->old = bf_fin_root_read(e->root, edit->path, cap, &edit->old_len, fault);
    BF_ASSERT(!edit->existed && !edit->data);
    if (!edit->old)
        return fault->code == BF_ERR_NOT_FOUND ? BF_OK : fault->code;
    edit->existed = true;
    edit->old_size = edit->old_len;
    edit->data = copy_bytes(edit->old, edit->old_len);
    edit->len = edit->old_len;
    return edit->data ? BF_OK : bf_edits_no_memory(e, fault);
}

static enum bf_err load_status(struct bf_edits *e, struct bf_edit *edit, struct bf_fault *fault)
{
    BF_ASSERT(!edit->existed && !edit->old);
    struct stat st;
    enum bf_err err = bf_fin_root_stat(e->root, edit->path, &st, fault);
    if (err)
        return err;
    if (!S_ISREG(st.st_mode))
        return bf_fault_errno(fault, EINVAL);
    edit->existed = edit->tail = true;
    edit->old_size = (uint64_t)st.st_size;
    return BF_OK;
}

// Room for one more entry. What is in the set stays.
enum bf_err bf_edits_make_room(struct bf_edits *e, const char *real, struct bf_fault *fault)
{
    if (e->count >= ENTRIES_MAX) {
        bf_budget_exceed(e->root->budget, real, "is beyond the limit of 4096 files");
        return bf_fault_errno(fault, E2BIG);
    }
    struct bf_edit **more = realloc(e->item, (e->count + 1) * sizeof *more);
    if (!more)
        return bf_edits_no_memory(e, fault);
    e->item = more;
    return BF_OK;
}

// A new entry for a canonical path, which it takes over.
static struct bf_edit *add(struct bf_edits *e, char *real, size_t cap, bool tail,
                           struct bf_fault *fault)
{
    struct bf_edit *edit = NULL;
    if (!bf_edits_make_room(e, real, fault) && !(edit = calloc(1, sizeof *edit)))
        bf_edits_no_memory(e, fault);
    if (!edit) {
        free(real);
        return NULL;
    }
    BF_ASSERT(!bf_edits_find(e, real)); // one entry for each file, whatever leads to it
    edit->path = real;
    if (tail ? load_status(e, edit, fault) : load(e, edit, cap, fault)) {
        edit_free(edit);
        return NULL;
    }
    BF_ASSERT(e->count < ENTRIES_MAX && edit->tail == tail);
    return e->item[e->count++] = edit;
}

struct bf_edit *bf_edits_entry(struct bf_edits *e, const char *path, size_t cap, bool tail,
                               struct bf_fault *fault)
{
    struct bf_fault own;
    fault = fault ? fault : &own;
    char *real = bf_fin_root_real(e->root, path, fault);
    if (!real)
        return NULL;
    struct bf_edit *edit = bf_edits_find(e, real);
    if (!edit)
        return add(e, real, cap, tail, fault);
    free(real);
    if (!edit->existed && !edit->data)
        edit->link = false; // a link was looked for, and there is none
    if (edit->link) { // one that is made, or goes, in this run: what it leads to is not followed
        bf_fault_errno(fault, edit->data ? EINVAL : ENOENT);
        return NULL;
    }
    return edit;
}

const char *bf_edits_get(struct bf_edits *e, const char *path, size_t *len, struct bf_fault *fault)
{
    *len = 0;
    struct bf_edit *edit = bf_edits_entry(e, path, BF_ROOT_TEXT_MAX, false, fault);
    if (!edit)
        return NULL;
    BF_ASSERT(!edit->data || edit->data[edit->len] == 0);
    if (!edit->data || bf_budget_take(e->root->budget, edit->path, edit->len)) {
        bf_fault_errno(fault, edit->data ? E2BIG : ENOENT);
        return NULL;
    }
    *len = edit->len;
    return edit->data;
}

const char *bf_edits_pending(const struct bf_edits *e, const char *real, size_t *len)
{
    const struct bf_edit *edit = bf_edits_find(e, real);
    if (!edit || edit->tail || bf_edit_kind(edit) == BF_EDIT_NONE)
        return NULL;
    *len = edit->len;
    return edit->data ? edit->data : "";
}

// The size that the file at a canonical path will have, and its entry, or NULL.
static enum bf_err size_of(const struct bf_edits *e, const char *real, const struct bf_edit **edit,
                           uint64_t *size, struct bf_fault *fault)
{
    struct stat st;
    *size = 0;
    *edit = bf_edits_find(e, real);
    if (*edit && ((*edit)->data || (*edit)->parts)) {
        *size = bf_edit_size(*edit);
        return BF_OK;
    }
    if (*edit && !(*edit)->tail)
        return bf_fault_errno(fault, ENOENT);
    enum bf_err err = bf_fin_root_stat(e->root, real, &st, fault);
    if (err)
        return err;
    *size = (uint64_t)st.st_size;
    return *edit || S_ISREG(st.st_mode) ? BF_OK : bf_fault_errno(fault, EINVAL);
}

enum bf_err bf_edits_size(const struct bf_edits *e, const char *path, uint64_t *size,
                          struct bf_fault *fault)
{
    struct bf_fault own;
    const struct bf_edit *edit;
    fault = fault ? fault : &own;
    *size = 0;
    char *real = bf_fin_root_real(e->root, path, fault);
    enum bf_err err = real ? size_of(e, real, &edit, size, fault) : fault->code;
    free(real);
    return err;
}

// Reads what is there for certain.
static enum bf_err read_at(const struct bf_edits *e, const char *real, const struct bf_edit *edit,
                           char *buf, size_t len, uint64_t offset, struct bf_fault *fault)
{
    if (edit && edit->parts)
        return bf_parts_read(e, edit, buf, len, offset, fault);
    if (!edit || !edit->data)
        return bf_fin_root_pread(e->root, real, buf, len, (off_t)offset, fault);
    // The first bytes of a tail's file are those on disk.
    uint64_t start = edit->tail ? edit->keep : 0;
    size_t own = offset >= start ? 0 : start - offset < len ? (size_t)(start - offset) : len;
    enum bf_err err =
        own ? bf_fin_root_pread(e->root, real, buf, own, (off_t)offset, fault) : BF_OK;
    if (!err && own < len)
        memcpy(buf + own, edit->data + (offset + own - start), len - own);
    return err;
}

enum bf_err bf_edits_pread(const struct bf_edits *e, const char *path, void *buf, size_t len,
                           uint64_t offset, size_t *got, struct bf_fault *fault)
{
    uint64_t size;
    struct bf_fault own;
    const struct bf_edit *edit;
    fault = fault ? fault : &own;
    *got = 0;
    char *real = bf_fin_root_real(e->root, path, fault);
    if (!real)
        return fault->code;
    enum bf_err err = size_of(e, real, &edit, &size, fault);
    if (!err && offset < size) {
        size_t want = size - offset < len ? (size_t)(size - offset) : len;
        err = read_at(e, real, edit, buf, want, offset, fault);
        *got = err ? 0 : want;
    }
    free(real);
    return err;
}

// What a link leads into the folder of the journal would be changed there, and undo, which trusts
// that folder, could restore nothing.
enum bf_err bf_edits_may_change(const struct bf_edits *e, const struct bf_edit *edit,
                                struct bf_fault *fault)
{
    return bf_undo_dir_meets(e->root, edit->path)
               ? bf_fault_set(fault, BF_ERR_DENIED, BF_SIDE_SOURCE, "",
                              "it is in the folder of the undo journal, or where that folder goes")
               : BF_OK;
}

enum bf_err bf_edits_reason(struct bf_edits *e, struct bf_edit *edit, const char *why,
                            struct bf_fault *fault)
{
    BF_ASSERT(why[0]); // each change has its reason in the report
    if (edit->why && strstr(edit->why, why))
        return BF_OK;
    char *all = NULL;
    if (asprintf(&all, "%s%s%s", edit->why ? edit->why : "", edit->why ? "; " : "", why) < 0)
        return bf_edits_no_memory(e, fault);
    free(edit->why);
    edit->why = all;
    return BF_OK;
}

enum bf_err bf_edits_set(struct bf_edits *e, const char *path, const void *data, size_t len,
                         unsigned mode, const char *why, struct bf_fault *fault)
{
    struct bf_edit *edit = bf_edits_entry(e, path, BF_ROOT_BLOB_MAX, false, fault);
    if (!edit)
        return fault->code;
    if (edit->data && edit->len == len && (len == 0 || memcmp(edit->data, data, len) == 0))
        return BF_OK;
    BF_ASSERT(mode && (mode & ~0777u) == 0);
    if (bf_edits_may_change(e, edit, fault))
        return fault->code;
    char *copy = copy_bytes(data, len);
    if (!copy)
        return bf_edits_no_memory(e, fault);
    free(edit->data);
    edit->data = copy;
    edit->len = len;
    edit->mode = mode;
    return bf_edits_reason(e, edit, why, fault);
}

enum bf_err bf_edits_remove(struct bf_edits *e, const char *path, const char *why,
                            struct bf_fault *fault)
{
    struct bf_edit *edit = bf_edits_entry(e, path, BF_ROOT_TEXT_MAX, false, fault);
    if (!edit || bf_edits_may_change(e, edit, fault))
        return fault->code;
    free(edit->data);
    edit->data = NULL;
    edit->len = 0;
    return bf_edits_reason(e, edit, why, fault);
}

static bool same_tail(struct bf_edits *e, const struct bf_edit *edit)
{
    BF_ASSERT(edit->tail && edit->data);
    if (edit->keep > edit->old_size || edit->old_size - edit->keep != edit->len)
        return false;
    char *now = malloc(edit->len + 1);
    bool same =
        now && !bf_fin_root_pread(e->root, edit->path, now, edit->len, (off_t)edit->keep, NULL);
    same = same && memcmp(now, edit->data, edit->len) == 0;
    free(now);
    return same;
}

enum bf_err bf_edits_tail(struct bf_edits *e, const char *path, uint64_t keep, const void *data,
                          size_t len, const char *why, struct bf_fault *fault)
{
    struct bf_edit *edit = bf_edits_entry(e, path, 0, true, fault);
    if (!edit || bf_edits_may_change(e, edit, fault))
        return fault->code;
    if (!edit->tail || keep > edit->old_size)
        return bf_fault_errno(fault, EINVAL);
    BF_ASSERT(edit->existed && !edit->old);
    free(edit->data);
    edit->data = copy_bytes(data, len);
    if (!edit->data)
        return bf_edits_no_memory(e, fault);
    edit->len = len;
    edit->keep = keep;
    if (same_tail(e, edit)) {
        free(edit->data);
        edit->data = NULL;
        return BF_OK;
    }
    return bf_edits_reason(e, edit, why, fault);
}

static void remember(struct bf_edits *e, const char *from, const char *to)
{
    BF_ASSERT(from[0] && to[0]);
    if (!e->macs)
        e->macs = json_object();
    if (json_object_set_new(e->macs, from, json_string(to)) < 0)
        e->failed = true;
}

void bf_edits_moved_mac(struct bf_edits *e, const char *from, const char *to)
{
    remember(e, from, to);
}

void bf_edits_moved_ip(struct bf_edits *e, const char *from, const char *to)
{
    remember(e, from, to);
}

uint64_t bf_edit_size(const struct bf_edit *edit)
{
    return edit->parts ? bf_parts_size(edit->part, edit->parts) : edit->keep + edit->len;
}

enum bf_edit_kind bf_edit_kind(const struct bf_edit *edit)
{
    BF_ASSERT(edit->existed || (!edit->old && !edit->tail));
    BF_ASSERT(edit->tail || edit->existed == (edit->old != NULL));
    if (edit->parts)
        return BF_EDIT_PARTS;
    if (edit->tail)
        return edit->data ? BF_EDIT_TAIL : BF_EDIT_NONE;
    if (!edit->existed)
        return edit->data ? BF_EDIT_CREATE : BF_EDIT_NONE;
    if (!edit->data)
        return BF_EDIT_REMOVE;
    bool same = edit->len == edit->old_len && memcmp(edit->data, edit->old, edit->len) == 0;
    return same ? BF_EDIT_NONE : BF_EDIT_MODIFY;
}

size_t bf_edits_changes(const struct bf_edits *e)
{
    size_t n = 0;
    for (size_t i = 0; i < e->count; i++)
        n += bf_edit_kind(e->item[i]) != BF_EDIT_NONE;
    return n;
}

static bool name_in(const struct bf_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->name[i], name) == 0)
            return true;
    return false;
}

// The name of a pending entry that stands directly in `dir` and ends in `suffix`, or NULL.
static const char *name_below(const struct bf_edit *edit, const char *dir, const char *suffix)
{
    size_t n = strlen(dir), m = strlen(suffix);
    if (strncmp(edit->path, dir, n) != 0 || edit->path[n] != '/')
        return NULL;
    const char *name = edit->path + n + 1;
    size_t len = strlen(name);
    bool fits = !strchr(name, '/') && len >= m && strcmp(name + len - m, suffix) == 0;
    return fits ? name : NULL;
}

// The names on disk that stay, and those that are created. BF_ERR_NO_MEMORY with those that were
// had.
static enum bf_err gather_names(const struct bf_edits *e, const char *real, const char *suffix,
                                const struct bf_names *disk, struct bf_names *out)
{
    out->name = calloc(disk->count + e->count + 1, sizeof *out->name);
    for (size_t i = 0; out->name && i < disk->count; i++) {
        char path[8192];
        snprintf(path, sizeof path, "%s/%s", real, disk->name[i]);
        struct bf_edit *edit = bf_edits_find(e, path);
        if (!edit || edit->data || edit->tail)
            out->name[out->count++] = strdup(disk->name[i]);
    }
    for (size_t i = 0; out->name && i < e->count; i++) {
        const char *name = name_below(e->item[i], real, suffix);
        if (name && e->item[i]->data && !name_in(out, name))
            out->name[out->count++] = strdup(name);
    }
    enum bf_err err = out->name ? BF_OK : BF_ERR_NO_MEMORY;
    BF_ASSERT(out->count <= disk->count + e->count);
    for (size_t i = 0; i < out->count; i++)
        err = out->name[i] ? err : BF_ERR_NO_MEMORY;
    return err;
}

enum bf_err bf_edits_list(struct bf_edits *e, const char *dir, const char *suffix,
                          struct bf_names *out)
{
    struct bf_names disk;
    *out = (struct bf_names){0};
    char *real = bf_fin_root_real(e->root, dir, NULL);
    if (!real)
        return BF_OK;
    enum bf_err err = bf_fin_root_list(e->root, dir, suffix, &disk);
    if (!err && gather_names(e, real, suffix, &disk, out)) {
        bf_names_free(out);
        err = bf_edits_no_memory(e, NULL);
    }
    free(real);
    bf_names_free(&disk);
    if (err)
        return err;
    qsort(out->name, out->count, sizeof *out->name, bf_by_bytes);
    return BF_OK;
}
