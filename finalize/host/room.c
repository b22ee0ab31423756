// SPDX-License-Identifier: Apache-2.0
// See room.h. The kernel keeps the limit (setrlimit(2), RLIMIT_FSIZE), so it is exact: QEMU's
// write fails with EFBIG, the guest gets an I/O error, and the file is as large as the limit
// afterwards. An overlay (qcow2) holds what was written, its tables, and nothing else.
#include "finalize/host/room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "finalize/core/fault.h"

#define MIB       ((uint64_t)1 << 20)
#define CLUSTER   ((uint64_t)65536)     // the least that QEMU allocates
#define FULL_LEFT ((uint64_t)256 << 10) // a file system with less is full

// ---- The folder ---------------------------------------------------------------------------------

// Unlinked at once where the file system has no files without a name. -1 with errno.
static int make_and_unlink(const char *folder)
{
    char path[4096];

    if (snprintf(path, sizeof path, "%s/bootferry-finalize.XXXXXX", folder) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

int bf_room_file(const struct bf_run *run, const char **folder, struct bf_fault *fault)
{
    const char *given = getenv("TMPDIR");

    *folder = run->tmp ? run->tmp : given && given[0] ? given : "/var/tmp";
    int fd = open(*folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        fd = make_and_unlink(*folder);
    if (fd < 0)
        bf_fault_errno(fault, errno);
    return fd;
}

// ---- Before -------------------------------------------------------------------------------------

uint64_t bf_room_growth(const struct bf_run *run, uint64_t disk_bytes)
{
    uint64_t limit = (run->overlay_mib ? run->overlay_mib : BF_RUN_OVERLAY_MIB) * MIB;
    uint64_t whole = disk_bytes + disk_bytes / 64 + MIB; // all of the disk, and tables

    return limit < whole ? limit : whole;
}

enum bf_err bf_room_add(struct bf_room *room, int fd, uint64_t growth, struct bf_fault *fault)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return bf_fault_errno(fault, errno);
    if (room->files == BF_RUN_DISKS)
        return bf_fault_errno(fault, E2BIG);
    if (S_ISBLK(st.st_mode))
        return BF_OK;
    uint64_t end = (uint64_t)st.st_size + growth;
    room->file_max = end > room->file_max ? end : room->file_max;
    if (growth == 0)
        return BF_OK;
    room->bounded = true;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (own < 0)
        return bf_fault_errno(fault, errno);
    room->growth[room->files] = growth;
    room->fd[room->files++] = own;
    return BF_OK;
}

static uint64_t left(int fd)
{
    struct statvfs st;

    return fstatvfs(fd, &st) == 0 ? (uint64_t)st.f_bavail * st.f_frsize : UINT64_MAX;
}

static bool same_device(int a, int b)
{
    struct stat one, other;

    return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev;
}

// What the files on the same file system may grow by.
static uint64_t wanted(const struct bf_room *room, int fd)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < room->files; i++)
        if (same_device(room->fd[i], fd))
            sum += room->growth[i];
    return sum;
}

bool bf_room_there(const struct bf_room *room, const struct bf_run *run, char *error, size_t size)
{
    bool lasting = strcmp(run->mode, "apply") == 0 || strcmp(run->mode, "undo") == 0;

    for (size_t i = 0; i < room->files; i++) {
        uint64_t need = wanted(room, room->fd[i]), have = left(room->fd[i]);

        if (need <= have)
            continue;
        snprintf(error, size,
                 "the run may write %llu MiB, and the file system of its overlays has room for "
                 "%llu MiB: make room%s, or allow less for each disk with --overlay MIB",
                 (unsigned long long)((need + MIB - 1) / MIB), (unsigned long long)(have / MIB),
                 lasting ? "" : ", or name a folder elsewhere with TMPDIR");
        return false;
    }
    return true;
}

// ---- After --------------------------------------------------------------------------------------

bool bf_room_missed(const struct bf_room *room, char *error, size_t size)
{
    struct stat st;

    for (size_t i = 0; i < room->files; i++) {
        if (fstat(room->fd[i], &st) == 0 && (uint64_t)st.st_size + CLUSTER > room->file_max) {
            snprintf(error, size,
                     "the overlay of disk %zu reached its limit of %llu MiB: allow more with "
                     "--overlay MIB",
                     i, (unsigned long long)(room->file_max / MIB));
            return true;
        }
        if (left(room->fd[i]) < FULL_LEFT) {
            snprintf(error, size,
                     "the file system of the overlay of disk %zu is full: make room and start "
                     "again",
                     i);
            return true;
        }
    }
    return false;
}

void bf_room_close(struct bf_room *room)
{
    for (size_t i = 0; i < room->files; i++)
        close(room->fd[i]);
    room->files = 0;
}
