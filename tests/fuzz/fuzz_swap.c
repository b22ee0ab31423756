// SPDX-License-Identifier: Apache-2.0
// Swap headers, and the identify data of disks: bytes that a disk gives.
#include <stdlib.h>
#include <string.h>

#include "drivers/identify.h"
#include "image/swap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_disk_identity id = {0};
    struct bf_swap swap;
    bf_swap_probe(data, size, &swap);
    if (swap.kind != BF_SWAP_NONE && swap.page_size > size)
        abort();
    for (size_t before = 0; before <= size; before += 512)
        if (bf_swap_find_hibernated(data + before, before, size - before) > size - before)
            abort();
    bf_identify_ata(data, size, &id);
    bf_identify_inquiry(data, size, &id);
    bf_identify_vpd_serial(data, size, &id);
    bf_identify_vpd_devices(data, size, &id);
    bf_identify_nvme_controller(data, size, &id);
    bf_identify_nvme_namespace(data, size, &id);
    if (strlen(id.serial) >= sizeof id.serial || strlen(id.wwn) >= sizeof id.wwn)
        abort();
    return 0;
}
