// SPDX-License-Identifier: Apache-2.0
// SCSI disks that the firmware missed: a defect of the bus driver of EDK II's release 202211, which
// Debian 12 carries as OVMF. That driver stops looking at the first logical unit that is not there,
// and leaves itself half closed: its private protocol stays on the controller and points, as the
// disks that were found do, to memory that was freed. The firmware then crashes when the controller
// is disconnected.
#ifndef BF_DRIVERS_SCSIBUS_EFI_H
#define BF_DRIVERS_SCSIBUS_EFI_H

#include "drivers/efi.h"

// Mends it where it is so, and connects the disks that are there. Does nothing elsewhere.
void bf_scsibus_mend(EFI_HANDLE controller);
void bf_scsibus_mend_all(void);

#endif
