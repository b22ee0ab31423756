// SPDX-License-Identifier: Apache-2.0
// extlinux: recognised only.
#include "finalize/boot/loader.h"

static void found(struct bf_fin *f, const char *esp)
{
    if (!esp && bf_fin_root_exists(f->root, "/boot/extlinux/extlinux.conf"))
        bf_system_add_loader(&f->system, bf_extlinux.name, "/boot/extlinux");
}

const struct bf_loader_ops bf_extlinux = {.name = "extlinux", .title = "extlinux", .found = found};
