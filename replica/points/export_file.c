// SPDX-License-Identifier: Apache-2.0
// See export_file.h. A part with a name is ".bootferry-DIGEST-RANDOM": the digest is of the
// target's name, so that any name has room and exports to different names do not meet; the random
// half is from the kernel. Its maker holds a lock (flock) on it as long as it lives, and its
// qemu-img with it.
#include "replica/points/export_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "image/digest.h"
#include "replica/state/reason.h"

enum { TARGET_BYTES = 8, RANDOM_BYTES = 16, PREFIX_LEN = 11 + 2 * TARGET_BYTES + 1 };

static enum bf_err file_fault(struct bf_fault *fault, const char *path)
{
    int number = errno;
    enum bf_err code = bf_reason_errno(number);

    return bf_fault_set(fault, code, code == BF_ERR_NO_SPACE ? BF_SIDE_SERVER : BF_SIDE_CONFIG,
                        code == BF_ERR_NO_SPACE
                            ? "make room in that file system, or name a file in another one"
                        : code == BF_ERR_EXISTS ? "remove it first, or name another file"
                                                : "name a file in a folder that you may write",
                        "%s cannot be written: %s", path, strerror(number));
}

// ---- Names that are no new file's ---------------------------------------------------------------

static const char *kind_of(mode_t mode)
{
    return S_ISBLK(mode)    ? "a block device"
           : S_ISCHR(mode)  ? "a character device"
           : S_ISDIR(mode)  ? "a folder"
           : S_ISFIFO(mode) ? "a FIFO"
           : S_ISSOCK(mode) ? "a socket"
                            : NULL;
}

// What the name is already, where "remove it" is no advice. NULL: a file, a link, or nothing.
static const char *kind_at(const char *path)
{
    struct stat st;

    return fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0 ? kind_of(st.st_mode) : NULL;
}

static enum bf_err taken_fault(struct bf_fault *fault, const char *path, const char *kind)
{
    int folder = strcmp(kind, "a folder") == 0;

    return bf_fault_set(fault, BF_ERR_EXISTS, BF_SIDE_CONFIG,
                        folder ? "name a file in it that does not exist yet"
                               : "name a file that does not exist yet, and copy that to where it "
                                 "belongs",
                        "%s is %s; an export writes a new file only", path, kind);
}

static enum bf_err name_fault(struct bf_fault *fault, const char *path)
{
    int number = errno;
    const char *kind = kind_at(path);

    errno = number;
    if (!*path)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                            "name a file that does not exist yet",
                            "the name of the file to write is empty");
    return kind ? taken_fault(fault, path, kind) : file_fault(fault, path);
}

// ---- The folder ---------------------------------------------------------------------------------

// Which folder it is, is the operator's to say: links on the way to it are followed.
static int open_folder(const char *path, const char *slash)
{
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int dir = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    free(folder);
    return dir;
}

static int is_name(const char *name)
{
    size_t len = strlen(name);

    errno = len == 0 ? EISDIR : ENAMETOOLONG;
    return len > 0 && len < BF_EXPORT_NAME_MAX;
}

static int is_free(const struct bf_export_file *f)
{
    struct stat st;

    if (fstatat(f->dir, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return 0;
    }
    return errno == ENOENT;
}

// ---- A part with a name -------------------------------------------------------------------------

// What all parts of this target begin with.
static void prefix_of(const struct bf_export_file *f, char out[PREFIX_LEN + 1])
{
    struct bf_digest digest;
    char target[2 * TARGET_BYTES + 1];

    bf_digest_of(&digest, f->name, strlen(f->name));
    bf_hex(target, digest.bytes, TARGET_BYTES);
    bf_snprintf(out, PREFIX_LEN + 1, ".bootferry-%s-", target);
    BF_ASSERT(strlen(out) == PREFIX_LEN); // nobody else's files begin with less
}

static int is_part(const char *name, const char prefix[PREFIX_LEN + 1])
{
    return strncmp(name, prefix, PREFIX_LEN) == 0 &&
           strlen(name) == PREFIX_LEN + 2 * RANDOM_BYTES &&
           strspn(name + PREFIX_LEN, "0123456789abcdef") == 2 * RANDOM_BYTES;
}

// Ours, and nobody works on it: a plain file of this user, with this name only, that nobody holds.
static int is_abandoned(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), abandoned;
    struct stat st;

    if (fd < 0)
        return 0;
    abandoned = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
                st.st_nlink == 1 && flock(fd, LOCK_EX | LOCK_NB) == 0;
    close(fd);
    return abandoned;
}

static void sweep(const struct bf_export_file *f)
{
    char prefix[PREFIX_LEN + 1];
    int again = openat(f->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = again >= 0 ? fdopendir(again) : NULL;
    struct dirent *entry;

    BF_ASSERT(f->fd < 0 && !f->part[0]); // one of ours would be among those that are looked at
    if (!stream) {
        if (again >= 0)
            close(again);
        return;
    }
    prefix_of(f, prefix);
    while ((entry = readdir(stream)))
        if (is_part(entry->d_name, prefix) && is_abandoned(f->dir, entry->d_name) &&
            unlinkat(f->dir, entry->d_name, 0) == 0)
            bf_log(BF_LOG_INFO, "removed %s, which a killed export of %s had left behind",
                   entry->d_name, f->name);
    closedir(stream);
}

static enum bf_err make_part(struct bf_export_file *f)
{
    uint8_t bytes[RANDOM_BYTES];
    char prefix[PREFIX_LEN + 1], random[2 * RANDOM_BYTES + 1];

    BF_ASSERT(f->fd < 0 && !f->part[0]);
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return BF_ERR_NO_ENTROPY;
    prefix_of(f, prefix);
    bf_hex(random, bytes, sizeof bytes);
    bf_snprintf(f->part, sizeof f->part, "%s%s", prefix, random);
    f->fd = openat(f->dir, f->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (f->fd < 0)
        f->part[0] = 0; // not made by us
    return f->fd >= 0 && flock(f->fd, LOCK_EX | LOCK_NB) == 0 ? BF_OK : BF_ERR_IO;
}

// ---- Opening ------------------------------------------------------------------------------------

static int has_no_nameless(int number)
{
    return number == EOPNOTSUPP || number == EISDIR || number == ENOENT || number == EINVAL;
}

static enum bf_err make(struct bf_export_file *f)
{
    BF_ASSERT(f->dir >= 0 && f->fd < 0);
    f->fd = openat(f->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (f->fd >= 0)
        return BF_OK;
    return has_no_nameless(errno) ? make_part(f) : BF_ERR_IO;
}

enum bf_err bf_export_file_open(const char *path, struct bf_export_file *f, struct bf_fault *fault)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    enum bf_err err = BF_OK;

    *f = (struct bf_export_file){.dir = -1, .fd = -1};
    if (!is_name(name))
        return name_fault(fault, path);
    memcpy(f->name, name, strlen(name) + 1);
    f->dir = open_folder(path, slash);
    if (f->dir < 0)
        err = file_fault(fault, path);
    else if (!is_free(f))
        err = name_fault(fault, path);
    if (!err) {
        sweep(f);
        if (make(f) != BF_OK)
            err = file_fault(fault, path);
    }
    if (err)
        bf_export_file_abandon(f);
    BF_ASSERT(!err == (f->fd >= 0) && !err == (f->dir >= 0));
    return err;
}

// ---- The end ------------------------------------------------------------------------------------

// A file system without RENAME_NOREPLACE: the name is taken first, by a file that nobody else made.
static int rename_over_own(struct bf_export_file *f)
{
    int taken = openat(f->dir, f->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    BF_ASSERT(f->part[0]);
    if (taken < 0)
        return -1;
    close(taken);
    if (renameat(f->dir, f->part, f->dir, f->name) == 0)
        return 0;
    int number = errno;
    unlinkat(f->dir, f->name, 0);
    errno = number;
    return -1;
}

static int give_name(struct bf_export_file *f)
{
    char link[32];

    if (!f->part[0]) {
        bf_snprintf(link, sizeof link, "/proc/self/fd/%d", f->fd);
        return linkat(AT_FDCWD, link, f->dir, f->name, AT_SYMLINK_FOLLOW);
    }
    if (renameat2(f->dir, f->part, f->dir, f->name, RENAME_NOREPLACE) != 0 &&
        (errno != EINVAL || rename_over_own(f) != 0))
        return -1;
    f->part[0] = 0;
    return 0;
}

enum bf_err bf_export_file_publish(struct bf_export_file *f, const char *path,
                                   struct bf_fault *fault)
{
    enum bf_err err = BF_OK;

    BF_ASSERT(f->fd >= 0 && f->dir >= 0); // it has one end
    if (fsync(f->fd) != 0 || give_name(f) != 0 || fsync(f->dir) != 0)
        err = file_fault(fault, path);
    bf_export_file_abandon(f);
    return err;
}

void bf_export_file_forget(const struct bf_export_file *f)
{
    if (f->part[0])
        unlinkat(f->dir, f->part, 0);
}

void bf_export_file_abandon(struct bf_export_file *f)
{
    BF_ASSERT(f->dir >= 0 || (f->fd < 0 && !f->part[0]));
    if (f->dir < 0)
        return;
    bf_export_file_forget(f);
    f->part[0] = 0;
    if (f->fd >= 0)
        close(f->fd);
    close(f->dir);
    f->fd = f->dir = -1;
}
