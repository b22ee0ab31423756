// SPDX-License-Identifier: Apache-2.0
// Connecting all controllers (UEFI 2.10, 7.3, ConnectController).
#include "drivers/connect_efi.h"

#include "drivers/handles_efi.h"
#include "drivers/scsibus_efi.h"

void bf_efi_connect_all(void)
{
    EFI_HANDLE *handles = NULL;
    UINTN count = 0;
    if (bf_efi_boot->LocateHandleBuffer(AllHandles, NULL, NULL, &count, &handles) != EFI_SUCCESS)
        return;
    // Most handles are no controllers, and failing to connect them is the usual answer.
    for (UINTN i = 0; i < count; i++)
        bf_efi_boot->ConnectController(handles[i], NULL, NULL, TRUE);
    bf_efi_free(handles);
    bf_scsibus_mend_all();
}
