// SPDX-License-Identifier: Apache-2.0
// Whole files in and out, see file.h. Everything new is created in the folder of its target with
// mode 0600, flushed, and renamed. It has no name until it is whole (O_TMPFILE), so that nothing is
// left of a secret when its writer is killed, where the file system can do that.
#include "replica/state/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "replica/state/reason.h"

enum { NAME_ATTEMPTS = 16 };
#define TEMPDIR "bootferry."

static enum bf_err file_fault(struct bf_fault *fault, const char *doing, const char *path, int code)
{
    return bf_fault_set(fault, bf_reason_errno(code), BF_SIDE_SERVER,
                        code == ENOSPC || code == EDQUOT
                            ? "make room in this file system and start again"
                            : "check the path, the permissions and the space on this file system",
                        "cannot %s %s: %s", doing, path, strerror(code));
}

static enum bf_err read_fd(int fd, size_t size, uint8_t *out, size_t *len)
{
    *len = 0;
    while (*len < size) {
        ssize_t got = read(fd, out + *len, size - *len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return BF_ERR_IO;
        if (got == 0)
            break;
        *len += (size_t)got;
    }
    out[*len] = 0;
    return BF_OK;
}

enum bf_err bf_file_read(const char *path, size_t max, uint8_t **out, size_t *len,
                         struct bf_fault *fault)
{
    struct stat st;
    enum bf_err err = BF_OK;
    uint8_t *bytes = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return file_fault(fault, "open", path, errno);
    if (fstat(fd, &st) < 0)
        err = file_fault(fault, "look at", path, errno);
    else if (!S_ISREG(st.st_mode))
        err = bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "name a regular file",
                           "%s is not a regular file", path);
    else if ((uint64_t)st.st_size > max)
        err = bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_CONFIG, "check that it is the right file",
                           "%s is larger than %zu bytes", path, max);
    else if (!(bytes = malloc((size_t)st.st_size + 1)))
        err = bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                           "no memory to read %s", path);
    else if (read_fd(fd, (size_t)st.st_size, bytes, len))
        err = file_fault(fault, "read", path, errno);
    close(fd);
    if (err)
        free(bytes);
    else
        *out = bytes;
    return err;
}

struct new_file {
    char folder[4096];
    char path[4096]; // its temporary name, "" for none
    int fd;
};

static void folder_of(const char *path, char folder[4096])
{
    BF_ASSERT(strlen(path) < 4096); // a path that is cut is another one
    bf_snprintf(folder, 4096, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        bf_snprintf(folder, 4096, ".");
    else
        slash[slash == folder] = 0;
}

// Refuses a target that exists and is not a regular file, since a rename would replace a device
// node instead of writing to it.
static enum bf_err begin(struct new_file *f, const char *target, struct bf_fault *fault)
{
    struct stat st;
    f->fd = -1;
    f->path[0] = 0;
    if (stat(target, &st) == 0 && !S_ISREG(st.st_mode))
        return bf_fault_set(fault, BF_ERR_EXISTS, BF_SIDE_CONFIG,
                            "write to a file, and copy that to a device with dd",
                            "%s exists and is not a regular file", target);
    if (strlen(target) + 8 >= sizeof f->path)
        return file_fault(fault, "create", target, ENAMETOOLONG);
    folder_of(target, f->folder);
    f->fd = open(f->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (f->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        bf_snprintf(f->path, sizeof f->path, "%s.XXXXXX", target);
        f->fd = mkostemp(f->path, O_CLOEXEC);
        if (f->fd < 0)
            f->path[0] = 0; // not made by us
    }
    return f->fd < 0 ? file_fault(fault, "create", target, errno) : BF_OK;
}

static void abandon(struct new_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    if (f->path[0])
        unlink(f->path);
    f->fd = -1;
    f->path[0] = 0;
}

// A whole file without a name gets one that nobody has, for the rename that follows.
static int name_it(struct new_file *f, const char *target)
{
    char link[32];
    uint32_t number;

    BF_ASSERT(f->fd >= 0);
    bf_snprintf(link, sizeof link, "/proc/self/fd/%d", f->fd);
    for (int i = 0; !f->path[0] && i < NAME_ATTEMPTS; i++) {
        if (getrandom(&number, sizeof number, 0) != sizeof number)
            return -1;
        bf_snprintf(f->path, sizeof f->path, "%s.%06x", target, (unsigned)(number & 0xffffff));
        if (linkat(AT_FDCWD, link, AT_FDCWD, f->path, AT_SYMLINK_FOLLOW) != 0)
            f->path[0] = 0; // somebody else's
    }
    return f->path[0] ? 0 : -1;
}

enum bf_err bf_dir_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return bf_reason_errno(errno);
    int failed = fsync(fd) < 0;
    close(fd);
    return failed ? BF_ERR_IO : BF_OK;
}

// Gives the file its mode, flushes it and its folder, and puts it in place.
static enum bf_err commit(struct new_file *f, const char *target, mode_t mode,
                          struct bf_fault *fault)
{
    if (fchmod(f->fd, mode) < 0 || fsync(f->fd) < 0 || name_it(f, target) < 0 ||
        rename(f->path, target) < 0)
        return file_fault(fault, "write", target, errno);
    f->path[0] = 0;
    if (bf_dir_sync(f->folder))
        return file_fault(fault, "flush the folder of", target, EIO);
    return BF_OK;
}

enum bf_err bf_file_write_all(int fd, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len > 0) {
        ssize_t put = write(fd, at, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return bf_reason_errno(errno);
        at += put;
        len -= (size_t)put;
    }
    return BF_OK;
}

enum bf_err bf_file_replace(const char *target, const void *bytes, size_t len, mode_t mode,
                            struct bf_fault *fault)
{
    struct new_file f;
    enum bf_err err = begin(&f, target, fault);
    if (err)
        return err;
    if (bf_file_write_all(f.fd, bytes, len))
        err = file_fault(fault, "write", target, errno);
    else
        err = commit(&f, target, mode, fault);
    abandon(&f);
    return err;
}

// ---- Temporary folders --------------------------------------------------------------------------

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    remove(path);
    return 0;
}

void bf_folder_remove(const char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

// A folder of ours that nobody holds: its maker was killed.
static void sweep_one(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077) == 0 &&
        flock(fd, LOCK_EX | LOCK_NB) == 0)
        bf_folder_remove(path);
    close(fd);
}

static void sweep(const char *base)
{
    DIR *stream = opendir(base);
    struct dirent *entry;
    char path[4096];

    while (stream && (entry = readdir(stream)))
        if (strncmp(entry->d_name, TEMPDIR, sizeof TEMPDIR - 1) == 0 &&
            strlen(entry->d_name) == sizeof TEMPDIR - 1 + 6 &&
            (size_t)bf_snprintf(path, sizeof path, "%s/%s", base, entry->d_name) < sizeof path)
            sweep_one(path);
    if (stream)
        closedir(stream);
}

// The lock tells a sweeper that it is in use. One that was faster between the two has the lock, and
// removes the folder, or has removed it: another name then.
static int make_locked(struct bf_tempdir *d, const char *base)
{
    struct stat st;

    for (int i = 0; i < NAME_ATTEMPTS; i++) {
        bf_snprintf(d->path, sizeof d->path, "%s/" TEMPDIR "XXXXXX", base);
        if (!mkdtemp(d->path))
            return -1;
        d->lock = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (d->lock >= 0 && flock(d->lock, LOCK_EX | LOCK_NB) == 0 && fstat(d->lock, &st) == 0 &&
            st.st_nlink > 0)
            return 0;
        if (d->lock >= 0)
            close(d->lock);
    }
    errno = EBUSY;
    return -1;
}

enum bf_err bf_tempdir_make(struct bf_tempdir *d, struct bf_fault *fault)
{
    const char *base = getenv("TMPDIR");

    if (!base || !base[0])
        base = "/tmp";
    d->lock = -1;
    if (strlen(base) + sizeof TEMPDIR + 8 >= sizeof d->path)
        return file_fault(fault, "create a folder in", base, ENAMETOOLONG);
    sweep(base);
    return make_locked(d, base) < 0 ? file_fault(fault, "create a folder in", base, errno) : BF_OK;
}

void bf_tempdir_remove(struct bf_tempdir *d)
{
    BF_ASSERT(strstr(d->path, "/" TEMPDIR) && d->lock >= 0); // made by us, and in use until now
    bf_folder_remove(d->path);
    if (d->lock >= 0)
        close(d->lock);
    d->lock = -1;
}
