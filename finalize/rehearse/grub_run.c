// SPDX-License-Identifier: Apache-2.0
// Runs GRUB's script. A command that fails prints an error, sets $? and lets the script go on; so
// does one that GRUB does not have, but for what decides an if, that one counts as true.
#include "finalize/rehearse/grub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run_node(struct bf_gr *g, const struct bf_gr_node *n);

static void set_status(struct bf_gr *g, int status)
{
    char text[16];
    snprintf(text, sizeof text, "%d", status);
    bf_gr_set(g, "?", text);
}

static bool goes_on(const struct bf_gr *g)
{
    return g->state == BF_GR_RUNS && !g->breaks && !g->returned;
}

static int run_list(struct bf_gr *g, const struct bf_gr_node *list)
{
    int status = 0;
    if (g->depth == BF_GR_DEPTH) {
        bf_gr_lose(g, "calls itself, or others, more than %d times in one another", BF_GR_DEPTH);
        return BF_GR_FAIL;
    }
    g->depth++;
    for (; list && goes_on(g); list = list->next) {
        status = run_node(g, list);
        set_status(g, status);
    }
    g->depth--;
    return status;
}

// ---- Commands -----------------------------------------------------------------------------------

int bf_gr_call(struct bf_gr *g, const struct bf_gr_node *list, struct bf_gr_words *args)
{
    struct bf_gr_words *scope = g->scope;
    size_t shifted = g->shifted;
    unsigned loops = g->loops;
    g->scope = args;
    g->shifted = 0;
    g->loops = 0;
    int status = run_list(g, list);
    g->scope = scope;
    g->shifted = shifted;
    g->loops = loops;
    g->returned = false;
    return status;
}

static struct bf_gr_words without_first(const struct bf_gr_words *w)
{
    return (struct bf_gr_words){w->word + 1, w->count - 1, w->cap};
}

static const struct bf_gr_node *function_of(const struct bf_gr *g, const char *name)
{
    for (const struct bf_gr_node *n = g->function; n; n = n->other)
        if (strcmp(n->name, name) == 0)
            return n;
    return NULL;
}

static int assign(struct bf_gr *g, const char *word)
{
    const char *eq = strchr(word, '=');
    if (!eq) {
        if (g->in_test)
            bf_gr_unknown(g, "%.60s is no command that is known here, and decides what comes",
                          word);
        else if (g->in_entry)
            bf_gr_unknown(g, "%.60s is no command that is known here", word);
        return BF_GR_OK;
    }
    if (strchr("#*@0123456789", word[0]) && eq > word)
        return BF_GR_OK;
    bf_gr_set(g, bf_gr_dup(g, word, (size_t)(eq - word)), eq + 1);
    return BF_GR_OK;
}

// An assignment, or no command at all, counts as true, even behind a "!".
static int run_words(struct bf_gr *g, struct bf_gr_words *w, struct bf_gr_node *block, bool invert)
{
    const struct bf_gr_command *c = g->command(w->word[0]);
    const struct bf_gr_node *f = c ? NULL : function_of(g, w->word[0]);
    struct bf_gr_words args = without_first(w);
    int status = BF_GR_OK;
    if (c)
        status = c->run ? c->run(g, w, block) : BF_GR_OK;
    else if (f)
        status = bf_gr_call(g, f->body, &args);
    else
        return assign(g, w->word[0]);
    return !invert ? status : status == BF_GR_OK ? BF_GR_FALSE : BF_GR_OK;
}

static int run_command(struct bf_gr *g, const struct bf_gr_node *n)
{
    struct bf_gr_words w;
    g->line = g->only_line ? g->only_line : n->line;
    if (++g->commands > BF_GR_COMMANDS) {
        bf_gr_lose(g, "runs more than %d commands", BF_GR_COMMANDS);
        return BF_GR_FAIL;
    }
    bf_gr_expand(g, n->arg, &w);
    if (g->state == BF_GR_LOST || w.count == 0)
        return BF_GR_OK;
    if (strcmp(w.word[0], "!") != 0)
        return run_words(g, &w, n->body, false);
    if (w.count == 1)
        return BF_GR_FAIL;
    w = without_first(&w);
    return run_words(g, &w, n->body, true);
}

// ---- What is made of commands -------------------------------------------------------------------

static int run_test(struct bf_gr *g, const struct bf_gr_node *list)
{
    bool before = g->in_test;
    g->in_test = true;
    int status = run_list(g, list);
    g->in_test = before;
    set_status(g, status);
    return status;
}

static int run_if(struct bf_gr *g, const struct bf_gr_node *n)
{
    int status = BF_GR_FALSE;
    // Each elif is the else of the one before: there may be many.
    while (n && n->kind == BF_GR_IF && (status = run_test(g, n->test)) != BF_GR_OK && goes_on(g)) {
        if (!n->other || n->other->kind != BF_GR_IF || n->other->next)
            return run_list(g, n->other);
        n = n->other;
    }
    return goes_on(g) ? run_list(g, n->body) : status;
}

// After a turn of a loop: whether there is another.
static bool next_turn(struct bf_gr *g)
{
    if (g->again && g->breaks == 1)
        g->breaks = 0;
    return goes_on(g);
}

static int end_loop(struct bf_gr *g, int status)
{
    if (g->breaks)
        g->breaks--;
    g->loops--;
    return status;
}

static int run_while(struct bf_gr *g, const struct bf_gr_node *n)
{
    int status = BF_GR_OK;
    g->loops++;
    do {
        // A loop of nothing but assignments that are no words still ends.
        if (++g->commands > BF_GR_COMMANDS) {
            bf_gr_lose(g, "has a loop that does not end");
            break;
        }
        status = run_test(g, n->test);
        if (!goes_on(g) || (status == BF_GR_OK) == (n->kind == BF_GR_UNTIL))
            break;
        status = run_list(g, n->body);
    } while (next_turn(g));
    return end_loop(g, status);
}

static int run_for(struct bf_gr *g, const struct bf_gr_node *n)
{
    struct bf_gr_words w;
    int status = BF_GR_OK;
    bf_gr_expand(g, n->arg, &w);
    g->loops++;
    for (size_t i = 0; i < w.count && next_turn(g); i++) {
        bf_gr_set(g, n->name, w.word[i]);
        status = run_list(g, n->body);
    }
    next_turn(g);
    return end_loop(g, status);
}

static int run_node(struct bf_gr *g, const struct bf_gr_node *n)
{
    switch (n->kind) {
    case BF_GR_COMMAND:
        return run_command(g, n);
    case BF_GR_IF:
        return run_if(g, n);
    case BF_GR_WHILE:
    case BF_GR_UNTIL:
        return run_while(g, n);
    case BF_GR_FOR:
        return run_for(g, n);
    case BF_GR_FUNCTION:
        return BF_GR_OK; // known since it was read
    }
    return BF_GR_FAIL;
}

// ---- Texts --------------------------------------------------------------------------------------

static int run_units(struct bf_gr *g, struct bf_gr_source *s)
{
    struct bf_gr_node *list;
    unsigned bad;
    int status = BF_GR_OK;
    while (g->state == BF_GR_RUNS && !g->returned) {
        enum bf_gr_unit unit = bf_gr_parse(g, s, &list, &bad);
        if (unit == BF_GR_UNIT_END)
            break;
        if (unit == BF_GR_UNIT) {
            status = run_list(g, list);
            continue;
        }
        g->line = bad;
        if (g->state == BF_GR_RUNS)
            bf_gr_look(g, "GRUB cannot read this, says \"syntax error\", and goes on after it");
    }
    return status;
}

int bf_gr_run_text(struct bf_gr *g, const char *file, const char *text, size_t len)
{
    struct bf_gr_source s;
    const char *before = g->file;
    unsigned line = g->line;
    int status = BF_GR_FAIL;
    if (g->depth == BF_GR_DEPTH) {
        bf_gr_lose(g, "reads files from files, more than %d times in one another", BF_GR_DEPTH);
        return BF_GR_FAIL;
    }
    g->depth++;
    g->file = file;
    if (bf_budget_take(g->w->f->root->budget, file, len))
        bf_gr_lose(g, "is more than a step may read");
    else if (bf_gr_source(g, text, len, &s))
        status = run_units(g, &s);
    g->depth--;
    g->file = before;
    g->line = line;
    return status;
}
