// SPDX-License-Identifier: Apache-2.0
// What a session store does about doubt before it takes operations: every doubtful window is read
// back and compared with its records. A record that agrees with the bytes stays (so "unused" stays
// "unused"); one that does not becomes what the bytes are, and unknown where they cannot be read.
// Nothing needs to be asked of the source.
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/fmt.h"
#include "replica/state/step.h"
#include "replica/store/parts.h"

struct settling {
    struct bf_store_disk *disk;
    uint64_t corrected;
};

static enum bf_err settle_chunk(void *user, uint64_t chunk, const void *data, uint32_t len)
{
    struct settling *settling = user;
    struct bf_store_disk *d = settling->disk;
    int zero = data && bf_is_zero(data, len);
    enum bf_chunk_state state;
    struct bf_digest digest, recorded;
    uint64_t count;
    enum bf_err err = bf_working_run(d->working, chunk, 1, &state, &count, &recorded, 1);

    BF_ASSERT(bf_working_is_doubtful(d->working, bf_working_window_of(d->working, chunk)));
    if (bf_store_is_ending(d->store))
        return BF_ERR_CANCELLED; // the marks stay
    if (err)
        return err;
    if (!data) {
        settling->corrected++;
        return bf_working_set(d->working, chunk, 1, BF_CHUNK_UNKNOWN, NULL);
    }
    if (zero && state != BF_CHUNK_DATA && state != BF_CHUNK_UNKNOWN)
        return BF_OK;
    if (zero) {
        settling->corrected++;
        return bf_working_set(d->working, chunk, 1, BF_CHUNK_ZERO, NULL);
    }
    bf_digest_of(&digest, data, len);
    if (state == BF_CHUNK_DATA && bf_digest_equal(&digest, &recorded))
        return BF_OK;
    settling->corrected++;
    return bf_working_set(d->working, chunk, 1, BF_CHUNK_DATA, &digest);
}

static enum bf_err settle_window(struct bf_store_disk *d, struct bf_readback *r, uint64_t window,
                                 struct settling *settling, struct bf_fault *fault)
{
    uint64_t first = window * bf_working_window_chunks(d->working);
    uint64_t count = bf_working_window_chunks(d->working);

    BF_ASSERT(first < d->chunks);
    if (count > d->chunks - first)
        count = d->chunks - first;
    return bf_readback_read(r, first, count, settle_chunk, settling, fault);
}

static enum bf_err settle_all(struct bf_store_disk *d, struct bf_readback *r, uint64_t *windows,
                              struct settling *settling, struct bf_fault *fault)
{
    uint64_t window = bf_working_next_doubtful(d->working, 0);
    enum bf_err err = BF_OK;

    for (; !err && window != UINT64_MAX;
         window = bf_working_next_doubtful(d->working, window + 1)) {
        bf_step_done("settling");
        err = settle_window(d, r, window, settling, fault);
        (*windows)++;
    }
    return err;
}

// After the records are on the disk, the marks may go.
static enum bf_err settled(struct bf_store_disk *d)
{
    uint64_t window = bf_working_next_doubtful(d->working, 0);
    enum bf_err err = bf_working_sync(d->working);

    bf_step_done("settled");
    for (; window != UINT64_MAX; window = bf_working_next_doubtful(d->working, window + 1))
        bf_working_trust(d->working, window);
    BF_ASSERT(bf_working_next_doubtful(d->working, 0) == UINT64_MAX);
    if (!err)
        err = bf_working_advance(d->working, bf_working_cursor(d->working));
    return err ? err : bf_working_sync(d->working);
}

enum bf_err bf_store_settle(struct bf_store_disk *d, struct bf_fault *fault)
{
    struct settling settling = {.disk = d};
    struct bf_readback *r;
    uint64_t windows = 0;
    enum bf_err err;

    BF_ASSERT(!d->in_flight && !d->touched_count); // no operation was begun
    if (bf_working_next_doubtful(d->working, 0) == UINT64_MAX)
        return BF_OK;
    err = bf_readback_open(d->store->qsd, d->number, &d->geometry, &r, fault);
    if (err)
        return err;
    fault->code = BF_OK;
    err = settle_all(d, r, &windows, &settling, fault);
    bf_readback_close(r);
    if (!err)
        err = settled(d);
    if (err && fault->code != err)
        bf_fault_set(fault, err, BF_SIDE_SERVER,
                     "look at the free space and the disk of the state folder",
                     "the working manifest of disk %u cannot be written", d->number);
    if (!err)
        bf_log(BF_LOG_INFO, "%s, disk %u: re-read %llu window%s in doubt, %llu chunk%s differed",
               d->store->config.machine, d->number, (unsigned long long)windows, bf_plural(windows),
               (unsigned long long)settling.corrected, bf_plural(settling.corrected));
    return err;
}
