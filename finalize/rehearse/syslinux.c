// SPDX-License-Identifier: Apache-2.0
// What syslinux and extlinux start: the default of the menu, or of the prompt, each entry's kernel,
// initramfs and command line. U-Boot reads the same files without the modules of syslinux.
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/rehearse/loaders.h"
#include "finalize/rehearse/offer.h"
#include "finalize/rehearse/syslinux.h"
#include "finalize/rehearse/syslinux_conf.h"

struct reading {
    struct bf_syslinux c;
    const char *loader;
    bool modules; // syslinux itself, which needs its modules
    unsigned depth;
};

static void walk(struct bf_walk *w, const char *loader, const char *file,
                 const struct bf_device *dev, unsigned depth);

static bool same(struct bf_syslinux_value a, struct bf_syslinux_value b)
{
    return a.at && b.at && a.len == b.len && strncmp(a.at, b.at, a.len) == 0;
}

static bool ends_in(const char *name, size_t len, const char *suffix)
{
    size_t n = strlen(suffix);
    return len >= n && strncasecmp(name + len - n, suffix, n) == 0;
}

// The first word of a value.
static struct bf_syslinux_value word_of(struct bf_syslinux_value v)
{
    const char *at = v.at;
    struct bf_syslinux_value out = {0};
    if (v.at)
        bf_word_next(&at, v.at + v.len, &out.at, &out.len);
    return out;
}

static bool is_module(struct bf_syslinux_value v)
{
    struct bf_syslinux_value first = word_of(v);
    return ends_in(first.at, first.len, ".c32");
}

// The tree's path of a file that the configuration names.
static bool find(struct reading *r, struct bf_start *s, const char *name, size_t len, char *out)
{
    char path[BF_START_PATH];
    if (bf_offer_path(path, sizeof path, name, len) && !strstr(path, "::") &&
        bf_offer_beside(r->c.w, r->c.dev, r->c.file[0], path, out, BF_START_PATH))
        return true;
    bf_offer_doubt(s, "%.150s cannot be placed in the tree", path);
    return false;
}

static void add_initrds(struct reading *r, struct bf_start *s, const char *at, const char *end)
{
    char path[BF_START_PATH];
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        if (stop > at && find(r, s, at, (size_t)(stop - at), path))
            bf_offer_initrd(r->c.w, s, path);
        at = comma ? comma + 1 : end;
    }
}

// The command line names what it loads: initrd=FILE,FILE.
static void words_initrd(struct reading *r, struct bf_start *s, const char *at, const char *end)
{
    const char *w;
    size_t n;
    while (bf_word_next(&at, end, &w, &n))
        if (n > 7 && strncmp(w, "initrd=", 7) == 0)
            add_initrds(r, s, w + 7, w + n);
}

static void start_linux(struct reading *r, struct bf_start *s, struct bf_syslinux_value kernel,
                        struct bf_syslinux_value initrd, struct bf_syslinux_value append)
{
    char path[BF_START_PATH];
    struct bf_text t = {0};
    struct bf_syslinux_value name = word_of(kernel);
    if (!name.len) {
        bf_offer_block(s, "it names no kernel");
        return;
    }
    if (find(r, s, name.at, name.len, path))
        bf_offer_kernel(r->c.w, s, path);
    if (r->modules)
        bf_textf(&t, "BOOT_IMAGE=%.*s", (int)name.len, name.at);
    const char *more = name.at + name.len, *end = kernel.at + kernel.len;
    if (more < end)
        bf_text_add(&t, more, (size_t)(end - more));
    if (initrd.at && !r->modules)
        add_initrds(r, s, initrd.at, initrd.at + initrd.len);
    else if (initrd.at)
        bf_textf(&t, " initrd=%.*s", (int)initrd.len, initrd.at);
    if (append.at) {
        bf_text_str(&t, t.len ? " " : "");
        bf_text_add(&t, append.at, append.len);
    }
    words_initrd(r, s, bf_text_get(&t), bf_text_get(&t) + t.len);
    bf_offer_cmdline(r->c.w, s, &t);
}

// A part of mboot.c32's arguments, which "---" separates.
static struct bf_syslinux_value next_part(struct bf_syslinux_value *left)
{
    struct bf_syslinux_value out = {left->at, 0};
    const char *at = left->at, *end = left->at + left->len, *w;
    size_t n;
    while (bf_word_next(&at, end, &w, &n)) {
        if (bf_word_is(w, n, "---")) {
            *left = (struct bf_syslinux_value){at, (size_t)(end - at)};
            return out;
        }
        out.len = (size_t)(w + n - out.at);
    }
    *left = (struct bf_syslinux_value){end, 0};
    return out;
}

// Xen: the hypervisor, then the kernel with its command line, then the initramfs.
static void start_multiboot(struct reading *r, struct bf_start *s, struct bf_syslinux_value parts)
{
    char path[BF_START_PATH];
    if (!parts.at)
        return;
    struct bf_syslinux_value first = word_of(next_part(&parts));
    struct bf_syslinux_value kernel = next_part(&parts), initrd = word_of(next_part(&parts));
    if (first.at && find(r, s, first.at, first.len, path) && !bf_walk_exists(r->c.w, path))
        bf_offer_block(s, "%.200s is not there", path);
    struct bf_syslinux_value name = word_of(kernel);
    if (!name.at) {
        s->kind = BF_START_OTHER;
        return;
    }
    if (find(r, s, name.at, name.len, path))
        bf_offer_kernel(r->c.w, s, path);
    if (initrd.at && find(r, s, initrd.at, initrd.len, path))
        bf_offer_initrd(r->c.w, s, path);
    struct bf_text t = {0};
    const char *words = name.at + name.len;
    while (words < kernel.at + kernel.len && (*words == ' ' || *words == '\t'))
        words++;
    bf_text_add(&t, words, (size_t)(kernel.at + kernel.len - words));
    bf_offer_cmdline(r->c.w, s, &t);
}

static void start_module(struct reading *r, struct bf_start *s, struct bf_syslinux_value module,
                         struct bf_syslinux_value append)
{
    char path[BF_START_PATH];
    struct bf_syslinux_value name = word_of(module);
    if (name.at && find(r, s, name.at, name.len, path) && !bf_walk_exists(r->c.w, path))
        bf_offer_block(s, "%.200s is not there", path);
    if (ends_in(name.at, name.len, "mboot.c32"))
        start_multiboot(r, s, append);
    else if (ends_in(name.at, name.len, "linux.c32") && append.at)
        start_linux(r, s, append, (struct bf_syslinux_value){0}, (struct bf_syslinux_value){0});
    else
        s->kind = BF_START_OTHER;
}

static void start_other(struct reading *r, struct bf_start *s, const struct bf_syslinux_entry *e)
{
    char path[BF_START_PATH];
    struct bf_syslinux_value name = word_of(e->kernel);
    s->kind = BF_START_OTHER;
    if (e->kind != BF_SYSLINUX_LOCAL && e->kind != BF_SYSLINUX_CONFIG && name.at &&
        find(r, s, name.at, name.len, path) && !bf_walk_exists(r->c.w, path))
        bf_offer_block(s, "%.200s is not there", path);
}

// What KERNEL names is Linux, but for these names (syslinux.txt, "KERNEL file").
static bool is_other_code(struct bf_syslinux_value kernel)
{
    static const char *const suffix[] = {".0", ".bin", ".bs", ".bss", ".img", ".cbt"};
    struct bf_syslinux_value name = word_of(kernel);
    for (size_t i = 0; i < BF_COUNT(suffix); i++)
        if (ends_in(name.at, name.len, suffix[i]))
            return true;
    return false;
}

static struct bf_syslinux_value append_of(const struct bf_syslinux *c,
                                          const struct bf_syslinux_entry *e)
{
    struct bf_syslinux_value append = e->append.at ? e->append : c->append;
    bool none = append.len == 1 && append.at[0] == '-';
    return none ? (struct bf_syslinux_value){0} : append;
}

static void add_title(struct bf_start *s, struct bf_syslinux_value title)
{
    size_t n = 0;
    for (size_t i = 0; i < title.len && n + 1 < sizeof s->title; i++)
        if (title.at[i] != '^') // marks the key that chooses it
            s->title[n++] = title.at[i];
}

static struct bf_start *add(struct reading *r, const struct bf_syslinux_entry *e)
{
    struct bf_start *s = bf_walk_add(r->c.w, r->loader, r->c.file[e->file], e->line);
    if (!s)
        return NULL;
    add_title(s, e->title.at ? e->title : e->label);
    bool by_name = r->modules && e->kind == BF_SYSLINUX_AUTO;
    if (e->kind == BF_SYSLINUX_COM32 || (by_name && is_module(e->kernel)))
        start_module(r, s, e->kernel, append_of(&r->c, e));
    else if (e->kind <= BF_SYSLINUX_LINUX && !(by_name && is_other_code(e->kernel)))
        start_linux(r, s, e->kernel, e->initrd, append_of(&r->c, e));
    else
        start_other(r, s, e);
    return s;
}

// The entry that DEFAULT or ONTIMEOUT names by its first word; the count of entries for none.
static size_t named(const struct bf_syslinux *c, struct bf_syslinux_value v)
{
    struct bf_syslinux_value name = word_of(v);
    for (size_t i = 0; i < c->entries; i++)
        if (same(c->entry[i].label, name))
            return i;
    for (size_t i = 0; name.at && i < c->entries; i++)
        if (c->entry[i].label.len == name.len &&
            strncasecmp(c->entry[i].label.at, name.at, name.len) == 0)
            return i;
    return c->entries;
}

// With a menu: MENU DEFAULT, else DEFAULT, else the first.
static size_t menu_default(const struct bf_syslinux *c)
{
    size_t got = named(c, c->implicit);
    for (size_t i = 0; i < c->entries; i++)
        if (c->entry[i].menu_default)
            got = i;
    return got == c->entries && c->entries ? 0 : got;
}

// A module that is named without an entry: the menu. It and the library below it have to be there.
static bool menu_is_there(struct reading *r, struct bf_syslinux_value ui)
{
    char name[BF_START_PATH], path[BF_START_PATH];
    struct bf_syslinux_value first = word_of(ui);
    if (!bf_offer_path(name, sizeof name, first.at, first.len) ||
        !bf_offer_beside(r->c.w, r->c.dev, r->c.file[0], name, path, sizeof path) ||
        bf_walk_exists(r->c.w, path))
        return true;
    bf_walk_say(r->c.w, BF_TROUBLE_LOOK, r->c.file[0], 0,
                "the menu's module %s is not there: %s shows a prompt instead", path, r->loader);
    return false;
}

// From version 5 on, nothing starts without this file.
static void check_library(struct reading *r)
{
    char core[BF_START_PATH], library[BF_START_PATH];
    bf_offer_beside(r->c.w, r->c.dev, r->c.file[0], "ldlinux.sys", core, sizeof core);
    bf_offer_beside(r->c.w, r->c.dev, r->c.file[0], "ldlinux.c32", library, sizeof library);
    size_t got = 0;
    uint64_t size = 0;
    char head[32] = "";
    if (bf_walk_exists(r->c.w, library) || bf_edits_size(&r->c.w->f->edits, core, &size, NULL) ||
        bf_edits_pread(&r->c.w->f->edits, core, head, sizeof head - 1, 0, &got, NULL))
        return;
    // It begins with CR LF and the name and the version: "SYSLINUX 6.04".
    const char *version = memchr(head, ' ', got);
    if (version && version[1] >= '5' && version[1] <= '9' && version[2] == '.')
        bf_walk_say(r->c.w, bf_walk_missing(r->c.w), core, 0, "needs %s, which is not there",
                    library);
}

// A command line that DEFAULT has in place of a label.
static void add_implicit(struct reading *r, struct bf_syslinux_value v)
{
    const struct bf_syslinux *c = &r->c;
    struct bf_start *s = bf_walk_add(c->w, r->loader, c->file[c->implicit_file], c->implicit_line);
    if (!s)
        return;
    s->chosen = true;
    bf_offer_word(s->title, sizeof s->title, v.at, v.len);
    start_linux(r, s, v, (struct bf_syslinux_value){0}, c->append);
}

static void choose(struct reading *r, size_t first)
{
    struct bf_syslinux *c = &r->c;
    struct bf_syslinux_value ui = c->ui.at ? c->ui : c->implicit;
    bool menu = is_module(ui) && r->modules && menu_is_there(r, ui);
    bool waits = (menu || (c->prompt && !c->ui.at)) && !c->timeout;
    size_t chosen = menu || !r->modules ? menu_default(c) : named(c, c->implicit);
    if (c->timed_out.at && named(c, c->timed_out) < c->entries)
        chosen = named(c, c->timed_out);
    if (waits && r->modules)
        bf_walk_say(c->w, BF_TROUBLE_LOOK, c->file[0], 0,
                    "%s waits for a key, since TIMEOUT is not set", r->loader);
    if (chosen == c->entries) {
        if (c->implicit.at && !is_module(c->implicit))
            add_implicit(r, c->implicit);
        return;
    }
    const struct bf_syslinux_entry *e = &c->entry[chosen];
    if (first + chosen < c->w->starts)
        c->w->start[first + chosen].chosen = e->kind != BF_SYSLINUX_CONFIG;
}

// What a chosen CONFIG leads to is read in place of the first.
static void follow(struct reading *r, const struct bf_syslinux_entry *e)
{
    char path[BF_START_PATH];
    struct bf_start nothing = {0};
    struct bf_syslinux_value name = word_of(e->kernel);
    if (e->kind != BF_SYSLINUX_CONFIG || !name.at || !find(r, &nothing, name.at, name.len, path))
        return;
    if (r->depth == 0 && bf_walk_exists(r->c.w, path))
        walk(r->c.w, r->loader, path, r->c.dev, r->depth + 1);
    else
        bf_walk_say(r->c.w, BF_TROUBLE_DOUBT, r->c.file[e->file], e->line,
                    "the configuration %s is not followed", path);
}

static void walk(struct bf_walk *w, const char *loader, const char *file,
                 const struct bf_device *dev, unsigned depth)
{
    struct reading r = {.loader = loader, .modules = strcmp(loader, "U-Boot") != 0, .depth = depth};
    bf_syslinux_read(&r.c, w, file, dev);
    w->loader = true;
    size_t first = w->starts;
    for (size_t i = 0; i < r.c.entries; i++)
        add(&r, &r.c.entry[i]);
    if (r.modules)
        check_library(&r);
    choose(&r, first);
    size_t chosen = menu_default(&r.c);
    if (chosen < r.c.entries)
        follow(&r, &r.c.entry[chosen]);
    if (!r.c.entries && w->starts == first)
        bf_walk_say(w, BF_TROUBLE_STOPS, file, 0, "offers nothing to start");
    bf_syslinux_free(&r.c);
}

void bf_walk_syslinux(struct bf_walk *w, const char *file, const struct bf_device *dev)
{
    walk(w, strstr(file, "extlinux") ? "extlinux" : "syslinux", file, dev, 0);
}

void bf_walk_uboot(struct bf_walk *w, const char *file, const struct bf_device *dev)
{
    walk(w, "U-Boot", file, dev, 0);
}
