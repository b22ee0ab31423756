// SPDX-License-Identifier: Apache-2.0
// Atomic steps on a guest's files; see replace.h. A new file is written beside the old one under a
// temporary name, synced, renamed over it, and the directory is synced. A file that has other names
// (hard links) is written where it stands instead.
#include "finalize/core/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/assert.h"
#include "finalize/core/fault.h"

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
    BF_ASSERT(path[0] == '/' && size > 1);
    const char *slash = strrchr(path, '/');
    int n = slash && slash != path ? (int)(slash - path) : 0;
    snprintf(out, size, "%.*s", n ? n : 1, n ? path : "/");
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// The directory of a path, or -1 with *fault.
static int open_parent(const struct bf_fin_root *root, const char *path, struct bf_fault *fault)
{
    char dir[4096];
    BF_ASSERT(strlen(path) < sizeof dir); // a folder that is cut is another one
    bf_dirname(path, dir, sizeof dir);
    return bf_fin_root_open(root, dir, O_RDONLY | O_DIRECTORY, fault);
}

static int open_file(const struct bf_fin_root *root, const char *path, struct bf_fault *fault)
{
    return bf_fin_root_open(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, fault);
}

static uint64_t content_size(const struct bf_content *c)
{
    return c->parts ? bf_parts_size(c->part, c->parts) : c->keep + c->len;
}

static bool reads_old(const struct bf_content *c)
{
    return c->parts ? !c->other : c->keep > 0;
}

static enum bf_err write_all(int fd, const char *data, size_t len, struct bf_fault *fault)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bf_fault_errno(fault, errno);
        data += n;
        len -= (size_t)n;
    }
    return BF_OK;
}

// Copies `keep` bytes of `from` to `to`; a file that is shorter is an error. `to` < 0 only prints.
static enum bf_err copy_prefix(int from, int to, uint64_t keep, struct printing *print,
                               struct bf_fault *fault)
{
    BF_ASSERT(from >= 0 && from != to);
    char *buf = malloc(COPY_CHUNK);
    enum bf_err err = buf ? BF_OK : bf_fault_errno(fault, ENOMEM);
    while (!err && keep > 0) {
        ssize_t n = read(from, buf, keep < COPY_CHUNK ? (size_t)keep : COPY_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            err = bf_fault_errno(fault, n == 0 ? EIO : errno);
            break;
        }
        if (to >= 0)
            err = write_all(to, buf, (size_t)n, fault);
        BF_ASSERT((uint64_t)n <= keep);
        print_add(print, buf, (size_t)n);
        keep -= (uint64_t)n;
    }
    free(buf);
    BF_ASSERT(err || keep == 0);
    return err;
}

static enum bf_err copy_old(int dir, const char *name, int fd, uint64_t keep,
                            struct printing *print, struct bf_fault *fault)
{
    int old = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (old < 0)
        return bf_fault_errno(fault, errno);
    enum bf_err err = copy_prefix(old, fd, keep, print, fault);
    close(old);
    return err;
}

// fd < 0 only prints.
static enum bf_err fill_from(int from, int fd, const struct bf_content *c, struct printing *print,
                             struct bf_fault *fault)
{
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < c->parts && !err; i++) {
        const struct bf_part *p = &c->part[i];
        if (p->data) {
            print_add(print, p->data, (size_t)p->len);
            err = fd < 0 ? BF_OK : write_all(fd, p->data, (size_t)p->len, fault);
        } else if (lseek(from, (off_t)p->from, SEEK_SET) < 0) {
            err = bf_fault_errno(fault, errno);
        } else {
            err = copy_prefix(from, fd, p->len, print, fault);
        }
    }
    return err;
}

static enum bf_err fill_parts(int dir, const char *name, int fd, const struct bf_content *c,
                              struct printing *print, struct bf_fault *fault)
{
    if (c->other)
        return fill_from(c->file, fd, c, print, fault);
    int old = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (old < 0)
        return bf_fault_errno(fault, errno);
    enum bf_err err = fill_from(old, fd, c, print, fault);
    close(old);
    return err;
}

// fd < 0 only prints.
static enum bf_err fill(int dir, const char *name, int fd, const struct bf_content *c,
                        struct printing *print, struct bf_fault *fault)
{
    BF_ASSERT(c->data || c->len == 0);
    if (c->parts)
        return fill_parts(dir, name, fd, c, print, fault);
    enum bf_err err = c->keep ? copy_old(dir, name, fd, c->keep, print, fault) : BF_OK;
    if (err)
        return err;
    print_add(print, c->data, c->len);
    return fd < 0 ? BF_OK : write_all(fd, c->data, c->len, fault);
}

static enum bf_err fill_new(int dir, const char *name, int fd, const struct bf_content *c,
                            const struct bf_meta *meta, bool with_time, struct printing *print,
                            struct bf_fault *fault)
{
    struct bf_fault ignored;
    BF_ASSERT(dir >= 0 && fd >= 0 && dir != fd);
    bf_flags_set(fd, FS_NOCOW_FL, meta->flags & FS_NOCOW_FL, &ignored); // takes an empty file only
    enum bf_err err = fill(dir, name, fd, c, print, fault);
    if (!err)
        err = bf_meta_apply(fd, meta, with_time, fault);
    if (!err && fsync(fd) < 0)
        err = bf_fault_errno(fault, errno);
    return err;
}

// Takes the flags from a file that forbid to replace, remove or write it.
static enum bf_err unlock(int dir, const char *name, struct bf_fault *fault)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return BF_OK; // it is not there; or what comes next fails and says why
    enum bf_err err = bf_flags_set(fd, BF_FLAGS_LOCKED, 0, fault);
    close(fd);
    return err;
}

static enum bf_err replace_in(int dir, const char *name, const struct bf_content *c,
                              const struct bf_meta *meta, bool with_time, struct printing *print,
                              struct bf_fault *fault)
{
    BF_ASSERT(!strchr(name, '/')); // what is renamed stays in its folder
    // A leftover of a run that was killed: ours by name, and unlink never follows a link.
    unlinkat(dir, TMP_NAME, 0);
    int fd = openat(dir, TMP_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return bf_fault_errno(fault, errno);
    enum bf_err err = fill_new(dir, name, fd, c, meta, with_time, print, fault);
    if (!err)
        err = unlock(dir, name, fault);
    if (!err && renameat(dir, TMP_NAME, dir, name) < 0)
        err = bf_fault_errno(fault, errno);
    if (err)
        unlinkat(dir, TMP_NAME, 0);
    else
        err = bf_flags_set(fd, BF_FLAGS_LOCKED, meta->flags & BF_FLAGS_LOCKED, fault);
    if (close(fd) < 0 && !err)
        err = bf_fault_errno(fault, errno);
    if (!err && fsync(dir) < 0)
        err = bf_fault_errno(fault, errno);
    return err;
}

static enum bf_err write_tail(int fd, const struct bf_content *c, struct printing *print,
                              struct bf_fault *fault)
{
    enum bf_err err = copy_prefix(fd, -1, c->keep, print, fault);
    print_add(print, c->data, c->len);
    return err ? err : write_all(fd, c->data, c->len, fault);
}

// Writes a file that has other names where it stands, so that they go on being one.
static enum bf_err write_in(int dir, const char *name, const struct bf_content *c,
                            const struct bf_meta *meta, bool with_time, struct printing *print,
                            struct bf_fault *fault)
{
    if (c->parts && !c->other) // it would be read while it is written
        return bf_fault_errno(fault, ETXTBSY);
    enum bf_err err = unlock(dir, name, fault);
    if (err)
        return err;
    int fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return bf_fault_errno(fault, errno);
    err = c->parts ? fill_from(c->file, fd, c, print, fault) : write_tail(fd, c, print, fault);
    if (!err && ftruncate(fd, (off_t)content_size(c)) < 0)
        err = bf_fault_errno(fault, errno);
    if (!err)
        err = bf_meta_apply(fd, meta, with_time, fault);
    if (!err)
        err = bf_flags_set(fd, BF_FLAGS_LOCKED, meta->flags & BF_FLAGS_LOCKED, fault);
    if ((fsync(fd) < 0 || close(fd) < 0) && !err)
        err = bf_fault_errno(fault, errno);
    return err;
}

// A link has no descriptor of its own, so its path is that of its folder's.
static void label_link(const struct bf_fin_root *root, int dir, const char *path)
{
    char at[64];
    char *label = root->label ? root->label(root->labels, path, S_IFLNK | 0777) : NULL;
    snprintf(at, sizeof at, "/proc/self/fd/%d/" TMP_NAME, dir);
    if (label) // one that could not be labelled works all the same
        lsetxattr(at, BF_XATTR_LABEL, label, strlen(label) + 1, 0);
    free(label);
}

// Makes a symbolic link, or another one of it, with its owner and, `with_time`, its time.
static enum bf_err link_in(const struct bf_fin_root *root, int dir, const char *path,
                           const struct bf_content *c, const struct bf_meta *meta, bool with_time,
                           struct printing *print, struct bf_fault *fault)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, meta->mtime};
    BF_ASSERT(c->keep == 0 && strlen(c->data) == c->len);
    unlinkat(dir, TMP_NAME, 0);
    if (symlinkat(c->data, dir, TMP_NAME) < 0)
        return bf_fault_errno(fault, errno);
    struct stat st;
    bool done = fstatat(dir, TMP_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (done && (st.st_uid != meta->uid || st.st_gid != meta->gid))
        done = fchownat(dir, TMP_NAME, meta->uid, meta->gid, AT_SYMLINK_NOFOLLOW) == 0;
    if (done && with_time)
        done = utimensat(dir, TMP_NAME, times, AT_SYMLINK_NOFOLLOW) == 0;
    label_link(root, dir, path);
    done = done && renameat(dir, TMP_NAME, dir, base_of(path)) == 0 && fsync(dir) == 0;
    if (!done) {
        bf_fault_errno(fault, errno);
        unlinkat(dir, TMP_NAME, 0);
        return fault->code;
    }
    print_add(print, c->data, c->len);
    return BF_OK;
}

static bool has_other_names(int dir, const char *name)
{
    struct stat st;
    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           st.st_nlink > 1;
}

bool bf_has_other_names(const struct bf_fin_root *root, const char *path)
{
    int dir = open_parent(root, path, NULL);
    if (dir < 0)
        return false;
    bool has = has_other_names(dir, base_of(path));
    close(dir);
    return has;
}

enum bf_err bf_replace(const struct bf_fin_root *root, const char *path,
                       const struct bf_content *content, const struct bf_meta *meta, bool with_time,
                       struct bf_print *print, struct bf_fault *fault)
{
    struct printing printing;
    print_begin(&printing);
    int dir = open_parent(root, path, fault);
    if (dir < 0)
        return fault->code;
    const char *name = base_of(path);
    enum bf_err err = content->link
                          ? link_in(root, dir, path, content, meta, with_time, &printing, fault)
                      : has_other_names(dir, name)
                          ? write_in(dir, name, content, meta, with_time, &printing, fault)
                          : replace_in(dir, name, content, meta, with_time, &printing, fault);
    close(dir);
    BF_ASSERT(err || printing.size == content_size(content)); // all of it, once
    if (!err && print)
        print_end(&printing, print);
    return err;
}

enum bf_err bf_print_content(const struct bf_fin_root *root, const char *path,
                             const struct bf_content *content, struct bf_print *print,
                             struct bf_fault *fault)
{
    struct printing printing;
    print_begin(&printing);
    int dir = reads_old(content) ? open_parent(root, path, fault) : -1;
    if (reads_old(content) && dir < 0)
        return fault->code;
    enum bf_err err = fill(dir, base_of(path), -1, content, &printing, fault);
    if (dir >= 0)
        close(dir);
    BF_ASSERT(err || printing.size == content_size(content));
    if (!err)
        print_end(&printing, print);
    return err;
}

void bf_replace_sweep(const struct bf_fin_root *root, const char *path)
{
    int dir = open_parent(root, path, NULL);
    if (dir < 0)
        return;
    unlinkat(dir, TMP_NAME, 0);
    close(dir);
}

enum bf_err bf_print_file(const struct bf_fin_root *root, const char *path, struct bf_print *print,
                          struct bf_fault *fault)
{
    struct stat st;
    struct printing printing;
    print_begin(&printing);
    char *target = bf_fin_root_readlink(root, path);
    if (target) {
        print_add(&printing, target, strlen(target));
        print_end(&printing, print);
        free(target);
        return BF_OK;
    }
    int fd = open_file(root, path, fault);
    if (fd < 0)
        return fault->code;
    enum bf_err err = BF_OK;
    if (fstat(fd, &st) < 0)
        err = bf_fault_errno(fault, errno);
    else if (!S_ISREG(st.st_mode))
        err = bf_fault_errno(fault, EINVAL);
    else
        err = copy_prefix(fd, -1, (uint64_t)st.st_size, &printing, fault);
    if (!err)
        print_end(&printing, print);
    close(fd);
    return err;
}

enum bf_err bf_unlink(const struct bf_fin_root *root, const char *path, struct bf_fault *fault)
{
    enum bf_err err = BF_OK;
    int dir = open_parent(root, path, fault);
    if (dir < 0)
        return fault->code;
    err = unlock(dir, base_of(path), fault);
    if (!err && (unlinkat(dir, base_of(path), 0) < 0 || fsync(dir) < 0))
        err = bf_fault_errno(fault, errno);
    close(dir);
    return err;
}

// A new folder gets the owner of the one that it is in, where that can be seen.
static enum bf_err give_to_parent(int dir, const char *name, struct bf_fault *fault)
{
    struct stat parent, st;
    if (fstat(dir, &parent) < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return BF_OK;
    if (st.st_uid == parent.st_uid && st.st_gid == parent.st_gid)
        return BF_OK;
    if (fchownat(dir, name, parent.st_uid, parent.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return bf_fault_errno(fault, errno);
    return BF_OK;
}

static enum bf_err mkdir_in(int dir, const char *name, mode_t mode, struct bf_fault *fault)
{
    struct stat st;
    BF_ASSERT(!strchr(name, '/') && (mode & ~(mode_t)07777) == 0);
    if (mkdirat(dir, name, mode) == 0) {
        enum bf_err err = give_to_parent(dir, name, fault);
        fsync(dir);
        return err;
    }
    if (errno != EEXIST || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return bf_fault_errno(fault, errno);
    return S_ISDIR(st.st_mode) ? BF_OK : bf_fault_errno(fault, ENOTDIR);
}

// A folder that could not be labelled works all the same, and is found by a relabel.
static void label_dir(const struct bf_fin_root *root, int dir, const char *path, mode_t mode)
{
    char *label = root->label ? root->label(root->labels, path, S_IFDIR | mode) : NULL;
    int fd =
        label ? openat(dir, base_of(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsetxattr(fd, BF_XATTR_LABEL, label, strlen(label) + 1, 0);
        close(fd);
    }
    free(label);
}

static enum bf_err make_dir(const struct bf_fin_root *root, const char *path, mode_t mode,
                            struct bf_fault *fault)
{
    int dir = open_parent(root, path, fault);
    if (dir < 0)
        return fault->code;
    enum bf_err err = mkdir_in(dir, base_of(path), mode, fault);
    if (!err)
        label_dir(root, dir, path, mode);
    close(dir);
    return err;
}

enum bf_err bf_mkdirs(const struct bf_fin_root *root, const char *dir, mode_t mode,
                      struct bf_fault *fault)
{
    char parent[4096];
    enum bf_err err = BF_OK;
    BF_ASSERT(dir[0] == '/' && strlen(dir) < sizeof parent);
    if (bf_fin_root_is_dir(root, dir))
        return BF_OK;
    bf_dirname(dir, parent, sizeof parent);
    if (strcmp(parent, dir) != 0)
        err = bf_mkdirs(root, parent, 0755, fault);
    return err ? err : make_dir(root, dir, mode, fault);
}

enum bf_err bf_rmdir(const struct bf_fin_root *root, const char *path, struct bf_fault *fault)
{
    enum bf_err err = BF_OK;
    int dir = open_parent(root, path, fault);
    if (dir < 0)
        return fault->code;
    if (unlinkat(dir, base_of(path), AT_REMOVEDIR) == 0)
        fsync(dir);
    else
        err = bf_fault_errno(fault, errno);
    close(dir);
    return err;
}

enum bf_err bf_set_mtime(const struct bf_fin_root *root, const char *path, struct timespec mtime,
                         struct bf_fault *fault)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, mtime};
    int fd = open_file(root, path, fault);
    if (fd < 0)
        return fault->code;
    enum bf_err err = futimens(fd, times) < 0 ? bf_fault_errno(fault, errno) : BF_OK;
    close(fd);
    return err;
}

// Of a symbolic link. Its label is not kept: the guest's policy gives it anew.
static bool meta_of_link(const struct bf_fin_root *root, const char *path, struct bf_meta *m)
{
    struct stat st;
    int dir = open_parent(root, path, NULL);
    bool is = dir >= 0 && fstatat(dir, base_of(path), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
              S_ISLNK(st.st_mode);
    if (dir >= 0)
        close(dir);
    if (is)
        *m = (struct bf_meta){.mode = 0777,
                              .uid = st.st_uid,
                              .gid = st.st_gid,
                              .mtime = st.st_mtim,
                              .xattrs = json_object()};
    return is;
}

enum bf_err bf_meta_of(const struct bf_fin_root *root, const char *path, struct bf_meta *m,
                       struct bf_fault *fault)
{
    *m = (struct bf_meta){0};
    if (meta_of_link(root, path, m))
        return BF_OK;
    int fd = open_file(root, path, fault);
    if (fd < 0)
        return fault->code;
    enum bf_err err = bf_meta_read(fd, m, fault);
    close(fd);
    return err;
}

enum bf_err bf_meta_new(const struct bf_fin_root *root, const char *path, mode_t mode,
                        struct bf_meta *m, struct bf_fault *fault)
{
    struct stat st;
    char dir[4096];
    BF_ASSERT((mode & ~(mode_t)07777) == 0);
    *m = (struct bf_meta){0};
    bf_dirname(path, dir, sizeof dir);
    enum bf_err err = bf_fin_root_stat(root, dir, &st, fault);
    if (err)
        return err;
    m->mode = mode;
    m->uid = st.st_uid;
    m->gid = st.st_gid;
    m->fresh = true;
    m->xattrs = json_object();
    if (!m->xattrs)
        return bf_fault_errno(fault, ENOMEM);
    char *label = root->label ? root->label(root->labels, path, S_IFREG | mode) : NULL;
    err = label ? bf_meta_label(m, label, fault) : BF_OK;
    free(label);
    return err;
}
