// SPDX-License-Identifier: Apache-2.0
// The files that systemd-networkd reads (systemd.network(5)): of all folders by name, the upper
// folder's first, with what masks them, and their drop-ins by the same rules. /run is empty on a
// disk.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/networkd.h"

// Beyond these, a system is not one that anybody administers.
#define LINES_MAX 200000
#define UNITS_MAX 1024

static const char *const folders[] = {BF_NETWORKD_ETC, "/usr/local/lib/systemd/network",
                                      "/usr/lib/systemd/network", "/lib/systemd/network"};

static void trouble(struct bf_networkd_units *u, const char *path, const char *what)
{
    if (!u->trouble[0])
        snprintf(u->trouble, sizeof u->trouble, "systemd-networkd: %s %s", path, what);
}

static void free_file(struct bf_networkd_file *file)
{
    free(file->text);
    free(file->words);
    free(file->line);
}

// An empty file, a link to nothing, one to a device, and a folder mean no file at all.
static bool is_masked(struct bf_fin *f, const char *path, const struct bf_fault *fault)
{
    struct stat st;
    return fault->code == BF_ERR_NOT_FOUND ||
           (!bf_fin_root_stat(f->root, path, &st, NULL) &&
            (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode) || S_ISDIR(st.st_mode)));
}

// Reads a file as one more of the unit. False when networkd has none of the unit then.
static bool add_file(struct bf_fin *f, struct bf_networkd_units *u, struct bf_networkd_unit *unit,
                     const char *dir, const char *name)
{
    struct bf_fault fault = {0};
    struct bf_networkd_file file = {.len = 0};
    struct bf_networkd_file *more = realloc(unit->file, (unit->files + 1) * sizeof *more);
    if (!more)
        return false;
    unit->file = more;
    snprintf(file.path, sizeof file.path, "%s/%s", dir, name);
    const char *text = bf_edits_get(&f->edits, file.path, &file.len, &fault);
    if (!text && !is_masked(f, file.path, &fault))
        trouble(u, file.path, "cannot be read");
    if (!text || file.len == 0)
        return unit->files > 0;
    file.text = bf_word_dup(text, file.len);
    file.words = malloc(file.len + 2);
    const char *wrong = !file.text || !file.words ? "out of memory" : NULL;
    if (!wrong && bf_networkd_has_odd_ends(file.text, file.len))
        trouble(u, file.path, "has a NUL byte, or a line that ends in a carriage return only");
    if (!wrong && !u->trouble[0])
        wrong = bf_networkd_parse(&file);
    u->lines += file.lines;
    if (u->lines > LINES_MAX)
        trouble(u, file.path, "and the files before it have too many lines");
    if (wrong || u->trouble[0]) {
        if (wrong)
            bf_note(f->report, "skipped", file.path, "%s", wrong);
        free_file(&file);
        return false;
    }
    unit->file[unit->files++] = file;
    return true;
}

// Of each name, the folder that wins.
struct found {
    char *name; // owned
    const char *folder;
};

struct found_list {
    struct found at[UNITS_MAX];
    size_t count;
};

static bool has_name(const struct found_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i].name, name) == 0)
            return true;
    return false;
}

// Gathers the files of all folders, or of their subfolder `sub`, sorted by name.
static void find_files(struct bf_fin *f, struct bf_networkd_units *u, const char *sub,
                       const char *suffix, struct found_list *list)
{
    list->count = 0;
    for (size_t d = 0; d < BF_COUNT(folders); d++) {
        struct bf_names names;
        char dir[512];
        snprintf(dir, sizeof dir, "%s%s%s", folders[d], sub[0] ? "/" : "", sub);
        if (bf_edits_list(&f->edits, dir, suffix, &names))
            continue;
        for (size_t i = 0; i < names.count; i++) {
            char *name = names.name[i];
            if (has_name(list, name))
                continue;
            if (list->count == UNITS_MAX || strlen(name) > 200) {
                trouble(u, dir, "has too many files, or one with too long a name");
                continue;
            }
            list->at[list->count++] = (struct found){.name = name, .folder = folders[d]};
            names.name[i] = NULL;
        }
        bf_names_free(&names);
    }
    qsort(list->at, list->count, sizeof *list->at, bf_by_bytes);
}

static void free_found(struct found_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->at[i].name);
    free(list);
}

static void free_unit(struct bf_networkd_unit *unit)
{
    for (size_t i = 0; i < unit->files; i++)
        free_file(&unit->file[i]);
    free(unit->file);
    bf_networkd_match_free(&unit->match);
}

static bool add_dropins(struct bf_fin *f, struct bf_networkd_units *u,
                        struct bf_networkd_unit *unit)
{
    struct found_list *list = calloc(1, sizeof *list);
    char sub[300], dir[512];
    bool ok = list != NULL;
    snprintf(sub, sizeof sub, "%s.d", unit->name);
    if (ok)
        find_files(f, u, sub, ".conf", list);
    for (size_t i = 0; ok && i < list->count; i++) {
        snprintf(dir, sizeof dir, "%s/%s", list->at[i].folder, sub);
        ok = add_file(f, u, unit, dir, list->at[i].name);
    }
    if (list)
        free_found(list);
    return ok;
}

static void add_unit(struct bf_fin *f, struct bf_networkd_units *u, const struct found *found)
{
    struct bf_networkd_unit *more = realloc(u->at, (u->count + 1) * sizeof *more);
    if (!more)
        return;
    u->at = more;
    struct bf_networkd_unit *unit = &more[u->count];
    *unit = (struct bf_networkd_unit){.files = 0};
    snprintf(unit->name, sizeof unit->name, "%s", found->name);
    if (!add_file(f, u, unit, found->folder, found->name) || !add_dropins(f, u, unit)) {
        free_unit(unit);
        return;
    }
    bf_networkd_match_load(f, unit);
    u->count++;
}

void bf_networkd_load(struct bf_fin *f, const char *suffix, struct bf_networkd_units *u)
{
    struct found_list *list = calloc(1, sizeof *list);
    *u = (struct bf_networkd_units){0};
    if (!list)
        return;
    find_files(f, u, "", suffix, list);
    for (size_t i = 0; i < list->count; i++)
        add_unit(f, u, &list->at[i]);
    free_found(list);
}

void bf_networkd_free(struct bf_networkd_units *u)
{
    for (size_t i = 0; i < u->count; i++)
        free_unit(&u->at[i]);
    free(u->at);
    *u = (struct bf_networkd_units){0};
}

// A file's place in /etc.
static void etc_path(const struct bf_networkd_file *file, char *out, size_t size)
{
    const char *at = strstr(file->path, "/systemd/network/");
    snprintf(out, size, BF_NETWORKD_ETC "/%s", at + strlen("/systemd/network/"));
}

enum bf_err bf_networkd_set(struct bf_fin *f, const struct bf_networkd_file *file,
                            const struct bf_text *out, const char *why)
{
    char path[700];
    if (bf_text_ok(out) && out->len == file->len &&
        (out->len == 0 || memcmp(out->data, file->text, out->len) == 0))
        return BF_OK;
    etc_path(file, path, sizeof path);
    return bf_fin_set(f, path, out, why);
}
