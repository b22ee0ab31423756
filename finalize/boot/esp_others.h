// SPDX-License-Identifier: Apache-2.0
// Loaders that are recognised by their place on an EFI system partition alone.
#ifndef BF_FINALIZE_BOOT_ESP_OTHERS_H
#define BF_FINALIZE_BOOT_ESP_OTHERS_H

#include "finalize/system/fin.h"

// Copies the first of them that is installed to the fallback path, with its configuration and
// drivers. BF_ERR_NOT_FOUND: none is; any other failure comes after bf_refuse() or bf_fail().
enum bf_err bf_esp_others_fallback(struct bf_fin *f, const char *efi);

#endif
