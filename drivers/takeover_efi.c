// SPDX-License-Identifier: Apache-2.0
// Taking controllers over. See drivers/takeover_efi.h. A controller is taken with all its disks or
// not at all.
#include "drivers/takeover_efi.h"

#include <string.h>

#include <efi.h>

#include "base/fmt.h"
#include "base/log.h"
#include "drivers/ahci.h"
#include "drivers/handles_efi.h"
#include "drivers/nvme.h"
#include "drivers/virtio_blk.h"
#include "drivers/virtio_scsi.h"

static const struct bf_controller_ops *const drivers[] = {&bf_ahci, &bf_nvme, &bf_virtio_blk,
                                                          &bf_virtio_scsi};

enum { DRIVERS = sizeof drivers / sizeof drivers[0] };

// The disks of one controller.
struct group {
    EFI_HANDLE handle;
    struct bf_efi_disk *disk[BF_EFI_DISKS_MAX];
    uint64_t unit[BF_EFI_DISKS_MAX];
    uint32_t count;
};

// The unit that the rest of the path names; 0 when it names none.
static uint64_t unit_of(const EFI_DEVICE_PATH *rest)
{
    enum { MESSAGING = 3, SCSI = 2, SATA = 18, NVME = 23 }; // UEFI 2.10, 10.3.4.2, .19, .21
    enum { SCSI_BYTES = 8, SATA_BYTES = 10, NVME_BYTES = 16 };
    const uint8_t *fields = (const uint8_t *)rest + sizeof *rest;
    uint32_t bytes = DevicePathNodeLength(rest), kind = DevicePathSubType(rest);
    uint16_t place[3] = {0};
    uint32_t nsid;
    if (DevicePathType(rest) != MESSAGING)
        return 0;
    if (kind == NVME && bytes == NVME_BYTES) {
        memcpy(&nsid, fields, sizeof nsid);
        return nsid;
    }
    if ((kind == SCSI && bytes == SCSI_BYTES) || (kind == SATA && bytes == SATA_BYTES))
        memcpy(place, fields, bytes - sizeof *rest);
    else
        return 0;
    if (kind == SATA && place[2]) // a logical unit of something that is no disk
        return 0;
    return (kind == SATA ? BF_UNIT_SATA : BF_UNIT_SCSI) | (uint32_t)place[0] << 16 | place[1];
}

static void collect(struct group *group, EFI_HANDLE handle, struct bf_efi_disk *disks,
                    uint32_t count, uint8_t *tried)
{
    group->handle = handle;
    group->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const EFI_DEVICE_PATH *rest;
        if (!disks[i].source.ops ||
            bf_efi_path_function(bf_efi_path(disks[i].handle), &rest) != handle)
            continue;
        tried[i] = 1;
        group->unit[group->count] = unit_of(rest);
        group->disk[group->count++] = &disks[i];
    }
}

static const struct bf_controller_ops *driver_for(EFI_HANDLE handle)
{
    struct bf_pci_id id = bf_pci_efi_identify(handle);
    for (uint32_t i = 0; id.vendor && i < DRIVERS; i++)
        if (drivers[i]->serves(&id))
            return drivers[i];
    return NULL;
}

// Opens one disk natively. It must be what the firmware saw.
static enum bf_err open_native(const struct bf_taken *taken, struct bf_efi_disk *disk,
                               uint64_t unit)
{
    struct bf_source_disk *source = &disk->source;
    const struct bf_block_geometry *g = &source->geometry;
    enum bf_err err = taken->ops->disk(taken->controller, unit, source);
    if (err)
        return err;
    if (g->block_size == source->identity.block_size &&
        g->blocks * g->block_size == source->identity.bytes)
        return BF_OK;
    bf_source_close(source);
    return BF_ERR_MISMATCH;
}

static enum bf_err open_group(struct bf_taken *taken, const struct group *group)
{
    enum bf_err err = bf_pci_efi_open(&taken->bus, group->handle);
    if (err)
        return err;
    err = taken->ops->open(&taken->bus.pci, &taken->controller);
    for (uint32_t i = 0; !err && i < group->count; i++)
        err = open_native(taken, group->disk[i], group->unit[i]);
    return err;
}

static void give_back(struct bf_taken *taken)
{
    if (taken->controller)
        taken->ops->close(taken->controller);
    bf_pci_efi_close(&taken->bus);
    memset(taken, 0, sizeof *taken);
}

static void back_to_firmware(struct bf_taken *taken, const struct group *group,
                             const struct bf_disk_identity *before)
{
    for (uint32_t i = 0; i < group->count; i++)
        bf_source_close(&group->disk[i]->source);
    give_back(taken);
    for (uint32_t i = 0; i < group->count; i++) {
        struct bf_efi_disk *disk = group->disk[i];
        disk->source.identity = before[i];
        enum bf_err err = bf_blockio_reopen(disk);
        if (!err)
            continue;
        bf_log(BF_LOG_ERROR, "%s: the firmware does not have it any more (%s)",
               disk->source.identity.path, bf_err_name(err));
        bf_snprintf(disk->why, sizeof disk->why, "%s", "the firmware does not find it again");
    }
}

static void take(struct bf_takeover *t, const struct bf_controller_ops *ops, struct group *group)
{
    static struct bf_disk_identity before[BF_EFI_DISKS_MAX]; // large for the firmware's stack
    struct bf_taken *taken = &t->taken[t->count];
    enum bf_err err;
    memset(taken, 0, sizeof *taken);
    taken->ops = ops;
    for (uint32_t i = 0; i < group->count; i++) {
        before[i] = group->disk[i]->source.identity;
        bf_source_close(&group->disk[i]->source);
        group->disk[i]->handle = NULL; // may cease to exist
    }
    err = open_group(taken, group);
    if (!err) {
        t->count++;
        bf_log(BF_LOG_INFO, "%s: driver %s", before[0].path, ops->driver);
        return;
    }
    bf_log(BF_LOG_WARNING, "%s: driver %s does not start (%s); using the firmware's",
           before[0].path, ops->driver, bf_err_name(err));
    back_to_firmware(taken, group, before);
}

void bf_takeover_begin(struct bf_takeover *t, struct bf_efi_disk *disks, uint32_t *disk_count)
{
    uint32_t count = *disk_count;
    static struct group group;
    uint8_t tried[BF_EFI_DISKS_MAX] = {0}; // with all disks of its controller
    memset(t, 0, sizeof *t);
    for (uint32_t i = 0; i < count && t->count < BF_TAKEOVER_MAX; i++) {
        const EFI_DEVICE_PATH *rest;
        EFI_HANDLE handle;
        const struct bf_controller_ops *ops;
        if (!disks[i].source.ops || tried[i])
            continue;
        handle = bf_efi_path_function(bf_efi_path(disks[i].handle), &rest);
        ops = handle ? driver_for(handle) : NULL;
        if (!ops)
            continue;
        collect(&group, handle, disks, count, tried);
        take(t, ops, &group);
    }
}

void bf_takeover_end(struct bf_takeover *t)
{
    while (t->count)
        give_back(&t->taken[--t->count]);
}
