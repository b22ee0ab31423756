// SPDX-License-Identifier: Apache-2.0
// The files of an EFI system partition, whose names have no case.
#ifndef BF_FINALIZE_BOOT_ESP_H
#define BF_FINALIZE_BOOT_ESP_H

#include "finalize/system/fin.h"

// Where guests mount it, ended by NULL.
extern const char *const bf_esp_mounts[];

#define BF_ESPS_MAX  8
#define BF_ESP_MOUNT 64

// Mount points with a folder EFI: those of fstab that are FAT, then the usual ones. Several: one is
// XBOOTLDR, or they are copies of each other. The number of them.
size_t bf_esp_all(struct bf_fin *f, char (*out)[BF_ESP_MOUNT], size_t max);

// Finds a name, whatever its case, in a folder. Its path into `out`.
bool bf_esp_find(struct bf_fin *f, const char *dir, const char *name, char *out, size_t size);
// A loader's file name for the guest's architecture, which has such names: "shim" is shimx64.efi.
void bf_esp_name(struct bf_fin *f, const char *loader, char *out, size_t size);
// The vendor's folder of `efi`, BOOT excepted, that has the file; its name into `out`. Of several,
// that of the system which is finalized, else the first.
bool bf_esp_vendor(struct bf_fin *f, const char *efi, const char *name, char *out, size_t size);
// The folder of the fallback path, as it is written or as it would be.
void bf_esp_fallback(struct bf_fin *f, const char *efi, char *out, size_t size);
// Adds the loaders in the vendors' folders of `efi` to a JSON array, with "loader" and "label", as
// installers make boot entries for them; those that are in it already are not added again.
void bf_esp_entries(struct bf_fin *f, const char *efi, json_t *entries);
// Whether a program of the partition is for the guest's architecture, as far as it can be read.
bool bf_esp_fits(struct bf_fin *f, const char *path);
// Copies dir/name to boot/as when the first is there and the second is not. Fails after bf_refuse()
// or bf_fail().
enum bf_err bf_esp_copy(struct bf_fin *f, const char *dir, const char *name, const char *boot,
                        const char *as);

#endif
