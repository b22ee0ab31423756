// SPDX-License-Identifier: Apache-2.0
// Protocols that gnu-efi's headers do not declare, as far as they are used here: UEFI 2.10,
// sections 13.14 (NVM Express pass-through), 13.12 (ATA pass-through), 15.5 (SCSI I/O), 15.7
// (extended SCSI pass-through), and PI 1.8, volume 5, section 6 (disk information). Functions that
// are never called are plain pointers.
#ifndef BF_DRIVERS_PROTOCOLS_EFI_H
#define BF_DRIVERS_PROTOCOLS_EFI_H

#include <efi.h>

// NVM Express pass-through

#define BF_EFI_NVME_PASS_THRU_GUID                                                                 \
    {                                                                                              \
        0x52c78312, 0x8edc, 0x4233,                                                                \
        {                                                                                          \
            0x98, 0xf2, 0x1a, 0x1a, 0xa5, 0xe3, 0x88, 0xa5                                         \
        }                                                                                          \
    }

struct bf_efi_nvme_mode {
    UINT32 Attributes;
    UINT32 IoAlign;
    UINT32 NvmeVersion;
};
struct bf_efi_nvme_command {
    UINT32 Cdw0; // opcode in the low byte
    UINT8 Flags; // which of the following are valid
    UINT32 Nsid;
    UINT32 Cdw2, Cdw3, Cdw10, Cdw11, Cdw12, Cdw13, Cdw14, Cdw15;
};
enum { BF_EFI_NVME_CDW10_VALID = 0x04, BF_EFI_NVME_ADMIN_QUEUE = 0 };
struct bf_efi_nvme_completion {
    UINT32 Dw0, Dw1, Dw2, Dw3;
};
struct bf_efi_nvme_packet {
    UINT64 CommandTimeout; // 100 ns
    VOID *TransferBuffer;
    UINT32 TransferLength;
    VOID *MetadataBuffer;
    UINT32 MetadataLength;
    UINT8 QueueType;
    struct bf_efi_nvme_command *NvmeCmd;
    struct bf_efi_nvme_completion *NvmeCompletion;
};
struct bf_efi_nvme_pass_thru {
    struct bf_efi_nvme_mode *Mode;
    EFI_STATUS(EFIAPI *PassThru)
    (struct bf_efi_nvme_pass_thru *self, UINT32 nsid, struct bf_efi_nvme_packet *packet,
     EFI_EVENT event);
    VOID *GetNextNamespace, *BuildDevicePath;
    EFI_STATUS(EFIAPI *GetNamespace)
    (struct bf_efi_nvme_pass_thru *self, EFI_DEVICE_PATH *path, UINT32 *nsid);
};

// ATA pass-through

#define BF_EFI_ATA_PASS_THRU_GUID                                                                  \
    {                                                                                              \
        0x1d3de7f0, 0x0807, 0x424f,                                                                \
        {                                                                                          \
            0xaa, 0x69, 0x11, 0xa5, 0x4e, 0x19, 0xa4, 0x6f                                         \
        }                                                                                          \
    }

struct bf_efi_ata_mode {
    UINT32 Attributes;
    UINT32 IoAlign;
};
struct bf_efi_ata_command {
    UINT8 Reserved1[2];
    UINT8 Command, Features, SectorNumber, CylinderLow, CylinderHigh, DeviceHead;
    UINT8 SectorNumberExp, CylinderLowExp, CylinderHighExp, FeaturesExp;
    UINT8 SectorCount, SectorCountExp;
    UINT8 Reserved2[6];
};
struct bf_efi_ata_status {
    UINT8 Bytes[20];
};
enum {
    BF_EFI_ATA_PIO_DATA_IN = 0x04,
    BF_EFI_ATA_LENGTH_BYTES = 0x80,
    BF_EFI_ATA_LENGTH_SECTOR_COUNT = 0x20,
};
struct bf_efi_ata_packet {
    struct bf_efi_ata_status *Asb;
    struct bf_efi_ata_command *Acb;
    UINT64 Timeout; // 100 ns
    VOID *InDataBuffer, *OutDataBuffer;
    UINT32 InTransferLength, OutTransferLength;
    UINT8 Protocol;
    UINT8 Length;
};
struct bf_efi_ata_pass_thru {
    struct bf_efi_ata_mode *Mode;
    EFI_STATUS(EFIAPI *PassThru)
    (struct bf_efi_ata_pass_thru *self, UINT16 port, UINT16 multiplier,
     struct bf_efi_ata_packet *packet, EFI_EVENT event);
    VOID *GetNextPort, *GetNextDevice, *BuildDevicePath;
    EFI_STATUS(EFIAPI *GetDevice)
    (struct bf_efi_ata_pass_thru *self, EFI_DEVICE_PATH *path, UINT16 *port, UINT16 *multiplier);
    VOID *ResetPort, *ResetDevice;
};

// Extended SCSI pass-through

#define BF_EFI_SCSI_PASS_THRU_GUID                                                                 \
    {                                                                                              \
        0x143b7632, 0xb81b, 0x4cb7,                                                                \
        {                                                                                          \
            0xab, 0xd3, 0xb6, 0x25, 0xa5, 0xb9, 0xbf, 0xfe                                         \
        }                                                                                          \
    }

struct bf_efi_scsi_mode {
    UINT32 AdapterId;
    UINT32 Attributes;
    UINT32 IoAlign;
};
enum { BF_EFI_SCSI_TARGET_BYTES = 16 };
struct bf_efi_scsi_packet {
    UINT64 Timeout; // 100 ns
    VOID *InDataBuffer, *OutDataBuffer, *SenseData, *Cdb;
    UINT32 InTransferLength, OutTransferLength;
    UINT8 CdbLength;
    UINT8 DataDirection; // 0: from the device
    UINT8 HostAdapterStatus, TargetStatus;
    UINT8 SenseDataLength;
};
struct bf_efi_scsi_pass_thru {
    struct bf_efi_scsi_mode *Mode;
    EFI_STATUS(EFIAPI *PassThru)
    (struct bf_efi_scsi_pass_thru *self, UINT8 *target, UINT64 lun,
     struct bf_efi_scsi_packet *packet, EFI_EVENT event);
    EFI_STATUS(EFIAPI *GetNextTargetLun)
    (struct bf_efi_scsi_pass_thru *self, UINT8 **target, UINT64 *lun);
    EFI_STATUS(EFIAPI *BuildDevicePath)
    (struct bf_efi_scsi_pass_thru *self, UINT8 *target, UINT64 lun, EFI_DEVICE_PATH **path);
    EFI_STATUS(EFIAPI *GetTargetLun)
    (struct bf_efi_scsi_pass_thru *self, EFI_DEVICE_PATH *path, UINT8 **target, UINT64 *lun);
    VOID *ResetChannel, *ResetTargetLun, *GetNextTarget;
};

// SCSI I/O of one unit

#define BF_EFI_SCSI_IO_GUID                                                                        \
    {                                                                                              \
        0x932f47e6, 0x2362, 0x4002,                                                                \
        {                                                                                          \
            0x80, 0x3e, 0x3c, 0xd5, 0x4b, 0x13, 0x8f, 0x85                                         \
        }                                                                                          \
    }

struct bf_efi_scsi_io {
    VOID *GetDeviceType, *GetDeviceLocation;
    EFI_STATUS(EFIAPI *ResetBus)(struct bf_efi_scsi_io *self);
    EFI_STATUS(EFIAPI *ResetDevice)(struct bf_efi_scsi_io *self);
    VOID *ExecuteScsiCommand;
    UINT32 IoAlign;
};

// USB I/O of one interface (UEFI 2.10, 17.2.4)

#define BF_EFI_USB_IO_GUID                                                                         \
    {                                                                                              \
        0x2b2f68d6, 0x0cd2, 0x44cf,                                                                \
        {                                                                                          \
            0x8e, 0x8b, 0xbb, 0xa2, 0x0b, 0x1b, 0x5b, 0x75                                         \
        }                                                                                          \
    }

struct bf_efi_usb_device {
    UINT8 Length, DescriptorType;
    UINT16 BcdUsb;
    UINT8 DeviceClass, DeviceSubClass, DeviceProtocol, MaxPacketSize0;
    UINT16 IdVendor, IdProduct, BcdDevice;
    UINT8 StrManufacturer, StrProduct, StrSerialNumber, NumConfigurations;
};
struct bf_efi_usb_interface {
    UINT8 Length, DescriptorType, InterfaceNumber, AlternateSetting, NumEndpoints;
    UINT8 InterfaceClass, InterfaceSubClass, InterfaceProtocol, Interface;
};
enum { BF_USB_MASS_STORAGE = 8, BF_USB_UAS = 0x62 }; // USB Mass Storage Class Overview 1.4, 3
struct bf_efi_usb_io {
    VOID *ControlTransfer, *BulkTransfer, *AsyncInterruptTransfer, *SyncInterruptTransfer,
        *IsochronousTransfer, *AsyncIsochronousTransfer;
    EFI_STATUS(EFIAPI *GetDeviceDescriptor)
    (struct bf_efi_usb_io *self, struct bf_efi_usb_device *out);
    VOID *GetConfigDescriptor;
    EFI_STATUS(EFIAPI *GetInterfaceDescriptor)
    (struct bf_efi_usb_io *self, struct bf_efi_usb_interface *out);
};

// Disk information

#define BF_EFI_DISK_INFO_GUID                                                                      \
    {                                                                                              \
        0xd432a67f, 0x14dc, 0x484b,                                                                \
        {                                                                                          \
            0xb3, 0xbb, 0x3f, 0x02, 0x91, 0x84, 0x93, 0x27                                         \
        }                                                                                          \
    }
// Values of Interface: what Inquiry and Identify return.
#define BF_EFI_DISK_INFO_IDE_GUID                                                                  \
    {                                                                                              \
        0x5e948fe3, 0x26d3, 0x42b5,                                                                \
        {                                                                                          \
            0xaf, 0x17, 0x61, 0x02, 0x87, 0x18, 0x8d, 0xec                                         \
        }                                                                                          \
    }
#define BF_EFI_DISK_INFO_AHCI_GUID                                                                 \
    {                                                                                              \
        0x9e498932, 0x4abc, 0x45af,                                                                \
        {                                                                                          \
            0xa3, 0x4d, 0x02, 0x47, 0x78, 0x7b, 0xe7, 0xc6                                         \
        }                                                                                          \
    }
#define BF_EFI_DISK_INFO_SCSI_GUID                                                                 \
    {                                                                                              \
        0x08f74baa, 0xea36, 0x41d9,                                                                \
        {                                                                                          \
            0x95, 0x21, 0x21, 0xa7, 0x0f, 0x87, 0x80, 0xbc                                         \
        }                                                                                          \
    }
#define BF_EFI_DISK_INFO_USB_GUID                                                                  \
    {                                                                                              \
        0xcb871572, 0xc11a, 0x47b5,                                                                \
        {                                                                                          \
            0xb4, 0x92, 0x67, 0x5e, 0xaf, 0xa7, 0x77, 0x27                                         \
        }                                                                                          \
    }
#define BF_EFI_DISK_INFO_NVME_GUID                                                                 \
    {                                                                                              \
        0x3ab14680, 0x5d3f, 0x4a4d,                                                                \
        {                                                                                          \
            0xbc, 0xdc, 0xcc, 0x38, 0x00, 0x18, 0xc7, 0xf7                                         \
        }                                                                                          \
    }

struct bf_efi_disk_info {
    EFI_GUID Interface;
    EFI_STATUS(EFIAPI *Inquiry)(struct bf_efi_disk_info *self, VOID *data, UINT32 *size);
    EFI_STATUS(EFIAPI *Identify)(struct bf_efi_disk_info *self, VOID *data, UINT32 *size);
    VOID *SenseData, *WhichIde;
};

#endif
