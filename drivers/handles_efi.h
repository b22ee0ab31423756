// SPDX-License-Identifier: Apache-2.0
// Handles, protocols, device paths and text of the firmware: what every file that talks to it needs
// and what knows no device. Device paths come from firmware and option ROMs: they are read within a
// bound, and one that does not end within it is treated as absent.
#ifndef BF_DRIVERS_HANDLES_EFI_H
#define BF_DRIVERS_HANDLES_EFI_H

#include <stddef.h>
#include <stdint.h>

#include "drivers/efi.h"

// An error in words, for people (UEFI 2.10, appendix D); the code goes to the debug log.
const char *bf_efi_words(EFI_STATUS status);

// Handles that carry a protocol; *count 0 and NULL when there is none. Free with bf_efi_free.
EFI_HANDLE *bf_efi_handles(EFI_GUID *protocol, size_t *count);
void bf_efi_free(void *pool); // takes NULL

// The interface of a protocol on a handle without opening it, or NULL.
void *bf_efi_protocol(EFI_HANDLE handle, EFI_GUID *protocol);
// A driver of the firmware has this protocol of the handle in use, or has made devices of it.
int bf_efi_is_driven(EFI_HANDLE handle, EFI_GUID *protocol);
// The first instance of a protocol anywhere, or NULL.
void *bf_efi_locate(EFI_GUID *protocol);

// NULL when the handle has none. Bound: 4096 bytes.
const EFI_DEVICE_PATH *bf_efi_path(EFI_HANDLE handle);
size_t bf_efi_path_size(const EFI_DEVICE_PATH *path); // with its end node; 0 when malformed
const EFI_DEVICE_PATH *bf_efi_path_last(const EFI_DEVICE_PATH *path); // last node before the end
// True when path begins with all nodes of prefix (and may go on).
int bf_efi_path_begins(const EFI_DEVICE_PATH *path, const EFI_DEVICE_PATH *prefix);
// The PCI function that a device with this path hangs on, and the rest of the path below it; NULL
// without one. path may be NULL.
EFI_HANDLE bf_efi_path_function(const EFI_DEVICE_PATH *path, const EFI_DEVICE_PATH **rest);
// Text as EFI_DEVICE_PATH_TO_TEXT gives it (UEFI 2.10, 10.6), or hexadecimal without that protocol.
void bf_efi_path_text(const EFI_DEVICE_PATH *path, char *out, size_t size);

// UCS-2 to printable ASCII, '?' for the rest. max: characters that may be read of text.
void bf_efi_ascii(const CHAR16 *text, size_t max, char *out, size_t size);

#endif
