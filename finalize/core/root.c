// SPDX-License-Identifier: Apache-2.0
// Access to a guest's files below one directory descriptor; see root.h. openat2(2) has no wrapper
// in glibc 2.36, so the system call is made directly. The names of what a descriptor leads to come
// from /proc/self/fd, relative to the root's own.
#include "finalize/core/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "finalize/core/fault.h"

#define NAMES_MAX 4096

enum bf_err bf_fin_root_attach(struct bf_fin_root *root, const char *path, struct bf_fault *fault)
{
    *root = (struct bf_fin_root){.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    return root->fd < 0 ? bf_fault_errno(fault, errno) : BF_OK;
}

void bf_fin_root_close(struct bf_fin_root *root)
{
    if (root->fd >= 0)
        close(root->fd);
    root->fd = -1;
}

// openat2(2): the descriptor, or -1 with errno.
static int open_in(const struct bf_fin_root *root, const char *path, int flags)
{
    BF_ASSERT(root->fd >= 0); // else the path would be the host's
    struct open_how how = {
        .flags = (unsigned)flags | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, root->fd, path, &how, sizeof how);
}

int bf_fin_root_open(const struct bf_fin_root *root, const char *path, int flags,
                     struct bf_fault *fault)
{
    int fd = open_in(root, path, flags);
    if (fd < 0)
        bf_fault_errno(fault, errno);
    return fd;
}

// Reading must not show in the tree: access times are left alone where we may ask for that. As
// open_in.
static int open_noatime(const struct bf_fin_root *root, const char *path, int flags)
{
    int fd = open_in(root, path, flags | O_NOATIME);
    return fd < 0 && errno == EPERM ? open_in(root, path, flags) : fd;
}

// O_NONBLOCK keeps an open of a FIFO from waiting; what is no regular file is refused before a
// read.
static int open_regular(const struct bf_fin_root *root, const char *path, struct stat *st,
                        struct bf_fault *fault)
{
    int fd = open_noatime(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        bf_fault_errno(fault, errno);
        return -1;
    }
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
        return fd;
    close(fd);
    bf_fault_errno(fault, EINVAL);
    return -1;
}

int bf_fin_root_open_file(const struct bf_fin_root *root, const char *path, uint64_t *size,
                          struct bf_fault *fault)
{
    struct stat st;
    if (bf_budget_take(root->budget, path, BF_BUDGET_PATH)) {
        bf_fault_errno(fault, E2BIG);
        return -1;
    }
    int fd = open_regular(root, path, &st, fault);
    *size = fd < 0 ? 0 : (uint64_t)st.st_size;
    return fd;
}

// NULL, for a function that returns bytes or a path.
static void *nothing(struct bf_fault *fault, int number)
{
    bf_fault_errno(fault, number);
    return NULL;
}

char *bf_read_fd(int fd, size_t cap, size_t *len, struct bf_fault *fault)
{
    BF_ASSERT(fd >= 0);
    size_t have = 0, room = 4096;
    char *buf = malloc(room + 1);
    int why = ENOMEM;
    while (buf) {
        ssize_t n = read(fd, buf + have, room - have);
        if (n < 0 && errno == EINTR)
            continue;
        why = n < 0 ? errno : EFBIG;
        if (n < 0)
            break;
        have += (size_t)n;
        BF_ASSERT(have <= room);
        if (n == 0) {
            buf[have] = 0;
            *len = have;
            return buf;
        }
        if (have > cap)
            break;
        if (have == room) {
            room *= 2;
            char *more = realloc(buf, room + 1);
            why = ENOMEM;
            if (!more)
                break;
            buf = more;
        }
    }
    free(buf);
    return nothing(fault, why);
}

char *bf_fin_root_read(const struct bf_fin_root *root, const char *path, size_t cap, size_t *len,
                       struct bf_fault *fault)
{
    struct stat st;
    if (bf_budget_take(root->budget, path, BF_BUDGET_PATH))
        return nothing(fault, E2BIG);
    int fd = open_regular(root, path, &st, fault);
    if (fd < 0)
        return NULL;
    char *buf = NULL;
    if ((unsigned long long)st.st_size > cap)
        bf_fault_errno(fault, EFBIG);
    else if (!bf_budget_take(root->budget, path, (uint64_t)st.st_size))
        buf = bf_read_fd(fd, cap, len, fault);
    else
        bf_fault_errno(fault, E2BIG);
    close(fd);
    return buf;
}

enum bf_err bf_fin_root_pread(const struct bf_fin_root *root, const char *path, void *buf,
                              size_t len, off_t offset, struct bf_fault *fault)
{
    BF_ASSERT(offset >= 0);
    struct stat st;
    int fd = open_regular(root, path, &st, fault), why = EIO;
    if (fd < 0)
        return fault ? fault->code : BF_ERR_IO;
    size_t have = 0;
    while (have < len) {
        ssize_t n = pread(fd, (char *)buf + have, len - have, offset + (off_t)have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            why = errno;
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    close(fd);
    BF_ASSERT(have <= len);
    return have < len ? bf_fault_errno(fault, why) : BF_OK;
}

enum bf_err bf_fin_root_stat(const struct bf_fin_root *root, const char *path, struct stat *st,
                             struct bf_fault *fault)
{
    int fd = open_in(root, path, O_PATH);
    if (fd < 0)
        return bf_fault_errno(fault, errno);
    enum bf_err err = fstat(fd, st) < 0 ? bf_fault_errno(fault, errno) : BF_OK;
    close(fd);
    return err;
}

bool bf_fin_root_exists(const struct bf_fin_root *root, const char *path)
{
    struct stat st;
    return !bf_fin_root_stat(root, path, &st, NULL);
}

bool bf_fin_root_any(const struct bf_fin_root *root, const char *const *path)
{
    for (; *path; path++)
        if (bf_fin_root_exists(root, *path))
            return true;
    return false;
}

bool bf_fin_root_is_dir(const struct bf_fin_root *root, const char *path)
{
    struct stat st;
    return !bf_fin_root_stat(root, path, &st, NULL) && S_ISDIR(st.st_mode);
}

char *bf_fin_root_readlink(const struct bf_fin_root *root, const char *path)
{
    int fd = open_in(root, path, O_PATH | O_NOFOLLOW);
    if (fd < 0)
        return NULL;
    char buf[PATH_MAX];
    ssize_t n = readlinkat(fd, "", buf, sizeof buf - 1);
    close(fd);
    if (n < 0)
        return NULL;
    buf[n] = 0;
    return strdup(buf);
}

// The host's name of an open descriptor.
static bool fd_name(int fd, char out[PATH_MAX])
{
    char proc[64];
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(proc, out, PATH_MAX - 1);
    if (n <= 0)
        return false;
    out[n] = 0;
    return out[0] == '/';
}

static char *copy_path(const char *path, struct bf_fault *fault)
{
    char *copy = strdup(path);
    return copy ? copy : nothing(fault, ENOMEM);
}

static char *real_of_fd(const struct bf_fin_root *root, int fd, struct bf_fault *fault)
{
    char base[PATH_MAX], name[PATH_MAX];
    if (!fd_name(root->fd, base) || !fd_name(fd, name))
        return nothing(fault, EIO);
    size_t n = strcmp(base, "/") == 0 ? 0 : strlen(base);
    if (strncmp(name, base, n) != 0 || (name[n] != '/' && name[n] != 0))
        return nothing(fault, EXDEV);
    return copy_path(name[n] ? name + n : "/", fault);
}

// A link whose target is missing: the target's own path decides, not the link's.
static char *real_of_missing(const struct bf_fin_root *root, const char *path, int depth,
                             struct bf_fault *fault)
{
    if (depth > 8)
        return nothing(fault, ELOOP);
    const char *slash = strrchr(path, '/');
    if (!slash || !slash[1] || strcmp(slash + 1, "..") == 0 || strcmp(slash + 1, ".") == 0)
        return nothing(fault, EINVAL);
    char dir[PATH_MAX];
    snprintf(dir, sizeof dir, "%.*s", (int)(slash == path ? 1 : slash - path), path);
    char *target = bf_fin_root_readlink(root, path);
    char next[2 * PATH_MAX];
    if (target) {
        snprintf(next, sizeof next, "%s%s%s", target[0] == '/' ? "" : dir,
                 target[0] == '/' ? "" : "/", target);
        free(target);
        return strlen(next) < PATH_MAX ? real_of_missing(root, next, depth + 1, fault)
                                       : nothing(fault, ENAMETOOLONG);
    }
    char *parent = bf_fin_root_real(root, dir, fault);
    if (!parent)
        return NULL;
    BF_ASSERT(parent[0] == '/' && !strchr(slash + 1, '/'));
    int n = snprintf(next, sizeof next, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, slash + 1);
    free(parent);
    return n < PATH_MAX ? copy_path(next, fault) : nothing(fault, ENAMETOOLONG);
}

char *bf_fin_root_real(const struct bf_fin_root *root, const char *path, struct bf_fault *fault)
{
    if (strlen(path) >= PATH_MAX)
        return nothing(fault, ENAMETOOLONG);
    if (bf_budget_take(root->budget, path, BF_BUDGET_PATH))
        return nothing(fault, E2BIG);
    int fd = open_in(root, path, O_PATH);
    if (fd < 0)
        return errno == ENOENT ? real_of_missing(root, path, 0, fault) : nothing(fault, errno);
    char *real = real_of_fd(root, fd, fault);
    close(fd);
    BF_ASSERT(!real || real[0] == '/');
    return real;
}

int bf_by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool has_suffix(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && strcmp(s + n - m, suffix) == 0;
}

static enum bf_err take_names(const struct bf_fin_root *root, DIR *d, const char *dir,
                              const char *suffix, struct bf_names *out)
{
    struct dirent *e;
    while ((e = readdir(d))) {
        if (bf_budget_take(root->budget, dir, BF_BUDGET_NAME))
            return BF_ERR_LIMIT;
        if (e->d_name[0] == '.' || !has_suffix(e->d_name, suffix))
            continue;
        if (out->count == NAMES_MAX) {
            bf_budget_exceed(root->budget, dir, "has more than 4096 files");
            return BF_ERR_LIMIT;
        }
        BF_ASSERT(out->count < NAMES_MAX);
        out->name[out->count] = strdup(e->d_name);
        if (!out->name[out->count])
            return BF_ERR_NO_MEMORY;
        out->count++;
    }
    return BF_OK;
}

enum bf_err bf_fin_root_list(const struct bf_fin_root *root, const char *dir, const char *suffix,
                             struct bf_names *out)
{
    *out = (struct bf_names){0};
    if (bf_budget_take(root->budget, dir, BF_BUDGET_PATH))
        return BF_ERR_LIMIT;
    int fd = open_noatime(root, dir, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? BF_OK : bf_fault_errno(NULL, errno);
    DIR *d = fdopendir(fd);
    if (!d) {
        close(fd);
        return BF_ERR_NO_MEMORY;
    }
    out->name = calloc(NAMES_MAX, sizeof *out->name);
    enum bf_err err = out->name ? take_names(root, d, dir, suffix, out) : BF_ERR_NO_MEMORY;
    closedir(d);
    if (err) {
        bf_names_free(out);
        return err;
    }
    BF_ASSERT(out->name && out->count <= NAMES_MAX);
    qsort(out->name, out->count, sizeof *out->name, bf_by_bytes);
    return BF_OK;
}

void bf_names_free(struct bf_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->name[i]);
    free(names->name);
    *names = (struct bf_names){0};
}
