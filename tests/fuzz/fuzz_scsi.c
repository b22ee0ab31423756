// SPDX-License-Identifier: Apache-2.0
// What a SCSI unit and a target answer, all of it hostile: each answer of the asking is the next
// piece of the input, after a byte with its length; then the rest as sense data.
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "drivers/scsi.h"
#include "drivers/scsi_units.h"
#include "tests/fuzz_identity.h"
#include "tests/fuzz_seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum bf_err ask(void *impl, const uint8_t cdb[BF_SCSI_CDB_BYTES], uint32_t bytes,
                       const uint8_t **answer, uint32_t *got)
{
    struct bf_reader *r = impl;
    static uint8_t copy[BF_SCSI_ANSWER_BYTES];
    uint32_t len = bf_get_u8(r);
    (void)cdb;
    if (len > bytes || len > bf_reader_left(r))
        return BF_ERR_IO;
    memset(copy, 0xa5, sizeof copy);
    bf_get_bytes(r, copy + sizeof copy - len, len); // so that reading on leaves the buffer
    *answer = copy + sizeof copy - len;
    *got = len;
    return BF_OK;
}

static enum bf_err ask_target(void *impl, uint32_t target, uint32_t lun,
                              const uint8_t cdb[BF_SCSI_CDB_BYTES], uint32_t bytes,
                              const uint8_t **answer, uint32_t *got)
{
    if (target != 3 || lun > BF_SCSI_LUN_MAX || bytes > BF_SCSI_LUNS_BYTES)
        abort();
    return ask(impl, cdb, bytes, answer, got);
}

// Which units there are; then the one that the rest describes.
static void list_units(struct bf_reader *r)
{
    struct bf_scsi_host host = {.ask = ask_target, .impl = r};
    struct bf_unit units[8];
    uint32_t count = 0;
    bf_scsi_units(&host, 3, units, 8, &count);
    if (count > 1 + BF_SCSI_LUN_MAX)
        abort();
    for (uint32_t i = 0; i < count && i < 8; i++)
        if (units[i].number >> 16 != (BF_UNIT_SCSI | 3 << 16) >> 16)
            abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static uint8_t seed[512];
    struct bf_writer w;
    static const char pages[] = "\x08\0\0\0\4\0\x80\x83\xb0\x08\0\x80\0\4abcd"
                                "\x10\0\x83\0\x0c\1\3\0\x08\x50\1\x40\x50\0\0\0\1"
                                "\x0c\0\xb0\0\x3c\0\0\0\0\0\0\4\0";
    static const char capacities[] = "\x08\xff\xff\xff\xff\0\0\2\0"
                                     "\x20\0\0\0\1\0\0\0\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                     "\0\0\0\0\0";
    static const char luns[] = "\0\0\0\x20\0\0\0\0"
                               "\0\0\0\0\0\0\0\0\x41\x2c\0\0\0\0\0\0"
                               "\xd2\0\1\0\0\0\0\0\xd2\1\0\0\0\0\0";
    uint8_t *standard;
    bf_writer_init(&w, seed, sizeof seed);
    bf_put_u8(&w, 36);
    standard = bf_put_space(&w, 36);
    memset(standard, 0, 36);
    memcpy(standard + 8, "MAKER   A disk          ", 24);
    bf_put_bytes(&w, pages, sizeof pages - 1);
    bf_put_bytes(&w, capacities, sizeof capacities - 1);
    bf_put_bytes(&w, "\x70\0\6\0\0\0\0\x0a\0\0\0\0\x29", 13);
    fuzz_seed(*argc, *argv, 0, seed, bf_writer_len(&w));
    bf_writer_init(&w, seed, sizeof seed);
    bf_put_u8(&w, sizeof luns - 1);
    bf_put_bytes(&w, luns, sizeof luns - 1);
    bf_put_bytes(&w, "\1\0\1\x14\1\x7f", 6);
    fuzz_seed(*argc, *argv, 1, seed, bf_writer_len(&w));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_reader r;
    struct bf_scsi_carrier carrier = {.ask = ask, .impl = &r};
    struct bf_block_geometry g = {.alignment = 1, .depth = 1};
    struct bf_disk_identity id = {0};
    enum bf_err err;
    bf_reader_init(&r, data, size);
    list_units(&r);
    bf_reader_init(&r, data, size);
    err = bf_scsi_look(&carrier, &g, &id);
    if (err == BF_AGAIN || err == BF_ERR_BUSY)
        abort();
    fuzz_identity_judge(&id);
    size_t left = bf_reader_left(&r);
    uint8_t *sense = malloc(left ? left : 1);
    if (!sense)
        abort();
    bf_get_bytes(&r, sense, left);
    err = bf_scsi_classify(2, sense, left);
    if (err && err != BF_AGAIN && err != BF_ERR_BUSY && err != BF_ERR_IO && err != BF_ERR_MEDIA)
        abort();
    free(sense);
    return 0;
}
