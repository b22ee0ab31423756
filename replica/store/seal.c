// SPDX-License-Identifier: Apache-2.0
// Sealing: when everything stored was read back and compared, all disks become one point. In the
// worker, when nothing is in flight and the last checkpoint is durable. Each step is on the disk
// before the next begins; docs/store.md says what recovery makes of a kill between any two.
//
//  1. verify (verify.c): what was not verified while the copy ran; chunks that differ become
//     UNKNOWN (durably) and are told as needed; the end.
//  2. manifest: one sealed manifest per disk.
//  3. layer: one empty layer per disk, over the one that is being sealed.
//  4. sealing: the point's row. From here on it is completed, whatever happens.
//  5. snapshot: the storage daemon switches all disks to the new layers, all or none.
//  6. sealed: the point exists, and the new layers are the live ones.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/platform.h"
#include "replica/points/layers.h"
#include "replica/state/reason.h"
#include "replica/state/step.h"
#include "replica/store/figures.h"
#include "replica/store/parts.h"

struct sealing {
    struct bf_session_store *store;
    uint64_t data_bytes[BF_PROTO_DISKS_MAX];
    struct bf_digest digests[BF_STORE_RUN];
    uint64_t bad; // chunks, all disks together
    struct bf_figures *figures[BF_PROTO_DISKS_MAX];
    struct bf_fault fault;
};

// ---- 1: what verification found -----------------------------------------------------------------

// What is damaged is known to be so after a crash too.
static enum bf_err keep_needs(struct sealing *x)
{
    enum bf_err err = BF_OK;

    BF_ASSERT(x->bad > 0);
    for (uint16_t i = 0; !err && i < x->store->disks; i++) {
        struct bf_store_disk *d = x->store->disk[i];
        pthread_mutex_lock(&x->store->lock);
        err = bf_working_advance(d->working, &d->cursor);
        pthread_mutex_unlock(&x->store->lock);
        if (!err)
            err = bf_working_sync(d->working);
    }
    return err;
}

// ---- 2: sealed manifests ------------------------------------------------------------------------

static enum bf_err write_bytes(void *user, const void *bytes, size_t len)
{
    return fwrite(bytes, 1, len, user) == len ? BF_OK : bf_reason_errno(errno);
}

static enum bf_err write_runs(struct sealing *x, struct bf_store_disk *d,
                              struct bf_figures *figures, FILE *file, struct bf_digest *root)
{
    struct bf_manifest_sink sink = {.write = write_bytes, .user = file};
    struct bf_manifest_writer *w = malloc(sizeof *w);
    enum bf_err err = w ? bf_manifest_begin(w, &d->geometry, sink) : BF_ERR_NO_MEMORY;

    for (uint64_t first = 0, count; !err && first < d->chunks; first += count) {
        enum bf_chunk_state state;
        err = bf_working_run(d->working, first, d->chunks - first, &state, &count, x->digests,
                             BF_STORE_RUN);
        if (!err)
            err = bf_manifest_add(w, state, count, x->digests);
        if (!err)
            bf_figures_add(figures, state, count, x->digests);
    }
    if (!err)
        err = bf_manifest_end(w, root);
    free(w);
    return err;
}

static enum bf_err manifest_fault(struct sealing *x, uint16_t index, enum bf_err err)
{
    if (err == BF_ERR_CORRUPT)
        return bf_fault_set(
            &x->fault, err, BF_SIDE_SERVER,
            "look at the server's memory and its system log; start the source again",
            "the manifest of disk %u is not what was verified", x->store->disk[index]->number);
    return bf_fault_set(&x->fault, err, BF_SIDE_SERVER,
                        bf_reason_todo(err, "look at the server's disk and its system log"),
                        err == BF_ERR_NO_SPACE
                            ? "the replica server's disk is full (the manifest of disk %u)"
                            : "the manifest of disk %u cannot be written",
                        x->store->disk[index]->number);
}

// Writes the manifest into fd, which is closed in any case.
static enum bf_err fill_manifest(struct sealing *x, uint16_t index, int fd)
{
    struct bf_session_store *s = x->store;
    struct bf_store_disk *d = s->disk[index];
    struct bf_digest root;
    FILE *file = fdopen(fd, "w");
    enum bf_err err;

    BF_ASSERT(!x->figures[index]); // a disk has one manifest
    if (!file) {
        close(fd);
        return BF_ERR_NO_MEMORY;
    }
    x->figures[index] = bf_figures_begin(s->state, s->db, s->config.machine, s->config.session,
                                         d->number, d->layer, &d->geometry);
    err = write_runs(x, d, x->figures[index], file, &root);
    bf_figures_end(x->figures[index]);
    if (!err && (fflush(file) != 0 || fsync(fd) != 0))
        err = bf_reason_errno(errno);
    fclose(file);
    if (!err && !bf_digest_equal(&root, &s->roots[index]))
        err = BF_ERR_CORRUPT;
    return err;
}

// Under a temporary name, synced, then renamed. What is left of one that failed would keep room
// that is missing.
static enum bf_err write_manifest(struct sealing *x, uint16_t index)
{
    struct bf_session_store *s = x->store;
    struct bf_store_disk *d = s->disk[index];
    char path[BF_LAYER_PATH_MAX], fresh[BF_LAYER_PATH_MAX + 4], folder[BF_LAYER_PATH_MAX];
    int dir = bf_state_dir(s->state), fd;
    enum bf_err err;

    bf_layer_manifest(path, s->config.machine, d->number, d->layer);
    bf_layer_folder(folder, s->config.machine, d->number);
    bf_snprintf(fresh, sizeof fresh, "%s.new", path);
    fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    err = fd >= 0 ? fill_manifest(x, index, fd) : bf_reason_errno(errno);
    if (!err && renameat(dir, fresh, dir, path) != 0)
        err = bf_reason_errno(errno);
    if (!err)
        return bf_layer_sync(s->state, folder, &x->fault);
    unlinkat(dir, fresh, 0);
    return manifest_fault(x, index, err);
}

static enum bf_err write_manifests(struct sealing *x)
{
    enum bf_err err = BF_OK;

    for (uint16_t i = 0; !err && i < x->store->disks; i++) {
        err = write_manifest(x, i);
        bf_step_done("manifest");
    }
    return err;
}

// ---- 3 to 6: the point --------------------------------------------------------------------------

static enum bf_err make_layers(struct sealing *x, struct bf_image_layer *layer)
{
    struct bf_session_store *s = x->store;
    enum bf_err err = BF_OK;

    for (uint16_t i = 0; !err && i < s->disks; i++) {
        struct bf_store_disk *d = s->disk[i];
        char below[BF_LAYER_PATH_MAX];
        bf_snprintf(below, sizeof below, "layer-%06u.qcow2", d->layer);
        bf_layer_file(layer[i].path, s->config.machine, d->number, d->layer + 1);
        err = bf_layer_make(s->state, layer[i].path, d->geometry.disk_bytes, d->geometry.chunk_size,
                            below, &x->fault);
        bf_step_done("layer");
    }
    return err;
}

static enum bf_err describe_disks(struct sealing *x, struct bf_point *point)
{
    struct bf_session_store *s = x->store;

    for (uint16_t i = 0; i < s->disks; i++) {
        struct bf_store_disk *d = s->disk[i];
        struct bf_replica_disk row;
        enum bf_err err = bf_db_disk_get(s->db, s->config.machine, d->number, &row);
        if (err)
            return err;
        point->disk[i] = (struct bf_point_disk){
            .disk = d->number,
            .layer = d->layer,
            .next_layer = d->layer + 1,
            .bytes = d->geometry.disk_bytes,
            .data_bytes = x->data_bytes[i],
            .root = s->roots[i],
            .identity = row.identity,
        };
        bf_figures_of_disk(x->figures[i], &point->disk[i]);
    }
    BF_ASSERT(s->disks > 0 && s->disks <= BF_PROTO_DISKS_MAX);
    point->disks = s->disks;
    return BF_OK;
}

// The point's row and the figures of its places, in one transaction. A machine that lives elsewhere
// by now gets no point: whoever fences it looks for its newest point behind that.
static enum bf_err add_rows(struct sealing *x, struct bf_point *point)
{
    struct bf_db *db = x->store->db;
    enum bf_err err = bf_db_begin(db);

    BF_ASSERT(err || bf_db_is_in_transaction(db));
    if (!err)
        err = bf_db_fence_check(db, point->machine);
    if (!err)
        err = bf_db_point_add(db, point);
    for (uint16_t i = 0; !err && i < x->store->disks; i++)
        err = bf_figures_put(x->figures[i], db);
    if (!err)
        err = bf_db_commit(db);
    if (err)
        bf_db_rollback(db);
    return err;
}

static enum bf_err add_point(struct sealing *x, struct bf_point *point)
{
    struct bf_session_store *s = x->store;
    enum bf_err err;

    memcpy(point->machine, s->config.machine, sizeof point->machine);
    point->time = bf_platform_wall();
    point->source_clock = s->what.source_clock;
    point->root = s->what.point_root;
    memcpy(point->session, s->config.session, 16);
    memcpy(point->boot, s->config.boot, 16);
    err = describe_disks(x, point);
    if (!err)
        err = add_rows(x, point);
    if (err)
        x->fault = *bf_db_fault(s->db);
    bf_step_done("sealing");
    return err;
}

static enum bf_err switch_layers(struct sealing *x, const struct bf_image_layer *layer,
                                 const struct bf_point *point)
{
    struct bf_session_store *s = x->store;
    uint16_t number[BF_PROTO_DISKS_MAX];
    enum bf_err err;

    BF_ASSERT(!bf_db_is_in_transaction(s->db)); // the point's row is on the disk
    for (uint16_t i = 0; i < s->disks; i++)
        number[i] = s->disk[i]->number;
    err = bf_qsd_snapshot(s->qsd, number, layer, s->disks, &x->fault);
    bf_step_done("snapshot");
    if (err)
        return err;
    err = bf_db_point_sealed(s->db, s->config.machine, point->number);
    bf_step_done("sealed");
    if (err)
        x->fault = *bf_db_fault(s->db);
    for (uint16_t i = 0; !err && i < s->disks; i++)
        s->disk[i]->layer++;
    return err;
}

static enum bf_err check_point_root(struct sealing *x)
{
    struct bf_digest root;

    bf_point_root(x->store->roots, x->store->disks, &root);
    if (bf_digest_equal(&root, &x->store->what.point_root))
        return BF_OK;
    return bf_fault_set(&x->fault, BF_ERR_MISMATCH, BF_SIDE_SOURCE,
                        "start the source again; it reads everything anew",
                        "the source's root digest of the point does not match its disks");
}

static enum bf_err make_point(struct sealing *x)
{
    struct bf_image_layer *layer = calloc(BF_PROTO_DISKS_MAX, sizeof *layer);
    struct bf_point *point = calloc(1, sizeof *point);
    struct bf_session_store *s = x->store;
    enum bf_err err = layer && point ? check_point_root(x) : BF_ERR_NO_MEMORY;

    BF_ASSERT(x->bad == 0);
    if (!err)
        err = write_manifests(x);
    if (!err)
        err = make_layers(x, layer);
    if (!err)
        err = add_point(x, point);
    if (!err)
        err = switch_layers(x, layer, point);
    if (!err) {
        pthread_mutex_lock(&s->lock);
        BF_ASSERT(s->sealing == BF_SEAL_WORKING);
        s->sealing = BF_SEAL_DONE;
        s->point = point->number;
        s->point_time = point->time;
        s->point_root = point->root;
        pthread_mutex_unlock(&s->lock);
    }
    free(point);
    free(layer);
    return err;
}

void bf_store_seal_now(struct bf_session_store *s)
{
    struct sealing *x = calloc(1, sizeof *x);
    enum bf_err err = x ? BF_OK : BF_ERR_NO_MEMORY;

    bf_step_done("quiet");
    if (x) {
        x->store = s;
        pthread_mutex_lock(&s->lock);
        BF_ASSERT(s->sealing == BF_SEAL_WORKING);
        s->needs = s->needs_told = 0;
        pthread_mutex_unlock(&s->lock);
        err = bf_store_verify(s, x->data_bytes, &x->bad, &x->fault);
    }
    if (!err && x->bad) {
        err = keep_needs(x);
        pthread_mutex_lock(&s->lock);
        BF_ASSERT(s->needs > 0);
        s->sealing = BF_SEAL_NEED;
        pthread_mutex_unlock(&s->lock);
    } else if (!err) {
        err = make_point(x);
    }
    if (err && x && x->fault.code == err)
        bf_store_fail(s, &x->fault);
    else if (err)
        bf_store_fail_code(s, err, "sealing a point");
    for (uint16_t i = 0; x && i < s->disks; i++)
        bf_figures_free(x->figures[i]);
    bf_store_notify(s);
    free(x);
}
