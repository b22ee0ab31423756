// SPDX-License-Identifier: Apache-2.0
// Lines over a Unix socket with a deadline: what QMP and the guest agent are spoken in. The socket
// never waits by itself, poll(2) does. The other side is hostile: a line has a most length.
#ifndef BF_REPLICA_QEMU_LINES_H
#define BF_REPLICA_QEMU_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct bf_lines {
    int fd;            // -1: not connected
    uint64_t until_us; // when everything that is waited for has to be there
    size_t most;       // bytes of a line with its end
    char *buffer;
    size_t filled, size;
    size_t seen;  // bytes of it that hold no end of a line
    size_t given; // bytes of the line that was given out last
};

// Over a connection that is there and is taken over, or -1.
void bf_lines_begin(struct bf_lines *l, int fd, size_t most);
void bf_lines_end(struct bf_lines *l);
// What follows has this many milliseconds, all together.
void bf_lines_within(struct bf_lines *l, uint32_t ms);

// Connects to the socket `name` in the folder `dir` (a descriptor), however long its path.
// BF_ERR_NOT_FOUND: nobody listens there; BF_ERR_TIMEOUT: it is busy with another client.
enum bf_err bf_lines_reach(struct bf_lines *l, int dir, const char *name);
// BF_ERR_TIMEOUT, BF_ERR_CLOSED, BF_ERR_IO.
enum bf_err bf_lines_send(struct bf_lines *l, const char *text, size_t len);
// The next line without its end, valid until the next call. The same, BF_ERR_LIMIT (it is too
// long), BF_ERR_NO_MEMORY.
enum bf_err bf_lines_next(struct bf_lines *l, const char **line, size_t *len);

#endif
