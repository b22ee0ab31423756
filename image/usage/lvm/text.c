// SPDX-License-Identifier: Apache-2.0
// The text in which LVM2 keeps its metadata: a recursive descent over image/usage/lvm/text.h's
// grammar. One function reads an item and finds its end; checking a text and walking it are both
// that function, so what was checked is what is walked. A cursor that fails stays failed.
#include "image/usage/lvm/text.h"

#include <string.h>

enum { DEPTH_MAX = 8, ITEM_COST = 16 };

struct cursor {
    const char *at, *end;
    struct bf_work *work;
    int failed;
};

// ---- Words -------------------------------------------------------------------------------------

// Comments count as space.
static void skip_space(struct cursor *c)
{
    while (c->at < c->end) {
        if (*c->at == '#')
            while (c->at < c->end && *c->at != '\n')
                c->at++;
        else if (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r')
            c->at++;
        else
            return;
    }
}

static int peek(struct cursor *c)
{
    skip_space(c);
    return c->failed || c->at == c->end ? -1 : (unsigned char)*c->at;
}

static int take(struct cursor *c, char expected)
{
    if (peek(c) != (unsigned char)expected)
        return 0;
    c->at++;
    return 1;
}

static int is_digit(int ch)
{
    return ch >= '0' && ch <= '9';
}

static int is_name(int ch)
{
    return is_digit(ch) || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_' ||
           ch == '-' || ch == '.' || ch == '+' || ch == '@';
}

static void read_word(struct cursor *c, struct bf_lvm_text *out)
{
    peek(c);
    out->work = c->work;
    out->at = c->at;
    while (c->at < c->end && is_name((unsigned char)*c->at))
        c->at++;
    out->end = c->at;
    c->failed |= out->at == out->end;
}

// What is between the quotes, escapes as they are.
static void read_string(struct cursor *c, struct bf_lvm_text *out)
{
    out->work = c->work;
    out->at = ++c->at;
    while (c->at < c->end && *c->at != '"')
        c->at += *c->at == '\\' && c->end - c->at > 1 ? 2 : 1;
    out->end = c->at;
    if (c->at < c->end)
        c->at++;
    else
        c->failed = 1;
}

static void read_number(struct cursor *c, struct bf_lvm_text *out)
{
    read_word(c, out);
    for (const char *at = out->at; at < out->end; at++)
        c->failed |= !is_digit((unsigned char)*at) && *at != '.' && *at != '-';
}

// ---- Items -------------------------------------------------------------------------------------

static void read_one(struct cursor *c, struct bf_lvm_item *item)
{
    item->kind = peek(c) == '"' ? BF_LVM_STRING : BF_LVM_NUMBER;
    if (item->kind == BF_LVM_STRING)
        read_string(c, &item->inside);
    else
        read_number(c, &item->inside);
}

static void read_array(struct cursor *c, struct bf_lvm_item *item)
{
    struct bf_lvm_item one;
    item->kind = BF_LVM_ARRAY;
    item->inside.work = c->work;
    item->inside.at = c->at;
    while (!c->failed && peek(c) != ']') {
        read_one(c, &one);
        if (!take(c, ',') && peek(c) != ']')
            c->failed = 1;
    }
    item->inside.end = c->at;
    c->failed |= !take(c, ']');
}

static void read_item(struct cursor *c, struct bf_lvm_item *item, int depth);

static void read_section(struct cursor *c, struct bf_lvm_item *item, int depth)
{
    struct bf_lvm_item inner;
    item->kind = BF_LVM_SECTION;
    item->inside.work = c->work;
    item->inside.at = c->at;
    if (depth == DEPTH_MAX)
        c->failed = 1;
    while (!c->failed && peek(c) != '}')
        read_item(c, &inner, depth + 1);
    item->inside.end = c->at;
    c->failed |= !take(c, '}');
}

static void read_item(struct cursor *c, struct bf_lvm_item *item, int depth)
{
    if (peek(c) == '"')
        read_string(c, &item->name);
    else
        read_word(c, &item->name);
    if (take(c, '{'))
        read_section(c, item, depth);
    else if (!take(c, '='))
        c->failed = 1;
    else if (take(c, '['))
        read_array(c, item);
    else
        read_one(c, item);
}

enum bf_err bf_lvm_check(const struct bf_lvm_text *text)
{
    struct cursor c = {text->at, text->end, text->work, 0};
    struct bf_lvm_item item;
    c.failed = !bf_work_spend(c.work, (uint64_t)(c.end - c.at));
    while (c.end > c.at && !c.end[-1])
        c.end--;
    while (peek(&c) >= 0)
        read_item(&c, &item, 0);
    return c.failed ? BF_ERR_CORRUPT : BF_OK;
}

// ---- Walking -----------------------------------------------------------------------------------

// Whether the cursor may go on behind what was read.
static int go_on(const struct cursor *c, struct bf_lvm_text *text)
{
    uint64_t walked = (uint64_t)(c->at - text->at);
    int good = bf_work_spend(text->work, walked + ITEM_COST) && !c->failed;
    text->at = good ? c->at : text->end;
    return good;
}

int bf_lvm_next(struct bf_lvm_text *text, struct bf_lvm_item *item)
{
    struct cursor c = {text->at, text->end, text->work, 0};
    memset(item, 0, sizeof *item);
    if (peek(&c) <= 0) { // the end, or NUL bytes that stand there
        bf_work_spend(c.work, (uint64_t)(c.at - text->at));
        return 0;
    }
    read_item(&c, item, 0);
    return go_on(&c, text);
}

int bf_lvm_next_element(struct bf_lvm_text *array, struct bf_lvm_item *item)
{
    struct cursor c = {array->at, array->end, array->work, 0};
    memset(item, 0, sizeof *item);
    if (peek(&c) < 0) {
        bf_work_spend(c.work, (uint64_t)(c.at - array->at));
        return 0;
    }
    read_one(&c, item);
    take(&c, ',');
    return go_on(&c, array);
}

int bf_lvm_find(struct bf_lvm_text section, const char *name, struct bf_lvm_item *item)
{
    struct bf_lvm_item each;
    int count = 0;
    while (bf_lvm_next(&section, &each))
        if (bf_lvm_is(&each.name, name)) {
            *item = each;
            count++;
        }
    return count == 1;
}

int bf_lvm_is(const struct bf_lvm_text *text, const char *word)
{
    size_t len = strlen(word);
    return (size_t)(text->end - text->at) == len && memcmp(text->at, word, len) == 0;
}

int bf_lvm_same(const struct bf_lvm_text *a, const struct bf_lvm_text *b)
{
    size_t len = (size_t)(a->end - a->at);
    return (size_t)(b->end - b->at) == len && memcmp(a->at, b->at, len) == 0;
}

int bf_lvm_number(const struct bf_lvm_item *item, uint64_t *out)
{
    uint64_t v = 0;
    if (item->kind != BF_LVM_NUMBER || item->inside.at == item->inside.end)
        return 0;
    for (const char *at = item->inside.at; at < item->inside.end; at++) {
        if (!is_digit((unsigned char)*at) || v > (UINT64_MAX - 9) / 10)
            return 0;
        v = v * 10 + (uint64_t)(*at - '0');
    }
    *out = v;
    return 1;
}

int bf_lvm_find_number(struct bf_lvm_text section, const char *name, uint64_t *out)
{
    struct bf_lvm_item item;
    return bf_lvm_find(section, name, &item) && bf_lvm_number(&item, out);
}

int bf_lvm_find_text(struct bf_lvm_text section, const char *name, struct bf_lvm_text *out)
{
    struct bf_lvm_item item;
    if (!bf_lvm_find(section, name, &item) || item.kind != BF_LVM_STRING)
        return 0;
    *out = item.inside;
    return 1;
}
