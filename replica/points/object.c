// SPDX-License-Identifier: Apache-2.0
// Finalized objects: a folder "machines/NAME/finalized-POINT-K" with one overlay per disk of the
// point. The row in the database becomes visible together with the lock on the folder, so recovery
// can tell a command at work from one that was killed.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/platform.h"
#include "replica/points/image.h"
#include "replica/points/layers.h"
#include "replica/state/reason.h"
#include "replica/points/recover.h"

static void folder_of(const struct bf_image_ref *ref, char out[BF_LAYER_PATH_MAX])
{
    bf_snprintf(out, BF_LAYER_PATH_MAX, "machines/%s/finalized-%u-%u", ref->machine, ref->point,
                ref->object);
}

void bf_image_object_file(const struct bf_image_object *object, uint16_t disk, char out[128])
{
    bf_snprintf(out, 128, "machines/%s/finalized-%u-%u/disk-%u.qcow2", object->ref.machine,
                object->ref.point, object->ref.object, disk);
}

static enum bf_err db_fault(struct bf_state *state, enum bf_err err, struct bf_fault *fault)
{
    if (err)
        *fault = *bf_db_fault(bf_state_db(state));
    return err;
}

static enum bf_err make_folder(struct bf_state *state, struct bf_image_object *object,
                               struct bf_fault *fault)
{
    int dir = bf_state_dir(state), number;
    enum bf_err code;

    BF_ASSERT(bf_db_is_in_transaction(bf_state_db(state))); // recovery sees the row when it is held
    BF_ASSERT(object->lock < 0);
    folder_of(&object->ref, object->folder);
    bf_remove_folder(dir, object->folder); // its row was never committed
    if (mkdirat(dir, object->folder, 0700) == 0) {
        object->lock = openat(dir, object->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (object->lock >= 0 && flock(object->lock, LOCK_EX | LOCK_NB) == 0)
            return BF_OK;
    }
    number = errno;
    code = bf_reason_errno(number);
    return bf_fault_set(
        fault, code, BF_SIDE_SERVER,
        bf_reason_todo(code, "look at the permissions and the free space of the state folder"),
        "the folder %s cannot be made: %s", object->folder, strerror(number));
}

// The row and the locked folder, together.
static enum bf_err announce(struct bf_state *state, struct bf_image_object *object,
                            struct bf_fault *fault)
{
    struct bf_db *db = bf_state_db(state);
    struct bf_object row = {.point = object->ref.point, .created = bf_platform_wall()};
    enum bf_err err = db_fault(state, bf_db_begin(db), fault);

    if (err)
        return err;
    memcpy(row.machine, object->ref.machine, sizeof row.machine);
    err = db_fault(state, bf_db_object_add(db, &row), fault);
    object->ref.object = row.number;
    if (!err)
        err = make_folder(state, object, fault);
    if (!err)
        err = db_fault(state, bf_db_commit(db), fault);
    if (err) {
        bf_db_rollback(db);
        if (object->lock >= 0)
            bf_remove_folder(bf_state_dir(state), object->folder);
    }
    BF_ASSERT(err || object->lock >= 0);
    return err;
}

static enum bf_err make_overlays(struct bf_state *state, const struct bf_point *point,
                                 struct bf_image_object *object, struct bf_fault *fault)
{
    char file[BF_LAYER_PATH_MAX], backing[BF_LAYER_PATH_MAX];
    enum bf_err err = BF_OK;

    BF_ASSERT(object->lock >= 0 && !bf_db_is_in_transaction(bf_state_db(state)));
    for (uint16_t i = 0; !err && i < point->disks; i++) {
        const struct bf_point_disk *d = &point->disk[i];
        object->disk[i] = d->disk;
        object->disks = (uint16_t)(i + 1);
        bf_image_object_file(object, d->disk, file);
        bf_snprintf(backing, sizeof backing, "../disk-%u/layer-%06u.qcow2", d->disk, d->layer);
        err = bf_layer_make(state, file, d->bytes, 0, backing, fault);
    }
    return err;
}

enum bf_err bf_image_object_begin(struct bf_state *state, const struct bf_image_ref *ref,
                                  struct bf_image_object *object, struct bf_fault *fault)
{
    struct bf_point *point = malloc(sizeof *point);
    struct bf_fault ignored;
    enum bf_err err;

    memset(object, 0, sizeof *object);
    object->ref = *ref;
    object->lock = -1;
    if (!point)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory to look at a point");
    err = db_fault(state, bf_db_point_get(bf_state_db(state), ref->machine, ref->point, point),
                   fault);
    object->ref.point = err ? 0 : point->number;
    if (!err)
        err = announce(state, object, fault);
    if (!err) {
        err = make_overlays(state, point, object, fault);
        if (err)
            bf_image_object_end(state, object, 0, &ignored);
    }
    free(point);
    return err;
}

static enum bf_err sync_files(struct bf_state *state, const struct bf_image_object *object,
                              struct bf_fault *fault)
{
    char file[BF_LAYER_PATH_MAX];
    enum bf_err err = BF_OK;

    for (uint16_t i = 0; !err && i < object->disks; i++) {
        bf_image_object_file(object, object->disk[i], file);
        err = bf_layer_sync(state, file, fault);
    }
    if (!err)
        err = bf_layer_sync(state, object->folder, fault);
    bf_snprintf(file, sizeof file, "machines/%s", object->ref.machine);
    return err ? err : bf_layer_sync(state, file, fault);
}

enum bf_err bf_image_object_end(struct bf_state *state, struct bf_image_object *object, int keep,
                                struct bf_fault *fault)
{
    struct bf_db *db = bf_state_db(state);
    const struct bf_image_ref *ref = &object->ref;
    enum bf_err err = keep ? sync_files(state, object, fault) : BF_OK;

    BF_ASSERT(object->lock >= 0); // it has one end
    BF_ASSERT(!keep || object->disks > 0);
    if (keep && !err)
        err = db_fault(state, bf_db_object_ready(db, ref->machine, ref->point, ref->object), fault);
    if (!keep || err) {
        enum bf_err removed = bf_db_object_remove(db, ref->machine, ref->point, ref->object);
        bf_remove_folder(bf_state_dir(state), object->folder);
        if (!err)
            err = db_fault(state, removed, fault);
    }
    if (object->lock >= 0)
        close(object->lock);
    object->lock = -1;
    return err;
}

// The row goes last: what is left of a folder without a row would be nobody's.
enum bf_err bf_image_object_drop(struct bf_state *state, const struct bf_image_ref *ref,
                                 struct bf_fault *fault)
{
    char folder[BF_LAYER_PATH_MAX], name[96];
    int dir;

    folder_of(ref, folder);
    dir = openat(bf_state_dir(state), folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) != 0) {
        close(dir);
        bf_image_ref_text(ref, name);
        return bf_fault_set(fault, BF_ERR_BUSY, BF_SIDE_SERVER,
                            "wait for the command that makes it", "%s is being made", name);
    }
    bf_remove_folder(bf_state_dir(state), folder);
    if (dir >= 0)
        close(dir);
    enum bf_err err =
        bf_db_object_remove(bf_state_db(state), ref->machine, ref->point, ref->object);
    return err == BF_ERR_NOT_FOUND ? BF_OK : db_fault(state, err, fault);
}
