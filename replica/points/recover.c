// SPDX-License-Identifier: Apache-2.0
// Recovery. A point in state SEALING was verified, and all its files and the next layers were on
// the disk, before its row was committed; so it is completed, never undone. Files are removed only
// when they have a name that the store gives and the database does not know them.
#include "replica/points/recover.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "replica/points/layers.h"
#include "replica/state/step.h"

// ---- Points ------------------------------------------------------------------------------------

static enum bf_err files_exist(struct bf_state *state, const struct bf_point *point,
                               struct bf_fault *fault)
{
    for (uint16_t i = 0; i < point->disks; i++) {
        const struct bf_point_disk *d = &point->disk[i];
        char layer[BF_LAYER_PATH_MAX], next[BF_LAYER_PATH_MAX], manifest[BF_LAYER_PATH_MAX];

        bf_layer_file(layer, point->machine, d->disk, d->layer);
        bf_layer_file(next, point->machine, d->disk, d->next_layer);
        bf_layer_manifest(manifest, point->machine, d->disk, d->layer);
        if (faccessat(bf_state_dir(state), layer, F_OK, 0) != 0 ||
            faccessat(bf_state_dir(state), next, F_OK, 0) != 0 ||
            faccessat(bf_state_dir(state), manifest, F_OK, 0) != 0)
            return bf_fault_set(fault, BF_ERR_CORRUPT, BF_SIDE_SERVER,
                                "restore the state folder from a backup",
                                "files of %s@%u, disk %u, are missing in the state", point->machine,
                                point->number, d->disk);
    }
    return BF_OK;
}

enum bf_err bf_recover_points(struct bf_state *state, struct bf_db *db, const char *machine,
                              struct bf_fault *fault)
{
    struct bf_point *points = NULL;
    size_t count = 0;
    enum bf_err err = bf_db_point_list(db, machine, BF_POINT_SEALING, &points, &count);

    BF_ASSERT(!bf_db_is_in_transaction(db)); // each point is complete for itself
    if (err)
        *fault = *bf_db_fault(db);
    for (size_t i = 0; !err && i < count; i++) {
        err = files_exist(state, &points[i], fault);
        if (err)
            break;
        err = bf_db_point_sealed(db, points[i].machine, points[i].number);
        if (err)
            *fault = *bf_db_fault(db);
        else
            bf_log(BF_LOG_INFO,
                   "recovery: the sealing of %s@%u was interrupted and is complete now",
                   points[i].machine, points[i].number);
        bf_step_done("recovered-point");
    }
    free(points);
    return err;
}

// ---- Files that nothing refers to --------------------------------------------------------------

// The number in "layer-000001.SUFFIX", 0 for another name.
static uint32_t layer_number(const char *name, const char *suffix)
{
    unsigned number;
    int used = 0;

    if (sscanf(name, "layer-%6u%n", &number, &used) != 1 || used != 12)
        return 0;
    return strcmp(name + used, suffix) == 0 ? number : 0;
}

static int is_sealed(const uint32_t *sealed, size_t count, uint32_t layer)
{
    for (size_t i = 0; i < count; i++)
        if (sealed[i] == layer)
            return 1;
    return 0;
}

static int is_leftover(const char *name, const struct bf_replica_disk *disk, const uint32_t *sealed,
                       size_t count)
{
    uint32_t layer = layer_number(name, ".qcow2");
    uint32_t manifest = layer_number(name, ".manifest");

    if (layer)
        return layer != disk->layer && !is_sealed(sealed, count, layer);
    if (manifest)
        return !is_sealed(sealed, count, manifest);
    return layer_number(name, ".manifest.new") != 0;
}

static void sweep_folder(int dir, const struct bf_replica_disk *disk, const uint32_t *sealed,
                         size_t count)
{
    DIR *stream = fdopendir(dir);
    struct dirent *entry;

    if (!stream) {
        close(dir);
        return;
    }
    while ((entry = readdir(stream)))
        if (is_leftover(entry->d_name, disk, sealed, count)) {
            bf_log(BF_LOG_INFO, "recovery: removing machines/%s/disk-%u/%s, which no point uses",
                   disk->machine, disk->number, entry->d_name);
            unlinkat(dir, entry->d_name, 0);
        }
    closedir(stream);
}

static enum bf_err sweep_disk(struct bf_state *state, const struct bf_replica_disk *disk)
{
    char folder[BF_LAYER_PATH_MAX];
    uint32_t *sealed;
    size_t count;
    int dir;
    enum bf_err err =
        bf_db_disk_layers(bf_state_db(state), disk->machine, disk->number, &sealed, &count);

    if (err)
        return err;
    bf_layer_folder(folder, disk->machine, disk->number);
    dir = openat(bf_state_dir(state), folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dir >= 0) // no folder: it had no session yet
        sweep_folder(dir, disk, sealed, count);
    free(sealed);
    return BF_OK;
}

static enum bf_err sweep_disks(struct bf_state *state)
{
    struct bf_replica_disk *disks;
    size_t count;
    enum bf_err err = bf_db_disk_list(bf_state_db(state), NULL, &disks, &count);

    for (size_t i = 0; !err && i < count; i++)
        err = sweep_disk(state, &disks[i]);
    free(disks);
    return err;
}

// ---- Objects -----------------------------------------------------------------------------------

void bf_remove_folder(int state_dir, const char *path)
{
    int dir = openat(state_dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *stream = dir >= 0 ? fdopendir(dir) : NULL;
    struct dirent *entry;

    BF_ASSERT(strstr(path, "/finalized-")); // nothing but what objects have goes this way
    if (!stream) {
        if (dir >= 0)
            close(dir);
        return;
    }
    while ((entry = readdir(stream)))
        unlinkat(dir, entry->d_name, 0); // "." and ".." refuse by themselves
    closedir(stream);
    unlinkat(state_dir, path, AT_REMOVEDIR);
}

// A command that is still at work holds a lock on the folder.
static int is_in_work(struct bf_state *state, const char *folder)
{
    int dir = openat(bf_state_dir(state), folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    int busy;

    if (dir < 0)
        return 0;
    busy = flock(dir, LOCK_EX | LOCK_NB) != 0;
    close(dir);
    return busy;
}

// The job of a command that was killed can no longer end itself.
static enum bf_err fail_its_job(struct bf_db *db, const struct bf_object *object)
{
    struct bf_job *jobs;
    size_t count;
    enum bf_err err = bf_db_job_list(db, object->machine, 0, &jobs, &count);

    for (size_t i = 0; !err && i < count; i++) {
        struct bf_job *job = &jobs[i];
        if (strcmp(job->kind, "finalize") != 0 || job->point != object->point ||
            job->phase >= BF_JOB_SUCCEEDED)
            continue;
        job->phase = BF_JOB_FAILED;
        bf_snprintf(job->detail, sizeof job->detail,
                    "the command was killed; nothing is left behind: start it again");
        err = bf_db_job_update(db, job, time(NULL));
    }
    free(jobs);
    return err;
}

static enum bf_err sweep_object(struct bf_state *state, const struct bf_object *object)
{
    char folder[BF_LAYER_PATH_MAX];

    if (object->state != BF_OBJECT_MAKING)
        return BF_OK;
    bf_snprintf(folder, sizeof folder, "machines/%s/finalized-%u-%u", object->machine,
                object->point, object->number);
    if (is_in_work(state, folder))
        return BF_OK;
    bf_log(BF_LOG_INFO, "recovery: removing %s@%u/%u, which was not completed", object->machine,
           object->point, object->number);
    bf_remove_folder(bf_state_dir(state), folder);
    enum bf_err err = fail_its_job(bf_state_db(state), object);
    if (err)
        return err;
    return bf_db_object_remove(bf_state_db(state), object->machine, object->point, object->number);
}

static enum bf_err sweep_objects(struct bf_state *state)
{
    struct bf_object *objects;
    size_t count;
    enum bf_err err = bf_db_object_list(bf_state_db(state), NULL, 0, &objects, &count);

    for (size_t i = 0; !err && i < count; i++)
        err = sweep_object(state, &objects[i]);
    free(objects);
    return err;
}

// What was not completed goes first, since a full disk has no room to complete anything else. The
// leftovers of disks are known as such only when the points are complete.
static enum bf_err recover(struct bf_state *state, struct bf_fault *fault)
{
    enum bf_err err = sweep_objects(state);

    if (err) {
        *fault = *bf_db_fault(bf_state_db(state));
        return err;
    }
    err = bf_recover_points(state, bf_state_db(state), NULL, fault);
    if (err)
        return err;
    err = sweep_disks(state);
    if (err)
        *fault = *bf_db_fault(bf_state_db(state));
    return err;
}

enum bf_err bf_state_serve(const char *path, struct bf_state **out, struct bf_fault *fault)
{
    struct bf_state *state;
    enum bf_err err = bf_state_open(path, BF_STATE_DAEMON, &state, fault);

    *out = NULL;
    if (err)
        return err;
    err = recover(state, fault);
    if (err) {
        bf_state_close(state);
        return err;
    }
    *out = state;
    return BF_OK;
}
