# SPDX-License-Identifier: Apache-2.0
# Device drivers: the portable ones, and those that stand on the firmware's own.
DRIVERS_SRCS     := $(addprefix drivers/,ahci.c ahci_multiplier.c ahci_port.c ata.c canary.c identify.c nvme.c \
    nvme_namespace.c nvme_queue.c pci.c pending.c recovery.c scsi.c scsi_units.c tcg.c virtio_blk.c virtio_net.c \
    virtio_pci.c virtio_scsi.c virtqueue.c)
DRIVERS_EFI_SRCS := drivers/blockio_efi.c drivers/connect_efi.c drivers/handles_efi.c drivers/identity_efi.c \
    drivers/nic_efi.c drivers/pci_efi.c drivers/scsibus_efi.c drivers/snp_efi.c drivers/takeover_efi.c \
    drivers/unit_efi.c

# A disk is read by requests of a mebibyte, and asked a few things before. What sends packets is fast.
COLD_SRCS += $(filter-out $(addprefix drivers/,nic_efi.c snp_efi.c virtio_net.c virtqueue.c), \
    $(DRIVERS_SRCS) $(DRIVERS_EFI_SRCS))
LEAN_SRCS += $(addprefix drivers/,snp_efi.c virtio_net.c)
