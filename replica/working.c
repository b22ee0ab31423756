// SPDX-License-Identifier: Apache-2.0
// The working manifest: two header slots written in turn, a table with one byte per window, and one
// record of 32 bytes per chunk. A record is the digest of the chunk's data, or one of five values
// that no digest takes (31 zero bytes and the state), so state and digest can never disagree after
// a torn write: a record never crosses a sector. A window that is one state throughout says so in
// its table byte, and its records are not looked at.
#include "replica/working.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cursor.h"

enum {
    SLOT_BYTES = 4096,
    TABLE_OFFSET = 2 * SLOT_BYTES,
    RECORD_BYTES = 32,
    FORMAT_VERSION = 1,
    HEADER_BYTES = 128, // before its digest
    WINDOW_DOUBT = 0x80,
    WINDOW_STATE = 0x07, // 0: see the records
    BATCH = 1024,        // records looked at or written at once
};
static const char magic[8] = {'B', 'F', 'W', 'O', 'R', 'K', 'I', 'N'};

_Static_assert(sizeof(struct bf_digest) == RECORD_BYTES, "a record is a digest");

struct bf_working {
    int fd;
    struct bf_geometry geometry;
    uint64_t chunks, windows, window_chunks, records_offset;
    struct bf_cursor cursor;
    uint64_t sequence;
    uint8_t *table;            // one byte per window
    uint64_t dirty, dirty_end; // table bytes that differ from the file
    int empty;
    struct bf_digest batch[BATCH];
};

// ---- File access -------------------------------------------------------------------------------

static enum bf_err errno_err(void)
{
    switch (errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return BF_ERR_NO_SPACE;
    case EWOULDBLOCK:
        return BF_ERR_BUSY;
    case ENOMEM:
        return BF_ERR_NO_MEMORY;
    }
    return BF_ERR_IO;
}

static enum bf_err write_at(int fd, const void *bytes, size_t len, uint64_t offset)
{
    const uint8_t *at = bytes;

    while (len > 0) {
        ssize_t n = pwrite(fd, at, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return errno_err();
        at += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return BF_OK;
}

// Bytes past the end of the file are zero, like a hole.
static enum bf_err read_at(int fd, void *bytes, size_t len, uint64_t offset)
{
    uint8_t *at = bytes;

    while (len > 0) {
        ssize_t n = pread(fd, at, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno_err();
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

static enum bf_err sync_file(int fd)
{
    return fdatasync(fd) == 0 ? BF_OK : errno_err();
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

static enum bf_err header_write(struct bf_working *w)
{
    uint8_t bytes[HEADER_BYTES + RECORD_BYTES] = {0};
    struct bf_digest digest;
    struct bf_writer out;

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
    return write_at(w->fd, bytes, sizeof bytes, (w->sequence & 1) * SLOT_BYTES);
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
    uint8_t bytes[HEADER_BYTES + RECORD_BYTES];
    struct bf_digest digest;
    struct bf_reader in;
    uint8_t found[sizeof magic];

    if (read_at(fd, bytes, sizeof bytes, slot * SLOT_BYTES) != BF_OK)
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

// True when neither slot was ever written.
static int header_is_blank(int fd)
{
    uint8_t slot[SLOT_BYTES];
    int blank = 1;

    for (uint64_t i = 0; blank && i < 2; i++)
        blank = read_at(fd, slot, sizeof slot, i * SLOT_BYTES) == BF_OK &&
                bf_is_zero(slot, sizeof slot);
    return blank;
}

static int geometry_same(const struct bf_geometry *a, const struct bf_geometry *b)
{
    return a->disk_bytes == b->disk_bytes && a->block_size == b->block_size &&
           a->chunk_size == b->chunk_size;
}

// The newer whole slot. One may be torn by a crash; both torn is damage.
static enum bf_err header_load(struct bf_working *w)
{
    struct header slot[2], *newest = NULL;

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

// ---- Table -------------------------------------------------------------------------------------

static void table_set(struct bf_working *w, uint64_t window, uint8_t value)
{
    if (w->table[window] == value)
        return;
    w->table[window] = value;
    if (w->dirty == w->dirty_end) {
        w->dirty = window;
        w->dirty_end = window + 1;
        return;
    }
    w->dirty = window < w->dirty ? window : w->dirty;
    w->dirty_end = window >= w->dirty_end ? window + 1 : w->dirty_end;
}

static enum bf_err table_write(struct bf_working *w)
{
    enum bf_err err;

    if (w->dirty == w->dirty_end)
        return BF_OK;
    err = write_at(w->fd, w->table + w->dirty, w->dirty_end - w->dirty, TABLE_OFFSET + w->dirty);
    if (!err)
        w->dirty = w->dirty_end = 0;
    return err;
}

// ---- Opening -----------------------------------------------------------------------------------

static void layout(struct bf_working *w, const struct bf_geometry *g)
{
    w->geometry = *g;
    w->chunks = bf_geometry_chunks(g);
    w->window_chunks = BF_WINDOW_BYTES / g->chunk_size;
    w->windows = (w->chunks + w->window_chunks - 1) / w->window_chunks;
    w->records_offset = (TABLE_OFFSET + w->windows + SLOT_BYTES - 1) / SLOT_BYTES * SLOT_BYTES;
}

// A new file gets its size first and its header last: without a whole header it is made anew, which
// is right, since nothing is recorded before the header is on the disk.
static enum bf_err create(struct bf_working *w, int dir, enum bf_chunk_state initial)
{
    enum bf_err err;

    memset(w->table, initial, w->windows);
    w->dirty = 0;
    w->dirty_end = initial == BF_CHUNK_ZERO ? 0 : w->windows;
    if (ftruncate(w->fd, 0) != 0 ||
        ftruncate(w->fd, (off_t)(w->records_offset + w->chunks * RECORD_BYTES)) != 0)
        return errno_err();
    err = table_write(w);
    if (!err)
        err = sync_file(w->fd);
    if (!err)
        err = header_write(w);
    if (!err && (fsync(w->fd) != 0 || fsync(dir) != 0))
        err = errno_err();
    return err;
}

static enum bf_err load(struct bf_working *w, int dir, enum bf_chunk_state initial)
{
    struct stat st;
    enum bf_err err;

    if (fstat(w->fd, &st) != 0)
        return errno_err();
    if (st.st_size == 0)
        return create(w, dir, initial);
    err = header_load(w);
    if (err == BF_ERR_CORRUPT && w->sequence == 0 && header_is_blank(w->fd))
        return create(w, dir, initial); // killed while it was made
    if (!err)
        err = read_at(w->fd, w->table, w->windows, TABLE_OFFSET);
    for (uint64_t i = 0; !err && i < w->windows; i++)
        if ((w->table[i] & WINDOW_STATE) > BF_CHUNK_UNKNOWN || (w->table[i] & 0x78) != 0)
            err = BF_ERR_CORRUPT;
    return err;
}

enum bf_err bf_working_open(int dir, const char *name, const struct bf_geometry *geometry,
                            enum bf_chunk_state initial, struct bf_working **out)
{
    struct bf_working *w;
    enum bf_err err = bf_geometry_check(geometry);

    *out = NULL;
    if (err)
        return err;
    w = calloc(1, sizeof *w);
    if (!w)
        return BF_ERR_NO_MEMORY;
    w->fd = -1;
    layout(w, geometry);
    w->table = calloc(1, w->windows);
    if (!w->table)
        err = BF_ERR_NO_MEMORY;
    if (!err) {
        w->fd = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (w->fd < 0 || flock(w->fd, LOCK_EX | LOCK_NB) != 0)
            err = errno_err();
    }
    if (!err)
        err = load(w, dir, initial);
    if (err) {
        bf_working_close(w);
        return err;
    }
    *out = w;
    return BF_OK;
}

void bf_working_close(struct bf_working *w)
{
    if (!w)
        return;
    if (w->fd >= 0)
        close(w->fd);
    free(w->table);
    free(w);
}

const struct bf_geometry *bf_working_geometry(const struct bf_working *w)
{
    return &w->geometry;
}

const struct bf_cursor *bf_working_cursor(const struct bf_working *w)
{
    return &w->cursor;
}

uint64_t bf_working_chunks(const struct bf_working *w)
{
    return w->chunks;
}

// ---- Records -----------------------------------------------------------------------------------

static enum bf_chunk_state record_state(const struct bf_digest *record)
{
    static const uint8_t zeros[31];

    if (memcmp(record->bytes, zeros, sizeof zeros) != 0)
        return BF_CHUNK_DATA;
    switch (record->bytes[31]) {
    case BF_CHUNK_ZERO:
    case BF_CHUNK_UNUSED:
    case BF_CHUNK_UNREADABLE:
        return (enum bf_chunk_state)record->bytes[31];
    }
    return BF_CHUNK_UNKNOWN;
}

static struct bf_digest state_record(enum bf_chunk_state state)
{
    struct bf_digest record = {{0}};

    record.bytes[31] = (uint8_t)state;
    return record;
}

static uint64_t record_offset(const struct bf_working *w, uint64_t chunk)
{
    return w->records_offset + chunk * RECORD_BYTES;
}

static uint64_t window_end(const struct bf_working *w, uint64_t window)
{
    uint64_t end = (window + 1) * w->window_chunks;

    return end < w->chunks ? end : w->chunks;
}

// How many chunks from first on lie in a hole of the file, that is, are zero; at most want.
static uint64_t hole_chunks(const struct bf_working *w, uint64_t first, uint64_t want)
{
    uint64_t offset = record_offset(w, first), chunks;
    off_t data = lseek(w->fd, (off_t)offset, SEEK_DATA);

    if (data < 0)
        return errno == ENXIO ? want : 0;
    chunks = ((uint64_t)data - offset) / RECORD_BYTES;
    return chunks < want ? chunks : want;
}

// Whole zero windows from window on, as far as want chunks reach (they have no table state).
static uint64_t zero_windows(const struct bf_working *w, uint64_t first, uint64_t want)
{
    uint64_t count = hole_chunks(w, first, want), last;

    if (count == 0)
        return 0;
    last = bf_working_window_of(w, first + count - 1);
    for (uint64_t i = bf_working_window_of(w, first); i <= last; i++)
        if (w->table[i] & WINDOW_STATE)
            return i * w->window_chunks > first ? i * w->window_chunks - first : 0;
    return count;
}

static uint64_t uniform_chunks(const struct bf_working *w, uint64_t first, uint64_t want,
                               uint8_t state)
{
    uint64_t window = bf_working_window_of(w, first), end = window_end(w, window);

    while (end - first < want && end < w->chunks && (w->table[window + 1] & WINDOW_STATE) == state)
        end = window_end(w, ++window);
    return end - first < want ? end - first : want;
}

// Looks at records one batch at a time, up to the end of the window.
static enum bf_err record_run(struct bf_working *w, uint64_t first, uint64_t want,
                              enum bf_chunk_state *state, uint64_t *count,
                              struct bf_digest *digests, uint32_t most)
{
    uint64_t n = window_end(w, bf_working_window_of(w, first)) - first;
    enum bf_err err;
    uint64_t same = 0;

    n = n < want ? n : want;
    n = n < BATCH ? n : BATCH;
    err = read_at(w->fd, w->batch, n * RECORD_BYTES, record_offset(w, first));
    if (err)
        return err;
    *state = record_state(&w->batch[0]);
    if (*state == BF_CHUNK_DATA && n > most)
        n = most;
    while (same < n && record_state(&w->batch[same]) == *state)
        same++;
    if (*state == BF_CHUNK_DATA)
        memcpy(digests, w->batch, same * RECORD_BYTES);
    *count = same;
    return same > 0 ? BF_OK : BF_ERR_RANGE;
}

enum bf_err bf_working_run(struct bf_working *w, uint64_t first, uint64_t want,
                           enum bf_chunk_state *state, uint64_t *count, struct bf_digest *digests,
                           uint32_t most_digests)
{
    uint8_t uniform;
    uint64_t zeros;

    if (first >= w->chunks || want == 0)
        return BF_ERR_RANGE;
    want = want < w->chunks - first ? want : w->chunks - first;
    uniform = w->table[bf_working_window_of(w, first)] & WINDOW_STATE;
    if (uniform) {
        *state = (enum bf_chunk_state)uniform;
        *count = uniform_chunks(w, first, want, uniform);
        return BF_OK;
    }
    zeros = zero_windows(w, first, want);
    if (zeros) {
        *state = BF_CHUNK_ZERO;
        *count = zeros;
        return BF_OK;
    }
    return record_run(w, first, want, state, count, digests, most_digests);
}

int bf_working_is_empty(const struct bf_working *w)
{
    return zero_windows(w, 0, w->chunks) == w->chunks;
}

static enum bf_err write_state(struct bf_working *w, uint64_t first, uint64_t count,
                               enum bf_chunk_state state)
{
    struct bf_digest record = state_record(state);
    enum bf_err err = BF_OK;

    for (uint64_t i = 0; i < BATCH && i < count; i++)
        w->batch[i] = record;
    while (!err && count > 0) {
        uint64_t n = count < BATCH ? count : BATCH;
        err = write_at(w->fd, w->batch, n * RECORD_BYTES, record_offset(w, first));
        first += n;
        count -= n;
    }
    return err;
}

// Zero records are a hole again where the file system can do that.
static enum bf_err write_zero(struct bf_working *w, uint64_t first, uint64_t count)
{
    uint64_t offset = record_offset(w, first), len = count * RECORD_BYTES;

    if (hole_chunks(w, first, count) == count)
        return BF_OK;
    if (len >= SLOT_BYTES && fallocate(w->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                       (off_t)offset, (off_t)len) == 0)
        return BF_OK;
    return write_state(w, first, count, BF_CHUNK_ZERO);
}

// A window of one state becomes one with records. The records are durable before the table's byte
// lets anybody look at them, so no state of an earlier time can shine through after a crash.
static enum bf_err open_window(struct bf_working *w, uint64_t window)
{
    uint8_t state = w->table[window] & WINDOW_STATE;
    uint64_t first = window * w->window_chunks;
    enum bf_err err;

    if (!state)
        return BF_OK;
    err = write_state(w, first, window_end(w, window) - first, (enum bf_chunk_state)state);
    if (!err)
        err = sync_file(w->fd);
    if (!err) {
        table_set(w, window, w->table[window] & WINDOW_DOUBT);
        err = table_write(w);
    }
    return err ? err : sync_file(w->fd);
}

static enum bf_err set_in_window(struct bf_working *w, uint64_t window, uint64_t first,
                                 uint64_t count, enum bf_chunk_state state,
                                 const struct bf_digest *digests)
{
    int whole = first == window * w->window_chunks && first + count == window_end(w, window);
    enum bf_err err;

    if (whole && state != BF_CHUNK_DATA && state != BF_CHUNK_ZERO) {
        table_set(w, window, (uint8_t)((w->table[window] & WINDOW_DOUBT) | state));
        return BF_OK;
    }
    err = open_window(w, window);
    if (err)
        return err;
    if (state == BF_CHUNK_DATA)
        return write_at(w->fd, digests, count * RECORD_BYTES, record_offset(w, first));
    return state == BF_CHUNK_ZERO ? write_zero(w, first, count)
                                  : write_state(w, first, count, state);
}

enum bf_err bf_working_set(struct bf_working *w, uint64_t first, uint64_t count,
                           enum bf_chunk_state state, const struct bf_digest *digests)
{
    enum bf_err err = BF_OK;

    if (count > w->chunks || first > w->chunks - count)
        return BF_ERR_RANGE;
    while (!err && count > 0) {
        uint64_t window = bf_working_window_of(w, first);
        uint64_t n = window_end(w, window) - first;

        n = n < count ? n : count;
        err = set_in_window(w, window, first, n, state, digests);
        first += n;
        count -= n;
        digests = digests ? digests + n : NULL;
    }
    return err;
}

// ---- Windows and durability --------------------------------------------------------------------

uint64_t bf_working_windows(const struct bf_working *w)
{
    return w->windows;
}

uint64_t bf_working_window_of(const struct bf_working *w, uint64_t chunk)
{
    return chunk / w->window_chunks;
}

uint64_t bf_working_window_chunks(const struct bf_working *w)
{
    return w->window_chunks;
}

int bf_working_is_doubtful(const struct bf_working *w, uint64_t window)
{
    return (w->table[window] & WINDOW_DOUBT) != 0;
}

uint64_t bf_working_next_doubtful(const struct bf_working *w, uint64_t from)
{
    for (uint64_t i = from; i < w->windows; i++)
        if (w->table[i] & WINDOW_DOUBT)
            return i;
    return UINT64_MAX;
}

enum bf_err bf_working_doubt(struct bf_working *w, uint64_t first, uint64_t last, int *changed)
{
    *changed = 0;
    if (first > last || last >= w->windows)
        return BF_ERR_RANGE;
    for (uint64_t i = first; i <= last; i++) {
        *changed |= !(w->table[i] & WINDOW_DOUBT);
        table_set(w, i, w->table[i] | WINDOW_DOUBT);
    }
    return *changed ? table_write(w) : BF_OK;
}

void bf_working_trust(struct bf_working *w, uint64_t window)
{
    table_set(w, window, w->table[window] & WINDOW_STATE);
}

enum bf_err bf_working_sync(struct bf_working *w)
{
    return sync_file(w->fd);
}

enum bf_err bf_working_advance(struct bf_working *w, const struct bf_cursor *cursor)
{
    enum bf_err err;

    w->cursor = *cursor;
    err = table_write(w);
    return err ? err : header_write(w);
}
