// SPDX-License-Identifier: Apache-2.0
// See new_names.h. The driver decides what the kernel calls a disk.
#include "finalize/system/new_names.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/target/targets.h"

// Every other driver of the targets is one of SCSI or ATA controllers.
static const struct {
    const char *driver, *stem;
} drivers[] = {
    {"virtio_blk", "/dev/vd"},
    {"xen_blkfront", "/dev/xvd"},
    {"nvme", "/dev/nvme"},
};

static const char *stem_of(const char *driver)
{
    for (size_t i = 0; i < BF_COUNT(drivers); i++)
        if (strcmp(drivers[i].driver, driver) == 0)
            return drivers[i].stem;
    return "/dev/sd";
}

size_t bf_new_stems(const struct bf_fin *f, const char *stem[BF_NEW_NAMES])
{
    size_t n = 0;
    for (const char *const *driver = f->target->disk; *driver; driver++) {
        bool known = false;
        for (size_t i = 0; i < n; i++)
            known = known || strcmp(stem[i], stem_of(*driver)) == 0;
        if (!known)
            stem[n++] = stem_of(*driver); // there are no more than BF_NEW_NAMES of them
    }
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
