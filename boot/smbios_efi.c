// SPDX-License-Identifier: Apache-2.0
// The SMBIOS table by the configuration table of the system table (UEFI 2.10, 4.6); version 3's
// entry point is preferred, since it is not bound to 64 KiB below 4 GiB.
#include "boot/smbios_efi.h"

#include <string.h>

#include "base/smbios.h"
#include "drivers/efi.h"

enum {
    ENTRY_BYTES = 31,        // the longer of the two
    TABLE_MAX = 1024 * 1024, // version 3 states an upper bound, which may be anything
};

static const void *find(EFI_GUID guid)
{
    for (UINTN i = 0; i < bf_efi_system->NumberOfTableEntries; i++) {
        const EFI_CONFIGURATION_TABLE *entry = &bf_efi_system->ConfigurationTable[i];
        if (memcmp(&entry->VendorGuid, &guid, sizeof guid) == 0)
            return entry->VendorTable;
    }
    return NULL;
}

enum bf_err bf_smbios_efi_table(const void **table, size_t *len)
{
    struct bf_smbios_entry entry;
    const void *at = find((EFI_GUID)SMBIOS3_TABLE_GUID);
    *table = NULL;
    *len = 0;
    if (!at)
        at = find((EFI_GUID)SMBIOS_TABLE_GUID);
    if (!at)
        return BF_ERR_NOT_FOUND;
    enum bf_err err = bf_smbios_entry_parse(at, ENTRY_BYTES, &entry);
    if (err != BF_OK)
        return err;
    *table = (const void *)(uintptr_t)entry.address;
    *len = entry.length < TABLE_MAX ? entry.length : TABLE_MAX;
    return BF_OK;
}
