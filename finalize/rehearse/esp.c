// SPDX-License-Identifier: Apache-2.0
// The EFI system partitions of a tree; see firmware.h.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/rehearse/firmware.h"
#include "finalize/rehearse/offer.h"

static void add(struct bf_esps *esps, const char *mount)
{
    for (size_t i = 0; i < esps->count; i++)
        if (strcmp(esps->mount[i], mount) == 0)
            return;
    if (esps->count < BF_ESPS_MAX && strlen(mount) < sizeof esps->mount[0])
        snprintf(esps->mount[esps->count++], sizeof esps->mount[0], "%s", mount);
}

static bool has_efi(struct bf_walk *w, const char *mount)
{
    char dir[160];
    static const char *const names[] = {"EFI", "efi", "Efi"};
    for (size_t i = 0; i < BF_COUNT(names); i++) {
        snprintf(dir, sizeof dir, "%.128s/%s", strcmp(mount, "/") == 0 ? "" : mount, names[i]);
        if (bf_fin_root_is_dir(w->f->root, dir))
            return true;
    }
    return false;
}

// By the probed disks: they are in the firmware's order.
static void by_devices(struct bf_walk *w, struct bf_esps *esps)
{
    const struct bf_devices *d = w->f->devices;
    for (size_t i = 0; i < d->count; i++) {
        bool mounted = false;
        for (size_t k = 0; k < d->places; k++)
            if (d->place[k].device == i && !d->place[k].inside[0] &&
                (d->item[i].esp ||
                 (strcmp(d->item[i].type, "vfat") == 0 && has_efi(w, d->place[k].at)))) {
                add(esps, d->place[k].at);
                mounted = true;
            }
        esps->elsewhere = esps->elsewhere || (d->item[i].esp && !mounted && d->places);
    }
}

// By fstab, and by the folders where they are usually mounted.
static void by_folders(struct bf_walk *w, struct bf_esps *esps)
{
    static const char *const usual[] = {"/boot/efi", "/efi", "/boot", "/esp", "/boot/firmware"};
    const struct bf_system *s = &w->f->system;
    for (size_t i = 0; i < s->mounts; i++)
        if (strcmp(s->mount[i].type, "vfat") == 0 && s->mount[i].mount[0] == '/' &&
            has_efi(w, s->mount[i].mount))
            add(esps, s->mount[i].mount);
    for (size_t i = 0; i < BF_COUNT(usual); i++)
        if (has_efi(w, usual[i]))
            add(esps, usual[i]);
}

void bf_esps_find(struct bf_walk *w, struct bf_esps *esps)
{
    *esps = (struct bf_esps){0};
    if (w->f->devices->places)
        by_devices(w, esps);
    else
        by_folders(w, esps);
}

bool bf_esp_default(struct bf_walk *w, const char *mount, char *out, size_t size)
{
    // UEFI specification 2.10, 3.5.1.1. A PC has a firmware of 64 bits also for a system of 32.
    static const struct {
        const char *architecture, *name;
    } names[] = {
        {"x86_64", "BOOTX64.EFI"},   {"i386", "BOOTX64.EFI"}, {"i386", "BOOTIA32.EFI"},
        {"aarch64", "BOOTAA64.EFI"}, {"arm", "BOOTARM.EFI"},  {"riscv64", "BOOTRISCV64.EFI"},
    };
    const struct bf_architecture *a = w->f->system.architecture;
    char path[64];
    bool known = false;
    for (size_t i = 0; i < BF_COUNT(names); i++) {
        if (a && strcmp(a->name, names[i].architecture) != 0)
            continue;
        known = true;
        snprintf(path, sizeof path, "EFI/BOOT/%s", names[i].name);
        if (bf_offer_fat(w, mount, path, out, size))
            return true;
    }
    bf_offer_fat(w, mount, known && a ? path : "EFI/BOOT/BOOTX64.EFI", out, size);
    return false;
}
