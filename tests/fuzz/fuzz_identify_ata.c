// SPDX-License-Identifier: Apache-2.0
// ATA: the input as what a disk says about itself and its locks, as its log of a failed command,
// and as the frame that ends a command.
#include <stdlib.h>
#include <string.h>

#include "drivers/ata.h"
#include "drivers/identify.h"
#include "drivers/tcg.h"
#include "image/block.h"
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
    seed[99] = 0x03; // DMA and LBA
    seed[150] = 31;
    seed[153] = 0x01;
    seed[167] = 0x44; // 48-bit addresses
    seed[202] = 1;
    seed[213] = 0x50; // blocks of 4096
    seed[235] = 0x08;
    fuzz_seed(*argc, *argv, 0, seed, sizeof seed);
    memset(seed, 0, sizeof seed);
    seed[0] = 5;
    seed[511] = 251;
    fuzz_seed(*argc, *argv, 1, seed, sizeof seed);
    memset(seed, 0, sizeof seed);
    seed[3] = 72;
    memcpy(seed + 48, "\0\1\x10\4\1\0\0\0\0\2\x10\x0c\x1b", 13);
    fuzz_seed(*argc, *argv, 2, seed, sizeof seed);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_disk_identity id = {0};
    struct bf_ata_disk disk;
    uint32_t tag = 0;
    bf_identify_ata(data, size, &id);
    fuzz_identity_judge(&id);
    if (bf_ata_parse(data, size, &disk) == BF_OK && (disk.depth > 32 || size < BF_ATA_PAGE_BYTES))
        abort();
    if (bf_ata_failed_tag(data, size, &tag) == BF_OK && tag > 31)
        abort();
    if (bf_tcg_notes(data, size) & ~(uint32_t)(BF_DISK_LOCKED | BF_DISK_SHADOWED))
        abort();
    if (bf_ata_native_blocks(data, size) > 1ull << 48)
        abort();
    return 0;
}
