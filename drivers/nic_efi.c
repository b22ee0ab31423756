// SPDX-License-Identifier: Apache-2.0
// Opening NICs. See drivers/nic_efi.h. The firmware's handles of a NIC cease to exist when its
// function is taken; after that it is found again by its name and address.
#include "drivers/nic_efi.h"

#include <string.h>

#include "base/fmt.h"
#include "base/log.h"
#include "drivers/handles_efi.h"
#include "drivers/virtio_net.h"

// The function of a NIC that there is a native driver for, or NULL.
static EFI_HANDLE native_function(const struct bf_snp_info *info)
{
    const EFI_DEVICE_PATH *rest;
    EFI_HANDLE handle = bf_efi_path_function(bf_efi_path(info->handle), &rest);
    struct bf_pci_id id = bf_pci_efi_identify(handle);
    return id.vendor && bf_virtio_net_serves(&id) ? handle : NULL;
}

static enum bf_err open_native(const struct bf_snp_info *info, EFI_HANDLE function, uint16_t mtu,
                               struct bf_efi_nic *out)
{
    enum bf_err err;
    bf_snp_quieten(info);
    err = bf_pci_efi_open(&out->bus, function);
    if (err)
        return err;
    bf_snprintf(out->nic.name, sizeof out->nic.name, "%s", info->label);
    out->nic.mtu = mtu;
    err = bf_virtio_net_open(&out->bus.pci, &out->nic);
    if (!err && memcmp(out->nic.mac, info->mac, sizeof info->mac) != 0) {
        out->nic.ops->close(out->nic.impl);
        err = BF_ERR_MISMATCH; // the firmware gave it another one, which others may know it by
    }
    if (err)
        bf_pci_efi_close(&out->bus);
    return err;
}

static enum bf_err find_again(struct bf_snp_info *info)
{
    static struct bf_snp_info now[BF_SNP_NICS_MAX];
    uint32_t count = bf_snp_scan(now, BF_SNP_NICS_MAX);
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(now[i].mac, info->mac, sizeof info->mac) == 0 &&
            strcmp(now[i].name, info->name) == 0) {
            info->handle = now[i].handle;
            return BF_OK;
        }
    return BF_ERR_NOT_FOUND;
}

enum bf_err bf_efi_nic_open(struct bf_snp_info *info, int native, uint16_t mtu,
                            struct bf_efi_nic *out)
{
    EFI_HANDLE function = native ? native_function(info) : NULL;
    enum bf_err err;
    memset(out, 0, sizeof *out);
    if (function) {
        err = open_native(info, function, mtu, out);
        if (!err) {
            info->driver = out->nic.ops->driver;
            bf_log(BF_LOG_INFO, "NIC %s: driver %s", info->label, info->driver);
            return BF_OK;
        }
        bf_log(BF_LOG_WARNING,
               "NIC %s: driver virtio-net does not start (%s); using the firmware's", info->label,
               bf_err_name(err));
        err = find_again(info);
        if (err)
            return err;
    }
    return bf_snp_open(info, &out->nic);
}

void bf_efi_nic_close(struct bf_efi_nic *nic)
{
    nic->nic.ops->close(nic->nic.impl);
    bf_pci_efi_close(&nic->bus);
}
