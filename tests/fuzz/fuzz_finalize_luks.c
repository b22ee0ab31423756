// SPDX-License-Identifier: Apache-2.0
// Any bytes as the header of a LUKS device, as they are and with a magic, a size and a checksum put
// in, as the first copy or as the second. What is read of it keeps its bounds.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/archive/luks.h"

#include "tests/luks_copy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_it(const uint8_t *data, size_t size)
{
    struct bf_luks luks;
    if (bf_luks_read(data, size, &luks))
        return;
    if (luks.version < 1 || luks.version > 2 || luks.bounds > BF_LUKS_BOUNDS ||
        luks.free_slots > luks.slots || !memchr(luks.uuid, 0, sizeof luks.uuid))
        abort();
    for (size_t i = 0; i < luks.bounds; i++)
        if (!luks.bound[i].by[0] || !memchr(luks.bound[i].by, 0, sizeof luks.bound[i].by))
            abort();
}

// A copy of a LUKS2 header whose JSON is the input.
static void read_copy(uint8_t *at, size_t offset, const uint8_t *data, size_t size)
{
    static const uint8_t magic[2][6] = {{'L', 'U', 'K', 'S', 0xba, 0xbe},
                                        {'S', 'K', 'U', 'L', 0xba, 0xbe}};
    size_t whole = offset ? offset : 4096 + size;
    memset(at, 0, offset + whole);
    memcpy(at + offset, magic[offset != 0], 6);
    at[offset + 7] = 2;
    memcpy(at + offset + 4096, data, size);
    luks_seal(at, offset, whole, "sha256");
    read_it(at, offset + whole);
}

// LUKS2: the input is the JSON. LUKS1: it is the area behind a header with one key slot.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t head[4096 + 65536];
    read_it(data, size);
    if (size > 65536)
        size = 65536;
    if (size > 0)
        read_copy(head, 0, data, size);
    if (size <= 16384 - 4096)
        read_copy(head, 16384, data, size);
    memset(head, 0, 4096);
    memcpy(head, "LUKS\xba\xbe\0\1", 8);
    head[106] = 1; // the data begins at 128 KiB
    head[251] = 7; // the slot's material at sector 7
    memcpy(head + 4096, data, size);
    if (size >= 8)
        memcpy(head + 4096, "LUKSMETA", 8);
    read_it(head, 4096 + size);
    return 0;
}
