// SPDX-License-Identifier: Apache-2.0
// Takes a finalization back from the journal in the guest: content, owner, permissions, times and
// attributes of every file, and of the directories that they stand in. Files are restored in the
// order of their names; a journal whose files could not all be restored stays for the next attempt.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "finalize/core/commit.h"
#include "base/fmt.h"
#include "finalize/core/journal.h"
#include "finalize/core/undo_dir.h"

static bool was_absent(const json_t *entry)
{
    BF_ASSERT(json_is_string(json_object_get(entry, "was"))); // the journal was checked
    return strcmp(json_string_value(json_object_get(entry, "was")), "absent") == 0;
}

static bool was_link(const json_t *entry)
{
    return strcmp(json_string_value(json_object_get(entry, "was")), "link") == 0;
}

static char *read_copy(const struct bf_fin_root *root, const json_t *entry, size_t *len,
                       struct bf_fault *fault)
{
    BF_ASSERT(!was_absent(entry) && json_is_string(json_object_get(entry, "copy")));
    return bf_undo_dir_read(root, json_string_value(json_object_get(entry, "copy")),
                            BF_ROOT_BLOB_MAX * 4, len, fault);
}

// What a file held, for as long as it is open: in memory, or, where it is large, in its copy.
struct original {
    struct bf_content content;
    struct bf_part whole;
    char *data;
};

static enum bf_err open_original(const struct bf_fin_root *root, const json_t *entry,
                                 struct original *o, struct bf_fault *fault)
{
    uint64_t size;
    BF_ASSERT(!was_absent(entry));
    *o = (struct original){.content.keep =
                               (uint64_t)json_integer_value(json_object_get(entry, "keep"))};
    int fd =
        bf_undo_dir_open(root, json_string_value(json_object_get(entry, "copy")), &size, fault);
    if (fd < 0)
        return fault->code;
    if (size > BF_ROOT_BLOB_MAX && !o->content.keep) {
        o->whole.len = size;
        o->content.part = &o->whole;
        o->content.parts = 1;
        o->content.other = true;
        o->content.file = fd;
        return BF_OK;
    }
    close(fd);
    o->data = read_copy(root, entry, &o->content.len, fault);
    o->content.data = o->data;
    return o->data ? BF_OK : fault->code;
}

static void close_original(struct original *o)
{
    if (o->content.parts)
        close(o->content.file);
    free(o->data);
}

// Restored already, by an undo that was killed, or never changed, by a run that was.
static bool is_original(const struct bf_fin_root *root, const char *path, const json_t *entry,
                        const struct bf_print *now)
{
    struct bf_print print;
    struct bf_fault fault;
    struct original o;
    if (open_original(root, entry, &o, &fault))
        return false;
    bool same = !bf_print_content(root, path, &o.content, &print, &fault) &&
                print.size == now->size && bf_digest_equal(&print.digest, &now->digest);
    close_original(&o);
    return same;
}

// Whether the file is what the finalizer left there, or what it was before. Where a run was killed,
// what it was going to leave is on record, and what the run before it had left; a file that it
// began to write where it stands is anything.
static bool untouched(const struct bf_fin_root *root, const char *path, const json_t *entry)
{
    struct bf_print now;
    struct bf_fault fault;
    BF_ASSERT(json_is_object(entry));
    if (json_is_true(json_object_get(entry, "begun")) && bf_fin_root_exists(root, path))
        return true;
    const json_t *after = json_object_get(entry, "after");
    const json_t *earlier = json_object_get(entry, "earlier");
    if (bf_print_file(root, path, &now, &fault))
        return fault.code == BF_ERR_NOT_FOUND &&
               (was_absent(entry) || json_is_null(after) || json_is_null(earlier));
    return bf_journal_is_print(after, &now) || bf_journal_is_print(earlier, &now) ||
           (!was_absent(entry) && is_original(root, path, entry, &now));
}

static void report_text(const struct bf_fin_root *root, const char *path, struct bf_fin_report *r,
                        const char *action, const char *data, size_t len)
{
    size_t now_len = 0;
    char *now = bf_fin_root_readlink(root, path);
    if (now)
        now_len = strlen(now);
    else
        now = bf_fin_root_read(root, path, BF_ROOT_TEXT_MAX, &now_len, NULL);
    bf_fin_report_change(r, path, action, "undo", now, now_len, data, len);
    free(now);
}

static enum bf_err restore_content(const struct bf_fin_root *root, const char *path,
                                   const json_t *entry, struct bf_fin_report *r, bool dry,
                                   struct bf_fault *fault)
{
    struct bf_meta meta;
    struct original o;
    enum bf_err err = open_original(root, entry, &o, fault);
    if (err)
        return err;
    if (o.content.keep || o.content.parts)
        bf_fin_report_change(r, path, "restore", "undo", NULL, 0, NULL, 0);
    else
        report_text(root, path, r, "restore", o.data, o.content.len);
    o.content.link = was_link(entry);
    if (o.content.link && (!o.data || strlen(o.data) != o.content.len || o.content.len == 0))
        err =
            bf_fault_set(fault, BF_ERR_CORRUPT, BF_SIDE_SOURCE, "", "what it led to was not kept");
    if (!err && !dry) {
        bf_meta_from_json(json_object_get(entry, "meta"), &meta); // checked with the journal
        err = bf_replace(root, path, &o.content, &meta, true, NULL, fault);
        bf_meta_free(&meta);
    }
    close_original(&o);
    return err;
}

static enum bf_err restore(const struct bf_fin_root *root, const char *path, const json_t *entry,
                           struct bf_fin_report *r, bool dry, struct bf_fault *fault)
{
    struct bf_print now;
    if (!was_absent(entry))
        return restore_content(root, path, entry, r, dry, fault);
    if (!dry)
        bf_replace_sweep(root, path);
    if (bf_print_file(root, path, &now, fault))
        return BF_OK;
    report_text(root, path, r, "remove", NULL, 0);
    return dry ? BF_OK : bf_unlink(root, path, fault);
}

// The keys of an object, sorted. Freed by the caller; the strings belong to the object.
static const char **sorted_keys(json_t *object, size_t *count)
{
    const char *key, **keys = calloc(json_object_size(object) + 1, sizeof *keys);
    json_t *value;
    *count = 0;
    if (!keys)
        return NULL;
    json_object_foreach(object, key, value) keys[(*count)++] = key;
    BF_ASSERT(*count == json_object_size(object));
    qsort(keys, *count, sizeof *keys, bf_by_bytes);
    return keys;
}

// Files that were changed since stay as they are: their names are taken out of `path`. The number
// of them.
static size_t sort_out(const struct bf_journal *j, const struct bf_fin_root *root,
                       const char **path, size_t count, struct bf_fin_report *r)
{
    size_t left = 0;
    json_t *files = json_object_get(j->json, "files");
    for (size_t i = 0; i < count; i++) {
        if (untouched(root, path[i], json_object_get(files, path[i])))
            continue;
        BF_ASSERT(left <= i);
        bf_note(r, "skipped", path[i], "changed since it was finalized; left as it is");
        path[i] = NULL;
        left++;
    }
    return left;
}

// Files with other names are written where they stand: the journal says so before the first is.
static enum bf_err begin_in_place(struct bf_journal *j, const struct bf_fin_root *root,
                                  const char *const *path, size_t count, struct bf_fault *fault)
{
    bool any = false;
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < count && !err; i++)
        if (path[i] && bf_has_other_names(root, path[i])) {
            err = bf_journal_begin(j, path[i], fault);
            any = true;
        }
    return err || !any ? err : bf_journal_save(j, root, fault);
}

// Restores each file; those done leave the journal, their copies stay until all are. The number
// that stayed into *left.
static enum bf_err restore_files(struct bf_journal *j, const struct bf_fin_root *root,
                                 struct bf_fin_report *r, bool dry, size_t *left)
{
    size_t count;
    struct bf_fault fault;
    json_t *files = json_object_get(j->json, "files");
    const char **path = sorted_keys(files, &count);
    if (!path)
        return bf_fail(r, "out of memory");
    *left = sort_out(j, root, path, count, r);
    BF_ASSERT(*left <= count);
    if (!dry && begin_in_place(j, root, path, count, &fault)) {
        free(path);
        return bf_fail(r, "the undo journal could not be written: %s", fault.what);
    }
    for (size_t i = 0; i < count; i++) {
        if (path[i] && restore(root, path[i], json_object_get(files, path[i]), r, dry, &fault)) {
            bf_fail(r, "%s could not be restored: %s", path[i], fault.what);
            ++*left;
        } else if (path[i] && !dry) {
            json_object_del(files, path[i]);
        }
    }
    free(path);
    BF_ASSERT(*left <= count && (dry || json_object_size(files) == *left));
    return BF_OK;
}

// Created directories go, deepest first, unless something else has come to live in them; then the
// others get their times back. What cannot be had stays as it is.
static void restore_dirs(const struct bf_journal *j, const struct bf_fin_root *root)
{
    size_t count;
    json_int_t sec, nsec;
    struct bf_fault ignored;
    json_t *dirs = json_object_get(j->json, "dirs");
    const char **path = sorted_keys(dirs, &count);
    for (size_t i = count; path && i-- > 0;)
        if (json_is_true(json_object_get(json_object_get(dirs, path[i]), "created")))
            bf_rmdir(root, path[i], &ignored);
    for (size_t i = 0; path && i < count; i++)
        if (json_unpack(json_object_get(dirs, path[i]), "{s:I,s:I}", "mtime", &sec, "mtime_ns",
                        &nsec) == 0)
            bf_set_mtime(root, path[i], (struct timespec){.tv_sec = sec, .tv_nsec = nsec},
                         &ignored);
    free(path);
}

// The journal goes before the copies that it names: without it they are of no use, and it would be
// of none without them. What a killed run may have left beside it goes as well.
static void sweep(struct bf_fin_root *root)
{
    struct bf_names names;
    struct bf_fault ignored;
    char path[512];
    bf_journal_remove(root);
    if (!bf_fin_root_list(root, BF_UNDO_DIR, "", &names)) {
        for (size_t i = 0; i < names.count; i++) {
            snprintf(path, sizeof path, BF_UNDO_DIR "/%.250s", names.name[i]);
            bf_unlink(root, path, &ignored);
        }
        bf_names_free(&names);
    }
    bf_rmdir(root, BF_UNDO_DIR, &ignored);
    bf_rmdir(root, "/var/lib/bootferry", &ignored);
}

enum bf_err bf_undo_drop(struct bf_fin_root *root, struct bf_fin_report *r)
{
    sweep(root);
    if (bf_fin_root_exists(root, BF_UNDO_DIR))
        return bf_fail(r, "the originals in " BF_UNDO_DIR " could not be removed");
    return BF_OK;
}

void bf_undo_forget(const struct bf_journal *j, struct bf_fin_root *root)
{
    BF_ASSERT(bf_journal_is_empty(j));
    sweep(root);
    restore_dirs(j, root);
}

// After the files: what is left of the journal, and of the folders.
static enum bf_err finish(struct bf_journal *j, struct bf_fin_root *root, struct bf_fin_report *r,
                          bool dry, size_t left)
{
    struct bf_fault ignored;
    BF_ASSERT(dry || bf_journal_is_empty(j) == (left == 0)); // else it stays
    if (left == 0 && !dry) {
        bf_undo_forget(j, root);
    } else if (!dry) {
        bf_journal_save(j, root, &ignored);
    }
    if (left == 0)
        return BF_OK;
    if (bf_fin_report_is_ok(r))
        bf_fail(r, "left alone %zu file%s changed since; the journal is kept", left,
                bf_plural(left));
    return BF_ERR_MISMATCH;
}

enum bf_err bf_undo(struct bf_fin_root *root, struct bf_fin_report *r, bool dry)
{
    struct bf_journal j;
    size_t left = 0;
    enum bf_err err = bf_journal_load(&j, root, r);
    if (err)
        return err;
    if (bf_journal_is_empty(&j))
        err = bf_refuse(r, "nothing to undo: this system has no journal in " BF_UNDO_DIR);
    if (!err)
        err = restore_files(&j, root, r, dry, &left);
    if (!err)
        err = finish(&j, root, r, dry, left);
    bf_journal_free(&j);
    return err;
}
