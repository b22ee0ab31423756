// SPDX-License-Identifier: Apache-2.0
// The undo journal in the guest; see journal.h and docs/finalizer.md.
#include "finalize/core/journal.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/core/commit.h"
#include "finalize/core/undo_dir.h"

#define JOURNAL_NAME "journal.json"
#define JOURNAL      BF_UNDO_DIR "/" JOURNAL_NAME
#define JOURNAL_MAX  ((size_t)8 << 20)
#define VERSION      2
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
    if (strcmp(was, "saved") != 0 && strcmp(was, "tail") != 0)
        return false;
    bool ok = bf_meta_from_json(json_object_get(entry, "meta"), &meta);
    bf_meta_free(&meta);
    return ok && valid_copy(json_object_get(entry, "copy"));
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

bool bf_journal_parse(struct bf_journal *j, const char *text, size_t len)
{
    j->json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    return j->json && valid_journal(j->json);
}

static int none_yet(struct bf_journal *j, struct bf_fin_report *r)
{
    j->json = json_pack("{s:i,s:i,s:{},s:{},s:{}}", "version", VERSION, "next", 1, "files", "dirs",
                        "macs");
    return j->json ? 0 : bf_fail(r, "out of memory");
}

// What is in the journal may be the only copy of the files' first state: nobody is told to remove
// it.
static int not_believed(const struct bf_fin_root *root, struct bf_fin_report *r)
{
    char why[PATH_MAX + 512];
    bf_undo_dir_doubt(root, JOURNAL_NAME, why, sizeof why);
    return bf_refuse(r,
                     "the undo journal is not trusted: %s; find out who could write there. If "
                     "you trust what is there, correct that (chown, chmod) and start again; if "
                     "not, restore from the recovery point. Keep the folder: it has the only "
                     "copies of the files' first state",
                     why);
}

int bf_journal_load(struct bf_journal *j, const struct bf_fin_root *root, struct bf_fin_report *r)
{
    size_t len;
    j->json = NULL;
    char *text = bf_undo_dir_read(root, JOURNAL_NAME, JOURNAL_MAX, &len);
    if (!text && errno == ENOENT)
        return none_yet(j, r);
    if (!text && errno == EPERM)
        return not_believed(root, r);
    if (!text)
        return bf_fail(r, "the undo journal " JOURNAL " cannot be read: %s", strerror(errno));
    bool ok = bf_journal_parse(j, text, len);
    free(text);
    if (ok)
        return 0;
    bool other = json_integer_value(json_object_get(j->json, "version")) == 1;
    bf_journal_free(j);
    return bf_fail(r, "the undo journal " JOURNAL " is %s; nothing was touched",
                   other ? "of an older Bootferry, which can undo it" : "damaged");
}

void bf_journal_free(struct bf_journal *j)
{
    json_decref(j->json);
    j->json = NULL;
}

bool bf_journal_is_empty(const struct bf_journal *j)
{
    return json_object_size(json_object_get(j->json, "files")) == 0;
}

static int record_dir(struct bf_journal *j, const struct bf_fin_root *root, const char *dir)
{
    struct stat st;
    json_t *dirs = json_object_get(j->json, "dirs");
    if (json_object_get(dirs, dir))
        return 0;
    if (bf_fin_root_stat(root, dir, &st) == 0)
        return json_object_set_new(dirs, dir,
                                   json_pack("{s:I,s:I}", "mtime", (json_int_t)st.st_mtim.tv_sec,
                                             "mtime_ns", (json_int_t)st.st_mtim.tv_nsec));
    char parent[4096];
    bf_dirname(dir, parent, sizeof parent);
    if (errno != ENOENT || record_dir(j, root, parent) < 0)
        return -1;
    return json_object_set_new(dirs, dir, json_pack("{s:b}", "created", 1));
}

// Makes a directory and those above it.
static int make_dirs(const struct bf_fin_root *root, const char *dir, mode_t mode)
{
    char parent[4096];
    if (bf_fin_root_is_dir(root, dir))
        return 0;
    bf_dirname(dir, parent, sizeof parent);
    if (strcmp(parent, dir) != 0 && make_dirs(root, parent, 0755) < 0)
        return -1;
    return bf_mkdir(root, dir, mode);
}

static int prepare_dir(struct bf_journal *j, const struct bf_fin_root *root)
{
    if (record_dir(j, root, BF_UNDO_DIR) < 0)
        return -1;
    return make_dirs(root, BF_UNDO_DIR, 0700) < 0 ? -1 : bf_undo_dir_own(root);
}

int bf_journal_save(struct bf_journal *j, const struct bf_fin_root *root)
{
    struct bf_meta meta;
    if (prepare_dir(j, root) < 0 || bf_meta_new(root, BF_UNDO_DIR, 0600, &meta) < 0)
        return -1;
    char *text = json_dumps(j->json, JSON_INDENT(1) | JSON_SORT_KEYS);
    struct bf_content c = {.data = text, .len = text ? strlen(text) : 0};
    int rc = text ? bf_replace(root, JOURNAL, &c, &meta, false, NULL) : -1;
    free(text);
    bf_meta_free(&meta);
    return rc;
}

void bf_journal_remove(const struct bf_fin_root *root)
{
    bf_unlink(root, JOURNAL);
}

// Keeps bytes in a new numbered copy, and names it in the entry.
static int save_copy(struct bf_journal *j, const struct bf_fin_root *root, json_t *entry,
                     const char *data, size_t len)
{
    char name[16], path[64];
    json_int_t n = json_integer_value(json_object_get(j->json, "next"));
    if (n < 1 || n > 999999)
        return -1;
    snprintf(name, sizeof name, "%" JSON_INTEGER_FORMAT, n);
    snprintf(path, sizeof path, BF_UNDO_DIR "/%s", name);
    struct bf_meta meta;
    if (prepare_dir(j, root) < 0 || bf_meta_new(root, BF_UNDO_DIR, 0600, &meta) < 0)
        return -1;
    struct bf_content c = {.data = data, .len = len};
    int rc = bf_replace(root, path, &c, &meta, false, NULL);
    bf_meta_free(&meta);
    json_object_set_new(j->json, "next", json_integer(n + 1));
    return rc < 0 ? -1 : json_object_set_new(entry, "copy", json_string(name));
}

static int save_tail(struct bf_journal *j, const struct bf_fin_root *root, json_t *entry,
                     const struct bf_edit *edit)
{
    size_t len = (size_t)(edit->old_size - edit->keep);
    char *tail = len <= BF_ROOT_BLOB_MAX * 4 ? malloc(len + 1) : NULL;
    if (!tail)
        return -1;
    int rc =
        bf_fin_root_pread(root, edit->path, tail, len, (off_t)edit->keep) == (ssize_t)len ? 0 : -1;
    if (rc == 0)
        rc = save_copy(j, root, entry, tail, len);
    free(tail);
    return rc < 0 ? -1 : json_object_set_new(entry, "keep", json_integer((json_int_t)edit->keep));
}

int bf_journal_record(struct bf_journal *j, const struct bf_fin_root *root,
                      const struct bf_edit *edit)
{
    char dir[4096];
    json_t *files = json_object_get(j->json, "files");
    bf_dirname(edit->path, dir, sizeof dir);
    if (record_dir(j, root, dir) < 0)
        return -1;
    if (json_object_get(files, edit->path))
        return 0;
    const char *was = edit->tail ? "tail" : edit->existed ? "saved" : "absent";
    json_t *entry = json_pack("{s:s}", "was", was);
    if (!entry || json_object_set_new(files, edit->path, entry) < 0)
        return -1;
    if (!edit->existed)
        return 0;
    struct bf_meta meta;
    if (bf_meta_of(root, edit->path, &meta) < 0)
        return -1;
    int rc = json_object_set_new(entry, "meta", bf_meta_to_json(&meta));
    bf_meta_free(&meta);
    if (rc < 0)
        return -1;
    return edit->tail ? save_tail(j, root, entry, edit)
                      : save_copy(j, root, entry, edit->old, edit->old_len);
}

static json_t *print_json(const struct bf_print *print)
{
    char hex[DIGEST_HEX + 1];
    if (!print)
        return json_null();
    for (size_t i = 0; i < sizeof print->digest.bytes; i++)
        snprintf(hex + 2 * i, 3, "%02x", print->digest.bytes[i]);
    return json_pack("{s:I,s:s}", "size", (json_int_t)print->size, "blake3", hex);
}

void bf_journal_before(struct bf_journal *j, const char *path, const struct bf_print *print)
{
    json_t *entry = json_object_get(json_object_get(j->json, "files"), path);
    json_t *after = json_object_get(entry, "after");
    if (after)
        json_object_set(entry, "earlier", after);
    json_object_set_new(entry, "after", print_json(print));
}

void bf_journal_after(struct bf_journal *j, const char *path, const struct bf_print *print)
{
    json_t *entry = json_object_get(json_object_get(j->json, "files"), path);
    json_object_del(entry, "earlier");
    json_object_set_new(entry, "after", print_json(print));
}

bool bf_journal_is_print(const json_t *value, const struct bf_print *print)
{
    json_t *mine = value ? print_json(print) : NULL;
    bool same = mine && json_equal(value, mine);
    json_decref(mine);
    return same;
}
