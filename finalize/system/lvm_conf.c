// SPDX-License-Identifier: Apache-2.0
// See lvm_conf.h.
#include "finalize/system/lvm_conf.h"

#include <stdio.h>
#include <string.h>

// Blanks, comments, and what separates elements.
static void skip(struct bf_lvm_conf *c)
{
    while (c->pos < c->len) {
        char at = c->text[c->pos];
        if (at == '#') {
            const char *end = memchr(c->text + c->pos, '\n', c->len - c->pos);
            c->pos = end ? (size_t)(end - c->text) : c->len;
            continue;
        }
        if (at != ' ' && at != '\t' && at != '\n' && at != '\r' && !(at == ',' && c->in_list))
            return;
        c->line += at == '\n';
        c->pos++;
    }
}

// A word, or a string in its quotes; false when there is neither.
static bool take(struct bf_lvm_conf *c)
{
    const char *at = c->text + c->pos, *end = c->text + c->len, *stop;
    c->is_text = at < end && (*at == '"' || *at == '\'');
    if (c->is_text) {
        for (stop = at + 1; stop < end && *stop != *at; stop++) {
            c->line += *stop == '\n';
            stop += *at == '"' && *stop == '\\' && stop + 1 < end;
        }
        c->value = at + 1;
        c->value_len = (size_t)(stop - at - 1);
        c->pos = (size_t)(stop - c->text) + 1;
        return stop < end;
    }
    for (stop = at; stop < end && *stop && !strchr(" \t\r\n={}[],#\"'", *stop); stop++)
        ;
    c->value = at;
    c->value_len = (size_t)(stop - at);
    c->pos = (size_t)(stop - c->text);
    return stop > at;
}

static bool eat(struct bf_lvm_conf *c, char what)
{
    skip(c);
    if (c->pos == c->len || c->text[c->pos] != what)
        return false;
    c->pos++;
    return true;
}

static void name_key(struct bf_lvm_conf *c)
{
    size_t n = 0;
    int len = c->value_len < sizeof c->key ? (int)c->value_len : 0;
    c->key[0] = 0;
    for (size_t i = 0; i < c->depth; i++) {
        int put = snprintf(c->key + n, sizeof c->key - n, "%s/", c->path[i]);
        n = (size_t)put < sizeof c->key - n ? n + (size_t)put : sizeof c->key - 1;
    }
    snprintf(c->key + n, sizeof c->key - n, "%.*s", len, c->value);
}

static bool open_section(struct bf_lvm_conf *c)
{
    if (c->depth == BF_LVM_DEPTH || c->value_len >= sizeof c->path[0])
        return false;
    memcpy(c->path[c->depth], c->value, c->value_len);
    c->path[c->depth++][c->value_len] = 0;
    return true;
}

bool bf_lvm_conf_next(struct bf_lvm_conf *c)
{
    c->line += c->line == 0;
    for (;;) {
        if (c->in_list && !eat(c, ']'))
            return take(c);
        if (c->in_list) {
            c->in_list = false;
            continue;
        }
        if (eat(c, '}')) {
            if (c->depth == 0)
                return false;
            c->depth--;
            continue;
        }
        if (!take(c))
            return false;
        if (eat(c, '{')) {
            if (!open_section(c))
                return false;
            continue;
        }
        name_key(c);
        if (!eat(c, '='))
            return false;
        if (!eat(c, '['))
            return skip(c), take(c);
        c->in_list = true;
        c->list = c->pos;
    }
}
