// SPDX-License-Identifier: Apache-2.0
// Files in memory (memfd_create(2)) for what must not reach a disk: a medium with a machine's key,
// until it is whole. Programs get them as descriptors and a path that leads to those.
#ifndef BF_REPLICA_MEDIA_MEMORY_FILE_H
#define BF_REPLICA_MEDIA_MEMORY_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct bf_memory_file {
    int fd; // -1: none
    char path[32];
};
#define BF_MEMORY_FILE_NONE                                                                        \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

// A new one with these bytes; len may be 0.
enum bf_err bf_memory_file_make(struct bf_memory_file *f, const void *bytes, size_t len,
                                struct bf_fault *fault);

// All of it, at most max bytes; the caller wipes and frees it.
enum bf_err bf_memory_file_read(const struct bf_memory_file *f, size_t max, uint8_t **out,
                                size_t *len, struct bf_fault *fault);

// Overwrites what it has and closes it. Also for BF_MEMORY_FILE_NONE.
void bf_memory_file_close(struct bf_memory_file *f);

#endif
