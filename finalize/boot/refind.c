// SPDX-License-Identifier: Apache-2.0
// rEFInd: refind_linux.conf beside the kernels, whose lines have a title and a command line in
// quotes, and stanzas of refind.conf (Rod Smith, "Configuring the Boot Manager" and "Methods of
// Booting Linux").
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/boot/cmdline.h"
#include "finalize/boot/esp.h"
#include "finalize/boot/loader.h"
#include "finalize/boot/menu.h"

static void found(struct bf_fin *f, const char *esp)
{
    char efi[64], path[300];
    snprintf(efi, sizeof efi, "%s/EFI", esp ? esp : "");
    if (esp && bf_esp_find(f, efi, "refind", path, sizeof path))
        bf_system_add_loader(&f->system, bf_refind.name, path);
}

// The inside of a value in quotes, in which two quotes are one of its own; or one bare word.
static bool inside(const char *value, size_t len, const char **at, size_t *n)
{
    const char *end = value + len;
    if (!len || value[0] != '"')
        return bf_word_next(&value, end, at, n) && !memchr(*at, '"', *n);
    size_t i = 1;
    while (i < len && (value[i] != '"' || (i + 1 < len && value[i + 1] == '"')))
        i += value[i] == '"' ? 2 : 1;
    *at = value + 1;
    *n = i - 1;
    return i < len;
}

// "title" "command line"
static void read_pair(struct bf_menu_line *l)
{
    const char *value = l->line.at, *title, *at;
    size_t len = l->line.len, n;
    bf_menu_trim(&value, &len);
    if (!len || value[0] != '"' || !inside(value, len, &title, &n))
        return;
    const char *rest = title + n + 1;
    size_t rest_len = len - n - 2;
    if (!rest_len || (*rest != ' ' && *rest != '\t'))
        return;
    bf_menu_trim(&rest, &rest_len);
    if (!inside(rest, rest_len, &at, &n))
        return;
    l->wrap = at == rest;
    l->words = at;
    l->words_len = n;
    l->console = bf_cmdline_has_root(at, n);
}

static enum bf_err rewrite_pairs(struct bf_fin *f, const char *path)
{
    struct bf_menu m;
    bool there, first = true;
    enum bf_err err = bf_menu_load(f, path, &m, &there);
    if (there && !err) {
        for (size_t i = 0; i < m.lines; i++) {
            read_pair(&m.line[i]);
            m.line[i].entry = bf_menu_add(&m);
            m.entry[m.line[i].entry].initrd = true; // it looks for one beside the kernel
            m.entry[m.line[i].entry].starts = first && m.line[i].words;
            first = first && !m.line[i].words;
        }
        err = bf_menu_write(f, path, &m);
    }
    bf_menu_free(&m);
    return err;
}

// menuentry NAME { ... initrd FILE ... options "..." submenuentry NAME { ... } }
static void read_stanza(struct bf_menu *m, struct bf_menu_line *l, bool *in)
{
    const char *value;
    size_t len;
    if (bf_menu_keyword(&l->line, "menuentry", &value, &len)) {
        bf_menu_add(m);
        *in = true;
    }
    l->entry = (unsigned)m->entries - 1;
    if (!*in)
        return;
    if (bf_menu_keyword(&l->line, "initrd", &value, &len))
        m->entry[l->entry].initrd = true;
    bool options = bf_menu_keyword(&l->line, "options", &value, &len);
    if ((!options && !bf_menu_keyword(&l->line, "add_options", &value, &len)) ||
        !inside(value, len, &l->words, &l->words_len)) {
        l->words = NULL;
        return;
    }
    l->wrap = value == l->words;
    l->console = options && bf_cmdline_has_root(l->words, l->words_len);
}

static enum bf_err rewrite_config(struct bf_fin *f, const char *path, unsigned depth);

static enum bf_err include(struct bf_fin *f, const char *from, const char *name, size_t len,
                           unsigned depth)
{
    char path[1024];
    const char *slash = strrchr(from, '/');
    if (!len || len > 200 || memchr(name, '/', len) || memchr(name, '\\', len) || depth > 0)
        return BF_OK; // it includes from its own folder, and one level deep
    snprintf(path, sizeof path, "%.*s/%.*s", (int)(slash - from), from, (int)len, name);
    return rewrite_config(f, path, depth + 1);
}

static enum bf_err rewrite_config(struct bf_fin *f, const char *path, unsigned depth)
{
    struct bf_menu m;
    bool there, in = false;
    const char *value;
    size_t len;
    enum bf_err err = bf_menu_load(f, path, &m, &there);
    for (size_t i = 0; i < m.lines && !err; i++) {
        read_stanza(&m, &m.line[i], &in);
        if (bf_menu_keyword(&m.line[i].line, "include", &value, &len))
            err = include(f, path, value, len, depth);
    }
    if (there && !err)
        err = bf_menu_write(f, path, &m);
    bf_menu_free(&m);
    return err;
}

static enum bf_err rewrite_esp(struct bf_fin *f, const char *mount)
{
    static const char *const folders[] = {"refind", "BOOT"};
    char efi[64], dir[300], path[512];
    enum bf_err err = BF_OK;
    snprintf(efi, sizeof efi, "%s/EFI", mount);
    for (size_t i = 0; i < BF_COUNT(folders) && !err; i++)
        if (bf_esp_find(f, efi, folders[i], dir, sizeof dir) &&
            bf_esp_find(f, dir, "refind.conf", path, sizeof path))
            err = rewrite_config(f, path, 0);
    return err;
}

static enum bf_err rewrite(struct bf_fin *f)
{
    static const char *const pairs[] = {"/boot/refind_linux.conf", "/refind_linux.conf",
                                        "/efi/refind_linux.conf", "/boot/efi/refind_linux.conf"};
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < BF_COUNT(pairs) && !err; i++)
        err = rewrite_pairs(f, pairs[i]);
    for (const char *const *mount = bf_esp_mounts; *mount && !err; mount++)
        err = rewrite_esp(f, *mount);
    return err;
}

const struct bf_loader_ops bf_refind = {
    .name = "refind",
    .title = "rEFInd",
    .found = found,
    .rewrite = rewrite,
};
