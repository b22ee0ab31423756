// SPDX-License-Identifier: Apache-2.0
// Reading threads, see linux/file_readers.h. A request is in one of two lists: waiting, which the
// threads empty, and finished, which the loop does. `done` is set by the loop alone, so nobody else
// looks at a request while a thread has it.
#include "linux/file_readers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"

enum { STACK_BYTES = 128 * 1024, END_SECONDS = 5 };

struct bf_file_readers {
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct bf_block_request *waiting, **last; // in the order of submission
    struct bf_block_request *finished;
    uint32_t under_way; // the loop's count
    int ending;
    int fd;
    uint32_t block_size, threads;
    pthread_t thread[BF_FILE_READERS];
};

enum bf_err bf_file_read_request(int fd, uint32_t block_size, const struct bf_block_request *r)
{
    size_t len = (size_t)r->count * block_size, got = 0;
    off_t at = (off_t)(r->block * block_size);
    BF_ASSERT(len > 0 && !r->done);
    while (got < len) {
        ssize_t n = pread(fd, (char *)r->data + got, len - got, at + (off_t)got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == ENXIO ? BF_ERR_MEDIA : BF_ERR_IO;
        got += (size_t)n;
    }
    return BF_OK;
}

// ---- A thread ----------------------------------------------------------------------------------

static struct bf_block_request *take(struct bf_file_readers *f)
{
    struct bf_block_request *r = f->waiting;
    if (!r)
        return NULL;
    f->waiting = r->next;
    if (!f->waiting)
        f->last = &f->waiting;
    BF_ASSERT(!*f->last);
    return r;
}

static void *work(void *argument)
{
    struct bf_file_readers *f = argument;
    pthread_mutex_lock(&f->lock);
    while (!f->ending) {
        struct bf_block_request *r = take(f);
        if (!r) {
            pthread_cond_wait(&f->wanted, &f->lock);
            continue;
        }
        pthread_mutex_unlock(&f->lock);
        r->status = bf_file_read_request(f->fd, f->block_size, r);
        pthread_mutex_lock(&f->lock);
        r->next = f->finished;
        f->finished = r;
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

static void start_threads(struct bf_file_readers *f)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes))
        return;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all); // signals are the program's own
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (f->threads < BF_FILE_READERS &&
           pthread_create(&f->thread[f->threads], &attributes, work, f) == 0)
        f->threads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

struct bf_file_readers *bf_file_readers_new(int fd, uint32_t block_size)
{
    struct bf_file_readers *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->wanted, NULL);
    f->last = &f->waiting;
    f->fd = fd;
    f->block_size = block_size;
    start_threads(f);
    if (f->threads)
        return f;
    free(f);
    return NULL;
}

// ---- The loop ----------------------------------------------------------------------------------

enum bf_err bf_file_readers_submit(struct bf_file_readers *f, struct bf_block_request *request)
{
    if (f->under_way == BF_FILE_READERS)
        return BF_AGAIN;
    BF_ASSERT(f->under_way < BF_FILE_READERS && !f->ending && f->threads > 0);
    f->under_way++;
    request->next = NULL;
    pthread_mutex_lock(&f->lock);
    *f->last = request;
    f->last = &request->next;
    pthread_cond_signal(&f->wanted);
    pthread_mutex_unlock(&f->lock);
    return BF_OK;
}

void bf_file_readers_poll(struct bf_file_readers *f)
{
    struct bf_block_request *r, *next;
    if (!f->under_way)
        return;
    pthread_mutex_lock(&f->lock);
    r = f->finished;
    f->finished = NULL;
    pthread_mutex_unlock(&f->lock);
    for (; r; r = next) {
        next = r->next;
        BF_ASSERT(!r->done && f->under_way > 0);
        r->done = 1;
        f->under_way--;
    }
}

int bf_file_readers_end(struct bf_file_readers *f)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += END_SECONDS;
    pthread_mutex_lock(&f->lock);
    BF_ASSERT(!f->ending);
    f->ending = 1;
    for (struct bf_block_request *r = f->waiting; r; r = r->next)
        r->status = BF_ERR_CANCELLED;
    pthread_cond_broadcast(&f->wanted);
    pthread_mutex_unlock(&f->lock);
    for (; f->threads; f->threads--)
        if (pthread_timedjoin_np(f->thread[f->threads - 1], NULL, &end))
            return 0;
    pthread_cond_destroy(&f->wanted);
    pthread_mutex_destroy(&f->lock);
    free(f);
    return 1;
}
