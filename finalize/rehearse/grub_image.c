// SPDX-License-Identifier: Apache-2.0
// See grub_image.h. GRUB goes to its prefix, which grub-mkimage has set, and reads the grub.cfg
// there; commands that are built in may set another one before (grub-install searches the file
// system by its UUID so). A prefix without a device is on the partition that GRUB was started from.
#include "finalize/rehearse/grub_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/rehearse/loaders.h"
#include "finalize/rehearse/offer.h"

#define CONFIG "grub.cfg"

struct image {
    struct bf_walk *w;
    const char *mount, *file;
    const struct bf_efi_program *p;
    char tried[BF_START_PATH]; // where the configuration should be; "": that cannot be said
};

static bool run(struct image *g, const char *config)
{
    if (!bf_walk_exists(g->w, config))
        return false;
    bf_walk_grub(g->w, config, bf_offer_device(g->w, config));
    return true;
}

// The configuration of a folder on a device (NULL: the first place that has it).
static bool run_on(struct image *g, const struct bf_device *dev, const char *folder)
{
    char path[BF_START_PATH], config[BF_START_PATH];
    size_t n = strlen(folder);
    while (n && folder[n - 1] == '/')
        n--;
    int len = snprintf(path, sizeof path, "%.*s/" CONFIG, (int)n, folder);
    if (len < 0 || (size_t)len >= sizeof path ||
        !bf_offer_on(g->w, dev, path, config, sizeof config))
        return false;
    snprintf(g->tried, sizeof g->tried, "%s", config);
    return run(g, config);
}

// A folder of the partition that GRUB was started from.
static bool run_here(struct image *g, const char *folder)
{
    char path[BF_START_PATH], config[BF_START_PATH];
    int len = snprintf(path, sizeof path, "%s/" CONFIG, folder);
    if (len < 0 || (size_t)len >= sizeof path)
        return false;
    bf_offer_fat(g->w, g->mount, path, config, sizeof config);
    snprintf(g->tried, sizeof g->tried, "%s", config);
    return run(g, config);
}

static bool run_beside(struct image *g)
{
    char folder[BF_START_PATH], config[BF_START_PATH + 16];
    bf_offer_folder(g->file, folder, sizeof folder);
    snprintf(config, sizeof config, "%s/" CONFIG, folder);
    return run(g, config);
}

// "hd0,gpt2", ",msdos1" (the disk that GRUB was started from), "lvm/vg-lv". False when it names
// what is not known.
static bool find_device(struct image *g, const char *name, const struct bf_device **dev)
{
    const struct bf_devices *d = g->w->f->devices;
    const struct bf_device *here = bf_offer_device(g->w, g->file);
    char mapper[96];
    unsigned disk = here ? here->disk : 0;
    *dev = NULL;
    if (strncmp(name, "lvm/", 4) == 0) {
        snprintf(mapper, sizeof mapper, "/dev/mapper/%.60s", name + 4);
        *dev = bf_device_find(d, mapper);
        return *dev || !d->count;
    }
    if (name[0] != ',' && sscanf(name, "hd%u,", &disk) != 1)
        return false;
    const char *comma = strchr(name, ',');
    size_t letters = comma ? strspn(comma + 1, "abcdefghijklmnopqrstuvwxyz") : 0;
    unsigned part = comma ? (unsigned)strtoul(comma + 1 + letters, NULL, 10) : 0;
    for (size_t i = 0; i < d->count && part; i++)
        if (!d->item[i].stacked && d->item[i].disk == disk && d->item[i].part == part)
            *dev = &d->item[i];
    return *dev || !d->count;
}

static bool run_prefix(struct image *g, const char *prefix)
{
    const struct bf_device *dev = NULL;
    const char *close = strchr(prefix, ')');
    char name[96];
    if (prefix[0] != '(')
        return prefix[0] == '/' && run_here(g, prefix);
    if (!close)
        return false;
    bf_offer_word(name, sizeof name, prefix + 1, (size_t)(close - prefix - 1));
    // Of a device that has another kind of name, every file system is looked at.
    if (!find_device(g, name, &dev) && name[0] == ',')
        return false;
    return run_on(g, dev, close + 1);
}

// ---- The commands in the program ---------------------------------------------------------------

// What a search in them finds, and the prefix that they set: "($root)/boot/grub".
struct commands {
    char uuid[64];
    char folder[192];
};

static void read_search(struct commands *c, const char *at, const char *end, bool by_uuid)
{
    const char *w;
    size_t n;
    while (bf_word_next(&at, end, &w, &n)) {
        by_uuid = by_uuid || bf_word_is(w, n, "--fs-uuid") || bf_word_is(w, n, "-u");
        if (w[0] != '-' && by_uuid) {
            bf_offer_word(c->uuid, sizeof c->uuid, w, n);
            return;
        }
    }
}

// Takes quotes off, and "($root)" from the front.
static void read_folder(struct commands *c, const char *w, size_t n)
{
    static const char *const heads[] = {"($root)", "(${root})", NULL};
    char plain[sizeof c->folder];
    size_t k = 0;
    for (size_t i = 0; i < n && k + 1 < sizeof plain; i++)
        if (w[i] != '"' && w[i] != '\'')
            plain[k++] = w[i];
    plain[k] = 0;
    for (size_t i = 0; heads[i]; i++)
        if (strncmp(plain, heads[i], strlen(heads[i])) == 0)
            snprintf(c->folder, sizeof c->folder, "%s", plain + strlen(heads[i]));
}

static void read_commands(struct commands *c, const char *text)
{
    size_t pos = 0, n;
    struct bf_line line;
    while (bf_line_next(text, strlen(text), &pos, &line)) {
        const char *at = line.at, *end = line.at + line.len, *w;
        while (bf_word_next(&at, end, &w, &n)) {
            if (bf_word_is(w, n, "search.fs_uuid") || bf_word_is(w, n, "search"))
                read_search(c, at, end, w[n - 1] == 'd');
            if (n > 7 && strncmp(w, "prefix=", 7) == 0)
                read_folder(c, w + 7, n - 7);
        }
    }
}

// False when they do not lead to a configuration.
static bool run_commands(struct image *g)
{
    struct commands c = {0};
    char name[80];
    if (!g->p->config)
        return false;
    read_commands(&c, g->p->config);
    if (!c.uuid[0] || !c.folder[0])
        return false;
    snprintf(name, sizeof name, "UUID=%s", c.uuid);
    const struct bf_device *dev = bf_device_find(g->w->f->devices, name);
    if (!dev && g->w->f->devices->count) {
        bf_walk_say(g->w, bf_walk_missing(g->w), g->file, 0,
                    "GRUB searches its configuration on the file system %s, which no disk has",
                    c.uuid);
        return true;
    }
    return run_on(g, dev, c.folder);
}

// What is not a program cannot say where: the usual places, then.
static bool run_guess(struct image *g)
{
    static const char *const usual[] = {"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", NULL};
    struct bf_names vendors;
    char efi[BF_START_PATH], folder[BF_START_PATH];
    bool done = run_beside(g);
    bf_offer_fat(g->w, g->mount, "EFI", efi, sizeof efi);
    if (bf_edits_list(&g->w->f->edits, efi, "", &vendors))
        return done;
    for (size_t i = 0; i < vendors.count && !done; i++) {
        snprintf(folder, sizeof folder, "EFI/%.250s", vendors.name[i]);
        done = run_here(g, folder);
    }
    bf_names_free(&vendors);
    for (size_t i = 0; usual[i] && !done; i++)
        done = run(g, usual[i]);
    return done;
}

void bf_walk_grub_image(struct bf_walk *w, const char *mount, const char *file,
                        const struct bf_efi_program *p)
{
    struct image g = {.w = w, .mount = mount, .file = file, .p = p};
    if ((p->first && run_beside(&g)) || run_commands(&g) || run_prefix(&g, p->prefix) ||
        (p->beside && run_beside(&g)) || (!p->real && run_guess(&g)))
        return;
    if (p->real && g.tried[0])
        bf_walk_say(w, bf_walk_missing(w), file, 0, "GRUB finds no configuration: %s is not there",
                    g.tried);
    else
        bf_walk_say(w, BF_TROUBLE_DOUBT, file, 0,
                    "where GRUB finds its configuration cannot be said (its prefix is \"%s\")",
                    p->prefix);
}
