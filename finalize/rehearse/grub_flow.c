// SPDX-License-Identifier: Apache-2.0
// The commands of GRUB's script that are about the script itself: variables, loops, functions.
#include "finalize/rehearse/grub.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- Variables ----------------------------------------------------------------------------------

int bf_gr_set_command(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)block;
    if (args->count < 2)
        return BF_GR_OK; // lists all
    const char *eq = strchr(args->word[1], '=');
    if (!eq)
        return BF_GR_FAIL;
    bf_gr_set(g, bf_gr_dup(g, args->word[1], (size_t)(eq - args->word[1])), eq + 1);
    return BF_GR_OK;
}

int bf_gr_unset_command(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)block;
    if (args->count < 2)
        return BF_GR_FAIL;
    bf_gr_unset(g, args->word[1]);
    return BF_GR_OK;
}

int bf_gr_export_command(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)block;
    for (size_t i = 1; i < args->count; i++)
        bf_gr_export(g, args->word[i]);
    return args->count < 2 ? BF_GR_FAIL : BF_GR_OK;
}

// increment and decrement, of Red Hat's GRUB.
int bf_gr_step(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    char text[24];
    const char *value = args->count == 2 ? bf_gr_get(g, args->word[1]) : NULL;
    (void)block;
    if (!value)
        return BF_GR_FAIL;
    long n = strtol(value, NULL, 10);
    bool up = args->word[0][0] == 'i';
    if (n > 1000000000 || n < -1000000000)
        return BF_GR_FAIL;
    snprintf(text, sizeof text, "%ld", up ? n + 1 : n - 1);
    bf_gr_set(g, args->word[1], text);
    return BF_GR_OK;
}

// ---- Flow ---------------------------------------------------------------------------------------

int bf_gr_yes(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)g;
    (void)args;
    (void)block;
    return BF_GR_OK;
}

int bf_gr_no(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)g;
    (void)args;
    (void)block;
    return BF_GR_FALSE;
}

static bool read_count(const struct bf_gr_words *args, unsigned long *out)
{
    char *end = NULL;
    *out = 1;
    if (args->count > 1)
        *out = strtoul(args->word[1], &end, 10);
    return args->count <= 2 && (!end || (end > args->word[1] && !*end));
}

int bf_gr_stop_loop(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    unsigned long n;
    (void)block;
    if (!read_count(args, &n) || n == 0)
        return BF_GR_FAIL;
    g->again = args->word[0][0] == 'c';
    g->breaks = n < g->loops ? (unsigned)n : g->loops;
    return BF_GR_OK;
}

int bf_gr_return(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    unsigned long n;
    const char *status = bf_gr_get(g, "?");
    (void)block;
    if (!g->scope || !read_count(args, &n))
        return BF_GR_FAIL;
    g->returned = true;
    if (args->count == 1)
        return status ? (int)strtoul(status, NULL, 10) : BF_GR_OK;
    return n > INT_MAX ? INT_MAX : (int)n;
}

int bf_gr_shift(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    unsigned long n;
    (void)block;
    if (!g->scope)
        return BF_GR_OK;
    if (!read_count(args, &n) || n > g->scope->count - g->shifted)
        return BF_GR_FAIL;
    g->shifted += n;
    return BF_GR_OK;
}

int bf_gr_setparams(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    struct bf_gr_words *scope = bf_gr_alloc(g, sizeof *scope);
    (void)block;
    if (!g->scope || !scope)
        return BF_GR_FAIL;
    *scope = (struct bf_gr_words){args->word + 1, args->count - 1, args->cap};
    g->scope = scope;
    g->shifted = 0;
    return BF_GR_OK;
}

int bf_gr_eval(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    struct bf_text t = {0};
    unsigned before = g->only_line;
    (void)block;
    for (size_t i = 1; i < args->count && t.len < BF_GR_WORD; i++)
        bf_textf(&t, "%s%s", i > 1 ? " " : "", args->word[i]);
    g->only_line = g->line;
    int status = bf_gr_run_text(g, g->file, bf_text_get(&t), t.len);
    g->only_line = before;
    bf_text_free(&t);
    return status;
}
