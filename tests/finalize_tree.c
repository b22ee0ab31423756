// SPDX-License-Identifier: Apache-2.0
#include "tests/finalize_tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct bf_fin_root tree_root = {.fd = -1};
static char dir[] = "/tmp/bootferry-fuzz.XXXXXX";

static void clean(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command) != 0)
        fputs("the fuzzer's folder stays\n", stderr);
}

void tree_make(void)
{
    if (!mkdtemp(dir) || bf_fin_root_attach(&tree_root, dir, NULL))
        abort();
    atexit(clean);
}

void tree_put(const char *path, const void *data, size_t size)
{
    char part[128];
    for (const char *c = path; (c = strchr(c, '/')); c++) {
        snprintf(part, sizeof part, "%.*s", (int)(c - path), path);
        mkdirat(tree_root.fd, part, 0700);
    }
    int fd = openat(tree_root.fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
}
