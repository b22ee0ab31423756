// SPDX-License-Identifier: Apache-2.0
// Where the next start begins: the firmware that the plan names, else the one that the system can
// be started by. See firmware.h for the ways from there.
#include "finalize/rehearse/firmware.h"

#include <string.h>

#include "finalize/rehearse/loaders.h"

static bool is_pc(const struct bf_walk *w)
{
    const struct bf_architecture *a = w->f->system.architecture;
    return !a || strcmp(a->name, "x86_64") == 0 || strcmp(a->name, "i386") == 0;
}

static bool has_default(struct bf_walk *w, const struct bf_esps *esps)
{
    char file[BF_START_PATH];
    for (size_t i = 0; i < esps->count; i++)
        if (bf_esp_default(w, esps->mount[i], file, sizeof file))
            return true;
    return false;
}

// Entries of systemd-boot without the loader, or with one that could not be recognised.
static bool walk_entries(struct bf_walk *w)
{
    static const char *const dir[] = {"/boot/efi", "/efi", "/boot", NULL};
    static const char *const entries[] = {"/boot/efi/loader/entries", "/efi/loader/entries",
                                          "/boot/loader/entries", NULL};
    for (size_t i = 0; dir[i]; i++)
        if (bf_fin_root_is_dir(w->f->root, entries[i])) {
            bf_walk_systemd_boot(w, dir[i]);
            return true;
        }
    return false;
}

// When the way to a loader could not be followed, what its configuration would start is read
// nevertheless, so that this is judged.
static void walk_any(struct bf_walk *w)
{
    if (w->loader)
        return;
    bool grub =
        bf_walk_exists(w, "/boot/grub2/grub.cfg") || bf_walk_exists(w, "/boot/grub/grub.cfg");
    if (!grub && walk_entries(w))
        return;
    if (is_pc(w))
        bf_walk_configuration(w);
    else
        bf_walk_board(w);
}

static bool wants_uefi(struct bf_walk *w, const struct bf_esps *esps)
{
    const char *planned = w->f->plan ? w->f->plan->firmware : "";
    const struct bf_system *s = &w->f->system;
    if (planned[0])
        return strcmp(planned, "uefi") == 0;
    bool found = has_default(w, esps);
    if (s->uefi && s->bios)
        bf_walk_say(w, BF_TROUBLE_LOOK, "", 0,
                    "the plan does not say which firmware the new machine has (target.firmware): "
                    "%s was assumed",
                    found ? "UEFI" : "a BIOS");
    return found || (s->uefi && !s->bios);
}

void bf_walk_firmware(struct bf_walk *w)
{
    struct bf_esps esps;
    bf_esps_find(w, &esps);
    if (wants_uefi(w, &esps))
        bf_walk_uefi(w, &esps);
    else if (is_pc(w))
        bf_walk_bios(w);
    else
        bf_walk_board(w);
    walk_any(w);
    if (!w->loader)
        bf_walk_say(w, BF_TROUBLE_DOUBT, "", 0,
                    "no boot loader's configuration was found in this system");
}
