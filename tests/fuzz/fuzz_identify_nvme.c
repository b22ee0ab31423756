// SPDX-License-Identifier: Apache-2.0
// NVMe Identify: the input as what a controller and a namespace say about themselves.
#include <string.h>

#include "drivers/identify.h"
#include "tests/fuzz_identity.h"
#include "tests/fuzz_seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static uint8_t seed[BF_IDENTIFY_NVME_BYTES];
    memcpy(seed + 4, "serial-1            Model of a disk                         ", 60);
    seed[104] = 1;
    seed[127] = 2;
    fuzz_seed(*argc, *argv, 0, seed, sizeof seed);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_disk_identity id = {0};
    bf_identify_nvme_controller(data, size, &id);
    bf_identify_nvme_namespace(data, size, &id);
    fuzz_identity_judge(&id);
    return 0;
}
