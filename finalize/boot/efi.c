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

static int adapt_esp(struct bf_fin *f, const char *mount)
{
    struct bf_names names;
    char efi[64], boot[300], path[512];
    int rc = 0;
    snprintf(efi, sizeof efi, "%s/EFI", mount);
    bf_esp_fallback(f, efi, boot, sizeof boot);
    if (bf_esp_find(f, boot, f->system.architecture->fallback, path, sizeof path) ||
        bf_fin_root_list(f->root, efi, "", &names))
        return 0;
    bf_names_free(&names);
    for (const struct bf_loader_ops *const *l = bf_loaders; *l && rc == 0; l++)
        if ((*l)->fallback)
            rc = (*l)->fallback(f, efi);
    if (rc == 0)
        note_none(f, efi);
    return rc < 0 ? -1 : 0;
}

static int check_firmware(struct bf_fin *f)
{
    const struct bf_system *s = &f->system;
    const char *want = f->plan->firmware;
    bool fits = strcmp(want, "uefi") == 0 ? s->uefi : s->bios;
    if (!want[0] || (!s->uefi && !s->bios) || fits)
        return 0;
    return bf_refuse(f->report, "target.firmware is %s, and this system starts with %s only", want,
                     s->uefi ? "uefi" : "bios");
}

int bf_adapt_efi(struct bf_fin *f)
{
    if (check_firmware(f) < 0)
        return -1;
    if (!f->plan->efi_fallback || !f->system.architecture || !f->system.architecture->efi)
        return 0;
    for (const char *const *mount = bf_esp_mounts; *mount; mount++)
        if (bf_esp_is(f, *mount))
            return adapt_esp(f, *mount);
    if (f->system.uefi)
        bf_note(f->report, "skipped", "EFI", "the EFI system partition was not found");
    return 0;
}
