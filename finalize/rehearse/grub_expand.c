// SPDX-License-Identifier: Apache-2.0
// The words of a command of GRUB's script. The value of a variable outside of quotes is split at
// blanks, and is no word when it is empty; what stands in quotes always is one. Where the module
// regexp was loaded, * and ? outside of quotes stand for files of a device.
#include "finalize/rehearse/grub.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

struct word {
    struct bf_gr *g;
    struct bf_gr_words *out;
    struct bf_text text;
    struct bf_text pattern; // the same with what is quoted kept from fnmatch(3)
    bool there;             // even if it is empty
    bool wild;
};

static void put(struct word *w, const char *s, size_t len, bool quoted)
{
    if (w->text.len + len > BF_GR_WORD) {
        bf_gr_lose(w->g, "makes a word of more than %d bytes", BF_GR_WORD);
        return;
    }
    bf_text_add(&w->text, s, len);
    for (size_t i = 0; i < len; i++) {
        bool star = s[i] == '*' || s[i] == '?';
        w->wild |= star && !quoted;
        if (s[i] == '\\' || s[i] == '[' || (star && quoted))
            bf_text_add(&w->pattern, "\\", 1);
        bf_text_add(&w->pattern, s + i, 1);
    }
    w->there |= quoted || len > 0;
}

// ---- Files that a pattern stands for ------------------------------------------------------------

static void add_matches(struct word *w, const char *name, const char *pattern, const char *tree)
{
    struct bf_names list;
    if (bf_edits_list(&w->g->w->f->edits, tree, "", &list))
        return;
    size_t folder = (size_t)(strrchr(name, '/') + 1 - name);
    for (size_t i = 0; i < list.count; i++) {
        struct bf_text t = {0};
        bf_text_add(&t, name, folder);
        bf_text_str(&t, list.name[i]);
        if (fnmatch(pattern, list.name[i], FNM_PERIOD) == 0)
            bf_gr_word(w->g, w->out, bf_text_get(&t), t.len);
        bf_text_free(&t);
    }
    bf_names_free(&list);
}

// Expands a pattern in the last part of a path; false when it stays as it is. GRUB knows them in
// every part: one in a folder's name is not followed.
static bool expand_files(struct word *w)
{
    char folder[BF_START_PATH + 2], tree[BF_START_PATH];
    const char *name = bf_text_get(&w->text), *slash = strrchr(name, '/');
    const char *pattern = strrchr(bf_text_get(&w->pattern), '/');
    size_t before = w->out->count;
    if (!w->g->globs || (name[0] != '(' && name[0] != '/') || !slash || !pattern)
        return false;
    if (strcspn(name, "*?") < (size_t)(slash - name) || strlen(pattern) > 256 ||
        (size_t)(slash - name) >= BF_START_PATH) {
        bf_gr_unknown(w->g, "has a pattern that is not followed: %.80s", name);
        return false;
    }
    snprintf(folder, sizeof folder, "%.*s/.", (int)(slash - name), name);
    if (bf_gr_place(w->g, folder, tree) == BF_GR_UNSEEN)
        bf_gr_unknown(w->g, "goes over files that are not seen here: %.80s", name);
    else
        add_matches(w, name, pattern + 1, tree);
    return w->out->count > before;
}

static void end_word(struct word *w)
{
    if (w->there && !(w->wild && expand_files(w)))
        bf_gr_word(w->g, w->out, bf_text_get(&w->text), w->text.len);
    if (!bf_text_ok(&w->text) || !bf_text_ok(&w->pattern))
        bf_gr_lose(w->g, "needs more memory than there is");
    bf_text_empty(&w->text);
    bf_text_empty(&w->pattern);
    w->there = w->wild = false;
}

// ---- Parts --------------------------------------------------------------------------------------

// Upstream's GRUB drops each backslash outside of quotes; Red Hat's keeps \xHH.
static bool is_hex_escape(const struct word *w, const char *s)
{
    return w->g->bls && s[1] == 'x' && isxdigit((unsigned char)s[2]) &&
           isxdigit((unsigned char)s[3]);
}

static void put_text(struct word *w, const char *s)
{
    while (*s) {
        size_t n = strcspn(s, "\\");
        if (n)
            put(w, s, n, false);
        s += n;
        if (!*s)
            return;
        if (is_hex_escape(w, s)) {
            put(w, s, 1, true);
            s++;
        } else if (s[1]) {
            put(w, s + 1, 1, true);
            s += 2;
        } else
            return;
    }
}

static bool is_space(char c)
{
    return isspace((unsigned char)c);
}

// The first and the last word of a value join what stands beside it.
static void put_split(struct word *w, const char *s)
{
    while (is_space(*s))
        s++;
    while (*s && w->g->state != BF_GR_LOST) {
        size_t n = 0;
        while (s[n] && !is_space(s[n]))
            n++;
        put(w, s, n, false);
        s += n;
        while (is_space(*s))
            s++;
        if (*s)
            end_word(w);
    }
}

static void put_value(struct word *w, const char *value, bool quoted)
{
    if (quoted)
        put(w, value, strlen(value), true);
    else
        put_split(w, value);
}

static void put_all(struct word *w, bool each, bool quoted)
{
    struct bf_gr *g = w->g;
    for (size_t i = g->shifted; g->scope && i < g->scope->count; i++) {
        if (i > g->shifted && (each || !quoted))
            end_word(w);
        else if (i > g->shifted)
            put(w, " ", 1, true);
        put_value(w, g->scope->word[i], quoted);
    }
}

static size_t scope_count(const struct bf_gr *g)
{
    return g->scope ? g->scope->count - g->shifted : 0;
}

static void put_variable(struct word *w, const char *name, bool quoted)
{
    struct bf_gr *g = w->g;
    const char *value = bf_gr_get(g, name);
    char number[24];
    if (strcmp(name, "@") == 0 || strcmp(name, "*") == 0) {
        put_all(w, name[0] == '@', quoted);
        return;
    }
    if (strcmp(name, "#") == 0) {
        snprintf(number, sizeof number, "%zu", scope_count(g));
        value = g->scope ? number : NULL;
    } else if (name[0] >= '0' && name[0] <= '9') {
        unsigned long n = strtoul(name, NULL, 10);
        value = n && n <= scope_count(g) ? g->scope->word[g->shifted + n - 1] : NULL;
    }
    if (value && value[0])
        put_value(w, value, quoted);
}

// The length of the name that stands after a dollar in a message; 0 when there is none.
static size_t message_name(const char *s)
{
    size_t n = 0;
    if (*s == '?' || *s == '#')
        return 1;
    while (isalnum((unsigned char)s[n]) || s[n] == '_')
        n++;
    return isdigit((unsigned char)*s) ? strspn(s, "0123456789") : n;
}

// A message is taken as it is written, as without a translation. In it a name in braces may be
// anything, and one whose braces are not closed ends it.
static void put_message(struct word *w, const char *s)
{
    put(w, "", 0, true);
    while (*s) {
        bool braces = s[0] == '$' && s[1] == '{';
        const char *name = s + 1 + braces, *close = braces ? strchr(s, '}') : NULL;
        size_t n = close ? (size_t)(close - name) : s[0] == '$' ? message_name(name) : 0;
        if (braces && !close)
            return;
        if (n || braces) {
            put_variable(w, bf_gr_dup(w->g, name, n), true);
            s = name + n + braces;
            continue;
        }
        s += *s == '\\' && (s[1] == '\\' || s[1] == '$');
        put(w, s, 1, true);
        s++;
    }
}

static void put_part(struct word *w, const struct bf_gr_part *p)
{
    switch (p->kind) {
    case BF_GR_TEXT:
        put_text(w, p->text);
        break;
    case BF_GR_QUOTED:
        put(w, p->text, strlen(p->text), true);
        break;
    case BF_GR_VARIABLE:
    case BF_GR_INSIDE:
        put_variable(w, p->text, p->kind == BF_GR_INSIDE);
        break;
    case BF_GR_MESSAGE:
        put_message(w, p->text);
        break;
    }
}

void bf_gr_expand(struct bf_gr *g, const struct bf_gr_arg *arg, struct bf_gr_words *out)
{
    struct word w = {.g = g, .out = out};
    *out = (struct bf_gr_words){0};
    for (; arg && g->state != BF_GR_LOST; arg = arg->next) {
        for (const struct bf_gr_part *p = arg->part; p; p = p->next)
            put_part(&w, p);
        end_word(&w);
    }
    bf_text_free(&w.text);
    bf_text_free(&w.pattern);
    uint64_t bytes = 64;
    for (size_t i = 0; i < out->count; i++)
        bytes += strlen(out->word[i]);
    if (bf_budget_take(g->w->f->root->budget, g->file, bytes))
        bf_gr_lose(g, "needs more work than a step may do");
}
