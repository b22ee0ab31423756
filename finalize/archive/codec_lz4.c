// SPDX-License-Identifier: Apache-2.0
// LZ4's legacy frames, the only ones that the kernel reads: blocks of up to 8 MiB, each with the
// length of its compressed bytes before it. Nothing marks the end: it is where the input ends, or,
// for kernels since 5.14, a length of zero; a magic in place of a length begins another frame.
#include <lz4.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "finalize/archive/codec.h"

#define MAGIC 0x184c2102u
#define BLOCK ((size_t)8 << 20)

// One block. The input's buffer has room for what the largest can be.
static enum bf_err block(struct bf_unpack *u, char *in, uint32_t len, char *out, bool *more)
{
    if (len > (uint32_t)LZ4_COMPRESSBOUND(BLOCK) || !bf_intake_read(u->in, in, len))
        return BF_ERR_CORRUPT;
    int n = LZ4_decompress_safe(in, out, (int)len, (int)BLOCK);
    if (n < 0)
        return BF_ERR_CORRUPT;
    *more = u->sink(u->arg, out, (size_t)n);
    return BF_OK;
}

static enum bf_err blocks(struct bf_unpack *u, char *in, char *out)
{
    bool more = true;
    enum bf_err err = BF_OK;
    bf_intake_take(u->in, 4);
    while (more && !err) {
        size_t got;
        const unsigned char *head = bf_intake_peek(u->in, 4, &got);
        uint32_t len = got < 4 ? 0 : bf_le32(head);
        if (len == 0)
            return BF_OK;
        bf_intake_take(u->in, 4);
        if (len != MAGIC)
            err = block(u, in, len, out, &more);
    }
    return err;
}

static enum bf_err run(struct bf_unpack *u)
{
    size_t got;
    const unsigned char *head = bf_intake_peek(u->in, 4, &got);
    if (got < 4 || bf_le32(head) != MAGIC)
        return BF_ERR_CORRUPT;
    char *in = malloc(LZ4_COMPRESSBOUND(BLOCK)), *out = malloc(BLOCK);
    enum bf_err err = in && out ? blocks(u, in, out) : BF_ERR_NO_MEMORY;
    free(in);
    free(out);
    return err;
}

const struct bf_compression bf_codec_lz4 = {"lz4", {0x02, 0x21}, run};
