// SPDX-License-Identifier: Apache-2.0
// GRUB 2 from its first configuration on: what its image sets, and what is said when the menu is
// empty. See grub.h.
#include "finalize/rehearse/grub.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/core/places.h"
#include "finalize/rehearse/loaders.h"

static bool is_efi(const struct bf_fin *f, const char *file, const struct bf_device *dev)
{
    if (strstr(file, "/EFI/") || strstr(file, "/efi/") || (dev && dev->esp))
        return true;
    if (f->plan && f->plan->firmware[0])
        return strcmp(f->plan->firmware, "uefi") == 0;
    return f->system.uefi && !f->system.bios;
}

static void set_platform(struct bf_gr *g, const char *file, const struct bf_device *dev)
{
    const struct bf_architecture *a = g->w->f->system.architecture;
    bool efi = is_efi(g->w->f, file, dev);
    const char *known = a && a->grub ? a->grub : "x86_64-efi";
    size_t n = strcspn(known, "-");
    bf_gr_set_exported(g, "grub_cpu", efi ? bf_gr_dup(g, known, n) : "i386");
    bf_gr_set_exported(g, "grub_platform", efi ? "efi" : "pc");
}

static void set_image(struct bf_gr *g, const char *file, const struct bf_device *dev)
{
    static const char *const features[] = {
        "feature_chainloader_bpb",      "feature_ntldr",
        "feature_platform_search_hint", "feature_default_font_path",
        "feature_all_video_module",     "feature_menuentry_id",
        "feature_menuentry_options",    "feature_200_final",
        "feature_nativedisk_cmd",       "feature_timeout_style"};
    char inside[BF_START_PATH], prefix[BF_START_PATH + 160];
    const struct bf_devices *d = g->w->f->devices;
    const char *root = dev ? bf_gr_device_name(g, dev) : "hd0,1";
    if (!dev || bf_place_device(d, file, inside, sizeof inside) != dev)
        snprintf(inside, sizeof inside, "%s", file);
    if (dev)
        g->found[dev - d->item] = true;
    char *slash = strrchr(inside, '/');
    if (slash)
        *slash = 0;
    snprintf(prefix, sizeof prefix, "(%s)%s", root, inside);
    for (size_t i = 0; i < BF_COUNT(features); i++)
        bf_gr_set_exported(g, features[i], "y");
    bf_gr_set_exported(g, "root", root);
    bf_gr_set_exported(g, "prefix", prefix);
    bf_gr_set_exported(g, "pager", "");
    bf_gr_set_exported(g, "color_normal", "light-gray/black");
    bf_gr_set_exported(g, "color_highlight", "black/light-gray");
    set_platform(g, file, dev);
    if (is_efi(g->w->f, file, dev))
        bf_gr_set(g, "cmdpath", prefix);
}

static void say_nothing_offered(struct bf_gr *g, const char *file, size_t starts)
{
    const char *why = g->load.start.blocked;
    bool ended = g->state == BF_GR_LEFT || g->state == BF_GR_LOST;
    if (g->w->starts > starts || ended)
        return;
    bf_walk_say(g->w, BF_TROUBLE_STOPS, file, 0,
                "GRUB finds nothing to start in it, and stops at its prompt%s%s",
                why[0] ? ": " : "", why);
}

void bf_walk_grub(struct bf_walk *w, const char *file, const struct bf_device *dev)
{
    struct bf_gr g = {.w = w, .command = bf_gr_command, .title = "", .file = file, .chosen = true};
    size_t len, starts = w->starts;
    const char *text = bf_walk_text(w, file, &len);
    if (!text)
        return;
    w->loader = true;
    set_image(&g, file, dev);
    const char *prefix = bf_gr_get(&g, "prefix"), *base = strrchr(file, '/');
    char name[BF_START_PATH + 160];
    snprintf(name, sizeof name, "%s%s", prefix ? prefix : "", base ? base : file);
    bf_gr_run_menu(&g, name, file, text, len);
    say_nothing_offered(&g, file, starts);
    bf_gr_load_clear(&g.load);
    bf_gr_vars_free(&g.vars);
    bf_gr_release(&g);
}
