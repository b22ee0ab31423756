// SPDX-License-Identifier: Apache-2.0
// A source disk over a file or a block device of Linux, opened for reading only.
#ifndef BF_LINUX_FILE_DISK_H
#define BF_LINUX_FILE_DISK_H

#include <stdint.h>

#include "base/err.h"
#include "image/block.h"

struct bf_file_readers; // linux/file_readers.h

struct bf_file_disk {
    struct bf_source_disk source;
    int fd;
    int holes;                       // the file system tells where they are
    struct bf_file_readers *readers; // NULL: submit reads, and blocks
};

// block_size 0: the device's own, BF_BLOCK_MIN for a file. A block device that is mounted or held
// by somebody else is refused unless in_use: what changes while it is read is not a point in time.
// Holes of a file are not read: they are zeros.
// Errors with a fault: BF_ERR_NOT_FOUND, BF_ERR_BUSY, BF_ERR_CONFIG (size or block size),
// BF_ERR_IO.
enum bf_err bf_file_disk_open(struct bf_file_disk *disk, const char *path, uint32_t block_size,
                              int in_use, struct bf_fault *fault);

#endif
