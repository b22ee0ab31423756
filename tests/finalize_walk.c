// SPDX-License-Identifier: Apache-2.0
#include "tests/finalize_walk.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/finalize_tree.h"

struct bf_fin walk_fin;
struct bf_devices walk_devices;
struct bf_plan walk_plan;
struct bf_walk walk;
static struct bf_text told;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    return at->level ? remove(path) : 0;
}

static void free_walk(void)
{
    for (size_t i = 0; i < walk.starts; i++)
        free(walk.start[i].cmdline);
    for (size_t i = 0; i < walk.troubles; i++)
        free(walk.trouble[i].text);
    free(walk.start);
    json_decref(walk.saved);
    walk = (struct bf_walk){.f = &walk_fin};
    bf_edits_free(&walk_fin.edits);
}

void walk_clear(void)
{
    char top[64];
    if (tree_root.fd < 0)
        tree_make();
    snprintf(top, sizeof top, "/proc/self/fd/%d/.", tree_root.fd);
    if (nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS))
        abort();
    free_walk();
    bf_devices_free(&walk_devices);
    walk_plan = (struct bf_plan){.efi_fallback = true};
    walk_fin = (struct bf_fin){.root = &tree_root, .plan = &walk_plan, .devices = &walk_devices};
}

void walk_put(const char *path, const char *text)
{
    tree_put(path, text, strlen(text));
}

void walk_files(const char *names)
{
    char path[200];
    const char *at = names, *end = names + strlen(names), *word;
    size_t len;
    while (bf_word_next(&at, end, &word, &len)) {
        snprintf(path, sizeof path, "%.*s", (int)len, word);
        walk_put(path, "x");
    }
}

void walk_drop(const char *path)
{
    if (unlinkat(tree_root.fd, path, 0))
        abort();
}

struct bf_device *walk_device(unsigned part, const char *type, const char *uuid, const char *at)
{
    struct bf_device *d = bf_devices_add(&walk_devices);
    if (!d)
        abort();
    d->part = part;
    snprintf(d->name, sizeof d->name, "/dev/vda%u", part);
    snprintf(d->type, sizeof d->type, "%s", type);
    snprintf(d->uuid, sizeof d->uuid, "%s", uuid);
    if (at)
        bf_devices_place(&walk_devices, walk_devices.count - 1, at, "");
    return d;
}

void walk_begin(void)
{
    free_walk();
    walk.start = calloc(BF_STARTS_MAX, sizeof *walk.start);
    if (!walk.start)
        abort();
    bf_edits_init(&walk_fin.edits, &tree_root);
    bf_budget_begin(&walk_fin.budget, "test");
}

static void tell(const struct bf_start *s)
{
    bf_textf(&told, "%c %s %s:%u \"%s\"%s\n", s->chosen ? '*' : '-', s->loader, s->file, s->line,
             s->title, s->kind == BF_START_OTHER ? " (other)" : "");
    if (s->kernel[0])
        bf_textf(&told, "  kernel %s\n", s->kernel);
    for (size_t i = 0; i < s->initrds; i++)
        bf_textf(&told, "  initrd %s\n", s->initrd[i]);
    if (s->unified)
        bf_textf(&told, "  unified %llu+%llu\n", (unsigned long long)s->initrd_at,
                 (unsigned long long)s->initrd_len);
    if (s->cmdline)
        bf_textf(&told, "  cmdline %s\n", s->cmdline);
    if (s->blocked[0])
        bf_textf(&told, "  blocked %s\n", s->blocked);
    if (s->unknown[0])
        bf_textf(&told, "  unknown %s\n", s->unknown);
}

const char *walk_text(void)
{
    static const char *const kind[] = {"STOPS", "DOUBT", "LOOK"};
    bf_text_empty(&told);
    for (size_t i = 0; i < walk.starts; i++)
        tell(&walk.start[i]);
    for (size_t i = 0; i < walk.troubles; i++)
        bf_textf(&told, "%s %s\n", kind[walk.trouble[i].kind], walk.trouble[i].text);
    return bf_text_get(&told);
}

bool walk_is(const char *what, const char *want)
{
    const char *got = walk_text();
    if (strcmp(got, want) == 0 && !walk_fin.edits.failed)
        return true;
    printf("# %s:\n%s# expected:\n%s", what, got, want);
    return false;
}

void walk_end(void)
{
    free_walk();
    bf_devices_free(&walk_devices);
    bf_text_free(&told);
}
