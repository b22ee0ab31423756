// SPDX-License-Identifier: Apache-2.0
// The table of targets. Module names are those of Linux; a name that a kernel has neither as a
// module nor built in is reported and skipped, since older kernels lack some of them.
#include "finalize/drivers.h"

#include <stddef.h>
#include <string.h>

#define VIRTIO_DISK "virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod"

static const char *const virtio_disk[] = {VIRTIO_DISK, NULL};
static const char *const virtio_other[] = {"virtio_net", "virtio_console", "virtio_rng", "sr_mod",
                                           NULL};
static const char *const kvm_disk[] = {VIRTIO_DISK, "ahci", "ata_piix", "nvme", NULL};
static const char *const kvm_other[] = {"virtio_net", "virtio_console", "virtio_rng", "sr_mod",
                                        "e1000",      "e1000e",         NULL};
static const char *const vmware_disk[] = {"vmw_pvscsi", "mptspi", "mptsas", "ahci",
                                          "ata_piix",   "nvme",   "sd_mod", NULL};
static const char *const vmware_other[] = {"vmxnet3", "e1000", "e1000e", "sr_mod", NULL};
static const char *const hyperv_disk[] = {"hv_vmbus", "hv_storvsc", "ata_piix", "sd_mod", NULL};
static const char *const hyperv_other[] = {"hv_netvsc", "hid_hyperv", "hyperv_keyboard", "sr_mod",
                                           NULL};
static const char *const xen_disk[] = {"xen_blkfront", "ata_piix", "nvme", "sd_mod", NULL};
static const char *const xen_other[] = {"xen_netfront", "ena", "sr_mod", NULL};
static const char *const all_disk[] = {VIRTIO_DISK,    "ahci",        "ata_piix", "nvme",
                                       "vmw_pvscsi",   "mptspi",      "hv_vmbus", "hv_storvsc",
                                       "xen_blkfront", "usb_storage", NULL};
static const char *const all_other[] = {
    "virtio_net",   "virtio_console", "virtio_rng", "vmxnet3", "hv_netvsc",
    "xen_netfront", "e1000",          "e1000e",     "sr_mod",  NULL};

static const struct bf_target targets[] = {
    {"qemu-virtio", virtio_disk, virtio_other},
    {"kvm", kvm_disk, kvm_other},
    {"vmware", vmware_disk, vmware_other},
    {"hyperv", hyperv_disk, hyperv_other},
    {"xen", xen_disk, xen_other},
    {"generic", all_disk, all_other},
};

const struct bf_target *bf_target_find(const char *name)
{
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        if (strcmp(targets[i].name, name) == 0)
            return &targets[i];
    return NULL;
}

const char *bf_target_names(void)
{
    return "qemu-virtio, kvm, vmware, hyperv, xen, generic";
}
