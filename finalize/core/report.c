// SPDX-License-Identifier: Apache-2.0
// Builds the JSON report, and saves it and its text readable by their owner only.
#include "finalize/core/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "finalize/core/diff.h"
#include "finalize/core/fault.h"

void bf_fin_report_init(struct bf_fin_report *r, const char *mode)
{
    r->json = json_pack("{s:i,s:s,s:s,s:[],s:[]}", "version", 1, "mode", mode, "result", "ok",
                        "changes", "notes");
}

void bf_fin_report_free(struct bf_fin_report *r)
{
    json_decref(r->json);
    r->json = NULL;
}

static json_t *vtext(const char *fmt, va_list ap)
{
    struct bf_text t = {0};
    struct bf_text clean = {0};
    bf_text_vf(&t, fmt, ap);
    bf_printable(&clean, bf_text_get(&t), t.len);
    json_t *j = json_string(bf_text_get(&clean));
    bf_text_free(&t);
    bf_text_free(&clean);
    return j;
}

// A path of the guest, which need not be UTF-8: JSON takes nothing else.
static json_t *path_text(const char *path)
{
    json_t *j = json_string(path);
    if (j)
        return j;
    struct bf_text clean = {0};
    bf_printable(&clean, path, strlen(path));
    j = json_string(bf_text_get(&clean));
    bf_text_free(&clean);
    return j;
}

static bool is_there(const json_t *notes, const json_t *note)
{
    size_t i;
    json_t *at;
    json_array_foreach(notes, i, at)
    {
        if (json_equal(at, note))
            return true;
    }
    return false;
}

void bf_note(struct bf_fin_report *r, const char *level, const char *about, const char *fmt, ...)
{
    BF_ASSERT(strcmp(level, "info") == 0 || strcmp(level, "warning") == 0 ||
              strcmp(level, "skipped") == 0);
    va_list ap;
    va_start(ap, fmt);
    json_t *notes = json_object_get(r->json, "notes");
    json_t *note = json_pack("{s:s,s:o,s:o}", "level", level, "about", path_text(about), "text",
                             vtext(fmt, ap));
    va_end(ap);
    if (is_there(notes, note))
        json_decref(note);
    else
        json_array_append_new(notes, note);
}

static void end(struct bf_fin_report *r, const char *result, const char *fmt, va_list ap)
{
    if (!bf_fin_report_is_ok(r))
        return;
    BF_ASSERT(!json_object_get(r->json, "error")); // the first one wins
    json_object_set_new(r->json, "result", json_string(result));
    json_object_set_new(r->json, "error", vtext(fmt, ap));
}

void bf_fin_report_reset(struct bf_fin_report *r)
{
    json_object_set_new(r->json, "result", json_string("ok"));
    json_object_del(r->json, "error");
}

enum bf_err bf_refuse(struct bf_fin_report *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    end(r, "refused", fmt, ap);
    va_end(ap);
    return BF_ERR_CONFIG;
}

enum bf_err bf_fail(struct bf_fin_report *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    end(r, "failed", fmt, ap);
    va_end(ap);
    return BF_ERR_IO;
}

bool bf_fin_report_is_ok(const struct bf_fin_report *r)
{
    const char *result = json_string_value(json_object_get(r->json, "result"));
    return result && strcmp(result, "ok") == 0;
}

// A private key, or what random numbers are made of: a file that is a secret as a whole.
static bool is_secret(const char *path, const char *text, size_t len)
{
    static const char *const end[] = {"_key", "/secret", "random-seed"};
    static const char mark[] = "PRIVATE KEY-----";
    size_t n = strlen(path);
    bool is = text && memmem(text, len, mark, sizeof mark - 1);
    for (size_t i = 0; i < BF_COUNT(end) && !is; i++)
        is = n >= strlen(end[i]) && strcmp(path + n - strlen(end[i]), end[i]) == 0;
    return is;
}

void bf_fin_report_change(struct bf_fin_report *r, const char *path, const char *action,
                          const char *why, const char *before, size_t before_len, const char *after,
                          size_t after_len)
{
    BF_ASSERT(path && action[0] && why);
    json_t *change =
        json_pack("{s:o,s:s,s:s}", "path", path_text(path), "action", action, "reason", why);
    if (before)
        json_object_set_new(change, "size_before", json_integer((json_int_t)before_len));
    if (after)
        json_object_set_new(change, "size_after", json_integer((json_int_t)after_len));
    bool text = bf_is_text(before ? before : "", before ? before_len : 0) &&
                bf_is_text(after ? after : "", after ? after_len : 0) &&
                !is_secret(path, before, before_len) && !is_secret(path, after, after_len);
    if (text && (before || after)) {
        struct bf_text diff = {0};
        bf_diff(&diff, json_string_value(json_object_get(change, "path")), before, before_len,
                after, after_len);
        json_object_set_new(change, "diff", json_string(bf_text_get(&diff)));
        bf_text_free(&diff);
    }
    json_array_append_new(json_object_get(r->json, "changes"), change);
}

// A change of a file that is not held in memory.
static void report_large(struct bf_fin_report *r, const struct bf_edit *e, const char *action)
{
    BF_ASSERT(e->tail && (e->data || e->parts) && e->path[0] == '/');
    json_t *change = json_pack("{s:o,s:s,s:s,s:I,s:I}", "path", path_text(e->path), "action",
                               action, "reason", e->why ? e->why : "", "size_before",
                               (json_int_t)e->old_size, "size_after", (json_int_t)bf_edit_size(e));
    json_array_append_new(json_object_get(r->json, "changes"), change);
}

void bf_fin_report_changes(struct bf_fin_report *r, const struct bf_edits *e)
{
    static const char *const action[] = {"", "create", "modify", "remove", "modify", "append"};
    for (size_t i = 0; i < e->count; i++) {
        const struct bf_edit *edit = e->item[i];
        enum bf_edit_kind kind = bf_edit_kind(edit);
        BF_ASSERT((size_t)kind < BF_COUNT(action));
        if (kind == BF_EDIT_TAIL || kind == BF_EDIT_PARTS)
            report_large(r, edit, action[kind]);
        else if (kind != BF_EDIT_NONE)
            bf_fin_report_change(r, edit->path, action[kind], edit->why ? edit->why : "", edit->old,
                                 edit->old_len, edit->data, edit->len);
    }
}

static enum bf_err save_private(const char *file, const char *data, size_t len,
                                struct bf_fault *fault)
{
    char tmp[4096];
    if (snprintf(tmp, sizeof tmp, "%s.XXXXXX", file) >= (int)sizeof tmp)
        return bf_fault_errno(fault, ENAMETOOLONG);
    int fd = mkostemp(tmp, O_CLOEXEC); // mode 0600
    if (fd < 0)
        return bf_fault_errno(fault, errno);
    FILE *f = fdopen(fd, "w");
    bool ok = f && fwrite(data, 1, len, f) == len && fflush(f) == 0 && fsync(fd) == 0;
    if (f)
        ok = fclose(f) == 0 && ok;
    else
        close(fd);
    if (ok && rename(tmp, file) == 0)
        return BF_OK;
    enum bf_err err = bf_fault_errno(fault, errno);
    unlink(tmp);
    return err;
}

enum bf_err bf_fin_report_save(const char *json_bytes, size_t len, const char *file,
                               struct bf_fault *fault)
{
    char name[4096];
    struct bf_text text = {0};
    json_t *report = json_loadb(json_bytes, len, 0, NULL);
    bf_fin_report_text(report, &text);
    snprintf(name, sizeof name, "%s.txt", file);
    enum bf_err err = save_private(file, json_bytes, len, fault);
    if (!err)
        err = save_private(name, bf_text_get(&text), text.len, fault);
    bf_text_free(&text);
    json_decref(report);
    return err;
}
