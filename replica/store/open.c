// SPDX-License-Identifier: Apache-2.0
// Opening and closing a session store. The worker thread does the opening too, because the storage
// daemon lives as long as the thread that started it.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/platform.h"
#include "replica/points/layers.h"
#include "replica/state/reason.h"
#include "replica/points/recover.h"
#include "replica/state/step.h"
#include "replica/store/parts.h"
#include "replica/state/waits.h"

enum { LOCK_PAUSE_MS = 50 };

// ---- One disk -----------------------------------------------------------------------------------

// A disk's first layer: the working manifest comes first, so that a layer never has contents that
// no manifest knows.
static enum bf_err first_layer(struct bf_session_store *s, struct bf_store_disk *d,
                               struct bf_fault *fault)
{
    char path[BF_LAYER_PATH_MAX];
    enum bf_err err;

    BF_ASSERT(d->layer == 0 && d->working);
    bf_layer_file(path, s->config.machine, d->number, 1);
    err =
        bf_layer_make(s->state, path, d->geometry.disk_bytes, d->geometry.chunk_size, NULL, fault);
    bf_step_done("first-layer");
    if (err)
        return err;
    err = bf_db_disk_layer(s->db, s->config.machine, d->number, 1);
    if (err)
        *fault = *bf_db_fault(s->db);
    d->layer = 1;
    return err;
}

static enum bf_err working_fault(struct bf_session_store *s, const struct bf_store_disk *d,
                                 enum bf_err err, struct bf_fault *fault)
{
    if (err == BF_ERR_BUSY)
        return bf_fault_set(fault, err, BF_SIDE_SERVER, "end the machine's other session first",
                            "disk %u of %s is in use by another session", d->number,
                            s->config.machine);
    return bf_fault_set(
        fault, err, BF_SIDE_SERVER,
        bf_reason_todo(err, "look at the free space, the permissions and the disk of the "
                            "state folder"),
        "the working manifest of disk %u of %s cannot be opened (%s)", d->number, s->config.machine,
        bf_err_name(err));
}

// The working manifest. One that is lost or damaged is replaced by one that knows nothing, when
// there is a layer already: everything will be compared or sent again, nothing is believed.
static enum bf_err open_working(struct bf_session_store *s, struct bf_store_disk *d,
                                struct bf_fault *fault)
{
    enum bf_chunk_state initial = d->layer ? BF_CHUNK_UNKNOWN : BF_CHUNK_ZERO;
    char folder[BF_LAYER_PATH_MAX];
    int dir;
    enum bf_err err;

    bf_layer_folder(folder, s->config.machine, d->number);
    dir = openat(bf_state_dir(s->state), folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return working_fault(s, d, bf_reason_errno(errno), fault);
    err = bf_working_open(dir, BF_WORKING_NAME, &d->geometry, initial, &d->working);
    if (err == BF_ERR_CORRUPT) {
        bf_log(BF_LOG_WARNING,
               "%s, disk %u: the working manifest is damaged; it is set aside, and everything is "
               "compared or sent again",
               s->config.machine, d->number);
        if (renameat(dir, BF_WORKING_NAME, dir, BF_WORKING_NAME ".damaged") == 0)
            err = bf_working_open(dir, BF_WORKING_NAME, &d->geometry, initial, &d->working);
    }
    close(dir);
    return err ? working_fault(s, d, err, fault) : BF_OK;
}

static int cursor_is_ours(const struct bf_session_store *s, const struct bf_cursor *c)
{
    return memcmp(c->session, s->config.session, 16) == 0 &&
           memcmp(c->boot, s->config.boot, 16) == 0;
}

static void take_cursor(struct bf_session_store *s, struct bf_store_disk *d)
{
    d->cursor = *bf_working_cursor(d->working);
    if (!cursor_is_ours(s, &d->cursor)) {
        memset(&d->cursor, 0, sizeof d->cursor);
        memcpy(d->cursor.session, s->config.session, 16);
        memcpy(d->cursor.boot, s->config.boot, 16);
    }
    d->durable = d->named = d->cursor.next_chunk;
    d->early_end = d->chunks;
    BF_ASSERT(cursor_is_ours(s, &d->cursor) && d->durable <= d->chunks);
}

// Larger than at its last point; before there is one, a disk of another size is another disk.
static int is_grown(const struct bf_replica_disk *row, const struct bf_geometry *g)
{
    return row->layer > 1 && row->geometry.disk_bytes < g->disk_bytes &&
           row->geometry.block_size == g->block_size && row->geometry.chunk_size == g->chunk_size;
}

static enum bf_err check_disk(struct bf_session_store *s, struct bf_store_disk *d,
                              struct bf_fault *fault)
{
    struct bf_replica_disk row;
    enum bf_err err = bf_db_disk_get(s->db, s->config.machine, d->number, &row);

    if (err) {
        *fault = *bf_db_fault(s->db);
        return err;
    }
    d->layer = row.layer;
    if (d->geometry.disk_bytes > BF_STORE_DISK_MAX)
        return bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_SOURCE, "leave this disk out with disk=",
                            "disk %u of %s is larger than 256 TiB", d->number, s->config.machine);
    d->grown = is_grown(&row, &d->geometry);
    if (!d->grown && memcmp(&row.geometry, &d->geometry, sizeof row.geometry) != 0)
        return bf_fault_set(fault, BF_ERR_MISMATCH, BF_SIDE_SERVER,
                            "look at the machine's disks: one was exchanged or resized",
                            "the geometry of disk %u of %s is not that of its replica", d->number,
                            s->config.machine);
    return BF_OK;
}

static enum bf_err open_files(struct bf_session_store *s, struct bf_store_disk *d,
                              struct bf_fault *fault)
{
    enum bf_err err = check_disk(s, d, fault);

    if (!err)
        err = bf_layer_make_folder(s->state, s->config.machine, d->number, fault);
    if (!err && d->grown && s->sealing != BF_SEAL_DONE)
        err = bf_store_grow(d, fault);
    if (!err)
        err = open_working(s, d, fault);
    bf_step_done("working");
    if (!err && !d->layer)
        err = first_layer(s, d, fault);
    if (err)
        return err;
    d->chunks = bf_working_chunks(d->working);
    d->has_base = !bf_working_is_empty(d->working);
    take_cursor(s, d);
    return BF_OK;
}

// A storage daemon that was killed a moment ago may still hold its files.
static enum bf_err add_disk(struct bf_session_store *s, struct bf_store_disk *d,
                            const struct bf_image_chain *chain, struct bf_fault *fault)
{
    enum bf_err err = bf_qsd_add(s->qsd, d->number, chain, 1, fault);

    for (int ms = 0; err == BF_ERR_BUSY && ms < BF_WAIT_QSD_LOCK_MS && !bf_store_is_ending(s);
         ms += LOCK_PAUSE_MS) {
        bf_platform_idle(LOCK_PAUSE_MS * 1000);
        err = bf_qsd_add(s->qsd, d->number, chain, 1, fault);
    }
    return err;
}

static enum bf_err connect_disk(struct bf_session_store *s, struct bf_store_disk *d,
                                struct bf_fault *fault)
{
    struct bf_image_chain chain;
    char path[BF_LAYER_PATH_MAX];
    enum bf_err err =
        bf_layer_chain(s->db, s->config.machine, d->number, d->layer, 1, &chain, fault);

    BF_ASSERT(d->layer > 0 && d->working && !d->nbd);
    // What a killed storage daemon wrote and did not flush is made durable before it is looked at.
    bf_layer_file(path, s->config.machine, d->number, d->layer);
    if (!err)
        err = bf_layer_sync(s->state, path, fault);
    if (!err)
        err = add_disk(s, d, &chain, fault);
    bf_image_chain_free(&chain);
    if (err)
        return err;
    d->nbd = nbd_create();
    if (!d->nbd)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory for a connection to the storage daemon");
    err = bf_nbd_connect(d->nbd, s->qsd, d->number, fault);
    if (err)
        return err;
    err = bf_store_settle(d, fault);
    d->has_base = !bf_working_is_empty(d->working);
    return err;
}

// ---- The whole ----------------------------------------------------------------------------------

// A point that this session sealed within this boot: nothing is left to do but to say so.
static enum bf_err find_sealed(struct bf_session_store *s, struct bf_fault *fault)
{
    struct bf_point *point = malloc(sizeof *point);
    enum bf_err err;

    BF_ASSERT(s->sealing == BF_SEAL_NONE && !s->qsd);
    if (!point)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory to look at a point");
    err =
        bf_db_point_of_session(s->db, s->config.machine, s->config.session, s->config.boot, point);
    if (!err) {
        s->sealing = BF_SEAL_DONE;
        s->point = point->number;
        s->point_time = point->time;
        s->point_root = point->root;
    } else if (err != BF_ERR_NOT_FOUND) {
        *fault = *bf_db_fault(s->db);
    }
    free(point);
    return err == BF_ERR_NOT_FOUND ? BF_OK : err;
}

static enum bf_err open_all(struct bf_session_store *s, struct bf_fault *fault)
{
    enum bf_err err = bf_state_open_db(s->state, &s->db, fault);

    if (!err)
        bf_db_for_session(s->db);

    if (!err)
        err = bf_recover_points(s->state, s->db, s->config.machine, fault);
    if (!err)
        err = find_sealed(s, fault);
    for (uint16_t i = 0; !err && i < s->disks; i++) {
        err = open_files(s, s->disk[i], fault);
        if (!err && s->sealing == BF_SEAL_DONE)
            s->disk[i]->durable = s->disk[i]->chunks;
    }
    if (err || s->sealing == BF_SEAL_DONE)
        return err;
    err = bf_qsd_start(s->state, s->config.machine, BF_QSD_SESSION, &s->qsd, fault);
    for (uint16_t i = 0; !err && i < s->disks; i++)
        err = connect_disk(s, s->disk[i], fault);
    return err;
}

static void close_all(struct bf_session_store *s)
{
    BF_ASSERT(!s->has_checker); // which reads through the storage daemon
    for (uint16_t i = 0; i < s->disks; i++) {
        nbd_close(s->disk[i]->nbd);
        s->disk[i]->nbd = NULL;
    }
    bf_qsd_stop(s->qsd);
    s->qsd = NULL;
    bf_db_close(s->db);
    s->db = NULL;
}

static void *run(void *store)
{
    struct bf_session_store *s = store;
    struct bf_fault fault = {0};
    enum bf_err err;

    bf_wait_cancel_by(s->cancel);
    err = open_all(s, &fault);
    s->hung = s->qsd && bf_qsd_has_hung(s->qsd);
    BF_ASSERT(!err || fault.code);
    BF_ASSERT(err || (s->qsd != NULL) == (s->sealing != BF_SEAL_DONE));
    pthread_mutex_lock(&s->lock);
    BF_ASSERT(!s->is_open && !s->head); // nothing was taken before
    s->is_open = 1;
    s->failed = err != BF_OK;
    s->fault = fault;
    pthread_cond_signal(&s->opened);
    pthread_mutex_unlock(&s->lock);
    bf_store_notify(s);
    if (!err && s->qsd) {
        bf_store_checker_start(s);
        bf_store_worker(s);
        bf_store_checker_stop(s);
    }
    close_all(s);
    return NULL;
}

static enum bf_err prepare(struct bf_session_store *s, const struct bf_session_config *config)
{
    s->config = *config;
    s->tail = &s->head;
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->notify = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->cancel = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->need = calloc(BF_STORE_NEEDS_MAX, sizeof *s->need);
    if (s->wake < 0 || s->notify < 0 || s->cancel < 0 || !s->need)
        return BF_ERR_NO_MEMORY;
    for (uint16_t i = 0; i < config->disks; i++) {
        struct bf_store_disk *d = calloc(1, sizeof *d);
        if (!d)
            return BF_ERR_NO_MEMORY;
        BF_ASSERT(i == 0 || config->disk[i - 1].number < config->disk[i].number);
        d->store = s;
        d->number = config->disk[i].number;
        d->geometry = config->disk[i].geometry;
        s->disk[s->disks++] = d;
    }
    return BF_OK;
}

static enum bf_err start_worker(struct bf_session_store *s, struct bf_fault *fault)
{
    sigset_t all, before;

    sigfillset(&all); // signals are the main thread's business
    pthread_sigmask(SIG_SETMASK, &all, &before);
    s->has_worker = pthread_create(&s->worker, NULL, run, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return s->has_worker ? BF_OK
                         : bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                                        "no memory for a thread");
}

enum bf_err bf_session_store_begin(struct bf_state *state, const struct bf_session_config *config,
                                   struct bf_session_store **out, struct bf_fault *fault)
{
    struct bf_session_store *s;
    enum bf_err err;

    *out = NULL;
    if (config->disks == 0 || config->disks > BF_PROTO_DISKS_MAX)
        return bf_fault_set(fault, BF_ERR_RANGE, BF_SIDE_SOURCE,
                            "choose disks with disk=", "a session cannot have %u disks",
                            config->disks);
    s = calloc(1, sizeof *s);
    if (!s)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory for a session");
    s->state = state;
    s->wake = s->notify = s->cancel = -1;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->opened, NULL);
    pthread_cond_init(&s->check, NULL);
    err = prepare(s, config);
    if (err)
        bf_fault_set(fault, err, BF_SIDE_SERVER, "free some memory", "no memory for a session");
    else
        err = start_worker(s, fault);
    if (err) {
        bf_session_store_close(s);
        return err;
    }
    *out = s;
    return BF_OK;
}

// With the lock.
static enum bf_err outcome(const struct bf_session_store *s, struct bf_fault *fault)
{
    if (!s->is_open)
        return BF_AGAIN;
    if (s->failed)
        *fault = s->fault;
    return s->failed ? s->fault.code : BF_OK;
}

enum bf_err bf_session_store_opened(struct bf_session_store *s, struct bf_fault *fault)
{
    eventfd_t value;
    enum bf_err err;

    eventfd_read(s->notify, &value); // EAGAIN when there is nothing: fine
    pthread_mutex_lock(&s->lock);
    err = outcome(s, fault);
    pthread_mutex_unlock(&s->lock);
    return err;
}

enum bf_err bf_session_store_open(struct bf_state *state, const struct bf_session_config *config,
                                  struct bf_session_store **out, struct bf_fault *fault)
{
    struct bf_session_store *s;
    enum bf_err err = bf_session_store_begin(state, config, &s, fault);

    *out = NULL;
    if (err)
        return err;
    pthread_mutex_lock(&s->lock);
    while (!s->is_open)
        pthread_cond_wait(&s->opened, &s->lock);
    err = outcome(s, fault);
    pthread_mutex_unlock(&s->lock);
    if (err)
        bf_session_store_close(s);
    else
        *out = s;
    return err;
}

static void free_disk(struct bf_store_disk *d)
{
    BF_ASSERT(!d->nbd); // its answers would be written into the requests
    while (d->requests) {
        struct bf_store_request *request = d->requests;
        d->requests = request->next;
        free(request->op);
        free(request);
    }
    bf_working_close(d->working);
    free(d->touched);
    free(d);
}

void bf_session_store_close(struct bf_session_store *s)
{
    if (!s)
        return;
    if (s->has_worker) {
        pthread_mutex_lock(&s->lock);
        s->stop = 1;
        pthread_cond_broadcast(&s->check);
        pthread_mutex_unlock(&s->lock);
        eventfd_write(s->cancel, 1);
        eventfd_write(s->wake, 1);
        pthread_join(s->worker, NULL);
    }
    BF_ASSERT(!s->qsd && !s->db && !s->has_checker);
    while (s->head) {
        struct bf_store_op *op = s->head;
        s->head = op->next;
        free(op);
    }
    for (uint16_t i = 0; i < s->disks; i++)
        free_disk(s->disk[i]);
    if (s->wake >= 0)
        close(s->wake);
    if (s->notify >= 0)
        close(s->notify);
    if (s->cancel >= 0)
        close(s->cancel);
    free(s->need);
    pthread_cond_destroy(&s->opened);
    pthread_cond_destroy(&s->check);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
