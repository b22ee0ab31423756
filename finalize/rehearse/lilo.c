// SPDX-License-Identifier: Apache-2.0
// See lilo.h, and lilo.conf(5). Options before the first image are those of every image that has
// none of its own.
#include "finalize/rehearse/lilo.h"

#include <stdio.h>
#include <string.h>

#include "finalize/rehearse/offer.h"

#define LOADER "LILO"

struct options {
    char root[128], append[512], initrd[BF_START_PATH];
    bool read_only;
};

struct lilo {
    struct bf_walk *w;
    const char *file;
    struct options all, one;
    char wanted[64];    // default
    struct bf_start *s; // of the section; NULL: none yet
    size_t first;
};

// "key = value" or "key", the value without its quotes; a comment ends a line.
struct pair {
    const char *key, *value;
    size_t key_len, value_len;
};

static bool cut(const struct bf_line *line, struct pair *p)
{
    const char *at = line->at, *end = line->at + line->len;
    *p = (struct pair){0};
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    for (p->key = at; at < end && !strchr("= \t\r#", *at); at++)
        p->key_len++;
    while (at < end && (*at == ' ' || *at == '\t' || *at == '='))
        at++;
    bool quoted = at < end && *at == '"';
    p->value = at += quoted;
    while (at < end && (quoted ? *at != '"' : *at != '#' && *at != '\r'))
        at++;
    while (!quoted && at > p->value && (at[-1] == ' ' || at[-1] == '\t'))
        at--;
    p->value_len = (size_t)(at - p->value);
    return p->key_len != 0;
}

// LILO's own words come first, as its boot sector has them.
static void end_section(struct lilo *l)
{
    struct bf_text t = {0};
    if (!l->s)
        return;
    if (l->one.root[0])
        bf_textf(&t, "root=%s ", l->one.root);
    bf_text_str(&t, l->one.read_only ? "ro" : "rw");
    if (l->one.append[0])
        bf_textf(&t, " %s", l->one.append);
    if (l->s->kind == BF_START_LINUX) {
        bf_offer_cmdline(l->w, l->s, &t);
        if (l->one.initrd[0])
            bf_offer_initrd(l->w, l->s, l->one.initrd);
    }
    bf_text_free(&t);
    l->s = NULL;
}

static void begin_section(struct lilo *l, const struct pair *p, unsigned line)
{
    char path[BF_START_PATH];
    end_section(l);
    l->one = l->all;
    l->s = bf_walk_add(l->w, LOADER, l->file, line);
    if (!l->s)
        return;
    bf_offer_word(l->s->title, sizeof l->s->title, p->value, p->value_len);
    if (!bf_word_is(p->key, p->key_len, "image"))
        l->s->kind = BF_START_OTHER;
    else if (bf_offer_path(path, sizeof path, p->value, p->value_len))
        bf_offer_kernel(l->w, l->s, path);
}

static void option(struct lilo *l, const struct pair *p)
{
    struct options *o = l->s ? &l->one : &l->all;
    if (bf_word_is(p->key, p->key_len, "root"))
        bf_offer_word(o->root, sizeof o->root, p->value, p->value_len);
    else if (bf_word_is(p->key, p->key_len, "append"))
        bf_offer_word(o->append, sizeof o->append, p->value, p->value_len);
    else if (bf_word_is(p->key, p->key_len, "initrd"))
        bf_offer_path(o->initrd, sizeof o->initrd, p->value, p->value_len);
    else if (bf_word_is(p->key, p->key_len, "read-only"))
        o->read_only = true;
    else if (bf_word_is(p->key, p->key_len, "read-write"))
        o->read_only = false;
    else if (bf_word_is(p->key, p->key_len, "label") && l->s)
        bf_offer_word(l->s->title, sizeof l->s->title, p->value, p->value_len);
    else if (bf_word_is(p->key, p->key_len, "default") && !l->s)
        bf_offer_word(l->wanted, sizeof l->wanted, p->value, p->value_len);
}

static void choose(struct lilo *l)
{
    struct bf_start *chosen = &l->w->start[l->first];
    for (size_t i = l->first; i < l->w->starts && l->wanted[0]; i++)
        if (strcmp(l->w->start[i].title, l->wanted) == 0)
            chosen = &l->w->start[i];
    if (l->first < l->w->starts)
        chosen->chosen = true;
}

void bf_walk_lilo(struct bf_walk *w, const char *file, const struct bf_device *dev)
{
    struct lilo l = {.w = w, .file = file, .first = w->starts};
    size_t len, pos = 0;
    unsigned number = 0;
    struct bf_line line;
    struct pair p;
    (void)dev; // every path of it is one of the running system
    w->loader = true;
    const char *text = bf_walk_text(w, file, &len);
    while (text && bf_line_next(text, len, &pos, &line)) {
        number++;
        if (!cut(&line, &p))
            continue;
        if (bf_word_is(p.key, p.key_len, "image") || bf_word_is(p.key, p.key_len, "other"))
            begin_section(&l, &p, number);
        else
            option(&l, &p);
    }
    end_section(&l);
    choose(&l);
    bf_walk_say(w, BF_TROUBLE_DOUBT, file, 0,
                "LILO starts what /sbin/lilo last wrote into its map, not what is written here: "
                "run lilo in the system before it is moved, or change to another loader");
}
