// SPDX-License-Identifier: Apache-2.0
// A PCI function through EFI_PCI_IO_PROTOCOL (UEFI 2.10, 14.4), taken from the firmware's driver
// for as long as it is open.
#ifndef BF_DRIVERS_PCI_EFI_H
#define BF_DRIVERS_PCI_EFI_H

#include <stddef.h>
#include <stdint.h>

#include "drivers/pci.h"

struct bf_pci_efi {
    struct bf_pci pci; // what drivers get; stays valid until closed
    void *io;          // EFI_PCI_IO_PROTOCOL
    void *handle;
    uint64_t attributes; // as the firmware had set them
    uint8_t ports;       // bit n: BAR n is of I/O ports
};

// Vendor, device and class of a handle's function, without taking anything. All zero without one.
struct bf_pci_id bf_pci_efi_identify(void *handle);

// Where a handle's function is: "00:05.0", with the segment in front where it is not 0. Empty
// without one.
void bf_pci_efi_slot(void *handle, char *out, size_t size);

// Disconnects the firmware's driver and whatever it had made on top, and enables the function.
// BF_ERR_BUSY when the firmware does not let go; everything is then as it was.
enum bf_err bf_pci_efi_open(struct bf_pci_efi *out, void *handle);

// Gives it back, with the attributes it had, and lets the firmware's drivers return. One that
// does not stop (cut) stays ours, so that nobody switches it on.
void bf_pci_efi_close(struct bf_pci_efi *p);

#endif
