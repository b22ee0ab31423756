// SPDX-License-Identifier: Apache-2.0
// Overlays over a finalized point. Where QEMU runs as another user (qemu:///system), it could
// neither enter the state's folder (0700) nor would anybody want libvirt's DAC driver to make that
// user the owner of sealed layers, as it does with files that it knows by path. So each file is
// opened here, sealed ones for reading only, and handed over (virDomainFDAssociate, libvirt 9.0).
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fmt.h"
#include "replica/qemu/qcow2.h"
#include "replica/state/reason.h"
#include "replica/targets/libvirt.h"

enum { NAME_MAX_HERE = 256 };

static enum bf_err file_fault(struct bf_fault *fault, const char *name, const char *doing)
{
    int number = errno;
    enum bf_err code = bf_reason_errno(number);

    return bf_fault_set(
        fault, code, BF_SIDE_SERVER,
        bf_reason_todo(code, "look at the permissions and the disk of the state folder"),
        "the state's %s cannot be %s: %s", name, doing, strerror(number));
}

static void overlay_path(const struct bf_lv *lv, uint32_t disk, const char *end,
                         char out[NAME_MAX_HERE])
{
    char name[32];

    bf_lv_overlay_name(&lv->tgt->machine->disk[disk], name);
    bf_snprintf(out, NAME_MAX_HERE, "%s/%s%s", lv->tgt->folder, name, end);
}

// "../" for each folder of the path, so that a backing file is named as layers do it.
static enum bf_err backing_of(const struct bf_lv *lv, const struct bf_tgt_disk *disk,
                              char out[NAME_MAX_HERE])
{
    size_t n = 0;

    BF_ASSERT(disk->chain.layers > 0);
    out[0] = 0;
    for (const char *c = lv->tgt->folder; *c && n + 3 < NAME_MAX_HERE; c++)
        if (*c == '/' || c == lv->tgt->folder)
            n += (size_t)bf_snprintf(out + n, NAME_MAX_HERE - n, "../");
    return n + strlen(disk->chain.layer[0].path) < NAME_MAX_HERE &&
                   bf_snprintf(out + n, NAME_MAX_HERE - n, "%s", disk->chain.layer[0].path) > 0
               ? BF_OK
               : BF_ERR_RANGE;
}

// No file of the chain names another one as the place of its data: QEMU would open it.
static enum bf_err check_chain(const struct bf_lv *lv, const struct bf_image_chain *chain,
                               struct bf_fault *fault)
{
    enum bf_err err = BF_OK;

    for (uint32_t i = 0; !err && i < chain->layers; i++)
        err = bf_qcow2_check(bf_state_dir(lv->tgt->state), chain->layer[i].path, fault);
    return err;
}

static enum bf_err make_one(const struct bf_lv *lv, uint32_t i, struct bf_fault *fault)
{
    const struct bf_tgt_disk *disk = &lv->tgt->machine->disk[i];
    int dir = bf_state_dir(lv->tgt->state);
    char path[NAME_MAX_HERE], fresh[NAME_MAX_HERE], backing[NAME_MAX_HERE];
    struct stat st;
    enum bf_err err;

    overlay_path(lv, i, "", path);
    overlay_path(lv, i, ".new", fresh);
    if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return BF_OK;
    if (backing_of(lv, disk, backing) != BF_OK)
        return bf_fault_set(fault, BF_ERR_RANGE, BF_SIDE_SERVER, "report this as a defect",
                            "the path of disk %u's files is too long", disk->number);
    err = check_chain(lv, &disk->chain, fault);
    if (!err)
        err = bf_layer_make(lv->tgt->state, fresh, disk->bytes, 0, backing, fault);
    if (!err && renameat(dir, fresh, dir, path) != 0)
        err = file_fault(fault, path, "made");
    return err ? err : bf_layer_sync(lv->tgt->state, lv->tgt->folder, fault);
}

enum bf_err bf_lv_overlays_make(const struct bf_lv *lv, struct bf_fault *fault)
{
    enum bf_err err = BF_OK;

    for (uint32_t i = 0; !err && i < lv->tgt->machine->disks; i++) {
        if (!bf_lv_goes_on(lv->tgt, fault))
            return BF_ERR_CANCELLED;
        err = make_one(lv, i, fault);
    }
    return err;
}

// An empty qcow2 file as bf_layer_make makes it: header, reference counts and the first table's
// clusters. What is longer has been written to.
static uint64_t empty_length(uint64_t bytes)
{
    enum { CLUSTER = 65536, ENTRY = 16, HEAD = 3 * CLUSTER };
    uint64_t per_table = (uint64_t)CLUSTER * (CLUSTER / ENTRY);
    uint64_t entries = (bytes + per_table - 1) / per_table;

    return HEAD + entries * 8;
}

uint64_t bf_lv_overlays_grown(const struct bf_lv *lv)
{
    uint64_t grown = 0;

    for (uint32_t i = 0; i < lv->tgt->machine->disks; i++) {
        uint64_t empty = empty_length(lv->tgt->machine->disk[i].bytes);
        char path[NAME_MAX_HERE];
        struct stat st;

        overlay_path(lv, i, "", path);
        if (fstatat(bf_state_dir(lv->tgt->state), path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            (uint64_t)st.st_size > empty)
            grown += (uint64_t)st.st_size - empty;
    }
    return grown;
}

void bf_lv_overlays_remove(const struct bf_lv *lv)
{
    for (uint32_t i = 0; i < lv->tgt->machine->disks; i++) {
        char path[NAME_MAX_HERE];

        overlay_path(lv, i, "", path);
        unlinkat(bf_state_dir(lv->tgt->state), path, 0);
        overlay_path(lv, i, ".new", path);
        unlinkat(bf_state_dir(lv->tgt->state), path, 0);
    }
}

// ---- Descriptors -------------------------------------------------------------------------------

// A chain has a file per layer, and this process has them all open for a moment.
static void allow_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static enum bf_err give(const struct bf_lv *lv, virDomainPtr dom, const char *path, int flags,
                        const char *group, struct bf_fault *fault)
{
    int fd = openat(bf_state_dir(lv->tgt->state), path, flags | O_CLOEXEC | O_NOFOLLOW);
    enum bf_err err = BF_OK;

    if (fd < 0)
        return file_fault(fault, path, "opened");
    if (virDomainFDAssociate(dom, group, 1, &fd, 0) != 0)
        err = bf_lv_fault(lv, fault, "libvirt does not take the file %s", path);
    close(fd);
    return err;
}

static enum bf_err give_disk(const struct bf_lv *lv, virDomainPtr dom, uint32_t i,
                             struct bf_fault *fault)
{
    const struct bf_image_chain *chain = &lv->tgt->machine->disk[i].chain;
    char path[NAME_MAX_HERE], group[32];
    enum bf_err err;

    overlay_path(lv, i, "", path);
    bf_lv_group_name(i, 0, group);
    err = give(lv, dom, path, O_RDWR, group, fault);
    for (uint32_t n = 0; !err && n < chain->layers; n++) {
        bf_lv_group_name(i, n + 1, group);
        err = give(lv, dom, chain->layer[n].path, O_RDONLY, group, fault);
    }
    return err;
}

enum bf_err bf_lv_descriptors_give(const struct bf_lv *lv, virDomainPtr dom, struct bf_fault *fault)
{
    enum bf_err err = BF_OK;

    allow_files();
    for (uint32_t i = 0; !err && i < lv->tgt->machine->disks; i++)
        err = give_disk(lv, dom, i, fault);
    return err;
}

// ---- Console and evidence ----------------------------------------------------------------------

enum bf_err bf_lv_logs_make(const struct bf_lv *lv, struct bf_fault *fault)
{
    static const char *const names[] = {BF_TGT_CONSOLE, BF_TGT_EVIDENCE};

    for (size_t i = 0; i < BF_COUNT(names); i++) {
        char path[NAME_MAX_HERE];
        int fd;

        bf_snprintf(path, sizeof path, "%s/%s", lv->tgt->folder, names[i]);
        fd = openat(bf_state_dir(lv->tgt->state), path,
                    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 && errno != EACCES) // it is there, and libvirt has made it QEMU's
            return file_fault(fault, path, "made");
        if (fd >= 0)
            close(fd);
    }
    return BF_OK;
}
