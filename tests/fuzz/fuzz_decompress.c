// SPDX-License-Identifier: Apache-2.0
// Compressed bodies: first byte the codec, three bytes the length they claim, then the body. No
// more is ever written than was claimed.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "migrate/compress.h"
#include "tests/fuzz_seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char text[] = "to be compressed, to be compressed, to be compressed, and again";
    struct bf_compressor *c = bf_compressor_new();
    for (uint8_t codec = BF_CODEC_LZ4; codec <= BF_CODEC_ZSTD; codec++) {
        uint8_t seed[256] = {codec, sizeof text};
        size_t len =
            bf_compress(c, (enum bf_codec)codec, 1, seed + 4, sizeof seed - 4, text, sizeof text);
        fuzz_seed(*argc, *argv, codec, seed, len + 4);
    }
    bf_compressor_free(c);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bf_decompressor *d;
    uint32_t raw_len;
    uint8_t *raw;
    if (!d)
        d = bf_decompressor_new();
    if (size < 4)
        return 0;
    raw_len = (uint32_t)bf_le(data + 1, 3) % (BF_DATA_MAX + 1);
    raw = malloc(raw_len ? raw_len : 1); // exactly: a byte too many is seen
    bf_decompress(d, (enum bf_codec)(data[0] % 4), raw, raw_len, data + 4, size - 4);
    free(raw);
    return 0;
}
