// SPDX-License-Identifier: Apache-2.0
// shim: the loader that Secure Boot accepts. It starts the GRUB beside it, or the MOK manager.
#include "finalize/boot/shim.h"

#include <stdio.h>

#include "base/bytes.h"
#include "finalize/boot/esp.h"
#include "finalize/boot/grub.h"
#include "finalize/boot/loader.h"

static bool any_vendor(struct bf_fin *f, const char *efi, const struct bf_architecture *a)
{
    struct bf_names names;
    char path[1024];
    bool found = false;
    if (!a->efi || bf_fin_root_list(f->root, efi, "", &names))
        return false;
    for (size_t i = 0; i < names.count && !found; i++) {
        snprintf(path, sizeof path, "%s/%s/shim%s.efi", efi, names.name[i], a->efi);
        found = bf_fin_root_exists(f->root, path);
    }
    bf_names_free(&names);
    return found;
}

static void found(struct bf_fin *f, const char *esp)
{
    char efi[64];
    bool any = false;
    snprintf(efi, sizeof efi, "%s/EFI", esp ? esp : "");
    for (const struct bf_architecture *const *a = f->architectures; esp && *a && !any; a++)
        any = any_vendor(f, efi, *a);
    if (any)
        bf_system_add_loader(&f->system, bf_shim.name, efi);
}

bool bf_shim_vendor(struct bf_fin *f, const char *efi, char *vendor, size_t vendor_size, char *shim,
                    size_t shim_size)
{
    bf_esp_name(f, "shim", shim, shim_size);
    if (bf_esp_vendor(f, efi, shim, vendor, vendor_size))
        return true;
    snprintf(shim, shim_size, "shim.efi");
    return bf_esp_vendor(f, efi, shim, vendor, vendor_size);
}

enum bf_err bf_shim_copy_rest(struct bf_fin *f, const char *efi, const char *vendor,
                              const char *boot)
{
    char dir[300], grub[32], mok[32];
    bf_esp_name(f, "grub", grub, sizeof grub);
    bf_esp_name(f, "mm", mok, sizeof mok);
    const char *const name[] = {grub, "grub.efi", mok, "MokManager.efi"};
    enum bf_err err = BF_OK;
    snprintf(dir, sizeof dir, "%s/%.200s", efi, vendor);
    for (size_t i = 0; i < BF_COUNT(name) && !err; i++)
        err = bf_esp_copy(f, dir, name[i], boot, name[i]);
    return err ? err : bf_grub_copy_stub(f, efi, vendor, boot);
}

static enum bf_err fallback(struct bf_fin *f, const char *efi)
{
    char vendor[256], dir[300], boot[300], shim[32];
    if (!bf_shim_vendor(f, efi, vendor, sizeof vendor, shim, sizeof shim))
        return BF_ERR_NOT_FOUND;
    snprintf(dir, sizeof dir, "%s/%.200s", efi, vendor);
    bf_esp_fallback(f, efi, boot, sizeof boot);
    enum bf_err err = bf_esp_copy(f, dir, shim, boot, f->system.architecture->fallback);
    return err ? err : bf_shim_copy_rest(f, efi, vendor, boot);
}

const struct bf_loader_ops bf_shim = {
    .name = "shim", .title = "shim", .found = found, .fallback = fallback};
