// SPDX-License-Identifier: Apache-2.0
// Follows GRUB from its menu to every other file that it reads.
#include "finalize/boot/grub_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/boot/esp.h"
#include "finalize/boot/grub_env.h"

// ---- Commands -----------------------------------------------------------------------------------

struct bf_grub_word bf_grub_first(const struct bf_grub_command *c, const char **rest)
{
    struct bf_grub_word w;
    *rest = c->at;
    bf_grub_word_next(rest, c->end, &w);
    return w;
}

// "linux", "linux16", "linuxefi", "linux${sixteenbit}", "$linux".
static bool is_loader(const struct bf_grub_word *w, const char *name)
{
    static const char *const ends[] = {"", "16", "32", "efi"};
    size_t n = strlen(name), dollar = w->len > 0 && w->at[0] == '$';
    if (w->len < n + dollar || memcmp(w->at + dollar, name, n) != 0)
        return false;
    const char *end = w->at + dollar + n;
    size_t len = w->len - dollar - n;
    for (size_t i = 0; i < BF_COUNT(ends); i++)
        if (bf_word_is(end, len, ends[i]))
            return true;
    return len > 1 && end[0] == '$';
}

bool bf_grub_is_linux(const struct bf_grub_word *word)
{
    return is_loader(word, "linux");
}

bool bf_grub_is_initrd(const struct bf_grub_word *word)
{
    return is_loader(word, "initrd");
}

bool bf_grub_is_module(const struct bf_grub_word *word)
{
    static const char *const names[] = {"module", "module2", "xen_module", "$module"};
    for (size_t i = 0; i < BF_COUNT(names); i++)
        if (bf_word_is(word->at, word->len, names[i]))
            return true;
    return false;
}

bool bf_grub_assignment(const struct bf_grub_command *c, char *name, size_t size,
                        struct bf_grub_word *value)
{
    const char *rest;
    struct bf_grub_word w = bf_grub_first(c, &rest);
    if (bf_word_is(w.at, w.len, "set") && !bf_grub_word_next(&rest, c->end, &w))
        return false;
    const char *equals = memchr(w.at, '=', w.len);
    size_t len = equals ? (size_t)(equals - w.at) : 0;
    if (!len || len >= size)
        return false;
    snprintf(name, size, "%.*s", (int)len, w.at);
    *value = (struct bf_grub_word){equals + 1, w.len - len - 1};
    return strlen(name) == len && !strpbrk(name, "\"'$\\[");
}

// ---- Variables ----------------------------------------------------------------------------------

bool bf_grub_is_kernelopts(const char *name)
{
    return strcmp(name, "kernelopts") == 0 || strcmp(name, "default_kernelopts") == 0;
}

static struct bf_grub_variable_use *use_of(struct bf_grub_config *c, const char *name)
{
    for (size_t i = 0; i < c->uses; i++)
        if (strcmp(c->use[i].name, name) == 0)
            return &c->use[i];
    if (c->uses == BF_GRUB_VARIABLES_MAX)
        return NULL;
    struct bf_grub_variable_use *u = &c->use[c->uses++];
    snprintf(u->name, sizeof u->name, "%s", name);
    return u;
}

bool bf_grub_is_root(const struct bf_grub_config *c, const char *name)
{
    for (size_t i = 0; i < c->uses; i++)
        if (c->use[i].root && strcmp(c->use[i].name, name) == 0)
            return true;
    return false;
}

// "root=$rootpartition", as a word or in the value of another variable.
static void note_uses(struct bf_grub_config *c, const char *path, unsigned line, const char *at,
                      const char *end)
{
    char name[BF_GRUB_NAME];
    for (const char *p = at; (p = memmem(p, (size_t)(end - p), "root=$", 6)); p++) {
        const char *var = p + 5, *stop = var + 1;
        while (stop < end && !strchr(" \t\n\"';$", *stop))
            stop++;
        bool first = p == at || strchr(" \t\"'_", p[-1]);
        if (!first || !bf_grub_variable(var, (size_t)(stop - var), name, sizeof name))
            continue;
        struct bf_grub_variable_use *u = use_of(c, name);
        if (u && !u->root) {
            u->root = true;
            u->line = line;
            snprintf(u->path, sizeof u->path, "%.90s", path);
        }
    }
}

static void note_set(struct bf_grub_config *c, const char *name)
{
    if (bf_grub_is_kernelopts(name))
        c->kernelopts = true;
    struct bf_grub_variable_use *u = use_of(c, name);
    if (u)
        u->set = true;
}

// ---- Files --------------------------------------------------------------------------------------

static void add_file(struct bf_fin *f, struct bf_grub_config *c, const char *path,
                     enum bf_grub_kind kind)
{
    struct stat st;
    char *real = bf_fin_root_real(f->root, path, NULL);
    if (!real || bf_fin_root_stat(f->root, real, &st, NULL) || !S_ISREG(st.st_mode) ||
        strlen(real) >= sizeof c->file[0].path) {
        free(real);
        return;
    }
    size_t i = 0;
    while (i < c->files && strcmp(c->file[i].path, real) != 0)
        i++;
    if (i == BF_GRUB_FILES_MAX)
        bf_note(f->report, "warning", path, "GRUB reads more files than are followed");
    if (i == c->files && i < BF_GRUB_FILES_MAX) {
        c->file[i].kind = kind;
        snprintf(c->file[i].path, sizeof c->file[i].path, "%s", real);
        c->files++;
    }
    free(real);
}

// Behind the device or the variable that a path begins with.
static const char *path_part(const char *path, bool *variable)
{
    const char *end = NULL;
    *variable = false;
    if (path[0] == '(')
        end = strchr(path, ')');
    else if (path[0] == '$' && path[1] == '{')
        end = strchr(path, '}');
    else if (path[0] == '$')
        end = path + strcspn(path, "/") - 1;
    *variable = end && path[0] == '$';
    return end ? end + 1 : path;
}

// Adds what a command may mean by a path: from the root of a file system that is not known here.
static void follow(struct bf_fin *f, struct bf_grub_config *c, const char *from, const char *path,
                   enum bf_grub_kind kind)
{
    bool variable;
    char dir[512], full[1100];
    const char *part = path_part(path, &variable);
    snprintf(dir, sizeof dir, "%s", from);
    *strrchr(dir, '/') = 0;
    const char *in_variable[] = {dir, "/boot/grub", "/boot/grub2", "/boot", NULL};
    const char *in_device[] = {"", "/boot", "/boot/efi", "/efi", part[0] == '/' ? NULL : dir, NULL};
    if (!part[0] || strchr(part, '$') || strlen(part) > 500)
        return;
    for (const char **base = variable ? in_variable : in_device; *base; base++) {
        snprintf(full, sizeof full, "%s%s%s", *base, part[0] == '/' ? "" : "/", part);
        add_file(f, c, full, kind);
    }
}

// source FILE, . FILE, configfile FILE, load_env [-f FILE | --file FILE] [--skip-sig] [NAME...]
static void look_for_files(struct bf_fin *f, struct bf_grub_config *c, const char *from,
                           const struct bf_grub_command *command)
{
    const char *rest;
    struct bf_grub_word w = bf_grub_first(command, &rest);
    bool env = bf_word_is(w.at, w.len, "load_env"), menu = bf_word_is(w.at, w.len, "configfile");
    bool named = !env;
    if (!env && !menu && !bf_word_is(w.at, w.len, "source") && !bf_word_is(w.at, w.len, "."))
        return;
    while (bf_grub_word_next(&rest, command->end, &w)) {
        bool file = bf_word_is(w.at, w.len, "-f") || bf_word_is(w.at, w.len, "--file");
        bool joined = w.len > 7 && memcmp(w.at, "--file=", 7) == 0;
        if (joined)
            w = (struct bf_grub_word){w.at + 7, w.len - 7};
        if (!file && (named || joined)) {
            struct bf_text path = {0};
            bf_grub_word_value(&w, &path);
            follow(f, c, from, bf_text_get(&path),
                   env    ? BF_GRUB_ENV
                   : menu ? BF_GRUB_MENU
                          : BF_GRUB_SCRIPT);
            bf_text_free(&path);
            return;
        }
        named = file;
    }
}

static void scan_command(struct bf_fin *f, struct bf_grub_config *c, const char *path,
                         const struct bf_grub_command *command)
{
    char name[BF_GRUB_NAME];
    const char *rest;
    struct bf_grub_word value, w = bf_grub_first(command, &rest);
    if (bf_grub_is_linux(&w) || bf_grub_is_module(&w)) {
        note_uses(c, path, command->line, rest, command->end);
    } else if (bf_grub_assignment(command, name, sizeof name, &value)) {
        note_set(c, name);
        note_uses(c, path, command->line, value.at, value.at + value.len);
    } else {
        look_for_files(f, c, path, command);
    }
}

static void scan_env(struct bf_grub_config *c, const char *text, size_t len)
{
    char name[BF_GRUB_NAME];
    struct bf_grub_env env;
    if (!bf_grub_env_init(&env, text, len))
        return;
    while (bf_grub_env_next(&env)) {
        if (!env.name || env.name_len >= sizeof name)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)env.name_len, env.name);
        note_set(c, name);
        note_uses(c, "", 0, env.value, env.value + env.value_len);
        if (strcmp(name, "saved_entry") == 0 || strcmp(name, "next_entry") == 0) {
            bf_grub_env_value(&env, &c->saved);
            bf_text_str(&c->saved, "\n");
        }
    }
}

static enum bf_err scan_file(struct bf_fin *f, struct bf_grub_config *c,
                             const struct bf_grub_file *file)
{
    size_t len;
    enum bf_err err;
    struct bf_grub_script s;
    const char *text = bf_fin_get(f, file->path, &len, &err);
    if (!text)
        return err;
    if (file->kind == BF_GRUB_ENV) {
        scan_env(c, text, len);
        return BF_OK;
    }
    err = bf_grub_parse(&s, text, len);
    for (size_t i = 0; i < s.commands && !err; i++)
        scan_command(f, c, file->path, &s.command[i]);
    bf_grub_script_free(&s);
    if (err == BF_ERR_LIMIT)
        return bf_refuse(f->report, "%s has more than %d commands", file->path,
                         BF_GRUB_COMMANDS_MAX);
    return err ? bf_fail(f->report, "out of memory") : BF_OK;
}

static void add_esp(struct bf_fin *f, struct bf_grub_config *c, const char *mount)
{
    struct bf_names vendors;
    char efi[64], dir[400], path[512];
    snprintf(efi, sizeof efi, "%s/EFI", mount);
    if (bf_fin_root_list(f->root, efi, "", &vendors))
        return;
    for (size_t i = 0; i < vendors.count; i++) {
        snprintf(dir, sizeof dir, "%s/%.255s", efi, vendors.name[i]);
        if (bf_esp_find(f, dir, "grub.cfg", path, sizeof path))
            add_file(f, c, path, BF_GRUB_MENU);
        if (bf_esp_find(f, dir, "grubenv", path, sizeof path))
            add_file(f, c, path, BF_GRUB_ENV);
    }
    bf_names_free(&vendors);
}

static void add_known(struct bf_fin *f, struct bf_grub_config *c)
{
    static const struct {
        const char *name;
        enum bf_grub_kind kind;
    } names[] = {{"grub.cfg", BF_GRUB_MENU},
                 {"grubenv", BF_GRUB_ENV},
                 {"custom.cfg", BF_GRUB_SCRIPT},
                 {"user.cfg", BF_GRUB_SCRIPT}};
    char path[64];
    for (size_t i = 0; i < 2 * BF_COUNT(names); i++) {
        snprintf(path, sizeof path, "/boot/%s/%s", i % 2 ? "grub2" : "grub", names[i / 2].name);
        add_file(f, c, path, names[i / 2].kind);
    }
    for (const char *const *mount = bf_esp_mounts; *mount; mount++)
        add_esp(f, c, *mount);
}

enum bf_err bf_grub_find(struct bf_fin *f, struct bf_grub_config *c)
{
    enum bf_err err = BF_OK;
    *c = (struct bf_grub_config){.files = 0};
    add_known(f, c);
    for (size_t i = 0; i < c->files && !err; i++) // it grows
        err = scan_file(f, c, &c->file[i]);
    for (size_t i = 0; i < c->uses && !err; i++)
        if (c->use[i].root && !c->use[i].set && c->use[i].path[0])
            bf_note(f->report, "warning", c->use[i].path,
                    "line %u: root=$%s: no file that GRUB reads gives that variable a value",
                    c->use[i].line, c->use[i].name);
    return err;
}

void bf_grub_config_free(struct bf_grub_config *c)
{
    bf_text_free(&c->saved);
}
