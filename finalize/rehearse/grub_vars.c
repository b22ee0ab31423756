// SPDX-License-Identifier: Apache-2.0
// The variables of a run of GRUB's script. A menu or a configuration that is opened from another
// gets those that were exported.
#include "finalize/rehearse/grub.h"

#include <stdlib.h>
#include <string.h>

#define VARS_MAX 2048

// The place of a name, or where it would stand.
static size_t find(const struct bf_gr_vars *v, const char *name, bool *there)
{
    size_t low = 0, high = v->count;
    *there = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(v->item[mid].name, name);
        if (order == 0) {
            *there = true;
            return mid;
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const char *bf_gr_get(const struct bf_gr *g, const char *name)
{
    bool there;
    size_t i = find(&g->vars, name, &there);
    return there ? g->vars.item[i].value : NULL;
}

static bool grow(struct bf_gr *g)
{
    struct bf_gr_vars *v = &g->vars;
    if (v->count < v->cap)
        return true;
    size_t cap = v->cap ? v->cap * 2 : 64;
    struct bf_gr_var *more = cap <= VARS_MAX ? realloc(v->item, cap * sizeof *more) : NULL;
    if (!more) {
        bf_gr_lose(g, "has more variables than %d", VARS_MAX / 2);
        return false;
    }
    v->item = more;
    v->cap = cap;
    return true;
}

// GRUB takes the parentheses off what $root is set to.
static bool in_parentheses(const char *name, const char *value, size_t len)
{
    return strcmp(name, "root") == 0 && len > 1 && value[0] == '(' && value[len - 1] == ')';
}

void bf_gr_set(struct bf_gr *g, const char *name, const char *value)
{
    bool there;
    size_t i = find(&g->vars, name, &there), len = strlen(value);
    if (in_parentheses(name, value, len)) {
        value++;
        len -= 2;
    }
    const char *copy = bf_gr_dup(g, value, len < BF_GR_WORD ? len : BF_GR_WORD);
    if (there) {
        g->vars.item[i].value = copy;
        return;
    }
    if (!grow(g))
        return;
    struct bf_gr_var *at = &g->vars.item[i];
    memmove(at + 1, at, (g->vars.count - i) * sizeof *at);
    *at = (struct bf_gr_var){bf_gr_dup(g, name, strlen(name)), copy, false};
    g->vars.count++;
}

void bf_gr_unset(struct bf_gr *g, const char *name)
{
    bool there;
    size_t i = find(&g->vars, name, &there);
    if (!there)
        return;
    struct bf_gr_var *at = &g->vars.item[i];
    g->vars.count--;
    memmove(at, at + 1, (g->vars.count - i) * sizeof *at);
}

void bf_gr_export(struct bf_gr *g, const char *name)
{
    bool there;
    size_t i = find(&g->vars, name, &there);
    if (!there) {
        bf_gr_set(g, name, "");
        i = find(&g->vars, name, &there);
    }
    if (there)
        g->vars.item[i].exported = true;
}

void bf_gr_set_exported(struct bf_gr *g, const char *name, const char *value)
{
    bf_gr_set(g, name, value);
    bf_gr_export(g, name);
}

bool bf_gr_vars_copy(const struct bf_gr_vars *from, bool exported, struct bf_gr_vars *out)
{
    *out = (struct bf_gr_vars){.cap = from->cap ? from->cap : 1};
    out->item = malloc(out->cap * sizeof *out->item);
    for (size_t i = 0; out->item && i < from->count; i++)
        if (!exported || from->item[i].exported)
            out->item[out->count++] = from->item[i];
    return out->item;
}

void bf_gr_vars_free(struct bf_gr_vars *v)
{
    free(v->item);
    *v = (struct bf_gr_vars){0};
}
