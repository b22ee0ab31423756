// SPDX-License-Identifier: Apache-2.0
// Compressed bodies: first byte the codec, three bytes the length they claim, then the body. No
// more is ever written than was claimed.
#include <stdlib.h>
#include <string.h>

#include "migrate/compress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bf_decompressor *d;
    uint32_t raw_len;
    uint8_t *raw;
    if (!d)
        d = bf_decompressor_new();
    if (size < 4)
        return 0;
    raw_len = (data[1] | (uint32_t)data[2] << 8 | (uint32_t)data[3] << 16) % (BF_DATA_MAX + 1);
    raw = malloc(raw_len ? raw_len : 1); // exactly: a byte too many is seen
    bf_decompress(d, (enum bf_codec)(data[0] % 4), raw, raw_len, data + 4, size - 4);
    free(raw);
    return 0;
}
