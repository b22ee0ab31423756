// SPDX-License-Identifier: Apache-2.0
// gzip (RFC 1952), one member; the kernel takes a second one for a further archive, too.
#include <stdlib.h>
#include <zlib.h>

#include "finalize/archive/codec.h"

#define OUT ((size_t)256 << 10)

static enum bf_err error_of(int rc)
{
    return rc == Z_STREAM_END ? BF_OK : rc == Z_MEM_ERROR ? BF_ERR_NO_MEMORY : BF_ERR_CORRUPT;
}

static enum bf_err inflate_all(struct bf_unpack *u, z_stream *z, unsigned char *out)
{
    for (;;) {
        size_t got;
        const unsigned char *in = bf_intake_peek(u->in, 1, &got);
        if (!got)
            return BF_ERR_CORRUPT;
        z->next_in = (unsigned char *)(uintptr_t)in; // zlib only reads it
        z->avail_in = (uInt)got;
        z->next_out = out;
        z->avail_out = (uInt)OUT;
        int rc = inflate(z, Z_NO_FLUSH);
        bf_intake_take(u->in, got - z->avail_in);
        if (z->avail_out < OUT && !u->sink(u->arg, out, OUT - z->avail_out))
            return BF_OK;
        if (rc != Z_OK && rc != Z_BUF_ERROR)
            return error_of(rc);
    }
}

static enum bf_err run(struct bf_unpack *u)
{
    z_stream z = {0};
    unsigned char *out = malloc(OUT);
    enum bf_err err = BF_ERR_NO_MEMORY;
    if (out && inflateInit2(&z, MAX_WBITS + 16) == Z_OK) {
        err = inflate_all(u, &z, out);
        inflateEnd(&z);
    }
    free(out);
    return err;
}

const struct bf_compression bf_codec_gzip = {"gzip", {0x1f, 0x8b}, run};
const struct bf_compression bf_codec_gzip_old = {"gzip", {0x1f, 0x9e}, run};
