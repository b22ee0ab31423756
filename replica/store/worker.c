// SPDX-License-Identifier: Apache-2.0
// The worker of a session store: takes operations in order, keeps requests in flight at the storage
// daemon, and makes checkpoints durable.
//
// An operation, in this order: its windows are doubtful on the disk; its records are written; its
// request is sent. A checkpoint waits until every request before it is complete, flushes the
// daemon, syncs the records, then writes cursor and trusted windows and syncs those; only then it
// is told. Later operations go on in the meantime: their windows stay doubtful.
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/assert.h"
#include "replica/state/step.h"
#include "replica/state/reason.h"
#include "replica/store/parts.h"

#define ZERO_MAX_BYTES ((uint64_t)1 << 30)

static void lock(struct bf_session_store *s)
{
    pthread_mutex_lock(&s->lock);
}

static void unlock(struct bf_session_store *s)
{
    pthread_mutex_unlock(&s->lock);
}

static int is_over(struct bf_session_store *s)
{
    int over;

    lock(s);
    over = s->stop || s->failed;
    unlock(s);
    return over;
}

// ---- Requests -----------------------------------------------------------------------------------

static int completed(void *user, int *error)
{
    struct bf_store_request *request = user;

    BF_ASSERT(!request->done);
    request->error = *error;
    request->done = 1;
    return 1;
}

static struct bf_store_request *new_request(struct bf_store_disk *d, uint64_t sequence)
{
    struct bf_store_request *request = calloc(1, sizeof *request);

    BF_ASSERT(d->in_flight < BF_STORE_IN_FLIGHT);
    if (!request) {
        bf_store_fail_code(d->store, BF_ERR_NO_MEMORY, "no memory for a request");
        return NULL;
    }
    request->disk = d;
    request->sequence = sequence;
    request->next = d->requests;
    d->requests = request;
    d->in_flight++;
    return request;
}

static void drop_request(struct bf_store_disk *d, struct bf_store_request **link)
{
    struct bf_store_request *request = *link;
    struct bf_session_store *s = d->store;

    *link = request->next;
    BF_ASSERT(d->in_flight > 0);
    d->in_flight--;
    BF_ASSERT((d->in_flight == 0) == (d->requests == NULL));
    if (request->op) {
        lock(s);
        BF_ASSERT(s->queued_bytes >= request->op->len);
        s->queued_bytes -= request->op->len;
        pthread_cond_signal(&s->check);
        unlock(s);
        free(request->op);
    }
    free(request);
}

static void sent(struct bf_store_disk *d, int64_t cookie)
{
    if (cookie < 0) {
        drop_request(d, &d->requests);
        bf_store_fail_code(d->store, BF_ERR_BUSY, "its connection is closed");
    }
}

static void send_data(struct bf_store_disk *d, struct bf_store_op *op)
{
    struct bf_store_request *request = new_request(d, op->sequence);
    nbd_completion_callback callback = {.callback = completed, .user_data = request};

    if (!request) {
        free(op);
        return;
    }
    request->op = op;
    sent(d, nbd_aio_pwrite(d->nbd, op->data, op->len, op->first * d->geometry.chunk_size, callback,
                           0));
}

static void send_zero(struct bf_store_disk *d, uint64_t first, uint64_t count, uint64_t sequence)
{
    struct bf_store_request *request = new_request(d, sequence);
    nbd_completion_callback callback = {.callback = completed, .user_data = request};

    if (request)
        sent(d, nbd_aio_zero(d->nbd, bf_store_bytes(d, first, count),
                             first * d->geometry.chunk_size, callback, 0));
}

// Takes away what is complete. True when there was something.
static int reap(struct bf_store_disk *d)
{
    struct bf_store_request **link = &d->requests;
    int some = 0;

    while (*link) {
        struct bf_store_request *request = *link;
        if (!request->done) {
            link = &request->next;
            continue;
        }
        if (request->error)
            bf_store_fail_code(d->store, bf_reason_errno(request->error), strerror(request->error));
        drop_request(d, link);
        some = 1;
    }
    return some;
}

// ---- Doubt --------------------------------------------------------------------------------------

static enum bf_err touch(struct bf_store_disk *d, uint64_t window, uint64_t sequence)
{
    for (size_t i = d->touched_count; bf_working_is_doubtful(d->working, window) && i-- > 0;)
        if (d->touched[i].window == window) {
            d->touched[i].sequence = sequence;
            return BF_OK;
        }
    BF_ASSERT(!bf_working_is_doubtful(d->working, window)); // doubt comes from here alone
    if (d->touched_count == d->touched_room) {
        size_t room = d->touched_room ? d->touched_room * 2 : 64;
        struct bf_store_touched *grown = reallocarray(d->touched, room, sizeof *grown);
        if (!grown)
            return BF_ERR_NO_MEMORY;
        d->touched = grown;
        d->touched_room = room;
    }
    d->touched[d->touched_count++] = (struct bf_store_touched){window, sequence};
    return BF_OK;
}

// Called with the lock, and gives it up while the mark goes to the disk. Chunks [first, end).
static enum bf_err doubt(struct bf_store_disk *d, uint64_t first, uint64_t end, uint64_t sequence)
{
    uint64_t window = bf_working_window_of(d->working, first);
    uint64_t last = bf_working_window_of(d->working, end - 1);
    int changed = 0;
    enum bf_err err = BF_OK;

    BF_ASSERT(first < end && end <= d->chunks);
    for (uint64_t i = window; !err && i <= last; i++)
        err = touch(d, i, sequence);
    if (!err)
        err = bf_working_doubt(d->working, window, last, &changed);
    if (err || !changed)
        return err;
    unlock(d->store);
    err = bf_working_sync(d->working);
    bf_step_done("doubt");
    lock(d->store);
    return err;
}

// ---- Operations ---------------------------------------------------------------------------------

// With the lock.
static void pop(struct bf_session_store *s)
{
    struct bf_store_op *op = s->head;

    BF_ASSERT(op && s->ops > 0);
    s->head = op->next;
    if (!s->head)
        s->tail = &s->head;
    op->next = NULL;
    s->ops--;
    BF_ASSERT((s->ops == 0) == (s->head == NULL));
}

static void start_data(struct bf_session_store *s, struct bf_store_op *op)
{
    struct bf_store_disk *d = op->disk;
    enum bf_err err;

    lock(s);
    err = doubt(d, op->first, op->first + op->count, op->sequence);
    BF_ASSERT(s->head == op); // whoever queued meanwhile did so behind it
    BF_ASSERT(err ||
              bf_working_is_doubtful(d->working, bf_working_window_of(d->working, op->first)));
    if (!err)
        err = bf_working_set(d->working, op->first, op->count, BF_CHUNK_DATA, op->digests);
    if (!err)
        pop(s);
    unlock(s);
    if (err)
        bf_store_fail_code(s, err, "writing the working manifest");
    else
        send_data(d, op);
}

// Clears the first run of equal state. What is zero already changes its state only: nothing is in
// doubt, since both states say the same about the bytes.
static enum bf_err clear_run(struct bf_session_store *s, struct bf_store_op *op, uint64_t *zeroed)
{
    static const uint64_t look_ahead = BF_STORE_AHEAD_WINDOWS * BF_WINDOW_BYTES;
    struct bf_digest digests[BF_STORE_RUN];
    struct bf_store_disk *d = op->disk;
    uint64_t count, most = ZERO_MAX_BYTES / d->geometry.chunk_size, ahead;
    enum bf_chunk_state state;
    enum bf_err err =
        bf_working_run(d->working, op->first, op->count, &state, &count, digests, BF_STORE_RUN);

    *zeroed = 0;
    if (!err && (state == BF_CHUNK_DATA || state == BF_CHUNK_UNKNOWN)) {
        count = count < most ? count : most;
        ahead = look_ahead / d->geometry.chunk_size;
        ahead = ahead < op->count ? ahead : op->count;
        err = doubt(d, op->first, op->first + (ahead > count ? ahead : count), op->sequence);
        *zeroed = count;
    }
    if (!err && state != op->state)
        err = bf_working_set(d->working, op->first, count, op->state, NULL);
    op->first += err ? 0 : count;
    op->count -= err ? 0 : count;
    return err;
}

static void start_clear(struct bf_session_store *s, struct bf_store_op *op)
{
    struct bf_store_disk *d = op->disk;
    uint64_t first = op->first, sequence = op->sequence, zeroed;
    enum bf_err err;
    int finished;

    lock(s);
    BF_ASSERT(s->head == op && op->count > 0);
    err = clear_run(s, op, &zeroed);
    finished = !err && op->count == 0;
    if (finished)
        pop(s);
    unlock(s);
    if (finished)
        free(op);
    if (err)
        bf_store_fail_code(s, err, "writing the working manifest");
    else if (zeroed)
        send_zero(d, first, zeroed, sequence);
}

// A checkpoint that has not begun to flush is replaced by a later one.
static int start_checkpoint(struct bf_session_store *s, struct bf_store_op *op)
{
    struct bf_store_disk *d = op->disk;

    if (d->flush == BF_FLUSH_RUNNING)
        return 0;
    lock(s);
    pop(s);
    if (d->flush == BF_FLUSH_NONE)
        d->flush_cursor = d->cursor;
    unlock(s);
    BF_ASSERT(op->sequence > d->flush_sequence);
    d->flush = BF_FLUSH_WAITING;
    d->flush_sequence = op->sequence;
    if (op->first > d->flush_cursor.next_chunk)
        d->flush_cursor.next_chunk = op->first;
    if (op->done) {
        d->flush_cursor.done = 1;
        d->flush_cursor.root = op->root;
    }
    free(op);
    return 1;
}

// The source begins the disk again: the cursor goes back, and is on the disk before anything that
// is remembered beside it may be forgotten. Windows and records stay as they are.
static int start_restart(struct bf_session_store *s, struct bf_store_op *op)
{
    struct bf_store_disk *d = op->disk;
    enum bf_err err;

    if (d->flush != BF_FLUSH_NONE)
        return 0;
    lock(s);
    BF_ASSERT(d->restarting);
    pop(s);
    d->cursor.next_chunk = op->first < d->cursor.next_chunk ? op->first : d->cursor.next_chunk;
    d->cursor.done = 0;
    err = bf_working_advance(d->working, &d->cursor);
    unlock(s);
    free(op);
    bf_step_done("restart");
    if (!err)
        err = bf_working_sync(d->working);
    if (err) {
        bf_store_fail_code(s, err, "going back to an earlier position");
        return 1;
    }
    lock(s);
    d->durable = d->cursor.next_chunk;
    d->restarting = 0;
    unlock(s);
    bf_step_done("restarted");
    return 1;
}

static int is_quiet(const struct bf_session_store *s)
{
    for (uint16_t i = 0; i < s->disks; i++)
        if (s->disk[i]->in_flight || s->disk[i]->flush != BF_FLUSH_NONE)
            return 0;
    return 1;
}

// Whether the storage daemon owes an answer.
static int is_waiting(const struct bf_session_store *s)
{
    for (uint16_t i = 0; i < s->disks; i++)
        if (s->disk[i]->in_flight || s->disk[i]->flush == BF_FLUSH_RUNNING)
            return 1;
    return 0;
}

static int start_seal(struct bf_session_store *s, struct bf_store_op *op)
{
    if (!is_quiet(s))
        return 0;
    lock(s);
    pop(s);
    unlock(s);
    free(op);
    bf_store_seal_now(s);
    return 1;
}

// Starts the operation at the head of the queue. False when it has to wait, or there is none.
static int start_next(struct bf_session_store *s)
{
    struct bf_store_op *op;

    lock(s);
    op = s->head;
    unlock(s);
    if (!op)
        return 0;
    switch (op->kind) {
    case BF_OP_DATA:
        if (op->disk->in_flight >= BF_STORE_IN_FLIGHT)
            return 0;
        start_data(s, op);
        return 1;
    case BF_OP_CLEAR:
        if (op->disk->in_flight >= BF_STORE_IN_FLIGHT)
            return 0;
        start_clear(s, op);
        return 1;
    case BF_OP_CHECKPOINT:
        return start_checkpoint(s, op);
    case BF_OP_RESTART:
        return start_restart(s, op);
    case BF_OP_SEAL:
        return start_seal(s, op);
    }
    return 0;
}

// ---- Checkpoints --------------------------------------------------------------------------------

static int flush_completed(void *user, int *error)
{
    struct bf_store_disk *d = user;

    BF_ASSERT(d->flush == BF_FLUSH_RUNNING && !d->flush_done);
    d->flush_error = *error;
    d->flush_done = 1;
    return 1;
}

static int has_earlier_request(const struct bf_store_disk *d)
{
    for (const struct bf_store_request *r = d->requests; r; r = r->next)
        if (r->sequence < d->flush_sequence)
            return 1;
    return 0;
}

static int begin_flush(struct bf_store_disk *d)
{
    nbd_completion_callback callback = {.callback = flush_completed, .user_data = d};

    if (has_earlier_request(d))
        return 0;
    d->flush = BF_FLUSH_RUNNING;
    d->flush_done = d->flush_error = 0;
    if (nbd_aio_flush(d->nbd, callback, 0) < 0)
        bf_store_fail_code(d->store, BF_ERR_BUSY, "its connection is closed");
    return 1;
}

// Windows in which nothing was changed after the flush began are certain again.
static void trust_flushed(struct bf_store_disk *d)
{
    size_t kept = 0;

    for (size_t i = 0; i < d->touched_count; i++) {
        BF_ASSERT(bf_working_is_doubtful(d->working, d->touched[i].window));
        if (d->touched[i].sequence < d->flush_sequence)
            bf_working_trust(d->working, d->touched[i].window);
        else
            d->touched[kept++] = d->touched[i];
    }
    d->touched_count = kept;
}

static void finish_flush(struct bf_store_disk *d)
{
    struct bf_session_store *s = d->store;
    enum bf_err err = d->flush_error ? bf_reason_errno(d->flush_error) : BF_OK;

    BF_ASSERT(!has_earlier_request(d));
    BF_ASSERT(d->cursor.next_chunk <= d->flush_cursor.next_chunk);
    bf_step_done("flushed");
    if (!err)
        err = bf_working_sync(d->working);
    bf_step_done("records");
    if (!err) {
        lock(s);
        trust_flushed(d);
        err = bf_working_advance(d->working, &d->flush_cursor);
        unlock(s);
    }
    bf_step_done("cursor");
    if (!err)
        err = bf_working_sync(d->working);
    if (err) {
        bf_store_fail_code(s, err, "making a checkpoint durable");
        return;
    }
    lock(s);
    BF_ASSERT(d->durable <= d->flush_cursor.next_chunk);
    d->cursor = d->flush_cursor;
    d->durable = d->cursor.next_chunk;
    pthread_cond_signal(&s->check);
    unlock(s);
    d->flush = BF_FLUSH_NONE;
    bf_step_done("durable");
}

static int move_checkpoint(struct bf_store_disk *d)
{
    if (d->flush == BF_FLUSH_WAITING)
        return begin_flush(d);
    if (d->flush != BF_FLUSH_RUNNING || !d->flush_done)
        return 0;
    finish_flush(d);
    return 1;
}

// ---- The loop -----------------------------------------------------------------------------------

static void let_go_on(struct bf_store_disk *d, short events)
{
    bf_child_progress(&d->store->wait.child);
    if (bf_nbd_go_on(d->nbd, events))
        bf_store_fail_code(d->store, BF_ERR_BUSY, "its connection is closed");
}

// Sleeps until something happens. While nothing is asked of the storage daemon, that may take as
// long as the caller likes; it wakes us.
static void wait_for_something(struct bf_session_store *s)
{
    struct pollfd fds[BF_PROTO_DISKS_MAX + 1];
    nfds_t count = s->disks + 1u;
    enum bf_err err = BF_OK;
    eventfd_t value;

    for (uint16_t i = 0; i < s->disks; i++)
        fds[i] = (struct pollfd){.fd = nbd_aio_get_fd(s->disk[i]->nbd),
                                 .events = bf_nbd_events(s->disk[i]->nbd)};
    fds[s->disks] = (struct pollfd){.fd = s->wake, .events = POLLIN};
    if (is_waiting(s)) {
        err = bf_wait_for(&s->wait, fds, count);
    } else {
        bf_child_progress(&s->wait.child);
        if (poll(fds, count, -1) < 0)
            return;
    }
    if (err == BF_ERR_TIMEOUT)
        bf_store_fail_code(s, BF_ERR_BUSY, "writing");
    if (fds[s->disks].revents)
        eventfd_read(s->wake, &value);
    for (uint16_t i = 0; i < s->disks; i++)
        if (fds[i].revents)
            let_go_on(s->disk[i], fds[i].revents);
}

static int turn(struct bf_session_store *s)
{
    int moved = 0;

    for (uint16_t i = 0; i < s->disks; i++) {
        moved |= reap(s->disk[i]);
        moved |= move_checkpoint(s->disk[i]);
    }
    if (!is_over(s))
        moved |= start_next(s);
    return moved;
}

void *bf_store_worker(void *store)
{
    struct bf_session_store *s = store;
    int unseen = 0;

    bf_qsd_wait(s->qsd, &s->wait);
    while (!is_over(s)) {
        if (turn(s)) {
            unseen = 1;
            continue;
        }
        if (unseen)
            bf_store_notify(s);
        unseen = 0;
        wait_for_something(s);
    }
    return NULL;
}
