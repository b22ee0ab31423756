// SPDX-License-Identifier: Apache-2.0
// The targets. Module names are those of Linux; a name that a kernel has neither as a
// module nor built in is reported and skipped, since older kernels lack some of them.
#include "finalize/target/targets.h"

#include <stddef.h>
#include <string.h>

#define VIRTIO_DISK "virtio_blk", "virtio_scsi"
#define VIRTIO_NET  "virtio_net", "virtio_console", "virtio_rng"
#define SCSI_BUS    "sd_mod", "sr_mod"
#define HYPERV_NET  "hv_netvsc", "hv_utils", "hid_hyperv", "hyperv_keyboard"

static const char *const scsi_bus[] = {SCSI_BUS, NULL};
static const char *const virtio_bus[] = {"virtio_pci", SCSI_BUS, NULL};
static const char *const virtio_disk[] = {VIRTIO_DISK, NULL};
static const char *const virtio_other[] = {VIRTIO_NET, NULL};
static const char *const kvm_disk[] = {VIRTIO_DISK, "ahci", "ata_piix", "nvme", NULL};
static const char *const kvm_other[] = {VIRTIO_NET, "e1000", "e1000e", NULL};
static const char *const vmware_disk[] = {"vmw_pvscsi", "mptspi", "mptsas", "ahci",
                                          "ata_piix",   "nvme",   NULL};
static const char *const vmware_other[] = {"vmxnet3", "e1000", "e1000e", NULL};
static const char *const hyperv_bus[] = {"hv_vmbus", SCSI_BUS, NULL};
static const char *const hyperv_disk[] = {"hv_storvsc", "ata_piix", NULL};
static const char *const hyperv_other[] = {HYPERV_NET, NULL};
// Azure's larger machines have NVMe and the network card behind Hyper-V's virtual PCI bridge.
static const char *const azure_bus[] = {"hv_vmbus", "pci_hyperv", SCSI_BUS, NULL};
static const char *const azure_disk[] = {"hv_storvsc", "nvme", NULL};
static const char *const azure_other[] = {HYPERV_NET, "mana", "mlx5_core", "mlx4_en", NULL};
// Nitro machines have NVMe and ENA, older ones are those of Xen.
static const char *const aws_disk[] = {"nvme", "xen_blkfront", NULL};
static const char *const aws_other[] = {"ena", "ixgbevf", "xen_netfront", NULL};
static const char *const gcp_disk[] = {"virtio_scsi", "nvme", NULL};
static const char *const gcp_other[] = {VIRTIO_NET, "gve", NULL};
static const char *const xen_disk[] = {"xen_blkfront", "ata_piix", "nvme", NULL};
static const char *const xen_other[] = {"xen_netfront", "ena", NULL};
static const char *const metal_disk[] = {
    "ahci",     "nvme",   "ata_piix", "megaraid_sas", "mpt3sas",     "mpt2sas", "hpsa", "smartpqi",
    "aacraid",  "arcmsr", "isci",     "mptsas",       "usb_storage", "uas",     "vmd",  "sata_nv",
    "sata_sil", "mvsas",  "pm80xx",   "3w_9xxx",      "3w_sas",      NULL};
// Disks on USB need a driver of its controller, keyboards their own.
static const char *const metal_bus[] = {SCSI_BUS,   "xhci_pci", "ehci_pci",
                                        "ohci_pci", "uhci_hcd", NULL};
static const char *const metal_other[] = {
    "e1000e", "igb",    "igc",     "ixgbe",    "i40e",      "ice",         "tg3",
    "bnx2",   "bnx2x",  "bnxt_en", "mlx4_en",  "mlx5_core", "r8169",       "sfc",
    "qede",   "be2net", "cxgb4",   "atlantic", "usbhid",    "hid_generic", NULL};
static const char *const all_bus[] = {"virtio_pci", "hv_vmbus", SCSI_BUS, NULL};
static const char *const all_disk[] = {VIRTIO_DISK,   "ahci",   "ata_piix",   "nvme",
                                       "vmw_pvscsi",  "mptspi", "hv_storvsc", "xen_blkfront",
                                       "usb_storage", NULL};
static const char *const all_other[] = {VIRTIO_NET, "vmxnet3", "hv_netvsc", "xen_netfront",
                                        "e1000",    "e1000e",  NULL};

const struct bf_target bf_target_qemu_virtio = {"qemu-virtio", virtio_disk, virtio_other,
                                                virtio_bus};
const struct bf_target bf_target_kvm = {"kvm", kvm_disk, kvm_other, virtio_bus};
const struct bf_target bf_target_vmware = {"vmware", vmware_disk, vmware_other, scsi_bus};
const struct bf_target bf_target_hyperv = {"hyperv", hyperv_disk, hyperv_other, hyperv_bus};
const struct bf_target bf_target_azure = {"azure", azure_disk, azure_other, azure_bus};
const struct bf_target bf_target_aws = {"aws", aws_disk, aws_other, NULL};
const struct bf_target bf_target_gcp = {"gcp", gcp_disk, gcp_other, virtio_bus};
const struct bf_target bf_target_xen = {"xen", xen_disk, xen_other, scsi_bus};
const struct bf_target bf_target_metal = {"metal", metal_disk, metal_other, metal_bus};
const struct bf_target bf_target_generic = {"generic", all_disk, all_other, all_bus};

const struct bf_target *bf_target_find(const struct bf_target *const *table, const char *name)
{
    for (const struct bf_target *const *t = table; *t; t++)
        if (strcmp((*t)->name, name) == 0)
            return *t;
    return NULL;
}

void bf_target_names(const struct bf_target *const *table, struct bf_text *out)
{
    for (const struct bf_target *const *t = table; *t; t++)
        bf_textf(out, "%s%s", t == table ? "" : ", ", (*t)->name);
}
