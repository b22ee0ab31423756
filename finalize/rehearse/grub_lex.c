// SPDX-License-Identifier: Apache-2.0
// GRUB's script cut into tokens. GRUB reads a configuration line by line: carriage returns vanish,
// lines that begin with # vanish wherever they stand (also inside quotes, and after a line that is
// continued), and a NUL ends its line. A word ends at a blank or at one of {}|&$;<>, as far as they
// are not quoted; $ has to begin a variable, also inside double quotes.
#include "finalize/rehearse/grub.h"

#include <string.h>

#include "base/bytes.h"

static size_t count_lines(const char *text, size_t len)
{
    size_t n = 1;
    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    return n;
}

static size_t copy_line(char *to, const struct bf_line *line)
{
    size_t n = 0;
    for (size_t i = 0; i < line->len && line->at[i]; i++)
        if (line->at[i] != '\r')
            to[n++] = line->at[i];
    to[n++] = '\n';
    return n;
}

bool bf_gr_source(struct bf_gr *g, const char *text, size_t len, struct bf_gr_source *out)
{
    size_t lines = count_lines(text, len), pos = 0, n = 0;
    unsigned number = 0;
    struct bf_line line;
    char *copy = bf_gr_alloc(g, len + 2);
    size_t *start = bf_gr_alloc(g, (lines + 1) * sizeof *start);
    unsigned *numbers = bf_gr_alloc(g, (lines + 1) * sizeof *numbers);
    *out = (struct bf_gr_source){0};
    if (!copy || !start || !numbers)
        return false;
    while (bf_line_next(text, len, &pos, &line)) {
        number++;
        size_t size = copy_line(copy + n, &line);
        if (copy[n] == '#')
            continue;
        start[out->lines] = n;
        numbers[out->lines++] = number;
        n += size;
    }
    copy[n] = 0;
    out->text = copy;
    out->len = n;
    out->start = start;
    out->number = numbers;
    return true;
}

static unsigned number_at(struct bf_gr_source *s)
{
    while (s->line + 1 < s->lines && s->start[s->line + 1] <= s->at)
        s->line++;
    return s->lines ? s->number[s->line] : 1;
}

void bf_gr_skip_line(struct bf_gr_source *s)
{
    const char *nl = memchr(s->text + s->at, '\n', s->len - s->at);
    s->at = nl ? (size_t)(nl - s->text) + 1 : s->len;
}

// ---- Words --------------------------------------------------------------------------------------

struct word {
    struct bf_gr *g;
    struct bf_gr_source *s;
    struct bf_gr_part *first, *last;
    bool bad;   // somewhere in it
    bool stray; // at a dollar outside of quotes, at which it ends
};

static void add(struct word *w, enum bf_gr_part_kind kind, const char *text, size_t len)
{
    struct bf_gr_part *p = bf_gr_alloc(w->g, sizeof *p);
    if (!p)
        return;
    *p = (struct bf_gr_part){kind, bf_gr_dup(w->g, text, len), NULL};
    if (w->last)
        w->last->next = p;
    else
        w->first = p;
    w->last = p;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// The length of the name of a variable, 0 when it is none: a name, digits, or one of ?#*@.
static size_t name_length(const char *at)
{
    size_t n = 0;
    if (*at && strchr("?#*@", *at))
        return 1;
    if (is_digit(*at)) {
        while (is_digit(at[n]))
            n++;
        return n;
    }
    while (is_letter(at[n]) || (n && is_digit(at[n])))
        n++;
    return n;
}

// Takes $NAME or ${NAME}, from the dollar; false when it is none, with nothing taken.
static bool take_variable(struct word *w, enum bf_gr_part_kind kind)
{
    const char *at = w->s->text + w->s->at + 1;
    bool braces = *at == '{';
    size_t n = name_length(at + braces);
    if (n == 0 || (braces && at[1 + n] != '}'))
        return false;
    add(w, kind, at + braces, n);
    w->s->at += 1 + n + (braces ? 2 : 0);
    return true;
}

static void take_single(struct word *w)
{
    const char *from = w->s->text + ++w->s->at;
    const char *to = memchr(from, '\'', w->s->len - w->s->at);
    w->bad |= !to;
    if (to)
        add(w, BF_GR_QUOTED, from, (size_t)(to - from));
    w->s->at = to ? (size_t)(to - w->s->text) + 1 : w->s->len;
}

// What a backslash inside double quotes makes of the character after it: that it is taken alone.
static bool is_quoted_inside(char c, bool message)
{
    return c == '"' || (!message && (c == '$' || c == '\\'));
}

// From the quote to the one that ends it. Of a message, variables are looked for when it is used.
static void take_double(struct word *w, bool message)
{
    struct bf_text t = {0};
    struct bf_gr_source *s = w->s;
    s->at++;
    while (s->at < s->len && s->text[s->at] != '"') {
        char c = s->text[s->at], next = s->text[s->at + 1];
        if (c == '\\' && next == '\n') {
            s->at += 2;
        } else if (c == '\\' && next) {
            bf_text_add(&t, s->text + s->at + is_quoted_inside(next, message),
                        is_quoted_inside(next, message) ? 1 : 2);
            s->at += 2;
        } else if (c == '$' && !message) {
            add(w, BF_GR_QUOTED, bf_text_get(&t), t.len);
            bf_text_empty(&t);
            if (take_variable(w, BF_GR_INSIDE))
                continue;
            w->bad = true;
            s->at++;
        } else {
            bf_text_add(&t, &c, 1);
            s->at++;
        }
    }
    w->bad |= s->at >= s->len || !bf_text_ok(&t);
    add(w, message ? BF_GR_MESSAGE : BF_GR_QUOTED, bf_text_get(&t), t.len);
    bf_text_free(&t);
    s->at += s->at < s->len;
}

static bool ends_word(char c)
{
    return !c || strchr("{}|&;<> \t\n", c);
}

// Text outside of quotes, in which a backslash keeps the next character; at the end of a line it
// joins the next one.
static void take_plain(struct word *w)
{
    struct bf_gr_source *s = w->s;
    size_t from = s->at;
    while (s->at < s->len) {
        char c = s->text[s->at], next = s->text[s->at + 1];
        if (ends_word(c) || strchr("'\"$", c) || (c == '\\' && next == '\n'))
            break;
        s->at += c == '\\' ? 2 : 1;
    }
    if (s->at > from)
        add(w, BF_GR_TEXT, s->text + from, s->at - from);
    if (s->at + 1 < s->len && s->text[s->at] == '\\') {
        s->at += 2;
        w->bad |= s->at == s->len; // the line that it joins is not there
    }
}

static void take_word(struct word *w)
{
    struct bf_gr_source *s = w->s;
    while (!w->stray && s->at < s->len && !ends_word(s->text[s->at])) {
        char c = s->text[s->at];
        if (c == '\'')
            take_single(w);
        else if (c == '"')
            take_double(w, false);
        else if (c == '$' && s->text[s->at + 1] == '"') {
            s->at++;
            take_double(w, true);
        } else if (c == '$')
            w->stray = !take_variable(w, BF_GR_VARIABLE);
        else
            take_plain(w);
    }
}

static const struct {
    const char *word;
    enum bf_gr_token_kind kind;
} reserved[] = {
    {"case", BF_GR_T_CASE}, {"do", BF_GR_T_DO},       {"done", BF_GR_T_DONE},
    {"elif", BF_GR_T_ELIF}, {"else", BF_GR_T_ELSE},   {"esac", BF_GR_T_ESAC},
    {"fi", BF_GR_T_FI},     {"for", BF_GR_T_FOR},     {"function", BF_GR_T_FUNCTION},
    {"if", BF_GR_T_IF},     {"in", BF_GR_T_IN},       {"select", BF_GR_T_SELECT},
    {"then", BF_GR_T_THEN}, {"until", BF_GR_T_UNTIL}, {"while", BF_GR_T_WHILE},
    {"[[", BF_GR_T_BAD},    {"]]", BF_GR_T_BAD},
};

// A word that was written without any quoting may be a reserved one, or a name.
static enum bf_gr_token_kind kind_of(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < BF_COUNT(reserved); i++)
        if (bf_word_is(text, len, reserved[i].word))
            return reserved[i].kind;
    while (n < len && (is_letter(text[n]) || (n && is_digit(text[n]))))
        n++;
    return n == len ? BF_GR_T_NAME : BF_GR_T_WORD;
}

static void skip_blanks(struct bf_gr_source *s)
{
    while (s->at < s->len && (s->text[s->at] == ' ' || s->text[s->at] == '\t'))
        s->at++;
    if (s->at < s->len && s->text[s->at] == '#')
        while (s->at < s->len && s->text[s->at] != '\n')
            s->at++;
}

struct bf_gr_token bf_gr_token(struct bf_gr *g, struct bf_gr_source *s)
{
    struct bf_gr_token t = {BF_GR_T_END, 0, NULL};
    struct word w = {.g = g, .s = s};
    skip_blanks(s);
    t.line = number_at(s);
    size_t from = s->at;
    if (s->at >= s->len)
        return t;
    switch (s->text[s->at]) {
    case '\n':
        t.kind = BF_GR_T_NEWLINE;
        break;
    case ';':
        t.kind = s->text[s->at + 1] == ';' ? BF_GR_T_BAD : BF_GR_T_SEMICOLON;
        break;
    case '{':
        t.kind = BF_GR_T_OPEN;
        break;
    case '}':
        t.kind = BF_GR_T_CLOSE;
        break;
    default:
        take_word(&w);
        w.bad |= s->at == from;
        t.kind = w.bad || w.stray ? BF_GR_T_BAD : kind_of(s->text + from, s->at - from);
        t.part = w.first;
        return t;
    }
    s->at++;
    return t;
}
