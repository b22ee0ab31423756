// SPDX-License-Identifier: Apache-2.0
// What the boot program knows of its workers beyond base/platform.h.
#ifndef BF_BOOT_WORKERS_EFI_H
#define BF_BOOT_WORKERS_EFI_H

#include <stdint.h>

#include "boot/traps.h"

// The most bytes that any worker has had on its stack so far.
uint32_t bf_efi_workers_stack(void);

// The first exception that a worker has met, NULL while none has. It never comes home.
const struct bf_exception *bf_efi_workers_crash(void);

// 1 while the firmware has all processors. Nobody else may ask it for one otherwise: OVMF would
// not refuse, but wait for the worker and then forget to say that it has come back. Elsewhere it is
// for tests in the firmware.
int bf_efi_workers_home(void);

#endif
