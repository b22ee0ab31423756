// SPDX-License-Identifier: Apache-2.0
// systemd-boot, and entries of the Boot Loader Specification, which other loaders read too: what
// starts next (loader/entries). What entries are made from is in kernel_install.c.
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/boot/cmdline.h"
#include "finalize/boot/esp.h"
#include "finalize/boot/grub_config.h"
#include "finalize/boot/kernel_install.h"
#include "finalize/boot/loader.h"
#include "finalize/boot/menu.h"

static void found(struct bf_fin *f, const char *esp)
{
    char path[64];
    snprintf(path, sizeof path, "%s/loader/loader.conf", esp ? esp : "");
    if (esp && bf_fin_root_exists(f->root, path))
        bf_system_add_loader(&f->system, bf_systemd_boot.name, path);
}

// A folder of entries, and which of them is the default.
struct folder {
    char pattern[256];                 // of loader.conf; "": none
    const char *newest;                // name of a file
    const struct bf_grub_config *grub; // whose variables an entry may use
    bool chosen;                       // some entry is meant by name
};

// "default PATTERN" of loader.conf(5); what the loader remembers itself is not known.
static void read_pattern(struct bf_fin *f, const char *dir, char *out, size_t size)
{
    char path[300];
    struct bf_menu m;
    bool there;
    const char *value;
    size_t len;
    out[0] = 0;
    snprintf(path, sizeof path, "%.200s", dir);
    char *slash = strrchr(path, '/');
    snprintf(slash, sizeof path - (size_t)(slash - path), "/loader.conf");
    enum bf_err err = bf_menu_load(f, path, &m, &there);
    for (size_t i = 0; i < m.lines && !err; i++)
        if (bf_menu_keyword(&m.line[i].line, "default", &value, &len) && len < size &&
            value[0] != '@')
            snprintf(out, size, "%.*s", (int)len, value);
    bf_menu_free(&m);
}

static bool is_saved(const struct folder *d, const char *id)
{
    const char *saved = bf_text_get(&d->grub->saved);
    size_t pos = 0, len = strlen(saved);
    struct bf_line line;
    while (bf_line_next(saved, len, &pos, &line))
        if (bf_word_is(line.at, line.len, id))
            return true;
    return false;
}

static bool is_chosen(const struct folder *d, const char *name)
{
    char id[256];
    snprintf(id, sizeof id, "%.*s", (int)(strlen(name) - strlen(".conf")), name);
    return is_saved(d, id) || (d->pattern[0] && (fnmatch(d->pattern, name, FNM_CASEFOLD) == 0 ||
                                                 fnmatch(d->pattern, id, FNM_CASEFOLD) == 0));
}

static void choose(struct folder *d, const struct bf_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->name[i];
        if (!d->newest || strverscmp(name, d->newest) > 0)
            d->newest = name;
        d->chosen = d->chosen || is_chosen(d, name);
    }
}

// Whether options that another file holds, with the console, are among these.
static bool has_kernelopts(const struct folder *d, const char *at, size_t len)
{
    const char *end = at + len, *w;
    char name[BF_GRUB_NAME];
    size_t n;
    while (d->grub->kernelopts && bf_word_next(&at, end, &w, &n))
        if (bf_grub_variable(w, n, name, sizeof name) && bf_grub_is_kernelopts(name))
            return true;
    return false;
}

// "options" may stand in several lines, which are joined.
static void find_options(struct bf_fin *f, const struct folder *d, struct bf_menu *m)
{
    struct bf_menu_line *last = NULL;
    bool console = false;
    const char *value;
    size_t len;
    for (size_t i = 0; i < m->lines; i++) {
        struct bf_menu_line *l = &m->line[i];
        m->entry[0].initrd =
            m->entry[0].initrd || bf_menu_keyword(&l->line, "initrd", &value, &len);
        if (!bf_menu_keyword(&l->line, "options", &l->words, &l->words_len)) {
            l->words = NULL;
            continue;
        }
        console = console || bf_cmdline_has_console(f, l->words, l->words_len) ||
                  has_kernelopts(d, l->words, l->words_len);
        last = l;
    }
    if (last)
        last->console = !console;
}

static enum bf_err rewrite_entry(struct bf_fin *f, const char *path, const struct folder *d)
{
    struct bf_menu m;
    bool there;
    const char *name = strrchr(path, '/') + 1;
    enum bf_err err = bf_menu_load(f, path, &m, &there);
    if (there && !err) {
        m.entry[0].starts = d->chosen ? is_chosen(d, name) : strcmp(name, d->newest) == 0;
        find_options(f, d, &m);
        err = bf_menu_write(f, path, &m);
    }
    bf_menu_free(&m);
    return err;
}

static enum bf_err rewrite_folder(struct bf_fin *f, const char *dir,
                                  const struct bf_grub_config *grub)
{
    struct bf_names names;
    struct folder d = {.grub = grub};
    enum bf_err err = BF_OK;
    if (bf_edits_list(&f->edits, dir, ".conf", &names))
        return BF_OK;
    if (names.count)
        read_pattern(f, dir, d.pattern, sizeof d.pattern);
    choose(&d, &names);
    for (size_t i = 0; i < names.count && !err; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%.255s", dir, names.name[i]);
        err = rewrite_entry(f, path, &d);
    }
    bf_names_free(&names);
    return err;
}

static enum bf_err rewrite_entries(struct bf_fin *f)
{
    struct bf_grub_config *grub = malloc(sizeof *grub);
    if (!grub)
        return bf_fail(f->report, "out of memory");
    enum bf_err err = bf_grub_find(f, grub);
    for (const char *const *mount = bf_esp_mounts; *mount && !err; mount++) {
        char dir[64];
        snprintf(dir, sizeof dir, "%s/loader/entries", *mount);
        err = rewrite_folder(f, dir, grub);
    }
    bf_grub_config_free(grub);
    free(grub);
    return err;
}

static enum bf_err rewrite(struct bf_fin *f)
{
    enum bf_err err = bf_kernel_install(f);
    return err ? err : rewrite_entries(f);
}

// It has one file and finds its entries on its own partition.
static enum bf_err fallback(struct bf_fin *f, const char *efi)
{
    char dir[128], boot[128], name[32];
    snprintf(dir, sizeof dir, "%s/systemd", efi);
    snprintf(boot, sizeof boot, "%s/BOOT", efi);
    if (!bf_fin_root_exists(f->root, dir))
        return BF_ERR_NOT_FOUND;
    bf_esp_name(f, "systemd-boot", name, sizeof name);
    return bf_esp_copy(f, dir, name, boot, f->system.architecture->fallback);
}

const struct bf_loader_ops bf_systemd_boot = {
    .name = "systemd-boot",
    .title = "systemd-boot",
    .found = found,
    .rewrite = rewrite,
    .fallback = fallback,
};
