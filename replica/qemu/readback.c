// SPDX-License-Identifier: Apache-2.0
// Reading back over NBD. A ring of requests of at most 1 MiB, each a whole number of chunks, is
// kept in flight; they are consumed in order, so what comes early waits in its buffer. Answers come
// in one piece (NBD_CMD_FLAG_DF): QEMU closes the connection over an error in one that it sends in
// pieces. A request that fails is repeated chunk by chunk, to find those that cannot be read.
#include "replica/qemu/readback.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "replica/qemu/nbd.h"
#include "replica/state/reason.h"

enum { DEPTH = 8, REQUEST_BYTES = BF_CHUNK_MAX };
#define STATUS_BYTES ((uint64_t)1 << 30)

struct request {
    uint64_t first;
    uint32_t count; // chunks
    int done, error;
    uint8_t *data;
};

struct bf_readback {
    struct nbd_handle *nbd;
    struct bf_qsd *qsd;
    struct bf_wait wait;
    struct bf_geometry geometry;
    struct request ring[DEPTH];
    uint32_t head, in_use; // ring[head] is the oldest
    struct request again;  // of one chunk, or for extents
};

static enum bf_err nbd_fault(const struct bf_readback *r, struct bf_fault *fault, const char *doing,
                             int number)
{
    enum bf_err code = bf_reason_errno(number);

    if (bf_qsd_has_hung(r->qsd))
        return bf_qsd_fault(r->qsd, BF_ERR_IO, doing, fault);
    return bf_fault_set(fault, code, BF_SIDE_SERVER,
                        bf_reason_todo(code, "look at the server's disk and its system log"),
                        "%s through the storage daemon failed: %s", doing, strerror(number));
}

enum bf_err bf_readback_open(struct bf_qsd *qsd, uint16_t disk, const struct bf_geometry *geometry,
                             struct bf_readback **out, struct bf_fault *fault)
{
    struct bf_readback *r = calloc(1, sizeof *r);
    enum bf_err err;
    int memory = r != NULL;

    *out = NULL;
    for (int i = 0; memory && i < DEPTH; i++)
        memory = (r->ring[i].data = malloc(REQUEST_BYTES)) != NULL;
    if (memory)
        r->nbd = nbd_create();
    if (!memory || !r->nbd) {
        bf_readback_close(r);
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory to read a disk back");
    }
    r->geometry = *geometry;
    r->qsd = qsd;
    bf_qsd_wait(qsd, &r->wait);
    err = nbd_add_meta_context(r->nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) != 0
              ? nbd_fault(r, fault, "connecting", ENOMEM)
              : bf_nbd_connect(r->nbd, qsd, disk, fault);
    if (err) {
        bf_readback_close(r);
        return err;
    }
    *out = r;
    return BF_OK;
}

void bf_readback_close(struct bf_readback *r)
{
    if (!r)
        return;
    nbd_close(r->nbd); // ends all requests; takes NULL
    for (int i = 0; i < DEPTH; i++)
        free(r->ring[i].data);
    free(r);
}

static uint64_t offset_of(const struct bf_readback *r, uint64_t chunk)
{
    return chunk * r->geometry.chunk_size;
}

static uint64_t bytes_of(const struct bf_readback *r, uint64_t first, uint64_t count)
{
    uint64_t end = offset_of(r, first + count);

    BF_ASSERT(count > 0 && first + count <= bf_geometry_chunks(&r->geometry));
    return (end < r->geometry.disk_bytes ? end : r->geometry.disk_bytes) - offset_of(r, first);
}

static int completed(void *user, int *error)
{
    struct request *q = user;

    BF_ASSERT(!q->done);
    q->done = 1;
    q->error = *error;
    return 1;
}

// The bytes are in the request's buffer already.
static int on_piece(void *user, const void *data, size_t len, uint64_t offset, unsigned status,
                    int *error)
{
    return 0;
}

static enum bf_err submit(struct bf_readback *r, uint64_t first, uint32_t count,
                          struct bf_fault *fault)
{
    struct request *q = &r->ring[(r->head + r->in_use) % DEPTH];
    nbd_completion_callback callback = {.callback = completed, .user_data = q};
    nbd_chunk_callback piece = {.callback = on_piece};

    BF_ASSERT(r->in_use < DEPTH && bytes_of(r, first, count) <= REQUEST_BYTES);
    q->first = first;
    q->count = count;
    q->done = q->error = 0;
    if (nbd_aio_pread_structured(r->nbd, q->data, bytes_of(r, first, count), offset_of(r, first),
                                 piece, callback, LIBNBD_CMD_FLAG_DF) < 0)
        return nbd_fault(r, fault, "reading", nbd_get_errno() ? nbd_get_errno() : EIO);
    r->in_use++;
    return BF_OK;
}

// Until a request is done. The fault has words after an error.
static enum bf_err wait_for(struct bf_readback *r, const int *done, const char *doing,
                            struct bf_fault *fault)
{
    enum bf_err err = bf_wait_is_cancelled() ? BF_ERR_CANCELLED : BF_OK;

    bf_child_progress(&r->wait.child); // while nobody waited, nobody was waited for
    while (!err && !*done)
        err = bf_nbd_turn(r->nbd, &r->wait);
    if (err == BF_ERR_BUSY) // the connection ended, and with it all requests
        return nbd_fault(r, fault, doing, ENOTCONN);
    return err ? bf_qsd_fault(r->qsd, err, doing, fault) : BF_OK;
}

static enum bf_err wait_oldest(struct bf_readback *r, struct bf_fault *fault)
{
    struct request *q = &r->ring[r->head];
    enum bf_err err = wait_for(r, &q->done, "reading", fault);

    BF_ASSERT(r->in_use > 0);
    return !err && q->error && q->error != EIO ? nbd_fault(r, fault, "reading", q->error) : err;
}

// One chunk of a request that failed. *data is NULL when it is this one.
static enum bf_err read_again(struct bf_readback *r, uint64_t chunk, const uint8_t **data,
                              uint32_t len, struct bf_fault *fault)
{
    nbd_chunk_callback piece = {.callback = on_piece};
    struct request *q = &r->again;
    nbd_completion_callback callback = {.callback = completed, .user_data = q};
    enum bf_err err;

    q->done = q->error = 0;
    if (nbd_aio_pread_structured(r->nbd, (uint8_t *)*data, len, offset_of(r, chunk), piece,
                                 callback, LIBNBD_CMD_FLAG_DF) < 0)
        return nbd_fault(r, fault, "reading", nbd_get_errno() ? nbd_get_errno() : EIO);
    err = wait_for(r, &q->done, "reading", fault);
    if (err || !q->error)
        return err;
    *data = NULL;
    return q->error == EIO ? BF_OK : nbd_fault(r, fault, "reading", q->error);
}

static enum bf_err consume(struct bf_readback *r, bf_readback_chunk *each, void *user,
                           struct bf_fault *fault)
{
    struct request *q = &r->ring[r->head];
    const uint8_t *at = q->data;
    enum bf_err err = wait_oldest(r, fault);

    for (uint32_t i = 0; !err && i < q->count; i++) {
        uint32_t len = bf_geometry_chunk_bytes(&r->geometry, q->first + i);
        const uint8_t *data = at;
        if (q->error)
            err = read_again(r, q->first + i, &data, len, fault);
        if (!err)
            err = each(user, q->first + i, data, len);
        at += len;
    }
    if (q->done) {
        r->head = (r->head + 1) % DEPTH;
        r->in_use--;
    }
    return err;
}

// After an error requests may be in flight; their buffers belong to them until they are done.
static void drain(struct bf_readback *r)
{
    struct bf_fault ignored;

    while (r->in_use > 0) {
        wait_oldest(r, &ignored);
        if (!r->ring[r->head].done)
            return; // the connection is dead; closing it ends them
        r->head = (r->head + 1) % DEPTH;
        r->in_use--;
    }
}

enum bf_err bf_readback_read(struct bf_readback *r, uint64_t first, uint64_t count,
                             bf_readback_chunk *each, void *user, struct bf_fault *fault)
{
    uint32_t most = REQUEST_BYTES / r->geometry.chunk_size;
    enum bf_err err = BF_OK;

    BF_ASSERT(r->in_use == 0); // after an error there is no further reading
    while (!err && (count > 0 || r->in_use > 0)) {
        if (count > 0 && r->in_use < DEPTH) {
            uint32_t n = count < most ? (uint32_t)count : most;
            err = submit(r, first, n, fault);
            first += n;
            count -= n;
        } else {
            err = consume(r, each, user, fault);
        }
    }
    if (err)
        drain(r);
    return err;
}

// ---- Zero --------------------------------------------------------------------------------------

// How far from the start of a range the layers say "zero", and how far they say anything.
struct extents {
    uint64_t zero, known;
    int other; // something that is not zero was seen
};

static int on_extents(void *user, const char *context, uint64_t offset, uint32_t *entries,
                      size_t count, int *error)
{
    struct extents *e = user;

    for (size_t i = 0; i + 1 < count; i += 2) {
        if (!e->other && (entries[i + 1] & LIBNBD_STATE_ZERO))
            e->zero += entries[i];
        else
            e->other = 1;
        e->known += entries[i];
    }
    return 0;
}

// Where that cannot be said, nothing is zero, and what is read decides.
static enum bf_err look_for_holes(struct bf_readback *r, uint64_t first, uint64_t bytes,
                                  struct extents *e, struct bf_fault *fault)
{
    struct request *q = &r->again;
    nbd_extent_callback extents = {.callback = on_extents, .user_data = e};
    nbd_completion_callback callback = {.callback = completed, .user_data = q};
    enum bf_err err;

    q->done = q->error = 0;
    if (nbd_aio_block_status(r->nbd, bytes, offset_of(r, first), extents, callback, 0) < 0)
        return nbd_fault(r, fault, "looking for holes",
                         nbd_get_errno() ? nbd_get_errno() : ENOTCONN);
    err = wait_for(r, &q->done, "looking for holes", fault);
    if (!err && q->error == EIO)
        e->zero = 0;
    else if (!err && q->error)
        err = nbd_fault(r, fault, "looking for holes", q->error);
    return err;
}

struct nonzero {
    bf_readback_chunk *each;
    void *user;
};

static enum bf_err pass_nonzero(void *user, uint64_t chunk, const void *data, uint32_t len)
{
    const struct nonzero *n = user;

    return data && bf_is_zero(data, len) ? BF_OK : n->each(n->user, chunk, data, len);
}

enum bf_err bf_readback_zero(struct bf_readback *r, uint64_t first, uint64_t count,
                             bf_readback_chunk *each, void *user, struct bf_fault *fault)
{
    uint32_t chunk_size = r->geometry.chunk_size;
    struct nonzero n = {each, user};
    enum bf_err err = BF_OK;

    while (!err && count > 0) {
        struct extents e = {0};
        uint64_t bytes = bytes_of(r, first, count), chunks, most = STATUS_BYTES / chunk_size;

        if (bytes > STATUS_BYTES)
            bytes = STATUS_BYTES;
        err = look_for_holes(r, first, bytes, &e, fault);
        if (err)
            return err;
        chunks = e.zero >= bytes ? (count < most ? count : most) : e.zero / chunk_size;
        if (chunks == 0) {
            chunks = REQUEST_BYTES / chunk_size;
            chunks = chunks < count ? chunks : count;
            err = bf_readback_read(r, first, chunks, pass_nonzero, &n, fault);
        }
        BF_ASSERT(chunks > 0 && chunks <= count);
        first += chunks;
        count -= chunks;
    }
    return err;
}
