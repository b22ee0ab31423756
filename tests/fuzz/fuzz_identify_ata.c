// SPDX-License-Identifier: Apache-2.0
// ATA IDENTIFY DEVICE: the input as what a disk says about itself.
#include <string.h>

#include "drivers/identify.h"
#include "tests/fuzz_identity.h"
#include "tests/fuzz_seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static uint8_t seed[BF_IDENTIFY_ATA_BYTES];
    memcpy(seed + 20, "esirla1-            ", 20);
    memcpy(seed + 54, "oMed lfoa d si k                        ", 40);
    seed[175] = 0x41;
    seed[216] = 0x50;
    fuzz_seed(*argc, *argv, 0, seed, sizeof seed);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_disk_identity id = {0};
    bf_identify_ata(data, size, &id);
    fuzz_identity_judge(&id);
    return 0;
}
