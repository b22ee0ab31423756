// SPDX-License-Identifier: Apache-2.0
// The compressions that the kernel knows for an initramfs (lib/decompress.c in its sources), each
// unpacked by its own library. Memory is bounded: windows beyond 128 MiB are refused, as the kernel
// does.
#ifndef BF_FINALIZE_ARCHIVE_CODEC_H
#define BF_FINALIZE_ARCHIVE_CODEC_H

#include "finalize/archive/intake.h"

#define BF_CODEC_MEMORY     ((uint64_t)128 << 20)
#define BF_CODEC_WINDOW_LOG 27

// What one run of a codec works on.
struct bf_unpack {
    struct bf_intake *in;
    // Takes what was unpacked; false: no more is wanted.
    bool (*sink)(void *arg, const void *data, size_t len);
    void *arg;
};

struct bf_compression {
    const char *name;
    unsigned char magic[2];
    // Unpacks what begins at the source, up to its end or until the sink wants no more, and leaves
    // the source behind it. BF_ERR_CORRUPT, BF_ERR_LIMIT (too much memory), BF_ERR_NO_MEMORY.
    enum bf_err (*run)(struct bf_unpack *u);
};

// The rows; gzip has two magics.
#define BF_CODECS(ROW)                                                                             \
    ROW(bf_codec_gzip)                                                                             \
    ROW(bf_codec_gzip_old)                                                                         \
    ROW(bf_codec_zstd)                                                                             \
    ROW(bf_codec_xz)                                                                               \
    ROW(bf_codec_lzma)                                                                             \
    ROW(bf_codec_lz4)                                                                              \
    ROW(bf_codec_bzip2)                                                                            \
    ROW(bf_codec_lzo)

#define BF_CODEC(row) extern const struct bf_compression row;
BF_CODECS(BF_CODEC)

// The codec of data that begins with these bytes, or NULL.
const struct bf_compression *bf_codec_find(const unsigned char *data, size_t len);

#endif
