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

#include "finalize/system/steps.h"

#define PAGE    4096
#define SIG_LEN 10
#define SIG_AT  (PAGE - SIG_LEN)
#define ORIG_AT (PAGE - 2 * SIG_LEN)

int bf_swap_image(int fd, bool discard)
{
    char page[PAGE];
    if (pread(fd, page, PAGE, 0) != PAGE)
        return 0;
    if (memcmp(page + SIG_AT, "S1SUSPEND", SIG_LEN) != 0)
        return 0;
    if (!discard)
        return 1;
    if (memcmp(page + ORIG_AT, "SWAPSPACE2", SIG_LEN) != 0) {
        errno = EINVAL;
        return -1;
    }
    if (pwrite(fd, page + ORIG_AT, SIG_LEN, SIG_AT) != SIG_LEN || fsync(fd) < 0)
        return -1;
    return 1;
}

// Calls `visit` for each swap file of the inspected fstab until it returns non-zero.
static int each_swap_file(struct bf_fin *f, int (*visit)(struct bf_fin *, const char *))
{
    for (size_t i = 0; i < f->system.mounts; i++) {
        const char *type = f->system.mount[i].type, *path = f->system.mount[i].device;
        if (strcmp(type, "swap") != 0 || path[0] != '/' || strncmp(path, "/dev/", 5) == 0)
            continue;
        int rc = visit(f, path);
        if (rc)
            return rc;
    }
    return 0;
}

static int check_file(struct bf_fin *f, const char *path)
{
    int fd = bf_fin_root_open(f->root, path, O_RDONLY | O_NONBLOCK, NULL);
    if (fd < 0)
        return 0;
    int rc = bf_swap_image(fd, false);
    close(fd);
    if (rc == 1) {
        f->system.hibernated = true;
        bf_note(f->report, "info", path, "holds a hibernated system");
    }
    return 0;
}

static int discard_file(struct bf_fin *f, const char *path)
{
    int fd = bf_fin_root_open(f->root, path, O_RDWR | O_NONBLOCK, NULL);
    if (fd < 0)
        return 0;
    int rc = bf_swap_image(fd, true);
    close(fd);
    return rc < 0 ? bf_fail(f->report, "%s: the hibernation image cannot be discarded: %s", path,
                            strerror(errno))
                  : 0;
}

int bf_discard_swap_files(struct bf_fin *f)
{
    return each_swap_file(f, discard_file);
}

int bf_adapt_hibernation(struct bf_fin *f)
{
    each_swap_file(f, check_file);
    if (!f->system.hibernated)
        return 0;
    if (!f->plan->discard_hibernation)
        return bf_refuse(
            f->report,
            "the system was hibernated, not shut down; start the source and shut it "
            "down, or set \"hibernation\": \"discard\" to give up what it had in memory");
    bf_note(f->report, "warning", "hibernation",
            "the image is discarded: what was in memory is lost");
    return 0;
}
