// SPDX-License-Identifier: Apache-2.0
// shim, and the fallback loader that it starts.
#ifndef BF_FINALIZE_BOOT_SHIM_H
#define BF_FINALIZE_BOOT_SHIM_H

#include "finalize/system/fin.h"

// The vendor's folder of `efi` that has a shim, and what it is called there: its present name, or
// that of SUSE and of RHEL 7.
bool bf_shim_vendor(struct bf_fin *f, const char *efi, char *vendor, size_t vendor_size, char *shim,
                    size_t shim_size);
// Copies what a shim needs beside it from a vendor's folder. What it starts has the name that was
// built into it, so each keeps its own. Fails after bf_refuse() or bf_fail().
enum bf_err bf_shim_copy_rest(struct bf_fin *f, const char *efi, const char *vendor,
                              const char *boot);

// Where shim's fallback loader stands beside the shim on the fallback path: it makes boot entries
// of the files EFI/VENDOR/BOOT*.CSV and resets, for ever where none names a program that is there.
// Lines that name none go, and one is written where none is left. In fallback_csv.c.
enum bf_err bf_shim_adapt_csv(struct bf_fin *f, const char *efi, const char *boot);
// The entries that such files describe, added to a JSON array: "loader" and "label".
void bf_shim_csv_entries(struct bf_fin *f, const char *efi, json_t *entries);

// Decodes the file of a fallback loader, UTF-16 with or without a mark, to UTF-8. Apart for tests.
void bf_csv_decode(const char *data, size_t len, struct bf_text *out);

#endif
