// SPDX-License-Identifier: Apache-2.0
// A store of raw files, see linux/file_store.h. What was given is remembered by state and digest,
// chunk by chunk, so that reading back has something to compare with.
#include "linux/file_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"

enum { QUEUE = 16, READ_CHUNKS = 16 };

struct file_disk {
    int fd;
    const struct bf_planned_disk *plan;
    uint8_t *state; // enum bf_chunk_state, per chunk
    struct bf_digest *digest;
    uint64_t durable, next_durable; // chunks before it; the second once the files are synced
};

struct bf_file_store {
    struct bf_store_opened *opened;
    struct file_disk disk[BF_PROTO_DISKS_MAX];
    struct bf_store_write *queue[QUEUE];
    uint32_t queued;
    uint8_t sync_wanted;
    uint8_t *room; // for a chunk that is read back

    // Sealing: where it stands.
    uint8_t damaged;
    uint16_t at_disk, need_disk;
    uint64_t at_chunk, need_chunk;
    struct bf_fault fault;
};

static uint64_t chunks_of(const struct file_disk *d)
{
    return bf_geometry_chunks(&d->plan->geometry);
}

static uint64_t offset_of(const struct file_disk *d, uint64_t chunk)
{
    BF_ASSERT(chunk <= chunks_of(d));
    return chunk * d->plan->geometry.chunk_size;
}

static enum bf_err fail(struct bf_file_store *s, const char *what)
{
    int code = errno;
    return bf_fault_set(&s->fault, code == ENOSPC ? BF_ERR_NO_SPACE : BF_ERR_IO, BF_SIDE_SERVER,
                        code == ENOSPC ? "free some space" : "look at the file system",
                        "the copy cannot be %s: %s", what, strerror(code));
}

// ---- Opening -----------------------------------------------------------------------------------

static void plan_disks(struct bf_store_opened *opened, const struct bf_inventory *inventory)
{
    memset(opened, 0, sizeof *opened);
    opened->can = BF_STORE_CLEAR | BF_STORE_VERIFY;
    for (uint16_t i = 0; i < inventory->disks; i++) {
        const struct bf_inventory_disk *d = &inventory->disk[i];
        if (!d->planned)
            continue;
        BF_ASSERT(opened->disks < BF_PROTO_DISKS_MAX);
        opened->plan[opened->disks] = (struct bf_planned_disk){
            .disk = opened->disks,
            .inventory_disk = i,
            .geometry = {d->identity.bytes, d->identity.block_size,
                         bf_geometry_default_chunk(d->identity.bytes)},
        };
        opened->disks++;
    }
    for (uint16_t i = 0; i < opened->disks; i++)
        opened->plan[i].disks = opened->disks;
}

static enum bf_err open_file(struct bf_file_store *s, const char *folder, struct file_disk *d)
{
    char path[4096];
    BF_ASSERT(d->fd < 0 && !d->state && !d->digest);
    snprintf(path, sizeof path, "%s/disk-%u.raw", folder, d->plan->inventory_disk);
    d->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (d->fd < 0)
        return bf_fault_set(&s->fault, BF_ERR_DENIED, BF_SIDE_SERVER, "name an empty folder",
                            "%s cannot be made: %s", path, strerror(errno));
    if (ftruncate(d->fd, (off_t)d->plan->geometry.disk_bytes))
        return fail(s, "made");
    d->state = malloc(chunks_of(d));
    d->digest = malloc(chunks_of(d) * sizeof *d->digest);
    if (!d->state || !d->digest)
        return bf_fault_set(&s->fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "there is no memory for what a disk holds");
    memset(d->state, BF_CHUNK_UNKNOWN, chunks_of(d));
    return BF_OK;
}

static const struct bf_store_ops ops; // below

struct bf_file_store *bf_file_store_open(const char *folder, const struct bf_inventory *inventory,
                                         struct bf_store_opened *opened, struct bf_fault *fault)
{
    struct bf_file_store *s = calloc(1, sizeof *s);
    enum bf_err err = BF_OK;
    plan_disks(opened, inventory);
    if (s)
        s->room = malloc(BF_CHUNK_MAX);
    if (!s || !s->room) {
        bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory", "no memory");
        bf_file_store_close(s);
        return NULL;
    }
    s->opened = opened;
    opened->store = (struct bf_store){&ops, s};
    for (uint16_t i = 0; i < opened->disks; i++)
        s->disk[i].fd = -1;
    for (uint16_t i = 0; !err && i < opened->disks; i++) {
        s->disk[i].plan = &opened->plan[i];
        err = open_file(s, folder, &s->disk[i]);
    }
    if (!err)
        return s;
    *fault = s->fault;
    bf_file_store_close(s);
    return NULL;
}

void bf_file_store_close(struct bf_file_store *s)
{
    if (!s)
        return;
    for (uint16_t i = 0; s->opened && i < s->opened->disks; i++) {
        if (s->disk[i].fd >= 0)
            close(s->disk[i].fd);
        free(s->disk[i].state);
        free(s->disk[i].digest);
    }
    free(s->room);
    free(s);
}

// ---- Taking ------------------------------------------------------------------------------------

static enum bf_err store_base(void *impl, uint16_t disk, uint64_t first, uint32_t want,
                              enum bf_chunk_state *state, uint32_t *count,
                              struct bf_digest *digests)
{
    struct bf_file_store *s = impl;
    struct file_disk *d = &s->disk[disk];
    BF_ASSERT(disk < s->opened->disks && first < chunks_of(d) && want <= chunks_of(d) - first);
    *state = (enum bf_chunk_state)d->state[first];
    for (*count = 0; *count < want && d->state[first + *count] == (uint8_t)*state; ++*count)
        if (*state == BF_CHUNK_DATA)
            digests[*count] = d->digest[first + *count];
    return BF_OK;
}

static enum bf_err store_data(void *impl, struct bf_store_write *w)
{
    struct bf_file_store *s = impl;
    struct file_disk *d = &s->disk[w->disk];
    BF_ASSERT(w->disk < s->opened->disks && w->count > 0 && !w->held);
    BF_ASSERT(w->first + w->count <= chunks_of(d));
    if (s->queued == QUEUE)
        return BF_AGAIN;
    memset(d->state + w->first, BF_CHUNK_DATA, w->count);
    memcpy(d->digest + w->first, w->digests, w->count * sizeof *w->digests);
    w->held = 1;
    s->queue[s->queued++] = w;
    return BF_OK;
}

// New files read as zero; a chunk that comes again after a repair may hold something.
static enum bf_err store_clear(void *impl, uint16_t disk, uint64_t first, uint64_t count,
                               enum bf_chunk_state state)
{
    struct bf_file_store *s = impl;
    struct file_disk *d = &s->disk[disk];
    uint64_t from = offset_of(d, first), to = offset_of(d, first + count);
    BF_ASSERT(count > 0 && state != BF_CHUNK_DATA); // no digests come with it
    if (to > d->plan->geometry.disk_bytes)
        to = d->plan->geometry.disk_bytes;
    if (fallocate(d->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
                  (off_t)(to - from)))
        return fail(s, "given a hole");
    memset(d->state + first, (int)state, count);
    return BF_OK;
}

static enum bf_err store_checkpoint(void *impl, uint16_t disk, uint64_t next_chunk)
{
    struct bf_file_store *s = impl;
    BF_ASSERT(disk < s->opened->disks && next_chunk <= chunks_of(&s->disk[disk]));
    s->disk[disk].next_durable = next_chunk;
    s->sync_wanted = 1;
    return BF_OK;
}

static enum bf_err store_restart(void *impl, uint16_t disk, uint64_t first)
{
    struct bf_file_store *s = impl;
    struct file_disk *d = &s->disk[disk];
    BF_ASSERT(disk < s->opened->disks && first < chunks_of(d));
    d->durable = first < d->durable ? first : d->durable;
    d->next_durable = d->durable;
    return BF_OK;
}

static uint64_t store_durable(void *impl, uint16_t disk)
{
    const struct bf_file_store *s = impl;
    return s->disk[disk].durable;
}

static enum bf_err store_disk_done(void *impl, uint16_t disk, const struct bf_digest *root)
{
    (void)impl, (void)disk, (void)root; // seal compares what the files hold
    return BF_OK;
}

static enum bf_err write_one(struct bf_file_store *s)
{
    struct bf_store_write *w = s->queue[0];
    const struct file_disk *d = &s->disk[w->disk];
    uint32_t done = 0;
    BF_ASSERT(s->queued > 0 && w->held);
    while (done < w->raw_len) {
        ssize_t n = pwrite(d->fd, (const uint8_t *)w->raw + done, w->raw_len - done,
                           (off_t)(offset_of(d, w->first) + done));
        if (n < 0 && errno != EINTR)
            return fail(s, "written");
        done += n < 0 ? 0 : (uint32_t)n;
    }
    memmove(s->queue, s->queue + 1, --s->queued * sizeof s->queue[0]);
    w->held = 0;
    return BF_OK;
}

static enum bf_err sync_files(struct bf_file_store *s)
{
    BF_ASSERT(!s->queued); // what is called durable was written
    for (uint16_t i = 0; i < s->opened->disks; i++) {
        struct file_disk *d = &s->disk[i];
        if (d->durable == d->next_durable)
            continue;
        if (fdatasync(d->fd))
            return fail(s, "synced");
        d->durable = d->next_durable;
    }
    s->sync_wanted = 0;
    return BF_OK;
}

static enum bf_err store_poll(void *impl)
{
    struct bf_file_store *s = impl;
    if (s->fault.code)
        return s->fault.code;
    if (s->queued)
        return write_one(s);
    return s->sync_wanted ? sync_files(s) : BF_OK;
}

static const struct bf_fault *store_fault(void *impl)
{
    const struct bf_file_store *s = impl;
    return &s->fault;
}

static void store_abort(void *impl, const struct bf_fault *why)
{
    struct bf_file_store *s = impl;
    (void)why;
    BF_ASSERT(s->queued <= QUEUE);
    while (s->queued)
        s->queue[--s->queued]->held = 0;
}

// ---- Sealing -----------------------------------------------------------------------------------

static enum bf_err store_seal(void *impl, const struct bf_store_seal *what)
{
    struct bf_file_store *s = impl;
    (void)what;
    s->damaged = 0;
    s->at_disk = s->need_disk = 0;
    s->at_chunk = s->need_chunk = 0;
    for (uint16_t i = 0; i < s->opened->disks; i++)
        s->disk[i].next_durable = chunks_of(&s->disk[i]);
    return sync_files(s);
}

// What is in the file is what was given; a hole is read as zeros like anything else.
static enum bf_err compare_chunk(struct bf_file_store *s, struct file_disk *d, uint64_t chunk)
{
    uint32_t len = bf_geometry_chunk_bytes(&d->plan->geometry, chunk);
    struct bf_digest digest;
    int same;
    ssize_t got = pread(d->fd, s->room, len, (off_t)offset_of(d, chunk));
    if (got != (ssize_t)len)
        return fail(s, "read back");
    if (d->state[chunk] == BF_CHUNK_DATA) {
        bf_digest_of(&digest, s->room, len);
        same = bf_digest_equal(&digest, &d->digest[chunk]);
    } else {
        same = d->state[chunk] != BF_CHUNK_UNKNOWN && bf_is_zero(s->room, len);
    }
    if (!same) {
        d->state[chunk] = BF_CHUNK_UNKNOWN;
        s->damaged = 1;
    }
    return BF_OK;
}

static enum bf_err compare_some(struct bf_file_store *s)
{
    struct file_disk *d = &s->disk[s->at_disk];
    enum bf_err err = BF_OK;
    BF_ASSERT(s->at_disk < s->opened->disks && s->at_chunk < chunks_of(d));
    for (int i = 0; !err && i < READ_CHUNKS && s->at_chunk < chunks_of(d); i++)
        err = compare_chunk(s, d, s->at_chunk++);
    if (s->at_chunk == chunks_of(d)) {
        s->at_disk++;
        s->at_chunk = 0;
    }
    return err;
}

static enum bf_err store_seal_poll(void *impl, struct bf_store_progress *progress, uint32_t *point,
                                   int64_t *time)
{
    struct bf_file_store *s = impl;
    enum bf_err err = s->at_disk < s->opened->disks ? compare_some(s) : BF_OK;
    if (err)
        return err;
    if (s->at_disk < s->opened->disks) {
        const struct file_disk *d = &s->disk[s->at_disk];
        *progress = (struct bf_store_progress){s->at_disk, offset_of(d, s->at_chunk),
                                               d->plan->geometry.disk_bytes};
        return BF_AGAIN;
    }
    if (s->damaged)
        return BF_ERR_CORRUPT;
    *point = 1;
    *time = 0;
    return BF_OK;
}

static enum bf_err store_need(void *impl, uint16_t *disk, uint64_t *first, uint64_t *count)
{
    struct bf_file_store *s = impl;
    for (; s->need_disk < s->opened->disks; s->need_disk++, s->need_chunk = 0) {
        const struct file_disk *d = &s->disk[s->need_disk];
        uint64_t chunks = chunks_of(d), at = s->need_chunk;
        while (at < chunks && d->state[at] != BF_CHUNK_UNKNOWN)
            at++;
        if (at == chunks)
            continue;
        *disk = s->need_disk;
        *first = at;
        for (*count = 0; at < chunks && d->state[at] == BF_CHUNK_UNKNOWN; at++)
            ++*count;
        s->need_chunk = at;
        BF_ASSERT(*count > 0 && *first + *count <= chunks);
        return BF_OK;
    }
    return BF_ERR_NOT_FOUND;
}

static const struct bf_store_ops ops = {
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
    .abort = store_abort,
};
