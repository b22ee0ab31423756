// SPDX-License-Identifier: Apache-2.0
// Threads that read a file or block device for a loop that must not wait: several requests are with
// the kernel at once, and each is complete when the loop looks.
#ifndef BF_LINUX_FILE_READERS_H
#define BF_LINUX_FILE_READERS_H

#include <stdint.h>

#include "base/err.h"
#include "image/block.h"

enum { BF_FILE_READERS = 4 };

struct bf_file_readers;

// NULL without threads or memory. The descriptor stays the caller's.
struct bf_file_readers *bf_file_readers_new(int fd, uint32_t block_size);
// BF_AGAIN: as many as there are threads are under way.
enum bf_err bf_file_readers_submit(struct bf_file_readers *f, struct bf_block_request *request);
// Marks what is complete as done. Never waits.
void bf_file_readers_poll(struct bf_file_readers *f);
// Requests that nobody has begun are cancelled. 0: the device has not let go of a read in time; its
// thread keeps the memory and the descriptor.
int bf_file_readers_end(struct bf_file_readers *f);

// One request, by whoever calls. BF_ERR_MEDIA when the device is gone, BF_ERR_IO.
enum bf_err bf_file_read_request(int fd, uint32_t block_size,
                                 const struct bf_block_request *request);

#endif
