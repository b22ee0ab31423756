// SPDX-License-Identifier: Apache-2.0
// See new_names.h. The driver decides what the kernel calls a disk.
#include "finalize/system/new_names.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/target/targets.h"

static const struct {
    const char *driver, *stem;
} drivers[] = {
    {"virtio_blk", "/dev/vd"},
    {"xen_blkfront", "/dev/xvd"},
    {"nvme", "/dev/nvme"},
    {"sd_mod", "/dev/sd"}, // of every SCSI and ATA controller
};

static bool has(const struct bf_target *target, const char *driver)
{
    for (const char *const *d = target->disk; *d; d++)
        if (strcmp(*d, driver) == 0)
            return true;
    return false;
}

size_t bf_new_stems(const struct bf_fin *f, const char *stem[BF_NEW_NAMES])
{
    size_t n = 0;
    for (size_t i = 0; i < BF_COUNT(drivers); i++)
        if (has(f->target, drivers[i].driver) || strcmp(f->target->name, "generic") == 0)
            stem[n++] = drivers[i].stem;
    if (n == 0)
        stem[n++] = "/dev/sd";
    return n;
}

size_t bf_new_names(const struct bf_fin *f, const struct bf_device *dev,
                    char name[BF_NEW_NAMES][BF_NEW_NAME])
{
    const char *stem[BF_NEW_NAMES];
    size_t n = bf_new_stems(f, stem);
    for (size_t i = 0; i < n; i++) {
        char part[12] = "";
        bool nvme = strcmp(stem[i], "/dev/nvme") == 0;
        if (dev->part)
            snprintf(part, sizeof part, "%s%u", nvme ? "p" : "", dev->part);
        if (nvme)
            snprintf(name[i], BF_NEW_NAME, "%s%un1%s", stem[i], dev->disk, part);
        else
            snprintf(name[i], BF_NEW_NAME, "%s%c%s", stem[i], (int)('a' + dev->disk % 26), part);
    }
    return n;
}
