// SPDX-License-Identifier: Apache-2.0
// The working manifest of one disk: what its live layer contains, chunk by chunk, with random
// access. One sparse file in which a hole says "zero", so that a new file and a new layer agree and
// 16 TiB of nothing cost nothing. docs/formats.md has the bytes.
//
// It is truthful after any crash because of doubt: before the store changes anything inside a
// window of 256 MiB, the window is marked doubtful on the disk; the mark is taken away when data
// and records are flushed. What is doubtful when the file is opened has to be re-read and compared.
// Not thread safe: the store holds its lock around every call but
// bf_working_sync.
#ifndef BF_REPLICA_STORE_WORKING_H
#define BF_REPLICA_STORE_WORKING_H

#include <stdint.h>

#include "base/err.h"
#include "image/manifest.h"

#define BF_WINDOW_BYTES ((uint64_t)256 << 20)

struct bf_working;

// How far one boot of the source got; all before next_chunk is durable.
struct bf_cursor {
    uint8_t session[16], boot[16];
    uint64_t next_chunk;
    uint8_t done; // the source finished the disk with this root
    struct bf_digest root;
};

// Opens the file in folder dir, or creates it with every chunk in state initial: ZERO beside a new
// layer, UNKNOWN beside one whose manifest was lost. BF_ERR_BUSY: open already; BF_ERR_CORRUPT: not
// one of ours, or damaged; BF_ERR_MISMATCH: made for another geometry.
enum bf_err bf_working_open(int dir, const char *name, const struct bf_geometry *geometry,
                            enum bf_chunk_state initial, struct bf_working **out);
void bf_working_close(struct bf_working *w); // takes NULL; syncs nothing

const struct bf_cursor *bf_working_cursor(const struct bf_working *w);
uint64_t bf_working_chunks(const struct bf_working *w);
int bf_working_is_empty(const struct bf_working *w); // all of it zero, nothing ever recorded

// One run of equal state from first on, count <= want; digests has room for at most_digests, which
// also bounds a run of data.
enum bf_err bf_working_run(struct bf_working *w, uint64_t first, uint64_t want,
                           enum bf_chunk_state *state, uint64_t *count, struct bf_digest *digests,
                           uint32_t most_digests);

// Records chunks. Windows touched must be doubtful already, unless the old and the new state both
// mean zero bytes. digests only for BF_CHUNK_DATA.
enum bf_err bf_working_set(struct bf_working *w, uint64_t first, uint64_t count,
                           enum bf_chunk_state state, const struct bf_digest *digests);

// Windows.
uint64_t bf_working_window_of(const struct bf_working *w, uint64_t chunk);
uint64_t bf_working_window_chunks(const struct bf_working *w); // of all but the last
int bf_working_is_doubtful(const struct bf_working *w, uint64_t window);
// The next doubtful window at or after from, UINT64_MAX when there is none.
uint64_t bf_working_next_doubtful(const struct bf_working *w, uint64_t from);
// Marks windows first..last doubtful; *changed tells whether bf_working_sync is needed before
// anything in them may change.
enum bf_err bf_working_doubt(struct bf_working *w, uint64_t first, uint64_t last, int *changed);
// Takes the mark away with the next bf_working_advance. Data and records must be flushed by then.
void bf_working_trust(struct bf_working *w, uint64_t window);

// Makes everything written so far durable (fdatasync). Needs no lock: it looks at nothing but the
// descriptor.
enum bf_err bf_working_sync(struct bf_working *w);
// Writes cursor and table. The caller flushed the data, then called bf_working_sync, then
// bf_working_trust; another bf_working_sync makes this durable.
enum bf_err bf_working_advance(struct bf_working *w, const struct bf_cursor *cursor);

#endif
