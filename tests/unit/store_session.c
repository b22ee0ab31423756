// SPDX-License-Identifier: Apache-2.0
// The source and the receiver's part for tests of the store.
#include "tests/unit/store_session.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replica/qemu/qsd.h"
#include "replica/qemu/readback.h"
#include "replica/store/parts.h"

enum { BATCH = 16 }; // chunks given to the store at once

uint64_t source_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void source_boot(struct source *x)
{
    for (int i = 0; i < 16; i++) {
        x->boot[i] = (uint8_t)source_random(&x->seed);
        x->session[i] = (uint8_t)source_random(&x->seed);
    }
}

void source_make(struct source *x, uint64_t seed, uint16_t disks, uint64_t bytes, uint32_t chunk)
{
    memset(x, 0, sizeof *x);
    x->seed = seed;
    x->disks = disks;
    for (uint16_t i = 0; i < disks; i++) {
        struct source_disk *d = &x->disk[i];
        d->geometry = (struct bf_geometry){bytes + i * 512 * 7, 512, chunk};
        d->chunks = bf_geometry_chunks(&d->geometry);
        d->version = calloc(d->chunks, sizeof *d->version);
        for (uint64_t c = 0; c < d->chunks; c++)
            d->version[c] = source_random(&x->seed) % 3 ? 1 : 0;
    }
    source_boot(x);
}

void source_free(struct source *x)
{
    for (uint16_t i = 0; i < x->disks; i++)
        free(x->disk[i].version);
}

void source_copy(struct source *to, const struct source *from)
{
    *to = *from;
    for (uint16_t i = 0; i < from->disks; i++) {
        size_t size = from->disk[i].chunks * sizeof *from->disk[i].version;
        to->disk[i].version = malloc(size);
        memcpy(to->disk[i].version, from->disk[i].version, size);
    }
}

void source_change(struct source *x, uint32_t per_mille)
{
    for (uint16_t i = 0; i < x->disks; i++)
        for (uint64_t c = 0; c < x->disk[i].chunks; c++) {
            uint64_t random = source_random(&x->seed);
            uint32_t kind = (random >> 32) % 8;
            if (random % 1000 >= per_mille)
                continue;
            x->disk[i].version[c] = kind == 0   ? 0
                                    : kind == 1 ? SOURCE_UNUSED
                                                : (uint32_t)(random >> 40) + 2;
        }
}

uint32_t source_read(const struct source *x, uint16_t disk, uint64_t chunk, uint8_t *out)
{
    const struct source_disk *d = &x->disk[disk];
    uint32_t len = bf_geometry_chunk_bytes(&d->geometry, chunk);
    uint64_t state = ((uint64_t)d->version[chunk] << 32) ^ (chunk * 31 + disk);

    memset(out, 0, len);
    if (d->version[chunk] == 0 || d->version[chunk] == SOURCE_UNUSED)
        return len;
    for (uint32_t i = 0; i + 8 <= len; i += 8) {
        uint64_t word = source_random(&state);
        memcpy(out + i, &word, 8);
    }
    return len;
}

enum bf_chunk_state source_state(const struct source *x, uint16_t disk, uint64_t chunk,
                                 struct bf_digest *digest)
{
    uint8_t data[BF_CHUNK_MAX];
    uint32_t version = x->disk[disk].version[chunk];

    if (version == 0 || version == SOURCE_UNUSED)
        return version ? BF_CHUNK_UNUSED : BF_CHUNK_ZERO;
    bf_digest_of(digest, data, source_read(x, disk, chunk, data));
    return BF_CHUNK_DATA;
}

void source_root(const struct source *x, uint16_t disk, struct bf_digest *out)
{
    struct bf_root root;
    struct bf_digest digest;

    bf_root_init(&root, &x->disk[disk].geometry);
    for (uint64_t c = 0; c < x->disk[disk].chunks; c++) {
        enum bf_chunk_state state = source_state(x, disk, c, &digest);
        bf_root_add(&root, state, 1, &digest);
    }
    if (bf_root_final(&root, out) != BF_OK)
        abort();
}

// ---- The receiver's part ------------------------------------------------------------------------

void session_machine(struct bf_state *state, const struct source *x)
{
    struct bf_db *db = bf_state_db(state);

    if (bf_db_machine_add(db, "web", 1) != BF_OK)
        return; // there already
    for (uint16_t i = 0; i < x->disks; i++) {
        struct bf_replica_disk disk = {.machine = "web", .geometry = x->disk[i].geometry};
        snprintf(disk.identity.serial, sizeof disk.identity.serial, "disk%u", i);
        if (bf_db_disk_add(db, &disk) != BF_OK || disk.number != i)
            abort();
    }
}

void session_config(const struct source *x, struct bf_session_config *config)
{
    memset(config, 0, sizeof *config);
    strcpy(config->machine, "web");
    memcpy(config->session, x->session, 16);
    memcpy(config->boot, x->boot, 16);
    config->disks = x->disks;
    for (uint16_t i = 0; i < x->disks; i++)
        config->disk[i] = (struct bf_session_disk){i, x->disk[i].geometry};
}

static void wait_a_little(struct bf_session_store *s)
{
    struct bf_store store = bf_session_store_ops(s);
    struct pollfd p = {.fd = bf_session_store_fd(s), .events = POLLIN};

    poll(&p, 1, 1000);
    store.ops->poll(store.impl);
}

enum bf_err session_data(struct bf_store store, uint16_t disk, uint64_t first, uint32_t count,
                         const struct bf_digest *digests, const void *raw, uint32_t raw_len)
{
    struct bf_store_write write = {.disk = disk,
                                   .count = count,
                                   .first = first,
                                   .digests = digests,
                                   .raw = raw,
                                   .raw_len = raw_len};
    enum bf_err err = store.ops->data(store.impl, &write);
    return write.held ? BF_ERR_LIMIT : err; // it copies what it takes
}

static enum bf_err send_one(struct bf_session_store *s, const struct source *x, uint16_t disk,
                            uint64_t first, uint64_t end, uint64_t *count)
{
    static uint8_t data[BATCH * BF_CHUNK_MAX];
    struct bf_store store = bf_session_store_ops(s);
    struct bf_digest digests[BATCH];
    enum bf_chunk_state state = source_state(x, disk, first, &digests[0]);
    uint32_t len = 0;
    enum bf_err err;

    *count = 0;
    while (first + *count < end && *count < BATCH &&
           source_state(x, disk, first + *count, &digests[*count]) == state) {
        if (state == BF_CHUNK_DATA)
            len += source_read(x, disk, first + *count, data + len);
        ++*count;
    }
    do {
        err = state == BF_CHUNK_DATA
                  ? session_data(store, disk, first, (uint32_t)*count, digests, data, len)
                  : store.ops->clear(store.impl, disk, first, *count, state);
        if (err == BF_AGAIN)
            wait_a_little(s);
    } while (err == BF_AGAIN);
    return err;
}

enum bf_err session_send(struct bf_session_store *s, const struct source *x, uint16_t disk,
                         uint64_t first, uint64_t end)
{
    enum bf_err err = BF_OK;

    for (uint64_t count; !err && first < end; first += count)
        err = send_one(s, x, disk, first, end, &count);
    return err;
}

// Waits until the position is durable, or the store has failed.
enum bf_err session_checkpoint(struct bf_session_store *s, uint16_t disk, uint64_t next)
{
    struct bf_store store = bf_session_store_ops(s);
    enum bf_err err = store.ops->checkpoint(store.impl, disk, next);

    while (!err && store.ops->durable(store.impl, disk) < next) {
        enum bf_chunk_state state;
        struct bf_digest digest;
        uint32_t count;
        wait_a_little(s);
        err = store.ops->base(store.impl, disk, 0, 1, &state, &count, &digest);
    }
    return err;
}

static int has_chunk(struct bf_session_store *s, const struct source *x, uint16_t disk,
                     uint64_t chunk)
{
    struct bf_store store = bf_session_store_ops(s);
    struct bf_digest digest, have;
    enum bf_chunk_state state = source_state(x, disk, chunk, &digest), base;
    uint32_t count;

    return store.ops->base(store.impl, disk, chunk, 1, &base, &count, &have) == BF_OK &&
           base == state && (state != BF_CHUNK_DATA || bf_digest_equal(&digest, &have));
}

uint64_t session_wrong(struct bf_session_store *s, const struct source *x, uint16_t disk,
                       uint64_t end)
{
    uint64_t wrong = 0;

    for (uint64_t c = 0; c < end; c++)
        wrong += !has_chunk(s, x, disk, c);
    return wrong;
}

static enum bf_err copy_disk(struct bf_session_store *s, const struct source *x, uint16_t disk,
                             uint64_t every, uint64_t *sent)
{
    struct bf_store store = bf_session_store_ops(s);
    uint64_t chunks = x->disk[disk].chunks, from = bf_session_store_resume(s, disk);
    struct bf_digest root;
    enum bf_err err = BF_OK;

    for (uint64_t c = from; !err && c < chunks; c++) {
        if (!has_chunk(s, x, disk, c)) {
            err = session_send(s, x, disk, c, c + 1);
            if (sent)
                ++*sent;
        }
        if (!err && (c + 1) % every == 0)
            err = store.ops->checkpoint(store.impl, disk, c + 1);
    }
    source_root(x, disk, &root);
    return err ? err : store.ops->disk_done(store.impl, disk, &root);
}

enum bf_err session_copy(struct bf_session_store *s, const struct source *x, uint64_t every,
                         uint64_t *sent)
{
    enum bf_err err = BF_OK;

    for (uint16_t i = 0; !err && i < x->disks; i++)
        err = copy_disk(s, x, i, every, sent);
    return err;
}

enum bf_err session_seal(struct bf_session_store *s, const struct source *x, uint32_t *point)
{
    struct bf_store store = bf_session_store_ops(s);
    struct bf_digest roots[SOURCE_DISKS];
    struct bf_store_seal what = {.disk_roots = roots, .disks = x->disks, .source_clock = 77};
    struct bf_store_progress progress;
    int64_t time;
    enum bf_err err;

    for (uint16_t i = 0; i < x->disks; i++)
        source_root(x, i, &roots[i]);
    bf_point_root(roots, x->disks, &what.point_root);
    err = store.ops->seal(store.impl, &what);
    if (err)
        return err;
    while ((err = store.ops->seal_poll(store.impl, &progress, point, &time)) == BF_AGAIN)
        wait_a_little(s);
    return err;
}

// ---- Looking at what is stored ------------------------------------------------------------------

struct looking {
    struct bf_session_store *store;
    const struct source *source;
    uint16_t disk;
    uint64_t wrong;
};

static enum bf_err look_at_base(void *user, uint64_t chunk, const void *data, uint32_t len)
{
    struct looking *l = user;
    struct bf_store store = bf_session_store_ops(l->store);
    enum bf_chunk_state state;
    struct bf_digest recorded, digest;
    uint32_t count;

    if (store.ops->base(store.impl, l->disk, chunk, 1, &state, &count, &recorded) != BF_OK)
        return BF_ERR_IO;
    if (state == BF_CHUNK_DATA) {
        bf_digest_of(&digest, data, len);
        l->wrong += !bf_digest_equal(&recorded, &digest);
    } else if (state != BF_CHUNK_UNKNOWN) {
        l->wrong += !bf_is_zero(data, len);
    }
    return BF_OK;
}

static enum bf_err look_at_source(void *user, uint64_t chunk, const void *data, uint32_t len)
{
    struct looking *l = user;
    static uint8_t expected[BF_CHUNK_MAX];
    uint32_t version = l->source->disk[l->disk].version[chunk];

    if (version == 0 || version == SOURCE_UNUSED) {
        l->wrong += !bf_is_zero(data, len);
        return BF_OK;
    }
    l->wrong +=
        source_read(l->source, l->disk, chunk, expected) != len || memcmp(expected, data, len) != 0;
    return BF_OK;
}

static void read_all(struct bf_qsd *qsd, struct looking *l, bf_readback_chunk *each)
{
    const struct source_disk *d = &l->source->disk[l->disk];
    struct bf_readback *r;
    struct bf_fault fault = {0};

    if (bf_readback_open(qsd, l->disk, &d->geometry, &r, &fault) != BF_OK ||
        bf_readback_read(r, 0, d->chunks, each, l, &fault) != BF_OK) {
        printf("# %s\n", fault.what);
        l->wrong = UINT64_MAX;
    }
    bf_readback_close(r);
}

uint64_t session_untruths(struct bf_state *state, struct bf_session_store *s,
                          const struct source *x, uint16_t disk)
{
    struct looking looking = {s, x, disk, 0};

    read_all(s->qsd, &looking, look_at_base);
    return looking.wrong;
}

uint64_t point_wrong(struct bf_state *state, uint32_t point, const struct source *x, uint16_t disk)
{
    struct bf_image_ref ref = {.machine = "web", .point = point};
    struct looking looking = {NULL, x, disk, 0};
    struct bf_image_chain chain = {0};
    struct bf_qsd *qsd = NULL;
    struct bf_fault fault = {0};

    if (bf_image_chain(state, &ref, disk, &chain, &fault) != BF_OK ||
        bf_qsd_start(state, "look", BF_QSD_COMMAND, &qsd, &fault) != BF_OK ||
        bf_qsd_add(qsd, disk, &chain, 0, &fault) != BF_OK) {
        printf("# %s\n", fault.what);
        looking.wrong = UINT64_MAX;
    } else {
        read_all(qsd, &looking, look_at_source);
    }
    bf_qsd_stop(qsd);
    bf_image_chain_free(&chain);
    return looking.wrong;
}
