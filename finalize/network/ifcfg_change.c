// SPDX-License-Identifier: Apache-2.0
// Gathers the changes to one file of variables, and makes them.
#include "finalize/network/ifcfg_change.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/core/text.h"

static void add(struct bf_ifcfg_changes *c, const char *key, char *value)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->item[i].key, key) == 0) {
            free(value);
            return;
        }
    char *copy = c->count < BF_SHVAR_CHANGES ? strdup(key) : NULL;
    if (!copy) {
        c->failed = true;
        free(value);
        return;
    }
    c->item[c->count++] = (struct bf_shvar_change){.key = copy, .value = value};
}

void bf_ifcfg_want(struct bf_ifcfg_changes *c, const char *key, const char *fmt, ...)
{
    struct bf_text text = {0};
    va_list ap;
    va_start(ap, fmt);
    bf_text_vf(&text, fmt, ap);
    va_end(ap);
    char *value = bf_text_ok(&text) ? bf_word_dup(bf_text_get(&text), text.len) : NULL;
    bf_text_free(&text);
    c->failed = c->failed || !value;
    add(c, key, value);
}

void bf_ifcfg_drop(struct bf_ifcfg_changes *c, const char *key)
{
    add(c, key, NULL);
}

void bf_ifcfg_changes_free(struct bf_ifcfg_changes *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free((char *)c->item[i].key);
        free((char *)c->item[i].value);
    }
    *c = (struct bf_ifcfg_changes){.count = 0};
}

enum bf_err bf_ifcfg_apply(struct bf_fin *f, const struct bf_ifcfg_changes *c, const char *path,
                           const char *start, const char *why)
{
    size_t len;
    struct bf_fault fault;
    struct bf_text out = {0};
    const char *text = bf_edits_get(&f->edits, path, &len, &fault);
    if (c->failed)
        return bf_refuse(f->report, "%s: more variables change than can be rewritten", path);
    if (!text && fault.code != BF_ERR_NOT_FOUND)
        return bf_fail(f->report, "%s cannot be read: %s", path, fault.what);
    if (!text && !start)
        return BF_OK;
    if (!text)
        text = start;
    bf_shvar_edit(&out, text, text == start ? strlen(start) : len, c->item, c->count);
    enum bf_err err = bf_fin_set(f, path, &out, why);
    bf_text_free(&out);
    return err;
}
