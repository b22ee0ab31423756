// SPDX-License-Identifier: Apache-2.0
// See memory_file.h. The kernel frees the memory with the last descriptor, whatever ended the
// process; overwriting it first keeps it out of whatever is made of that memory next.
#include "replica/media/memory_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fmt.h"
#include "replica/state/file.h"

static enum bf_err memory_fault(struct bf_fault *fault)
{
    return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                        "no memory for a file in memory: %s", strerror(errno));
}

enum bf_err bf_memory_file_make(struct bf_memory_file *f, const void *bytes, size_t len,
                                struct bf_fault *fault)
{
    f->fd = memfd_create("bootferry", MFD_CLOEXEC);
    if (f->fd < 0)
        return memory_fault(fault);
    bf_snprintf(f->path, sizeof f->path, "/proc/self/fd/%d", f->fd);
    if (fchmod(f->fd, 0600) == 0 && bf_file_write_all(f->fd, bytes, len) == BF_OK)
        return BF_OK;
    memory_fault(fault);
    bf_memory_file_close(f);
    return fault->code;
}

enum bf_err bf_memory_file_read(const struct bf_memory_file *f, size_t max, uint8_t **out,
                                size_t *len, struct bf_fault *fault)
{
    return bf_file_read(f->path, max, out, len, fault);
}

void bf_memory_file_close(struct bf_memory_file *f)
{
    static const uint8_t zero[65536];
    struct stat st;

    if (f->fd < 0)
        return;
    if (fstat(f->fd, &st) == 0)
        for (off_t at = 0; at < st.st_size; at += (off_t)sizeof zero) {
            size_t n =
                st.st_size - at < (off_t)sizeof zero ? (size_t)(st.st_size - at) : sizeof zero;
            if (pwrite(f->fd, zero, n, at) < 0)
                break;
        }
    close(f->fd);
    f->fd = -1;
}
