// SPDX-License-Identifier: Apache-2.0
// What no disk came from. A disk hangs on a controller when its device path goes through the
// controller's; whether anybody asked the controller is seen from who has its EFI_PCI_IO_PROTOCOL
// open (UEFI 2.10, 7.3.12), from what was made of it, or from the native driver that was asked. USB
// storage is looked for among the interfaces that the firmware's USB bus driver made handles for:
// one that its drivers do not know (USB Attached SCSI) has a handle with no driver on it.
#include "boot/unseen_efi.h"

#include <string.h>

#include <efi.h>
#include <efipciio.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/log.h"
#include "drivers/handles_efi.h"
#include "drivers/protocols_efi.h"
#include "migrate/unseen.h"

enum { SHORT_SLOT = 7 }; // "00:05.0"

static void take_slot(struct bf_unseen *entry, EFI_HANDLE function)
{
    EFI_GUID guid = EFI_PCI_IO_PROTOCOL_GUID;
    EFI_PCI_IO_PROTOCOL *io = bf_efi_protocol(function, &guid);
    UINTN segment, bus, device, number;
    if (io && !EFI_ERROR(io->GetLocation(io, &segment, &bus, &device, &number)))
        bf_snprintf(entry->slot, sizeof entry->slot, "%04x:%02x:%02x.%x", (uint32_t)segment,
                    (uint32_t)bus, (uint32_t)device, (uint32_t)number);
}

static void take_class(struct bf_unseen *entry, uint32_t class_code)
{
    bf_put_be(entry->class_code, class_code, sizeof entry->class_code);
}

static void add(struct bf_inventory *inventory, const struct bf_unseen *entry)
{
    char text[BF_UNSEEN_TEXT];
    bf_unseen_text(text, sizeof text, entry);
    if (bf_unseen_is_unknown(entry))
        bf_log(BF_LOG_WARNING, "%s: %s", text, entry->why);
    bf_unseen_add(inventory, entry);
}

// A disk hangs on it: its path is the controller's, or goes on from there.
static int has_disk(const struct bf_inventory *inventory, EFI_HANDLE handle)
{
    static char path[BF_PATH_MAX]; // the firmware's stack is not ours alone
    bf_efi_path_text(bf_efi_path(handle), path, sizeof path);
    size_t n = strlen(path);
    for (uint32_t i = 0; n && i < inventory->disks; i++) {
        const char *disk = inventory->disk[i].identity.path;
        if (strncmp(disk, path, n) == 0 && (disk[n] == 0 || disk[n] == '/'))
            return 1;
    }
    return 0;
}

// ---- Units -------------------------------------------------------------------------------------

// The driver has logged it.
static void add_unread(struct bf_inventory *inventory, const struct bf_unread *unread)
{
    struct bf_unseen entry = {.kind = BF_UNSEEN_UNIT, .asked = unread->partly};
    bf_snprintf(entry.slot, sizeof entry.slot, "%s%s",
                strlen(unread->slot) == SHORT_SLOT ? "0000:" : "", unread->slot);
    bf_snprintf(entry.what, sizeof entry.what, "%s", unread->what);
    bf_snprintf(entry.why, sizeof entry.why, "%s", unread->why);
    bf_unseen_add(inventory, &entry);
}

static void add_unreads(struct bf_inventory *inventory, const struct bf_takeover *t)
{
    uint32_t kept = t->unread_count < BF_UNREAD_MAX ? t->unread_count : BF_UNREAD_MAX;
    struct bf_unseen rest = {.kind = BF_UNSEEN_UNIT};
    for (uint32_t i = 0; i < kept; i++)
        add_unread(inventory, &t->unread[i]);
    if (kept == t->unread_count)
        return;
    bf_snprintf(rest.what, sizeof rest.what, "%u more", t->unread_count - kept);
    bf_snprintf(rest.why, sizeof rest.why, "%s", "the log names them");
    bf_unseen_add(inventory, &rest);
}

static void add_usb(struct bf_inventory *inventory, EFI_HANDLE handle)
{
    EFI_GUID guid = BF_EFI_USB_IO_GUID;
    struct bf_efi_usb_io *io = bf_efi_protocol(handle, &guid);
    struct bf_efi_usb_interface interface;
    struct bf_efi_usb_device device;
    struct bf_unseen entry = {.kind = BF_UNSEEN_UNIT};
    const EFI_DEVICE_PATH *rest;
    EFI_HANDLE function = bf_efi_path_function(bf_efi_path(handle), &rest);
    if (!io || EFI_ERROR(io->GetInterfaceDescriptor(io, &interface)) ||
        interface.InterfaceClass != BF_USB_MASS_STORAGE || bf_efi_is_driven(handle, &guid) ||
        has_disk(inventory, handle))
        return;
    if (!EFI_ERROR(io->GetDeviceDescriptor(io, &device))) {
        entry.vendor = device.IdVendor;
        entry.device = device.IdProduct;
    }
    bf_snprintf(entry.what, sizeof entry.what, "%s", "USB storage");
    bf_snprintf(entry.why, sizeof entry.why, "%s",
                interface.InterfaceProtocol == BF_USB_UAS ? "no driver for UAS"
                                                          : "no driver serves it");
    if (function) {
        take_slot(&entry, function);
        take_class(&entry, bf_pci_efi_identify(function).class_code);
    }
    add(inventory, &entry);
}

// ---- Controllers -------------------------------------------------------------------------------

// A unit of it is in the list already.
static int has_unit(const struct bf_inventory *inventory, const char *slot)
{
    for (uint32_t i = 0; slot[0] && i < inventory->unseens; i++)
        if (inventory->unseen[i].kind == BF_UNSEEN_UNIT &&
            strcmp(inventory->unseen[i].slot, slot) == 0)
            return 1;
    return 0;
}

// Something was made of it: a handle below it. Not every firmware's driver has the function open.
static int has_children(EFI_HANDLE function)
{
    EFI_GUID guid = EFI_DEVICE_PATH_PROTOCOL_GUID;
    const EFI_DEVICE_PATH *path = bf_efi_path(function);
    size_t count, size = bf_efi_path_size(path);
    EFI_HANDLE *handles = bf_efi_handles(&guid, &count);
    int found = 0;
    for (size_t i = 0; i < count && !found; i++) {
        const EFI_DEVICE_PATH *below = bf_efi_path(handles[i]);
        found = bf_efi_path_size(below) > size && bf_efi_path_begins(below, path);
    }
    bf_efi_free(handles);
    return found;
}

static int was_asked(const struct bf_takeover *t, EFI_HANDLE function)
{
    EFI_GUID guid = EFI_PCI_IO_PROTOCOL_GUID;
    for (uint32_t i = 0; i < t->asked_count; i++)
        if (t->asked[i].handle == function && t->asked[i].err == BF_OK)
            return 1;
    return bf_efi_is_driven(function, &guid) || has_children(function);
}

static void add_controller(struct bf_inventory *inventory, const struct bf_takeover *t,
                           EFI_HANDLE function)
{
    struct bf_pci_id id = bf_pci_efi_identify(function);
    const char *name = id.vendor ? bf_unseen_class(id.vendor, id.device, id.class_code) : NULL;
    struct bf_unseen entry = {
        .kind = BF_UNSEEN_CONTROLLER, .vendor = id.vendor, .device = id.device};
    if (!name)
        return;
    take_slot(&entry, function);
    if (has_disk(inventory, function) || has_unit(inventory, entry.slot))
        return;
    take_class(&entry, id.class_code);
    entry.asked = (uint8_t)was_asked(t, function);
    bf_snprintf(entry.what, sizeof entry.what, "%s", name);
    bf_snprintf(entry.why, sizeof entry.why, "%s",
                entry.asked ? "no disk on it" : "no driver serves it");
    add(inventory, &entry);
}

void bf_unseen_efi(struct bf_inventory *inventory, const struct bf_takeover *takeover)
{
    EFI_GUID usb = BF_EFI_USB_IO_GUID, pci = EFI_PCI_IO_PROTOCOL_GUID;
    size_t count;
    inventory->unseens = 0;
    add_unreads(inventory, takeover);
    EFI_HANDLE *handles = bf_efi_handles(&usb, &count);
    for (size_t i = 0; i < count; i++)
        add_usb(inventory, handles[i]);
    bf_efi_free(handles);
    handles = bf_efi_handles(&pci, &count);
    if (!count)
        bf_log(BF_LOG_INFO, "the firmware shows no PCI functions: it is unknown whether there are "
                            "controllers without a driver");
    for (size_t i = 0; i < count; i++)
        add_controller(inventory, takeover, handles[i]);
    bf_efi_free(handles);
}
