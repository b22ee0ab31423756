// SPDX-License-Identifier: Apache-2.0
// The manifest: what a disk contained, chunk by chunk. One state per chunk and a digest for each
// chunk of data; chunk size fixed per replica; the last chunk may be short; a domain-separated root
// digest that covers geometry and chunks. Streamed in runs, so a mostly empty 16 TiB disk is a few
// kilobytes. docs/formats.md has the bytes.
#ifndef BF_IMAGE_MANIFEST_H
#define BF_IMAGE_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/digest.h"

enum bf_chunk_state {
    BF_CHUNK_ZERO = 0,       // read, all bytes zero
    BF_CHUNK_DATA = 1,       // read, digest known
    BF_CHUNK_UNUSED = 2,     // not read: its file system says unused; reads as zero at the target
    BF_CHUNK_UNREADABLE = 3, // none of it could be read: zero
    BF_CHUNK_UNKNOWN = 4,    // working state only, never in a sealed manifest
};

enum { BF_CHUNK_MIN = 32768, BF_CHUNK_MAX = 1048576 };

struct bf_geometry {
    uint64_t disk_bytes;
    uint32_t block_size;
    uint32_t chunk_size; // power of two, BF_CHUNK_MIN..BF_CHUNK_MAX, multiple of block_size
};

// BF_ERR_RANGE when a rule is broken (also disk_bytes not a multiple of block_size, or zero).
enum bf_err bf_geometry_check(const struct bf_geometry *g);
uint64_t bf_geometry_chunks(const struct bf_geometry *g);
// Bytes of chunk index: chunk_size, or less for the last one.
uint32_t bf_geometry_chunk_bytes(const struct bf_geometry *g, uint64_t chunk);
// The server's choice for a new replica, by disk size.
uint32_t bf_geometry_default_chunk(uint64_t disk_bytes);

// The root digest over a disk, fed in order. Runs may be cut anywhere: they are joined to maximal
// runs first, so both sides get the same root whatever their batches were. Plain memory: copy it to
// keep a checkpoint.
struct bf_root {
    struct bf_hasher hasher;
    struct bf_geometry geometry;
    uint64_t next_chunk;
    uint64_t run; // length of the pending run of equal state, not yet hashed (not for data)
    uint8_t run_state;
};

void bf_root_init(struct bf_root *root, const struct bf_geometry *g);
// count chunks of one state; digests (count of them) only for BF_CHUNK_DATA. BF_ERR_RANGE past the
// end of the disk or for BF_CHUNK_UNKNOWN.
enum bf_err bf_root_add(struct bf_root *root, enum bf_chunk_state state, uint64_t count,
                        const struct bf_digest *digests);
// BF_ERR_RANGE unless every chunk was added. Does not change *root.
enum bf_err bf_root_final(const struct bf_root *root, struct bf_digest *out);

// The digest over a recovery point: the roots of all its disks in disk order.
void bf_point_root(const struct bf_digest *disk_roots, uint32_t disks, struct bf_digest *out);

// Writing a sealed manifest: header, runs, trailer with the root. sink gets the bytes in order.
struct bf_manifest_sink {
    enum bf_err (*write)(void *user, const void *bytes, size_t len);
    void *user;
};
struct bf_manifest_writer {
    struct bf_manifest_sink sink;
    struct bf_root root;
    uint64_t pending; // run of equal state that has not been written yet (not for data)
    uint8_t pending_state;
    enum bf_err failed;
};
enum bf_err bf_manifest_begin(struct bf_manifest_writer *w, const struct bf_geometry *g,
                              struct bf_manifest_sink sink);
enum bf_err bf_manifest_add(struct bf_manifest_writer *w, enum bf_chunk_state state, uint64_t count,
                            const struct bf_digest *digests);
enum bf_err bf_manifest_end(struct bf_manifest_writer *w, struct bf_digest *root_out);

// Reading one back. source gives up to len bytes (*got, 0 at the end).
struct bf_manifest_source {
    enum bf_err (*read)(void *user, void *bytes, size_t len, size_t *got);
    void *user;
};
enum { BF_MANIFEST_BATCH = 256 };
struct bf_manifest_run {
    enum bf_chunk_state state;
    uint64_t first;
    uint64_t count; // <= BF_MANIFEST_BATCH for data
    struct bf_digest digests[BF_MANIFEST_BATCH];
};
struct bf_manifest_reader {
    struct bf_manifest_source source;
    struct bf_geometry geometry;
    struct bf_root root;
    uint64_t next;
    uint64_t run_left;
    uint8_t run_state;
    uint8_t finished;
    enum bf_err failed;
};
// Reads and checks the header. BF_ERR_CORRUPT or BF_ERR_VERSION for what is not a manifest.
enum bf_err bf_manifest_open(struct bf_manifest_reader *r, struct bf_manifest_source source);
// Next run; BF_ERR_CLOSED after the last, when the trailer's root was found correct.
enum bf_err bf_manifest_next(struct bf_manifest_reader *r, struct bf_manifest_run *run);

#endif
