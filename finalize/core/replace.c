// SPDX-License-Identifier: Apache-2.0
// Atomic steps on a guest's files; see replace.h. A new file is written beside the old one under a
// temporary name, synced, renamed over it, and the directory is synced.
#include "finalize/core/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TMP_NAME   ".bootferry-finalize.tmp"
#define COPY_CHUNK ((size_t)1 << 18)

// A print that is being made.
struct printing {
    struct bf_hasher hasher;
    uint64_t size;
};

static void print_begin(struct printing *p)
{
    bf_hasher_init(&p->hasher, "bootferry 2026 finalized file");
    p->size = 0;
}

static void print_add(struct printing *p, const void *data, size_t len)
{
    bf_hasher_add(&p->hasher, data, len);
    p->size += len;
}

static void print_end(const struct printing *p, struct bf_print *out)
{
    bf_hasher_final(&p->hasher, &out->digest);
    out->size = p->size;
}

void bf_dirname(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    int n = slash && slash != path ? (int)(slash - path) : 0;
    snprintf(out, size, "%.*s", n ? n : 1, n ? path : "/");
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int open_parent(const struct bf_fin_root *root, const char *path)
{
    char dir[4096];
    bf_dirname(path, dir, sizeof dir);
    return bf_fin_root_open(root, dir, O_RDONLY | O_DIRECTORY);
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

// Copies `keep` bytes of `from` to `to`; a file that is shorter is an error. `to` < 0 only prints.
static int copy_prefix(int from, int to, uint64_t keep, struct printing *print)
{
    char *buf = malloc(COPY_CHUNK);
    int rc = buf ? 0 : -1;
    while (rc == 0 && keep > 0) {
        ssize_t n = read(from, buf, keep < COPY_CHUNK ? (size_t)keep : COPY_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO;
        if (n <= 0 || (to >= 0 && write_all(to, buf, (size_t)n) < 0)) {
            rc = -1;
            break;
        }
        print_add(print, buf, (size_t)n);
        keep -= (uint64_t)n;
    }
    free(buf);
    return rc;
}

static int open_old(int dir, const char *name)
{
    return openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

// fd < 0 only prints.
static int fill(int dir, const char *name, int fd, const struct bf_content *c,
                struct printing *print)
{
    if (c->keep) {
        int old = open_old(dir, name);
        int rc = old < 0 ? -1 : copy_prefix(old, fd, c->keep, print);
        if (old >= 0)
            close(old);
        if (rc < 0)
            return -1;
    }
    print_add(print, c->data, c->len);
    return fd < 0 ? 0 : write_all(fd, c->data, c->len);
}

static int replace_in(int dir, const char *name, const struct bf_content *c,
                      const struct bf_meta *meta, bool with_time, struct printing *print)
{
    // A leftover of a run that was killed: ours by name, and unlink never follows a link.
    unlinkat(dir, TMP_NAME, 0);
    int fd = openat(dir, TMP_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    int rc = fill(dir, name, fd, c, print);
    if (rc == 0)
        rc = bf_meta_apply(fd, meta, with_time);
    if (rc == 0)
        rc = fsync(fd);
    if (close(fd) < 0)
        rc = -1;
    if (rc == 0)
        rc = renameat(dir, TMP_NAME, dir, name);
    if (rc == 0)
        return fsync(dir);
    int saved = errno;
    unlinkat(dir, TMP_NAME, 0);
    errno = saved;
    return -1;
}

int bf_replace(const struct bf_fin_root *root, const char *path, const struct bf_content *content,
               const struct bf_meta *meta, bool with_time, struct bf_print *print)
{
    struct printing printing;
    print_begin(&printing);
    int dir = open_parent(root, path);
    if (dir < 0)
        return -1;
    int rc = replace_in(dir, base_of(path), content, meta, with_time, &printing);
    int saved = errno;
    close(dir);
    errno = saved;
    if (rc == 0 && print)
        print_end(&printing, print);
    return rc;
}

int bf_print_content(const struct bf_fin_root *root, const char *path,
                     const struct bf_content *content, struct bf_print *print)
{
    struct printing printing;
    print_begin(&printing);
    int dir = content->keep ? open_parent(root, path) : -1;
    if (content->keep && dir < 0)
        return -1;
    int rc = fill(dir, base_of(path), -1, content, &printing);
    int saved = errno;
    if (dir >= 0)
        close(dir);
    errno = saved;
    if (rc == 0)
        print_end(&printing, print);
    return rc;
}

void bf_replace_sweep(const struct bf_fin_root *root, const char *path)
{
    int dir = open_parent(root, path);
    if (dir < 0)
        return;
    unlinkat(dir, TMP_NAME, 0);
    close(dir);
}

int bf_print_file(const struct bf_fin_root *root, const char *path, struct bf_print *print)
{
    struct stat st;
    struct printing printing;
    print_begin(&printing);
    int fd = bf_fin_root_open(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -1;
    int rc = fstat(fd, &st);
    if (rc == 0)
        rc = S_ISREG(st.st_mode) ? copy_prefix(fd, -1, (uint64_t)st.st_size, &printing) : -1;
    if (rc == 0)
        print_end(&printing, print);
    close(fd);
    return rc;
}

int bf_unlink(const struct bf_fin_root *root, const char *path)
{
    int dir = open_parent(root, path);
    if (dir < 0)
        return -1;
    int rc = unlinkat(dir, base_of(path), 0);
    if (rc == 0)
        rc = fsync(dir);
    close(dir);
    return rc;
}

int bf_mkdir(const struct bf_fin_root *root, const char *path, mode_t mode)
{
    struct stat parent, st;
    int dir = open_parent(root, path);
    if (dir < 0)
        return -1;
    const char *name = base_of(path);
    int rc = mkdirat(dir, name, mode);
    if (rc < 0 && errno == EEXIST) {
        rc = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW);
        if (rc == 0 && !S_ISDIR(st.st_mode)) {
            errno = ENOTDIR;
            rc = -1;
        }
    } else if (rc == 0 && fstat(dir, &parent) == 0) {
        if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            (st.st_uid != parent.st_uid || st.st_gid != parent.st_gid))
            rc = fchownat(dir, name, parent.st_uid, parent.st_gid, AT_SYMLINK_NOFOLLOW);
        fsync(dir);
    }
    int saved = errno;
    close(dir);
    errno = saved;
    return rc;
}

int bf_rmdir(const struct bf_fin_root *root, const char *path)
{
    int dir = open_parent(root, path);
    if (dir < 0)
        return -1;
    int rc = unlinkat(dir, base_of(path), AT_REMOVEDIR);
    if (rc == 0)
        fsync(dir);
    close(dir);
    return rc;
}

int bf_set_mtime(const struct bf_fin_root *root, const char *path, struct timespec mtime)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, mtime};
    int fd = bf_fin_root_open(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -1;
    int rc = futimens(fd, times);
    close(fd);
    return rc;
}

int bf_meta_of(const struct bf_fin_root *root, const char *path, struct bf_meta *m)
{
    *m = (struct bf_meta){0};
    int fd = bf_fin_root_open(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -1;
    int rc = bf_meta_read(fd, m);
    close(fd);
    return rc;
}

int bf_meta_new(const struct bf_fin_root *root, const char *dir, mode_t mode, struct bf_meta *m)
{
    struct stat st;
    *m = (struct bf_meta){0};
    if (bf_fin_root_stat(root, dir, &st) < 0)
        return -1;
    m->mode = mode;
    m->uid = st.st_uid;
    m->gid = st.st_gid;
    m->xattrs = json_object();
    return m->xattrs ? 0 : -1;
}
