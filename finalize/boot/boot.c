// SPDX-License-Identifier: Apache-2.0
// Which boot loaders there are, and their kernel command lines, in both places where each loader
// has them: what starts next and what it is made from. root= and resume= leave names that depend on
// the order of the disks; the serial console is set or taken away as planned.
#include "finalize/boot/esp.h"
#include "finalize/boot/loader.h"
#include "finalize/boot/steps.h"

static void find_loaders(struct bf_fin *f, const char *esp)
{
    for (const struct bf_loader_ops *const *l = bf_loaders; *l; l++)
        (*l)->found(f, esp);
}

void bf_inspect_boot(struct bf_fin *f)
{
    for (const char *const *mount = bf_esp_mounts; *mount; mount++)
        if (bf_esp_is(f, *mount)) {
            f->system.uefi = true;
            find_loaders(f, *mount);
        }
    find_loaders(f, NULL);
}

enum bf_err bf_adapt_boot(struct bf_fin *f)
{
    enum bf_err err = BF_OK;
    for (const struct bf_loader_ops *const *l = bf_loaders; *l && !err; l++)
        if ((*l)->rewrite)
            err = (*l)->rewrite(f);
    return err;
}
