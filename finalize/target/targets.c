// SPDX-License-Identifier: Apache-2.0
// The targets. Module names are those of Linux; a name that a kernel has neither as a
// module nor built in is reported and skipped, since older kernels lack some of them.
#include "finalize/target/targets.h"

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

const struct bf_target bf_target_qemu_virtio = {"qemu-virtio", virtio_disk, virtio_other};
const struct bf_target bf_target_kvm = {"kvm", kvm_disk, kvm_other};
const struct bf_target bf_target_vmware = {"vmware", vmware_disk, vmware_other};
const struct bf_target bf_target_hyperv = {"hyperv", hyperv_disk, hyperv_other};
const struct bf_target bf_target_xen = {"xen", xen_disk, xen_other};
const struct bf_target bf_target_generic = {"generic", all_disk, all_other};

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
