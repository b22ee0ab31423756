// SPDX-License-Identifier: Apache-2.0
// Cuts GRUB's script into commands, in one pass.
#include "finalize/boot/grub_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

// ---- Words --------------------------------------------------------------------------------------

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool ends_word(char c)
{
    return is_blank(c) || c == '\n' || memchr("{}|&;<>", c, 7);
}

static const char *skip_blanks(const char *p, const char *end)
{
    for (;;)
        if (p < end && is_blank(*p))
            p++;
        else if (p + 1 < end && p[0] == '\\' && p[1] == '\n')
            p += 2;
        else
            return p;
}

// Behind a string whose first byte is at `p`; the end of the text when it is not closed.
static const char *skip_string(const char *p, const char *end, char quote)
{
    for (; p < end && *p != quote; p++)
        if (*p == '\\' && quote == '"' && p + 1 < end)
            p++;
    return p < end ? p + 1 : end;
}

static const char *skip_variable(const char *p, const char *end)
{
    if (p + 1 < end && p[1] == '{')
        for (p += 2; p < end && *p != '}' && *p != '\n'; p++)
            continue;
    return p < end ? p + 1 : end;
}

static const char *skip_piece(const char *p, const char *end)
{
    if (*p == '\\')
        return p + 1 < end ? p + 2 : end;
    if (*p == '"' || *p == '\'')
        return skip_string(p + 1, end, *p);
    return *p == '$' ? skip_variable(p, end) : p + 1;
}

bool bf_grub_word_next(const char **at, const char *end, struct bf_grub_word *word)
{
    const char *p = skip_blanks(*at, end);
    word->at = p;
    while (p < end && !ends_word(*p))
        p = skip_piece(p, end);
    word->len = (size_t)(p - word->at);
    *at = p;
    return word->len > 0;
}

// Appends what stands in double quotes at `p`; behind them.
static const char *add_string(const char *p, const char *end, struct bf_text *out, bool *literal)
{
    for (; p < end && *p != '"'; p++) {
        bool escape = *p == '\\' && p + 1 < end && memchr("$\"\\\n", p[1], 4);
        if (escape)
            p++;
        *literal = *literal && (escape || *p != '$');
        if (!escape || *p != '\n')
            bf_text_add(out, p, 1);
    }
    return p + 1;
}

bool bf_grub_word_value(const struct bf_grub_word *word, struct bf_text *out)
{
    bool literal = true;
    const char *end = word->at + word->len;
    for (const char *p = word->at; p < end;) {
        if (*p == '"') {
            p = add_string(p + 1, end, out, &literal);
        } else if (*p == '\'') {
            const char *close = skip_string(p + 1, end, '\'');
            bool closed = close > p + 1 && close[-1] == '\'';
            bf_text_add(out, p + 1, (size_t)(close - p - 1) - closed);
            p = close;
        } else if (*p == '\\' && p + 1 < end) {
            bf_text_add(out, p + 1, p[1] != '\n');
            p += 2;
        } else {
            literal = literal && *p != '$';
            bf_text_add(out, p++, 1);
        }
    }
    return literal;
}

bool bf_grub_variable(const char *at, size_t len, char *out, size_t size)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    bool brace = len > 3 && at[0] == '$' && at[1] == '{' && at[len - 1] == '}';
    if (len < 2 || at[0] != '$')
        return false;
    at += brace ? 2 : 1;
    len -= brace ? 3 : 1;
    if (len >= size)
        return false;
    snprintf(out, size, "%.*s", (int)len, at);
    return out[0] && strlen(out) == len && strspn(out, name) == len;
}

// ---- Commands -----------------------------------------------------------------------------------

struct parser {
    struct bf_grub_script *s;
    const char *at, *end;
    unsigned line;
    const char *counted; // up to where lines were counted
    unsigned depth;
    unsigned block[BF_GRUB_DEPTH_MAX]; // the entry that each open brace is in
    unsigned braces;
    unsigned keywords; // if, for, while and until that are open
    unsigned opens;    // the entry whose brace comes next; 0: none
    enum bf_err err;
};

#define STEP 1024

// Makes room for one more element.
static void *grow(void *list, size_t count, size_t size)
{
    return count % STEP ? list : realloc(list, (count + STEP) * size);
}

static unsigned current(const struct parser *p)
{
    unsigned top = p->braces < BF_GRUB_DEPTH_MAX ? p->braces : BF_GRUB_DEPTH_MAX;
    return top ? p->block[top - 1] : 0;
}

static void count_lines(struct parser *p, const char *to)
{
    for (; p->counted < to; p->counted++)
        p->line += *p->counted == '\n';
}

static void add_command(struct parser *p, const char *at, const char *end)
{
    struct bf_grub_script *s = p->s;
    void *list = grow(s->command, s->commands, sizeof *s->command);
    if (!list || s->commands == BF_GRUB_COMMANDS_MAX) {
        p->err = list ? BF_ERR_LIMIT : BF_ERR_NO_MEMORY;
        return;
    }
    s->command = list;
    count_lines(p, at);
    s->command[s->commands++] = (struct bf_grub_command){.at = at,
                                                         .end = end,
                                                         .line = p->line,
                                                         .entry = current(p),
                                                         .depth = p->braces + p->keywords};
}

// Title and identifier of "menuentry TITLE [--class X] [--id ID] [$menuentry_id_option ID]".
static void read_title(struct bf_grub_entry *e, const char *at, const char *end)
{
    struct bf_grub_word w;
    enum { TITLE, ID, OTHER } next = TITLE;
    while (bf_grub_word_next(&at, end, &w)) {
        bool id = bf_word_is(w.at, w.len, "--id") || memmem(w.at, w.len, "menuentry_id_option", 19);
        bool option = id || (w.len > 1 && w.at[0] == '-' && w.at[1] == '-');
        if (option) {
            bool value = !memchr(w.at, '=', w.len) && !bf_word_is(w.at, w.len, "--unrestricted");
            next = id ? ID : value ? OTHER : TITLE;
            continue;
        }
        if (next == ID)
            e->id = w;
        else if (next == TITLE && !e->title.len)
            e->title = w;
        next = TITLE;
    }
}

static void add_entry(struct parser *p, bool submenu, const char *at, const char *end)
{
    struct bf_grub_script *s = p->s;
    void *list = grow(s->entry, s->entries, sizeof *s->entry);
    if (!list) {
        p->err = BF_ERR_NO_MEMORY;
        return;
    }
    s->entry = list;
    unsigned parent = current(p);
    struct bf_grub_entry e = {.parent = parent, .submenu = submenu};
    if (s->entries)
        e.number = s->entry[parent].children++;
    read_title(&e, at, end);
    s->entry[s->entries++] = e;
}

// Whether a word begins or ends what stands between keywords, or only stands before a command.
static bool is_keyword(struct parser *p, const struct bf_grub_word *w)
{
    static const struct {
        const char *word;
        int open;
    } words[] = {{"if", 1},   {"while", 1}, {"until", 1}, {"for", 1}, {"fi", -1}, {"done", -1},
                 {"then", 0}, {"else", 0},  {"elif", 0},  {"do", 0},  {"!", 0}};
    for (size_t i = 0; i < BF_COUNT(words); i++)
        if (bf_word_is(w->at, w->len, words[i].word)) {
            if (words[i].open < 0 && p->keywords)
                p->keywords--;
            p->keywords += words[i].open > 0;
            return true;
        }
    return false;
}

static void read_command(struct parser *p)
{
    struct bf_grub_word w = {0}, first;
    const char *end;
    do
        if (!bf_grub_word_next(&p->at, p->end, &first))
            return;
    while (is_keyword(p, &first));
    if (first.at[0] == '#') {
        p->at = first.at; // a comment
        return;
    }
    for (end = first.at + first.len; bf_grub_word_next(&p->at, p->end, &w); end = w.at + w.len)
        if (w.at[0] == '#') {
            p->at = w.at; // a comment
            break;
        }
    add_command(p, first.at, end);
    bool submenu = bf_word_is(first.at, first.len, "submenu");
    p->opens = 0;
    if (!p->err && (submenu || bf_word_is(first.at, first.len, "menuentry"))) {
        add_entry(p, submenu, first.at + first.len, end);
        p->opens = (unsigned)p->s->entries - 1;
    }
}

static void read_operator(struct parser *p)
{
    char c = *p->at++;
    if (c == '{') {
        if (p->braces < BF_GRUB_DEPTH_MAX)
            p->block[p->braces] = p->opens ? p->opens : current(p);
        p->braces++;
        p->opens = 0;
    } else if (c == '}' && p->braces) {
        p->braces--;
    }
}

enum bf_err bf_grub_parse(struct bf_grub_script *s, const char *text, size_t len)
{
    struct parser p = {.s = s, .at = text, .end = text + len, .line = 1, .counted = text};
    *s = (struct bf_grub_script){0};
    add_entry(&p, true, text, text); // the menu itself
    while (!p.err) {
        p.at = skip_blanks(p.at, p.end);
        if (p.at == p.end)
            break;
        if (*p.at == '#') {
            const char *line = memchr(p.at, '\n', (size_t)(p.end - p.at));
            p.at = line ? line : p.end;
        } else if (ends_word(*p.at)) {
            read_operator(&p);
        } else {
            read_command(&p);
        }
    }
    return p.err;
}

void bf_grub_script_free(struct bf_grub_script *s)
{
    free(s->command);
    free(s->entry);
    *s = (struct bf_grub_script){0};
}
