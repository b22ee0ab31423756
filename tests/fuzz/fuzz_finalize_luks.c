// SPDX-License-Identifier: Apache-2.0
// Any bytes as the header of a LUKS device, as they are and with a magic and a size put in. What is
// read of it keeps its bounds.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/archive/luks.h"

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

// LUKS2: the input is the JSON. LUKS1: it is the area behind a header with one key slot.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t head[4096 + 65536];
    read_it(data, size);
    if (size > 65536)
        size = 65536;
    for (uint8_t version = 1; version <= 2; version++) {
        memset(head, 0, 4096);
        memcpy(head, "LUKS\xba\xbe\0", 7);
        head[7] = version;
        head[12] = (uint8_t)((4096 + size) >> 24);
        head[13] = (uint8_t)((4096 + size) >> 16);
        head[14] = (uint8_t)((4096 + size) >> 8);
        head[15] = (uint8_t)(4096 + size);
        if (version == 1) {
            head[106] = 1; // the data begins at 128 KiB
            head[251] = 7; // the slot's material at sector 7
        }
        memcpy(head + 4096, data, size);
        if (version == 1 && size >= 8)
            memcpy(head + 4096, "LUKSMETA", 8);
        read_it(head, 4096 + size);
    }
    return 0;
}
