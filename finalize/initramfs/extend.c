// SPDX-License-Identifier: Apache-2.0
// See extend.h.
#include "finalize/initramfs/extend.h"

#include "finalize/initramfs/drivers.h"
#include "finalize/target/targets.h"

// Whether any other kernel is known to be the one that is started.
static bool has_first(const struct bf_system *s)
{
    for (size_t i = 0; i < s->kernels; i++)
        if (s->kernel[i].first && s->kernel[i].image[0])
            return true;
    return false;
}

enum bf_err bf_initramfs_extend(struct bf_fin *f, const char *path, const char *version,
                                uint64_t offset, uint64_t len, uint64_t *own, struct bf_text *tail,
                                bool *modules)
{
    struct bf_drivers d;
    *own = len;
    enum bf_err err = bf_drivers_open(f, version, !has_first(&f->system), &d, NULL);
    *modules = !err;
    if (!err && !d.disk_files && !d.disk_builtins && d.lead)
        err = bf_refuse(f->report, "%s: its kernel %s has no driver for the disks of a %s machine",
                        path, version, f->target->name);
    else if (!err)
        err = bf_drivers_append(f, &d, path, offset, len, own, tail);
    bf_drivers_close(&d);
    return *modules ? err : BF_OK;
}
