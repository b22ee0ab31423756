// SPDX-License-Identifier: Apache-2.0
// The firmware's own drivers, bound to every device before ours look.
#ifndef BF_DRIVERS_CONNECT_EFI_H
#define BF_DRIVERS_CONNECT_EFI_H

// Lets the firmware bind its drivers to every device (recursively), and mends what its SCSI bus
// driver leaves (drivers/scsibus_efi.h). Before this call most NICs and some disks do not exist
// when the program was started from a disk or a CD. 0.3 to 2 s.
void bf_efi_connect_all(void);

#endif
