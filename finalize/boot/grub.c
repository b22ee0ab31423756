// SPDX-License-Identifier: Apache-2.0
// GRUB: what starts next, in its menu and all that this reads; what the menu is made from is in
// grub_default.c and grub_d.c.
#include "finalize/boot/grub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "finalize/boot/esp.h"
#include "finalize/boot/grub_pass.h"
#include "finalize/boot/loader.h"

static void found(struct bf_fin *f, const char *esp)
{
    struct bf_system *s = &f->system;
    char path[64];
    if (esp)
        return; // an image of it there was made from /boot/grub
    bool efi = false, bios = bf_fin_root_is_dir(f->root, "/boot/grub/i386-pc");
    for (const struct bf_architecture *const *a = f->architectures; *a; a++) {
        snprintf(path, sizeof path, "/boot/grub/%s", (*a)->grub ? (*a)->grub : "");
        efi = efi || ((*a)->grub && bf_fin_root_is_dir(f->root, path));
    }
    s->uefi = s->uefi || efi;
    s->bios = s->bios || bios;
    if (efi)
        bf_system_add_loader(s, "grub2-efi", "/boot/grub");
    if (bios)
        bf_system_add_loader(s, "grub2-pc", "/boot/grub");
    if (!s->uefi && !s->bios && bf_fin_root_exists(f->root, "/boot/grub/grub.cfg"))
        bf_system_add_loader(s, bf_grub.name, "/boot/grub");
    if (bf_fin_root_exists(f->root, "/boot/grub2/grub.cfg"))
        bf_system_add_loader(s, bf_grub.name, "/boot/grub2");
}

static enum bf_err rewrite_files(struct bf_fin *f, const struct bf_grub_config *c)
{
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < c->files && !err; i++)
        err = c->file[i].kind == BF_GRUB_ENV ? bf_grub_rewrite_env(f, c, c->file[i].path)
                                             : bf_grub_rewrite_script(f, c, &c->file[i]);
    return err;
}

static enum bf_err rewrite(struct bf_fin *f)
{
    struct bf_grub_config *c = malloc(sizeof *c);
    if (!c)
        return bf_fail(f->report, "out of memory");
    enum bf_err err = bf_grub_find(f, c);
    if (!err)
        err = rewrite_files(f, c);
    if (!err)
        err = bf_grub_scripts(f, c);
    if (!err)
        err = bf_grub_defaults(f);
    bf_grub_note_files(f);
    bf_grub_config_free(c);
    free(c);
    return err;
}

// Whether the GRUB image has a prefix that names the vendor's own directory ("/EFI/debian").
static bool finds_vendor(struct bf_fin *f, const char *grub, const char *vendor)
{
    char prefix[300];
    size_t len;
    char *image = bf_fin_root_read(f->root, grub, BF_ROOT_BLOB_MAX, &len, NULL);
    snprintf(prefix, sizeof prefix, "/EFI/%s", vendor);
    bool found = false;
    for (size_t i = 0; image && !found && len >= strlen(prefix) && i <= len - strlen(prefix); i++)
        found = strncasecmp(image + i, prefix, strlen(prefix)) == 0;
    free(image);
    return found;
}

enum bf_err bf_grub_copy_stub(struct bf_fin *f, const char *efi, const char *vendor,
                              const char *boot)
{
    char dir[300], name[32], grub[512];
    bf_esp_name(f, "grub", name, sizeof name);
    snprintf(dir, sizeof dir, "%s/%.200s", efi, vendor);
    if (!bf_esp_find(f, dir, name, grub, sizeof grub) || finds_vendor(f, grub, vendor))
        return BF_OK;
    return bf_esp_copy(f, dir, "grub.cfg", boot, "grub.cfg");
}

static enum bf_err fallback(struct bf_fin *f, const char *efi)
{
    char vendor[256], dir[300], boot[300], name[32];
    bf_esp_name(f, "grub", name, sizeof name);
    if (!bf_esp_vendor(f, efi, name, vendor, sizeof vendor))
        return BF_ERR_NOT_FOUND;
    snprintf(dir, sizeof dir, "%s/%.200s", efi, vendor);
    bf_esp_fallback(f, efi, boot, sizeof boot);
    enum bf_err err = bf_esp_copy(f, dir, name, boot, f->system.architecture->fallback);
    return err ? err : bf_grub_copy_stub(f, efi, vendor, boot);
}

const struct bf_loader_ops bf_grub = {
    .name = "grub2",
    .title = "GRUB",
    .found = found,
    .rewrite = rewrite,
    .fallback = fallback,
};
