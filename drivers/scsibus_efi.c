// SPDX-License-Identifier: Apache-2.0
// The SCSI bus driver of EDK II 202211, mended. See drivers/scsibus_efi.h. While that driver works,
// it has the pass-through protocol (UEFI 2.10, 15.7) open, and a protocol named as its own file on
// the controller; the second without the first is the state that it leaves behind. Then the stale
// protocol is taken away, the driver started again without anything to look for (an empty device
// path), and each disk that answers is connected by its own path, which that driver does well. The
// only use that found disks make of the freed memory is in their reset functions, which
// disconnecting calls: they get others.
#include "drivers/scsibus_efi.h"

#include <string.h>

#include "base/log.h"
#include "drivers/handles_efi.h"
#include "drivers/protocols_efi.h"

// The name of the driver's file, MdeModulePkg/Bus/Scsi/ScsiBusDxe.
#define SCSI_BUS_FILE_GUID                                                                         \
    {                                                                                              \
        0x0167ccc4, 0xd0f7, 0x4f21,                                                                \
        {                                                                                          \
            0xa3, 0xef, 0x9e, 0x64, 0xb7, 0xcd, 0xce, 0x8b                                         \
        }                                                                                          \
    }

enum { INQUIRY = 0x12, INQUIRY_BYTES = 36, SENSE_BYTES = 96, SECOND = 10000000, UNITS_MAX = 4096 };

struct probe {
    UINT8 answer[64], sense[SENSE_BYTES], cdb[16];
};

static EFI_STATUS EFIAPI no_reset(struct bf_efi_scsi_io *self)
{
    (void)self;
    return EFI_SUCCESS;
}

static int is_disk(struct bf_efi_scsi_pass_thru *scsi, UINT8 *target, UINT64 lun,
                   struct probe *probe)
{
    struct bf_efi_scsi_packet packet = {.Timeout = SECOND,
                                        .InDataBuffer = probe->answer,
                                        .InTransferLength = INQUIRY_BYTES,
                                        .SenseData = probe->sense,
                                        .SenseDataLength = SENSE_BYTES,
                                        .Cdb = probe->cdb,
                                        .CdbLength = 6};
    memset(probe, 0, sizeof *probe);
    probe->answer[0] = 0xff;
    probe->cdb[0] = INQUIRY;
    probe->cdb[4] = INQUIRY_BYTES;
    return scsi->PassThru(scsi, target, lun, &packet, NULL) == EFI_SUCCESS &&
           !packet.HostAdapterStatus && !packet.TargetStatus && probe->answer[0] == 0;
}

static void connect_unit(EFI_HANDLE controller, struct bf_efi_scsi_pass_thru *scsi, UINT8 *target,
                         UINT64 lun)
{
    enum { PATH_BYTES = 64, END_BYTES = 4 };
    static const UINT8 end[END_BYTES] = {0x7f, 0xff, END_BYTES, 0};
    UINT8 path[PATH_BYTES];
    EFI_DEVICE_PATH *node = NULL;
    size_t bytes;
    if (scsi->BuildDevicePath(scsi, target, lun, &node) != EFI_SUCCESS || !node)
        return;
    bytes = DevicePathNodeLength(node);
    if (bytes <= PATH_BYTES - END_BYTES) {
        memcpy(path, node, bytes);
        memcpy(path + bytes, end, END_BYTES);
        bf_efi_boot->ConnectController(controller, NULL, (EFI_DEVICE_PATH *)path, TRUE);
    }
    bf_efi_free(node);
}

static void connect_disks(EFI_HANDLE controller, struct bf_efi_scsi_pass_thru *scsi)
{
    UINT8 place[BF_EFI_SCSI_TARGET_BYTES], *target = place;
    struct probe probe;
    UINT64 lun = 0;
    memset(place, 0xff, sizeof place); // begin with the first
    for (uint32_t i = 0; i < UNITS_MAX; i++) {
        if (scsi->GetNextTargetLun(scsi, &target, &lun) != EFI_SUCCESS)
            return;
        if (is_disk(scsi, target, lun, &probe))
            connect_unit(controller, scsi, target, lun);
    }
}

static void mend_found(const EFI_OPEN_PROTOCOL_INFORMATION_ENTRY *entries, UINTN count)
{
    EFI_GUID guid = BF_EFI_SCSI_IO_GUID;
    for (UINTN i = 0; i < count; i++) {
        struct bf_efi_scsi_io *io;
        if (!(entries[i].Attributes & EFI_OPEN_PROTOCOL_BY_CHILD_CONTROLLER))
            continue;
        io = bf_efi_protocol(entries[i].ControllerHandle, &guid);
        if (io)
            io->ResetBus = io->ResetDevice = no_reset;
    }
}

static int is_open_by_driver(const EFI_OPEN_PROTOCOL_INFORMATION_ENTRY *entries, UINTN count)
{
    for (UINTN i = 0; i < count; i++)
        if (entries[i].Attributes & EFI_OPEN_PROTOCOL_BY_DRIVER)
            return 1;
    return 0;
}

// Once: when the disks are given back it is done again, after the verdict, and is no news.
static void tell(void)
{
    static int told;
    if (!told)
        bf_log(BF_LOG_INFO, "the firmware had not found all SCSI disks; it has searched again");
    told = 1;
}

void bf_scsibus_mend(EFI_HANDLE controller)
{
    EFI_GUID bus = SCSI_BUS_FILE_GUID, pass_thru = BF_EFI_SCSI_PASS_THRU_GUID;
    EFI_DEVICE_PATH nothing = {
        END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {sizeof nothing, 0}};
    struct bf_efi_scsi_pass_thru *scsi = bf_efi_protocol(controller, &pass_thru);
    EFI_OPEN_PROTOCOL_INFORMATION_ENTRY *entries = NULL;
    void *stale = bf_efi_protocol(controller, &bus);
    UINTN count = 0;
    if (!scsi || !stale || !scsi->Mode || scsi->Mode->IoAlign > 1 ||
        bf_efi_boot->OpenProtocolInformation(controller, &pass_thru, &entries, &count) !=
            EFI_SUCCESS)
        return;
    if (!is_open_by_driver(entries, count) &&
        bf_efi_boot->UninstallProtocolInterface(controller, &bus, stale) == EFI_SUCCESS) {
        mend_found(entries, count);
        bf_efi_boot->ConnectController(controller, NULL, &nothing, FALSE);
        connect_disks(controller, scsi);
        tell();
    }
    bf_efi_free(entries);
}

void bf_scsibus_mend_all(void)
{
    EFI_GUID guid = BF_EFI_SCSI_PASS_THRU_GUID;
    size_t count;
    EFI_HANDLE *handles = bf_efi_handles(&guid, &count);
    for (size_t i = 0; i < count; i++)
        bf_scsibus_mend(handles[i]);
    bf_efi_free(handles);
}
