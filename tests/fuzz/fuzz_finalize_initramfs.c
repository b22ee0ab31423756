// SPDX-License-Identifier: Apache-2.0
// Recognising an initramfs of any bytes: our own part never begins beyond its end.
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "finalize/initramfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bf_fin_root root = {.fd = -1};
static char dir[] = "/tmp/bootferry-fuzz.XXXXXX";

static void clean(void)
{
    unlinkat(root.fd, "image", 0);
    rmdir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_initramfs info;
    if (root.fd < 0) {
        if (!mkdtemp(dir) || bf_fin_root_attach(&root, dir) < 0)
            abort();
        atexit(clean);
    }
    int fd = openat(root.fd, "image", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
    if (bf_initramfs_read(&root, "/image", &info) == 0 &&
        (info.own > info.size || info.size != size))
        abort();
    return 0;
}
