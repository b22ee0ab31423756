// SPDX-License-Identifier: Apache-2.0
// The session store as its caller sees it: operations are queued here and never wait. base() looks
// at what is queued first (newest last), then at the working manifest, so it always describes what
// the disk will contain once everything that was taken is written.
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "replica/state/reason.h"
#include "replica/store/parts.h"

static struct bf_store_disk *find_disk(const struct bf_session_store *s, uint16_t number)
{
    for (uint16_t i = 0; i < s->disks; i++)
        if (s->disk[i]->number == number)
            return s->disk[i];
    return NULL;
}

void bf_store_notify(struct bf_session_store *s)
{
    eventfd_write(s->notify, 1);
}

int bf_store_is_ending(struct bf_session_store *s)
{
    int ending;

    pthread_mutex_lock(&s->lock);
    ending = s->stop;
    pthread_mutex_unlock(&s->lock);
    return ending;
}

void bf_store_fail(struct bf_session_store *s, const struct bf_fault *fault)
{
    BF_ASSERT(fault->code); // what every call of the interface returns from here on
    pthread_mutex_lock(&s->lock);
    if (!s->failed)
        s->fault = *fault;
    s->failed = 1;
    s->hung = s->qsd && bf_qsd_has_hung(s->qsd);
    pthread_cond_broadcast(&s->check);
    pthread_mutex_unlock(&s->lock);
    bf_store_notify(s);
}

void bf_store_fail_code(struct bf_session_store *s, enum bf_err code, const char *doing)
{
    struct bf_fault fault;

    if (code == BF_ERR_NO_SPACE)
        bf_fault_set(&fault, code, BF_SIDE_SERVER, bf_reason_todo(code, NULL),
                     "the replica server's disk is full (%s)", doing);
    else if (s->qsd && (code == BF_ERR_BUSY || bf_qsd_has_hung(s->qsd)))
        bf_qsd_fault(s->qsd, code, doing, &fault);
    else
        bf_fault_set(&fault, code, BF_SIDE_SERVER, "look at the server's disk and its system log",
                     "the replica store failed (%s)", doing);
    bf_store_fail(s, &fault);
}

// ---- Queueing -----------------------------------------------------------------------------------

// Under the lock: what every operation is refused for. A refusal leaves the store as it was.
static enum bf_err refuse(struct bf_session_store *s, enum bf_err code, const char *what)
{
    return bf_fault_set(&s->fault, code, BF_SIDE_SOURCE, "report this: it is a bug in the program",
                        "the store refused %s", what);
}

static enum bf_err enter(struct bf_session_store *s, uint16_t number, struct bf_store_disk **d)
{
    pthread_mutex_lock(&s->lock);
    *d = find_disk(s, number);
    if (s->failed)
        return s->fault.code;
    return *d ? BF_OK : refuse(s, BF_ERR_RANGE, "a disk that is not part of the session");
}

static enum bf_err leave(struct bf_session_store *s, enum bf_err err)
{
    pthread_mutex_unlock(&s->lock);
    return err;
}

static enum bf_err check_range(struct bf_session_store *s, const struct bf_store_disk *d,
                               uint64_t first, uint64_t count)
{
    if (s->sealing == BF_SEAL_DONE || s->sealing == BF_SEAL_WORKING)
        return refuse(s, BF_ERR_DENIED, "to change what is sealed");
    if (count == 0 || count > d->chunks || first > d->chunks - count)
        return refuse(s, BF_ERR_RANGE, "chunks beyond the end of the disk");
    return s->ops < BF_STORE_OPS_MAX ? BF_OK : BF_AGAIN;
}

// An operation with room for its digests and data; NULL without memory.
static struct bf_store_op *new_op(struct bf_store_disk *d, enum bf_store_kind kind,
                                  uint32_t digests, uint32_t len)
{
    struct bf_store_op *op = malloc(sizeof *op + (size_t)digests * sizeof(struct bf_digest) + len);

    BF_ASSERT((kind == BF_OP_DATA) == (digests > 0) && (kind == BF_OP_DATA) == (len > 0));
    if (!op)
        return NULL;
    memset(op, 0, sizeof *op);
    op->kind = kind;
    op->disk = d;
    op->digests = (struct bf_digest *)(op + 1);
    op->data = (uint8_t *)(op->digests + digests);
    op->len = len;
    return op;
}

static enum bf_err no_memory(struct bf_session_store *s)
{
    return bf_fault_set(&s->fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                        "no memory to queue a write");
}

static enum bf_err push(struct bf_session_store *s, struct bf_store_op *op)
{
    if (!op)
        return no_memory(s);
    BF_ASSERT(!op->next && !*s->tail && (s->ops == 0) == (s->head == NULL));
    op->sequence = ++s->sequence;
    *s->tail = op;
    s->tail = &op->next;
    s->ops++;
    s->queued_bytes += op->len;
    eventfd_write(s->wake, 1);
    return BF_OK;
}

// ---- The interface ------------------------------------------------------------------------------

// The newest queued operation that covers chunk first; *end becomes the next chunk at which a
// queued operation begins or ends.
static const struct bf_store_op *queued_over(const struct bf_session_store *s,
                                             const struct bf_store_disk *d, uint64_t first,
                                             uint64_t *end)
{
    const struct bf_store_op *found = NULL;

    for (const struct bf_store_op *op = s->head; op; op = op->next) {
        uint64_t op_end = op->first + op->count;
        if (op->disk != d || op->kind > BF_OP_CLEAR || op_end <= first)
            continue;
        if (op->first > first) {
            *end = op->first < *end ? op->first : *end;
            continue;
        }
        found = op;
        *end = op_end < *end ? op_end : *end;
    }
    BF_ASSERT(first < *end);
    return found;
}

static enum bf_err base_of(struct bf_store_disk *d, const struct bf_store_op *op, uint64_t first,
                           uint64_t want, enum bf_chunk_state *state, uint32_t *count,
                           struct bf_digest *digests)
{
    uint32_t most = want < BF_BASE_ENTRIES_MAX ? (uint32_t)want : BF_BASE_ENTRIES_MAX;
    uint64_t run = want;
    enum bf_err err = BF_OK;

    BF_ASSERT(!op || (first >= op->first && want <= op->first + op->count - first));
    if (op && op->kind == BF_OP_DATA) {
        *state = BF_CHUNK_DATA;
        run = most;
        memcpy(digests, op->digests + (first - op->first), run * sizeof *digests);
    } else if (op) {
        *state = op->state;
    } else {
        err = bf_working_run(d->working, first, want, state, &run, digests, most);
    }
    *count = (uint32_t)run;
    return err;
}

static enum bf_err store_base(void *impl, uint16_t disk, uint64_t first, uint32_t want,
                              enum bf_chunk_state *state, uint32_t *count,
                              struct bf_digest *digests)
{
    struct bf_session_store *s = impl;
    struct bf_store_disk *d;
    enum bf_err err = enter(s, disk, &d);

    if (!err && (want == 0 || first >= d->chunks))
        err = refuse(s, BF_ERR_RANGE, "chunks beyond the end of the disk");
    if (!err) {
        uint64_t end = want < d->chunks - first ? first + want : d->chunks;
        const struct bf_store_op *op = queued_over(s, d, first, &end);
        err = base_of(d, op, first, end - first, state, count, digests);
    }
    return leave(s, err);
}

// The data is copied into the queue: no write is held.
static enum bf_err store_data(void *impl, struct bf_store_write *w)
{
    struct bf_session_store *s = impl;
    struct bf_store_disk *d;
    struct bf_store_op *op;
    enum bf_err err = enter(s, w->disk, &d);

    if (!err)
        err = check_range(s, d, w->first, w->count);
    if (!err && w->raw_len != bf_store_bytes(d, w->first, w->count))
        err = refuse(s, BF_ERR_RANGE, "data whose length is not that of its chunks");
    if (!err && s->queued_bytes && s->queued_bytes + w->raw_len > BF_STORE_QUEUE_BYTES)
        err = BF_AGAIN;
    if (err)
        return leave(s, err);
    op = new_op(d, BF_OP_DATA, w->count, w->raw_len);
    if (op) {
        op->first = w->first;
        op->count = w->count;
        op->state = BF_CHUNK_DATA;
        memcpy(op->digests, w->digests, w->count * sizeof *w->digests);
        memcpy(op->data, w->raw, w->raw_len);
        bf_store_will_change(d, w->first, w->first + w->count);
    }
    return leave(s, push(s, op));
}

static enum bf_err store_clear(void *impl, uint16_t disk, uint64_t first, uint64_t count,
                               enum bf_chunk_state state)
{
    struct bf_session_store *s = impl;
    struct bf_store_disk *d;
    struct bf_store_op *op;
    enum bf_err err = enter(s, disk, &d);

    if (!err)
        err = check_range(s, d, first, count);
    if (!err && state != BF_CHUNK_ZERO && state != BF_CHUNK_UNUSED && state != BF_CHUNK_UNREADABLE)
        err = refuse(s, BF_ERR_RANGE, "to clear chunks into this state");
    if (err)
        return leave(s, err);
    op = new_op(d, BF_OP_CLEAR, 0, 0);
    if (op) {
        op->first = first;
        op->count = count;
        op->state = state;
        bf_store_will_change(d, first, first + count);
    }
    return leave(s, push(s, op));
}

static enum bf_err queue_checkpoint(struct bf_session_store *s, struct bf_store_disk *d,
                                    uint64_t next_chunk, const struct bf_digest *root)
{
    struct bf_store_op *op = new_op(d, BF_OP_CHECKPOINT, 0, 0);

    BF_ASSERT(next_chunk <= d->chunks && (!root || next_chunk == d->chunks));
    if (op) {
        op->first = next_chunk;
        d->named = next_chunk > d->named ? next_chunk : d->named;
        op->done = root != NULL;
        if (root)
            op->root = *root;
    }
    return push(s, op);
}

static enum bf_err store_checkpoint(void *impl, uint16_t disk, uint64_t next_chunk)
{
    struct bf_session_store *s = impl;
    struct bf_store_disk *d;
    enum bf_err err = enter(s, disk, &d);

    if (!err && next_chunk > d->chunks)
        err = refuse(s, BF_ERR_RANGE, "a position beyond the end of the disk");
    if (!err && s->sealing != BF_SEAL_DONE)
        err = s->ops < BF_STORE_OPS_MAX ? queue_checkpoint(s, d, next_chunk, NULL) : BF_AGAIN;
    return leave(s, err);
}

// With the lock. What is durable goes back at once as the caller sees it, and the worker makes that
// so on the disk.
static enum bf_err queue_restart(struct bf_session_store *s, struct bf_store_disk *d,
                                 uint64_t first)
{
    struct bf_store_op *op = new_op(d, BF_OP_RESTART, 0, 0);
    enum bf_err err;

    BF_ASSERT(!d->restarting);
    if (op)
        op->first = first;
    err = push(s, op);
    if (err)
        return err;
    d->restarting = 1;
    d->durable = first < d->durable ? first : d->durable;
    d->named = first < d->named ? first : d->named;
    return BF_AGAIN;
}

static enum bf_err store_restart(void *impl, uint16_t disk, uint64_t first)
{
    struct bf_session_store *s = impl;
    struct bf_store_disk *d;
    enum bf_err err = enter(s, disk, &d);

    if (!err)
        err = check_range(s, d, first, 1);
    if (!err && d->restarting)
        err = BF_AGAIN;
    if (!err && (first < d->cursor.next_chunk || d->cursor.done))
        err = queue_restart(s, d, first);
    return leave(s, err);
}

static uint64_t store_durable(void *impl, uint16_t disk)
{
    struct bf_session_store *s = impl;
    struct bf_store_disk *d;
    uint64_t durable;

    pthread_mutex_lock(&s->lock);
    d = find_disk(s, disk);
    durable = d ? d->durable : 0;
    BF_ASSERT(!d || durable <= d->chunks);
    pthread_mutex_unlock(&s->lock);
    return durable;
}

static enum bf_err store_disk_done(void *impl, uint16_t disk, const struct bf_digest *root)
{
    struct bf_session_store *s = impl;
    struct bf_store_disk *d;
    enum bf_err err = enter(s, disk, &d);

    if (!err && s->sealing != BF_SEAL_DONE)
        err = s->ops < BF_STORE_OPS_MAX ? queue_checkpoint(s, d, d->chunks, root) : BF_AGAIN;
    return leave(s, err);
}

static enum bf_err seal_again(struct bf_session_store *s, const struct bf_store_seal *what)
{
    if (bf_digest_equal(&what->point_root, &s->point_root))
        return BF_OK;
    return refuse(s, BF_ERR_DENIED, "different content for a sealed point");
}

static enum bf_err store_seal(void *impl, const struct bf_store_seal *what)
{
    struct bf_session_store *s = impl;
    enum bf_err err = BF_OK;

    pthread_mutex_lock(&s->lock);
    if (s->failed)
        return leave(s, s->fault.code);
    if (s->sealing == BF_SEAL_DONE)
        return leave(s, seal_again(s, what));
    if (s->sealing == BF_SEAL_WORKING || what->disks != s->disks)
        return leave(s, refuse(s, BF_ERR_RANGE, "to seal twice at once, or other disks"));
    for (uint16_t i = 0; !err && i < s->disks; i++)
        err = queue_checkpoint(s, s->disk[i], s->disk[i]->chunks, &what->disk_roots[i]);
    if (err)
        return leave(s, err);
    memcpy(s->roots, what->disk_roots, s->disks * sizeof s->roots[0]);
    s->what = *what;
    s->what.disk_roots = s->roots;
    s->progress = (struct bf_store_progress){.disk = s->disk[0]->number};
    err = push(s, new_op(s->disk[0], BF_OP_SEAL, 0, 0));
    if (!err)
        s->sealing = BF_SEAL_WORKING;
    return leave(s, err);
}

static enum bf_err store_seal_poll(void *impl, struct bf_store_progress *progress, uint32_t *point,
                                   int64_t *time)
{
    struct bf_session_store *s = impl;
    enum bf_err err = BF_AGAIN;

    pthread_mutex_lock(&s->lock);
    *progress = s->progress;
    if (s->failed) {
        err = s->fault.code;
    } else if (s->sealing == BF_SEAL_DONE) {
        *point = s->point;
        *time = s->point_time;
        err = BF_OK;
    } else if (s->sealing == BF_SEAL_NEED) {
        err = BF_ERR_CORRUPT;
    } else if (s->sealing == BF_SEAL_NONE) {
        err = refuse(s, BF_ERR_RANGE, "to report about a sealing that was not asked for");
    }
    return leave(s, err);
}

static enum bf_err store_need(void *impl, uint16_t *disk, uint64_t *first, uint64_t *count)
{
    struct bf_session_store *s = impl;
    enum bf_err err = BF_ERR_NOT_FOUND;

    pthread_mutex_lock(&s->lock);
    BF_ASSERT(s->needs_told <= s->needs && s->needs <= BF_STORE_NEEDS_MAX);
    if (s->sealing == BF_SEAL_NEED && s->needs_told < s->needs) {
        const struct bf_store_need *need = &s->need[s->needs_told++];
        *disk = need->disk->number;
        *first = need->first;
        *count = need->count;
        err = BF_OK;
    }
    return leave(s, err);
}

static enum bf_err store_poll(void *impl)
{
    struct bf_session_store *s = impl;
    eventfd_t value;
    enum bf_err err;

    eventfd_read(s->notify, &value); // EAGAIN when there is nothing: fine
    pthread_mutex_lock(&s->lock);
    err = s->failed ? s->fault.code : BF_OK;
    return leave(s, err);
}

static const struct bf_fault *store_fault(void *impl)
{
    struct bf_session_store *s = impl;

    pthread_mutex_lock(&s->lock);
    s->told = s->fault;
    pthread_mutex_unlock(&s->lock);
    return &s->told;
}

static const struct bf_store_ops table = {
    .base = store_base,
    .data = store_data,
    .clear = store_clear,
    .checkpoint = store_checkpoint,
    .restart = store_restart,
    .durable = store_durable,
    .disk_done = store_disk_done,
    .seal = store_seal,
    .seal_poll = store_seal_poll,
    .need = store_need,
    .poll = store_poll,
    .fault = store_fault,
};

struct bf_store bf_session_store_ops(struct bf_session_store *store)
{
    return (struct bf_store){.ops = &table, .impl = store};
}

// ---- For PLAN -----------------------------------------------------------------------------------

uint64_t bf_session_store_resume(const struct bf_session_store *store, uint16_t disk)
{
    return store_durable((void *)store, disk);
}

int bf_session_store_done(const struct bf_session_store *store, uint16_t disk)
{
    struct bf_session_store *s = (struct bf_session_store *)store;
    const struct bf_store_disk *d;
    int done;

    pthread_mutex_lock(&s->lock);
    d = find_disk(s, disk);
    done = d && (s->sealing == BF_SEAL_DONE || d->cursor.done);
    pthread_mutex_unlock(&s->lock);
    return done;
}

int bf_session_store_has_base(const struct bf_session_store *store, uint16_t disk)
{
    const struct bf_store_disk *d = find_disk(store, disk);

    return d && d->has_base;
}

uint64_t bf_session_store_verified(const struct bf_session_store *store, uint16_t disk)
{
    struct bf_session_store *s = (struct bf_session_store *)store;
    const struct bf_store_disk *d;
    uint64_t verified;

    pthread_mutex_lock(&s->lock);
    d = find_disk(s, disk);
    verified = d ? bf_ranges_total(&d->verified) : 0;
    pthread_mutex_unlock(&s->lock);
    return verified;
}

int bf_session_store_has_hung(const struct bf_session_store *store)
{
    return store->hung;
}

uint64_t bf_session_store_damaged(const struct bf_session_store *store)
{
    struct bf_session_store *s = (struct bf_session_store *)store;
    uint64_t damaged;

    pthread_mutex_lock(&s->lock);
    damaged = s->damaged;
    pthread_mutex_unlock(&s->lock);
    return damaged;
}

int bf_session_store_fd(const struct bf_session_store *store)
{
    return store->notify;
}
