// SPDX-License-Identifier: Apache-2.0
// Configurations that a script reads: into itself (source), or with a menu of their own
// (configfile).
#include "finalize/rehearse/grub.h"

#include <stdio.h>
#include <string.h>

// ---- Files that read files ----------------------------------------------------------------------

// A file that is read as a script; NULL when it is not there, which was said.
static const char *script(struct bf_gr *g, const struct bf_gr_words *args, size_t *len, char *path)
{
    const char *name = args->count > 1 ? args->word[1] : "";
    if (args->count != 2) {
        bf_gr_look(g, "GRUB's %.30s takes the name of one file", args->word[0]);
        return NULL;
    }
    enum bf_gr_found found = bf_gr_place(g, name, path);
    const char *text = found == BF_GR_THERE ? bf_walk_text(g->w, path, len) : NULL;
    if (text)
        return text;
    if (found == BF_GR_UNSEEN)
        bf_gr_unknown(g, "the configuration %.80s lies where nothing is seen", name);
    else if (g->in_entry || strcmp(args->word[0], "configfile") == 0)
        bf_gr_block(g, "the configuration %.80s is not there", name);
    else
        bf_gr_look(g, "the configuration %.80s, which is read here, is not there", name);
    return NULL;
}

static const char *copy_of(struct bf_gr *g, const char *value)
{
    return value ? bf_gr_dup(g, value, strlen(value)) : NULL;
}

static void put_back(struct bf_gr *g, const char *name, const char *value)
{
    if (value)
        bf_gr_set(g, name, value);
    else
        bf_gr_unset(g, name);
}

// Reads a configuration that a script calls `name`: $config_file and $config_directory say it.
static int read_config(struct bf_gr *g, const char *name, const char *path, const char *text,
                       size_t len)
{
    const char *file = copy_of(g, bf_gr_get(g, "config_file"));
    const char *folder = copy_of(g, bf_gr_get(g, "config_directory"));
    const char *root = bf_gr_get(g, "root");
    char full[BF_START_PATH + 160];
    unsigned only = g->only_line;
    if (name[0] == '(')
        snprintf(full, sizeof full, "%.400s", name);
    else
        snprintf(full, sizeof full, "(%.120s)%.300s", root ? root : "", name);
    bf_gr_set_exported(g, "config_file", full);
    char *slash = strrchr(full, '/');
    if (slash)
        *slash = 0;
    bf_gr_set_exported(g, "config_directory", full);
    g->only_line = 0;
    int status = bf_gr_run_text(g, bf_gr_dup(g, path, strlen(path)), text, len);
    g->only_line = only;
    put_back(g, "config_file", file);
    put_back(g, "config_directory", folder);
    return status;
}

int bf_gr_source_file(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    char path[BF_START_PATH];
    size_t len;
    const char *text = script(g, args, &len, path);
    (void)block;
    if (text)
        read_config(g, args->word[1], path, text, len);
    return args->count == 2 ? BF_GR_OK : BF_GR_FAIL; // what is missing is said, and no failure
}

// ---- Configurations with a menu of their own ----------------------------------------------------

static bool is_open(const struct bf_gr *g, const char *path)
{
    for (size_t i = 0; i < g->opened; i++)
        if (strcmp(g->open[i], path) == 0)
            return true;
    return false;
}

// A menu that leads back to one that was offered already offers nothing new.
static bool leads_back(struct bf_gr *g, const char *path)
{
    if (!is_open(g, path) && g->opened < BF_GR_CONFIGS)
        return false;
    if (!is_open(g, path))
        bf_gr_unknown(g, "opens more menus in one another than are followed");
    else if (g->chosen && g->in_entry)
        bf_gr_block(g, "opens the menu again that leads here");
    else if (g->chosen)
        bf_walk_say(g->w, BF_TROUBLE_STOPS, g->file, g->line,
                    "GRUB opens a configuration again that leads here, without end");
    g->load.start.kind = BF_START_OTHER;
    g->load.loaded = true;
    g->state = BF_GR_LEFT;
    return true;
}

void bf_gr_run_menu(struct bf_gr *g, const char *name, const char *path, const char *text,
                    size_t len)
{
    struct bf_gr_menu menu = {0}, *outer = g->menu;
    const char *title = g->title, *file = g->file;
    g->menu = &menu;
    g->open[g->opened++] = bf_gr_dup(g, path, strlen(path));
    read_config(g, name, path, text, len);
    g->file = g->open[g->opened - 1];
    g->line = 0;
    if (g->state == BF_GR_RUNS && menu.count) {
        bf_gr_show(g, &menu, true);
        g->state = g->state == BF_GR_RUNS ? BF_GR_SHOWN : g->state;
    }
    g->opened--;
    g->file = file;
    g->title = title;
    g->menu = outer;
}

static int open_menu(struct bf_gr *g, struct bf_gr_words *args, bool apart)
{
    char path[BF_START_PATH];
    size_t len;
    unsigned line = g->line;
    struct bf_gr_vars before = g->vars;
    const char *text = script(g, args, &len, path);
    if (!text)
        return args->count == 2 ? BF_GR_OK : BF_GR_FAIL;
    if (leads_back(g, path))
        return BF_GR_OK;
    bool in_entry = g->in_entry;
    g->in_entry = false;
    if (apart && !bf_gr_vars_copy(&before, true, &g->vars))
        bf_gr_lose(g, "needs more memory than there is");
    else
        bf_gr_run_menu(g, args->word[1], path, text, len);
    if (apart) {
        bf_gr_vars_free(&g->vars);
        g->vars = before;
    }
    g->in_entry = in_entry;
    g->line = line;
    return BF_GR_OK;
}

int bf_gr_configfile(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)block;
    return open_menu(g, args, true);
}

// normal [FILE]; without one, $prefix/grub.cfg.
int bf_gr_normal(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    char name[BF_START_PATH];
    struct bf_gr_words words = {0};
    const char *prefix = bf_gr_get(g, "prefix");
    (void)block;
    snprintf(name, sizeof name, "%.300s/grub.cfg", prefix ? prefix : "");
    bf_gr_word(g, &words, "configfile", 10);
    bf_gr_word(g, &words, args->count > 1 ? args->word[1] : name,
               strlen(args->count > 1 ? args->word[1] : name));
    return g->state == BF_GR_RUNS ? open_menu(g, &words, false) : BF_GR_FAIL;
}
