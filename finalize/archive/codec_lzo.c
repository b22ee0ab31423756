// SPDX-License-Identifier: Apache-2.0
// The format of lzop: a header, then blocks of LZO1X with lengths and checksums before them, ended
// by a length of zero (lzop's lzop.c and conf.h; lib/decompress_unlzo.c in the kernel's sources).
#include <lzo/lzo1x.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/archive/codec.h"

#define BLOCK_MAX ((size_t)256 << 10) // of the kernel

// Flags of the header.
#define ADLER32_DATA       0x0001u
#define ADLER32_COMPRESSED 0x0002u
#define EXTRA_FIELD        0x0040u
#define CRC32_DATA         0x0100u
#define CRC32_COMPRESSED   0x0200u
#define FILTER             0x0800u

static bool read16(struct bf_unpack *u, uint16_t *out)
{
    unsigned char b[2];
    bool ok = bf_intake_read(u->in, b, sizeof b);
    *out = ok ? bf_be16(b) : 0;
    return ok;
}

static bool read32(struct bf_unpack *u, uint32_t *out)
{
    unsigned char b[4];
    bool ok = bf_intake_read(u->in, b, sizeof b);
    *out = ok ? bf_be32(b) : 0;
    return ok;
}

// Up to the first block.
static bool header(struct bf_unpack *u, uint32_t *flags)
{
    static const unsigned char magic[] = {0x89, 'L', 'Z', 'O', 0, 0x0d, 0x0a, 0x1a, 0x0a};
    unsigned char b[sizeof magic], name;
    uint16_t version;
    uint32_t extra = 0;
    if (!bf_intake_read(u->in, b, sizeof b) || memcmp(b, magic, sizeof b) != 0 ||
        !read16(u, &version))
        return false;
    bool newer = version >= 0x0940; // it has the version that is needed, the level, and a wide time
    if (!bf_intake_skip(u->in, newer ? 2 + 2 + 1 + 1 : 2 + 1) || !read32(u, flags))
        return false;
    uint64_t rest = (*flags & FILTER ? 4 : 0) + 4 + (newer ? 8 : 4);
    if (!bf_intake_skip(u->in, rest) || !bf_intake_read(u->in, &name, 1) ||
        !bf_intake_skip(u->in, name + 4u))
        return false;
    return !(*flags & EXTRA_FIELD) || (read32(u, &extra) && bf_intake_skip(u->in, extra + 4ULL));
}

// The checksums are skipped: the kernel does not look at them either.
static bool skip_sums(struct bf_unpack *u, uint32_t flags, bool stored)
{
    uint64_t n = (flags & ADLER32_DATA ? 4 : 0) + (flags & CRC32_DATA ? 4 : 0);
    if (!stored)
        n += (flags & ADLER32_COMPRESSED ? 4 : 0) + (flags & CRC32_COMPRESSED ? 4 : 0);
    return bf_intake_skip(u->in, n);
}

static enum bf_err blocks(struct bf_unpack *u, uint32_t flags, unsigned char *in,
                          unsigned char *out)
{
    for (;;) {
        uint32_t full, packed;
        if (!read32(u, &full))
            return BF_ERR_CORRUPT;
        if (full == 0)
            return BF_OK;
        if (full > BLOCK_MAX || !read32(u, &packed) || packed == 0 || packed > full ||
            !skip_sums(u, flags, packed == full) || !bf_intake_read(u->in, in, packed))
            return BF_ERR_CORRUPT;
        lzo_uint n = full;
        if (packed < full &&
            (lzo1x_decompress_safe(in, packed, out, &n, NULL) != LZO_E_OK || n != full))
            return BF_ERR_CORRUPT;
        if (!u->sink(u->arg, packed < full ? out : in, full))
            return BF_OK;
    }
}

static enum bf_err run(struct bf_unpack *u)
{
    uint32_t flags = 0;
    if (!header(u, &flags))
        return BF_ERR_CORRUPT;
    unsigned char *in = malloc(BLOCK_MAX), *out = malloc(BLOCK_MAX);
    enum bf_err err = in && out ? blocks(u, flags, in, out) : BF_ERR_NO_MEMORY;
    free(in);
    free(out);
    return err;
}

const struct bf_compression bf_codec_lzo = {"lzo", {0x89, 'L'}, run};
