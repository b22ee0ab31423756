// SPDX-License-Identifier: Apache-2.0
// NICs through the firmware's EFI_SIMPLE_NETWORK_PROTOCOL (UEFI 2.10, 24.1).
//
// Order for the caller: bf_efi_connect_all; read everything that hangs on the boot handle (the
// configuration, the DHCP data of a PXE boot, the boot medium); bf_snp_scan; bf_snp_open. Opening
// is EXCLUSIVE: the firmware disconnects its own network stack from the NIC, and with it the child
// handles of a PXE boot cease to exist: LoadedImage->DeviceHandle must not be used afterwards.
#ifndef BF_DRIVERS_SNP_EFI_H
#define BF_DRIVERS_SNP_EFI_H

#include <stdint.h>

#include "base/err.h"
#include "net/nic.h"

enum { BF_SNP_NICS_MAX = 32 };

struct bf_snp_info {
    void *handle; // EFI_HANDLE
    uint8_t mac[6];
    int8_t link;        // 1 up, 0 down, -1 not told; what the firmware knows before opening
    const char *driver; // who serves it: "snp", until a native driver does
    char name[64];      // device path text up to the NIC, its end when it is long
    char label[64];     // for people: the MAC, and the PCI function that it sits on
};

// Lists NICs, one entry each although the firmware may show several handles for one. Ethernet
// only. The order is that of the device paths. Nothing is opened.
uint32_t bf_snp_scan(struct bf_snp_info *out, uint32_t max);

// Ends the firmware's own use of a NIC: its network stack is disconnected, the NIC stopped. Drivers
// refuse to be disconnected from a NIC that is started (OVMF's for virtio). What disconnects or
// connects the NIC afterwards brings the stack back.
void bf_snp_quieten(const struct bf_snp_info *info);

// Takes the NIC over and brings it up; fills *nic, which must stay where it is until closed.
// BF_ERR_BUSY when the firmware does not give it away, BF_ERR_NO_MEMORY, BF_ERR_IO.
// nic->ops->close shuts it down, gives it back and lets the firmware's own drivers return.
enum bf_err bf_snp_open(const struct bf_snp_info *info, struct bf_nic *nic);

#endif
