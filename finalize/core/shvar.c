// SPDX-License-Identifier: Apache-2.0
// Steps through files of shell variables by the shell's rules of quoting. One pass finds where a
// value ends, and unquoting goes over it once more; a quote that is never closed takes the rest of
// the file with it, as it does in a shell.
#include "finalize/core/shvar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

void bf_shvar_init(struct bf_shvar *sv, const char *text, size_t size)
{
    *sv = (struct bf_shvar){.text = text, .size = size, .number = 1};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_name(char c, bool first)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && is_blank(*p))
        p++;
    return p;
}

static const char *skip_name(const char *p, const char *end)
{
    const char *start = p;
    while (p < end && is_name(*p, p == start))
        p++;
    return p;
}

// ---- Where a value ends -------------------------------------------------------------------------

// Behind an expansion that begins at a '$' or a '`', NULL when it does not end on its line.
static const char *skip_expansion(const char *p, const char *end)
{
    if (*p == '`') {
        for (p++; p < end && *p != '\n'; p++)
            if (*p == '`')
                return p + 1;
        return NULL;
    }
    p++;
    char open = p < end ? *p : 0, close = open == '(' ? ')' : '}';
    unsigned depth = 0;
    if (open != '(' && open != '{')
        return p;
    for (; p < end && *p != '\n'; p++) {
        depth += *p == open;
        depth -= *p == close;
        if (depth == 0)
            return p + 1;
    }
    return NULL;
}

// Behind the closing quote of a string whose first byte is at `p`; NULL when it is not closed.
static const char *skip_quoted(struct bf_shvar *sv, const char *p, const char *end, char quote,
                               bool escapes)
{
    while (p < end && *p != quote) {
        if (escapes && *p == '\\' && p + 1 < end) {
            p += 2;
        } else if (quote == '"' && (*p == '$' || *p == '`')) {
            sv->literal = false;
            p = skip_expansion(p, end);
            if (!p)
                return NULL;
        } else {
            p++;
        }
    }
    return p < end ? p + 1 : NULL;
}

static bool is_operator(char c)
{
    return c == '|' || c == '&' || c == ';' || c == '(' || c == ')' || c == '<' || c == '>';
}

// Behind the next piece of an unquoted word; NULL when it is not complete.
static const char *skip_piece(struct bf_shvar *sv, const char *p, const char *end)
{
    if (*p == '\\')
        return p + 1 < end ? p + 2 : NULL;
    if (*p == '\'' || *p == '"')
        return skip_quoted(sv, p + 1, end, *p, *p == '"');
    if (*p == '$' && p + 1 < end && p[1] == '\'')
        return skip_quoted(sv, p + 2, end, '\'', true);
    if (*p == '$' || *p == '`') {
        sv->literal = false;
        return skip_expansion(p, end);
    }
    if (*p == '~' && (p == sv->value || p[-1] == ':'))
        sv->literal = false;
    return p + 1;
}

// Behind the value; NULL when a quote or an expansion is not closed.
static const char *skip_value(struct bf_shvar *sv, const char *p, const char *end)
{
    while (p < end && *p != '\n' && !is_blank(*p) && !is_operator(*p)) {
        p = skip_piece(sv, p, end);
        if (!p)
            return NULL;
    }
    return p;
}

// ---- Statements ---------------------------------------------------------------------------------

// What may follow a value on its line: one semicolon, and a comment.
static bool is_end(const char *p, const char *end)
{
    const char *at = skip_blanks(p, end);
    bool apart = at > p;
    if (at < end && *at == ';') {
        at = skip_blanks(at + 1, end);
        apart = true;
    }
    return at == end || *at == '\n' || (apart && *at == '#');
}

// Parses KEY=value at `p`; where the statement ends, which may be lines below. NULL: the rest of
// the file is one piece.
static const char *parse_set(struct bf_shvar *sv, const char *p, const char *line_end)
{
    const char *end = sv->text + sv->size, *key = p;
    p = skip_name(p, line_end);
    size_t len = (size_t)(p - key);
    if (len == 0 || p == line_end || *p != '=')
        return line_end;
    sv->value = p + 1;
    sv->literal = true;
    p = skip_value(sv, p + 1, end);
    if (!p)
        return NULL;
    sv->value_len = (size_t)(p - sv->value);
    BF_ASSERT(p <= end);
    if (len < sizeof sv->key && is_end(p, end)) {
        sv->kind = BF_SHVAR_SET;
        snprintf(sv->key, sizeof sv->key, "%.*s", (int)len, key);
    }
    return p;
}

static const char *parse(struct bf_shvar *sv, const char *line_end)
{
    const char *p = skip_blanks(sv->line.at, line_end);
    sv->kind = BF_SHVAR_NONE;
    if (p == line_end || *p == '#')
        return line_end;
    sv->kind = BF_SHVAR_CODE;
    const char *name = skip_name(p, line_end);
    if (bf_word_is(p, (size_t)(name - p), "export") && name < line_end && is_blank(*name)) {
        sv->exported = true;
        p = skip_blanks(name, line_end);
    }
    return parse_set(sv, p, line_end);
}

bool bf_shvar_next(struct bf_shvar *sv)
{
    struct bf_line more;
    sv->number += sv->lines;
    sv->lines = 1;
    sv->key[0] = 0;
    sv->value = NULL;
    sv->value_len = 0;
    sv->literal = sv->exported = false;
    if (!bf_line_next(sv->text, sv->size, &sv->pos, &sv->line))
        return false;
    const char *end = parse(sv, sv->line.at + sv->line.len);
    if (!end)
        end = sv->text + sv->size;
    while (end > sv->line.at + sv->line.full && bf_line_next(sv->text, sv->size, &sv->pos, &more)) {
        sv->line.len = sv->line.full + more.len;
        sv->line.full += more.full;
        sv->lines++;
    }
    sv->cr = sv->line.len > 0 && sv->line.at[sv->line.len - 1] == '\r';
    return true;
}

bool bf_shvar_is(const struct bf_shvar *sv, const char *key)
{
    return sv->kind == BF_SHVAR_SET && strcmp(sv->key, key) == 0;
}

// ---- Unquoting ----------------------------------------------------------------------------------

struct reader {
    const char *at, *end;
    char *out;
    size_t len, size;
};

static void put(struct reader *r, char c)
{
    if (r->len < r->size)
        r->out[r->len] = c;
    r->len++;
}

// Digits of an escape: at most `max` of the base.
static unsigned digits(struct reader *r, unsigned base, int max)
{
    unsigned v = 0;
    for (; max > 0 && r->at < r->end; max--, r->at++) {
        char c = *r->at;
        unsigned d = c >= '0' && c <= '9' ? (unsigned)(c - '0') : 99;
        if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            d = (unsigned)((c | 32) - 'a') + 10;
        if (d >= base)
            break;
        v = v * base + d;
    }
    return v;
}

// An escape of $'...', behind its backslash.
static void put_escape(struct reader *r)
{
    static const char from[] = "abeEfnrtv\\'\"?", to[] = "\a\b\033\033\f\n\r\t\v\\'\"?";
    char c = *r->at;
    const char *known = c ? strchr(from, c) : NULL;
    if (c >= '0' && c <= '7') {
        put(r, (char)digits(r, 8, 3));
    } else if (c == 'x') {
        r->at++;
        put(r, (char)digits(r, 16, 2));
    } else {
        if (!known)
            put(r, '\\');
        put(r, known ? to[known - from] : c);
        r->at++;
    }
}

static void put_ansi(struct reader *r)
{
    while (r->at < r->end && *r->at != '\'') {
        if (*r->at == '\\' && r->at + 1 < r->end) {
            r->at++;
            put_escape(r);
        } else {
            put(r, *r->at++);
        }
    }
    r->at++;
}

// In double quotes a backslash keeps its meaning before few bytes only.
static void put_double(struct reader *r)
{
    while (r->at < r->end && *r->at != '"') {
        if (*r->at == '\\' && r->at + 1 < r->end) {
            char c = *++r->at;
            if (!memchr("$`\"\\\n", c, 5))
                put(r, '\\');
            if (c != '\n')
                put(r, c);
            r->at++;
        } else {
            put(r, *r->at++);
        }
    }
    r->at++;
}

static void put_piece(struct reader *r)
{
    char c = *r->at++;
    if (c == '\'') {
        while (r->at < r->end && *r->at != '\'')
            put(r, *r->at++);
        r->at++;
    } else if (c == '"') {
        put_double(r);
    } else if (c == '$' && r->at < r->end && *r->at == '\'') {
        r->at++;
        put_ansi(r);
    } else if (c == '\\' && r->at < r->end) {
        if (*r->at != '\n')
            put(r, *r->at);
        r->at++;
    } else {
        put(r, c);
    }
}

bool bf_shvar_value(const struct bf_shvar *sv, char *out, size_t size)
{
    BF_ASSERT(size > 0);
    out[0] = 0;
    if (sv->kind != BF_SHVAR_SET || !sv->literal)
        return false;
    struct reader r = {
        .at = sv->value, .end = sv->value + sv->value_len, .out = out, .size = size - 1};
    while (r.at < r.end)
        put_piece(&r);
    bool fits = r.len <= r.size && !memchr(out, 0, r.len);
    out[fits ? r.len : 0] = 0;
    return fits;
}

// ---- All variables of a file --------------------------------------------------------------------

// Its place in the table, or a new one.
static struct bf_shvar_var *var_of(struct bf_shvars *vars, const char *key)
{
    for (size_t i = 0; i < vars->count; i++)
        if (strcmp(vars->var[i].key, key) == 0)
            return &vars->var[i];
    if (!vars->var)
        vars->var = calloc(BF_SHVAR_MAX, sizeof *vars->var);
    if (!vars->var || vars->count == BF_SHVAR_MAX)
        return NULL;
    struct bf_shvar_var *v = &vars->var[vars->count++];
    snprintf(v->key, sizeof v->key, "%s", key);
    return v;
}

static void add(struct bf_shvars *vars, const struct bf_shvar *sv)
{
    struct bf_shvar_var *v = var_of(vars, sv->key);
    // No escape makes a value longer than it is written.
    char *value = malloc(sv->value_len + 1);
    if (!v || !value) {
        vars->failed = true;
        free(value);
        return;
    }
    free(v->value);
    v->value = value;
    v->literal = bf_shvar_value(sv, value, sv->value_len + 1);
    v->line = sv->number;
    v->lines = sv->lines;
    if (sv->exported && !vars->exported)
        vars->exported = sv->number;
    if (sv->cr && !vars->cr)
        vars->cr = sv->number;
}

void bf_shvars_load(struct bf_shvars *vars, const char *text, size_t size)
{
    struct bf_shvar sv;
    *vars = (struct bf_shvars){0};
    bf_shvar_init(&sv, text, size);
    while (!vars->failed && bf_shvar_next(&sv)) {
        if (sv.kind == BF_SHVAR_SET)
            add(vars, &sv);
        else if (sv.kind == BF_SHVAR_CODE && !vars->code)
            vars->code = sv.number;
    }
}

void bf_shvars_free(struct bf_shvars *vars)
{
    for (size_t i = 0; i < vars->count; i++)
        free(vars->var[i].value);
    free(vars->var);
    *vars = (struct bf_shvars){0};
}

const struct bf_shvar_var *bf_shvars_find(const struct bf_shvars *vars, const char *key)
{
    for (size_t i = 0; i < vars->count; i++)
        if (strcmp(vars->var[i].key, key) == 0)
            return &vars->var[i];
    return NULL;
}

const char *bf_shvars_get(const struct bf_shvars *vars, const char *key)
{
    const struct bf_shvar_var *v = bf_shvars_find(vars, key);
    return v ? v->value : "";
}
