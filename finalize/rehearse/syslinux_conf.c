// SPDX-License-Identifier: Apache-2.0
// See syslinux_conf.h.
#include "finalize/rehearse/syslinux_conf.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/rehearse/offer.h"

#define DEPTH_MAX 8

// One line: its keyword, and what follows it.
struct words {
    const char *at, *end; // what follows
    const char *key;
    size_t len;
    size_t file;
    unsigned line;
};

static bool cut(struct words *l)
{
    if (!bf_word_next(&l->at, l->end, &l->key, &l->len))
        return false;
    while (l->at < l->end && (*l->at == ' ' || *l->at == '\t'))
        l->at++;
    return true;
}

static bool is(const struct words *l, const char *key)
{
    return strlen(key) == l->len && strncasecmp(l->key, key, l->len) == 0;
}

static struct bf_syslinux_value rest(const struct words *l)
{
    return (struct bf_syslinux_value){l->at, (size_t)(l->end - l->at)};
}

static unsigned number(const struct words *l)
{
    unsigned n = 0;
    for (const char *c = l->at; c < l->end && *c >= '0' && *c <= '9' && n < 100000; c++)
        n = n * 10 + (unsigned)(*c - '0');
    return n;
}

static struct bf_syslinux_entry *last(struct bf_syslinux *c)
{
    return c->entries ? &c->entry[c->entries - 1] : NULL;
}

static void add_entry(struct bf_syslinux *c, const struct words *l)
{
    if (c->entries == BF_STARTS_MAX) {
        bf_walk_say(c->w, BF_TROUBLE_DOUBT, c->file[l->file], l->line, "has more entries than %d",
                    BF_STARTS_MAX);
        return;
    }
    struct bf_syslinux_entry *e = &c->entry[c->entries++];
    // An entry that has no kernel of its own is started by its label.
    *e = (struct bf_syslinux_entry){
        .label = rest(l), .kernel = rest(l), .file = l->file, .line = l->line};
}

static void read_kernel(struct bf_syslinux_entry *e, const struct words *l,
                        enum bf_syslinux_kind kind)
{
    e->kind = kind;
    e->kernel = rest(l);
    e->file = l->file;
    e->line = l->line;
}

// A keyword of an entry. False for another.
static bool entry_word(struct bf_syslinux_entry *e, const struct words *l)
{
    static const struct {
        const char *key;
        enum bf_syslinux_kind kind;
    } kernels[] = {
        {"KERNEL", BF_SYSLINUX_AUTO},   {"LINUX", BF_SYSLINUX_LINUX},
        {"COM32", BF_SYSLINUX_COM32},   {"BOOT", BF_SYSLINUX_OTHER},
        {"BSS", BF_SYSLINUX_OTHER},     {"PXE", BF_SYSLINUX_OTHER},
        {"FDIMAGE", BF_SYSLINUX_OTHER}, {"LOCALBOOT", BF_SYSLINUX_LOCAL},
        {"CONFIG", BF_SYSLINUX_CONFIG},
    };
    for (size_t i = 0; i < BF_COUNT(kernels); i++)
        if (is(l, kernels[i].key)) {
            read_kernel(e, l, kernels[i].kind);
            return true;
        }
    if (is(l, "APPEND"))
        e->append = rest(l);
    else if (is(l, "INITRD"))
        e->initrd = rest(l);
    else
        return false;
    return true;
}

// Everything else that decides what is started.
static void global_word(struct bf_syslinux *c, const struct words *l)
{
    if (is(l, "DEFAULT")) {
        c->implicit = rest(l);
        c->implicit_line = l->line;
        c->implicit_file = l->file;
    } else if (is(l, "ONTIMEOUT")) {
        c->timed_out = rest(l);
    } else if (is(l, "UI")) {
        c->ui = rest(l);
    } else if (is(l, "PROMPT")) {
        c->prompt = number(l) != 0;
    } else if (is(l, "TIMEOUT")) {
        c->timeout = number(l) != 0;
    } else if (is(l, "APPEND")) {
        c->append = rest(l);
    }
}

static void read_file(struct bf_syslinux *c, size_t file, unsigned depth);

// INCLUDE FILE and MENU INCLUDE FILE [TAG].
static void include(struct bf_syslinux *c, const struct words *l, unsigned depth)
{
    char name[BF_START_PATH];
    struct words arg = *l;
    if (!cut(&arg) || !bf_offer_path(name, sizeof name, arg.key, arg.len))
        return;
    if (depth == DEPTH_MAX || c->files == BF_SYSLINUX_FILES) {
        bf_walk_say(c->w, BF_TROUBLE_DOUBT, c->file[l->file], l->line,
                    "includes too many files, one in another");
        return;
    }
    // Relative names are those of the configuration's folder, also in what it includes.
    char *path = c->file[c->files];
    if (!bf_offer_beside(c->w, c->dev, c->file[0], name, path, BF_START_PATH) ||
        !bf_walk_exists(c->w, path))
        bf_walk_say(c->w, BF_TROUBLE_LOOK, c->file[l->file], l->line,
                    "includes %s, which is not there", name);
    else
        read_file(c, c->files++, depth + 1);
}

static void menu_word(struct bf_syslinux *c, struct words *l, unsigned depth)
{
    struct bf_syslinux_entry *e = last(c);
    if (!cut(l))
        return;
    if (is(l, "DEFAULT") && e)
        e->menu_default = true;
    else if (is(l, "LABEL") && e)
        e->title = rest(l);
    else if (is(l, "INCLUDE"))
        include(c, l, depth);
}

static void read_line(struct bf_syslinux *c, struct words *l, unsigned depth)
{
    if (!cut(l) || l->key[0] == '#')
        return;
    struct bf_syslinux_entry *e = last(c);
    struct words arg = *l;
    if (c->help)
        c->help = !is(l, "ENDTEXT");
    else if (is(l, "INCLUDE"))
        include(c, l, depth);
    else if (is(l, "TEXT"))
        c->help = cut(&arg) && is(&arg, "HELP");
    else if (is(l, "MENU"))
        menu_word(c, l, depth);
    else if (is(l, "LABEL"))
        add_entry(c, l);
    else if (!e || !entry_word(e, l))
        global_word(c, l);
}

static void read_file(struct bf_syslinux *c, size_t file, unsigned depth)
{
    size_t len, pos = 0;
    struct bf_line line;
    struct words l = {.file = file};
    const char *text = bf_walk_text(c->w, c->file[file], &len);
    while (text && bf_line_next(text, len, &pos, &line)) {
        const char *end = line.at + line.len;
        while (end > line.at && strchr(" \t\r", end[-1]) && end[-1])
            end--;
        struct words one = {.at = line.at, .end = end, .file = file, .line = ++l.line};
        read_line(c, &one, depth);
    }
}

void bf_syslinux_read(struct bf_syslinux *c, struct bf_walk *w, const char *file,
                      const struct bf_device *dev)
{
    *c = (struct bf_syslinux){.w = w, .dev = dev, .files = 1};
    bf_offer_word(c->file[0], sizeof c->file[0], file, strlen(file));
    c->entry = calloc(BF_STARTS_MAX, sizeof *c->entry);
    if (!c->entry)
        w->f->edits.failed = true;
    else
        read_file(c, 0, 0);
}

void bf_syslinux_free(struct bf_syslinux *c)
{
    free(c->entry);
}
