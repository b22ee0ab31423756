// SPDX-License-Identifier: Apache-2.0
// Files and block devices as source disks: pread by several threads, behind the page cache's own
// read-ahead, or by the caller where there are no threads. Identity comes from sysfs where the
// kernel knows it (Documentation/ABI, block).
#include "linux/file_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "linux/file_readers.h"

enum { READ_BYTES = 1048576 };

static enum bf_err file_submit(void *impl, struct bf_block_request *request)
{
    struct bf_file_disk *d = impl;
    BF_ASSERT(d->fd >= 0 && !request->done);
    if (d->readers)
        return bf_file_readers_submit(d->readers, request);
    request->status = bf_file_read_request(d->fd, d->source.geometry.block_size, request);
    request->done = 1;
    return BF_OK;
}

static void file_poll(void *impl)
{
    struct bf_file_disk *d = impl;
    if (d->readers)
        bf_file_readers_poll(d->readers);
}

static void file_close(void *impl)
{
    struct bf_file_disk *d = impl;
    BF_ASSERT(d->fd >= 0); // it is closed once
    // A device that still holds a read keeps its descriptor, too: the number must not be used anew.
    // What is read to is kept likewise, since the thread will write there.
    if (!d->readers || bf_file_readers_end(d->readers))
        close(d->fd);
    else
        for (struct bf_block_request *r = d->source.in_flight; r; r = r->tracked)
            r->kept = 1;
    d->readers = NULL;
    d->fd = -1;
}

// ---- Holes -------------------------------------------------------------------------------------

// OpenZFS calls data a hole for a moment after it was written (its issue 15526, mended in 2.2.2;
// copies of such files had zeros in place of data). Which release it is cannot be seen here.
enum { ZFS_MAGIC = 0x2fc12fc1 };

static int tells_holes(int fd, const struct stat *st)
{
    struct statfs fs;
    return S_ISREG(st->st_mode) && fstatfs(fd, &fs) == 0 && (uint32_t)fs.f_type != ZFS_MAGIC;
}

// A file that has become shorter ends in an error when it is read, and not in zeros.
static int is_complete(const struct bf_file_disk *d)
{
    struct stat st;
    return fstat(d->fd, &st) == 0 && (uint64_t)st.st_size >= bf_source_bytes(&d->source);
}

// lseek(2): where the kernel or the file system knows of no holes all is data, or EINVAL. Reading
// threads are not disturbed, since pread has its own position. A block that is partly a hole is
// data.
static int file_zeros(void *impl, uint64_t block, uint64_t *blocks)
{
    struct bf_file_disk *d = impl;
    uint32_t size = d->source.geometry.block_size;
    uint64_t bytes = bf_source_bytes(&d->source), at = block * size, end;
    off_t found = d->holes ? lseek(d->fd, (off_t)at, SEEK_DATA) : (off_t)at;
    BF_ASSERT(d->fd >= 0 && at < bytes);
    if (found < 0 && errno == ENXIO && is_complete(d))
        found = (off_t)bytes; // no data up to the end
    if (found < 0 || !d->holes) {
        d->holes = 0;
        return 0;
    }
    end = (uint64_t)found < bytes ? (uint64_t)found : bytes;
    BF_ASSERT(end >= at);
    if (end - at >= size) {
        *blocks = (end - at) / size;
        BF_ASSERT(block + *blocks <= d->source.geometry.blocks);
        return 1;
    }
    found = lseek(d->fd, found, SEEK_HOLE);
    if (found > (off_t)at)
        *blocks = ((uint64_t)found - at + size - 1) / size;
    return 0;
}

static const struct bf_block_ops ops = {"file", file_submit, file_poll, file_close, file_zeros};

// One line of sysfs, trimmed, printable; empty when there is none.
static void read_attribute(const struct stat *st, const char *name, char *out, size_t size)
{
    char path[PATH_MAX];
    size_t len = 0, from = 0;
    FILE *f;
    snprintf(path, sizeof path, "/sys/dev/block/%u:%u/%s", major(st->st_rdev), minor(st->st_rdev),
             name);
    out[0] = 0;
    f = fopen(path, "re");
    if (!f)
        return;
    if (fgets(out, (int)size, f))
        len = strlen(out);
    fclose(f);
    while (len > 0 && (unsigned char)out[len - 1] <= ' ')
        out[--len] = 0;
    while (out[from] == ' ')
        from++;
    memmove(out, out + from, len - from + 1);
    for (char *c = out; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

static void identify(struct bf_disk_identity *id, const char *path, const struct stat *st)
{
    char real[PATH_MAX];
    bf_snprintf(id->path, sizeof id->path, "%s", realpath(path, real) ? real : path);
    for (char *c = id->path; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    if (!S_ISBLK(st->st_mode))
        return;
    read_attribute(st, "serial", id->serial, sizeof id->serial); // virtio, NVMe namespaces
    if (!id->serial[0])
        read_attribute(st, "device/serial", id->serial, sizeof id->serial);
    read_attribute(st, "device/model", id->model, sizeof id->model);
    read_attribute(st, "wwid", id->wwn, sizeof id->wwn);
    if (!id->wwn[0])
        read_attribute(st, "device/wwid", id->wwn, sizeof id->wwn);
    // Names made up from model and serial say nothing that those do not.
    if (strncmp(id->wwn, "naa.", 4) != 0 && strncmp(id->wwn, "eui.", 4) != 0)
        id->wwn[0] = 0;
}

static enum bf_err measure(struct bf_file_disk *d, const struct stat *st, uint32_t block_size,
                           uint64_t *bytes, uint32_t *block)
{
    int sector = 0;
    *block = block_size ? block_size : BF_BLOCK_MIN;
    *bytes = (uint64_t)st->st_size;
    if (!S_ISBLK(st->st_mode))
        return S_ISREG(st->st_mode) ? BF_OK : BF_ERR_CONFIG;
    if (ioctl(d->fd, BLKGETSIZE64, bytes) || ioctl(d->fd, BLKSSZGET, &sector))
        return BF_ERR_IO;
    *block = (uint32_t)sector;
    return block_size && block_size != *block ? BF_ERR_CONFIG : BF_OK;
}

static enum bf_err open_failed(const char *path, struct bf_fault *fault)
{
    if (errno == EBUSY)
        return bf_fault_set(fault, BF_ERR_BUSY, BF_SIDE_SOURCE,
                            "unmount it and stop what uses it, or give --in-use", "%s is in use",
                            path);
    if (errno == ENOENT)
        return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_CONFIG, "check the path",
                            "%s does not exist", path);
    return bf_fault_set(fault, errno == EACCES ? BF_ERR_DENIED : BF_ERR_IO, BF_SIDE_SOURCE,
                        "check the path and the permissions", "%s cannot be opened: %s", path,
                        strerror(errno));
}

enum bf_err bf_file_disk_open(struct bf_file_disk *disk, const char *path, uint32_t block_size,
                              int in_use, struct bf_fault *fault)
{
    struct bf_block_geometry *g = &disk->source.geometry;
    uint64_t bytes = 0;
    uint32_t block = 0;
    struct stat st;
    enum bf_err err;
    memset(disk, 0, sizeof *disk);
    // On a block device O_EXCL without O_CREAT asks for a device that nobody holds (open(2)).
    int exclusive = !in_use && stat(path, &st) == 0 && S_ISBLK(st.st_mode) ? O_EXCL : 0;
    disk->fd = open(path, O_RDONLY | O_CLOEXEC | exclusive);
    if (disk->fd < 0)
        return open_failed(path, fault);
    err = fstat(disk->fd, &st) ? BF_ERR_IO : measure(disk, &st, block_size, &bytes, &block);
    *g = (struct bf_block_geometry){.block_size = block,
                                    .blocks = block ? bytes / block : 0,
                                    .alignment = 1,
                                    .max_blocks = block ? READ_BYTES / block : 0,
                                    .preferred_blocks = block ? READ_BYTES / block : 0,
                                    .depth = 1};
    if (!err && (bf_block_geometry_check(g) || bytes % block))
        err = BF_ERR_CONFIG;
    if (err) {
        close(disk->fd);
        return bf_fault_set(fault, err, BF_SIDE_CONFIG, "give a whole disk, and its block size",
                            "%s is not a disk with blocks of %u bytes", path, block);
    }
    posix_fadvise(disk->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    disk->readers = bf_file_readers_new(disk->fd, block);
    disk->holes = tells_holes(disk->fd, &st);
    g->depth = disk->readers ? BF_FILE_READERS : 1;
    g->blocking = !disk->readers;
    disk->source.ops = &ops;
    disk->source.impl = disk;
    identify(&disk->source.identity, path, &st);
    disk->source.identity.bytes = bytes;
    disk->source.identity.block_size = block;
    return BF_OK;
}
