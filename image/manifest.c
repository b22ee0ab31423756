// SPDX-License-Identifier: Apache-2.0
// Geometry of a replica's disk, and the root digest over its chunks. The root covers, in this
// order: disk size, block size, chunk size; then for each chunk of data the byte DATA and its
// digest, and for each maximal run of chunks of another state that state's byte and the run's
// length. docs/formats.md has the definition.
#include "image/manifest.h"

#include <string.h>

#include "base/bytes.h"
#include "base/cursor.h"
#include "image/block.h"

#define ROOT_CONTEXT  "bootferry 2026 manifest root v1"
#define POINT_CONTEXT "bootferry 2026 point root v1"

enum bf_err bf_geometry_check(const struct bf_geometry *g)
{
    if (!bf_is_power_of_two(g->block_size) || g->block_size < BF_BLOCK_MIN ||
        g->block_size > BF_BLOCK_MAX)
        return BF_ERR_RANGE;
    if (!bf_is_power_of_two(g->chunk_size) || g->chunk_size < BF_CHUNK_MIN ||
        g->chunk_size > BF_CHUNK_MAX || g->chunk_size < g->block_size)
        return BF_ERR_RANGE;
    if (!g->disk_bytes || g->disk_bytes > INT64_MAX || g->disk_bytes % g->block_size)
        return BF_ERR_RANGE;
    return BF_OK;
}

uint64_t bf_geometry_chunks(const struct bf_geometry *g)
{
    return g->disk_bytes / g->chunk_size + (g->disk_bytes % g->chunk_size != 0);
}

uint32_t bf_geometry_chunk_bytes(const struct bf_geometry *g, uint64_t chunk)
{
    uint64_t left = g->disk_bytes - chunk * g->chunk_size;
    return left < g->chunk_size ? (uint32_t)left : g->chunk_size;
}

uint32_t bf_geometry_default_chunk(uint64_t disk_bytes)
{
    // Small chunks find more that is equal; large ones keep the digests of a full disk below a
    // few gigabytes. The unit of cost is 32 bytes of digest per chunk.
    if (disk_bytes <= UINT64_C(1) << 40)
        return 65536;
    if (disk_bytes <= UINT64_C(4) << 40)
        return 131072;
    return disk_bytes <= UINT64_C(16) << 40 ? 262144 : BF_CHUNK_MAX;
}

void bf_root_init(struct bf_root *root, const struct bf_geometry *g)
{
    uint8_t bytes[16];
    struct bf_writer w;
    memset(root, 0, sizeof *root);
    root->geometry = *g;
    bf_hasher_init(&root->hasher, ROOT_CONTEXT);
    bf_writer_init(&w, bytes, sizeof bytes);
    bf_put_u64(&w, g->disk_bytes);
    bf_put_u32(&w, g->block_size);
    bf_put_u32(&w, g->chunk_size);
    bf_hasher_add(&root->hasher, bytes, sizeof bytes);
}

static void hash_run(struct bf_hasher *hasher, uint8_t state, uint64_t count)
{
    uint8_t bytes[9];
    struct bf_writer w;
    bf_writer_init(&w, bytes, sizeof bytes);
    bf_put_u8(&w, state);
    bf_put_u64(&w, count);
    bf_hasher_add(hasher, bytes, sizeof bytes);
}

static void flush_run(struct bf_root *root)
{
    if (root->run)
        hash_run(&root->hasher, root->run_state, root->run);
    root->run = 0;
}

enum bf_err bf_root_add(struct bf_root *root, enum bf_chunk_state state, uint64_t count,
                        const struct bf_digest *digests)
{
    const uint8_t data = BF_CHUNK_DATA;
    if (count > bf_geometry_chunks(&root->geometry) - root->next_chunk ||
        (unsigned)state >= BF_CHUNK_UNKNOWN)
        return BF_ERR_RANGE;
    root->next_chunk += count;
    if (state == BF_CHUNK_DATA) {
        flush_run(root);
        for (uint64_t i = 0; i < count; i++) {
            bf_hasher_add(&root->hasher, &data, 1);
            bf_hasher_add(&root->hasher, digests[i].bytes, sizeof digests[i].bytes);
        }
        return BF_OK;
    }
    if (root->run_state != state)
        flush_run(root);
    root->run_state = (uint8_t)state;
    root->run += count;
    return BF_OK;
}

enum bf_err bf_root_final(const struct bf_root *root, struct bf_digest *out)
{
    struct bf_hasher hasher = root->hasher;
    if (root->next_chunk != bf_geometry_chunks(&root->geometry))
        return BF_ERR_RANGE;
    if (root->run)
        hash_run(&hasher, root->run_state, root->run);
    bf_hasher_final(&hasher, out);
    return BF_OK;
}

void bf_point_root(const struct bf_digest *disk_roots, uint32_t disks, struct bf_digest *out)
{
    struct bf_hasher hasher;
    struct bf_writer w;
    uint8_t bytes[4];
    bf_hasher_init(&hasher, POINT_CONTEXT);
    bf_writer_init(&w, bytes, sizeof bytes);
    bf_put_u32(&w, disks);
    bf_hasher_add(&hasher, bytes, sizeof bytes);
    for (uint32_t i = 0; i < disks; i++)
        bf_hasher_add(&hasher, disk_roots[i].bytes, sizeof disk_roots[i].bytes);
    bf_hasher_final(&hasher, out);
}
