// SPDX-License-Identifier: Apache-2.0
// See undo_dir.h. The folders are opened one below the other without following links, and what was
// opened is what is looked at.
#include "finalize/undo_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "finalize/commit.h"

#define ABOVE "/var/lib" // may be reached over links inside the tree, and belong to anybody

static bool is_ours(int fd, mode_t type)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return false;
    errno = EPERM;
    return (st.st_mode & S_IFMT) == type && st.st_uid == geteuid() && (st.st_mode & 022) == 0 &&
           (type == S_IFDIR || st.st_nlink == 1);
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
