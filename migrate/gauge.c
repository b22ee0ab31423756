// SPDX-License-Identifier: Apache-2.0
// See migrate/gauge.h. The pieces that are read begin at used places, evenly over the disk: a
// spinning one is slower towards its end, and a thin one where it has data.
#include "migrate/gauge.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/platform.h"
#include "image/digest.h"

enum {
    CHUNK = 65536,          // what a copy would ask the map for
    RUNS_PER_TURN = 64,     // of the map
    RUN_CHUNKS = 16384,     // of one kind, asked for at a time
    PIECE_BYTES = 16 << 20, // read without a jump
    REQUEST_BYTES = 1 << 20,
    SAMPLE_BYTES = 65536, // of a request, every SAMPLE_EVERY of them
    SAMPLE_EVERY = 4,
    STRIDE = 67, // the order of pieces: a prime above their number, so that all have their turn
};

static void free_memory(struct bf_gauge *g)
{
    for (int i = 0; i < BF_GAUGE_DEPTH; i++)
        if (!g->busy[i])
            bf_free(g->memory[i]);
    bf_free(g->out);
    bf_compressor_free(g->compressor);
}

enum bf_err bf_gauge_begin(struct bf_gauge *g, struct bf_source_disk *disk, struct bf_usage *usage)
{
    uint64_t most = (uint64_t)disk->geometry.max_blocks * disk->geometry.block_size;
    BF_ASSERT(most >= disk->geometry.block_size);
    memset(g, 0, sizeof *g);
    g->disk = disk;
    g->usage = usage;
    g->bytes = bf_source_bytes(disk);
    g->request_bytes = most < REQUEST_BYTES ? (uint32_t)most : REQUEST_BYTES;
    g->out = bf_alloc(SAMPLE_BYTES);
    g->compressor = bf_compressor_new();
    int whole = g->out && g->compressor;
    for (int i = 0; i < BF_GAUGE_DEPTH; i++) {
        g->memory[i] = bf_alloc_aligned(g->request_bytes, BF_BLOCK_ALIGN_MAX);
        whole = whole && g->memory[i];
    }
    if (whole) {
        bf_usage_select(usage, disk);
        return BF_OK;
    }
    free_memory(g);
    memset(g, 0, sizeof *g);
    return BF_ERR_NO_MEMORY;
}

void bf_gauge_end(struct bf_gauge *g)
{
    if (g->disk)
        free_memory(g);
    g->disk = NULL;
}

// ---- The map -----------------------------------------------------------------------------------

// A used run [first, end) of the disk.
static void note_used(struct bf_gauge *g, uint64_t first, uint64_t end)
{
    uint64_t apart = g->bytes / BF_GAUGE_PIECES + 1;
    BF_ASSERT(first < end && end <= g->bytes);
    g->used += end - first;
    while (end > g->next_piece && g->pieces < BF_GAUGE_PIECES) {
        uint64_t from = first > g->next_piece ? first : g->next_piece / CHUNK * CHUNK;
        uint64_t bytes = end - from < PIECE_BYTES ? end - from : PIECE_BYTES;
        g->piece[g->pieces++] = (struct bf_gauge_piece){from, bytes};
        g->next_piece = from + (bytes > apart ? bytes : apart);
    }
}

enum bf_err bf_gauge_map(struct bf_gauge *g)
{
    uint64_t chunks = g->bytes / CHUNK + (g->bytes % CHUNK != 0);
    for (int i = 0; i < RUNS_PER_TURN && g->at < chunks; i++) {
        uint64_t most = chunks - g->at < RUN_CHUNKS ? chunks - g->at : RUN_CHUNKS;
        int unused = 0;
        uint64_t count = bf_usage_run(g->usage, g->at, most, RUN_CHUNKS, CHUNK, g->bytes, &unused);
        uint64_t end = (g->at + count) * CHUNK;
        BF_ASSERT(count && count <= most);
        if (!unused)
            note_used(g, g->at * CHUNK, end < g->bytes ? end : g->bytes);
        g->at += count;
    }
    return g->at < chunks ? BF_AGAIN : BF_OK;
}

// ---- Reading -----------------------------------------------------------------------------------

// What a processor makes of some of it.
static void sample(struct bf_gauge *g, const uint8_t *data, uint32_t len)
{
    uint64_t before = bf_platform_now_us();
    struct bf_digest digest;
    size_t packed;
    if (len > SAMPLE_BYTES)
        len = SAMPLE_BYTES;
    bf_digest_of(&digest, data, len);
    packed = bf_compress(g->compressor, BF_CODEC_LZ4, 1, g->out, len, data, len);
    g->sampled += len;
    g->packed += packed ? packed : len;
    BF_ASSERT(g->packed <= g->sampled);
    g->compute_us += bf_platform_now_us() - before;
}

static int collect(struct bf_gauge *g, int i)
{
    struct bf_block_request *r = &g->request[i];
    uint32_t len = r->count * g->disk->geometry.block_size;
    if (!g->busy[i] || !r->done || r->kept) // kept: it stays the device's
        return 0;
    BF_ASSERT(len && len <= g->request_bytes);
    g->busy[i] = 0;
    if (r->status) {
        g->errors++;
        return 1;
    }
    g->read += len;
    if (g->reads++ % SAMPLE_EVERY == 0)
        sample(g, r->data, len);
    return 1;
}

// The next bytes that are to be read; 0: there are none.
static int next_read(struct bf_gauge *g, uint64_t *first, uint32_t *len)
{
    uint32_t block = g->disk->geometry.block_size;
    while (g->taken < g->pieces) {
        const struct bf_gauge_piece *p = &g->piece[(uint64_t)g->taken * STRIDE % g->pieces];
        uint64_t left = p->bytes - g->within;
        BF_ASSERT(g->within <= p->bytes);
        *first = p->first + g->within;
        *len = left < g->request_bytes ? (uint32_t)left : g->request_bytes;
        *len -= *len % block; // a piece ends with the disk, or with a chunk
        if (*len && left)
            return 1;
        g->taken++;
        g->within = 0;
    }
    return 0;
}

static int submit(struct bf_gauge *g, int i)
{
    uint32_t block = g->disk->geometry.block_size, len;
    uint64_t first;
    if (g->busy[i] || !next_read(g, &first, &len))
        return 0;
    g->request[i] = (struct bf_block_request){
        .block = first / block, .count = len / block, .data = g->memory[i]};
    enum bf_err err = bf_source_submit(g->disk, &g->request[i]);
    if (err == BF_AGAIN)
        return 0;
    g->within += len;
    g->busy[i] = err == BF_OK;
    g->errors += err != BF_OK;
    return 1;
}

static int in_flight(const struct bf_gauge *g)
{
    int count = 0;
    for (int i = 0; i < BF_GAUGE_DEPTH; i++)
        count += g->busy[i] && !(g->request[i].done && g->request[i].kept);
    return count;
}

enum bf_err bf_gauge_time(struct bf_gauge *g, uint64_t now_us, uint64_t most_us, int *idle)
{
    BF_ASSERT(g->at * CHUNK >= g->bytes); // the map was read
    if (!g->began_us)
        g->began_us = now_us ? now_us : 1;
    int over = now_us - g->began_us >= most_us, moved = 0;
    bf_source_poll(g->disk);
    for (int i = 0; i < BF_GAUGE_DEPTH; i++) {
        moved |= collect(g, i);
        if (!over)
            moved |= submit(g, i);
    }
    *idle = !moved;
    if (moved)
        g->read_us = bf_platform_now_us() - g->began_us;
    if (in_flight(g) || (!over && g->taken < g->pieces))
        return BF_AGAIN;
    return BF_OK;
}

// A driver that blocks reads nothing while a sample is computed; the others go on meanwhile.
uint64_t bf_gauge_rate(const struct bf_gauge *g)
{
    uint64_t us = g->read_us;
    if (g->disk->geometry.blocking && us > g->compute_us)
        us -= g->compute_us;
    return g->read ? (us ? g->read * 1000000 / us : g->read * 1000000) : 0;
}
