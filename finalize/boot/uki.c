// SPDX-License-Identifier: Apache-2.0
// Unified kernel images: recognised only.
#include <stdio.h>

#include "finalize/boot/loader.h"

static void found(struct bf_fin *f, const char *esp)
{
    char path[64];
    snprintf(path, sizeof path, "%s/EFI/Linux", esp ? esp : "");
    if (esp && bf_fin_root_is_dir(f->root, path))
        bf_system_add_loader(&f->system, bf_unified_kernel.name, path);
}

const struct bf_loader_ops bf_unified_kernel = {
    .name = "unified-kernel-image", .title = "a unified kernel image", .found = found};
