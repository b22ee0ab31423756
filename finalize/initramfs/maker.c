// SPDX-License-Identifier: Apache-2.0
// Which makers of an initramfs a guest has. Folders and settings stay when a package is removed,
// and other packages bring them, so the program decides, where one is known.
#include "finalize/initramfs/maker.h"

static bool has_program(const struct bf_fin *f, const struct bf_maker_ops *maker)
{
    return maker->programs && bf_fin_root_any(f->root, maker->programs);
}

bool bf_maker_in_use(struct bf_fin *f, const struct bf_maker_ops *maker)
{
    if (has_program(f, maker))
        return true;
    if (!maker->in_use(f))
        return false;
    for (const struct bf_maker_ops *const *m = bf_makers; *m && maker->programs; m++)
        if (has_program(f, *m))
            return false; // what is left of a maker that was replaced by this one
    return true;
}
