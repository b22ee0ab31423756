// SPDX-License-Identifier: Apache-2.0
// Which entries of GRUB's menu may be started without anybody choosing one: those that some value
// of "default" means, by number, title or identifier, below submenus with '>' (GRUB manual 2.06,
// "default"). What means none is the first entry.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/boot/grub_config.h"

static bool means(const struct bf_grub_word *word, const char *name, size_t len)
{
    struct bf_text value = {0};
    if (word->len)
        bf_grub_word_value(word, &value);
    bool same = word->len && bf_word_is(name, len, bf_text_get(&value));
    bf_text_free(&value);
    return same;
}

static bool is_number(const char *name, size_t len, unsigned number)
{
    char text[16];
    snprintf(text, sizeof text, "%u", number);
    return bf_word_is(name, len, text);
}

// The child of a menu that a name means; 0: none.
static unsigned child(const struct bf_grub_script *s, unsigned parent, const char *name, size_t len)
{
    for (unsigned i = 1; i < s->entries; i++) {
        const struct bf_grub_entry *e = &s->entry[i];
        if (e->parent == parent && (is_number(name, len, e->number) || means(&e->id, name, len) ||
                                    means(&e->title, name, len)))
            return i;
    }
    return 0;
}

// Marks what a value means, or the first entry.
static void mark(struct bf_grub_script *s, const char *name, size_t len)
{
    unsigned at = 0;
    const char *end = name + len;
    for (unsigned depth = 0; depth < BF_GRUB_DEPTH_MAX && (at == 0 || s->entry[at].submenu);
         depth++) {
        const char *stop = name < end ? memchr(name, '>', (size_t)(end - name)) : NULL;
        if (!stop)
            stop = end;
        unsigned next = child(s, at, name, (size_t)(stop - name));
        if (!next)
            next = child(s, at, "0", 1);
        if (!next)
            return;
        at = next;
        name = stop < end ? stop + 1 : end;
    }
    s->entry[at].starts = true;
}

static void mark_saved(const struct bf_grub_config *c, struct bf_grub_script *s)
{
    const char *saved = bf_text_get(&c->saved);
    size_t pos = 0, len = strlen(saved);
    struct bf_line line;
    for (int i = 0; i < 8 && bf_line_next(saved, len, &pos, &line); i++)
        mark(s, line.at, line.len);
}

void bf_grub_mark_default(const struct bf_grub_config *c, struct bf_grub_script *s)
{
    char name[BF_GRUB_NAME];
    struct bf_grub_word value;
    unsigned marks = 0;
    bool saved = false;
    for (size_t i = 0; i < s->commands && marks < 8; i++) {
        struct bf_text text = {0};
        if (!bf_grub_assignment(&s->command[i], name, sizeof name, &value) ||
            strcmp(name, "default") != 0)
            continue;
        marks++;
        if (bf_grub_word_value(&value, &text))
            mark(s, bf_text_get(&text), text.len);
        else
            saved = true;
        bf_text_free(&text);
    }
    if (saved)
        mark_saved(c, s);
    if (!marks || (saved && !c->saved.len))
        mark(s, "0", 1);
}
