// SPDX-License-Identifier: Apache-2.0
// Limine: cmdline of the entries in limine.conf ("cmdline: ...", and "CMDLINE=..." of limine.cfg
// before version 8). One whose checksum is enrolled in the loader is noticed by nobody here.
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/boot/cmdline.h"
#include "finalize/boot/loader.h"
#include "finalize/boot/menu.h"

static const char *const files[] = {
    "/boot/limine.conf",          "/boot/limine/limine.conf",    "/boot/EFI/limine/limine.conf",
    "/boot/EFI/BOOT/limine.conf", "/boot/efi/limine.conf",       "/boot/efi/EFI/limine/limine.conf",
    "/efi/limine.conf",           "/efi/EFI/limine/limine.conf", "/boot/limine.cfg",
    "/boot/limine/limine.cfg"};

static void found(struct bf_fin *f, const char *esp)
{
    for (size_t i = 0; !esp && i < BF_COUNT(files); i++)
        if (bf_fin_root_exists(f->root, files[i])) {
            bf_system_add_loader(&f->system, bf_limine.name, files[i]);
            return;
        }
}

// "KEY: value" or "KEY=value"
static bool field(const struct bf_line *line, const char *key, const char **value, size_t *len)
{
    size_t n = strlen(key);
    *value = line->at;
    *len = line->len;
    bf_menu_trim(value, len);
    if (*len <= n || strncasecmp(*value, key, n) != 0 || !strchr(":=", (*value)[n]))
        return false;
    *value += n + 1;
    *len -= n + 1;
    bf_menu_trim(value, len);
    return true;
}

static void read_line(struct bf_menu *m, struct bf_menu_line *l)
{
    const char *value = l->line.at;
    size_t len = l->line.len;
    bf_menu_trim(&value, &len);
    if (len && (value[0] == '/' || value[0] == ':'))
        bf_menu_add(m);
    l->entry = (unsigned)m->entries - 1;
    if (field(&l->line, "module_path", &value, &len))
        m->entry[l->entry].initrd = true;
    if (!field(&l->line, "cmdline", &value, &len) &&
        !field(&l->line, "kernel_cmdline", &value, &len))
        return;
    l->words = value;
    l->words_len = len;
    l->console = bf_cmdline_has_root(value, len);
    m->entry[l->entry].words = true;
}

static enum bf_err rewrite_file(struct bf_fin *f, const char *path)
{
    struct bf_menu m;
    bool there;
    enum bf_err err = bf_menu_load(f, path, &m, &there);
    if (there && !err) {
        size_t first = 1;
        for (size_t i = 0; i < m.lines; i++)
            read_line(&m, &m.line[i]);
        while (first < m.entries && !m.entry[first].words)
            first++;
        if (first < m.entries)
            m.entry[first].starts = true;
        err = bf_menu_write(f, path, &m);
    }
    bf_menu_free(&m);
    return err;
}

static enum bf_err rewrite(struct bf_fin *f)
{
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < BF_COUNT(files) && !err; i++)
        err = rewrite_file(f, files[i]);
    return err;
}

const struct bf_loader_ops bf_limine = {
    .name = "limine",
    .title = "Limine",
    .found = found,
    .rewrite = rewrite,
};
