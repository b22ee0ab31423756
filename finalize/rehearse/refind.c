// SPDX-License-Identifier: Apache-2.0
// rEFInd 0.13 (its own documentation, "Configuring the Boot Manager" and "Methods of Booting
// Linux"): kernels that it finds beside a refind_linux.conf, and the stanzas of refind.conf. Which
// of them it starts depends on its memory of the last one, on the times of files and on file
// systems that it has drivers for: that is followed only as far as one answer is left.
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/rehearse/loaders.h"
#include "finalize/rehearse/offer.h"

#define LOADER "rEFInd"

struct refind {
    struct bf_walk *w;
    char conf[BF_START_PATH];
    char mount[128];  // of its partition
    char wanted[128]; // default_selection, its first choice, in lower case
    size_t first;
    // The stanza being read.
    struct bf_start *s;
    char loader[BF_START_PATH], initrd[BF_START_PATH];
    char options[1024];
    unsigned depth; // of braces: 1 in a stanza, 2 in an entry below it
};

// The next word of a line, or what is between quotes.
static bool next(const char **at, const char *end, const char **word, size_t *len)
{
    while (*at < end && (isspace((unsigned char)**at) || **at == '='))
        ++*at;
    if (*at == end || **at == '#')
        return false;
    bool quoted = **at == '"';
    *word = *at += quoted;
    while (*at < end && (quoted ? **at != '"' : !isspace((unsigned char)**at)))
        ++*at;
    *len = (size_t)(*at - *word);
    *at += *at < end && quoted;
    return true;
}

static bool is(const char *w, size_t n, const char *key)
{
    return strlen(key) == n && strncasecmp(w, key, n) == 0;
}

// ---- Stanzas of refind.conf --------------------------------------------------------------------

static void end_stanza(struct refind *r)
{
    char path[BF_START_PATH];
    struct bf_text t = {0};
    if (!r->s)
        return;
    if (r->loader[0]) {
        bf_offer_fat(r->w, r->mount, r->loader, path, sizeof path);
        if (!bf_walk_exists(r->w, path))
            bf_walk_path(r->w, NULL, r->loader, path, sizeof path);
        bf_offer_kernel(r->w, r->s, path);
    }
    if (r->initrd[0]) {
        bf_offer_fat(r->w, r->mount, r->initrd, path, sizeof path);
        if (!bf_walk_exists(r->w, path))
            bf_walk_path(r->w, NULL, r->initrd, path, sizeof path);
        bf_offer_initrd(r->w, r->s, path);
    }
    size_t n = strlen(r->loader);
    if (!r->loader[0] || (n > 4 && strcasecmp(r->loader + n - 4, ".efi") == 0 && !r->initrd[0]))
        r->s->kind = BF_START_OTHER;
    bf_text_str(&t, r->options);
    bf_offer_cmdline(r->w, r->s, &t);
    r->s = NULL;
}

static void begin_stanza(struct refind *r, const char *at, const char *end, unsigned line)
{
    const char *w;
    size_t n;
    r->loader[0] = r->initrd[0] = r->options[0] = 0;
    r->s = bf_walk_add(r->w, LOADER, r->conf, line);
    if (r->s && next(&at, end, &w, &n))
        bf_offer_word(r->s->title, sizeof r->s->title, w, n);
}

static void stanza_word(struct refind *r, const char *key, size_t k, const char *at,
                        const char *end)
{
    const char *w;
    size_t n;
    if (is(key, k, "disabled")) {
        r->w->starts -= r->s == &r->w->start[r->w->starts - 1];
        r->s = NULL;
    } else if (is(key, k, "volume")) {
        bf_offer_doubt(r->s, "its volume is not followed");
    } else if (next(&at, end, &w, &n)) {
        if (is(key, k, "loader"))
            bf_offer_path(r->loader, sizeof r->loader, w, n);
        else if (is(key, k, "initrd"))
            bf_offer_path(r->initrd, sizeof r->initrd, w, n);
        else if (is(key, k, "options"))
            bf_offer_word(r->options, sizeof r->options, w, n);
    }
}

// Of several choices the first that is no "+", which stands for the last start.
static void read_selection(struct refind *r, const char *w, size_t n)
{
    size_t skip = n && w[0] == '+' ? 1 : 0;
    skip += skip < n && skip && w[skip] == ',';
    const char *comma = memchr(w + skip, ',', n - skip);
    bf_offer_word(r->wanted, sizeof r->wanted, w + skip,
                  comma ? (size_t)(comma - w) - skip : n - skip);
}

static void read_conf(struct refind *r)
{
    size_t len, pos = 0, n, k;
    unsigned number = 0;
    struct bf_line line;
    const char *text = bf_walk_text(r->w, r->conf, &len), *w, *key;
    while (text && bf_line_next(text, len, &pos, &line)) {
        const char *at = line.at, *end = line.at + line.len;
        number++;
        if (!next(&at, end, &key, &k))
            continue;
        const char *rest = at;
        bool opens = line.len && memchr(line.at, '{', line.len) != NULL;
        if (r->depth == 0 && is(key, k, "menuentry"))
            begin_stanza(r, rest, end, number);
        else if (r->depth == 1 && r->s)
            stanza_word(r, key, k, rest, end);
        else if (r->depth == 0 && is(key, k, "default_selection") && next(&at, end, &w, &n))
            read_selection(r, w, n);
        if (opens)
            r->depth++;
        if (k == 1 && key[0] == '}' && r->depth && --r->depth == 0)
            end_stanza(r);
    }
    end_stanza(r);
}

// ---- Kernels that are found --------------------------------------------------------------------

static bool is_kernel(const char *name)
{
    static const char *const start[] = {"vmlinuz", "bzImage", "kernel"};
    for (size_t i = 0; i < BF_COUNT(start); i++)
        if (strncmp(name, start[i], strlen(start[i])) == 0)
            return true;
    return false;
}

// The part of a name that says the version: from the first digit on, without a last ".img".
static void version_of(const char *name, char *out, size_t size)
{
    const char *at = name + strcspn(name, "0123456789");
    size_t n = strlen(at);
    if (n > 4 && strcmp(at + n - 4, ".img") == 0)
        n -= 4;
    bf_offer_word(out, size, at, n);
}

// The initramfs of a kernel: one in its folder that has the same version in its name.
static void add_initrd(struct refind *r, struct bf_start *s, const char *folder,
                       const struct bf_names *names, const char *kernel)
{
    char wanted[128], got[128], path[BF_START_PATH];
    version_of(kernel, wanted, sizeof wanted);
    for (size_t i = 0; i < names->count; i++) {
        version_of(names->name[i], got, sizeof got);
        int n = snprintf(path, sizeof path, "%s/%s", folder, names->name[i]);
        if (strncasecmp(names->name[i], "init", 4) != 0 || strcmp(got, wanted) != 0 || n < 0 ||
            (size_t)n >= sizeof path)
            continue;
        bf_offer_initrd(r->w, s, path);
        return;
    }
}

// The first line of refind_linux.conf: "title" "options".
static void add_options(struct refind *r, struct bf_start *s, const char *conf)
{
    size_t len, pos = 0, n;
    unsigned number = 0;
    struct bf_line line;
    struct bf_text t = {0};
    const char *text = bf_walk_text(r->w, conf, &len), *w;
    while (text && bf_line_next(text, len, &pos, &line)) {
        const char *at = line.at, *end = line.at + line.len;
        number++;
        if (!next(&at, end, &w, &n))
            continue;
        bf_offer_word(s->title, sizeof s->title, w, n);
        s->line = number;
        if (next(&at, end, &w, &n))
            bf_text_add(&t, w, n);
        break;
    }
    bf_offer_cmdline(r->w, s, &t);
}

static void scan(struct refind *r, const char *folder)
{
    struct bf_names names;
    char conf[BF_START_PATH], path[BF_START_PATH];
    snprintf(conf, sizeof conf, "%s/refind_linux.conf", strcmp(folder, "/") == 0 ? "" : folder);
    if (!bf_walk_exists(r->w, conf) || bf_edits_list(&r->w->f->edits, folder, "", &names))
        return;
    for (size_t i = 0; i < names.count; i++) {
        int n = snprintf(path, sizeof path, "%s/%s", folder, names.name[i]);
        struct bf_start *s = is_kernel(names.name[i]) && n > 0 && (size_t)n < sizeof path
                                 ? bf_walk_add(r->w, LOADER, conf, 0)
                                 : NULL;
        if (!s)
            continue;
        bf_offer_kernel(r->w, s, path);
        add_options(r, s, conf);
        add_initrd(r, s, folder, &names, names.name[i]);
    }
    bf_names_free(&names);
}

// ---- The choice --------------------------------------------------------------------------------

static bool fits(const struct refind *r, const struct bf_start *s)
{
    return r->wanted[0] && (strcasestr(s->title, r->wanted) || strcasestr(s->kernel, r->wanted));
}

static void choose(struct refind *r)
{
    size_t n = 0, linux_starts = 0;
    struct bf_start *got = NULL;
    for (size_t i = r->first; i < r->w->starts; i++) {
        struct bf_start *s = &r->w->start[i];
        linux_starts += s->kind == BF_START_LINUX;
        if (fits(r, s) || (!r->wanted[0] && s->kind == BF_START_LINUX)) {
            got = got ? got : s;
            n++;
        }
    }
    if (got)
        got->chosen = true;
    if (n == 1 && linux_starts == 1)
        return;
    bf_walk_say(r->w, got ? BF_TROUBLE_LOOK : BF_TROUBLE_DOUBT, r->conf, 0,
                "which of %zu entries rEFInd starts depends on its memory of the last start, which "
                "stays behind, and on the times of files",
                r->w->starts - r->first);
}

void bf_walk_refind(struct bf_walk *w, const char *folder)
{
    static const char *const folders[] = {"/boot", "/"};
    struct refind r = {.w = w, .first = w->starts};
    w->loader = true;
    bf_offer_fat(w, folder, "refind.conf", r.conf, sizeof r.conf);
    bf_offer_mount(w, r.conf, r.mount, sizeof r.mount);
    read_conf(&r);
    for (size_t i = 0; i < BF_COUNT(folders); i++)
        scan(&r, folders[i]);
    if (strcmp(r.mount, "/boot") != 0 && strcmp(r.mount, "/") != 0)
        scan(&r, r.mount);
    choose(&r);
}
