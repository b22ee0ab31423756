// SPDX-License-Identifier: Apache-2.0
// The commands of GRUB that ask the machine or whoever sits before it, and regexp.
#include "finalize/rehearse/grub.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

// ---- Things of the machine ----------------------------------------------------------------------

// Modules that a start may depend on; others draw, play and ask.
static bool matters(const char *module)
{
    static const char *const names[] = {
        "part_gpt", "part_msdos", "ext2",     "xfs",       "btrfs",     "fat",  "f2fs",
        "lvm",      "diskfilter", "mdraid1x", "mdraid09",  "raid5rec",  "luks", "luks2",
        "linux",    "linux16",    "linuxefi", "multiboot", "multiboot2"};
    for (size_t i = 0; i < BF_COUNT(names); i++)
        if (strcmp(module, names[i]) == 0)
            return true;
    return false;
}

// A module is built into GRUB's image, or a file of the folder of its platform. Where there is no
// such folder, all of them have to be in the image.
int bf_gr_insmod(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    const char *prefix = bf_gr_get(g, "prefix"), *cpu = bf_gr_get(g, "grub_cpu");
    const char *platform = bf_gr_get(g, "grub_platform"), *module;
    char folder[BF_START_PATH], name[BF_START_PATH], path[BF_START_PATH];
    (void)block;
    if (args->count < 2)
        return BF_GR_FAIL;
    module = args->word[1];
    g->globs = g->globs || strcmp(module, "regexp") == 0;
    if (!matters(module) || !prefix || !cpu || !platform)
        return BF_GR_OK;
    snprintf(folder, sizeof folder, "%.200s/%.20s-%.20s", prefix, cpu, platform);
    snprintf(name, sizeof name, "%.260s/normal.mod", folder);
    if (bf_gr_place(g, name, path) != BF_GR_THERE)
        return BF_GR_OK;
    snprintf(name, sizeof name, "%.250s/%.40s.mod", folder, module);
    if (bf_gr_place(g, name, path) == BF_GR_MISSING) {
        bf_gr_look(g, "GRUB's module %.40s is not in %.120s", module, folder);
        return BF_GR_FAIL;
    }
    return BF_GR_OK;
}

// A font or a picture: whether it is there decides how the menu looks.
int bf_gr_drawing(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    char name[BF_START_PATH], path[BF_START_PATH];
    const char *prefix = bf_gr_get(g, "prefix");
    (void)block;
    if (args->count < 2)
        return BF_GR_OK;
    const char *file = args->word[args->count - 1];
    bool is_path = file[0] == '(' || file[0] == '/';
    snprintf(name, sizeof name, is_path ? "%s%.0s%.250s" : "%.100s/fonts/%.200s%.0s.pf2",
             is_path  ? ""
             : prefix ? prefix
                      : "",
             is_path ? "" : file, file);
    return bf_gr_place(g, name, path) == BF_GR_THERE ? BF_GR_OK : BF_GR_FAIL;
}

int bf_gr_ask(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)block;
    if (args->count > 1)
        bf_gr_set(g, args->word[args->count - 1], "");
    bf_gr_look(g, "GRUB waits here for something that is typed");
    return BF_GR_OK;
}

// What it finds on this machine is not known: the variable that it sets, too.
int bf_gr_unseen(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    (void)block;
    // Ubuntu's grub.cfg asks so whether the screen can keep its mode, and no start hangs on it.
    if (args->count > 1 && strcmp(args->word[0], "hwmatch") == 0 &&
        strstr(args->word[1], "/gfxblacklist.txt")) {
        bf_gr_set(g, "match", "0");
        return BF_GR_OK;
    }
    bf_gr_unknown(g, "what %.40s finds is not known here", args->word[0]);
    return BF_GR_FALSE;
}

// ---- regexp -------------------------------------------------------------------------------------

// Repetition with counts and references to groups can take a matcher for ever. A backslash may keep
// a sign as it is.
static bool is_tame(const char *pattern, const char *word)
{
    if (strlen(pattern) > 128 || strlen(word) > 1024)
        return false;
    for (; *pattern; pattern++) {
        if (*pattern == '{')
            return false;
        if (*pattern == '\\' && !strchr(".()[]{}*+?^$|/\\-", *++pattern))
            return false;
        if (!*pattern)
            break; // a backslash at the end, which is no pattern
    }
    return true;
}

// [GROUP:]VARIABLE
static void set_group(struct bf_gr *g, const char *what, const char *word, const regmatch_t *m)
{
    unsigned long n = 1;
    const char *colon = strchr(what, ':');
    if (colon) {
        n = strtoul(what, NULL, 10);
        what = colon + 1;
    }
    if (n < 10 && m[n].rm_so >= 0)
        bf_gr_set(g, what, bf_gr_dup(g, word + m[n].rm_so, (size_t)(m[n].rm_eo - m[n].rm_so)));
    else
        bf_gr_unset(g, what);
}

static int match(struct bf_gr *g, const char *pattern, const char *word, char **what, size_t count)
{
    regex_t re;
    regmatch_t m[10];
    if (!is_tame(pattern, word)) {
        bf_gr_unknown(g, "the pattern of regexp is not followed");
        return BF_GR_FALSE;
    }
    if (regcomp(&re, pattern, REG_EXTENDED) != 0)
        return BF_GR_FALSE;
    bool found = regexec(&re, word, BF_COUNT(m), m, 0) == 0;
    for (size_t i = 0; found && i < count; i++)
        set_group(g, what[i], word, m);
    regfree(&re);
    return found ? BF_GR_OK : BF_GR_FALSE;
}

// regexp [--set [N:]VARIABLE]... PATTERN STRING
int bf_gr_regexp(struct bf_gr *g, struct bf_gr_words *args, struct bf_gr_node *block)
{
    struct bf_gr_words what = {0}, rest = {0};
    (void)block;
    g->globs = true;
    for (size_t i = 1; i < args->count; i++) {
        const char *w = args->word[i];
        bool apart = (strcmp(w, "--set") == 0 || strcmp(w, "-s") == 0) && i + 1 < args->count;
        const char *var = apart ? args->word[++i] : strncmp(w, "--set=", 6) == 0 ? w + 6 : NULL;
        bf_gr_word(g, var ? &what : &rest, var ? var : w, strlen(var ? var : w));
    }
    if (bf_budget_take(g->w->f->root->budget, g->file, BF_BUDGET_LOOKUP) || rest.count != 2)
        return BF_GR_FAIL;
    return match(g, rest.word[0], rest.word[1], what.word, what.count);
}
