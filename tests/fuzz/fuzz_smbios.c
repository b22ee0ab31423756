// SPDX-License-Identifier: Apache-2.0
// SMBIOS: the input as an entry point and as a table.
#include <stdlib.h>
#include <string.h>

#include "base/smbios.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum bf_err count(void *user, const char *text)
{
    *(size_t *)user += strlen(text) + 1;
    return BF_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_smbios_entry entry;
    struct bf_smbios_facts facts;
    size_t bytes = 0;
    bf_smbios_entry_parse(data, size, &entry);
    bf_smbios_facts(data, size, &facts);
    bf_smbios_oem_strings(data, size, count, &bytes);
    if (bytes > size)
        abort();
    return 0;
}
