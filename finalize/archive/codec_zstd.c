// SPDX-License-Identifier: Apache-2.0
// zstd (RFC 8878), one frame.
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "finalize/archive/codec.h"

#define OUT ((size_t)256 << 10)

static enum bf_err error_of(size_t rc)
{
    switch (ZSTD_getErrorCode(rc)) {
    case ZSTD_error_memory_allocation:
        return BF_ERR_NO_MEMORY;
    case ZSTD_error_frameParameter_windowTooLarge:
        return BF_ERR_LIMIT;
    default:
        return BF_ERR_CORRUPT;
    }
}

static enum bf_err decode(struct bf_unpack *u, ZSTD_DStream *z, unsigned char *bytes)
{
    for (;;) {
        size_t got;
        const unsigned char *data = bf_intake_peek(u->in, 1, &got);
        ZSTD_inBuffer in = {data, got, 0};
        ZSTD_outBuffer out = {bytes, OUT, 0};
        size_t rc = ZSTD_decompressStream(z, &out, &in);
        bf_intake_take(u->in, in.pos);
        if (out.pos && !u->sink(u->arg, bytes, out.pos))
            return BF_OK;
        if (ZSTD_isError(rc))
            return error_of(rc);
        if (rc == 0)
            return BF_OK;
        if (!got && !out.pos)
            return BF_ERR_CORRUPT;
    }
}

static enum bf_err run(struct bf_unpack *u)
{
    unsigned char *out = malloc(OUT);
    ZSTD_DStream *z = ZSTD_createDStream();
    enum bf_err err = BF_ERR_NO_MEMORY;
    if (out && z) {
        ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, BF_CODEC_WINDOW_LOG);
        err = decode(u, z, out);
    }
    ZSTD_freeDStream(z);
    free(out);
    return err;
}

const struct bf_compression bf_codec_zstd = {"zstd", {0x28, 0xb5}, run};
