// SPDX-License-Identifier: Apache-2.0
// Receiving frames of any bytes from a peer that then goes away: a frame is exactly what its head
// says.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "finalize/vm/frame.h"

#define MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd[2];
    size_t len = 0, used = 0;
    if (size > 32768 || pipe(fd) < 0) // what a pipe takes without a reader
        return 0;
    if (write(fd[1], data, size) != (ssize_t)size)
        abort();
    close(fd[1]);
    for (char *frame; (frame = bf_frame_receive(fd[0], MAX, &len, bf_now_ms() + 1000));
         free(frame)) {
        if (len > MAX || len + 8 > size - used || memcmp(frame, data + used + 8, len) != 0)
            abort();
        used += len + 8;
    }
    close(fd[0]);
    return 0;
}
