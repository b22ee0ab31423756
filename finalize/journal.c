// SPDX-License-Identifier: Apache-2.0
// The undo journal in the guest; see journal.h and docs/finalizer.md.
#include "finalize/journal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/commit.h"

#define JOURNAL     BF_UNDO_DIR "/journal.json"
#define JOURNAL_MAX ((size_t)8 << 20)

void bf_journal_copy_path(const char *copy, char *out, size_t size)
{
    snprintf(out, size, BF_UNDO_DIR "/%s", copy);
}

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

static bool valid_file(const char *path, const json_t *entry)
{
    struct bf_meta meta;
    const char *was = json_string_value(json_object_get(entry, "was"));
    if (path[0] != '/' || !was)
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
    if (json_integer_value(json_object_get(json, "version")) != 1 || !json_is_object(files) ||
        !json_is_object(dirs) || !json_is_object(macs) ||
        !json_is_integer(json_object_get(json, "next")))
        return false;
    json_object_foreach(files, path, entry) if (!valid_file(path, entry)) return false;
    json_object_foreach(dirs, path,
                        entry) if (path[0] != '/' || !json_is_object(entry)) return false;
    return true;
}

int bf_journal_load(struct bf_journal *j, const struct bf_fin_root *root, struct bf_fin_report *r)
{
    size_t len;
    j->json = NULL;
    char *text = bf_fin_root_read(root, JOURNAL, JOURNAL_MAX, &len);
    if (!text && errno == ENOENT) {
        j->json =
            json_pack("{s:i,s:i,s:{},s:{},s:{}}", "version", 1, "next", 1, "files", "dirs", "macs");
        return j->json ? 0 : bf_fail(r, "out of memory");
    }
    if (!text)
        return bf_fail(r, "the undo journal " JOURNAL " cannot be read: %s", strerror(errno));
    j->json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    if (j->json && valid_journal(j->json))
        return 0;
    bf_journal_free(j);
    return bf_fail(r, "the undo journal " JOURNAL " is damaged; nothing was touched");
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
    return make_dirs(root, BF_UNDO_DIR, 0700);
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
    bf_journal_copy_path(name, path, sizeof path);
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

void bf_journal_after(struct bf_journal *j, const char *path, const struct bf_print *print)
{
    char hash[20];
    json_t *entry = json_object_get(json_object_get(j->json, "files"), path);
    if (!print) {
        json_object_set_new(entry, "after", json_null());
        return;
    }
    snprintf(hash, sizeof hash, "%016" PRIx64, print->hash);
    json_object_set_new(entry, "after",
                        json_pack("{s:I,s:s}", "size", (json_int_t)print->size, "hash", hash));
}
