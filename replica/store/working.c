// SPDX-License-Identifier: Apache-2.0
// The working manifest: two header slots written in turn, a table with one byte per window, and one
// record of 32 bytes per chunk. A record is the digest of the chunk's data, or one of five values
// that no digest takes (31 zero bytes and the state), so state and digest can never disagree after
// a torn write: a record never crosses a sector. A window that is one state throughout says so in
// its table byte, and its records are not looked at.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "replica/state/reason.h"
#include "replica/store/working_parts.h"

enum {
    WINDOW_DOUBT = 0x80,
    WINDOW_STATE = 0x07, // 0: see the records
};

_Static_assert(sizeof(struct bf_digest) == BF_WORKING_RECORD, "a record is a digest");

// ---- Table -------------------------------------------------------------------------------------

static void table_set(struct bf_working *w, uint64_t window, uint8_t value)
{
    BF_ASSERT(window < w->windows);
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

    BF_ASSERT(w->dirty <= w->dirty_end && w->dirty_end <= w->windows);
    if (w->dirty == w->dirty_end)
        return BF_OK;
    err = bf_working_write_at(w->fd, w->table + w->dirty, w->dirty_end - w->dirty,
                              BF_WORKING_TABLE + w->dirty);
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
    w->records_offset =
        (BF_WORKING_TABLE + w->windows + BF_WORKING_SLOT - 1) / BF_WORKING_SLOT * BF_WORKING_SLOT;
}

// A new file gets its size first and its header last: without a whole header it is made anew, which
// is right, since nothing is recorded before the header is on the disk.
static enum bf_err create(struct bf_working *w, int dir, enum bf_chunk_state initial)
{
    enum bf_err err;

    BF_ASSERT(initial == BF_CHUNK_ZERO || initial == BF_CHUNK_UNKNOWN);
    BF_ASSERT(w->sequence == 0);
    memset(w->table, initial, w->windows);
    w->dirty = 0;
    w->dirty_end = initial == BF_CHUNK_ZERO ? 0 : w->windows;
    if (ftruncate(w->fd, 0) != 0 ||
        ftruncate(w->fd, (off_t)(w->records_offset + w->chunks * BF_WORKING_RECORD)) != 0)
        return bf_reason_errno(errno);
    err = table_write(w);
    if (!err)
        err = bf_working_sync_file(w->fd);
    if (!err)
        err = bf_working_header_write(w);
    if (!err && (fsync(w->fd) != 0 || fsync(dir) != 0))
        err = bf_reason_errno(errno);
    return err;
}

// A window of data has records: its digests are nowhere else.
static int is_table_byte(uint8_t byte)
{
    uint8_t state = byte & WINDOW_STATE;

    return (byte & ~(WINDOW_DOUBT | WINDOW_STATE)) == 0 && state != BF_CHUNK_DATA &&
           state <= BF_CHUNK_UNKNOWN;
}

static enum bf_err load(struct bf_working *w, int dir, enum bf_chunk_state initial)
{
    struct stat st;
    enum bf_err err;

    if (fstat(w->fd, &st) != 0)
        return bf_reason_errno(errno);
    if (st.st_size == 0)
        return create(w, dir, initial);
    err = bf_working_header_load(w);
    if (err == BF_ERR_CORRUPT && w->sequence == 0 && bf_working_header_is_blank(w->fd))
        return create(w, dir, initial); // killed while it was made
    if (!err)
        err = bf_working_read_at(w->fd, w->table, w->windows, BF_WORKING_TABLE);
    for (uint64_t i = 0; !err && i < w->windows; i++)
        if (!is_table_byte(w->table[i]))
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
            err = bf_reason_errno(errno);
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
    BF_ASSERT(chunk < w->chunks);
    return w->records_offset + chunk * BF_WORKING_RECORD;
}

static uint64_t window_end(const struct bf_working *w, uint64_t window)
{
    uint64_t end = (window + 1) * w->window_chunks;

    BF_ASSERT(window < w->windows);
    return end < w->chunks ? end : w->chunks;
}

// How many chunks from first on lie in a hole of the file, that is, are zero; at most want.
static uint64_t hole_chunks(const struct bf_working *w, uint64_t first, uint64_t want)
{
    uint64_t offset = record_offset(w, first), chunks;
    off_t data = lseek(w->fd, (off_t)offset, SEEK_DATA);

    if (data < 0)
        return errno == ENXIO ? want : 0;
    chunks = ((uint64_t)data - offset) / BF_WORKING_RECORD;
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
    n = n < BF_WORKING_BATCH ? n : BF_WORKING_BATCH;
    err = bf_working_read_at(w->fd, w->batch, n * BF_WORKING_RECORD, record_offset(w, first));
    if (err)
        return err;
    *state = record_state(&w->batch[0]);
    if (*state == BF_CHUNK_DATA && n > most)
        n = most;
    while (same < n && record_state(&w->batch[same]) == *state)
        same++;
    if (*state == BF_CHUNK_DATA)
        memcpy(digests, w->batch, same * BF_WORKING_RECORD);
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
    BF_ASSERT(uniform != BF_CHUNK_DATA); // there would be no digests
    if (uniform) {
        *state = (enum bf_chunk_state)uniform;
        *count = uniform_chunks(w, first, want, uniform);
        BF_ASSERT(*count > 0 && *count <= want);
        return BF_OK;
    }
    zeros = zero_windows(w, first, want);
    BF_ASSERT(zeros <= want);
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

    for (uint64_t i = 0; i < BF_WORKING_BATCH && i < count; i++)
        w->batch[i] = record;
    while (!err && count > 0) {
        uint64_t n = count < BF_WORKING_BATCH ? count : BF_WORKING_BATCH;
        err = bf_working_write_at(w->fd, w->batch, n * BF_WORKING_RECORD, record_offset(w, first));
        first += n;
        count -= n;
    }
    return err;
}

// Zero records are a hole again where the file system can do that.
static enum bf_err write_zero(struct bf_working *w, uint64_t first, uint64_t count)
{
    uint64_t offset = record_offset(w, first), len = count * BF_WORKING_RECORD;

    if (hole_chunks(w, first, count) == count)
        return BF_OK;
    if (len >= BF_WORKING_SLOT && fallocate(w->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
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
        err = bf_working_sync_file(w->fd);
    if (!err) {
        table_set(w, window, w->table[window] & WINDOW_DOUBT);
        err = table_write(w);
    }
    return err ? err : bf_working_sync_file(w->fd);
}

static enum bf_err set_in_window(struct bf_working *w, uint64_t window, uint64_t first,
                                 uint64_t count, enum bf_chunk_state state,
                                 const struct bf_digest *digests)
{
    int whole = first == window * w->window_chunks && first + count == window_end(w, window);
    enum bf_err err;

    BF_ASSERT(count > 0 && first + count <= window_end(w, window));
    BF_ASSERT(state != BF_CHUNK_DATA || digests);
    if (whole && state != BF_CHUNK_DATA && state != BF_CHUNK_ZERO) {
        table_set(w, window, (uint8_t)((w->table[window] & WINDOW_DOUBT) | state));
        return BF_OK;
    }
    err = open_window(w, window);
    if (err)
        return err;
    if (state == BF_CHUNK_DATA)
        return bf_working_write_at(w->fd, digests, count * BF_WORKING_RECORD,
                                   record_offset(w, first));
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
    BF_ASSERT(window < w->windows);
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
    return bf_working_sync_file(w->fd);
}

enum bf_err bf_working_advance(struct bf_working *w, const struct bf_cursor *cursor)
{
    enum bf_err err;

    BF_ASSERT(cursor->next_chunk <= w->chunks);
    w->cursor = *cursor;
    err = table_write(w);
    return err ? err : bf_working_header_write(w);
}
