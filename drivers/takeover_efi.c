// SPDX-License-Identifier: Apache-2.0
// Taking controllers over. See drivers/takeover_efi.h. A controller is taken with all its disks or
// not at all: first those with disks that the firmware lists, then the others that one of our
// drivers serves. One that has no disk for us goes back at once.
#include "drivers/takeover_efi.h"

#include <string.h>

#include <efi.h>
#include <efipciio.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fmt.h"
#include "base/log.h"
#include "drivers/ahci.h"
#include "drivers/handles_efi.h"
#include "drivers/nvme.h"
#include "drivers/unit_efi.h"
#include "drivers/virtio_blk.h"
#include "drivers/virtio_scsi.h"

static const struct bf_controller_ops *const drivers[] = {&bf_ahci, &bf_nvme, &bf_virtio_blk,
                                                          &bf_virtio_scsi};

enum { DRIVERS = BF_COUNT(drivers), UNITS_MAX = 256 };

// One controller: the disks that the firmware lists on it, and what its driver finds.
struct group {
    EFI_HANDLE handle;
    struct bf_efi_disk *disk[BF_EFI_DISKS_MAX];
    uint64_t number[BF_EFI_DISKS_MAX];
    uint8_t readable[BF_EFI_DISKS_MAX]; // others are listed with a reason, and stay as they are
    uint32_t count;
    struct bf_unit unit[UNITS_MAX];
    uint32_t units; // may be more than there is room for
};

struct list {
    struct bf_efi_disk *disk;
    uint32_t count;
};

// Returns how many of them can be read.
static uint32_t collect(struct group *group, EFI_HANDLE handle, const struct list *list)
{
    uint32_t readable = 0;
    BF_ASSERT(list->count <= BF_EFI_DISKS_MAX);
    memset(group, 0, sizeof *group);
    group->handle = handle;
    for (uint32_t i = 0; i < list->count; i++) {
        const EFI_DEVICE_PATH *rest;
        struct bf_efi_disk *disk = &list->disk[i];
        if (bf_efi_path_function(bf_efi_path(disk->handle), &rest) != handle)
            continue;
        group->number[group->count] = bf_unit_efi_number(rest);
        group->readable[group->count] = disk->source.ops != NULL;
        readable += group->readable[group->count];
        group->disk[group->count++] = disk;
    }
    return readable;
}

static const struct bf_controller_ops *driver_for(EFI_HANDLE handle)
{
    struct bf_pci_id id = bf_pci_efi_identify(handle);
    for (uint32_t i = 0; id.vendor && i < DRIVERS; i++)
        if (drivers[i]->serves(&id))
            return drivers[i];
    return NULL;
}

// ---- What is not read --------------------------------------------------------------------------

// NULL: there is no room left, it is only counted.
static struct bf_unread *new_unread(struct bf_takeover *t, EFI_HANDLE handle)
{
    struct bf_unread *u = &t->unread[t->unread_count++];
    if (t->unread_count > BF_UNREAD_MAX)
        return NULL;
    memset(u, 0, sizeof *u);
    bf_pci_efi_slot(handle, u->slot, sizeof u->slot);
    return u;
}

static void add_unread(struct bf_takeover *t, EFI_HANDLE handle, const char *what, const char *why)
{
    struct bf_unread *u = new_unread(t, handle);
    if (!u)
        return;
    bf_snprintf(u->what, sizeof u->what, "%s", what);
    bf_snprintf(u->why, sizeof u->why, "%s", why);
    bf_log(BF_LOG_WARNING, "controller %s: %s is not read: %s", u->slot, what, why);
}

static void add_unread_unit(struct bf_takeover *t, EFI_HANDLE handle, uint64_t number,
                            const char *why)
{
    char what[sizeof t->unread[0].what];
    bf_unit_efi_name(number, what, sizeof what);
    add_unread(t, handle, what, why);
}

static const struct {
    uint32_t note;
    const char *why, *todo;
} notes[] = {
    {BF_DISK_LOCKED, "it is self-encrypting and locked", "unlock it, and start again"},
    {BF_DISK_SHADOWED, "it is self-encrypting, and shows a shadow in place of its beginning",
     "unlock it as the machine does when it starts, and start again"},
    {BF_DISK_HIDDEN, "it hides blocks beyond its end (a host protected area)",
     "remove that area if it holds your data"},
    {BF_DISK_RESERVED, "a host holds a reservation on it, and may be writing",
     "stop whatever else uses it"},
};

// A disk that is read, but not all of it, or not alone.
static void add_notes(struct bf_takeover *t, EFI_HANDLE handle, uint64_t number,
                      const struct bf_source_disk *source)
{
    for (size_t i = 0; i < BF_COUNT(notes); i++) {
        struct bf_unread *u;
        if (!(source->notes & notes[i].note))
            continue;
        u = new_unread(t, handle);
        if (!u)
            continue;
        u->partly = 1;
        bf_unit_efi_name(number, u->what, sizeof u->what);
        bf_snprintf(u->why, sizeof u->why, "%s", notes[i].why);
        bf_snprintf(u->todo, sizeof u->todo, "%s", notes[i].todo);
        bf_log(BF_LOG_WARNING, "controller %s: %s: %s; %s", u->slot, u->what, u->why, u->todo);
    }
}

// ---- Disks that the firmware does not list -----------------------------------------------------

static int is_listed(const struct group *group, const struct list *list, uint64_t number,
                     const char *path)
{
    for (uint32_t i = 0; i < group->count; i++)
        if (group->number[i] == number)
            return 1;
    for (uint32_t i = 0; i < list->count; i++)
        if (path[0] && strcmp(list->disk[i].source.identity.path, path) == 0)
            return 1;
    return 0;
}

static void say(struct bf_efi_disk *disk, const char *why)
{
    bf_snprintf(disk->why, sizeof disk->why, "%s", why);
}

static void open_extra(struct bf_takeover *t, const struct bf_taken *taken, struct list *list,
                       const struct group *group, const struct bf_unit *unit, const char *path)
{
    struct bf_efi_disk *disk = &list->disk[list->count];
    struct bf_source_disk *source = &disk->source;
    char why[sizeof t->unread[0].why];
    enum bf_err err;
    BF_ASSERT(list->count < BF_EFI_DISKS_MAX && !unit->why);
    memset(disk, 0, sizeof *disk);
    bf_snprintf(source->identity.path, sizeof source->identity.path, "%s", path);
    err = taken->ops->disk(taken->controller, unit->number, source);
    if (err == BF_ERR_NOT_FOUND) // what was taken for a disk is none
        return;
    if (err) {
        bf_snprintf(why, sizeof why,
                    err == BF_ERR_UNSUPPORTED ? "driver %s does not read this kind of disk (%s)"
                                              : "driver %s cannot open it (%s)",
                    taken->ops->driver, bf_err_name(err));
        add_unread_unit(t, group->handle, unit->number, why);
        return;
    }
    source->identity.block_size = source->geometry.block_size;
    source->identity.bytes = bf_source_bytes(source);
    disk->removable = source->geometry.removable;
    if (bf_blockio_second_way(list->disk, list->count, &source->identity)) {
        bf_source_close(source);
        say(disk, BF_SECOND_WAY);
    } else if (disk->removable) {
        say(disk, "removable; name it with disk= to migrate it");
    }
    list->count++;
    add_notes(t, group->handle, unit->number, source);
    bf_log(BF_LOG_INFO, "%s: driver %s; the firmware does not list it", path, taken->ops->driver);
}

// `why`: they cannot be opened, although the driver sees them; NULL: they are opened.
static void add_extras(struct bf_takeover *t, const struct bf_taken *taken, struct list *list,
                       const struct group *group, const char *why)
{
    char path[BF_PATH_MAX], more[32];
    uint32_t there = group->units < UNITS_MAX ? group->units : UNITS_MAX;
    for (uint32_t i = 0; i < there; i++) {
        const struct bf_unit *unit = &group->unit[i];
        bf_unit_efi_path(group->handle, unit, path, sizeof path);
        if (is_listed(group, list, unit->number, path))
            continue;
        if (unit->why || why)
            add_unread_unit(t, group->handle, unit->number, unit->why ? unit->why : why);
        else if (list->count == BF_EFI_DISKS_MAX)
            add_unread_unit(t, group->handle, unit->number, "there are more than 64 disks");
        else
            open_extra(t, taken, list, group, unit, path);
    }
    if (group->units == there)
        return;
    bf_snprintf(more, sizeof more, "%u disk%s more", group->units - there,
                bf_plural(group->units - there));
    add_unread(t, group->handle, more, "too many on one controller");
}

// ---- Taking ------------------------------------------------------------------------------------

// Opens one disk natively. It must be what the firmware saw.
static enum bf_err open_native(const struct bf_taken *taken, struct bf_efi_disk *disk,
                               uint64_t unit)
{
    struct bf_source_disk *source = &disk->source;
    const struct bf_block_geometry *g = &source->geometry;
    BF_ASSERT(!source->ops && !disk->handle); // it was released before
    enum bf_err err = taken->ops->disk(taken->controller, unit, source);
    if (err)
        return err;
    if (g->block_size == source->identity.block_size &&
        g->blocks * g->block_size == source->identity.bytes)
        return BF_OK;
    bf_source_close(source);
    return BF_ERR_MISMATCH;
}

// Asks for all that there is. What nobody could ask for counts as something that is not read.
static void ask_units(struct bf_takeover *t, const struct bf_taken *taken, struct group *group,
                      struct bf_asked *asked)
{
    char why[sizeof t->unread[0].why];
    asked->err = taken->ops->units(taken->controller, group->unit, UNITS_MAX, &group->units);
    asked->units = group->units;
    if (!asked->err)
        return;
    bf_snprintf(why, sizeof why, "driver %s could not query all of it (%s)", asked->driver,
                bf_err_name(asked->err));
    add_unread(t, group->handle, "whatever else it has", why);
}

static enum bf_err open_group(struct bf_takeover *t, struct bf_taken *taken, struct group *group,
                              struct bf_asked *asked)
{
    enum bf_err err = bf_pci_efi_open(&taken->bus, group->handle);
    if (!err)
        err = taken->ops->open(&taken->bus.pci, &taken->controller);
    asked->err = err;
    if (err)
        return err;
    ask_units(t, taken, group, asked);
    for (uint32_t i = 0; !err && i < group->count; i++)
        if (group->readable[i])
            err = open_native(taken, group->disk[i], group->number[i]);
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
        if (!group->readable[i])
            continue;
        disk->source.identity = before[i];
        enum bf_err err = bf_blockio_reopen(disk);
        if (!err)
            continue;
        bf_log(BF_LOG_ERROR, "%s: the firmware no longer has it (%s)", disk->source.identity.path,
               bf_err_name(err));
        bf_snprintf(disk->why, sizeof disk->why, "%s", "the firmware no longer finds it");
    }
}

static uint32_t release(const struct group *group, struct bf_disk_identity *before)
{
    uint32_t readable = 0;
    for (uint32_t i = 0; i < group->count; i++) {
        before[i] = group->disk[i]->source.identity;
        bf_source_close(&group->disk[i]->source);
        group->disk[i]->handle = NULL; // may cease to exist
        readable += group->readable[i];
    }
    return readable;
}

static void take(struct bf_takeover *t, const struct bf_controller_ops *ops, struct group *group,
                 struct list *list)
{
    static struct bf_disk_identity before[BF_EFI_DISKS_MAX]; // large for the firmware's stack
    struct bf_taken *taken = &t->taken[t->count];
    struct bf_asked *asked = &t->asked[t->asked_count++];
    uint32_t had = list->count, readable = release(group, before);
    char slot[sizeof t->unread[0].slot];
    enum bf_err err;
    BF_ASSERT(t->asked_count <= BF_TAKEOVER_MAX && t->count < t->asked_count);
    memset(taken, 0, sizeof *taken);
    taken->ops = ops;
    *asked = (struct bf_asked){.handle = group->handle, .driver = ops->driver};
    err = open_group(t, taken, group, asked);
    for (uint32_t i = 0; i < group->count && !err; i++)
        if (group->readable[i])
            add_notes(t, group->handle, group->number[i], &group->disk[i]->source);
    if (!err)
        add_extras(t, taken, list, group, NULL);
    if (!err && (readable || list->count > had)) {
        t->count++;
        if (readable)
            bf_log(BF_LOG_INFO, "%s: driver %s", before[0].path, ops->driver);
        return;
    }
    bf_pci_efi_slot(group->handle, slot, sizeof slot);
    if (err)
        bf_log(BF_LOG_WARNING, "%s: driver %s does not start (%s); using the firmware's",
               readable ? before[0].path : slot, ops->driver, bf_err_name(err));
    back_to_firmware(taken, group, before);
    if (err)
        add_extras(t, taken, list, group, "its controller is left to the firmware");
}

static int was_asked(const struct bf_takeover *t, EFI_HANDLE handle)
{
    for (uint32_t i = 0; i < t->asked_count; i++)
        if (t->asked[i].handle == handle)
            return 1;
    return 0;
}

static void visit(struct bf_takeover *t, EFI_HANDLE handle, struct list *list)
{
    static struct group group; // large for the firmware's stack
    const struct bf_controller_ops *ops;
    if (!handle || was_asked(t, handle) || !(ops = driver_for(handle)))
        return;
    if (t->asked_count == BF_TAKEOVER_MAX) {
        add_unread(t, handle, "what the firmware does not list",
                   "there are more than 64 controllers");
        return;
    }
    if (collect(&group, handle, list) || !group.count || !ops->single)
        take(t, ops, &group, list);
}

void bf_takeover_begin(struct bf_takeover *t, struct bf_efi_disk *disks, uint32_t *count)
{
    EFI_GUID guid = EFI_PCI_IO_PROTOCOL_GUID;
    struct list list = {.disk = disks, .count = *count};
    EFI_HANDLE *handles;
    size_t functions;
    memset(t, 0, sizeof *t);
    for (uint32_t i = 0; i < *count; i++) {
        const EFI_DEVICE_PATH *rest;
        if (disks[i].source.ops && disks[i].handle)
            visit(t, bf_efi_path_function(bf_efi_path(disks[i].handle), &rest), &list);
    }
    handles = bf_efi_handles(&guid, &functions);
    for (size_t i = 0; i < functions; i++)
        visit(t, handles[i], &list);
    bf_efi_free(handles);
    if (t->unread_count > BF_UNREAD_MAX)
        bf_log(BF_LOG_WARNING, "and %u more that are not read", t->unread_count - BF_UNREAD_MAX);
    bf_blockio_sort(disks, list.count);
    *count = list.count;
}

void bf_takeover_skip(struct bf_takeover *t)
{
    EFI_GUID guid = EFI_PCI_IO_PROTOCOL_GUID;
    size_t functions;
    EFI_HANDLE *handles = bf_efi_handles(&guid, &functions);
    memset(t, 0, sizeof *t);
    for (size_t i = 0; i < functions && t->asked_count < BF_TAKEOVER_MAX; i++) {
        const struct bf_controller_ops *ops = driver_for(handles[i]);
        if (ops)
            t->asked[t->asked_count++] = (struct bf_asked){
                .handle = handles[i], .driver = ops->driver, .err = BF_ERR_CANCELLED};
    }
    bf_efi_free(handles);
    if (t->asked_count)
        bf_log(BF_LOG_WARNING,
               "driver=firmware: %u controller%s will not be asked for disks that the firmware "
               "does not list",
               t->asked_count, bf_plural(t->asked_count));
}

void bf_takeover_end(struct bf_takeover *t)
{
    while (t->count)
        give_back(&t->taken[--t->count]);
}
