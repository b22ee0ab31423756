// SPDX-License-Identifier: Apache-2.0
// Raspberry Pi's firmware: the first line of cmdline.txt beside config.txt (Raspberry Pi
// documentation, "Kernel command line"). A kernel there has an initramfs only where config.txt
// names one.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/boot/cmdline.h"
#include "finalize/boot/loader.h"
#include "finalize/boot/menu.h"

static const char *const folders[] = {"/boot/firmware", "/boot"};

static bool is_folder(struct bf_fin *f, const char *dir, char *path, size_t size)
{
    snprintf(path, size, "%s/config.txt", dir);
    if (!bf_fin_root_exists(f->root, path))
        return false;
    snprintf(path, size, "%s/cmdline.txt", dir);
    return bf_fin_root_exists(f->root, path);
}

static void found(struct bf_fin *f, const char *esp)
{
    char path[64];
    for (size_t i = 0; !esp && i < BF_COUNT(folders); i++)
        if (is_folder(f, folders[i], path, sizeof path)) {
            bf_system_add_loader(&f->system, bf_raspberry.name, folders[i]);
            return;
        }
}

static bool has_initramfs(struct bf_fin *f, const char *dir)
{
    char path[64];
    struct bf_menu m;
    bool there, has = false;
    const char *value;
    size_t len;
    snprintf(path, sizeof path, "%s/config.txt", dir);
    enum bf_err err = bf_menu_load(f, path, &m, &there);
    for (size_t i = 0; i < m.lines && !err; i++) {
        const struct bf_line *line = &m.line[i].line;
        has = has || bf_menu_keyword(line, "initramfs", &value, &len) ||
              bf_menu_keyword(line, "auto_initramfs=1", &value, &len);
    }
    bf_menu_free(&m);
    return has;
}

static enum bf_err rewrite_folder(struct bf_fin *f, const char *dir, const char *path)
{
    struct bf_menu m;
    bool there;
    enum bf_err err = bf_menu_load(f, path, &m, &there);
    if (m.lines && !err) {
        m.line[0].words = m.line[0].line.at;
        m.line[0].words_len = m.line[0].line.len;
        m.line[0].console = true;
        m.entry[0].starts = true;
        m.entry[0].initrd = has_initramfs(f, dir);
        err = bf_menu_write(f, path, &m);
    }
    bf_menu_free(&m);
    return err;
}

static enum bf_err rewrite(struct bf_fin *f)
{
    char path[64];
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < BF_COUNT(folders) && !err; i++)
        if (is_folder(f, folders[i], path, sizeof path))
            err = rewrite_folder(f, folders[i], path);
    return err;
}

const struct bf_loader_ops bf_raspberry = {
    .name = "raspberry-pi",
    .title = "Raspberry Pi's firmware",
    .found = found,
    .rewrite = rewrite,
};
