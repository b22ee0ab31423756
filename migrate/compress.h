// SPDX-License-Identifier: Apache-2.0
// Compression of DATA bodies. migrate/compress.c is the only file that includes LZ4 and zstd. Both
// contexts are one allocation each, made once; nothing is allocated while copying.
#ifndef BF_MIGRATE_COMPRESS_H
#define BF_MIGRATE_COMPRESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/proto/proto.h"

struct bf_compressor;
struct bf_decompressor;

// NULL without memory. Free takes NULL.
struct bf_compressor *bf_compressor_new(void);
void bf_compressor_free(struct bf_compressor *c);

// Compresses len bytes (<= BF_DATA_MAX) into out. Returns the length, or 0 when the result would
// not be smaller than size bytes. level is zstd's, 1..3; LZ4 ignores it.
size_t bf_compress(struct bf_compressor *c, enum bf_codec codec, int level, void *out, size_t size,
                   const void *in, size_t len);

struct bf_decompressor *bf_decompressor_new(void);
void bf_decompressor_free(struct bf_decompressor *d);

// Decompresses hostile bytes into exactly raw_len bytes. BF_ERR_CORRUPT when they are anything
// else; no more than raw_len bytes are ever written.
enum bf_err bf_decompress(struct bf_decompressor *d, enum bf_codec codec, void *out, size_t raw_len,
                          const void *in, size_t len);

#endif
