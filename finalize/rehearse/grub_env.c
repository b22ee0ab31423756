// SPDX-License-Identifier: Apache-2.0
// GRUB's environment block, as grub-editenv(1) writes it: a first line that says what it is,
// NAME=VALUE lines in which a backslash keeps the next character, and # to the end of its 1024
// bytes.
#include "finalize/rehearse/grub.h"

#include <stdio.h>
#include <string.h>

#include "finalize/core/places.h"

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

// What the attempt before this one has left in the block.
static void read_saved(struct bf_gr *g, const char *path, char **only, size_t count)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(g->w->earlier, path), name, value)
    {
        if (!is_wanted(name, only, count))
            continue;
        if (json_is_string(value))
            bf_gr_set(g, bf_gr_dup(g, name, strlen(name)), json_string_value(value));
        else
            bf_gr_unset(g, name);
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
    read_saved(g, path, only, only_count);
    return BF_GR_OK;
}

// What `load_env` and `save_env` are called with: a file, and names of variables.
struct env_words {
    const char *file;
    char usual[BF_START_PATH];
    struct bf_gr_words names;
};

// [--file FILE] [--skip-sig] [NAME...], in any order. False when the file's name is missing.
static bool read_words(struct bf_gr *g, const struct bf_gr_words *args, struct env_words *out)
{
    const char *prefix = bf_gr_get(g, "prefix");
    snprintf(out->usual, sizeof out->usual, "%s/grubenv", prefix ? prefix : "");
    out->file = out->usual;
    out->names = (struct bf_gr_words){0};
    for (size_t i = 1; i < args->count; i++) {
        const char *w = args->word[i];
        bool next = strcmp(w, "--file") == 0 || strcmp(w, "-f") == 0 || strcmp(w, "-sf") == 0;
        if (strncmp(w, "--file=", 7) == 0)
            out->file = w + 7;
        else if (next && i + 1 < args->count)
            out->file = args->word[++i];
        else if (next)
            return false;
        else if (w[0] != '-' || !w[1])
            bf_gr_word(g, &out->names, w, strlen(w));
    }
    return true;
}

int bf_gr_load_env(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    struct env_words w;
    (void)block;
    return read_words(g, args, &w) ? read_file(g, w.file, w.names.word, w.names.count) : BF_GR_FAIL;
}

// GRUB writes into the file's own blocks, so there has to be one, and not on a volume or an array.
// What is written by what happens by itself is noted: the next start reads it.
int bf_gr_save_env(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    char path[BF_START_PATH], inside[BF_START_PATH];
    struct env_words words;
    (void)block;
    if (!read_words(g, args, &words) || bf_gr_place(g, words.file, path) != BF_GR_THERE)
        return BF_GR_FAIL;
    const struct bf_device *dev = bf_place_device(g->w->f->devices, path, inside, sizeof inside);
    if (dev && dev->stacked)
        return BF_GR_FAIL;
    for (size_t i = 0; g->chosen && i < words.names.count; i++) {
        const char *value = bf_gr_get(g, words.names.word[i]);
        bf_walk_save(g->w, path, words.names.word[i], value);
    }
    return BF_GR_OK;
}
