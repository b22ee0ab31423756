// SPDX-License-Identifier: Apache-2.0
// GRUB legacy (0.97): menu.lst, or grub.conf as Red Hat calls it (info grub, "Configuration"). A
// device is the number of the BIOS' disk and that of the partition, from 0; the disks are in the
// order of the recovery point.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/rehearse/loaders.h"
#include "finalize/rehearse/offer.h"

#define LOADER        "GRUB legacy"
#define DEPTH_MAX     4
#define FALLBACKS_MAX 8 // as in GRUB

struct menu {
    struct bf_walk *w;
    const char *file;
    const struct bf_device *dev; // of the file
    unsigned depth;
    size_t first; // of its starts
    size_t entries;
    long wanted; // default; -1: saved
    long fallback[FALLBACKS_MAX];
    size_t fallbacks;
    unsigned wanted_line;
    bool timeout;
    // The entry being read.
    struct bf_start *s;
    const struct bf_device *root; // what "root" has set; NULL: unknown
    bool placed;                  // "root" was followed, also without probed devices
    bool xen;                     // the kernel is loaded by "module"
};

static void walk(struct bf_walk *w, const char *file, const struct bf_device *dev, unsigned depth);

static const char *skip(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '='))
        at++;
    return at;
}

static long number(const char *at, const char *end)
{
    long n = 0;
    if (at == end || *at < '0' || *at > '9')
        return -1;
    for (; at < end && *at >= '0' && *at <= '9' && n < 100000; at++)
        n = n * 10 + (*at - '0');
    return n;
}

// "(hd0,1)" at the start of a word: the device, and what follows it. False when it has another
// form.
static bool device(struct menu *m, const char *at, const char *end, const struct bf_device **dev,
                   const char **rest)
{
    const struct bf_devices *d = m->w->f->devices;
    const char *close = memchr(at, ')', (size_t)(end - at));
    const char *comma = memchr(at, ',', (size_t)(end - at));
    *dev = NULL;
    if (!close || !comma || comma > close || close - at < 6 || strncmp(at, "(hd", 3) != 0)
        return false;
    long disk = number(at + 3, comma), part = number(comma + 1, close);
    *rest = close + 1;
    if (disk < 0 || part < 0)
        return false;
    for (size_t i = 0; i < d->count; i++)
        if (!d->item[i].stacked && d->item[i].disk == (unsigned)disk &&
            d->item[i].part == (unsigned)part + 1)
            *dev = &d->item[i];
    return *dev || d->count == 0;
}

// The path in the tree of the word at `at`: "(hd0,0)/vmlinuz", or "/vmlinuz" on the root device.
static bool place(struct menu *m, const char *at, size_t len, char *out)
{
    char path[BF_START_PATH];
    const struct bf_device *dev = m->root;
    const char *rest = at, *end = at + len;
    bool known = m->placed;
    if (len && at[0] == '(')
        known = device(m, at, end, &dev, &rest);
    if (known && bf_offer_path(path, sizeof path, rest, (size_t)(end - rest)) && path[0] == '/' &&
        bf_offer_beside(m->w, dev, m->file, path, out, BF_START_PATH))
        return true;
    bf_offer_doubt(m->s, "%.*s cannot be placed in the tree", len < 150 ? (int)len : 150, at);
    return false;
}

static void set_root(struct menu *m, const char *at, const char *end, unsigned line)
{
    const char *rest;
    m->placed = device(m, at, end, &m->root, &rest);
    if (!m->placed)
        bf_offer_doubt(m->s, "line %u: the device %.*s is not known", line,
                       end - at < 60 ? (int)(end - at) : 60, at);
}

// Ubuntu's GRUB legacy has "uuid UUID" in place of "root".
static void set_uuid(struct menu *m, const char *at, const char *end, unsigned line)
{
    char name[96];
    bf_offer_word(name, sizeof name, "UUID=", 5);
    bf_offer_word(name + 5, sizeof name - 5, at, (size_t)(end - at));
    m->root = bf_device_find(m->w->f->devices, name);
    m->placed = m->root || m->w->f->devices->count == 0;
    if (!m->placed)
        bf_offer_block(m->s, "line %u: no file system has %s", line, name);
}

// The kernel with its command line, past options of the command itself.
static void set_kernel(struct menu *m, const char *at, const char *end, unsigned line)
{
    const char *w;
    char path[BF_START_PATH];
    struct bf_text t = {0};
    size_t n;
    bool found = bf_word_next(&at, end, &w, &n);
    while (found && n > 2 && strncmp(w, "--", 2) == 0)
        found = bf_word_next(&at, end, &w, &n);
    m->s->line = line;
    if (!found) {
        bf_offer_block(m->s, "line %u names no file", line);
        return;
    }
    bool placed = place(m, w, n, path);
    if (placed && strstr(path, "memtest"))
        m->s->kind = BF_START_OTHER;
    else if (placed)
        bf_offer_kernel(m->w, m->s, path);
    at = skip(at, end);
    if (at < end)
        bf_text_add(&t, at, (size_t)(end - at));
    bf_offer_cmdline(m->w, m->s, &t);
}

// One file, whose name a blank ends.
static void add_initrd(struct menu *m, const char *at, const char *end)
{
    char path[BF_START_PATH];
    const char *w;
    size_t n;
    if (bf_word_next(&at, end, &w, &n) && place(m, w, n, path))
        bf_offer_initrd(m->w, m->s, path);
}

// The first module of a hypervisor is the kernel, the next ones are its initramfs.
static void add_module(struct menu *m, const char *at, const char *end, unsigned line)
{
    if (m->xen) {
        add_initrd(m, at, end);
        return;
    }
    m->xen = true;
    free(m->s->cmdline);
    m->s->cmdline = NULL;
    set_kernel(m, at, end, line);
}

// Another menu, which is kept as what the entry starts.
static void set_menu(struct menu *m, const char *at, const char *end, unsigned line)
{
    char path[BF_START_PATH];
    const char *w;
    size_t n;
    m->s->kind = BF_START_OTHER;
    m->s->line = line;
    if (bf_word_next(&at, end, &w, &n) && place(m, w, n, path))
        bf_offer_kernel(m->w, m->s, path);
}

static void entry_word(struct menu *m, const char *key, size_t n, const char *at, const char *end,
                       unsigned line)
{
    static const char *const harmless[] = {"boot",  "quiet", "savedefault", "pause",
                                           "clear", "color", "makeactive",  NULL};
    if (bf_word_is(key, n, "root") || bf_word_is(key, n, "rootnoverify")) {
        set_root(m, at, end, line);
    } else if (bf_word_is(key, n, "uuid")) {
        set_uuid(m, at, end, line);
    } else if (bf_word_is(key, n, "kernel")) {
        set_kernel(m, at, end, line);
    } else if (bf_word_is(key, n, "initrd")) {
        m->s->initrds = 0; // the last one counts
        add_initrd(m, at, end);
    } else if (bf_word_is(key, n, "module") || bf_word_is(key, n, "modulenounzip")) {
        add_module(m, at, end, line);
    } else if (bf_word_is(key, n, "configfile")) {
        set_menu(m, at, end, line);
    } else if (bf_word_is(key, n, "chainloader")) {
        m->s->kind = BF_START_OTHER;
    } else if (bf_word_is(key, n, "lock")) {
        bf_offer_doubt(m->s, "line %u asks for a password", line);
    } else {
        size_t i = 0;
        while (harmless[i] && !bf_word_is(key, n, harmless[i]))
            i++;
        if (!harmless[i])
            bf_offer_doubt(m->s, "line %u: \"%.*s\" is not followed", line, n < 40 ? (int)n : 40,
                           key);
    }
}

// Numbers of entries, of which one after the other is tried.
static void read_fallbacks(struct menu *m, const char *at, const char *end)
{
    const char *w;
    size_t n;
    m->fallbacks = 0;
    while (m->fallbacks < FALLBACKS_MAX && bf_word_next(&at, end, &w, &n)) {
        long entry = number(w, w + n);
        if (entry < 0)
            return;
        m->fallback[m->fallbacks++] = entry;
    }
}

static void global_word(struct menu *m, const char *key, size_t n, const char *at, const char *end,
                        unsigned line)
{
    if (bf_word_is(key, n, "default")) {
        m->wanted = bf_word_is(at, (size_t)(end - at), "saved") ? -1 : number(at, end);
        m->wanted_line = line;
    } else if (bf_word_is(key, n, "fallback")) {
        read_fallbacks(m, at, end);
    } else if (bf_word_is(key, n, "timeout")) {
        m->timeout = true;
    }
}

static void add_entry(struct menu *m, const char *at, const char *end, unsigned line)
{
    m->s = bf_walk_add(m->w, LOADER, m->file, line);
    m->entries += m->s != NULL;
    m->root = m->dev;
    m->placed = m->dev || m->w->f->devices->count == 0;
    m->xen = false;
    if (m->s)
        bf_offer_word(m->s->title, sizeof m->s->title, at, (size_t)(end - at));
}

static void read_menu(struct menu *m)
{
    size_t len, pos = 0, n;
    unsigned number_of = 0;
    bool in_entry = false;
    struct bf_line line;
    const char *text = bf_walk_text(m->w, m->file, &len), *key;
    while (text && bf_line_next(text, len, &pos, &line)) {
        const char *at = line.at, *end = line.at + line.len;
        number_of++;
        while (end > at && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
            end--;
        at = skip(at, end);
        for (key = at; at < end && *at != ' ' && *at != '\t' && *at != '=';)
            at++;
        n = (size_t)(at - key);
        at = skip(at, end);
        if (!n || key[0] == '#')
            continue;
        bool title = bf_word_is(key, n, "title");
        in_entry = in_entry || title;
        if (title)
            add_entry(m, at, end, number_of);
        else if (!in_entry)
            global_word(m, key, n, at, end, number_of);
        else if (m->s)
            entry_word(m, key, n, at, end, number_of);
    }
}

// The number that "savedefault" has left in the file beside stage2.
static long saved(struct menu *m)
{
    char folder[BF_START_PATH], path[BF_START_PATH + 16];
    size_t len;
    bf_offer_folder(m->file, folder, sizeof folder);
    snprintf(path, sizeof path, "%s/default", folder);
    const char *text = bf_walk_text(m->w, path, &len);
    long n = text ? number(text, text + len) : -1;
    return n < 0 ? 0 : n;
}

static void choose(struct menu *m)
{
    size_t wanted = (size_t)(m->wanted < 0 ? saved(m) : m->wanted);
    struct bf_start *s = &m->w->start[m->first];
    if (!m->timeout)
        bf_walk_say(m->w, BF_TROUBLE_LOOK, m->file, 0, "waits for a key, since timeout is not set");
    if (wanted >= m->entries) {
        bf_walk_say(m->w, BF_TROUBLE_LOOK, m->file, m->wanted_line,
                    "there is no entry %zu: the first one starts", wanted);
        wanted = 0;
    }
    size_t got = wanted;
    for (size_t i = 0; i < m->fallbacks && s[got].blocked[0]; i++)
        if ((size_t)m->fallback[i] < m->entries && !s[m->fallback[i]].blocked[0])
            got = (size_t)m->fallback[i];
    if (got != wanted)
        bf_walk_say(m->w, BF_TROUBLE_LOOK, m->file, s[wanted].line,
                    "the default does not start (%s): the fallback does", s[wanted].blocked);
    s[got].chosen = true;
}

// A chosen entry that has another menu in its place.
static void follow_chosen(struct menu *m)
{
    for (size_t i = m->first; i < m->first + m->entries; i++) {
        struct bf_start *s = &m->w->start[i];
        if (!s->chosen || s->kind != BF_START_OTHER || !s->kernel[0] || s->blocked[0])
            continue;
        s->chosen = m->depth == DEPTH_MAX;
        if (s->chosen)
            bf_offer_doubt(s, "its menu is one of too many");
        else
            walk(m->w, s->kernel, bf_offer_device(m->w, s->kernel), m->depth + 1);
    }
}

static void walk(struct bf_walk *w, const char *file, const struct bf_device *dev, unsigned depth)
{
    struct menu m = {.w = w, .file = file, .dev = dev, .depth = depth, .first = w->starts};
    w->loader = true;
    read_menu(&m);
    if (m.entries) {
        choose(&m);
        follow_chosen(&m);
    } else {
        bf_walk_say(w, BF_TROUBLE_STOPS, file, 0, "offers nothing to start");
    }
}

void bf_walk_grub_legacy(struct bf_walk *w, const char *file, const struct bf_device *dev)
{
    walk(w, file, dev, 0);
}
