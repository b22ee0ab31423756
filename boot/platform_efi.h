// SPDX-License-Identifier: Apache-2.0
// Setting up the platform on UEFI. Everything else about it is base/platform.h.
#ifndef BF_BOOT_PLATFORM_EFI_H
#define BF_BOOT_PLATFORM_EFI_H

#include <stdint.h>

#include <efi.h>

#include "base/log.h"

enum {
    BF_EFI_MEMORY_LIMIT = 64 << 20, // bytes, whatever the size of the disks
    BF_EFI_TICK_US = 10000,         // of the firmware's timer, in every firmware seen
};

// Takes the machine over from the boot manager: tables, watchdog off, vector registers on, clocks.
// The first call of the program; takes about 50 ms where the counter's rate must be measured.
void bf_efi_platform_init(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

// Gives back what init took, for a program that returns to the firmware.
void bf_efi_platform_end(void);

// Pages that the program holds now and held at most, in bytes.
void bf_efi_memory(uint64_t *held, uint64_t *peak);

// The rate of the processor's counter.
uint64_t bf_efi_ticks_hz(void);

// Where log lines go; NULL for the firmware's console.
typedef void bf_efi_log_sink(enum bf_log_level level, const char *line);
void bf_efi_set_log_sink(bf_efi_log_sink *sink);

#endif
