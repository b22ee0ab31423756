// SPDX-License-Identifier: Apache-2.0
// LZ4 blocks (LZ4_Block_format.md) and zstd frames (RFC 8878) behind migrate/compress.h. The zstd
// contexts live in memory that is measured and allocated once, so that neither a large window in a
// hostile frame nor a level can make it grow.
#include "migrate/compress.h"

#define ZSTD_STATIC_LINKING_ONLY
#define ZSTD_DISABLE_DEPRECATE_WARNINGS // ZSTD_compress_advanced, see compress_zstd
#include <lz4.h>
#include <zstd.h>

#include "base/assert.h"
#include "base/mem.h"

enum { ZSTD_LEVEL_MAX = 3 };

struct bf_compressor {
    ZSTD_CCtx *zstd;
    void *lz4;
};

struct bf_decompressor {
    ZSTD_DCtx *zstd;
};

static size_t align16(size_t n)
{
    return (n + 15) & ~(size_t)15;
}

struct bf_compressor *bf_compressor_new(void)
{
    size_t head = align16(sizeof(struct bf_compressor)),
           zstd = align16(ZSTD_estimateCCtxSize(ZSTD_LEVEL_MAX));
    struct bf_compressor *c = bf_alloc(head + zstd + align16((size_t)LZ4_sizeofState()));
    if (!c)
        return NULL;
    c->zstd = ZSTD_initStaticCCtx((uint8_t *)c + head, zstd);
    c->lz4 = (uint8_t *)c + head + zstd;
    if (c->zstd)
        return c;
    bf_free(c);
    return NULL;
}

void bf_compressor_free(struct bf_compressor *c)
{
    bf_free(c);
}

// ZSTD_compress2 makes the same frame by way of the streaming interface, which is 10 KiB of code.
static size_t compress_zstd(struct bf_compressor *c, int level, void *out, size_t size,
                            const void *in, size_t len)
{
    ZSTD_parameters parameters = ZSTD_getParams(level, len, 0);
    parameters.fParams.contentSizeFlag = 0;
    size_t n = ZSTD_compress_advanced(c->zstd, out, size, in, len, NULL, 0, parameters);
    BF_ASSERT(ZSTD_isError(n) || n <= size);
    return ZSTD_isError(n) ? 0 : n;
}

size_t bf_compress(struct bf_compressor *c, enum bf_codec codec, int level, void *out, size_t size,
                   const void *in, size_t len)
{
    int n;
    if (len > BF_DATA_MAX || size < 2 || size > INT32_MAX)
        return 0;
    switch (codec) {
    case BF_CODEC_LZ4:
        n = LZ4_compress_fast_extState(c->lz4, in, out, (int)len, (int)size - 1, 1);
        BF_ASSERT(n < (int)size);
        return n > 0 ? (size_t)n : 0;
    case BF_CODEC_ZSTD:
        if (level < 1 || level > ZSTD_LEVEL_MAX)
            level = 1;
        return compress_zstd(c, level, out, size - 1, in, len);
    default:
        return 0;
    }
}

struct bf_decompressor *bf_decompressor_new(void)
{
    size_t head = align16(sizeof(struct bf_decompressor)), zstd = align16(ZSTD_estimateDCtxSize());
    struct bf_decompressor *d = bf_alloc(head + zstd);
    if (!d)
        return NULL;
    d->zstd = ZSTD_initStaticDCtx((uint8_t *)d + head, zstd);
    if (d->zstd)
        return d;
    bf_free(d);
    return NULL;
}

void bf_decompressor_free(struct bf_decompressor *d)
{
    bf_free(d);
}

enum bf_err bf_decompress(struct bf_decompressor *d, enum bf_codec codec, void *out, size_t raw_len,
                          const void *in, size_t len)
{
    size_t n;
    if (raw_len > BF_DATA_MAX || len > BF_DATA_MAX)
        return BF_ERR_CORRUPT;
    switch (codec) {
    case BF_CODEC_LZ4:
        return LZ4_decompress_safe(in, out, (int)len, (int)raw_len) == (int)raw_len
                   ? BF_OK
                   : BF_ERR_CORRUPT;
    case BF_CODEC_ZSTD:
        n = ZSTD_decompressDCtx(d->zstd, out, raw_len, in, len);
        return !ZSTD_isError(n) && n == raw_len ? BF_OK : BF_ERR_CORRUPT;
    default:
        return BF_ERR_CORRUPT;
    }
}
