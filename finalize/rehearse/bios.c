// SPDX-License-Identifier: Apache-2.0
// From a BIOS to the loader: the boot code of the first disk, which lies in no file system and is
// known of probed disks alone, then the configuration that this loader has in the tree.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/rehearse/firmware.h"
#include "finalize/rehearse/lilo.h"
#include "finalize/rehearse/loaders.h"
#include "finalize/rehearse/offer.h"

// A loader of BIOS: its files, of which the first that is there is read.
struct bios_loader {
    const char *code; // as core/bootcode.h calls it
    const char *title;
    const char *const *part;   // what it needs beside it, one of these; NULL: nothing
    const char *const *config; // ended by NULL
    void (*walk)(struct bf_walk *w, const char *file, const struct bf_device *dev);
};

static const char *const grub_config[] = {"/boot/grub2/grub.cfg", "/boot/grub/grub.cfg",
                                          "/grub2/grub.cfg", "/grub/grub.cfg", NULL};
static const char *const legacy_config[] = {"/boot/grub/menu.lst", "/boot/grub/grub.conf",
                                            "/grub/menu.lst", "/grub/grub.conf", NULL};
// Each in the folder of ldlinux.sys, or in one that is looked at after it.
static const char *const syslinux_config[] = {"/boot/extlinux/extlinux.conf",
                                              "/boot/extlinux/syslinux.cfg",
                                              "/boot/extlinux.conf",
                                              "/boot/syslinux/extlinux.conf",
                                              "/boot/syslinux/syslinux.cfg",
                                              "/extlinux/extlinux.conf",
                                              "/extlinux.conf",
                                              "/syslinux/syslinux.cfg",
                                              "/boot/syslinux.cfg",
                                              "/syslinux.cfg",
                                              NULL};
static const char *const stage2[] = {"/boot/grub/stage2", "/grub/stage2", NULL};
static const char *const ldlinux[] = {"/boot/extlinux/ldlinux.sys",
                                      "/boot/syslinux/ldlinux.sys",
                                      "/boot/ldlinux.sys",
                                      "/extlinux/ldlinux.sys",
                                      "/syslinux/ldlinux.sys",
                                      "/ldlinux.sys",
                                      NULL};
static const char *const lilo_config[] = {"/etc/lilo.conf", NULL};

static const struct bios_loader loaders[] = {
    {"grub", "GRUB 2", NULL, grub_config, bf_walk_grub},
    {"grub-legacy", "GRUB legacy", stage2, legacy_config, bf_walk_grub_legacy},
    {"syslinux", "extlinux", ldlinux, syslinux_config, bf_walk_syslinux},
    {"lilo", "LILO", NULL, lilo_config, bf_walk_lilo},
};

// What the first disk starts; "" when that is not known.
static const char *code_of(const struct bf_walk *w)
{
    const struct bf_devices *d = w->f->devices;
    for (size_t i = 0; i < d->count; i++)
        if (!d->item[i].stacked && d->item[i].disk == 0 && d->item[i].part == 0)
            return d->item[i].boot_code;
    return "";
}

static const char *first_of(struct bf_walk *w, const char *const *path)
{
    for (; path && *path; path++)
        if (bf_walk_exists(w, *path))
            return *path;
    return NULL;
}

static bool run(struct bf_walk *w, const struct bios_loader *l)
{
    const char *config = first_of(w, l->config);
    if (config)
        l->walk(w, config, bf_offer_device(w, config));
    return config != NULL;
}

static void run_known(struct bf_walk *w, const struct bios_loader *l)
{
    if (l->part && !first_of(w, l->part))
        bf_walk_say(w, BF_TROUBLE_DOUBT, "", 0,
                    "the first disk starts %s, whose %s was not found in this system", l->title,
                    l->part[0]);
    if (!run(w, l))
        bf_walk_say(w, bf_walk_missing(w), "", 0,
                    "the first disk starts %s, which has no configuration: %s is not there",
                    l->title, l->config[0]);
}

// Without the boot code, the loader is the one whose configuration is there. Of several, what has
// all its parts comes first, and what is newer.
void bf_walk_configuration(struct bf_walk *w)
{
    for (size_t i = 0; i < BF_COUNT(loaders); i++)
        if (loaders[i].part && first_of(w, loaders[i].part) && first_of(w, loaders[i].config) &&
            !first_of(w, grub_config)) {
            run(w, &loaders[i]);
            return;
        }
    for (size_t i = 0; i < BF_COUNT(loaders); i++)
        if (run(w, &loaders[i]))
            return;
}

static void stop(struct bf_walk *w, const char *code)
{
    if (strcmp(code, "none") == 0)
        bf_walk_say(w, bf_walk_missing(w), "", 0,
                    "the first disk has no boot code: a BIOS finds nothing to start on it");
    else
        bf_walk_say(w, bf_walk_missing(w), "", 0,
                    "the boot code of the first disk is GRUB's first sector alone: the rest of "
                    "GRUB, in the sectors after it, is not there");
}

void bf_walk_bios(struct bf_walk *w)
{
    const char *code = code_of(w);
    for (size_t i = 0; i < BF_COUNT(loaders); i++)
        if (strcmp(code, loaders[i].code) == 0) {
            run_known(w, &loaders[i]);
            return;
        }
    if (strcmp(code, "none") == 0 || strcmp(code, "grub-incomplete") == 0)
        stop(w, code);
    else if (strcmp(code, "other") == 0)
        bf_walk_say(w, BF_TROUBLE_DOUBT, "", 0,
                    "the boot code of the first disk is of no loader that is known");
    bf_walk_configuration(w);
}
