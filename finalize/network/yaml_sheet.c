// SPDX-License-Identifier: Apache-2.0
// See yaml_sheet.h. A node's marks count characters, and lines as libyaml breaks them; both are
// translated to bytes here.
#include "finalize/network/yaml_sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/core/yaml_limit.h"

#define NODES_MAX 200000 // visited for one question; aliases make few lines into many nodes
#define DEPTH_MAX 64

// ---- Opening ------------------------------------------------------------------------------------

// The bytes of the line end at an offset, 0 when there is none.
static size_t break_at(const struct bf_sheet *s, size_t at)
{
    const unsigned char *t = (const unsigned char *)s->text + at;
    size_t left = s->len - at;
    if (left >= 2 && t[0] == '\r' && t[1] == '\n')
        return 2;
    if (t[0] == '\r' || t[0] == '\n')
        return 1;
    if (left >= 2 && t[0] == 0xC2 && t[1] == 0x85)
        return 2;
    return left >= 3 && t[0] == 0xE2 && t[1] == 0x80 && (t[2] == 0xA8 || t[2] == 0xA9) ? 3 : 0;
}

static size_t first_byte(const struct bf_sheet *s)
{
    return s->len >= 3 && memcmp(s->text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

// Called twice: to count, and to fill in.
static size_t split(struct bf_sheet *s)
{
    size_t lines = 0, at = first_byte(s);
    while (at < s->len) {
        size_t end = at, full = 0;
        while (end < s->len && (full = break_at(s, end)) == 0)
            end++;
        if (s->start)
            s->start[lines] = at;
        lines++;
        at = end < s->len ? end + full : end;
    }
    if (s->start)
        s->start[lines] = s->len;
    return lines;
}

static enum bf_err split_lines(struct bf_sheet *s)
{
    s->lines = split(s);
    s->start = calloc(s->lines + 1, sizeof *s->start);
    if (!s->start)
        return BF_ERR_NO_MEMORY;
    split(s);
    return BF_OK;
}

static bool is_marked(const yaml_event_t *e)
{
    return e->type == YAML_ALIAS_EVENT || (e->type == YAML_SCALAR_EVENT && e->data.scalar.anchor) ||
           (e->type == YAML_SEQUENCE_START_EVENT && e->data.sequence_start.anchor) ||
           (e->type == YAML_MAPPING_START_EVENT && e->data.mapping_start.anchor);
}

// A document does not tell where its anchors and aliases were; the events do.
static void find_marks(struct bf_sheet *s)
{
    yaml_parser_t parser;
    yaml_event_t event;
    bool end = false;
    if (!yaml_parser_initialize(&parser))
        return;
    yaml_parser_set_input_string(&parser, (const unsigned char *)s->text, s->len);
    while (!end && yaml_parser_parse(&parser, &event)) {
        if (is_marked(&event) && s->marks < BF_SHEET_MARKS)
            s->mark[s->marks++] = event.start_mark.line;
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}

static enum bf_err parse(struct bf_sheet *s, char *why, size_t size)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return BF_ERR_NO_MEMORY;
    yaml_parser_set_input_string(&parser, (const unsigned char *)s->text, s->len);
    s->parsed = yaml_parser_load(&parser, &s->doc);
    if (!s->parsed)
        snprintf(why, size, "line %zu is not valid YAML: %s", parser.problem_mark.line + 1,
                 parser.problem ? parser.problem : "out of memory");
    yaml_parser_delete(&parser);
    return s->parsed ? BF_OK : BF_ERR_CORRUPT;
}

static bool is_utf16(const struct bf_sheet *s)
{
    return s->len >= 2 &&
           (memcmp(s->text, "\xFE\xFF", 2) == 0 || memcmp(s->text, "\xFF\xFE", 2) == 0);
}

enum bf_err bf_sheet_open(struct bf_fin *f, const char *path, struct bf_sheet *s, char *why,
                          size_t size)
{
    struct bf_fault fault;
    *s = (struct bf_sheet){0};
    snprintf(s->path, sizeof s->path, "%s", path);
    s->text = bf_edits_get(&f->edits, path, &s->len, &fault);
    if (!s->text) {
        snprintf(why, size, "it cannot be read: %s", fault.what);
        return BF_ERR_IO;
    }
    if (is_utf16(s)) {
        snprintf(why, size, "it is in UTF-16, and only UTF-8 can be edited");
        return BF_ERR_CORRUPT;
    }
    const char *excess = bf_yaml_excess(s->text, s->len);
    if (excess) {
        bf_budget_exceed(&f->budget, path, excess);
        snprintf(why, size, "it %s", excess);
        return BF_ERR_LIMIT;
    }
    enum bf_err err = parse(s, why, size);
    if (!err && (err = split_lines(s)))
        snprintf(why, size, "out of memory");
    if (err)
        bf_sheet_close(s);
    else
        find_marks(s);
    return err;
}

void bf_sheet_close(struct bf_sheet *s)
{
    if (s->parsed)
        yaml_document_delete(&s->doc);
    for (size_t i = 0; i < s->splices; i++)
        free(s->splice[i].text);
    free(s->splice);
    free(s->byte_of);
    free(s->start);
    *s = (struct bf_sheet){0};
}

// ---- Nodes --------------------------------------------------------------------------------------

yaml_node_t *bf_sheet_root(struct bf_sheet *s)
{
    return yaml_document_get_root_node(&s->doc);
}

bool bf_yaml_is_map(const yaml_node_t *n)
{
    return n && n->type == YAML_MAPPING_NODE;
}

bool bf_yaml_is_list(const yaml_node_t *n)
{
    return n && n->type == YAML_SEQUENCE_NODE;
}

bool bf_yaml_is_flow(const yaml_node_t *n)
{
    return (bf_yaml_is_map(n) && n->data.mapping.style == YAML_FLOW_MAPPING_STYLE) ||
           (bf_yaml_is_list(n) && n->data.sequence.style == YAML_FLOW_SEQUENCE_STYLE);
}

const char *bf_yaml_text(const yaml_node_t *n)
{
    return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : "";
}

size_t bf_yaml_size(const yaml_node_t *n)
{
    if (bf_yaml_is_map(n))
        return (size_t)(n->data.mapping.pairs.top - n->data.mapping.pairs.start);
    if (bf_yaml_is_list(n))
        return (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
    return 0;
}

yaml_node_t *bf_yaml_key(struct bf_sheet *s, const yaml_node_t *n, size_t i)
{
    return yaml_document_get_node(&s->doc, bf_yaml_is_map(n) ? n->data.mapping.pairs.start[i].key
                                                             : n->data.sequence.items.start[i]);
}

yaml_node_t *bf_yaml_value(struct bf_sheet *s, const yaml_node_t *n, size_t i)
{
    return yaml_document_get_node(&s->doc, bf_yaml_is_map(n) ? n->data.mapping.pairs.start[i].value
                                                             : n->data.sequence.items.start[i]);
}

yaml_node_t *bf_yaml_get(struct bf_sheet *s, const yaml_node_t *map, const char *key)
{
    yaml_node_t *found = NULL;
    for (size_t i = 0; bf_yaml_is_map(map) && i < bf_yaml_size(map); i++)
        if (strcmp(bf_yaml_text(bf_yaml_key(s, map, i)), key) == 0)
            found = bf_yaml_value(s, map, i);
    return found;
}

static void emit_text(struct bf_text *out, const yaml_node_t *n)
{
    const char *text = bf_yaml_text(n);
    bool bare = text[0] &&
                strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789._/-") == strlen(text) &&
                text[0] != '-';
    if (bare && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        bf_text_str(out, text);
        return;
    }
    bf_text_str(out, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            bf_textf(out, "\\%c", *text);
        else if (*text > 0 && *text < ' ')
            bf_textf(out, "\\x%02x", (unsigned)*text);
        else
            bf_text_add(out, text, 1);
    }
    bf_text_str(out, "\"");
}

static void emit(struct bf_sheet *s, struct bf_text *out, const yaml_node_t *n, int depth,
                 size_t *visited)
{
    bool map = bf_yaml_is_map(n);
    if (depth > DEPTH_MAX || ++*visited > NODES_MAX) {
        s->failed = true;
        return;
    }
    if (!map && !bf_yaml_is_list(n)) {
        emit_text(out, n);
        return;
    }
    bf_text_str(out, map ? "{" : "[");
    for (size_t i = 0; i < bf_yaml_size(n) && !s->failed; i++) {
        bf_text_str(out, i ? ", " : "");
        if (map) {
            emit(s, out, bf_yaml_key(s, n, i), depth + 1, visited);
            bf_text_str(out, ": ");
        }
        emit(s, out, bf_yaml_value(s, n, i), depth + 1, visited);
    }
    bf_text_str(out, map ? "}" : "]");
}

void bf_yaml_emit(struct bf_sheet *s, struct bf_text *out, const yaml_node_t *n)
{
    size_t visited = 0;
    emit(s, out, n, 0, &visited);
}

// ---- Places -------------------------------------------------------------------------------------

static bool count_bytes(struct bf_sheet *s)
{
    size_t n = 0;
    s->byte_of = s->byte_of ? s->byte_of : calloc(s->len + 1, sizeof *s->byte_of);
    if (!s->byte_of) {
        s->failed = true;
        return false;
    }
    for (size_t at = first_byte(s); at <= s->len; at++)
        if (at == s->len || (s->text[at] & 0xC0) != 0x80)
            s->byte_of[n++] = (uint32_t)at;
    while (n <= s->len)
        s->byte_of[n++] = (uint32_t)s->len;
    return true;
}

static size_t byte_at(struct bf_sheet *s, yaml_mark_t mark)
{
    if (!s->byte_of && !count_bytes(s))
        return 0;
    return mark.index <= s->len ? s->byte_of[mark.index] : s->len;
}

unsigned bf_sheet_line(const yaml_node_t *n)
{
    return n ? (unsigned)n->start_mark.line + 1 : 0;
}

// A block mapping's own end mark lies after the comments behind it, so its children are asked.
// Aliases may lead back or fan out without end, so depth and visits are bounded.
static size_t last_line(struct bf_sheet *s, const yaml_node_t *n, int depth, size_t *visited)
{
    size_t last = n->start_mark.line;
    if ((!bf_yaml_is_map(n) && !bf_yaml_is_list(n)) || bf_yaml_is_flow(n) || depth > DEPTH_MAX ||
        ++*visited > NODES_MAX) {
        last = n->end_mark.line;
        return last > n->start_mark.line && n->end_mark.column == 0 ? last - 1 : last;
    }
    for (size_t i = 0; i < bf_yaml_size(n); i++) {
        size_t key = bf_yaml_key(s, n, i)->start_mark.line;
        size_t end = last_line(s, bf_yaml_value(s, n, i), depth + 1, visited);
        last = key > last ? key : last;
        last = end > last ? end : last;
    }
    return last;
}

size_t bf_sheet_last(struct bf_sheet *s, const yaml_node_t *key, const yaml_node_t *value)
{
    size_t visited = 0, last = last_line(s, value, 0, &visited);
    return last > key->start_mark.line ? last : key->start_mark.line;
}

bool bf_sheet_leads(struct bf_sheet *s, const yaml_node_t *n)
{
    size_t at = byte_at(s, n->start_mark), line = n->start_mark.line;
    if (line >= s->lines)
        return false;
    for (size_t i = s->start[line]; i < at; i++)
        if (s->text[i] != ' ')
            return false;
    return true;
}

bool bf_sheet_has_marks(const struct bf_sheet *s, size_t first, size_t last)
{
    for (size_t i = 0; i < s->marks; i++)
        if (s->mark[i] >= first && s->mark[i] <= last)
            return true;
    return false;
}

// ---- Edits --------------------------------------------------------------------------------------

// The line end of the file's first line.
static const char *line_end(const struct bf_sheet *s, char out[4])
{
    size_t at = first_byte(s), full = 0;
    while (at < s->len && (full = break_at(s, at)) == 0)
        at++;
    memcpy(out, full ? s->text + at : "\n", full ? full : 1);
    out[full ? full : 1] = 0;
    return out;
}

static char *with_line_ends(const struct bf_sheet *s, const char *text)
{
    char eol[4];
    struct bf_text out = {0};
    line_end(s, eol);
    for (; *text; text++)
        if (*text == '\n')
            bf_text_str(&out, eol);
        else
            bf_text_add(&out, text, 1);
    char *copy = bf_text_ok(&out) ? strdup(bf_text_get(&out)) : NULL;
    bf_text_free(&out);
    return copy;
}

static void splice(struct bf_sheet *s, size_t from, size_t to, const char *text)
{
    if (s->splices == s->room) {
        struct bf_splice *more = realloc(s->splice, (2 * s->splices + 1) * sizeof *more);
        s->failed = s->failed || !more;
        if (!more)
            return;
        s->splice = more;
        s->room = 2 * s->splices + 1;
    }
    struct bf_splice *p = &s->splice[s->splices];
    *p = (struct bf_splice){.from = from, .to = to, .order = s->splices++};
    if (text && !(p->text = with_line_ends(s, text)))
        s->failed = true;
}

static bool is_comment(const struct bf_sheet *s, size_t line)
{
    size_t at = s->start[line], end = s->start[line + 1];
    while (at < end && (s->text[at] == ' ' || s->text[at] == '\t'))
        at++;
    return at < end && s->text[at] == '#';
}

// Comments between the lines stay. A '#' that is text of several lines stays too; what is made of
// it is no YAML, and reading the result finds that.
static void cut_lines(struct bf_sheet *s, size_t first, size_t last)
{
    size_t from = first;
    last = last < s->lines ? last : s->lines - 1;
    for (size_t line = first; first < s->lines && line <= last; line++)
        if (line > first && is_comment(s, line)) {
            splice(s, s->start[from], s->start[line], NULL);
            from = line + 1;
        }
    if (first < s->lines && from <= last)
        splice(s, s->start[from], s->start[last + 1], NULL);
}

void bf_sheet_put_below(struct bf_sheet *s, size_t line, const char *text)
{
    size_t at = s->start[line < s->lines ? line + 1 : s->lines];
    bool ends = at > 0 && at == s->len && break_at(s, at - 1) == 0 &&
                (at < 2 || break_at(s, at - 2) != 2) && (at < 3 || break_at(s, at - 3) != 3);
    if (ends)
        splice(s, at, at, "\n");
    splice(s, at, at, text);
}

void bf_sheet_put_behind(struct bf_sheet *s, const yaml_node_t *key, const char *text)
{
    size_t at = byte_at(s, key->end_mark);
    while (at < s->len && s->text[at] != ':')
        at++;
    at += at < s->len;
    splice(s, at, at, text);
}

void bf_sheet_put_before(struct bf_sheet *s, const yaml_node_t *n, const char *text)
{
    size_t at = byte_at(s, n->start_mark);
    splice(s, at, at, text);
}

void bf_sheet_put_inside(struct bf_sheet *s, const yaml_node_t *flow, const char *text)
{
    size_t at = byte_at(s, flow->start_mark) + 1;
    splice(s, at, at, text);
}

void bf_sheet_replace(struct bf_sheet *s, const yaml_node_t *n, const char *text)
{
    splice(s, byte_at(s, n->start_mark), byte_at(s, n->end_mark), text);
}

void bf_sheet_clear(struct bf_sheet *s, const yaml_node_t *n)
{
    size_t from = byte_at(s, n->start_mark);
    while (from > 0 && s->text[from - 1] == ' ')
        from--;
    splice(s, from, byte_at(s, n->end_mark), NULL);
}

// The next character that means something: no blank, line end or comment.
static size_t skip_blanks(const struct bf_sheet *s, size_t at)
{
    size_t full = 0;
    while (at < s->len) {
        if (s->text[at] == '#')
            while (at < s->len && break_at(s, at) == 0)
                at++;
        else if (s->text[at] == ' ' || s->text[at] == '\t')
            at++;
        else if ((full = break_at(s, at)) > 0)
            at += full;
        else
            break;
    }
    return at;
}

// With the comma behind it, or the one before it when it is the last.
static void remove_flow(struct bf_sheet *s, const yaml_node_t *n, size_t i, bool joined)
{
    size_t from = byte_at(s, bf_yaml_key(s, n, i)->start_mark);
    size_t to = byte_at(s, bf_yaml_value(s, n, i)->end_mark);
    size_t comma = skip_blanks(s, to);
    if (comma < s->len && s->text[comma] == ',') {
        to = comma + 1;
        while (to < s->len && (s->text[to] == ' ' || s->text[to] == '\t'))
            to++;
    } else if (i > 0 && joined) {
        from = byte_at(s, bf_yaml_value(s, n, i - 1)->end_mark);
    }
    splice(s, from, to > from ? to : from, NULL);
}

// The dash of a list's item leads its line, and the item begins on that line.
static bool has_dash(struct bf_sheet *s, const yaml_node_t *item)
{
    size_t line = item->start_mark.line, at = byte_at(s, item->start_mark);
    size_t i = line < s->lines ? s->start[line] : s->len;
    while (i < at && s->text[i] == ' ')
        i++;
    if (i >= at || s->text[i] != '-')
        return false;
    for (i++; i < at; i++)
        if (s->text[i] != ' ')
            return false;
    return true;
}

bool bf_sheet_remove(struct bf_sheet *s, const yaml_node_t *n, size_t i, bool joined)
{
    const yaml_node_t *key = bf_yaml_key(s, n, i);
    size_t last = bf_sheet_last(s, key, bf_yaml_value(s, n, i));
    if (bf_yaml_is_flow(n)) {
        remove_flow(s, n, i, joined);
        return true;
    }
    if (bf_yaml_is_map(n) ? !bf_sheet_leads(s, key) : !has_dash(s, key))
        return false;
    cut_lines(s, key->start_mark.line, last);
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct bf_splice *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

bool bf_sheet_render(struct bf_sheet *s, struct bf_text *out)
{
    size_t at = 0;
    if (s->failed)
        return false;
    if (s->splices)
        qsort(s->splice, s->splices, sizeof *s->splice, by_place);
    for (size_t i = 0; i < s->splices; i++) {
        const struct bf_splice *p = &s->splice[i];
        if (p->from > at)
            bf_text_add(out, s->text + at, p->from - at);
        if (p->text)
            bf_text_str(out, p->text);
        at = p->to > at ? p->to : at;
        at = p->from > at ? p->from : at;
    }
    bf_text_add(out, s->text + at, s->len - at);
    return bf_text_ok(out);
}
