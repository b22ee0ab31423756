// SPDX-License-Identifier: Apache-2.0
// The undo journal in the guest; see journal.h and docs/finalizer.md.
#include "finalize/core/journal.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "finalize/core/commit.h"
#include "finalize/core/fault.h"
#include "finalize/core/undo_dir.h"

#define JOURNAL_NAME "journal.json"
#define JOURNAL      BF_UNDO_DIR "/" JOURNAL_NAME
#define JOURNAL_MAX  ((size_t)8 << 20)
#define VERSION      2
#define COPIES_MAX   999999
#define DIGEST_HEX   (2 * sizeof(struct bf_digest))

static bool valid_copy(const json_t *copy)
{
    const char *s = json_string_value(copy);
    if (!s || !*s || strlen(s) > 9)
        return false;
    for (; *s; s++)
        if (!isdigit((unsigned char)*s))
            return false;
    return true;
}

// Canonical, below the root, and none of the journal's own.
static bool valid_path(const char *path)
{
    size_t own = sizeof BF_UNDO_DIR - 1;
    if (path[0] != '/' || strlen(path) >= PATH_MAX ||
        (strncmp(path, BF_UNDO_DIR, own) == 0 && path[own] == '/'))
        return false;
    for (const char *at = path; *at;) {
        size_t n = strcspn(++at, "/");
        if ((n == 0 && path[1]) || (n == 1 && at[0] == '.') ||
            (n == 2 && at[0] == '.' && at[1] == '.') || n > NAME_MAX)
            return false;
        at += n;
    }
    return true;
}

static bool valid_file(const char *path, const json_t *entry)
{
    struct bf_meta meta;
    const char *was = json_string_value(json_object_get(entry, "was"));
    if (!valid_path(path) || !was)
        return false;
    if (strcmp(was, "absent") == 0)
        return true;
    if (strcmp(was, "tail") == 0 && json_integer_value(json_object_get(entry, "keep")) <= 0)
        return false;
    if (strcmp(was, "saved") != 0 && strcmp(was, "tail") != 0 && strcmp(was, "link") != 0)
        return false;
    enum bf_err err = bf_meta_from_json(json_object_get(entry, "meta"), &meta);
    bf_meta_free(&meta);
    return !err && valid_copy(json_object_get(entry, "copy"));
}

static bool valid_journal(const json_t *json)
{
    const char *path;
    json_t *entry, *files = json_object_get(json, "files"), *dirs = json_object_get(json, "dirs");
    json_t *macs = json_object_get(json, "macs");
    if (json_integer_value(json_object_get(json, "version")) != VERSION || !json_is_object(files) ||
        !json_is_object(dirs) || !json_is_object(macs) ||
        !json_is_integer(json_object_get(json, "next")))
        return false;
    json_object_foreach(files, path, entry) if (!valid_file(path, entry)) return false;
    json_object_foreach(dirs, path,
                        entry) if (!valid_path(path) || !json_is_object(entry)) return false;
    return true;
}

enum bf_err bf_journal_parse(struct bf_journal *j, const char *text, size_t len)
{
    BF_ASSERT(text || len == 0);
    j->json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    return j->json && valid_journal(j->json) ? BF_OK : BF_ERR_CORRUPT;
}

static enum bf_err none_yet(struct bf_journal *j, struct bf_fin_report *r)
{
    BF_ASSERT(!j->json);
    j->json = json_pack("{s:i,s:i,s:{},s:{},s:{}}", "version", VERSION, "next", 1, "files", "dirs",
                        "macs");
    return j->json ? BF_OK : bf_fail(r, "out of memory");
}

// What is in the journal may be the only copy of the files' first state: nobody is told to remove
// it.
static enum bf_err not_believed(const struct bf_fin_root *root, struct bf_fin_report *r)
{
    char why[PATH_MAX + 512];
    bf_undo_dir_doubt(root, JOURNAL_NAME, why, sizeof why);
    return bf_refuse(
        r,
        "the undo journal is not trusted: %s; find out who could write there. If "
        "you trust what is there, correct its owner and mode (chown, chmod) and start "
        "again; if not, restore from the recovery point. Keep the folder: it has the only "
        "copies of the files' original state",
        why);
}

enum bf_err bf_journal_load(struct bf_journal *j, const struct bf_fin_root *root,
                            struct bf_fin_report *r)
{
    size_t len;
    struct bf_fault fault;
    *j = (struct bf_journal){.json = NULL};
    char *text = bf_undo_dir_read(root, JOURNAL_NAME, JOURNAL_MAX, &len, &fault);
    if (!text && fault.code == BF_ERR_NOT_FOUND)
        return none_yet(j, r);
    if (!text && fault.code == BF_ERR_MISMATCH)
        return not_believed(root, r);
    if (!text)
        return bf_fail(r, "the undo journal " JOURNAL " cannot be read: %s", fault.what);
    enum bf_err err = bf_journal_parse(j, text, len);
    free(text);
    if (!err)
        return BF_OK;
    bool other = json_integer_value(json_object_get(j->json, "version")) == 1;
    bf_journal_free(j);
    return bf_fail(r, "the undo journal " JOURNAL " is %s; nothing was touched",
                   other ? "from an older Bootferry, which can undo it" : "damaged");
}

void bf_journal_free(struct bf_journal *j)
{
    json_decref(j->json);
    j->json = NULL;
}

bool bf_journal_is_empty(const struct bf_journal *j)
{
    BF_ASSERT(json_is_object(j->json));
    return json_object_size(json_object_get(j->json, "files")) == 0;
}

// Sets a member of a journal's object, whose value may be NULL for want of memory.
static enum bf_err set(json_t *object, const char *key, json_t *value, struct bf_fault *fault)
{
    BF_ASSERT(json_is_object(object));
    return json_object_set_new(object, key, value) < 0 ? bf_fault_errno(fault, ENOMEM) : BF_OK;
}

static enum bf_err record_dir(struct bf_journal *j, const struct bf_fin_root *root, const char *dir,
                              struct bf_fault *fault)
{
    BF_ASSERT(dir[0] == '/');
    struct stat st;
    char parent[4096];
    json_t *dirs = json_object_get(j->json, "dirs");
    if (json_object_get(dirs, dir))
        return BF_OK;
    enum bf_err err = bf_fin_root_stat(root, dir, &st, fault);
    if (!err)
        return set(dirs, dir,
                   json_pack("{s:I,s:I}", "mtime", (json_int_t)st.st_mtim.tv_sec, "mtime_ns",
                             (json_int_t)st.st_mtim.tv_nsec),
                   fault);
    if (err != BF_ERR_NOT_FOUND)
        return err;
    bf_dirname(dir, parent, sizeof parent);
    err = record_dir(j, root, parent, fault);
    return err ? err : set(dirs, dir, json_pack("{s:b}", "created", 1), fault);
}

static enum bf_err prepare_dir(struct bf_journal *j, const struct bf_fin_root *root,
                               struct bf_fault *fault)
{
    enum bf_err err = record_dir(j, root, BF_UNDO_DIR, fault);
    if (!err)
        err = bf_mkdirs(root, BF_UNDO_DIR, 0700, fault);
    return err ? err : bf_undo_dir_own(root, fault);
}

// Writes a file of the journal's folder, which is there, readable by its owner only.
static enum bf_err write_private(const struct bf_fin_root *root, const char *path,
                                 const struct bf_content *content, struct bf_fault *fault)
{
    struct bf_meta meta;
    BF_ASSERT(strncmp(path, BF_UNDO_DIR "/", sizeof BF_UNDO_DIR) == 0 && content->keep == 0);
    enum bf_err err = bf_meta_new(root, path, 0600, &meta, fault);
    if (!err)
        err = bf_replace(root, path, content, &meta, false, NULL, fault);
    bf_meta_free(&meta);
    return err;
}

enum bf_err bf_journal_save(struct bf_journal *j, const struct bf_fin_root *root,
                            struct bf_fault *fault)
{
    enum bf_err err = prepare_dir(j, root, fault); // the folders are part of what is written
    if (err)
        return err;
    char *text = json_dumps(j->json, JSON_INDENT(1) | JSON_SORT_KEYS);
    if (!text)
        return bf_fault_errno(fault, ENOMEM);
    struct bf_content c = {.data = text, .len = strlen(text)};
    BF_ASSERT(text[0] == '{');
    err = write_private(root, JOURNAL, &c, fault);
    j->covers = !err;
    free(text);
    return err;
}

void bf_journal_remove(const struct bf_fin_root *root)
{
    struct bf_fault ignored;
    bf_unlink(root, JOURNAL, &ignored);
}

// Keeps bytes in a new numbered copy, and names it in the entry.
static enum bf_err save_content(struct bf_journal *j, const struct bf_fin_root *root, json_t *entry,
                                const struct bf_content *c, struct bf_fault *fault)
{
    char name[16], path[64];
    BF_ASSERT(!json_object_get(entry, "copy"));
    json_int_t n = json_integer_value(json_object_get(j->json, "next"));
    if (n < 1 || n > COPIES_MAX)
        return bf_fault_errno(fault, E2BIG);
    snprintf(name, sizeof name, "%" JSON_INTEGER_FORMAT, n);
    snprintf(path, sizeof path, BF_UNDO_DIR "/%s", name);
    enum bf_err err = prepare_dir(j, root, fault);
    if (!err)
        err = write_private(root, path, c, fault);
    if (!err)
        err = set(j->json, "next", json_integer(n + 1), fault);
    return err ? err : set(entry, "copy", json_string(name), fault);
}

static enum bf_err save_copy(struct bf_journal *j, const struct bf_fin_root *root, json_t *entry,
                             const char *data, size_t len, struct bf_fault *fault)
{
    struct bf_content c = {.data = data, .len = len};
    BF_ASSERT(data || len == 0);
    return save_content(j, root, entry, &c, fault);
}

// The whole of a file that is too large to be held in memory.
static enum bf_err save_large(struct bf_journal *j, const struct bf_fin_root *root, json_t *entry,
                              const struct bf_edit *edit, struct bf_fault *fault)
{
    uint64_t size;
    int fd = bf_fin_root_open_file(root, edit->path, &size, fault);
    if (fd < 0)
        return fault->code;
    const struct bf_part whole = {.len = edit->old_size};
    struct bf_content c = {.part = &whole, .parts = 1, .other = true, .file = fd};
    enum bf_err err = save_content(j, root, entry, &c, fault);
    close(fd);
    return err;
}

static enum bf_err save_tail(struct bf_journal *j, const struct bf_fin_root *root, json_t *entry,
                             const struct bf_edit *edit, struct bf_fault *fault)
{
    BF_ASSERT(edit->tail && edit->keep <= edit->old_size);
    size_t len = (size_t)(edit->old_size - edit->keep);
    if (len > BF_ROOT_BLOB_MAX * 4)
        return bf_fault_errno(fault, EFBIG);
    char *tail = malloc(len + 1);
    if (!tail)
        return bf_fault_errno(fault, ENOMEM);
    enum bf_err err = bf_fin_root_pread(root, edit->path, tail, len, (off_t)edit->keep, fault);
    if (!err)
        err = save_copy(j, root, entry, tail, len, fault);
    free(tail);
    return err ? err : set(entry, "keep", json_integer((json_int_t)edit->keep), fault);
}

// The metadata and the content of a file that is there.
static enum bf_err save_file(struct bf_journal *j, const struct bf_fin_root *root, json_t *entry,
                             const struct bf_edit *edit, struct bf_fault *fault)
{
    struct bf_meta meta;
    BF_ASSERT(edit->existed && (edit->tail || edit->old));
    enum bf_err err = bf_meta_of(root, edit->path, &meta, fault);
    if (!err)
        err = set(entry, "meta", bf_meta_to_json(&meta), fault);
    bf_meta_free(&meta);
    if (err)
        return err;
    if (edit->parts)
        return save_large(j, root, entry, edit, fault);
    return edit->tail ? save_tail(j, root, entry, edit, fault)
                      : save_copy(j, root, entry, edit->old, edit->old_len, fault);
}

enum bf_err bf_journal_record(struct bf_journal *j, const struct bf_fin_root *root,
                              const struct bf_edit *edit, struct bf_fault *fault)
{
    char dir[4096];
    json_t *files = json_object_get(j->json, "files");
    BF_ASSERT(bf_edit_kind(edit) != BF_EDIT_NONE);
    j->covers = false;
    bf_dirname(edit->path, dir, sizeof dir);
    enum bf_err err = record_dir(j, root, dir, fault);
    if (err || json_object_get(files, edit->path))
        return err;
    const char *was = edit->tail && !edit->parts ? "tail"
                      : !edit->existed           ? "absent"
                      : edit->link               ? "link"
                                                 : "saved";
    json_t *entry = json_pack("{s:s}", "was", was);
    err = set(files, edit->path, entry, fault);
    return err || !edit->existed ? err : save_file(j, root, entry, edit, fault);
}

bool bf_journal_is_older(const struct bf_journal *j, const char *path)
{
    BF_ASSERT(path[0] == '/');
    return json_object_get(json_object_get(json_object_get(j->json, "files"), path), "earlier");
}

int bf_journal_open_copy(const struct bf_journal *j, const struct bf_fin_root *root,
                         const char *path, uint64_t *size, struct bf_fault *fault)
{
    const json_t *entry = json_object_get(json_object_get(j->json, "files"), path);
    const char *copy = json_string_value(json_object_get(entry, "copy"));
    BF_ASSERT(copy);
    return bf_undo_dir_open(root, copy, size, fault);
}

static json_t *print_json(const struct bf_print *print)
{
    char hex[DIGEST_HEX + 1];
    if (!print)
        return json_null();
    bf_hex(hex, print->digest.bytes, sizeof print->digest.bytes);
    return json_pack("{s:I,s:s}", "size", (json_int_t)print->size, "blake3", hex);
}

enum bf_err bf_journal_begin(struct bf_journal *j, const char *path, struct bf_fault *fault)
{
    json_t *entry = json_object_get(json_object_get(j->json, "files"), path);
    BF_ASSERT(entry);
    j->covers = false;
    return set(entry, "begun", json_true(), fault);
}

enum bf_err bf_journal_before(struct bf_journal *j, const char *path, const struct bf_print *print,
                              bool in_place, struct bf_fault *fault)
{
    json_t *entry = json_object_get(json_object_get(j->json, "files"), path);
    json_t *after = json_object_get(entry, "after");
    enum bf_err err = BF_OK;
    BF_ASSERT(entry); // its first state was recorded
    j->covers = false;
    if (after)
        err = set(entry, "earlier", json_incref(after), fault);
    if (!err && in_place)
        err = bf_journal_begin(j, path, fault);
    return err ? err : set(entry, "after", print_json(print), fault);
}

void bf_journal_after(struct bf_journal *j, const char *path, const struct bf_print *print)
{
    json_t *entry = json_object_get(json_object_get(j->json, "files"), path);
    BF_ASSERT(j->covers && json_object_get(entry, "after")); // it was said before it was done
    json_object_del(entry, "earlier");
    json_object_del(entry, "begun");
    json_object_set_new(entry, "after", print_json(print));
}

bool bf_journal_is_print(const json_t *value, const struct bf_print *print)
{
    BF_ASSERT(print);
    json_t *mine = value ? print_json(print) : NULL;
    bool same = mine && json_equal(value, mine);
    json_decref(mine);
    return same;
}
