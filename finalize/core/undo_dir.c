// SPDX-License-Identifier: Apache-2.0
// See undo_dir.h. The folders are opened one below the other without following links, and what was
// opened is what is looked at.
#include "finalize/core/undo_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "finalize/core/commit.h"
#include "finalize/core/fault.h"

#define ABOVE "/var/lib" // may be reached over links inside the tree, and belong to anybody

static bool is_ours_by(const struct stat *st, mode_t type)
{
    BF_ASSERT(type == S_IFDIR || type == S_IFREG);
    return (st->st_mode & S_IFMT) == type && st->st_uid == geteuid() && (st->st_mode & 022) == 0 &&
           (type == S_IFDIR || st->st_nlink == 1);
}

// -1 with the fault of what is not the caller's.
static int not_ours(struct bf_fault *fault)
{
    bf_fault_set(fault, BF_ERR_MISMATCH, BF_SIDE_SOURCE, "", "%s", strerror(EPERM));
    return -1;
}

// Opens what is below `dir`, which is closed; it has to be the caller's alone. -1 with the fault.
static int step(int dir, const char *name, int flags, mode_t type, struct bf_fault *fault)
{
    struct stat st;
    BF_ASSERT(name[0] && !strchr(name, '/')); // one step, never past a folder that is not looked at
    if (dir < 0)
        return -1;
    int fd = openat(dir, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int why = errno;
    close(dir);
    if (fd < 0 && (why == ELOOP || why == ENOTDIR))
        return not_ours(fault);
    if (fd < 0 || fstat(fd, &st) < 0) {
        bf_fault_errno(fault, fd < 0 ? why : errno);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    if (is_ours_by(&st, type))
        return fd;
    close(fd);
    return not_ours(fault);
}

static int open_dir(const struct bf_fin_root *root, struct bf_fault *fault)
{
    int dir = bf_fin_root_open(root, ABOVE, O_RDONLY | O_DIRECTORY, fault);
    dir = step(dir, "bootferry", O_RDONLY | O_DIRECTORY, S_IFDIR, fault);
    return step(dir, "undo", O_RDONLY | O_DIRECTORY, S_IFDIR, fault);
}

int bf_undo_dir_open(const struct bf_fin_root *root, const char *name, uint64_t *size,
                     struct bf_fault *fault)
{
    struct stat st;
    int fd = step(open_dir(root, fault), name, O_RDONLY, S_IFREG, fault);
    *size = 0;
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0) {
        bf_fault_errno(fault, errno);
        close(fd);
        return -1;
    }
    *size = (uint64_t)st.st_size;
    return fd;
}

char *bf_undo_dir_read(const struct bf_fin_root *root, const char *name, size_t cap, size_t *len,
                       struct bf_fault *fault)
{
    int fd = step(open_dir(root, fault), name, O_RDONLY, S_IFREG, fault);
    if (fd < 0)
        return NULL;
    char *data = bf_read_fd(fd, cap, len, fault);
    close(fd);
    return data;
}

// With the path of the root in front, and without links.
static void host_path(int dir, char *out, size_t size)
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    ssize_t len = readlink(link, out, size - 1);
    out[len > 0 ? len : 0] = 0;
}

static void describe(const char *path, const struct stat *st, mode_t type, char *out, size_t size)
{
    if ((st->st_mode & S_IFMT) != type)
        snprintf(out, size, "%s is not a %s", path, type == S_IFDIR ? "folder" : "regular file");
    else if (type == S_IFREG && st->st_nlink != 1)
        snprintf(out, size, "%s has %ju names (hard links) instead of one", path,
                 (uintmax_t)st->st_nlink);
    else
        snprintf(out, size,
                 "%s has owner %ju and mode %04o; it must belong to %ju, and only its owner may "
                 "write it",
                 path, (uintmax_t)st->st_uid, (unsigned)(st->st_mode & 07777),
                 (uintmax_t)geteuid());
}

void bf_undo_dir_doubt(const struct bf_fin_root *root, const char *name, char *out, size_t size)
{
    int dir = bf_fin_root_open(root, ABOVE, O_PATH | O_DIRECTORY, NULL);
    char above[PATH_MAX], path[PATH_MAX + 300], below[300];
    struct stat st;

    BF_ASSERT(strlen(name) < 200 && !strchr(name, '/'));
    snprintf(out, size, "it cannot be examined");
    if (dir < 0)
        return;
    host_path(dir, above, sizeof above);
    for (int i = 0; i < 3; i++) {
        mode_t type = i < 2 ? S_IFDIR : S_IFREG;
        snprintf(below, sizeof below, "bootferry%s%s%s", i > 0 ? "/undo" : "", i > 1 ? "/" : "",
                 i > 1 ? name : "");
        if (fstatat(dir, below, &st, AT_SYMLINK_NOFOLLOW) < 0)
            break;
        if (is_ours_by(&st, type))
            continue;
        snprintf(path, sizeof path, "%s/%s", above, below);
        describe(path, &st, type, out, size);
        break;
    }
    close(dir);
}

static enum bf_err own(const struct bf_fin_root *root, const char *path, struct bf_fault *fault)
{
    BF_ASSERT(strncmp(path, ABOVE "/", sizeof ABOVE) == 0); // nothing but ours is given away
    int fd = bf_fin_root_open(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, fault);
    if (fd < 0)
        return fault->code == BF_ERR_NOT_FOUND ? BF_OK : fault->code;
    enum bf_err err = fchown(fd, geteuid(), getegid()) < 0 ? bf_fault_errno(fault, errno) : BF_OK;
    close(fd);
    return err;
}

enum bf_err bf_undo_dir_own(const struct bf_fin_root *root, struct bf_fault *fault)
{
    enum bf_err err = own(root, ABOVE "/bootferry", fault);
    return err ? err : own(root, BF_UNDO_DIR, fault);
}

static bool is_within(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return strncmp(path, dir, n) == 0 && (path[n] == '/' || !path[n]);
}

bool bf_undo_dir_meets(const struct bf_fin_root *root, const char *real)
{
    char own[PATH_MAX + sizeof BF_UNDO_DIR];
    char *above = bf_fin_root_real(root, ABOVE, NULL);
    BF_ASSERT(real[0] == '/');
    if (!above)
        return false; // there is no folder then, and no journal comes to be
    snprintf(own, sizeof own, "%s%s", above, &BF_UNDO_DIR[sizeof ABOVE - 1]);
    free(above);
    return is_within(real, own) || is_within(own, real);
}
