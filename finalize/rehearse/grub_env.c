// SPDX-License-Identifier: Apache-2.0
// GRUB's environment block, as grub-editenv(1) writes it: a first line that says what it is,
// NAME=VALUE lines in which a backslash keeps the next character, and # to the end of its 1024
// bytes.
#include "finalize/rehearse/grub.h"

#include <stdio.h>
#include <string.h>

static const char signature[] = "# GRUB Environment Block\n";

static bool is_wanted(const char *name, char **only, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, only[i]) == 0)
            return true;
    return count == 0;
}

// One value, from after the equals sign; *next is where the next line begins. False when the block
// ends in it.
static bool read_value(const char *at, const char *end, struct bf_text *out, const char **next)
{
    for (; at < end && *at != '\n'; at++) {
        if (*at == '\\' && at + 1 < end)
            at++;
        bf_text_add(out, at, 1);
    }
    *next = at < end ? at + 1 : end;
    return at < end;
}

// A line without an equals sign is the beginning of the next one's name. A value that no line end
// follows is not set.
static void read_block(struct bf_gr *g, const char *at, const char *end, char **only, size_t count)
{
    while (at < end && g->state == BF_GR_RUNS) {
        const char *nl = memchr(at, '\n', (size_t)(end - at));
        const char *eq = memchr(at, '=', (size_t)(end - at));
        if (*at == '#') {
            at = nl ? nl + 1 : end;
            continue;
        }
        if (!eq)
            return;
        struct bf_text value = {0};
        const char *name = bf_gr_dup(g, at, (size_t)(eq - at));
        bool whole = read_value(eq + 1, end, &value, &at);
        if (whole && is_wanted(name, only, count))
            bf_gr_set(g, name, bf_text_get(&value));
        bf_text_free(&value);
    }
}

// Sets the variables of a block, only those that are named where any are.
static int read_file(struct bf_gr *g, const char *name, char **only, size_t only_count)
{
    char path[BF_START_PATH];
    size_t len;
    enum bf_gr_found found = bf_gr_place(g, name, path);
    const char *text = found == BF_GR_THERE ? bf_walk_text(g->w, path, &len) : NULL;
    if (!text) {
        if (found == BF_GR_UNSEEN)
            bf_gr_look(g, "reads variables from %.80s, which is not seen here", name);
        return BF_GR_FAIL;
    }
    if (bf_budget_take(g->w->f->root->budget, path, len * (1 + only_count)))
        bf_gr_lose(g, "is more than a step may read");
    if (len < sizeof signature - 1 || memcmp(text, signature, sizeof signature - 1) != 0) {
        bf_gr_look(g, "%.120s is no environment block: GRUB reads nothing from it", path);
        return BF_GR_FAIL;
    }
    read_block(g, text + sizeof signature - 1, text + len, only, only_count);
    return BF_GR_OK;
}

// load_env [--file FILE] [--skip-sig] [NAME...], in any order.
int bf_gr_load_env(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    const char *prefix = bf_gr_get(g, "prefix"), *name = NULL;
    char usual[BF_START_PATH];
    struct bf_gr_words only = {0};
    (void)block;
    for (size_t i = 1; i < args->count; i++) {
        const char *w = args->word[i];
        bool next = strcmp(w, "--file") == 0 || strcmp(w, "-f") == 0 || strcmp(w, "-sf") == 0;
        if (strncmp(w, "--file=", 7) == 0)
            name = w + 7;
        else if (next && i + 1 < args->count)
            name = args->word[++i];
        else if (next)
            return BF_GR_FAIL;
        else if (w[0] != '-' || !w[1])
            bf_gr_word(g, &only, w, strlen(w));
    }
    snprintf(usual, sizeof usual, "%s/grubenv", prefix ? prefix : "");
    return read_file(g, name ? name : usual, only.word, only.count);
}
