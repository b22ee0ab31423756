// SPDX-License-Identifier: Apache-2.0
// Where SELinux is on, what has no label, or a wrong one, may keep a service from starting. New
// files get the label that the guest's own file contexts name; when these cannot be used, the guest
// is told to label everything anew at its first start.
//
// libselinux reads the texts of file_contexts, never their compiled form (.bin), which would be a
// program for its matcher; so copies of the texts alone are put into a folder of their own.
#include "finalize/system/selinux.h"

#include <ftw.h>
#include <selinux/label.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "finalize/system/steps.h"

#define CONFIG    "/etc/selinux/config"
#define LABEL_MAX 1024

static const char *const parts[] = {"", ".homedirs", ".local", ".subs", ".subs_dist"};

// The value of KEY=value in the configuration, without blanks.
static void setting(const char *text, size_t len, const char *key, char *out, size_t size)
{
    struct bf_line line;
    size_t pos = 0, n = strlen(key), word_len;
    while (bf_line_next(text, len, &pos, &line)) {
        const char *at = line.at, *word;
        if (!bf_word_next(&at, line.at + line.len, &word, &word_len) || word_len <= n ||
            memcmp(word, key, n) != 0 || word[n] != '=')
            continue;
        snprintf(out, size, "%.*s", (int)(word_len - n - 1), word + n + 1);
    }
}

static bool write_file(const char *path, const char *text, size_t len)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return false;
    bool ok = fwrite(text, 1, len, file) == len;
    return fclose(file) == 0 && ok;
}

// Copies the policy's texts into `folder`; false without the main one.
static bool copy_texts(struct bf_fin *f, const char *type, const char *folder)
{
    bool any = false;
    for (size_t i = 0; i < BF_COUNT(parts); i++) {
        char from[256], to[256];
        size_t len;
        snprintf(from, sizeof from, "/etc/selinux/%.64s/contexts/files/file_contexts%s", type,
                 parts[i]);
        snprintf(to, sizeof to, "%.128s/file_contexts%s", folder, parts[i]);
        char *text = bf_fin_root_read(f->root, from, BF_ROOT_TEXT_MAX, &len, NULL);
        bool ok = text && write_file(to, text, len);
        any = any || (i == 0 && ok);
        free(text);
    }
    return any;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static bool open_texts(struct bf_fin *f, const char *type)
{
    char folder[] = "/tmp/bootferry-labels.XXXXXX", path[64];
    if (!mkdtemp(folder))
        return false;
    snprintf(path, sizeof path, "%s/file_contexts", folder);
    struct selinux_opt option = {SELABEL_OPT_PATH, path};
    if (copy_texts(f, type, folder))
        f->labels.handle = selabel_open(SELABEL_CTX_FILE, &option, 1);
    nftw(folder, remove_one, 4, FTW_DEPTH | FTW_PHYS);
    return f->labels.handle;
}

static char *label_of(void *labels, const char *path, mode_t mode)
{
    char *found = NULL;
    if (selabel_lookup_raw(((struct bf_labels *)labels)->handle, &found, path, (int)mode))
        return NULL;
    char *label =
        strcmp(found, "<<none>>") != 0 && strlen(found) < LABEL_MAX ? strdup(found) : NULL;
    freecon(found);
    return label;
}

static int say_nothing(int type, const char *format, ...)
{
    return 0;
}

static enum bf_err relabel(struct bf_fin *f)
{
    struct bf_text empty = {0};
    bf_text_str(&empty, "");
    bf_note(f->report, "warning", "SELinux",
            "new files have no label; the system labels everything anew at its first start, which "
            "takes minutes and ends with a restart");
    enum bf_err err = bf_fin_set(f, "/.autorelabel", &empty, "SELinux labels of new files");
    bf_text_free(&empty);
    return err;
}

enum bf_err bf_adapt_labels(struct bf_fin *f)
{
    size_t len;
    char mode[16] = "disabled", type[64] = "targeted";
    if (bf_edits_changes(&f->edits) == 0)
        return BF_OK;
    const char *text = bf_edits_get(&f->edits, CONFIG, &len, NULL);
    if (!text)
        return BF_OK;
    setting(text, len, "SELINUX", mode, sizeof mode);
    setting(text, len, "SELINUXTYPE", type, sizeof type);
    if (strcmp(mode, "disabled") == 0)
        return BF_OK;
    selinux_set_callback(SELINUX_CB_LOG, (union selinux_callback){.func_log = say_nothing});
    // Only root can set a label.
    if (geteuid() != 0 || strchr(type, '/') || type[0] == '.' || !open_texts(f, type))
        return relabel(f);
    f->root->label = label_of;
    f->root->labels = &f->labels;
    return BF_OK;
}

void bf_labels_close(struct bf_labels *labels)
{
    if (labels->handle)
        selabel_close(labels->handle);
    labels->handle = NULL;
}
