// SPDX-License-Identifier: Apache-2.0
// extlinux and syslinux, and U-Boot where it reads extlinux.conf: keywords of any case, one in a
// line (Syslinux wiki, "Config"; U-Boot, doc/README.pxe). What extlinux.conf is made from is in
// extlinux_defaults.c.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/boot/cmdline.h"
#include "finalize/boot/esp.h"
#include "finalize/boot/extlinux_defaults.h"
#include "finalize/boot/loader.h"
#include "finalize/boot/menu.h"

#define SERIAL    "SERIAL 0 115200\n"
#define FILES_MAX 32

static const char *const files[] = {"/boot/extlinux/extlinux.conf",
                                    "/boot/extlinux.conf",
                                    "/extlinux.conf",
                                    "/extlinux/extlinux.conf",
                                    "/boot/syslinux/syslinux.cfg",
                                    "/boot/syslinux/extlinux.conf",
                                    "/syslinux/syslinux.cfg",
                                    "/syslinux/extlinux.conf",
                                    "/boot/syslinux.cfg",
                                    "/syslinux.cfg",
                                    "/boot/efi/extlinux/extlinux.conf"};

// U-Boot reads the same file, and needs no loader of the disk.
static bool has_boot_record(struct bf_fin *f, const char *dir)
{
    char path[96];
    snprintf(path, sizeof path, "%s/ldlinux.sys", dir);
    return bf_fin_root_exists(f->root, path);
}

static void found(struct bf_fin *f, const char *esp)
{
    char path[64], where[64];
    for (size_t i = 0; !esp && i < BF_COUNT(files); i++)
        if (bf_fin_root_exists(f->root, files[i])) {
            bool extlinux = strstr(files[i], "extlinux.conf") != NULL;
            snprintf(where, sizeof where, "%s", files[i]);
            *strrchr(where, '/') = 0;
            f->system.bios = f->system.bios || has_boot_record(f, where);
            bf_system_add_loader(&f->system, extlinux ? "extlinux" : "syslinux",
                                 where[0] ? where : "/");
            return;
        }
    snprintf(path, sizeof path, "%s/EFI/syslinux", esp ? esp : "");
    if (esp && bf_fin_root_is_dir(f->root, path))
        bf_system_add_loader(&f->system, "syslinux", path);
}

// ---- Files --------------------------------------------------------------------------------------

struct config {
    struct bf_fin *f;
    char path[FILES_MAX][512]; // canonical; those from `mains` on are included
    size_t count, mains;
    char first[256]; // the default's label, as a file that is not included says it
};

static void add_file(struct config *c, const char *path)
{
    struct stat st;
    size_t i = 0;
    char *real = bf_fin_root_real(c->f->root, path, NULL);
    bool file = real && bf_fin_root_stat(c->f->root, real, &st, NULL) == BF_OK &&
                S_ISREG(st.st_mode) && strlen(real) < sizeof c->path[0];
    while (file && i < c->count && strcmp(c->path[i], real) != 0)
        i++;
    if (file && i == FILES_MAX)
        bf_note(c->f->report, "warning", path, "syslinux reads more files than are followed");
    else if (file && i == c->count)
        snprintf(c->path[c->count++], sizeof c->path[0], "%s", real);
    free(real);
}

// A file that another one includes: from its folder, or from the root of a file system.
static void include(struct config *c, const char *from, const char *name, size_t len)
{
    char dir[512], path[1100];
    const char *bases[] = {dir, "", "/boot", "/boot/efi", "/efi"};
    snprintf(dir, sizeof dir, "%s", from);
    *strrchr(dir, '/') = 0;
    if (len > 500 || memchr(name, ':', len))
        return;
    for (size_t i = 0; i < BF_COUNT(bases); i++) {
        snprintf(path, sizeof path, "%s%s%.*s", bases[i], *name == '/' ? "" : "/", (int)len, name);
        add_file(c, path);
    }
}

// ---- Lines --------------------------------------------------------------------------------------

// What one file says, while its lines are gone over.
struct state {
    struct config *c;
    const char *path;
    struct bf_menu *m;
    char first[256]; // the default's label; "": the first one
    bool main;
};

static bool second_word(const char *value, size_t len, const char *word, const char **rest,
                        size_t *rest_len)
{
    const char *at = value, *end = value + len, *w;
    size_t n;
    if (!bf_word_next(&at, end, &w, &n) || n != strlen(word) || strncasecmp(w, word, n) != 0)
        return false;
    *rest = at;
    *rest_len = (size_t)(end - at);
    bf_menu_trim(rest, rest_len);
    return true;
}

static void first_word(const char **value, size_t *len)
{
    const char *at = *value, *end = at + *len;
    if (!bf_word_next(&at, end, value, len))
        *len = 0;
}

static void read_include(struct state *s, const struct bf_line *line)
{
    const char *value, *rest;
    size_t len, n;
    if (bf_menu_keyword(line, "include", &value, &len) ||
        (bf_menu_keyword(line, "menu", &rest, &n) &&
         second_word(rest, n, "include", &value, &len))) {
        first_word(&value, &len);
        if (len)
            include(s->c, s->path, value, len);
    }
}

static void read_label(struct state *s, struct bf_menu_line *l)
{
    const char *value, *rest;
    size_t len, n;
    struct bf_menu *m = s->m;
    if (bf_menu_keyword(&l->line, "label", &value, &len)) {
        unsigned entry = bf_menu_add(m);
        m->entry[entry].starts = s->first[0] && bf_word_is(value, len, s->first);
    }
    l->entry = (unsigned)m->entries - 1;
    if (bf_menu_keyword(&l->line, "menu", &value, &len) &&
        second_word(value, len, "default", &rest, &n) && l->entry)
        m->entry[l->entry].starts = true;
    if (bf_menu_keyword(&l->line, "initrd", &value, &len))
        m->entry[l->entry].initrd = true;
}

static void read_append(struct state *s, struct bf_menu_line *l)
{
    const char *value;
    size_t len;
    struct bf_menu_entry *e = &s->m->entry[l->entry];
    if (!bf_menu_keyword(&l->line, "append", &value, &len) || bf_word_is(value, len, "-"))
        return;
    l->words = value;
    l->words_len = len;
    const char *at = value, *w;
    size_t n;
    while (bf_cmdline_next(&at, value + len, &w, &n))
        e->initrd = e->initrd || bf_cmdline_is(w, n, "initrd=");
    e->words = true;
}

// Whether an entry is a Linux kernel: what has neither a root nor an initramfs is a memory test or
// another loader.
static bool is_kernel(const struct bf_menu *m, const struct bf_menu_line *l)
{
    return m->entry[l->entry].initrd || bf_cmdline_has_root(l->words, l->words_len);
}

static void read_default(struct state *s)
{
    const char *value;
    size_t len;
    for (size_t i = 0; i < s->m->lines; i++) {
        const struct bf_line *line = &s->m->line[i].line;
        if ((bf_menu_keyword(line, "default", &value, &len) ||
             bf_menu_keyword(line, "ontimeout", &value, &len)) &&
            len < sizeof s->first)
            snprintf(s->first, sizeof s->first, "%.*s", (int)len, value);
    }
    // Debian's extlinux-update has the default in one file and the entries in another.
    if (s->main && s->first[0])
        snprintf(s->c->first, sizeof s->c->first, "%s", s->first);
    else if (!s->main && !s->first[0])
        snprintf(s->first, sizeof s->first, "%s", s->c->first);
}

static void read_lines(struct state *s)
{
    struct bf_menu *m = s->m;
    bool starts = false;
    read_default(s);
    for (size_t i = 0; i < m->lines; i++) {
        read_include(s, &m->line[i].line);
        read_label(s, &m->line[i]);
        read_append(s, &m->line[i]);
    }
    bool global = m->entry[0].initrd; // which the entries without words of their own have as well
    for (size_t i = 1; i < m->entries; i++) {
        starts = starts || m->entry[i].starts;
        m->entry[0].initrd = m->entry[0].initrd || m->entry[i].initrd;
        m->entry[i].initrd = m->entry[i].initrd || (global && !m->entry[i].words);
    }
    if (!starts && m->entries > 1 && s->main)
        m->entry[1].starts = true;
    m->entry[0].starts = s->main; // all others go on from it
    for (size_t i = 0; i < m->lines; i++)
        m->line[i].console = m->line[i].words && is_kernel(m, &m->line[i]);
}

// ---- The serial port ----------------------------------------------------------------------------

static bool has_port(const struct bf_fin *f)
{
    const struct bf_architecture *a = f->system.architecture;
    return !a || strcmp(a->name, "x86_64") == 0 || strcmp(a->name, "i386") == 0;
}

// SERIAL has to be the first line of all.
static void set_serial(struct bf_fin *f, struct bf_menu *m)
{
    const char *value;
    size_t len;
    bool has = false, menu = m->entries > 1;
    for (size_t i = 0; i < m->lines; i++) {
        menu = menu || bf_menu_keyword(&m->line[i].line, "include", &value, &len);
        if (bf_menu_keyword(&m->line[i].line, "serial", &value, &len)) {
            has = true;
            m->line[i].gone = f->plan->serial_console == BF_OFF;
        }
    }
    if (f->plan->serial_console == BF_ON && !has && menu && has_port(f))
        m->insert = SERIAL;
}

static enum bf_err rewrite_file(struct config *c, size_t i)
{
    struct bf_menu m;
    bool there;
    struct state s = {.c = c, .path = c->path[i], .m = &m, .main = i < c->mains};
    enum bf_err err = bf_menu_load(c->f, s.path, &m, &there);
    if (there && !err) {
        read_lines(&s);
        if (s.main)
            set_serial(c->f, &m);
        err = bf_menu_write(c->f, s.path, &m);
    }
    bf_menu_free(&m);
    return err;
}

static void find_files(struct config *c)
{
    char efi[64], dir[300], path[512];
    for (size_t i = 0; i < BF_COUNT(files); i++)
        add_file(c, files[i]);
    for (const char *const *mount = bf_esp_mounts; *mount; mount++) {
        snprintf(efi, sizeof efi, "%s/EFI", *mount);
        if (bf_esp_find(c->f, efi, "syslinux", dir, sizeof dir) &&
            bf_esp_find(c->f, dir, "syslinux.cfg", path, sizeof path))
            add_file(c, path);
    }
    c->mains = c->count;
}

static enum bf_err rewrite(struct bf_fin *f)
{
    struct config *c = calloc(1, sizeof *c);
    enum bf_err err = BF_OK;
    if (!c)
        return bf_fail(f->report, "out of memory");
    c->f = f;
    find_files(c);
    for (size_t i = 0; i < c->count && !err; i++) // it grows
        err = rewrite_file(c, i);
    free(c);
    return err ? err : bf_extlinux_defaults(f);
}

const struct bf_loader_ops bf_syslinux = {
    .name = "syslinux",
    .title = "extlinux",
    .found = found,
    .rewrite = rewrite,
};
