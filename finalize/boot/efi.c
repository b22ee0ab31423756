// SPDX-License-Identifier: Apache-2.0
// The fallback path of the EFI system partition. A new machine's firmware has no boot entry for the
// old loader; it starts EFI/BOOT/BOOTX64.EFI (UEFI specification 2.10, section 3.5.1.1). When that
// is missing, the first loader of the table that is installed is copied there, with what it loads
// from its own directory. A file that is there is left alone.
#include <stdio.h>
#include <string.h>

#include "finalize/boot/esp.h"
#include "finalize/boot/loader.h"
#include "finalize/boot/steps.h"
#include "finalize/core/rows.h"

static void note_none(struct bf_fin *f, const char *efi)
{
    const char *title[BF_ROWS_MAX];
    size_t count = 0;
    struct bf_text titles = {0};
    for (const struct bf_loader_ops *const *l = bf_loaders; *l; l++)
        if ((*l)->fallback)
            title[count++] = (*l)->title;
    bf_text_list(&titles, title, count, " or ");
    bf_note(f->report, "skipped", efi, "no %s found to put on the fallback path",
            bf_text_get(&titles));
    bf_text_free(&titles);
}

static enum bf_err adapt_esp(struct bf_fin *f, const char *mount)
{
    struct bf_names names;
    char efi[64], boot[300], path[512];
    enum bf_err err = BF_ERR_NOT_FOUND;
    snprintf(efi, sizeof efi, "%s/EFI", mount);
    bf_esp_fallback(f, efi, boot, sizeof boot);
    if (bf_esp_find(f, boot, f->system.architecture->fallback, path, sizeof path) ||
        bf_fin_root_list(f->root, efi, "", &names))
        return BF_OK;
    bf_names_free(&names);
    for (const struct bf_loader_ops *const *l = bf_loaders; *l && err == BF_ERR_NOT_FOUND; l++)
        if ((*l)->fallback)
            err = (*l)->fallback(f, efi);
    if (err != BF_ERR_NOT_FOUND)
        return err;
    note_none(f, efi);
    return BF_OK;
}

static enum bf_err check_firmware(struct bf_fin *f)
{
    const struct bf_system *s = &f->system;
    const char *want = f->plan->firmware;
    bool fits = strcmp(want, "uefi") == 0 ? s->uefi : s->bios;
    if (!want[0] || (!s->uefi && !s->bios) || fits)
        return BF_OK;
    return bf_refuse(f->report, "target.firmware is %s, and this system starts with %s only", want,
                     s->uefi ? "uefi" : "bios");
}

enum bf_err bf_adapt_efi(struct bf_fin *f)
{
    enum bf_err err = check_firmware(f);
    if (err)
        return err;
    if (!f->plan->efi_fallback || !f->system.architecture || !f->system.architecture->efi)
        return BF_OK;
    for (const char *const *mount = bf_esp_mounts; *mount; mount++)
        if (bf_esp_is(f, *mount))
            return adapt_esp(f, *mount);
    if (f->system.uefi)
        bf_note(f->report, "skipped", "EFI", "the EFI system partition was not found");
    return BF_OK;
}
