// SPDX-License-Identifier: Apache-2.0
// See undo_dir.h. The folders are opened one below the other without following links, and what was
// opened is what is looked at.
#include "finalize/core/undo_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "finalize/core/commit.h"

#define ABOVE "/var/lib" // may be reached over links inside the tree, and belong to anybody

static bool is_ours_by(const struct stat *st, mode_t type)
{
    return (st->st_mode & S_IFMT) == type && st->st_uid == geteuid() && (st->st_mode & 022) == 0 &&
           (type == S_IFDIR || st->st_nlink == 1);
}

static bool is_ours(int fd, mode_t type)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return false;
    errno = EPERM;
    return is_ours_by(&st, type);
}

// Opens what is below `dir`, which is closed; it has to be the caller's alone.
static int step(int dir, const char *name, int flags, mode_t type)
{
    if (dir < 0)
        return -1;
    int fd = openat(dir, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int saved = errno;
    close(dir);
    if (fd < 0) {
        errno = saved == ELOOP || saved == ENOTDIR ? EPERM : saved;
        return -1;
    }
    if (is_ours(fd, type))
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static int open_dir(const struct bf_fin_root *root)
{
    int dir = bf_fin_root_open(root, ABOVE, O_RDONLY | O_DIRECTORY);
    dir = step(dir, "bootferry", O_RDONLY | O_DIRECTORY, S_IFDIR);
    return step(dir, "undo", O_RDONLY | O_DIRECTORY, S_IFDIR);
}

char *bf_undo_dir_read(const struct bf_fin_root *root, const char *name, size_t cap, size_t *len)
{
    int fd = step(open_dir(root), name, O_RDONLY, S_IFREG);
    char *data = fd < 0 ? NULL : bf_read_fd(fd, cap, len);
    int saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
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
    int dir = bf_fin_root_open(root, ABOVE, O_PATH | O_DIRECTORY);
    char above[PATH_MAX], path[PATH_MAX + 300], below[300];
    struct stat st;

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

static int own(const struct bf_fin_root *root, const char *path)
{
    int fd = bf_fin_root_open(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    int rc = fchown(fd, geteuid(), getegid());
    close(fd);
    return rc;
}

int bf_undo_dir_own(const struct bf_fin_root *root)
{
    return own(root, ABOVE "/bootferry") < 0 ? -1 : own(root, BF_UNDO_DIR);
}
