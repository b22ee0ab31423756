// SPDX-License-Identifier: Apache-2.0
// Finds a hibernated system, in a swap partition (which the prober recognises) or in a swap file,
// and refuses or discards it as planned. Discarding restores the swap's signature, as the kernel
// does before it resumes; an undo never brings the image back, since the disk has moved on.
#include "finalize/system/hibernation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "finalize/core/fault.h"
#include "finalize/system/steps.h"

#define PAGE    4096
#define SIG_LEN 10
#define SIG_AT  (PAGE - SIG_LEN)
#define ORIG_AT (PAGE - 2 * SIG_LEN)

enum bf_err bf_swap_image(int fd, bool discard, bool *held, struct bf_fault *fault)
{
    char page[PAGE];
    *held = pread(fd, page, PAGE, 0) == PAGE && memcmp(page + SIG_AT, "S1SUSPEND", SIG_LEN) == 0;
    if (!*held || !discard)
        return BF_OK;
    if (memcmp(page + ORIG_AT, "SWAPSPACE2", SIG_LEN) != 0)
        return bf_fault_errno(fault, EINVAL);
    if (pwrite(fd, page + ORIG_AT, SIG_LEN, SIG_AT) != SIG_LEN || fsync(fd) < 0)
        return bf_fault_errno(fault, errno);
    return BF_OK;
}

// Calls `visit` for each swap file of the inspected fstab, until it fails.
static enum bf_err each_swap_file(struct bf_fin *f,
                                  enum bf_err (*visit)(struct bf_fin *, const char *))
{
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < f->system.mounts && !err; i++) {
        const char *type = f->system.mount[i].type, *path = f->system.mount[i].device;
        if (strcmp(type, "swap") == 0 && path[0] == '/' && strncmp(path, "/dev/", 5) != 0)
            err = visit(f, path);
    }
    return err;
}

static enum bf_err check_file(struct bf_fin *f, const char *path)
{
    bool held;
    int fd = bf_fin_root_open(f->root, path, O_RDONLY | O_NONBLOCK, NULL);
    if (fd < 0)
        return BF_OK;
    bf_swap_image(fd, false, &held, NULL); // looking alone does not fail
    close(fd);
    if (held) {
        f->system.hibernated = true;
        bf_note(f->report, "info", path, "holds a hibernated system");
    }
    return BF_OK;
}

static enum bf_err discard_file(struct bf_fin *f, const char *path)
{
    bool held;
    struct bf_fault fault;
    int fd = bf_fin_root_open(f->root, path, O_RDWR | O_NONBLOCK, NULL);
    if (fd < 0)
        return BF_OK;
    enum bf_err err = bf_swap_image(fd, true, &held, &fault);
    close(fd);
    return err ? bf_fail(f->report, "%s: the hibernation image cannot be discarded: %s", path,
                         fault.what)
               : BF_OK;
}

enum bf_err bf_discard_swap_files(struct bf_fin *f)
{
    return each_swap_file(f, discard_file);
}

enum bf_err bf_adapt_hibernation(struct bf_fin *f)
{
    each_swap_file(f, check_file);
    if (!f->system.hibernated)
        return BF_OK;
    if (!f->plan->discard_hibernation)
        return bf_refuse(
            f->report,
            "the system was hibernated, not shut down; start the source and shut it "
            "down, or set \"hibernation\": \"discard\" to give up what it had in memory");
    bf_note(f->report, "warning", "hibernation",
            "the image is discarded: what was in memory is lost");
    return BF_OK;
}
