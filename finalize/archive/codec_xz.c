// SPDX-License-Identifier: Apache-2.0
// xz, one stream, and the older lzma format.
#include <lzma.h>
#include <stdlib.h>

#include "finalize/archive/codec.h"

#define OUT ((size_t)256 << 10)

static enum bf_err error_of(lzma_ret rc)
{
    switch (rc) {
    case LZMA_STREAM_END:
        return BF_OK;
    case LZMA_MEM_ERROR:
        return BF_ERR_NO_MEMORY;
    case LZMA_MEMLIMIT_ERROR:
        return BF_ERR_LIMIT;
    default:
        return BF_ERR_CORRUPT;
    }
}

static enum bf_err decode(struct bf_unpack *u, lzma_stream *z, unsigned char *out)
{
    for (;;) {
        size_t got;
        z->next_in = bf_intake_peek(u->in, 1, &got);
        z->avail_in = got;
        z->next_out = out;
        z->avail_out = OUT;
        lzma_ret rc = lzma_code(z, got ? LZMA_RUN : LZMA_FINISH);
        bf_intake_take(u->in, got - z->avail_in);
        if (z->avail_out < OUT && !u->sink(u->arg, out, OUT - z->avail_out))
            return BF_OK;
        if (rc != LZMA_OK)
            return error_of(rc);
    }
}

static enum bf_err run(struct bf_unpack *u, bool alone)
{
    lzma_stream z = LZMA_STREAM_INIT;
    unsigned char *out = malloc(OUT);
    enum bf_err err = BF_ERR_NO_MEMORY;
    if (out && (alone ? lzma_alone_decoder(&z, BF_CODEC_MEMORY)
                      : lzma_stream_decoder(&z, BF_CODEC_MEMORY, 0)) == LZMA_OK)
        err = decode(u, &z, out);
    lzma_end(&z);
    free(out);
    return err;
}

static enum bf_err run_xz(struct bf_unpack *u)
{
    return run(u, false);
}

static enum bf_err run_lzma(struct bf_unpack *u)
{
    return run(u, true);
}

const struct bf_compression bf_codec_xz = {"xz", {0xfd, '7'}, run_xz};
const struct bf_compression bf_codec_lzma = {"lzma", {0x5d, 0x00}, run_lzma};
