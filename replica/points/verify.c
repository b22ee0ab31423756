// SPDX-License-Identifier: Apache-2.0
// Verification of a sealed point: the manifest against the database (its root), and every chunk in
// the store against the manifest. Runs beside a daemon and beside replication: sealed layers are
// opened read-only.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "replica/points/image.h"
#include "replica/points/layers.h"
#include "replica/qemu/qsd.h"
#include "replica/qemu/readback.h"

struct verifying {
    struct bf_state *state;
    struct bf_point *point;
    struct bf_point_disk *disk;
    struct bf_manifest_reader reader;
    struct bf_manifest_run run;
    int manifest; // descriptor
    struct bf_qsd *qsd;
    struct bf_readback *readback;
    struct bf_image_verdict *verdict;
    bf_image_progress *progress;
    void *user;
    struct bf_fault *fault;
};

static enum bf_err fetch(void *user, void *bytes, size_t len, size_t *got)
{
    struct verifying *v = user;
    ssize_t n = read(v->manifest, bytes, len);

    *got = n > 0 ? (size_t)n : 0;
    return n < 0 ? BF_ERR_IO : BF_OK;
}

static enum bf_err manifest_fault(struct verifying *v, enum bf_err err)
{
    return bf_fault_set(v->fault, err == BF_ERR_CLOSED ? BF_ERR_CORRUPT : err, BF_SIDE_SERVER,
                        "do not use this point; replicate the machine again",
                        "the manifest of %s@%u, disk %u, is damaged (%s)", v->point->machine,
                        v->point->number, v->disk->disk, bf_err_name(err));
}

static enum bf_err find_disk(struct verifying *v, const struct bf_image_ref *ref, uint16_t disk)
{
    enum bf_err err;

    BF_ASSERT(!v->disk);
    if (ref->object)
        return bf_fault_set(v->fault, BF_ERR_UNSUPPORTED, BF_SIDE_CONFIG,
                            "verify the point itself: NAME@POINT",
                            "a finalized object was changed on purpose and has no manifest");
    err = bf_db_point_get(bf_state_db(v->state), ref->machine, ref->point, v->point);
    if (err) {
        *v->fault = *bf_db_fault(bf_state_db(v->state));
        return err;
    }
    for (uint16_t i = 0; i < v->point->disks; i++)
        if (v->point->disk[i].disk == disk)
            v->disk = &v->point->disk[i];
    if (!v->disk)
        return bf_fault_set(v->fault, BF_ERR_NOT_FOUND, BF_SIDE_CONFIG,
                            "bootferry points NAME@POINT lists its disks", "%s@%u has no disk %u",
                            ref->machine, ref->point, disk);
    return BF_OK;
}

static enum bf_err open_manifest(struct verifying *v)
{
    char path[BF_LAYER_PATH_MAX];
    enum bf_err err;

    BF_ASSERT(v->disk && v->manifest < 0);
    bf_layer_manifest(path, v->point->machine, v->disk->disk, v->disk->layer);
    v->manifest = openat(bf_state_dir(v->state), path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (v->manifest < 0)
        return manifest_fault(v, BF_ERR_NOT_FOUND);
    err = bf_manifest_open(&v->reader, (struct bf_manifest_source){.read = fetch, .user = v});
    if (!err && v->reader.geometry.disk_bytes != v->disk->bytes)
        err = BF_ERR_MISMATCH;
    return err ? manifest_fault(v, err) : BF_OK;
}

static enum bf_err open_store(struct verifying *v, const struct bf_image_ref *ref)
{
    struct bf_image_chain chain;
    char name[48];
    enum bf_err err = bf_image_chain(v->state, ref, v->disk->disk, &chain, v->fault);

    BF_ASSERT(v->manifest >= 0 && !v->qsd && !v->readback);
    bf_snprintf(name, sizeof name, "verify-%d-%u", (int)getpid(), v->disk->disk);
    if (!err)
        err = bf_qsd_start(v->state, name, BF_QSD_COMMAND, &v->qsd, v->fault);
    if (!err)
        err = bf_qsd_add(v->qsd, v->disk->disk, &chain, 0, v->fault);
    if (!err)
        err = bf_readback_open(v->qsd, v->disk->disk, &v->reader.geometry, &v->readback, v->fault);
    bf_image_chain_free(&chain);
    return err;
}

static void note_damage(struct verifying *v, uint64_t chunk)
{
    BF_ASSERT(chunk < bf_geometry_chunks(&v->reader.geometry));
    if (!v->verdict->damaged++)
        v->verdict->first_damaged = chunk;
}

static enum bf_err compare(void *user, uint64_t chunk, const void *data, uint32_t len)
{
    struct verifying *v = user;
    struct bf_digest digest;

    BF_ASSERT(v->run.state == BF_CHUNK_DATA);
    BF_ASSERT(chunk >= v->run.first && chunk - v->run.first < v->run.count);
    if (data)
        bf_digest_of(&digest, data, len);
    if (!data || !bf_digest_equal(&digest, &v->run.digests[chunk - v->run.first]))
        note_damage(v, chunk);
    v->verdict->bytes += len;
    return BF_OK;
}

static enum bf_err not_zero(void *user, uint64_t chunk, const void *data, uint32_t len)
{
    note_damage(user, chunk);
    return BF_OK;
}

static void count_state(struct bf_image_verdict *verdict, const struct bf_manifest_run *run)
{
    verdict->chunks += run->count;
    verdict->zero += run->state == BF_CHUNK_ZERO ? run->count : 0;
    verdict->unused += run->state == BF_CHUNK_UNUSED ? run->count : 0;
    verdict->unreadable += run->state == BF_CHUNK_UNREADABLE ? run->count : 0;
}

static enum bf_err compare_runs(struct verifying *v)
{
    struct bf_manifest_run *run = &v->run;
    enum bf_err err;

    while ((err = bf_manifest_next(&v->reader, run)) == BF_OK) {
        BF_ASSERT(run->first == v->verdict->chunks); // no chunk is left out
        count_state(v->verdict, run);
        if (run->state == BF_CHUNK_DATA)
            err = bf_readback_read(v->readback, run->first, run->count, compare, v, v->fault);
        else
            err = bf_readback_zero(v->readback, run->first, run->count, not_zero, v, v->fault);
        if (err)
            return err;
        if (v->progress) {
            uint64_t done = (run->first + run->count) * v->reader.geometry.chunk_size;
            v->progress(v->user, done < v->disk->bytes ? done : v->disk->bytes, v->disk->bytes);
        }
    }
    return err == BF_ERR_CLOSED ? BF_OK : manifest_fault(v, err);
}

static enum bf_err judge(struct verifying *v)
{
    enum bf_err err = bf_root_final(&v->reader.root, &v->verdict->root);

    BF_ASSERT(v->verdict->chunks == bf_geometry_chunks(&v->reader.geometry));
    if (err || !bf_digest_equal(&v->verdict->root, &v->disk->root))
        return manifest_fault(v, BF_ERR_CORRUPT);
    if (v->verdict->damaged)
        return bf_fault_set(
            v->fault, BF_ERR_CORRUPT, BF_SIDE_SERVER,
            "do not use this point; check the server's disk and replicate again",
            "%s@%u, disk %u: %llu chunk%s differed from the manifest, from chunk %llu on",
            v->point->machine, v->point->number, v->disk->disk,
            (unsigned long long)v->verdict->damaged, bf_plural(v->verdict->damaged),
            (unsigned long long)v->verdict->first_damaged);
    return BF_OK;
}

enum bf_err bf_image_verify(struct bf_state *state, const struct bf_image_ref *ref, uint16_t disk,
                            bf_image_progress *progress, void *user,
                            struct bf_image_verdict *verdict, struct bf_fault *fault)
{
    struct verifying *v = calloc(1, sizeof *v);
    enum bf_err err = BF_ERR_NO_MEMORY;

    memset(verdict, 0, sizeof *verdict);
    if (v) {
        *v = (struct verifying){.state = state,
                                .manifest = -1,
                                .verdict = verdict,
                                .progress = progress,
                                .user = user,
                                .fault = fault};
        v->point = malloc(sizeof *v->point);
    }
    if (!v || !v->point) {
        free(v);
        return bf_fault_set(fault, err, BF_SIDE_SERVER, "free some memory",
                            "no memory for a verification");
    }
    err = find_disk(v, ref, disk);
    if (!err)
        err = open_manifest(v);
    if (!err)
        err = open_store(v, ref);
    if (!err)
        err = compare_runs(v);
    if (!err)
        err = judge(v);
    bf_readback_close(v->readback);
    bf_qsd_stop(v->qsd);
    if (v->manifest >= 0)
        close(v->manifest);
    free(v->point);
    free(v);
    return err;
}
