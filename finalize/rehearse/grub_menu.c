// SPDX-License-Identifier: Apache-2.0
// GRUB's menu. An entry's commands run when it is chosen: here each of them runs, from a copy of
// the variables, and the one that GRUB takes when nobody touches the keyboard is marked.
#include "finalize/rehearse/grub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bf_gr_entry_add(struct bf_gr *g, struct bf_gr_entry *e)
{
    struct bf_gr_menu *menu = g->menu;
    if (!menu)
        return; // an entry that makes entries: nobody sees them
    if (menu->count == 4 * BF_STARTS_MAX) {
        bf_gr_lose(g, "has more entries than %d", 4 * BF_STARTS_MAX);
        return;
    }
    if (menu->last)
        menu->last->next = e;
    else
        menu->first = e;
    menu->last = e;
    menu->count++;
}

// The value of an option that is "--NAME VALUE" or "--NAME=VALUE"; NULL when it is another. *i is
// past the last word when the value is not there.
static const char *value_of(const struct bf_gr_words *args, size_t *i, const char *name)
{
    const char *w = args->word[*i];
    size_t n = strlen(name);
    if (strncmp(w, name, n) != 0 || (w[n] && w[n] != '='))
        return NULL;
    if (w[n])
        return w + n + 1;
    return ++*i < args->count ? args->word[*i] : "";
}

// Reads an option; false when the word is none, which makes it one of the entry's own.
static bool read_option(struct bf_gr_entry *e, const struct bf_gr_words *args, size_t *i)
{
    const char *v;
    if (strcmp(args->word[*i], "--unrestricted") == 0)
        e->asks = false;
    else if ((v = value_of(args, i, "--id")))
        e->id = v;
    else if ((v = value_of(args, i, "--source")))
        e->source = v;
    else if (value_of(args, i, "--users"))
        e->asks = true;
    else
        return value_of(args, i, "--class") || value_of(args, i, "--hotkey");
    return true;
}

static int add_entry(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block,
                     bool submenu)
{
    struct bf_gr_entry *e = bf_gr_alloc(g, sizeof *e);
    bool options = true;
    if (!e)
        return BF_GR_FAIL;
    *e = (struct bf_gr_entry){.submenu = submenu, .asks = true, .file = g->file, .line = g->line};
    for (size_t i = 1; i < args->count; i++) {
        const char *w = args->word[i];
        if (options && strcmp(w, "--") == 0) {
            options = false;
        } else if (!options || strncmp(w, "--", 2) != 0 || !read_option(e, args, &i)) {
            bf_gr_word(g, &e->args, w, strlen(w));
        } else if (i == args->count) { // which would be the block
            bf_gr_look(g, "GRUB refuses this entry, whose option %.60s has no value", w);
            return BF_GR_FAIL;
        }
    }
    e->body = block;
    if (e->args.count == 0 || (!block) == (!e->source)) {
        bf_gr_look(g, "GRUB refuses this entry, which has no %s",
                   e->args.count ? "commands in braces on its line" : "title");
        return BF_GR_FAIL;
    }
    e->title = e->args.word[0];
    e->id = e->id ? e->id : e->title;
    bf_gr_entry_add(g, e);
    return BF_GR_OK;
}

int bf_gr_menuentry(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    return add_entry(g, args, block, false);
}

int bf_gr_submenu(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    return add_entry(g, args, block, true);
}

// ---- Which entry is taken -----------------------------------------------------------------------

// Compares a title or an id with a path of them: ">" parts them, ">>" stands for one.
static bool is_named(const char *name, const char *path)
{
    for (;; name++, path++) {
        if (*path == '>' && path[1] != '>')
            return *name == 0;
        path += *path == '>';
        if (*name != *path)
            return false;
        if (!*name)
            return true;
    }
}

// What follows the first part of a path, or NULL.
static const char *rest_of(const char *path)
{
    for (; path && *path; path++) {
        if (path[0] == '>' && path[1] != '>')
            return path[1] ? path + 1 : NULL;
        path += path[0] == '>';
    }
    return NULL;
}

static bool find_name(const struct bf_gr_menu *menu, const char *path, size_t *out)
{
    size_t i = 0;
    for (const struct bf_gr_entry *e = menu->first; e; e = e->next, i++)
        if (is_named(e->title, path) || is_named(e->id, path)) {
            *out = i;
            return true;
        }
    return false;
}

// The entry that a value means, by number, title or id. GRUB takes digits for a number, whatever
// follows them; Red Hat's looks for a title first.
static bool find_entry(const struct bf_gr *g, const struct bf_gr_menu *menu, const char *value,
                       size_t *out)
{
    const char *first = value + strspn(value, " \t\r\n\f\v");
    bool digits = *first >= '0' && *first <= '9';
    if ((g->bls || !digits) && find_name(menu, value, out))
        return true;
    *out = digits ? strtoul(value, NULL, 0) : 0;
    return digits && *out < menu->count;
}

static size_t default_of(struct bf_gr *g, const struct bf_gr_menu *menu)
{
    const char *value = bf_gr_get(g, "default");
    size_t i = 0;
    if (!value || !value[0] || find_entry(g, menu, value, &i))
        return i;
    bf_gr_look(g, "the default entry is \"%.80s\", which is not there: GRUB takes the first",
               value);
    return 0;
}

// ---- Running entries ----------------------------------------------------------------------------

static void set_chosen(struct bf_gr *g, const struct bf_gr_entry *e)
{
    struct bf_text t = {0};
    const char *before = bf_gr_get(g, "chosen");
    if (before && before[0])
        bf_textf(&t, "%s>", before);
    for (const char *c = e->id; *c; c++)
        bf_text_str(&t, *c == '>' ? ">>" : (char[]){*c, 0});
    bf_gr_set(g, "chosen", bf_text_get(&t));
    bf_gr_export(g, "chosen");
    bf_text_free(&t);
}

static void run_body(struct bf_gr *g, struct bf_gr_entry *e)
{
    g->file = e->file;
    g->line = e->line;
    if (e->asks && bf_gr_get(g, "superusers"))
        bf_gr_look(g, "GRUB asks for a user and a password before it starts this entry");
    if (e->body) {
        bf_gr_call(g, e->body, &e->args);
        return;
    }
    g->only_line = e->line;
    bf_gr_run_text(g, e->file, e->source, strlen(e->source));
    g->only_line = 0;
}

// Variables as the entry finds them; false when there is no memory.
static bool open_entry(struct bf_gr *g, const struct bf_gr_entry *e, const struct bf_gr_vars *vars)
{
    const char *path = rest_of(bf_gr_get(g, "default"));
    if (!bf_gr_vars_copy(vars, e->submenu, &g->vars)) {
        bf_gr_lose(g, "needs more memory than there is");
        return false;
    }
    if (e->submenu && g->chosen)
        bf_gr_set(g, "timeout", "0");
    set_chosen(g, e);
    if (path)
        bf_gr_set(g, "default", path);
    else
        bf_gr_unset(g, "default");
    return true;
}

static const char *below(struct bf_gr *g, const struct bf_gr_entry *e)
{
    char title[128];
    snprintf(title, sizeof title, "%.60s%.60s > ", g->title, e->title);
    return bf_gr_dup(g, title, strlen(title));
}

static void offer(struct bf_gr *g, struct bf_gr_entry *e)
{
    struct bf_gr_menu menu = {0};
    g->menu = e->submenu ? &menu : NULL;
    run_body(g, e);
    if (g->state == BF_GR_SHOWN)
        return;
    if (!e->submenu || g->load.loaded) {
        bf_gr_load_start(g, e->title, e->file, e->line);
        return;
    }
    if (g->state == BF_GR_RUNS && g->depth < BF_GR_DEPTH) {
        g->title = below(g, e);
        g->depth++;
        bf_gr_show(g, &menu, false);
    }
}

// Runs one entry, and leaves everything else as it was.
static void run_entry(struct bf_gr *g, struct bf_gr_entry *e, bool chosen)
{
    struct bf_gr before = *g;
    g->vars = (struct bf_gr_vars){0};
    g->load = (struct bf_gr_load){0};
    g->in_entry = true;
    g->in_test = g->returned = g->again = false;
    g->loops = g->breaks = 0;
    g->scope = NULL;
    g->chosen = chosen;
    // The value of $default is read before the variables are exchanged.
    g->vars = before.vars;
    if (open_entry(g, e, &before.vars))
        offer(g, e);
    bf_gr_load_clear(&g->load);
    if (g->vars.item != before.vars.item)
        bf_gr_vars_free(&g->vars);
    // What the run used up, and whether it was lost, stays.
    before.chunk = g->chunk;
    before.memory = g->memory;
    before.commands = g->commands;
    before.state = g->state == BF_GR_LOST ? BF_GR_LOST : before.state;
    *g = before;
}

// GRUB tries the entries of $fallback, by their numbers, when the chosen one loads nothing.
static void fall_back(struct bf_gr *g, const size_t *start, size_t count, size_t chosen)
{
    const char *value = bf_gr_get(g, "fallback");
    struct bf_walk *w = g->w;
    struct bf_start *s = w->start;
    char *end = NULL;
    if (!value || start[chosen] + 1 != start[chosen + 1] || !s[start[chosen]].blocked[0])
        return;
    for (; *value; value = end) {
        unsigned long n = strtoul(value, &end, 0);
        if (end == value)
            return;
        if (n >= count || start[n] + 1 != start[n + 1] || s[start[n]].blocked[0])
            continue;
        s[start[chosen]].chosen = false;
        s[start[n]].chosen = true;
        bf_walk_say(w, BF_TROUBLE_LOOK, s[start[chosen]].file, s[start[chosen]].line,
                    "the default entry fails, and GRUB falls back to \"%.80s\"", s[start[n]].title);
        return;
    }
}

static bool waits_for_ever(const struct bf_gr *g)
{
    const char *timeout = bf_gr_get(g, "timeout");
    return !timeout || timeout[0] < '0' || timeout[0] > '9';
}

void bf_gr_show(struct bf_gr *g, struct bf_gr_menu *menu, bool waits)
{
    if (menu->count == 0)
        return;
    if (waits && waits_for_ever(g))
        bf_gr_look(g, "no timeout is set: GRUB waits for a key before it starts anything");
    size_t chosen = default_of(g, menu), i = 0;
    size_t *start = malloc((menu->count + 1) * sizeof *start);
    if (!start) {
        bf_gr_lose(g, "needs more memory than there is");
        return;
    }
    for (struct bf_gr_entry *e = menu->first; e; e = e->next, i++) {
        start[i] = g->w->starts;
        if (g->state == BF_GR_RUNS)
            run_entry(g, e, g->chosen && i == chosen);
    }
    start[i] = g->w->starts;
    if (g->chosen)
        fall_back(g, start, menu->count, chosen);
    free(start);
}
