// SPDX-License-Identifier: Apache-2.0
// Where the firmware keeps the SMBIOS table.
#ifndef BF_BOOT_SMBIOS_EFI_H
#define BF_BOOT_SMBIOS_EFI_H

#include <stddef.h>

#include "base/err.h"

// The structures, for base/smbios.h. BF_ERR_NOT_FOUND without a table, BF_ERR_CORRUPT when its
// entry point is not one. The memory is the firmware's and stays.
enum bf_err bf_smbios_efi_table(const void **table, size_t *len);

#endif
