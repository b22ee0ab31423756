// SPDX-License-Identifier: Apache-2.0
// Who serves a NIC: a native driver where there is one, which takes the NIC's PCI function from the
// firmware with all of its network stack, else the firmware's own (drivers/snp_efi.h). What does
// not start natively goes back to the firmware at once, and the log says why.
#ifndef BF_DRIVERS_NIC_EFI_H
#define BF_DRIVERS_NIC_EFI_H

#include "drivers/pci_efi.h"
#include "drivers/snp_efi.h"

struct bf_efi_nic {
    struct bf_nic nic;
    struct bf_pci_efi bus; // open while a native driver has it
};

// Opens a NIC of bf_snp_scan; what is said there of the boot handle holds. native 0: only through
// the firmware. mtu: see drivers/virtio_net.h. Changes info->driver, and info->handle where the
// firmware made it anew; *out must stay in its place until closed. BF_ERR_NOT_FOUND: the firmware
// did not find it again.
enum bf_err bf_efi_nic_open(struct bf_snp_info *info, int native, uint16_t mtu,
                            struct bf_efi_nic *out);

// Ends its use and gives it back, so that the firmware may start from the network again.
void bf_efi_nic_close(struct bf_efi_nic *nic);

#endif
