// SPDX-License-Identifier: Apache-2.0
// The home of a new machine: a folder with images that need nothing else. See qemu_images.h.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "replica/points/image.h"
#include "replica/points/layers.h"
#include "replica/state/file.h"
#include "replica/state/reason.h"
#include "replica/state/step.h"
#include "replica/targets/qemu_images.h"

enum { VARIABLES_MAX = 64 << 20 };

static enum bf_err home_fault(struct bf_fault *fault, const char *doing, const char *path)
{
    int number = errno;
    enum bf_err code = bf_reason_errno(number);

    return bf_fault_set(fault, code, code == BF_ERR_NO_SPACE ? BF_SIDE_SERVER : BF_SIDE_CONFIG,
                        bf_reason_todo(code, "name a folder that can be written to, with --to"),
                        "the folder %.110s cannot be %s: %s", path, doing, strerror(number));
}

enum bf_err bf_tgt_check_room(int folder, const char *name, uint64_t bytes, struct bf_fault *fault)
{
    char needed[24], there[24];
    struct statvfs fs;

    if (fstatvfs(folder, &fs) != 0 || (uint64_t)fs.f_bavail * fs.f_frsize >= bytes)
        return BF_OK;
    bf_human_bytes(needed, sizeof needed, bytes);
    bf_human_bytes(there, sizeof there, (uint64_t)fs.f_bavail * fs.f_frsize);
    return bf_fault_set(fault, BF_ERR_NO_SPACE, BF_SIDE_SERVER,
                        "make room there, or name a folder in another file system",
                        "a copy of the disks takes up to %s, and the file system of %.80s has %s",
                        needed, name, there);
}

// ---- Choosing ----------------------------------------------------------------------------------

static enum bf_err name_home(struct bf_qemu_machine *q, const char *to, struct bf_fault *fault)
{
    const char *name = q->tgt->machine->name, *job = strrchr(q->tgt->folder, '/');
    char folder[PATH_MAX];

    if (!to) {
        bf_snprintf(q->place.home, sizeof q->place.home, "machines/%s/home-%s", name,
                    job ? job + 1 : q->tgt->folder);
        return BF_OK;
    }
    if (!realpath(to, folder))
        return home_fault(fault, "used", to);
    if (bf_snprintf(q->place.home, sizeof q->place.home, "%s/%s", folder, name) >=
        (int)sizeof q->place.home)
        return bf_fault_set(fault, BF_ERR_RANGE, BF_SIDE_CONFIG, "name another folder with --to",
                            "the path of the machine's home is too long");
    return BF_OK;
}

// A folder that is there already is not ours: the record would name it.
static enum bf_err make_home(struct bf_qemu_machine *q, bool recorded, struct bf_fault *fault)
{
    int state = bf_state_dir(q->tgt->state);

    if (mkdirat(state, q->place.home, 0700) != 0 && (errno != EEXIST || !recorded)) {
        enum bf_err err = home_fault(fault, "made", q->place.home);
        q->place.home[0] = recorded ? q->place.home[0] : 0;
        return err;
    }
    q->home = openat(state, q->place.home, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return q->home >= 0 ? BF_OK : home_fault(fault, "opened", q->place.home);
}

enum bf_err bf_qemu_choose_home(struct bf_qemu_machine *q, const char *to, struct bf_fault *fault)
{
    struct bf_qemu_place before = q->place;
    enum bf_err err = name_home(q, to, fault);

    if (err || !before.home[0]) {
        struct stat st;
        if (!err &&
            fstatat(bf_state_dir(q->tgt->state), q->place.home, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            err = bf_fault_set(fault, BF_ERR_EXISTS, BF_SIDE_CONFIG,
                               "move it away, or name another folder with --to",
                               "there is a %.120s already", q->place.home);
            q->place = before;
        }
        if (!err) // recorded first: a killed one finds the folder that it made
            err = bf_qemu_record(q, fault);
        bf_step_done("home chosen");
        return err ? err : make_home(q, true, fault);
    }
    if (to && strcmp(before.home, q->place.home) != 0) {
        q->place = before;
        return bf_fault_set(fault, BF_ERR_EXISTS, BF_SIDE_CONFIG,
                            "repeat it without --to, or cancel it first",
                            "the disks are being copied to %.120s already", before.home);
    }
    q->place = before;
    return q->home >= 0 ? BF_OK : make_home(q, true, fault);
}

enum bf_err bf_qemu_leave_home(struct bf_qemu_machine *q, struct bf_fault *fault)
{
    char path[PATH_MAX];
    enum bf_err err = BF_OK;

    if (!q->place.home[0])
        return BF_OK;
    if (q->home >= 0) {
        err = bf_qemu_path(q, q->home, "", path, fault);
        if (!err)
            bf_folder_remove(path);
        close(q->home);
        q->home = -1;
    }
    memset(&q->place, 0, sizeof q->place);
    return err ? err : bf_qemu_record(q, fault);
}

// ---- Images ------------------------------------------------------------------------------------

enum bf_err bf_qemu_home_path(const struct bf_qemu_machine *q, uint32_t disk, char out[PATH_MAX],
                              struct bf_fault *fault)
{
    char name[32];

    bf_qemu_home_name(name, &q->tgt->machine->disk[disk], false);
    return bf_qemu_path(q, q->home, name, out, fault);
}

enum bf_err bf_qemu_make_empty(const struct bf_qemu_machine *q, uint32_t disk,
                               struct bf_fault *fault)
{
    char path[PATH_MAX];
    enum bf_err err = bf_qemu_home_path(q, disk, path, fault);

    return err ? err
               : bf_layer_make(q->tgt->state, path, q->tgt->machine->disk[disk].bytes, 0, NULL,
                               fault);
}

static enum bf_err put_variables(const struct bf_qemu_machine *q, const void *bytes, size_t len,
                                 struct bf_fault *fault)
{
    char path[PATH_MAX];
    enum bf_err err = bf_qemu_path(q, q->home, BF_QEMU_VARS, path, fault);

    return err ? err : bf_file_replace(path, bytes, len, 0600, fault);
}

static enum bf_err read_variables(const struct bf_qemu_machine *q, uint8_t **bytes, size_t *len,
                                  struct bf_fault *fault)
{
    char path[PATH_MAX];
    enum bf_err err = bf_qemu_path(q, q->folder, BF_QEMU_VARS, path, fault);

    return err ? err : bf_file_read(path, VARIABLES_MAX, bytes, len, fault);
}

// A raw image has the size of its file, so that of the old one counts.
enum bf_err bf_qemu_make_variables(const struct bf_qemu_machine *q, struct bf_fault *fault)
{
    uint8_t *bytes = NULL;
    size_t len;
    enum bf_err err = read_variables(q, &bytes, &len, fault);

    if (!err)
        err = put_variables(q, bytes, len, fault);
    free(bytes);
    return err;
}

// ---- While it is off ---------------------------------------------------------------------------

struct converting {
    const struct bf_tgt *tgt;
    uint64_t before, total;
};

static void converted(void *user, uint64_t done, uint64_t total)
{
    const struct converting *c = user;

    (void)total;
    if (c->tgt->progress)
        c->tgt->progress(c->tgt->user, c->before + done, c->total);
}

static enum bf_err convert_one(const struct bf_qemu_machine *q, uint32_t disk, struct converting *c,
                               struct bf_fault *fault)
{
    const struct bf_tgt_disk *d = &q->tgt->machine->disk[disk];
    struct bf_image_chain chain = d->chain;
    char path[PATH_MAX], name[32];
    enum bf_err err = bf_qemu_home_path(q, disk, path, fault);

    if (err)
        return err;
    chain.layer = calloc(d->chain.layers + 1, sizeof *chain.layer);
    if (!chain.layer)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory for a chain of layers");
    bf_qemu_overlay_name(name, d);
    bf_snprintf(chain.layer[0].path, sizeof chain.layer[0].path, "%s/%s", q->tgt->folder, name);
    memcpy(chain.layer + 1, d->chain.layer, d->chain.layers * sizeof *chain.layer);
    chain.layers++;
    chain.bytes = d->bytes;
    unlink(path); // unfinished, since it is not recorded
    err = bf_image_export_chain(q->tgt->state, &chain, d->number, BF_IMAGE_QCOW2, path, converted,
                                c, fault);
    free(chain.layer);
    return err;
}

enum bf_err bf_qemu_convert(const struct bf_qemu_machine *q, struct bf_fault *fault)
{
    const struct bf_tgt_machine *m = q->tgt->machine;
    struct converting c = {.tgt = q->tgt};
    enum bf_err err = m->uefi && !q->place.vars ? bf_qemu_make_variables(q, fault) : BF_OK;

    BF_ASSERT(q->home >= 0);
    for (uint32_t i = 0; i < m->disks; i++)
        c.total += m->disk[i].bytes;
    for (uint32_t i = 0; !err && i < m->disks; i++) {
        if (!q->place.disk[i])
            err = convert_one(q, i, &c, fault);
        c.before += m->disk[i].bytes;
    }
    if (!err && fsync(q->home) != 0)
        err = home_fault(fault, "synced", q->place.home);
    return err;
}
