// SPDX-License-Identifier: Apache-2.0
// Partition tables: the first byte chooses the block size, the rest is the disk, followed
// by zeros. Another bit of it makes checksums of a GPT right, so that what is behind them is
// reached. Every partition that is told lies within the disk.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "image/parttab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What reading a table may take at most: see image/usage/scan.c.
enum { WORK_MAX = 64 << 20, READ_COST = 64 };

struct input {
    const uint8_t *data;
    size_t size;
    uint64_t work;
};

static enum bf_err read_input(void *impl, uint64_t offset, void *out, size_t len)
{
    struct input *in = impl;
    in->work += len + READ_COST;
    memset(out, 0, len);
    if (offset < in->size)
        memcpy(out, in->data + offset, in->size - offset < len ? in->size - offset : len);
    return BF_OK;
}

// Makes a protective record and a header of what is in the second block.
static void repair(uint8_t *data, size_t size, uint32_t block_size)
{
    uint8_t *h = data + block_size;
    if (block_size < 512 || size < 2 * (size_t)block_size)
        return;
    for (size_t i = 446; i < 510; i += 16)
        data[i] = 0;
    data[450] = 0xee;
    bf_put_le16(data + 510, 0xaa55);
    memcpy(h, "EFI PART", 8);
    bf_put_le32(h + 12, 92);
    bf_put_le32(h + 16, 0);
    bf_put_le64(h + 24, 1);
    if (data[0] & 1) { // and the place of the array plausible
        bf_put_le64(h + 72, 2 + h[72] % 3);
        bf_put_le32(h + 80, h[80] % 32);
        bf_put_le32(h + 84, 128u << h[84] % 4);
    }
    uint64_t at = bf_le64(h + 72), bytes = (uint64_t)bf_le32(h + 80) * bf_le32(h + 84);
    if (at > 1 && at <= size / block_size && bytes <= size - at * block_size)
        bf_put_le32(h + 88, bf_crc32(data + at * block_size, (size_t)bytes));
    bf_put_le32(h + 16, bf_crc32(h, 92));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t copy[1 << 20];
    static struct bf_parttab table;
    if (!size || size > sizeof copy)
        return 0;
    uint32_t block_size = 256u << data[0] % 10;
    struct input in = {copy, size - 1, 0};
    memcpy(copy, data + 1, size - 1);
    if (data[0] & 64)
        repair(copy, size - 1, block_size);
    struct bf_bytes disk = {.read = read_input,
                            .impl = &in,
                            .bytes = size - 1 + (data[0] >= 128 ? 0 : 65536),
                            .block_size = block_size};
    enum bf_err err = bf_parttab_read(&disk, &table);
    if (in.work > WORK_MAX)
        abort();
    if (table.count > BF_PARTITIONS_MAX || table.extendeds > BF_EXTENDED_MAX)
        abort();
    for (uint32_t i = 0; !err && i < table.count; i++) {
        const struct bf_partition *p = &table.partition[i];
        if (p->first > disk.bytes || p->bytes > disk.bytes - p->first)
            abort();
    }
    for (uint32_t i = 0; !err && i < table.spans; i++)
        if (table.span[i].first > disk.bytes ||
            table.span[i].bytes > disk.bytes - table.span[i].first + block_size)
            abort();
    bf_parttab_free(&table);
    return 0;
}
