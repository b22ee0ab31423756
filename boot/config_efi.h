// SPDX-License-Identifier: Apache-2.0
// The configuration's sources on a firmware machine, in the order of docs/configuration.md:
// section .bfconf of the loaded image, \bootferry.conf on the medium it was loaded from, SMBIOS
// type 11 strings, QEMU fw_cfg.
#ifndef BF_BOOT_CONFIG_EFI_H
#define BF_BOOT_CONFIG_EFI_H

#include <stdint.h>

#include "base/config.h"
#include "base/err.h"

enum bf_secure_boot { BF_SECURE_BOOT_OFF = 0, BF_SECURE_BOOT_ON = 1, BF_SECURE_BOOT_UNKNOWN = 2 };

struct bf_config_report {
    enum bf_secure_boot secure_boot;
    uint8_t present[BF_ORIGINS]; // this source was there and gave at least one key
};

// Reads all sources into *config (defaults first) and checks the whole. BF_ERR_NOT_FOUND: there is
// no configuration at all, show the screen that says what to do. Any other error: *fault says
// which source, which line, why. Must be called before a NIC is opened (drivers/snp_efi.h).
// config is large (about 15 KiB): not for the stack.
enum bf_err bf_config_efi_load(struct bf_config *config, struct bf_config_report *report,
                               struct bf_fault *fault);

// Logs one line per key that is not a default, with its origin; secrets are not shown.
void bf_config_efi_log(const struct bf_config *config, const struct bf_config_report *report);

// The firmware's SecureBoot variable (UEFI 2.10, 3.3).
enum bf_secure_boot bf_secure_boot_state(void);

#endif
