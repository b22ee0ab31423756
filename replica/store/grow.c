// SPDX-License-Identifier: Apache-2.0
// A disk that has grown since its last point. Its live layer is made anew, larger, over the sealed
// one, and its working manifest anew from the sealed manifest: what is known of the old chunks
// stays the base, what was not there reads as zero. What an unfinished session had stored is given
// up.
//
// Order, so that a kill leaves nothing that lies: the new manifest under another name; the old one
// is removed (from here on nothing is known, and nothing believed); the layer; the disk's row; the
// new manifest gets its name. A kill in between costs the base at most, and is done again.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "replica/points/layers.h"
#include "replica/state/reason.h"
#include "replica/state/step.h"
#include "replica/store/parts.h"

#define FRESH_NAME "working.new"

static enum bf_err fetch(void *user, void *bytes, size_t len, size_t *got)
{
    *got = fread(bytes, 1, len, user);
    return ferror((FILE *)user) ? BF_ERR_IO : BF_OK;
}

// The records of the sealed manifest. A last chunk that was short is another chunk now.
static enum bf_err copy_runs(struct bf_working *w, struct bf_manifest_reader *r,
                             struct bf_manifest_run *run)
{
    uint64_t whole = r->geometry.disk_bytes / r->geometry.chunk_size;
    uint64_t chunks = bf_geometry_chunks(&r->geometry);
    enum bf_err err;

    while ((err = bf_manifest_next(r, run)) == BF_OK) {
        if (run->first + run->count > bf_working_chunks(w))
            return BF_ERR_CORRUPT;
        err = bf_working_set(w, run->first, run->count, run->state, run->digests);
        if (err)
            return err;
    }
    if (err == BF_ERR_CLOSED)
        err = chunks > whole ? bf_working_set(w, whole, 1, BF_CHUNK_UNKNOWN, NULL) : BF_OK;
    return err;
}

static enum bf_err copy_manifest(struct bf_session_store *s, const struct bf_store_disk *d,
                                 struct bf_working *w)
{
    struct bf_manifest_reader *r = calloc(1, sizeof *r);
    struct bf_manifest_run *run = calloc(1, sizeof *run);
    char path[BF_LAYER_PATH_MAX];
    FILE *file = NULL;
    int fd;
    enum bf_err err = r && run ? BF_OK : BF_ERR_NO_MEMORY;

    bf_layer_manifest(path, s->config.machine, d->number, d->layer - 1);
    fd = openat(bf_state_dir(s->state), path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && !(file = fdopen(fd, "r")))
        close(fd);
    if (!err && !file)
        err = BF_ERR_NOT_FOUND;
    if (!err)
        err = bf_manifest_open(r, (struct bf_manifest_source){.read = fetch, .user = file});
    if (!err && r->geometry.chunk_size != d->geometry.chunk_size)
        err = BF_ERR_MISMATCH;
    if (!err)
        err = copy_runs(w, r, run);
    if (file)
        fclose(file);
    free(run);
    free(r);
    return err;
}

// The new manifest; without the sealed one it knows nothing.
static enum bf_err make_working(struct bf_session_store *s, const struct bf_store_disk *d, int dir)
{
    struct bf_working *w = NULL;
    enum bf_err err;

    unlinkat(dir, FRESH_NAME, 0);
    err = bf_working_open(dir, FRESH_NAME, &d->geometry, BF_CHUNK_ZERO, &w);
    if (!err && copy_manifest(s, d, w)) {
        bf_log(BF_LOG_WARNING,
               "%s, disk %u: the sealed manifest of layer %u cannot be read; everything is "
               "compared or sent again",
               s->config.machine, d->number, d->layer - 1);
        err = bf_working_set(w, 0, bf_working_chunks(w), BF_CHUNK_UNKNOWN, NULL);
    }
    if (!err)
        err = bf_working_sync(w);
    if (!err)
        err = bf_working_advance(w, bf_working_cursor(w)); // the table of windows
    if (!err)
        err = bf_working_sync(w);
    bf_working_close(w);
    return err;
}

static enum bf_err make_layer(struct bf_session_store *s, const struct bf_store_disk *d,
                              struct bf_fault *fault)
{
    char path[BF_LAYER_PATH_MAX], below[BF_LAYER_PATH_MAX];

    bf_layer_file(path, s->config.machine, d->number, d->layer);
    bf_snprintf(below, sizeof below, "layer-%06u.qcow2", d->layer - 1);
    return bf_layer_make(s->state, path, d->geometry.disk_bytes, d->geometry.chunk_size, below,
                         fault);
}

static enum bf_err sync_dir(int dir, enum bf_err err)
{
    return !err && fsync(dir) != 0 ? bf_reason_errno(errno) : err;
}

static enum bf_err replace(struct bf_session_store *s, struct bf_store_disk *d, int dir,
                           struct bf_fault *fault)
{
    enum bf_err err = make_working(s, d, dir);

    bf_step_done("grow-manifest");
    if (!err && unlinkat(dir, BF_WORKING_NAME, 0) != 0 && errno != ENOENT)
        err = bf_reason_errno(errno);
    err = sync_dir(dir, err);
    bf_step_done("grow-forget");
    if (!err)
        err = make_layer(s, d, fault);
    bf_step_done("grow-layer");
    if (!err && (err = bf_db_disk_resize(s->db, s->config.machine, d->number,
                                         d->geometry.disk_bytes)) != BF_OK)
        *fault = *bf_db_fault(s->db);
    bf_step_done("grow-row");
    if (!err && renameat(dir, FRESH_NAME, dir, BF_WORKING_NAME) != 0)
        err = bf_reason_errno(errno);
    return sync_dir(dir, err);
}

enum bf_err bf_store_grow(struct bf_store_disk *d, struct bf_fault *fault)
{
    struct bf_session_store *s = d->store;
    char folder[BF_LAYER_PATH_MAX];
    int dir;
    enum bf_err err;

    BF_ASSERT(d->grown && d->layer > 1); // over a sealed layer only
    BF_ASSERT(!d->working && !d->nbd);   // its files are not open
    bf_layer_folder(folder, s->config.machine, d->number);
    dir = openat(bf_state_dir(s->state), folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fault->code = BF_OK;
    err = dir < 0 ? bf_reason_errno(errno) : replace(s, d, dir, fault);
    if (dir >= 0)
        close(dir);
    if (err && fault->code != err)
        bf_fault_set(fault, err, BF_SIDE_SERVER,
                     bf_reason_todo(err,
                                    "look at the free space, the permissions and the disk of the "
                                    "state folder"),
                     "disk %u of %s cannot be made larger (%s)", d->number, s->config.machine,
                     bf_err_name(err));
    if (!err)
        bf_log(BF_LOG_INFO, "%s, disk %u: has grown to %llu bytes", s->config.machine, d->number,
               (unsigned long long)d->geometry.disk_bytes);
    return err;
}
