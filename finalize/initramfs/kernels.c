// SPDX-License-Identifier: Apache-2.0
// Finds the kernels of a guest by their modules, and their files in /boot.
#include <stdio.h>
#include <string.h>

#include "finalize/archive/archive.h"
#include "finalize/initramfs/steps.h"

// A file of a kernel in /boot by any of the distributions' names; "" when there is none.
static void find_file(struct bf_fin *f, const char *version, const char *const *pattern, char *out,
                      size_t size)
{
    for (; *pattern; pattern++) {
        snprintf(out, size, "/boot/%s%s%s", *pattern, version,
                 strcmp(*pattern, "initramfs-") == 0 ? ".img" : "");
        if (bf_fin_root_exists(f->root, out))
            return;
    }
    out[0] = 0;
}

static void inspect_kernel(struct bf_fin *f, const char *version, struct bf_kernel *k)
{
    static const char *const image[] = {"vmlinuz-", "vmlinux-", "kernel-", NULL};
    static const char *const initrd[] = {"initrd.img-", "initramfs-", "initrd-", NULL};
    struct bf_archive_info info;
    snprintf(k->version, sizeof k->version, "%s", version);
    find_file(f, k->version, image, k->image, sizeof k->image);
    find_file(f, k->version, initrd, k->initramfs, sizeof k->initramfs);
    if (k->initramfs[0] && !bf_archive_look(&f->edits, k->initramfs, &info, NULL)) {
        k->format = info.format;
        k->early = info.early;
    }
}

void bf_inspect_kernels(struct bf_fin *f)
{
    struct bf_names names;
    struct bf_system *s = &f->system;
    if (!bf_fin_root_list(f->root, "/usr/lib/modules", "", &names) && names.count == 0) {
        bf_names_free(&names);
        if (bf_fin_root_list(f->root, "/lib/modules", "", &names))
            names = (struct bf_names){0};
    }
    for (size_t i = 0; i < names.count && i < BF_KERNELS_MAX; i++) {
        size_t len = strlen(names.name[i]);
        if (len < sizeof s->kernel->version && bf_is_utf8(names.name[i], len))
            inspect_kernel(f, names.name[i], &s->kernel[s->kernels++]);
    }
    bf_names_free(&names);
}
