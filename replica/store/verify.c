// SPDX-License-Identifier: Apache-2.0
// Reading back what is stored, through a connection of its own, and comparing every digest.
//
// While the copy runs a thread, the checker, verifies what has become durable, as long as the store
// keeps up with what comes in; at the seal the worker verifies what is left. A chunk counts as
// verified when, after the flush that covered it, its bytes had the recorded digest, and nothing
// was taken for it since: every operation removes its chunks from the set when it is queued, and a
// range that one was queued for while it was being read is not added. The set lives in memory, so
// whatever restarts begins without it.
//
// What may be read while the copy runs: chunks before `durable`, since everything that was queued
// before the checkpoint that named a position is flushed, and what was queued after it lies beyond
// that position. An operation that breaks this rule by going back (a repair) lowers early_end, and
// what lies behind that waits for the seal. So does damage: it is asked for there.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "replica/points/layers.h"
#include "replica/state/step.h"
#include "replica/store/parts.h"

enum { BUSY_BYTES = BF_STORE_QUEUE_BYTES / 4, CHECKER_NICE = 5 };
#define EARLY_BYTES ((uint64_t)16 << 20) // looked at together

struct check {
    struct bf_session_store *store;
    struct bf_store_disk *disk;
    struct bf_readback *readback;
    int early;                              // the checker's
    struct bf_digest digests[BF_STORE_RUN]; // expected, from chunk `first` on
    uint64_t first;
    uint64_t bad_first, bad_count; // not told yet
    uint64_t bad;                  // chunks
    struct bf_fault *fault;
};

static void lock(struct bf_session_store *s)
{
    pthread_mutex_lock(&s->lock);
}

static void unlock(struct bf_session_store *s)
{
    pthread_mutex_unlock(&s->lock);
}

// ---- One range ----------------------------------------------------------------------------------

static enum bf_err tell_bad(struct check *x)
{
    struct bf_session_store *s = x->store;
    struct bf_store_disk *d = x->disk;
    enum bf_err err = BF_OK;

    if (!x->bad_count)
        return BF_OK;
    lock(s);
    if (x->early) {
        d->early_end = x->bad_first < d->early_end ? x->bad_first : d->early_end;
    } else {
        if (s->needs < BF_STORE_NEEDS_MAX)
            s->need[s->needs++] = (struct bf_store_need){d, x->bad_first, x->bad_count};
        s->damaged += x->bad_count;
        err = bf_working_set(d->working, x->bad_first, x->bad_count, BF_CHUNK_UNKNOWN, NULL);
    }
    unlock(s);
    bf_log(BF_LOG_WARNING, "%s, disk %u: chunk %llu is damaged in the store; the source %s",
           s->config.machine, d->number, (unsigned long long)x->bad_first,
           x->early ? "is asked for it at the end" : "is asked for it again");
    x->bad_count = 0;
    return err;
}

static enum bf_err note_bad(struct check *x, uint64_t chunk, uint64_t count)
{
    enum bf_err err = BF_OK;

    BF_ASSERT(count > 0 && chunk + count <= x->disk->chunks);
    BF_ASSERT(!x->bad_count || chunk >= x->bad_first + x->bad_count);
    x->bad += count;
    if (x->bad_count && x->bad_first + x->bad_count == chunk) {
        x->bad_count += count;
        return BF_OK;
    }
    err = tell_bad(x);
    x->bad_first = chunk;
    x->bad_count = count;
    return err;
}

static void count_progress(struct check *x, uint64_t bytes)
{
    if (x->early)
        return;
    lock(x->store);
    x->store->progress.done += bytes;
    BF_ASSERT(x->store->progress.done <= x->store->progress.total);
    unlock(x->store);
}

static enum bf_err compare_data(void *user, uint64_t chunk, const void *data, uint32_t len)
{
    struct check *x = user;
    struct bf_session_store *s = x->store;
    struct bf_digest digest;
    int over;

    lock(s);
    if (!x->early)
        s->progress.done += len;
    BF_ASSERT(s->progress.done <= s->progress.total);
    over = s->stop || (x->early && (s->failed || s->checker_stop));
    unlock(s);
    if (over)
        return BF_ERR_CANCELLED;
    if (!data)
        return note_bad(x, chunk, 1);
    BF_ASSERT(chunk >= x->first && chunk - x->first < BF_STORE_RUN);
    bf_digest_of(&digest, data, len);
    return bf_digest_equal(&digest, &x->digests[chunk - x->first]) ? BF_OK : note_bad(x, chunk, 1);
}

static enum bf_err not_zero(void *user, uint64_t chunk, const void *data, uint32_t len)
{
    return note_bad(user, chunk, 1);
}

static enum bf_err read_range(struct check *x, enum bf_chunk_state state, uint64_t first,
                              uint64_t count)
{
    enum bf_err err;

    if (state == BF_CHUNK_UNKNOWN)
        return note_bad(x, first, count);
    if (state == BF_CHUNK_DATA)
        return bf_readback_read(x->readback, first, count, compare_data, x, x->fault);
    err = bf_readback_zero(x->readback, first, count, not_zero, x, x->fault);
    count_progress(x, bf_store_bytes(x->disk, first, count));
    return err;
}

// Compares chunks of one state, whose digests are known, with what is stored.
static enum bf_err verify_range(struct check *x, enum bf_chunk_state state, uint64_t first,
                                uint64_t count)
{
    struct bf_store_disk *d = x->disk;
    uint64_t bad = x->bad;
    enum bf_err err = read_range(x, state, first, count);

    BF_ASSERT(count > 0 && first + count <= d->chunks);
    if (!err)
        err = tell_bad(x);
    lock(x->store);
    if (!err && x->bad == bad && !(x->early && d->spoiled))
        bf_ranges_add(&d->verified, first, first + count);
    unlock(x->store);
    return err;
}

// Where the storage daemon could not bypass the kernel's cache, the kernel's copies of the layer
// are given up, so that the reading is of the disk.
static void forget_cached(struct check *x)
{
    char path[BF_LAYER_PATH_MAX];
    int fd;

    if (bf_qsd_is_direct(x->store->qsd))
        return;
    bf_layer_file(path, x->store->config.machine, x->disk->number, x->disk->layer);
    fd = openat(bf_state_dir(x->store->state), path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

static enum bf_err open_readback(struct check *x, struct bf_store_disk *d)
{
    BF_ASSERT((x->disk == NULL) == (x->readback == NULL)); // an error ended the check
    if (x->disk == d)
        return BF_OK;
    bf_readback_close(x->readback);
    x->readback = NULL;
    x->disk = d;
    return bf_readback_open(x->store->qsd, d->number, &d->geometry, &x->readback, x->fault);
}

// ---- At the seal --------------------------------------------------------------------------------

static enum bf_err verify_gaps(struct check *x, enum bf_chunk_state state, uint64_t first,
                               uint64_t end)
{
    uint64_t gap, gap_end;
    enum bf_err err = BF_OK;

    while (!err && bf_ranges_gap(&x->disk->verified, first, end, &gap, &gap_end)) {
        err = verify_range(x, state, gap, gap_end - gap);
        first = gap_end;
    }
    return err;
}

// The root comes from all records, in order, whenever their chunks were verified. Where one is
// unknown there will be no root: that is damage.
static enum bf_err verify_runs(struct check *x, struct bf_root *root, uint64_t *data_bytes)
{
    struct bf_session_store *s = x->store;
    struct bf_store_disk *d = x->disk;
    enum bf_err err = BF_OK;

    for (uint64_t first = 0, count; !err && first < d->chunks; first += count) {
        enum bf_chunk_state state;
        lock(s);
        err = bf_working_run(d->working, first, d->chunks - first, &state, &count, x->digests,
                             BF_STORE_RUN);
        unlock(s);
        if (err)
            return err;
        x->first = first;
        if (state == BF_CHUNK_DATA)
            *data_bytes += bf_store_bytes(d, first, count);
        err = verify_gaps(x, state, first, first + count);
        if (!err && state != BF_CHUNK_UNKNOWN)
            err = bf_root_add(root, state, count, x->digests);
    }
    return err;
}

static enum bf_err check_root(struct check *x, uint16_t index, struct bf_root *root)
{
    struct bf_digest digest;
    enum bf_err err = bf_root_final(root, &digest);

    if (!err && !bf_digest_equal(&digest, &x->store->roots[index]))
        err = bf_fault_set(x->fault, BF_ERR_MISMATCH, BF_SIDE_SOURCE,
                           "start the source again; it reads everything anew",
                           "the source's root digest of disk %u does not match what it sent",
                           x->disk->number);
    return err;
}

// With the lock.
static uint64_t verified_bytes(const struct bf_store_disk *d)
{
    uint64_t bytes = bf_ranges_total(&d->verified) * d->geometry.chunk_size, last = d->chunks - 1;
    uint64_t gap, gap_end;

    if (!bf_ranges_gap(&d->verified, last, d->chunks, &gap, &gap_end)) // it may be short
        bytes -= d->geometry.chunk_size - bf_store_bytes(d, last, 1);
    return bytes;
}

static enum bf_err verify_disk(struct check *x, uint16_t index, uint64_t *data_bytes)
{
    struct bf_session_store *s = x->store;
    struct bf_store_disk *d = s->disk[index];
    struct bf_root root;
    uint64_t bad_before = x->bad;
    enum bf_err err;

    bf_root_init(&root, &d->geometry);
    *data_bytes = 0;
    lock(s);
    s->progress = (struct bf_store_progress){d->number, 0, d->geometry.disk_bytes};
    s->progress.done = verified_bytes(d);
    unlock(s);
    err = open_readback(x, d);
    if (err)
        return err;
    forget_cached(x);
    err = verify_runs(x, &root, data_bytes);
    if (!err && x->bad == bad_before)
        err = check_root(x, index, &root);
    return err;
}

enum bf_err bf_store_verify(struct bf_session_store *s, uint64_t *data_bytes, uint64_t *bad,
                            struct bf_fault *fault)
{
    struct check *x = calloc(1, sizeof *x);
    enum bf_err err = x ? BF_OK : BF_ERR_NO_MEMORY;

    lock(s);
    s->checker_hold = 1;
    pthread_cond_broadcast(&s->check);
    while (s->checking)
        pthread_cond_wait(&s->check, &s->lock);
    BF_ASSERT(s->sealing == BF_SEAL_WORKING);
    unlock(s);
    if (x) {
        x->store = s;
        x->fault = fault;
    }
    for (uint16_t i = 0; !err && i < s->disks; i++)
        err = verify_disk(x, i, &data_bytes[i]);
    *bad = x ? x->bad : 0;
    if (x)
        bf_readback_close(x->readback);
    free(x);
    return err;
}

// ---- While the copy runs ------------------------------------------------------------------------

void bf_store_will_change(struct bf_store_disk *d, uint64_t first, uint64_t end)
{
    BF_ASSERT(first < end && end <= d->chunks);
    bf_ranges_remove(&d->verified, first, end);
    if (first < d->named && first < d->early_end)
        d->early_end = first;
    if (first < d->checking_end && end > d->checking_first)
        d->spoiled = 1;
}

// How far this disk may be read back before the seal; with the lock.
static uint64_t early_limit(const struct bf_store_disk *d)
{
    return d->durable < d->early_end ? d->durable : d->early_end;
}

static int find_early(const struct bf_store_disk *d, uint64_t *first, uint64_t *end)
{
    uint64_t most = EARLY_BYTES / d->geometry.chunk_size;

    if (!bf_ranges_gap(&d->verified, 0, early_limit(d), first, end))
        return 0;
    *end = *end - *first < most ? *end : *first + most;
    BF_ASSERT(*first < *end && *end <= d->durable);
    return 1;
}

// Waits for something to verify. NULL: the end, or a seal began; what is left is the worker's then.
static struct bf_store_disk *next_early(struct bf_session_store *s, uint64_t *first, uint64_t *end)
{
    struct bf_store_disk *found = NULL;

    lock(s);
    s->checking = 0;
    pthread_cond_broadcast(&s->check);
    while (!found && !s->checker_stop && !s->checker_hold) {
        for (uint16_t i = 0; !found && i < s->disks; i++)
            if (s->queued_bytes <= BUSY_BYTES && find_early(s->disk[i], first, end))
                found = s->disk[i];
        if (!found)
            pthread_cond_wait(&s->check, &s->lock);
    }
    s->checking = found != NULL;
    unlock(s);
    return found;
}

// The run at the beginning of [*first, end): its records, and the mark that it is looked at. None
// when the limit was lowered in the meantime. With the lock.
static enum bf_err begin_run(struct check *x, uint64_t first, uint64_t end,
                             enum bf_chunk_state *state, uint64_t *count)
{
    struct bf_store_disk *d = x->disk;
    uint64_t limit = early_limit(d);
    enum bf_err err = BF_OK;

    end = end < limit ? end : limit;
    *count = 0;
    if (first < end)
        err =
            bf_working_run(d->working, first, end - first, state, count, x->digests, BF_STORE_RUN);
    BF_ASSERT(first + *count <= limit || *count == 0);
    d->checking_first = x->first = first;
    d->checking_end = first + *count;
    d->spoiled = 0;
    return err;
}

// One run at the beginning of [*first, end); *first becomes end when there is no more.
static enum bf_err verify_early(struct check *x, uint64_t *first, uint64_t end)
{
    struct bf_session_store *s = x->store;
    struct bf_store_disk *d = x->disk;
    enum bf_chunk_state state;
    uint64_t count;
    enum bf_err err;

    BF_ASSERT(x->early && *first < end && !x->bad_count);
    lock(s);
    err = begin_run(x, *first, end, &state, &count);
    unlock(s);
    if (err || !count) {
        *first = end;
        return err;
    }
    bf_step_done("checking");
    err = verify_range(x, state, *first, count);
    lock(s);
    d->checking_first = d->checking_end = 0;
    unlock(s);
    *first += count;
    return err;
}

static int is_held(struct bf_session_store *s)
{
    int held;

    lock(s);
    held = s->checker_hold || s->checker_stop;
    unlock(s);
    return held;
}

// An error here is nobody's but the checker's: the seal reads what is left, and finds out.
static void *checker(void *check)
{
    struct check *x = check;
    struct bf_session_store *s = x->store;
    struct bf_store_disk *d;
    uint64_t first, end;
    enum bf_err err = BF_OK;

    setpriority(PRIO_PROCESS, (id_t)gettid(), CHECKER_NICE);
    bf_wait_cancel_by(s->cancel);
    while (!err && (d = next_early(s, &first, &end))) {
        uint64_t bad = x->bad;
        err = open_readback(x, d);
        if (!err)
            forget_cached(x);
        while (!err && first < end && x->bad == bad && !is_held(s))
            err = verify_early(x, &first, end);
    }
    lock(s);
    s->checking = 0;
    pthread_cond_broadcast(&s->check);
    unlock(s);
    bf_readback_close(x->readback);
    free(x->fault);
    free(x);
    return NULL;
}

void bf_store_checker_start(struct bf_session_store *s)
{
    struct check *x = calloc(1, sizeof *x);

    BF_ASSERT(!s->has_checker && !s->checking);
    if (x)
        x->fault = calloc(1, sizeof *x->fault);
    if (x && x->fault) {
        x->store = s;
        x->early = 1;
        s->has_checker = pthread_create(&s->checker, NULL, checker, x) == 0;
    }
    if (x && !s->has_checker) {
        free(x->fault);
        free(x);
    }
}

void bf_store_checker_stop(struct bf_session_store *s)
{
    if (!s->has_checker)
        return;
    lock(s);
    s->checker_stop = 1;
    pthread_cond_broadcast(&s->check);
    unlock(s);
    pthread_join(s->checker, NULL);
    s->has_checker = 0;
}
