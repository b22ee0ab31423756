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

// One value, from after the equals sign; returns where the next line begins.
static const char *read_value(const char *at, const char *end, struct bf_text *out)
{
    for (; at < end && *at != '\n'; at++) {
        if (*at == '\\' && at + 1 < end)
            at++;
        bf_text_add(out, at, 1);
    }
    return at < end ? at + 1 : end;
}

static void read_block(struct bf_gr *g, const char *at, const char *end, char **only, size_t count)
{
    while (at < end && g->state == BF_GR_RUNS) {
        const char *nl = memchr(at, '\n', (size_t)(end - at));
        const char *eq = memchr(at, '=', (size_t)((nl ? nl : end) - at));
        if (*at == '#' || !eq || eq == at) {
            at = nl ? nl + 1 : end;
            continue;
        }
        struct bf_text value = {0};
        const char *name = bf_gr_dup(g, at, (size_t)(eq - at));
        at = read_value(eq + 1, end, &value);
        if (is_wanted(name, only, count))
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

// load_env [--file FILE] [--skip-sig] [NAME...]
int bf_gr_load_env(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    const char *prefix = bf_gr_get(g, "prefix"), *name = NULL;
    char usual[BF_START_PATH];
    size_t i = 1;
    (void)block;
    for (; i < args->count && args->word[i][0] == '-'; i++) {
        const char *w = args->word[i];
        if (strncmp(w, "--file=", 7) == 0)
            name = w + 7;
        else if ((strcmp(w, "--file") == 0 || strcmp(w, "-f") == 0) && i + 1 < args->count)
            name = args->word[++i];
        else if (strncmp(w, "-f", 2) == 0 && w[2])
            name = w + 2;
    }
    snprintf(usual, sizeof usual, "%s/grubenv", prefix ? prefix : "");
    return read_file(g, name ? name : usual, args->word + i, args->count - i);
}
