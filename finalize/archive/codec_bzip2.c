// SPDX-License-Identifier: Apache-2.0
// bzip2, one stream.
#include <bzlib.h>
#include <stdint.h>
#include <stdlib.h>

#include "finalize/archive/codec.h"

#define OUT ((size_t)256 << 10)

static enum bf_err error_of(int rc)
{
    return rc == BZ_STREAM_END ? BF_OK : rc == BZ_MEM_ERROR ? BF_ERR_NO_MEMORY : BF_ERR_CORRUPT;
}

static enum bf_err decode(struct bf_unpack *u, bz_stream *z, char *out)
{
    for (;;) {
        size_t got;
        const unsigned char *in = bf_intake_peek(u->in, 1, &got);
        z->next_in = (char *)(uintptr_t)in; // the library only reads it
        z->avail_in = (unsigned)got;
        z->next_out = out;
        z->avail_out = (unsigned)OUT;
        int rc = BZ2_bzDecompress(z);
        bf_intake_take(u->in, got - z->avail_in);
        if (z->avail_out < OUT && !u->sink(u->arg, out, OUT - z->avail_out))
            return BF_OK;
        if (rc != BZ_OK)
            return error_of(rc);
        if (!got && z->avail_out == OUT)
            return BF_ERR_CORRUPT;
    }
}

static enum bf_err run(struct bf_unpack *u)
{
    bz_stream z = {0};
    char *out = malloc(OUT);
    enum bf_err err = BF_ERR_NO_MEMORY;
    if (out && BZ2_bzDecompressInit(&z, 0, 0) == BZ_OK) {
        err = decode(u, &z, out);
        BZ2_bzDecompressEnd(&z);
    }
    free(out);
    return err;
}

const struct bf_compression bf_codec_bzip2 = {"bzip2", {'B', 'Z'}, run};
