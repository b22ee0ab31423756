// SPDX-License-Identifier: Apache-2.0
// Asks a disk who it is. EFI_DISK_INFO sits on the disk's own handle and answers from the
// firmware's memory; the pass-through protocols sit on the controller and ask the disk. Both are
// optional, so every way is tried until serial and WWN are known. Only reading commands are sent:
// IDENTIFY DEVICE, INQUIRY, Identify.
#include <string.h>

#include "base/bytes.h"
#include "drivers/identify.h"
#include "drivers/identity_efi.h"
#include "drivers/protocols_efi.h"

enum {
    PAGE_BYTES = 4096,
    PAGES = 2,               // one for the answer, one for what must be aligned beside it
    FIVE_SECONDS = 50000000, // in units of 100 ns
    ANSWER_SCSI = 252,
};

struct query {
    EFI_HANDLE disk;
    const EFI_DEVICE_PATH *path;
    struct bf_disk_identity *id;
    uint8_t *answer; // a zeroed page
    uint8_t *extra;  // another
};

static int is_known(const struct bf_disk_identity *id)
{
    return id->serial[0] && id->wwn[0] && id->model[0];
}

static int same_guid(const EFI_GUID *a, EFI_GUID b)
{
    return memcmp(a, &b, sizeof b) == 0;
}

static void clear(struct query *q)
{
    memset(q->answer, 0, PAGES * PAGE_BYTES);
}

static void ask_disk_info(struct query *q)
{
    EFI_GUID guid = BF_EFI_DISK_INFO_GUID;
    struct bf_efi_disk_info *info = bf_efi_protocol(q->disk, &guid);
    UINT32 size = PAGE_BYTES;
    if (!info)
        return;
    const EFI_GUID *kind = &info->Interface;
    int ata = same_guid(kind, (EFI_GUID)BF_EFI_DISK_INFO_IDE_GUID) ||
              same_guid(kind, (EFI_GUID)BF_EFI_DISK_INFO_AHCI_GUID);
    int nvme = same_guid(kind, (EFI_GUID)BF_EFI_DISK_INFO_NVME_GUID);
    int scsi = same_guid(kind, (EFI_GUID)BF_EFI_DISK_INFO_SCSI_GUID) ||
               same_guid(kind, (EFI_GUID)BF_EFI_DISK_INFO_USB_GUID);
    clear(q);
    if (ata || nvme) {
        if (ata)
            size = BF_IDENTIFY_ATA_BYTES;
        if (info->Identify(info, q->answer, &size) != EFI_SUCCESS || size > PAGE_BYTES)
            return;
        if (ata)
            bf_identify_ata(q->answer, size, q->id);
        else
            bf_identify_nvme_namespace(q->answer, size, q->id);
    } else if (scsi) {
        size = 96;
        if (info->Inquiry(info, q->answer, &size) == EFI_SUCCESS && size <= PAGE_BYTES)
            bf_identify_inquiry(q->answer, size, q->id);
    }
}

// The controller that carries a protocol for this disk; *rest becomes the node below it.
static void *controller_protocol(struct query *q, EFI_GUID *guid, EFI_DEVICE_PATH **rest)
{
    EFI_HANDLE controller = NULL;
    *rest = (EFI_DEVICE_PATH *)q->path;
    if (bf_efi_boot->LocateDevicePath(guid, rest, &controller) != EFI_SUCCESS)
        return NULL;
    return bf_efi_protocol(controller, guid);
}

static int nvme_identify(struct query *q, struct bf_efi_nvme_pass_thru *nvme, uint32_t nsid,
                         uint32_t what)
{
    enum { IDENTIFY = 0x06 }; // NVM Express 1.4, 5.15
    struct bf_efi_nvme_command command = {
        .Cdw0 = IDENTIFY, .Flags = BF_EFI_NVME_CDW10_VALID, .Nsid = nsid, .Cdw10 = what};
    struct bf_efi_nvme_completion completion = {0};
    struct bf_efi_nvme_packet packet = {
        .CommandTimeout = FIVE_SECONDS,
        .TransferBuffer = q->answer,
        .TransferLength = BF_IDENTIFY_NVME_BYTES,
        .QueueType = BF_EFI_NVME_ADMIN_QUEUE,
        .NvmeCmd = &command,
        .NvmeCompletion = &completion,
    };
    clear(q);
    return nvme->PassThru(nvme, nsid, &packet, NULL) == EFI_SUCCESS;
}

static void ask_nvme(struct query *q)
{
    enum { NAMESPACE = 0, CONTROLLER = 1 }; // CNS values, figure 244
    EFI_GUID guid = BF_EFI_NVME_PASS_THRU_GUID;
    EFI_DEVICE_PATH *rest;
    struct bf_efi_nvme_pass_thru *nvme = controller_protocol(q, &guid, &rest);
    UINT32 nsid = 0;
    if (!nvme || !nvme->Mode || nvme->Mode->IoAlign > PAGE_BYTES ||
        nvme->GetNamespace(nvme, rest, &nsid) != EFI_SUCCESS)
        return;
    if (nvme_identify(q, nvme, 0, CONTROLLER))
        bf_identify_nvme_controller(q->answer, BF_IDENTIFY_NVME_BYTES, q->id);
    if (!q->id->wwn[0] && nvme_identify(q, nvme, nsid, NAMESPACE))
        bf_identify_nvme_namespace(q->answer, BF_IDENTIFY_NVME_BYTES, q->id);
    bf_identify_nvme_number(nsid, q->id);
}

static void ask_ata(struct query *q)
{
    enum { IDENTIFY_DEVICE = 0xec, OBSOLETE_BITS = 0xa0, LBA = 0x40, NO_MULTIPLIER = 0xffff };
    EFI_GUID guid = BF_EFI_ATA_PASS_THRU_GUID;
    EFI_DEVICE_PATH *rest;
    struct bf_efi_ata_pass_thru *ata = controller_protocol(q, &guid, &rest);
    UINT16 port, multiplier;
    if (!ata || !ata->Mode || ata->Mode->IoAlign > PAGE_BYTES ||
        ata->GetDevice(ata, rest, &port, &multiplier) != EFI_SUCCESS)
        return;
    struct bf_efi_ata_command command = {.Command = IDENTIFY_DEVICE,
                                         .DeviceHead = OBSOLETE_BITS | LBA};
    if (multiplier != NO_MULTIPLIER)
        command.DeviceHead |= (UINT8)(multiplier << 4);
    struct bf_efi_ata_packet packet = {
        .Asb = (struct bf_efi_ata_status *)q->extra,
        .Acb = &command,
        .Timeout = FIVE_SECONDS,
        .InDataBuffer = q->answer,
        .InTransferLength = BF_IDENTIFY_ATA_BYTES,
        .Protocol = BF_EFI_ATA_PIO_DATA_IN,
        .Length = BF_EFI_ATA_LENGTH_BYTES | BF_EFI_ATA_LENGTH_SECTOR_COUNT,
    };
    clear(q);
    if (ata->PassThru(ata, port, multiplier, &packet, NULL) == EFI_SUCCESS)
        bf_identify_ata(q->answer, BF_IDENTIFY_ATA_BYTES, q->id);
}

struct scsi_unit {
    struct bf_efi_scsi_pass_thru *scsi;
    UINT8 target[BF_EFI_SCSI_TARGET_BYTES];
    UINT64 lun;
};

// INQUIRY (SPC-5, 6.7): the standard data, or a page. Returns the bytes that arrived.
static size_t scsi_inquiry(struct query *q, struct scsi_unit *unit, int vpd, uint8_t page)
{
    enum { INQUIRY = 0x12, CDB_BYTES = 6, SENSE_BYTES = 252 };
    UINT8 cdb[CDB_BYTES] = {INQUIRY, (UINT8)vpd, page, 0, ANSWER_SCSI, 0};
    struct bf_efi_scsi_packet packet = {
        .Timeout = FIVE_SECONDS,
        .InDataBuffer = q->answer,
        .InTransferLength = ANSWER_SCSI,
        .SenseData = q->extra,
        .SenseDataLength = SENSE_BYTES,
        .Cdb = q->extra + 1024,
        .CdbLength = CDB_BYTES,
    };
    clear(q);
    memcpy(packet.Cdb, cdb, sizeof cdb);
    EFI_STATUS status = unit->scsi->PassThru(unit->scsi, unit->target, unit->lun, &packet, NULL);
    if (EFI_ERROR(status) || packet.HostAdapterStatus || packet.TargetStatus)
        return 0;
    return packet.InTransferLength <= ANSWER_SCSI ? packet.InTransferLength : 0;
}

static void ask_scsi(struct query *q)
{
    EFI_GUID guid = BF_EFI_SCSI_PASS_THRU_GUID;
    EFI_DEVICE_PATH *rest;
    struct scsi_unit unit = {.scsi = controller_protocol(q, &guid, &rest)};
    UINT8 *target = unit.target;
    if (!unit.scsi || !unit.scsi->Mode || unit.scsi->Mode->IoAlign > 1024 ||
        unit.scsi->GetTargetLun(unit.scsi, rest, &target, &unit.lun) != EFI_SUCCESS)
        return;
    bf_identify_inquiry(q->answer, scsi_inquiry(q, &unit, 0, 0), q->id);
    bf_identify_vpd_serial(q->answer, scsi_inquiry(q, &unit, 1, 0x80), q->id);
    bf_identify_vpd_devices(q->answer, scsi_inquiry(q, &unit, 1, 0x83), q->id);
}

void bf_identity_efi(EFI_HANDLE disk, const EFI_DEVICE_PATH *path, struct bf_disk_identity *id)
{
    static void (*const ways[])(struct query *) = {ask_disk_info, ask_nvme, ask_ata, ask_scsi};
    EFI_PHYSICAL_ADDRESS page = 0;
    if (bf_efi_boot->AllocatePages(AllocateAnyPages, EfiBootServicesData, PAGES, &page) !=
        EFI_SUCCESS)
        return;
    struct query q = {.disk = disk, .path = path, .id = id};
    q.answer = (uint8_t *)(uintptr_t)page;
    q.extra = q.answer + PAGE_BYTES;
    for (size_t i = 0; i < BF_COUNT(ways) && !is_known(id); i++)
        if (path || i == 0)
            ways[i](&q);
    bf_efi_boot->FreePages(page, PAGES);
}
