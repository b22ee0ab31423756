// SPDX-License-Identifier: Apache-2.0
// Which boot loaders there are, and their kernel command lines, in both places where each loader
// has them: what starts next and what it is made from. root= and resume= leave names that depend on
// the order of the disks; the serial console is set or taken away as planned.
#include <stdio.h>

#include "finalize/boot/esp.h"
#include "finalize/boot/firmware.h"
#include "finalize/boot/loader.h"
#include "finalize/boot/shim.h"
#include "finalize/boot/steps.h"

static void find_loaders(struct bf_fin *f, const char *esp)
{
    for (const struct bf_loader_ops *const *l = bf_loaders; *l; l++)
        (*l)->found(f, esp);
}

// The firmware's own entries are not on the disk; what they were made from is.
static void inspect_entries(struct bf_fin *f, char (*esp)[BF_ESP_MOUNT], size_t esps)
{
    char efi[600];
    json_t *entries = json_array();
    const struct bf_architecture *a = f->system.architecture;
    for (size_t i = 0; i < esps && a && a->efi; i++) {
        snprintf(efi, sizeof efi, "%s/EFI", esp[i]);
        bf_shim_csv_entries(f, efi, entries);
        bf_esp_entries(f, efi, entries);
    }
    if (json_array_size(entries))
        f->system.boot_entries = json_incref(entries);
    json_decref(entries);
}

void bf_inspect_boot(struct bf_fin *f)
{
    char esp[BF_ESPS_MAX][BF_ESP_MOUNT];
    size_t esps = bf_esp_all(f, esp, BF_ESPS_MAX);
    for (size_t i = 0; i < esps; i++)
        find_loaders(f, esp[i]);
    f->system.uefi = esps > 0;
    find_loaders(f, NULL);
    bf_firmware_inspect(f);
    inspect_entries(f, esp, esps);
}

enum bf_err bf_adapt_boot(struct bf_fin *f)
{
    enum bf_err err = BF_OK;
    for (const struct bf_loader_ops *const *l = bf_loaders; *l && !err; l++)
        if ((*l)->rewrite)
            err = (*l)->rewrite(f);
    return err;
}
