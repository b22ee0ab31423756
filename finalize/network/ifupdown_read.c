// SPDX-License-Identifier: Apache-2.0
// Lines and stanzas of interfaces(5). What makes a reader give up the whole file is trouble here:
// a result that it does not read gives no address.
#include "base/bytes.h"
#include "finalize/network/ifupdown.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 8
#define ITEMS_MAX 4096 // of stanzas, and of words of "auto"
#define FILES_MAX 512
#define LINES_MAX 200000
#define BYTES_MAX ((size_t)8 << 20) // of all files
#define RULES_MAX 64                // of patterns of mappings, and of renames

// ---- The configuration --------------------------------------------------------------------------

void bf_ifup_free(struct bf_ifup *c)
{
    for (size_t i = 0; i < c->files; i++) {
        free(c->file[i].path);
        free(c->file[i].text);
        free(c->file[i].flat);
    }
    free(c->file);
    free(c->line);
    free(c->stanza);
    free(c->up);
    free(c->rename);
    free(c->mapping);
    *c = (struct bf_ifup){0};
}

// A list with room for one more, twice as long when it is full; NULL when out of memory.
static void *grown(struct bf_ifup *c, void *list, size_t count, size_t size)
{
    if ((count && !bf_is_power_of_two(count)) || c->failed)
        return c->failed ? NULL : list;
    void *more = realloc(list, (count ? 2 * count : 1) * size);
    c->failed = !more;
    return more;
}

#define ADD(c, list, count)                                                                        \
    ((grow = grown((c), (c)->list, (c)->count, sizeof *(c)->list))                                 \
         ? ((c)->list = grow, memset(&(c)->list[(c)->count], 0, sizeof *(c)->list),                \
            &(c)->list[(c)->count++])                                                              \
         : NULL)

// ---- Continued lines ----------------------------------------------------------------------------

static bool is_comment(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at < end && *at == '#';
}

// A backslash at the end of a line; for ifupdown alone not at that of a comment.
static void join_lines(char *text, size_t len, bool comments)
{
    size_t pos = 0;
    struct bf_line line;
    bool goes_on = false, comment = false;
    while (bf_line_next(text, len, &pos, &line)) {
        char *end = text + pos - line.full + line.len;
        comment = goes_on ? comment : is_comment(line.at, line.at + line.len);
        goes_on = line.len && end[-1] == '\\' && (comments || !comment);
        if (!goes_on)
            continue;
        end[-1] = ' ';
        if (line.full > line.len)
            end[0] = ' ';
    }
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// ifupdown2 takes every backslash away with all white space around it.
static void join_around(char *text, size_t len)
{
    size_t done = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '\\')
            continue;
        for (size_t b = i; b > done && is_space(text[b - 1]); b--)
            text[b - 1] = ' ';
        text[i] = ' ';
        while (i + 1 < len && is_space(text[i + 1]))
            text[++i] = ' ';
        done = i + 1;
    }
}

// ifupdown-ng takes a '#' anywhere for the beginning of a comment.
static void cut_comments(char *text, size_t len)
{
    bool comment = false;
    for (size_t i = 0; i < len; i++) {
        comment = text[i] != '\n' && (comment || (text[i] == '#' && (!i || text[i - 1] != '\\')));
        if (comment)
            text[i] = ' ';
    }
}

static void flatten(struct bf_ifup *c, char *text, size_t len)
{
    if (c->variant == BF_IFUP_NG)
        cut_comments(text, len);
    if (c->variant == BF_IFUP_TWO)
        join_around(text, len);
    else
        join_lines(text, len, c->variant != BF_IFUP_CLASSIC);
}

// ---- Stanzas ------------------------------------------------------------------------------------

enum word { OPTION, AUTO, IFACE, TEMPLATE, MAPPING, SOURCE, RENAME, OTHER };

static const struct {
    const char *word;
    enum word kind;
    const char *variants; // of the enum's order: classic, 2, ng, busybox
} words[] = {
    {"auto", AUTO, "c2nb"},       {"iface", IFACE, "c2nb"},
    {"interface", IFACE, "n"},    {"template", TEMPLATE, "n"},
    {"mapping", MAPPING, "cb"},   {"source", SOURCE, "c2nb"},
    {"source-dir", SOURCE, "cb"}, {"source-directory", SOURCE, "cnb"},
    {"rename", RENAME, "c"},      {"no-scripts", OTHER, "c"},
    {"no-auto-down", OTHER, "c"}, {"vlan", OTHER, "2"},
};

static enum word kind_of(const struct bf_ifup *c, struct bf_slice key)
{
    for (size_t i = 0; i < BF_COUNT(words); i++)
        if (bf_slice_is(key, words[i].word) && strchr(words[i].variants, "c2nb"[c->variant]))
            return words[i].kind;
    bool allow = key.len > 6 && memcmp(key.at, "allow-", 6) == 0;
    return allow && c->variant <= BF_IFUP_TWO ? AUTO : OPTION;
}

// "PHYSICAL=LOGICAL", or one name that is both.
static void split(struct bf_slice word, struct bf_ifup_up *up)
{
    const char *equals = memrchr(word.at, '=', word.len);
    up->word = up->physical = up->logical = word;
    if (!equals)
        return;
    up->physical.len = (size_t)(equals - word.at);
    up->logical = (struct bf_slice){equals + 1, word.len - up->physical.len - 1};
}

static void add_words(struct bf_ifup *c, size_t line, enum word kind)
{
    struct bf_slice rest = c->line[line].value, word;
    void *grow;
    while (!c->trouble[0] && bf_slice_next(&rest, &word)) {
        struct bf_ifup_up *up = kind == AUTO     ? ADD(c, up, ups)
                                : kind == RENAME ? ADD(c, rename, renames)
                                                 : ADD(c, mapping, mappings);
        if (!up)
            return;
        up->line = line;
        split(word, up);
        if (c->ups > ITEMS_MAX || c->renames > RULES_MAX || c->mappings > RULES_MAX)
            bf_ifup_trouble(c, line, "these are more interfaces than any system has");
        if (kind == AUTO && c->variant == BF_IFUP_NG)
            return; // ifupdown-ng brings up the first alone
    }
}

static struct bf_ifup_stanza *add_stanza(struct bf_ifup *c, size_t line, struct bf_slice name)
{
    void *grow;
    struct bf_ifup_stanza *s = ADD(c, stanza, stanzas);
    if (!s)
        return NULL;
    s->head = line;
    s->end = line + 1;
    s->name = name;
    c->line[line].stanza = c->stanzas;
    if (c->stanzas > ITEMS_MAX)
        bf_ifup_trouble(c, line, "these are more stanzas than any system has");
    return s;
}

// Of which stanza another inherits: ifupdown wants an earlier one of the same family.
static void find_parent(struct bf_ifup *c, struct bf_ifup_stanza *s)
{
    for (size_t i = 0; i + 1 < c->stanzas && !s->inherits; i++) {
        struct bf_ifup_stanza *t = &c->stanza[i];
        if (bf_slice_same(t->name, s->parent) && t != s &&
            (c->variant == BF_IFUP_NG || !s->family.len || bf_slice_same(t->family, s->family))) {
            s->inherits = i + 1;
            t->is_inherited = true;
        }
    }
    if (!s->inherits && c->variant == BF_IFUP_CLASSIC)
        bf_ifup_trouble(c, s->head, "nothing above is called %.*s, from which %.*s inherits",
                        (int)(s->parent.len < 80 ? s->parent.len : 80), s->parent.at,
                        (int)(s->name.len < 80 ? s->name.len : 80), s->name.at);
    if (s->inherits && !s->family.len && c->variant == BF_IFUP_CLASSIC) {
        s->family = c->stanza[s->inherits - 1].family;
        s->method = c->stanza[s->inherits - 1].method;
    }
}

// The words after an interface's name.
static void read_head(struct bf_ifup *c, struct bf_ifup_stanza *s, struct bf_slice rest)
{
    struct bf_slice word;
    size_t more = 0;
    while (bf_slice_next(&rest, &word)) {
        if (bf_slice_is(word, "inherits") && c->variant != BF_IFUP_TWO && !s->parent.len)
            s->parent = bf_slice_next(&rest, &word) ? word : (struct bf_slice){"", 0};
        else if (!s->family.len)
            s->family = word;
        else if (!s->method.len)
            s->method = word;
        else
            more++;
    }
    bool strict = c->variant == BF_IFUP_CLASSIC || c->variant == BF_IFUP_BUSYBOX;
    if (strict && (more || (s->parent.len && c->variant == BF_IFUP_BUSYBOX)))
        bf_ifup_trouble(c, s->head, "it has more than a name, a family and a method");
    else if (strict && !s->method.len && !(s->parent.len && !s->family.len))
        bf_ifup_trouble(c, s->head, "it lacks a family or a method");
    if (s->parent.len)
        find_parent(c, s);
}

static unsigned use_of(struct bf_slice what)
{
    if (bf_slice_is(what, "bridge"))
        return BF_IFUP_USES_BRIDGE;
    if (bf_slice_is(what, "bond") || bf_slice_is(what, "team"))
        return BF_IFUP_USES_BOND;
    if (bf_slice_is(what, "vlan"))
        return BF_IFUP_USES_VLAN;
    bool asks = bf_slice_is(what, "dhcp") || bf_slice_is(what, "ipv6-ra");
    return asks ? BF_IFUP_USES_DHCP : 0;
}

// A line that belongs to the stanza begun last, if any.
static void add_option(struct bf_ifup *c, size_t line, size_t *current, bool mapping)
{
    bool strict = c->variant == BF_IFUP_CLASSIC || c->variant == BF_IFUP_BUSYBOX;
    const struct bf_ifup_line *l = &c->line[line];
    if (strict && l->value.len == 0)
        bf_ifup_trouble(c, line, "%.*s has no value", (int)(l->key.len < 80 ? l->key.len : 80),
                        l->key.at);
    if (*current) {
        struct bf_ifup_stanza *s = &c->stanza[*current - 1];
        c->line[line].stanza = *current;
        s->end = line + 1;
        if (bf_slice_is(l->key, "use"))
            s->uses |= use_of(bf_slice_word(l->value));
        if (c->variant == BF_IFUP_NG && bf_slice_is(l->key, "inherit") && !s->parent.len) {
            s->parent = bf_slice_word(l->value);
            find_parent(c, s);
        }
    } else if (strict && !mapping) {
        bf_ifup_trouble(c, line, "%.*s belongs to no interface",
                        (int)(l->key.len < 80 ? l->key.len : 80), l->key.at);
    }
}

static void begin_stanza(struct bf_ifup *c, size_t line, enum word kind, size_t *current)
{
    struct bf_slice rest = c->line[line].value, name = {"", 0};
    bool any = bf_slice_next(&rest, &name);
    *current = 0;
    if (!any) {
        if (c->variant == BF_IFUP_CLASSIC || c->variant == BF_IFUP_BUSYBOX)
            bf_ifup_trouble(c, line, "the name of an interface is missing");
        return;
    }
    struct bf_ifup_stanza *s = add_stanza(c, line, name);
    if (!s)
        return;
    *current = c->stanzas;
    s->is_template = kind == TEMPLATE;
    s->is_bare = kind == AUTO;
    if (kind != AUTO)
        read_head(c, s, rest);
}

// ---- Files --------------------------------------------------------------------------------------

static struct bf_ifup_line *add_line(struct bf_ifup *c, size_t file, const struct bf_line *line)
{
    void *grow;
    struct bf_slice rest = {line->at, strnlen(line->at, line->len)}, key; // as C strings end
    if (!bf_slice_next(&rest, &key) || key.at[0] == '#')
        return NULL;
    struct bf_ifup_line *l = ADD(c, line, lines);
    if (!l)
        return NULL;
    while (rest.len && is_space(rest.at[0]))
        rest = (struct bf_slice){rest.at + 1, rest.len - 1};
    while (rest.len && is_space(rest.at[rest.len - 1]))
        rest.len--;
    l->file = file;
    l->start = (size_t)(line->at - c->file[file].flat);
    l->full = line->full;
    l->key = key;
    l->value = rest;
    return l;
}

static size_t lines_of(const char *text, size_t len)
{
    size_t count = 0;
    for (const char *nl = text; (nl = memchr(nl, '\n', len - (size_t)(nl - text))); nl++)
        count++;
    return count;
}

static void parse(struct bf_fin *f, struct bf_ifup *c, const char *path, int depth, bool needed);

// One line, with all that it includes.
static void take_line(struct bf_fin *f, struct bf_ifup *c, size_t line, int depth, size_t *current,
                      bool *mapping)
{
    enum word kind = kind_of(c, c->line[line].key);
    if (kind == OPTION) {
        add_option(c, line, current, *mapping);
        return;
    }
    *mapping = kind == MAPPING;
    if (kind == AUTO || kind == RENAME || kind == MAPPING)
        add_words(c, line, kind);
    if (kind == IFACE || kind == TEMPLATE || (kind == AUTO && c->variant == BF_IFUP_NG))
        begin_stanza(c, line, kind, current);
    else if (kind != SOURCE || c->variant <= BF_IFUP_TWO)
        *current = 0;
    if (kind == SOURCE)
        bf_ifup_include(f, c, line, depth, parse);
}

static void parse_file(struct bf_fin *f, struct bf_ifup *c, size_t file, int depth)
{
    size_t pos = 0, current = 0;
    unsigned number = 1;
    struct bf_line line;
    bool mapping = false;
    while (!c->trouble[0] && !c->failed &&
           bf_line_next(c->file[file].flat, c->file[file].len, &pos, &line)) {
        struct bf_ifup_line *l = add_line(c, file, &line);
        if (l)
            l->number = number;
        number += (unsigned)lines_of(c->file[file].text + pos - line.full, line.full);
        if (l)
            take_line(f, c, c->lines - 1, depth, &current, &mapping);
    }
}

static bool is_known(const struct bf_ifup *c, const char *path)
{
    for (size_t i = 0; i < c->files; i++)
        if (strcmp(c->file[i].path, path) == 0)
            return true;
    return false;
}

static void parse(struct bf_fin *f, struct bf_ifup *c, const char *path, int depth, bool needed)
{
    struct bf_fault fault;
    size_t len;
    void *grow;
    const char *text = bf_edits_get(&f->edits, path, &len, &fault);
    if (!text && (needed || (fault.code != BF_ERR_NOT_FOUND && !bf_fin_root_is_dir(f->root, path))))
        bf_ifup_trouble(c, c->lines - 1, "%s cannot be read: %s", path, fault.what);
    if (!text || is_known(c, path))
        return;
    c->bytes += len;
    if (depth > DEPTH_MAX || c->files >= FILES_MAX || c->bytes > BYTES_MAX ||
        c->lines > LINES_MAX) {
        bf_ifup_trouble(c, c->lines - 1, "it includes more files than any system has");
        return;
    }
    struct bf_ifup_file *file = ADD(c, file, files);
    if (!file)
        return;
    file->path = strdup(path);
    file->text = bf_word_dup(text, len);
    file->flat = bf_word_dup(text, len);
    file->len = len;
    c->failed = c->failed || !file->path || !file->text || !file->flat;
    if (c->failed)
        return;
    flatten(c, file->flat, len);
    parse_file(f, c, c->files - 1, depth);
}

static enum bf_ifup_variant variant_of(struct bf_fin *f)
{
    static const char *const two[] = {"/usr/share/ifupdown2", "/etc/network/ifupdown2", NULL};
    static const char *const ng[] = {"/usr/libexec/ifupdown-ng", "/usr/lib/ifupdown-ng",
                                     "/etc/network/ifupdown-ng.conf", NULL};
    if (bf_fin_root_any(f->root, two))
        return BF_IFUP_TWO;
    if (bf_fin_root_any(f->root, ng))
        return BF_IFUP_NG;
    char *link = bf_fin_root_readlink(f->root, "/sbin/ifup");
    bool busybox = link && strstr(link, "busybox");
    free(link);
    return busybox ? BF_IFUP_BUSYBOX : BF_IFUP_CLASSIC;
}

// What a script decides is not known before it runs.
static void check_mappings(struct bf_ifup *c)
{
    for (size_t m = 0; m < c->mappings; m++)
        for (size_t u = 0; u < c->ups; u++) {
            char pattern[128], name[128];
            struct bf_slice at = c->mapping[m].word, what = c->up[u].logical;
            snprintf(pattern, sizeof pattern, "%.*s", (int)(at.len < 127 ? at.len : 127), at.at);
            snprintf(name, sizeof name, "%.*s", (int)(what.len < 127 ? what.len : 127), what.at);
            if (strcmp(name, "lo") != 0 && fnmatch(pattern, name, 0) == 0)
                bf_ifup_trouble(c, c->mapping[m].line,
                                "a script decides there which stanza %s gets", name);
        }
}

void bf_ifup_read(struct bf_fin *f, struct bf_ifup *c)
{
    *c = (struct bf_ifup){.variant = variant_of(f)};
    parse(f, c, BF_IFUP_MAIN, 0, false);
    check_mappings(c);
    if (c->failed)
        bf_ifup_trouble(c, c->lines, "out of memory");
}
