// SPDX-License-Identifier: Apache-2.0
// The bus contract over EFI_PCI_IO_PROTOCOL. See drivers/pci_efi.h. The exclusive opening keeps the
// firmware's own drivers away even when something connects all controllers again.
#include "drivers/pci_efi.h"

#include <string.h>

#include <efi.h>
#include <efipciio.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "drivers/handles_efi.h"
#include "drivers/scsibus_efi.h"

enum {
    COMMAND = 0x04, // PCI 3.0, 6.2.2
    COMMAND_BUS_MASTER = 0x04,
    GONE = 0xffff, // what an empty slot reads as
    BASE_ADDRESS = 0x10,
    BARS = 6,
};

// ---- Registers ---------------------------------------------------------------------------------

static EFI_PCI_IO_PROTOCOL_WIDTH width_of(uint32_t bytes)
{
    switch (bytes) {
    case 1:
        return EfiPciIoWidthUint8;
    case 2:
        return EfiPciIoWidthUint16;
    case 4:
        return EfiPciIoWidthUint32;
    default:
        return EfiPciIoWidthUint64;
    }
}

static enum bf_err efi_config_read(void *impl, uint32_t offset, uint32_t width, uint32_t *value)
{
    struct bf_pci_efi *p = impl;
    EFI_PCI_IO_PROTOCOL *io = p->io;
    *value = 0;
    return bf_efi_err(io->Pci.Read(io, width_of(width), offset, 1, value));
}

static EFI_PCI_IO_PROTOCOL_ACCESS *access_to(struct bf_pci_efi *p, uint8_t bar)
{
    EFI_PCI_IO_PROTOCOL *io = p->io;
    BF_ASSERT(bar < BARS);
    return p->ports >> bar & 1 ? &io->Io : &io->Mem;
}

static enum bf_err efi_read(void *impl, uint8_t bar, uint64_t offset, uint32_t width,
                            uint64_t *value)
{
    struct bf_pci_efi *p = impl;
    *value = 0;
    return bf_efi_err(access_to(p, bar)->Read(p->io, width_of(width), bar, offset, 1, value));
}

static enum bf_err efi_write(void *impl, uint8_t bar, uint64_t offset, uint32_t width,
                             uint64_t value)
{
    struct bf_pci_efi *p = impl;
    return bf_efi_err(access_to(p, bar)->Write(p->io, width_of(width), bar, offset, 1, &value));
}

// ---- Memory ------------------------------------------------------------------------------------

static enum bf_err map(EFI_PCI_IO_PROTOCOL *io, EFI_PCI_IO_PROTOCOL_OPERATION operation, void *host,
                       size_t bytes, struct bf_dma *out)
{
    UINTN mapped = bytes;
    EFI_PHYSICAL_ADDRESS device;
    VOID *token;
    EFI_STATUS status = io->Map(io, operation, host, &mapped, &device, &token);
    if (EFI_ERROR(status))
        return status == EFI_OUT_OF_RESOURCES ? BF_ERR_NO_MEMORY : bf_efi_err(status);
    if (mapped != bytes) { // the bus has room for a part only
        io->Unmap(io, token);
        return BF_ERR_NO_MEMORY;
    }
    *out = (struct bf_dma){.host = host, .device = device, .bytes = bytes, .token = token};
    return BF_OK;
}

static enum bf_err efi_map(void *impl, void *host, size_t bytes, struct bf_dma *out)
{
    struct bf_pci_efi *p = impl;
    return map(p->io, EfiPciIoOperationBusMasterWrite, host, bytes, out);
}

static enum bf_err efi_unmap(void *impl, struct bf_dma *dma)
{
    struct bf_pci_efi *p = impl;
    EFI_PCI_IO_PROTOCOL *io = p->io;
    EFI_STATUS status = io->Unmap(io, dma->token);
    memset(dma, 0, sizeof *dma);
    return bf_efi_err(status);
}

static size_t pages_of(size_t bytes)
{
    return (bytes + BF_PCI_PAGE - 1) / BF_PCI_PAGE;
}

static enum bf_err efi_alloc(void *impl, size_t bytes, struct bf_dma *out)
{
    struct bf_pci_efi *p = impl;
    EFI_PCI_IO_PROTOCOL *io = p->io;
    size_t pages = pages_of(bytes);
    VOID *host;
    enum bf_err err = bf_efi_memory_claim(pages * BF_PCI_PAGE);
    if (err)
        return err;
    EFI_STATUS status =
        io->AllocateBuffer(io, AllocateAnyPages, EfiBootServicesData, pages, &host, 0);
    if (EFI_ERROR(status)) {
        err = bf_efi_err(status);
        goto not_allocated;
    }
    memset(host, 0, pages * BF_PCI_PAGE);
    err = map(io, EfiPciIoOperationBusMasterCommonBuffer, host, pages * BF_PCI_PAGE, out);
    if (!err)
        return BF_OK;
    io->FreeBuffer(io, pages, host);
not_allocated:
    bf_efi_memory_drop(pages * BF_PCI_PAGE);
    return err;
}

static void efi_free(void *impl, struct bf_dma *dma)
{
    struct bf_pci_efi *p = impl;
    EFI_PCI_IO_PROTOCOL *io = p->io;
    BF_ASSERT(!p->pci.wild && dma->bytes % BF_PCI_PAGE == 0);
    io->Unmap(io, dma->token);
    io->FreeBuffer(io, pages_of(dma->bytes), dma->host);
    bf_efi_memory_drop(pages_of(dma->bytes) * BF_PCI_PAGE);
}

static enum bf_err efi_master(void *impl, int on)
{
    struct bf_pci_efi *p = impl;
    EFI_PCI_IO_PROTOCOL *io = p->io;
    uint32_t command;
    EFI_STATUS status = io->Attributes(
        io, on ? EfiPciIoAttributeOperationEnable : EfiPciIoAttributeOperationDisable,
        EFI_PCI_IO_ATTRIBUTE_BUS_MASTER, NULL);
    // The reading also waits for writes to memory that are still on their way (PCI 3.0, 3.2.5).
    if (efi_config_read(p, COMMAND, 2, &command) != BF_OK)
        return BF_ERR_IO;
    if (!on)
        return command == GONE || !(command & COMMAND_BUS_MASTER) ? BF_OK : BF_ERR_IO;
    return command != GONE && (command & COMMAND_BUS_MASTER) ? bf_efi_err(status) : BF_ERR_IO;
}

static enum bf_err efi_narrow(void *impl)
{
    struct bf_pci_efi *p = impl;
    EFI_PCI_IO_PROTOCOL *io = p->io;
    UINT64 attributes = 0;
    io->Attributes(io, EfiPciIoAttributeOperationDisable, EFI_PCI_IO_ATTRIBUTE_DUAL_ADDRESS_CYCLE,
                   NULL);
    EFI_STATUS status = io->Attributes(io, EfiPciIoAttributeOperationGet, 0, &attributes);
    if (EFI_ERROR(status))
        return bf_efi_err(status);
    return attributes & EFI_PCI_IO_ATTRIBUTE_DUAL_ADDRESS_CYCLE ? BF_ERR_UNSUPPORTED : BF_OK;
}

static const struct bf_pci_ops efi_ops = {.config_read = efi_config_read,
                                          .read = efi_read,
                                          .write = efi_write,
                                          .alloc = efi_alloc,
                                          .free = efi_free,
                                          .map = efi_map,
                                          .unmap = efi_unmap,
                                          .master = efi_master,
                                          .narrow = efi_narrow};

// ---- Taking and giving back ---------------------------------------------------------------------

struct bf_pci_id bf_pci_efi_identify(void *handle)
{
    EFI_GUID guid = EFI_PCI_IO_PROTOCOL_GUID;
    struct bf_pci_efi p = {.io = bf_efi_protocol(handle, &guid)};
    struct bf_pci pci = {.ops = &efi_ops, .impl = &p};
    struct bf_pci_id none = {0};
    if (!p.io)
        return none;
    struct bf_pci_id id = bf_pci_identify(&pci);
    return pci.failed ? none : id;
}

void bf_pci_efi_slot(void *handle, char *out, size_t size)
{
    EFI_GUID guid = EFI_PCI_IO_PROTOCOL_GUID;
    EFI_PCI_IO_PROTOCOL *io = bf_efi_protocol(handle, &guid);
    UINTN segment, bus, device, function;
    char before[8] = "";
    out[0] = 0;
    if (!io || EFI_ERROR(io->GetLocation(io, &segment, &bus, &device, &function)))
        return;
    if (segment)
        bf_snprintf(before, sizeof before, "%04x:", (uint32_t)segment & 0xffff);
    bf_snprintf(out, size, "%s%02x:%02x.%u", before, (uint32_t)bus & 0xff, (uint32_t)device & 0xff,
                (uint32_t)function & 7);
}

static enum bf_err enable(struct bf_pci_efi *p)
{
    EFI_PCI_IO_PROTOCOL *io = p->io;
    UINT64 supported = 0, wanted;
    EFI_STATUS status =
        io->Attributes(io, EfiPciIoAttributeOperationGet, 0, (UINT64 *)&p->attributes);
    if (EFI_ERROR(status))
        return bf_efi_err(status);
    status = io->Attributes(io, EfiPciIoAttributeOperationSupported, 0, &supported);
    if (EFI_ERROR(status))
        return bf_efi_err(status);
    // Without the last one, memory above 4 GiB would be copied through memory below.
    wanted = EFI_PCI_IO_ATTRIBUTE_MEMORY | EFI_PCI_IO_ATTRIBUTE_IO |
             EFI_PCI_IO_ATTRIBUTE_DUAL_ADDRESS_CYCLE;
    status = io->Attributes(io, EfiPciIoAttributeOperationEnable, supported & wanted, NULL);
    if (EFI_ERROR(status))
        return bf_efi_err(status);
    for (uint32_t i = 0; i < BARS; i++) {
        uint32_t bar;
        if (efi_config_read(p, BASE_ADDRESS + 4 * i, 4, &bar) == BF_OK && (bar & 1))
            p->ports |= (uint8_t)(1u << i);
    }
    return efi_master(p, 1);
}

enum bf_err bf_pci_efi_open(struct bf_pci_efi *out, void *handle)
{
    EFI_GUID guid = EFI_PCI_IO_PROTOCOL_GUID;
    enum bf_err err;
    memset(out, 0, sizeof *out);
    // iPXE's driver ends its use of the NIC and is then asked once more, which counts as a failure:
    // whether somebody is left is for the exclusive opening to say.
    bf_efi_boot->DisconnectController(handle, NULL, NULL);
    EFI_STATUS status = bf_efi_boot->OpenProtocol(handle, &guid, &out->io, bf_efi_image, NULL,
                                                  EFI_OPEN_PROTOCOL_EXCLUSIVE);
    if (EFI_ERROR(status)) {
        bf_log(BF_LOG_WARNING, "the firmware does not release a controller: %s",
               bf_efi_words(status));
        bf_efi_boot->ConnectController(handle, NULL, NULL, TRUE);
        return BF_ERR_BUSY;
    }
    out->handle = handle;
    out->pci = (struct bf_pci){.ops = &efi_ops, .impl = out};
    err = enable(out);
    if (err)
        bf_pci_efi_close(out);
    return err;
}

void bf_pci_efi_close(struct bf_pci_efi *p)
{
    EFI_GUID guid = EFI_PCI_IO_PROTOCOL_GUID;
    EFI_PCI_IO_PROTOCOL *io = p->io;
    if (!io)
        return;
    if (p->pci.cut) { // a driver would switch it on, with our addresses still in it
        bf_log(BF_LOG_ERROR, "a controller that does not stop is not returned to the firmware");
        p->io = NULL;
        return;
    }
    io->Attributes(io, EfiPciIoAttributeOperationSet, p->attributes, NULL);
    bf_efi_boot->CloseProtocol(p->handle, &guid, bf_efi_image, NULL);
    bf_efi_boot->ConnectController(p->handle, NULL, NULL, TRUE);
    bf_scsibus_mend(p->handle);
    memset(p, 0, sizeof *p);
}
