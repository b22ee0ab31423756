// SPDX-License-Identifier: Apache-2.0
// By which firmware a system can be started, and what it would take to be started by the other.
#ifndef BF_FINALIZE_BOOT_FIRMWARE_H
#define BF_FINALIZE_BOOT_FIRMWARE_H

#include "finalize/system/fin.h"

// What is installed says it for BIOS: boot code in the first sectors is not seen in a tree, but the
// files that it loads are.
void bf_firmware_inspect(struct bf_fin *f);
// Refuses a plan for the other firmware, with what it would take.
enum bf_err bf_check_firmware(struct bf_fin *f);
// The distribution's packages of GRUB for UEFI, or for BIOS.
const char *bf_firmware_packages(const struct bf_fin *f, bool uefi);

#endif
