// SPDX-License-Identifier: Apache-2.0
// Whole files in and out, see file.h. Everything new is created under a temporary name in the
// folder of its target with mode 0600, flushed, and renamed.
#include "replica/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fmt.h"
#include "replica/reason.h"

static enum bf_err file_fault(struct bf_fault *fault, const char *doing, const char *path, int code)
{
    return bf_fault_set(fault, bf_reason_errno(code), BF_SIDE_SERVER,
                        code == ENOSPC || code == EDQUOT
                            ? "make room in this file system and start again"
                            : "check the path, the rights and the space on this file system",
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

enum bf_err bf_file_begin(struct bf_file_new *f, const char *target, struct bf_fault *fault)
{
    struct stat st;
    f->fd = -1;
    f->path[0] = 0;
    if (stat(target, &st) == 0 && !S_ISREG(st.st_mode))
        return bf_fault_set(fault, BF_ERR_EXISTS, BF_SIDE_CONFIG,
                            "write to a file, and copy that to a device with dd",
                            "%s exists and is not a regular file", target);
    if (strlen(target) >= sizeof f->target ||
        (size_t)bf_snprintf(f->path, sizeof f->path, "%s.XXXXXX", target) >= sizeof f->path)
        return file_fault(fault, "create", target, ENAMETOOLONG);
    memcpy(f->target, target, strlen(target) + 1);
    f->fd = mkostemp(f->path, O_CLOEXEC);
    if (f->fd < 0) {
        f->path[0] = 0;
        return file_fault(fault, "create", target, errno);
    }
    return BF_OK;
}

void bf_file_abandon(struct bf_file_new *f)
{
    if (f->fd >= 0)
        close(f->fd);
    if (f->path[0])
        unlink(f->path);
    f->fd = -1;
    f->path[0] = 0;
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

static enum bf_err sync_parent(const char *path)
{
    char folder[4096];
    bf_snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        return bf_dir_sync(".");
    if (slash == folder)
        slash++;
    *slash = 0;
    return bf_dir_sync(folder);
}

enum bf_err bf_file_commit(struct bf_file_new *f, mode_t mode, struct bf_fault *fault)
{
    enum bf_err err = BF_OK;
    // Another program may have replaced the file under its name: sync what is there now.
    int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fchmod(fd, mode) < 0 || fsync(fd) < 0 || rename(f->path, f->target) < 0)
        err = file_fault(fault, "write", f->target, errno);
    else
        f->path[0] = 0;
    if (fd >= 0)
        close(fd);
    if (!err && sync_parent(f->target))
        err = file_fault(fault, "flush the folder of", f->target, EIO);
    bf_file_abandon(f);
    return err;
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
    struct bf_file_new f;
    enum bf_err err = bf_file_begin(&f, target, fault);
    if (err)
        return err;
    if (bf_file_write_all(f.fd, bytes, len)) {
        err = file_fault(fault, "write", target, errno);
        bf_file_abandon(&f);
        return err;
    }
    return bf_file_commit(&f, mode, fault);
}

enum bf_err bf_tempdir_make(char *out, size_t size, struct bf_fault *fault)
{
    const char *base = getenv("TMPDIR");
    if (!base || !base[0])
        base = "/tmp";
    if ((size_t)bf_snprintf(out, size, "%s/bootferry.XXXXXX", base) >= size)
        return file_fault(fault, "create a folder in", base, ENAMETOOLONG);
    if (!mkdtemp(out))
        return file_fault(fault, "create a folder in", base, errno);
    return BF_OK;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    remove(path);
    return 0;
}

void bf_tempdir_remove(const char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
