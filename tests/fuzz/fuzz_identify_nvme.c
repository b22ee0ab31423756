// SPDX-License-Identifier: Apache-2.0
// NVMe Identify: the input as what a controller and a namespace say about themselves, and as the
// list of namespaces.
#include <stdlib.h>
#include <string.h>

#include "drivers/identify.h"
#include "drivers/nvme_namespace.h"
#include "tests/fuzz_identity.h"
#include "tests/fuzz_seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Each answer is the next page of the input.
struct pages {
    const uint8_t *data;
    size_t left;
};

static enum bf_err identify(void *impl, uint32_t nsid, uint32_t what, const uint8_t **answer)
{
    struct pages *p = impl;
    (void)nsid;
    (void)what;
    if (p->left < BF_IDENTIFY_NVME_BYTES)
        return BF_ERR_IO;
    *answer = p->data;
    p->data += BF_IDENTIFY_NVME_BYTES;
    p->left -= BF_IDENTIFY_NVME_BYTES;
    return BF_OK;
}

static void list_namespaces(const uint8_t *data, size_t size)
{
    struct pages pages = {.data = data, .left = size};
    struct bf_nvme_asked asked = {.identify = identify, .impl = &pages, .namespaces = 1000};
    struct bf_unit units[8];
    uint32_t count = 0;
    bf_nvme_units(&asked, units, 8, &count);
    for (uint32_t i = 1; i < count && i < 8; i++)
        if (units[i].number <= units[i - 1].number)
            abort();
}

static void judge_format(const uint8_t *data, size_t size)
{
    struct bf_nvme_format f;
    const char *why = bf_nvme_format(data, size, &f);
    if (!why && (f.block_size < 512 || f.block_size > 65536 || f.metadata > 65535 || !f.blocks ||
                 (f.extended && !f.metadata)))
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static uint8_t seed[BF_IDENTIFY_NVME_BYTES];
    memcpy(seed + 4, "serial-1            Model of a disk                         ", 60);
    seed[104] = 1;
    seed[127] = 2;
    fuzz_seed(*argc, *argv, 0, seed, sizeof seed);
    seed[0] = 16; // 16 blocks of 512, with 8 bytes behind each
    seed[26] = 0x10;
    seed[128] = 8;
    seed[130] = 9;
    fuzz_seed(*argc, *argv, 1, seed, sizeof seed);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_disk_identity id = {0};
    bf_identify_nvme_controller(data, size, &id);
    bf_identify_nvme_namespace(data, size, &id);
    fuzz_identity_judge(&id);
    judge_format(data, size);
    list_namespaces(data, size);
    return 0;
}
