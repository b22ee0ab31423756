// SPDX-License-Identifier: Apache-2.0
// Disks through EFI_BLOCK_IO_PROTOCOL. Only ReadBlocks is ever called. Synchronous reads of 1 MiB
// are as fast as this protocol gets; the asynchronous form was slower in every firmware measured,
// since completions are only seen at its 10 ms tick.
#include "drivers/blockio_efi.h"

#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "drivers/canary.h"
#include "drivers/handles_efi.h"
#include "drivers/identify.h"
#include "drivers/identity_efi.h"

enum {
    TRANSFER_BYTES = 1048576,
    ALIGN_MAX = 4096, // what base/mem.h hands out
    MEDIA_PATH = 4,   // device path type of partitions, CD images and RAM disks (10.3.5)
    MEDIA_RAM_DISK = 9,
    OPTICAL_BLOCK = 2048,
};

#define NONCE_STEP 0x632be59bd9b4e019u

struct disk {
    EFI_BLOCK_IO_PROTOCOL *io;
    UINT32 media_id;
    uint32_t block_size;
    uint32_t align;
    uint8_t complained;
    uint64_t nonce; // see drivers/canary.h
    char path[BF_PATH_MAX];
};

// ---- Reading -----------------------------------------------------------------------------------

static enum bf_err read_blocks(struct disk *d, const struct bf_block_request *r)
{
    EFI_BLOCK_IO_MEDIA *media = d->io->Media;
    // Some firmware ignores the media id that is passed (seen: OVMF's virtio-blk).
    if (!media->MediaPresent || media->MediaId != d->media_id || media->BlockSize != d->block_size)
        return BF_ERR_MEDIA;
    bf_canary_set(r->data, d->block_size, r->count, d->nonce += NONCE_STEP);
    EFI_STATUS status =
        d->io->ReadBlocks(d->io, d->media_id, r->block, (UINTN)r->count * d->block_size, r->data);
    uint32_t untouched = bf_canary_find(r->data, d->block_size, r->count, d->nonce);
    if (!EFI_ERROR(status) && untouched == r->count)
        return BF_OK;
    if (!d->complained && EFI_ERROR(status))
        bf_log(BF_LOG_WARNING, "%s: reading %u block%s at %ju: %s", d->path, r->count,
               bf_plural(r->count), (uintmax_t)r->block, bf_efi_words(status));
    else if (!d->complained)
        bf_log(BF_LOG_WARNING,
               "%s: reading %u block%s at %ju: the firmware reports success but read nothing",
               d->path, r->count, bf_plural(r->count), (uintmax_t)(r->block + untouched));
    d->complained = 1; // one raw code tells the kind; the engine records every place
    enum bf_err err = EFI_ERROR(status) ? bf_efi_err(status) : BF_ERR_IO;
    return err == BF_ERR_MEDIA ? err : BF_ERR_IO;
}

static enum bf_err disk_submit(void *impl, struct bf_block_request *request)
{
    struct disk *d = impl;
    BF_ASSERT(request->count > 0 && request->count <= TRANSFER_BYTES / d->block_size);
    request->status =
        (uintptr_t)request->data & (d->align - 1) ? BF_ERR_RANGE : read_blocks(d, request);
    request->done = 1;
    return BF_OK;
}

static void disk_poll(void *impl)
{
    (void)impl; // everything was complete when submit returned
}

static void disk_close(void *impl)
{
    bf_free(impl);
}

static const struct bf_block_ops disk_ops = {
    .driver = "firmware", .submit = disk_submit, .poll = disk_poll, .close = disk_close};

static uint32_t preferred_blocks(const EFI_BLOCK_IO_PROTOCOL *io, uint32_t max_blocks)
{
    const EFI_BLOCK_IO_MEDIA *media = io->Media;
    uint32_t granule = 0;
    if (io->Revision >= EFI_BLOCK_IO_PROTOCOL_REVISION3)
        granule = media->OptimalTransferLengthGranularity;
    if (!granule || granule > max_blocks)
        return max_blocks;
    return max_blocks / granule * granule;
}

static enum bf_err take_geometry(const EFI_BLOCK_IO_PROTOCOL *io, struct bf_block_geometry *g)
{
    const EFI_BLOCK_IO_MEDIA *media = io->Media;
    memset(g, 0, sizeof *g);
    g->block_size = media->BlockSize;
    g->removable = media->RemovableMedia != 0;
    g->depth = 1;
    g->blocking = 1;
    g->alignment = media->IoAlign > 1 ? media->IoAlign : 1;
    if (!g->block_size || media->LastBlock == UINT64_MAX || g->alignment > ALIGN_MAX)
        return BF_ERR_UNSUPPORTED;
    g->blocks = media->LastBlock + 1;
    g->max_blocks = TRANSFER_BYTES / g->block_size;
    g->preferred_blocks = preferred_blocks(io, g->max_blocks);
    return bf_block_geometry_check(g);
}

static enum bf_err open_disk(EFI_BLOCK_IO_PROTOCOL *io, struct bf_efi_disk *out)
{
    struct disk *d = bf_alloc(sizeof *d);
    BF_ASSERT(!out->source.ops && out->source.geometry.max_blocks > 0);
    if (!d)
        return BF_ERR_NO_MEMORY;
    d->io = io;
    d->media_id = io->Media->MediaId;
    d->block_size = io->Media->BlockSize;
    d->align = out->source.geometry.alignment;
    if (bf_platform_entropy(&d->nonce, sizeof d->nonce))
        d->nonce = bf_platform_now_us();
    bf_snprintf(d->path, sizeof d->path, "%s", out->source.identity.path);
    out->source.ops = &disk_ops;
    out->source.impl = d;
    return BF_OK;
}

// ---- Finding -----------------------------------------------------------------------------------

struct scan {
    struct bf_efi_disk *disks;
    EFI_BLOCK_IO_PROTOCOL *io[BF_EFI_DISKS_MAX];
    uint32_t count;
    EFI_HANDLE boot_handle;
    const EFI_DEVICE_PATH *boot_path;
};

// Partitions and El Torito images are logical; some firmware only tells by the path.
static int is_whole_disk(const EFI_BLOCK_IO_PROTOCOL *io, const EFI_DEVICE_PATH *path)
{
    const EFI_DEVICE_PATH *last = bf_efi_path_last(path);
    if (!io || !io->Media || !io->ReadBlocks || io->Media->LogicalPartition)
        return 0;
    return !last || DevicePathType(last) != MEDIA_PATH || DevicePathSubType(last) == MEDIA_RAM_DISK;
}

static int is_ram_disk(const EFI_DEVICE_PATH *path)
{
    const EFI_DEVICE_PATH *last = bf_efi_path_last(path);
    return last && DevicePathType(last) == MEDIA_PATH && DevicePathSubType(last) == MEDIA_RAM_DISK;
}

// The program was loaded from this disk itself (a file system without partitions) or from
// something whose path goes through it: a partition, or the image inside a CD.
static int is_boot_medium(const struct scan *scan, EFI_HANDLE handle, const EFI_DEVICE_PATH *path)
{
    return handle == scan->boot_handle || bf_efi_path_begins(scan->boot_path, path);
}

// Two handles of one disk, which the firmware makes where two drivers are stacked.
static int is_listed(const struct scan *scan, const EFI_BLOCK_IO_PROTOCOL *io,
                     const struct bf_disk_identity *id)
{
    for (uint32_t i = 0; i < scan->count; i++)
        if (scan->io[i] == io ||
            (id->path[0] && strcmp(scan->disks[i].source.identity.path, id->path) == 0))
            return 1;
    return 0;
}

// The same name given by the disk itself: a second cable to one unit. It is not dropped silently,
// since a maker who gives two disks one name should be seen.
int bf_blockio_second_way(const struct bf_efi_disk *disks, uint32_t count,
                          const struct bf_disk_identity *id)
{
    size_t named = sizeof BF_IDENTIFY_NVME_NAMED - 1; // by us, so two disks may have it
    if (strncmp(id->wwn, BF_IDENTIFY_NVME_NAMED, named) == 0)
        return 0;
    for (uint32_t i = 0; id->wwn[0] && i < count; i++) {
        const struct bf_disk_identity *other = &disks[i].source.identity;
        if (strcmp(other->wwn, id->wwn) == 0 && strcmp(other->serial, id->serial) == 0 &&
            other->bytes == id->bytes && other->block_size == id->block_size)
            return 1;
    }
    return 0;
}

static void say(struct bf_efi_disk *disk, const char *why)
{
    bf_snprintf(disk->why, sizeof disk->why, "%s", why);
}

static enum bf_err judge(const struct scan *scan, EFI_HANDLE handle, const EFI_DEVICE_PATH *path,
                         EFI_BLOCK_IO_PROTOCOL *io, struct bf_efi_disk *out)
{
    const EFI_BLOCK_IO_MEDIA *media = io->Media;
    enum bf_err geometry = take_geometry(io, &out->source.geometry);
    out->removable = media->RemovableMedia != 0;
    out->boot_medium = (uint8_t)is_boot_medium(scan, handle, path);
    out->source.identity.block_size = media->BlockSize;
    if (geometry == BF_OK && media->MediaPresent)
        out->source.identity.bytes = out->source.geometry.blocks * media->BlockSize;
    if (out->boot_medium)
        say(out, BF_BOOT_MEDIUM);
    else if (is_ram_disk(path))
        say(out, "a disk in memory, made by the firmware");
    else if (out->removable && media->BlockSize == OPTICAL_BLOCK)
        say(out, BF_OPTICAL_DRIVE);
    else if (!media->MediaPresent)
        say(out, "no medium");
    else if (geometry != BF_OK)
        say(out, "the firmware's description of it makes no sense");
    else {
        if (out->removable)
            say(out, "removable; name it with disk= to migrate it");
        return open_disk(io, out);
    }
    return BF_OK;
}

static enum bf_err add(struct scan *scan, EFI_HANDLE handle)
{
    EFI_GUID guid = EFI_BLOCK_IO_PROTOCOL_GUID;
    EFI_BLOCK_IO_PROTOCOL *io = bf_efi_protocol(handle, &guid);
    const EFI_DEVICE_PATH *path = bf_efi_path(handle);
    if (!is_whole_disk(io, path))
        return BF_OK;
    if (scan->count == BF_EFI_DISKS_MAX)
        return BF_ERR_LIMIT;
    struct bf_efi_disk *disk = &scan->disks[scan->count];
    memset(disk, 0, sizeof *disk);
    disk->handle = handle;
    bf_efi_path_text(path, disk->source.identity.path, sizeof disk->source.identity.path);
    if (is_listed(scan, io, &disk->source.identity))
        return BF_OK;
    enum bf_err err = judge(scan, handle, path, io, disk);
    if (err != BF_OK)
        return err;
    if (io->Media->MediaPresent)
        bf_identity_efi(handle, path, &disk->source.identity);
    if (!disk->why[0] && bf_blockio_second_way(scan->disks, scan->count, &disk->source.identity)) {
        bf_source_close(&disk->source);
        say(disk, BF_SECOND_WAY);
    }
    scan->io[scan->count++] = io;
    return BF_OK;
}

// ---- Order -------------------------------------------------------------------------------------

// Compares texts so that Pci(0x3,0x0) comes before Pci(0x10,0x0): numbers by length, then by
// digits.
static int compare_paths(const char *a, const char *b)
{
    while (*a && *b) {
        size_t la = 0, lb = 0;
        while (bf_hex_digit(a[la]) >= 0)
            la++;
        while (bf_hex_digit(b[lb]) >= 0)
            lb++;
        if (la != lb)
            return la < lb ? -1 : 1;
        size_t n = la ? la : 1;
        int order = memcmp(a, b, n);
        if (order)
            return order;
        a += n;
        b += n;
    }
    return (*a != 0) - (*b != 0);
}

void bf_blockio_sort(struct bf_efi_disk *disks, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t j = i; j && compare_paths(disks[j - 1].source.identity.path,
                                                disks[j].source.identity.path) > 0;
             j--) {
            struct bf_efi_disk swap = disks[j];
            disks[j] = disks[j - 1];
            disks[j - 1] = swap;
        }
}

enum bf_err bf_blockio_scan(struct bf_efi_disk *disks, uint32_t *count)
{
    EFI_GUID image_guid = EFI_LOADED_IMAGE_PROTOCOL_GUID, guid = EFI_BLOCK_IO_PROTOCOL_GUID;
    EFI_LOADED_IMAGE *image = bf_efi_protocol(bf_efi_image, &image_guid);
    struct scan scan = {.disks = disks};
    enum bf_err err = BF_OK;
    size_t handle_count;
    if (image) {
        scan.boot_handle = image->DeviceHandle;
        scan.boot_path = bf_efi_path(image->DeviceHandle);
    }
    EFI_HANDLE *handles = bf_efi_handles(&guid, &handle_count);
    for (size_t i = 0; i < handle_count && err == BF_OK; i++)
        err = add(&scan, handles[i]);
    bf_efi_free(handles);
    if (err != BF_OK)
        while (scan.count)
            bf_source_close(&disks[--scan.count].source);
    bf_blockio_sort(disks, scan.count);
    *count = scan.count;
    return err;
}

// ---- Coming back -------------------------------------------------------------------------------

static EFI_BLOCK_IO_PROTOCOL *find_by_path(struct bf_efi_disk *disk)
{
    EFI_GUID guid = EFI_BLOCK_IO_PROTOCOL_GUID;
    EFI_BLOCK_IO_PROTOCOL *found = NULL;
    size_t count;
    EFI_HANDLE *handles = bf_efi_handles(&guid, &count);
    for (size_t i = 0; i < count && !found; i++) {
        char text[BF_PATH_MAX];
        const EFI_DEVICE_PATH *path = bf_efi_path(handles[i]);
        EFI_BLOCK_IO_PROTOCOL *io = bf_efi_protocol(handles[i], &guid);
        if (!is_whole_disk(io, path))
            continue;
        bf_efi_path_text(path, text, sizeof text);
        if (strcmp(text, disk->source.identity.path) == 0) {
            disk->handle = handles[i];
            found = io;
        }
    }
    bf_efi_free(handles);
    return found;
}

enum bf_err bf_blockio_reopen(struct bf_efi_disk *disk)
{
    EFI_BLOCK_IO_PROTOCOL *io = find_by_path(disk);
    struct bf_block_geometry *g = &disk->source.geometry;
    enum bf_err err;
    if (!io)
        return BF_ERR_NOT_FOUND;
    if (!io->Media->MediaPresent)
        return BF_ERR_MEDIA;
    err = take_geometry(io, g);
    if (err)
        return err;
    if (g->blocks * g->block_size != disk->source.identity.bytes ||
        g->block_size != disk->source.identity.block_size)
        return BF_ERR_MISMATCH;
    return open_disk(io, disk);
}
