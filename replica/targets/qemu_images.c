// SPDX-License-Identifier: Apache-2.0
// Overlays of a new machine, see qemu_images.h; what is at home is in qemu_home.c.
#include "replica/targets/qemu_images.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fmt.h"
#include "replica/points/layers.h"
#include "replica/state/file.h"
#include "replica/state/reason.h"

enum { VARIABLES_MAX = 64 << 20, SIZES_MAX = 4096, OVERLAY_PATH = 256 };

// How large the overlays were when they were new.
#define SIZES_NAME "overlays.new"

static void overlay_path(const struct bf_qemu_machine *q, uint32_t disk, char out[OVERLAY_PATH])
{
    char name[32];

    bf_qemu_overlay_name(name, &q->tgt->machine->disk[disk]);
    bf_snprintf(out, OVERLAY_PATH, "%s/%s", q->tgt->folder, name);
}

// ---- Making ------------------------------------------------------------------------------------

// What the file's header says of its backing file: for people, since nothing of ours reads it.
static void backing_path(const struct bf_qemu_machine *q, uint32_t disk, char out[OVERLAY_PATH])
{
    const char *folder = q->tgt->folder;
    size_t n = 0;

    for (const char *c = folder; *c && n + 4 < OVERLAY_PATH; c++)
        if (c == folder || (c[-1] == '/' && *c != '/'))
            n += (size_t)bf_snprintf(out + n, OVERLAY_PATH - n, "../");
    bf_snprintf(out + n, OVERLAY_PATH - n, "%s", q->tgt->machine->disk[disk].chain.layer[0].path);
}

static enum bf_err make_overlay(const struct bf_qemu_machine *q, uint32_t disk,
                                struct bf_fault *fault)
{
    char path[OVERLAY_PATH], backing[OVERLAY_PATH];

    BF_ASSERT(q->tgt->machine->disk[disk].chain.layers > 0);
    overlay_path(q, disk, path);
    backing_path(q, disk, backing);
    return bf_layer_make(q->tgt->state, path, q->tgt->machine->disk[disk].bytes, 0, backing, fault);
}

static enum bf_err write_sizes(const struct bf_qemu_machine *q, struct bf_fault *fault)
{
    const struct bf_tgt_machine *m = q->tgt->machine;
    char path[PATH_MAX], text[SIZES_MAX] = "", name[32];
    size_t len = 0;
    struct stat st;
    enum bf_err err = bf_qemu_path(q, q->folder, SIZES_NAME, path, fault);

    for (uint32_t i = 0; i < m->disks; i++) {
        bf_qemu_overlay_name(name, &m->disk[i]);
        if (fstatat(q->folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            len += (size_t)bf_snprintf(text + len, sizeof text - len, "%u %llu\n",
                                       m->disk[i].number, (unsigned long long)st.st_size);
    }
    return err ? err : bf_file_replace(path, text, strlen(text), 0600, fault);
}

static enum bf_err copy_variables(const struct bf_qemu_machine *q, struct bf_fault *fault)
{
    const char *code, *from;
    char path[PATH_MAX];
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum bf_err err = bf_qemu_firmware(q->tgt->machine, &code, &from, fault);

    if (err || !from)
        return err;
    err = bf_file_read(from, VARIABLES_MAX, &bytes, &len, fault);
    if (!err)
        err = bf_qemu_path(q, q->folder, BF_QEMU_VARS, path, fault);
    if (!err)
        err = bf_file_replace(path, bytes, len, 0600, fault);
    free(bytes);
    return err;
}

enum bf_err bf_qemu_make_images(struct bf_qemu_machine *q, struct bf_fault *fault)
{
    enum bf_err err = BF_OK;

    for (uint32_t i = 0; !err && i < q->tgt->machine->disks; i++)
        err = make_overlay(q, i, fault);
    if (!err)
        err = write_sizes(q, fault);
    return err ? err : copy_variables(q, fault);
}

// ---- Growth ------------------------------------------------------------------------------------

static uint64_t first_size(const char *sizes, uint32_t number)
{
    unsigned long long size;
    unsigned disk;
    int used;

    while (sscanf(sizes, "%u %llu%n", &disk, &size, &used) == 2) {
        if (disk == number)
            return size;
        sizes += used;
    }
    return UINT64_MAX;
}

uint64_t bf_qemu_growth(const struct bf_qemu_machine *q)
{
    const struct bf_tgt_machine *m = q->tgt->machine;
    char path[PATH_MAX], name[32];
    struct bf_fault ignored;
    uint8_t *sizes = NULL;
    uint64_t sum = 0;
    size_t len;
    struct stat st;

    if (bf_qemu_path(q, q->folder, SIZES_NAME, path, &ignored) ||
        bf_file_read(path, SIZES_MAX, &sizes, &len, &ignored))
        return 0;
    for (uint32_t i = 0; i < m->disks; i++) {
        uint64_t first = first_size((const char *)sizes, m->disk[i].number);
        bf_qemu_overlay_name(name, &m->disk[i]);
        if (fstatat(q->folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (uint64_t)st.st_size > first)
            sum += (uint64_t)st.st_size - first;
    }
    free(sizes);
    return sum;
}

// ---- Removing ----------------------------------------------------------------------------------

void bf_qemu_remove_files(const struct bf_qemu_machine *q)
{
    static const char *const names[] = {BF_QEMU_SCRIPT, BF_QEMU_VARS,  BF_QEMU_PID, BF_QEMU_QMP,
                                        BF_QEMU_SERIAL, BF_QEMU_AGENT, BF_QEMU_VNC, SIZES_NAME};
    char name[32];

    // The script goes last but one: as long as it is there, the machine is made.
    for (uint32_t i = 0; i < q->tgt->machine->disks; i++) {
        bf_qemu_overlay_name(name, &q->tgt->machine->disk[i]);
        unlinkat(q->folder, name, 0);
    }
    for (size_t i = BF_COUNT(names); i-- > 0;)
        unlinkat(q->folder, names[i], 0);
    fsync(q->folder);
}

// ---- Room --------------------------------------------------------------------------------------

static uint64_t file_bytes(int dir, const char *path)
{
    struct stat st;

    return fstatat(dir, path, &st, 0) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

uint64_t bf_tgt_allocated(const struct bf_tgt *tgt)
{
    int dir = bf_state_dir(tgt->state);
    char path[OVERLAY_PATH], name[32];
    uint64_t all = 0;

    for (uint32_t i = 0; i < tgt->machine->disks; i++) {
        const struct bf_tgt_disk *d = &tgt->machine->disk[i];
        uint64_t sum = 0;
        bf_qemu_overlay_name(name, d);
        bf_snprintf(path, sizeof path, "%s/%s", tgt->folder, name);
        sum += file_bytes(dir, path);
        for (uint32_t k = 0; k < d->chain.layers; k++)
            sum += file_bytes(dir, d->chain.layer[k].path);
        all += sum < d->bytes ? sum : d->bytes;
    }
    return all;
}
