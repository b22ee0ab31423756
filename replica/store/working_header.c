// SPDX-License-Identifier: Apache-2.0
// The working manifest's file: its header, in two slots that are written in turn, so that one whole
// slot is left when the power fails, and reading and writing at an offset.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/cursor.h"
#include "replica/state/reason.h"
#include "replica/store/working_parts.h"

enum { FORMAT_VERSION = 1, HEADER_BYTES = 128 }; // before its digest
static const char magic[8] = {'B', 'F', 'W', 'O', 'R', 'K', 'I', 'N'};

// ---- File access -------------------------------------------------------------------------------

enum bf_err bf_working_write_at(int fd, const void *bytes, size_t len, uint64_t offset)
{
    const uint8_t *at = bytes;

    while (len > 0) {
        ssize_t n = pwrite(fd, at, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return bf_reason_errno(errno);
        at += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return BF_OK;
}

enum bf_err bf_working_read_at(int fd, void *bytes, size_t len, uint64_t offset)
{
    uint8_t *at = bytes;

    while (len > 0) {
        ssize_t n = pread(fd, at, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bf_reason_errno(errno);
        if (n == 0) {
            memset(at, 0, len);
            return BF_OK;
        }
        at += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return BF_OK;
}

enum bf_err bf_working_sync_file(int fd)
{
    return fdatasync(fd) == 0 ? BF_OK : bf_reason_errno(errno);
}

// ---- Header ------------------------------------------------------------------------------------

static const char header_context[] = "Bootferry 2026 working manifest header";

static void header_digest(const uint8_t *bytes, struct bf_digest *out)
{
    struct bf_hasher hasher;

    bf_hasher_init(&hasher, header_context);
    bf_hasher_add(&hasher, bytes, HEADER_BYTES);
    bf_hasher_final(&hasher, out);
}

enum bf_err bf_working_header_write(struct bf_working *w)
{
    uint8_t bytes[HEADER_BYTES + BF_WORKING_RECORD] = {0};
    struct bf_digest digest;
    struct bf_writer out;

    BF_ASSERT(w->cursor.done <= 1 && w->cursor.next_chunk <= w->chunks);
    w->sequence++;
    bf_writer_init(&out, bytes, HEADER_BYTES);
    bf_put_bytes(&out, magic, sizeof magic);
    bf_put_u32(&out, FORMAT_VERSION);
    bf_put_u32(&out, w->cursor.done);
    bf_put_u64(&out, w->geometry.disk_bytes);
    bf_put_u32(&out, w->geometry.block_size);
    bf_put_u32(&out, w->geometry.chunk_size);
    bf_put_u64(&out, w->sequence);
    bf_put_bytes(&out, w->cursor.session, 16);
    bf_put_bytes(&out, w->cursor.boot, 16);
    bf_put_u64(&out, w->cursor.next_chunk);
    bf_put_bytes(&out, w->cursor.root.bytes, 32);
    if (!bf_writer_ok(&out))
        return BF_ERR_RANGE;
    header_digest(bytes, &digest);
    memcpy(bytes + HEADER_BYTES, &digest, sizeof digest);
    return bf_working_write_at(w->fd, bytes, sizeof bytes, (w->sequence & 1) * BF_WORKING_SLOT);
}

struct header {
    uint32_t version;
    struct bf_geometry geometry;
    uint64_t sequence;
    struct bf_cursor cursor;
};

// True when the slot holds a whole header.
static int header_read(int fd, uint64_t slot, struct header *h)
{
    uint8_t bytes[HEADER_BYTES + BF_WORKING_RECORD];
    struct bf_digest digest;
    struct bf_reader in;
    uint8_t found[sizeof magic];

    if (bf_working_read_at(fd, bytes, sizeof bytes, slot * BF_WORKING_SLOT) != BF_OK)
        return 0;
    header_digest(bytes, &digest);
    if (memcmp(bytes + HEADER_BYTES, &digest, sizeof digest) != 0)
        return 0;
    memset(h, 0, sizeof *h);
    bf_reader_init(&in, bytes, HEADER_BYTES);
    bf_get_bytes(&in, found, sizeof found);
    h->version = bf_get_u32(&in);
    h->cursor.done = bf_get_u32(&in) == 1;
    h->geometry.disk_bytes = bf_get_u64(&in);
    h->geometry.block_size = bf_get_u32(&in);
    h->geometry.chunk_size = bf_get_u32(&in);
    h->sequence = bf_get_u64(&in);
    bf_get_bytes(&in, h->cursor.session, 16);
    bf_get_bytes(&in, h->cursor.boot, 16);
    h->cursor.next_chunk = bf_get_u64(&in);
    bf_get_bytes(&in, h->cursor.root.bytes, 32);
    return bf_reader_ok(&in) && memcmp(found, magic, sizeof magic) == 0;
}

int bf_working_header_is_blank(int fd)
{
    uint8_t slot[BF_WORKING_SLOT];
    int blank = 1;

    for (uint64_t i = 0; blank && i < 2; i++)
        blank = bf_working_read_at(fd, slot, sizeof slot, i * BF_WORKING_SLOT) == BF_OK &&
                bf_is_zero(slot, sizeof slot);
    return blank;
}

static int geometry_same(const struct bf_geometry *a, const struct bf_geometry *b)
{
    return a->disk_bytes == b->disk_bytes && a->block_size == b->block_size &&
           a->chunk_size == b->chunk_size;
}

enum bf_err bf_working_header_load(struct bf_working *w)
{
    struct header slot[2], *newest = NULL;

    BF_ASSERT(w->sequence == 0); // nothing was written or taken before
    for (uint64_t i = 0; i < 2; i++)
        if (header_read(w->fd, i, &slot[i]) && (!newest || slot[i].sequence > newest->sequence))
            newest = &slot[i];
    if (!newest)
        return BF_ERR_CORRUPT;
    if (newest->version != FORMAT_VERSION)
        return BF_ERR_VERSION;
    if (!geometry_same(&newest->geometry, &w->geometry))
        return BF_ERR_MISMATCH;
    if (newest->cursor.next_chunk > w->chunks)
        return BF_ERR_CORRUPT;
    w->sequence = newest->sequence;
    w->cursor = newest->cursor;
    return BF_OK;
}
