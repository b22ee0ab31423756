// SPDX-License-Identifier: Apache-2.0
// The pending changes of one run, held in memory; see edit.h. Size is bounded by the caps of root.h
// and by ENTRIES_MAX files.
#include "finalize/core/edit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 4096

void bf_edits_init(struct bf_edits *e, struct bf_fin_root *root)
{
    *e = (struct bf_edits){.root = root};
}

static void edit_free(struct bf_edit *edit)
{
    if (!edit)
        return;
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

static int out_of_memory(struct bf_edits *e)
{
    e->failed = true;
    errno = ENOMEM;
    return -1;
}

static struct bf_edit *find(const struct bf_edits *e, const char *real)
{
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
static int load(struct bf_edits *e, struct bf_edit *edit, size_t cap)
{
    edit->old = bf_fin_root_read(e->root, edit->path, cap, &edit->old_len);
    if (!edit->old)
        return errno == ENOENT ? 0 : -1;
    edit->existed = true;
    edit->old_size = edit->old_len;
    edit->data = copy_bytes(edit->old, edit->old_len);
    edit->len = edit->old_len;
    return edit->data ? 0 : out_of_memory(e);
}

static int load_status(struct bf_edits *e, struct bf_edit *edit)
{
    struct stat st;
    if (bf_fin_root_stat(e->root, edit->path, &st) < 0)
        return -1;
    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    edit->existed = edit->tail = true;
    edit->old_size = (uint64_t)st.st_size;
    return 0;
}

static struct bf_edit *entry(struct bf_edits *e, const char *path, size_t cap, bool tail)
{
    char *real = bf_fin_root_real(e->root, path);
    if (!real)
        return NULL;
    struct bf_edit *edit = find(e, real);
    if (!edit && e->count >= ENTRIES_MAX)
        bf_budget_exceed(e->root->budget, real,
                         "is one file more than the 4096 that are looked at");
    if (edit || e->count >= ENTRIES_MAX) {
        free(real);
        return edit;
    }
    edit = calloc(1, sizeof *edit);
    struct bf_edit **more = realloc(e->item, (e->count + 1) * sizeof *more);
    if (more)
        e->item = more;
    if (!edit || !more) {
        free(edit);
        free(real);
        out_of_memory(e);
        return NULL;
    }
    edit->path = real;
    if ((tail ? load_status(e, edit) : load(e, edit, cap)) < 0) {
        int saved = errno;
        edit_free(edit);
        errno = saved;
        return NULL;
    }
    return e->item[e->count++] = edit;
}

const char *bf_edits_get(struct bf_edits *e, const char *path, size_t *len)
{
    struct bf_edit *edit = entry(e, path, BF_ROOT_TEXT_MAX, false);
    if (!edit)
        return NULL;
    if (!edit->data)
        errno = ENOENT;
    else if (!bf_budget_take(e->root->budget, edit->path, edit->len))
        return NULL;
    *len = edit->len;
    return edit->data;
}

static int add_reason(struct bf_edits *e, struct bf_edit *edit, const char *why)
{
    if (edit->why && strstr(edit->why, why))
        return 0;
    char *all = NULL;
    if (asprintf(&all, "%s%s%s", edit->why ? edit->why : "", edit->why ? "; " : "", why) < 0)
        return out_of_memory(e);
    free(edit->why);
    edit->why = all;
    return 0;
}

int bf_edits_set(struct bf_edits *e, const char *path, const void *data, size_t len, unsigned mode,
                 const char *why)
{
    struct bf_edit *edit = entry(e, path, BF_ROOT_BLOB_MAX, false);
    if (!edit)
        return -1;
    if (edit->data && edit->len == len && (len == 0 || memcmp(edit->data, data, len) == 0))
        return 0;
    char *copy = copy_bytes(data, len);
    if (!copy)
        return out_of_memory(e);
    free(edit->data);
    edit->data = copy;
    edit->len = len;
    edit->mode = mode;
    return add_reason(e, edit, why);
}

int bf_edits_remove(struct bf_edits *e, const char *path, const char *why)
{
    struct bf_edit *edit = entry(e, path, BF_ROOT_TEXT_MAX, false);
    if (!edit)
        return -1;
    free(edit->data);
    edit->data = NULL;
    edit->len = 0;
    return add_reason(e, edit, why);
}

static bool same_tail(struct bf_edits *e, const struct bf_edit *edit)
{
    if (edit->keep > edit->old_size || edit->old_size - edit->keep != edit->len)
        return false;
    char *now = malloc(edit->len + 1);
    bool same = now && bf_fin_root_pread(e->root, edit->path, now, edit->len, (off_t)edit->keep) ==
                           (ssize_t)edit->len;
    same = same && memcmp(now, edit->data, edit->len) == 0;
    free(now);
    return same;
}

int bf_edits_tail(struct bf_edits *e, const char *path, uint64_t keep, const void *data, size_t len,
                  const char *why)
{
    struct bf_edit *edit = entry(e, path, 0, true);
    if (!edit)
        return -1;
    if (!edit->tail || keep > edit->old_size) {
        errno = EINVAL;
        return -1;
    }
    free(edit->data);
    edit->data = copy_bytes(data, len);
    if (!edit->data)
        return out_of_memory(e);
    edit->len = len;
    edit->keep = keep;
    if (same_tail(e, edit)) {
        free(edit->data);
        edit->data = NULL;
        return 0;
    }
    return add_reason(e, edit, why);
}

void bf_edits_moved_mac(struct bf_edits *e, const char *from, const char *to)
{
    if (!e->macs)
        e->macs = json_object();
    if (json_object_set_new(e->macs, from, json_string(to)) < 0)
        e->failed = true;
}

enum bf_edit_kind bf_edit_kind(const struct bf_edit *edit)
{
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

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
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

int bf_edits_list(struct bf_edits *e, const char *dir, const char *suffix, struct bf_names *out)
{
    struct bf_names disk;
    *out = (struct bf_names){0};
    char *real = bf_fin_root_real(e->root, dir);
    if (!real || bf_fin_root_list(e->root, dir, suffix, &disk) < 0) {
        free(real);
        return real ? -1 : 0;
    }
    out->name = calloc(disk.count + e->count + 1, sizeof *out->name);
    for (size_t i = 0; out->name && i < disk.count; i++) {
        char path[8192];
        snprintf(path, sizeof path, "%s/%s", real, disk.name[i]);
        struct bf_edit *edit = find(e, path);
        if (!edit || edit->data || edit->tail)
            out->name[out->count++] = strdup(disk.name[i]);
    }
    for (size_t i = 0; out->name && i < e->count; i++) {
        const char *name = name_below(e->item[i], real, suffix);
        if (name && e->item[i]->data && !name_in(out, name))
            out->name[out->count++] = strdup(name);
    }
    bool ok = out->name != NULL;
    for (size_t i = 0; i < out->count; i++)
        ok = ok && out->name[i];
    bf_names_free(&disk);
    free(real);
    if (!ok)
        return out_of_memory(e);
    qsort(out->name, out->count, sizeof *out->name, by_bytes);
    return 0;
}
