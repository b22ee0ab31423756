// SPDX-License-Identifier: Apache-2.0
// Folders for tests of the store.
#include "tests/unit/store_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "replica/qemu/process.h"

static void run(const char *const *argv)
{
    char said[160];

    if (bf_process_run(argv, -1, NULL, NULL, said, sizeof said) != BF_OK) {
        printf("# %s failed: %s\n", argv[0], said);
        exit(EXIT_FAILURE);
    }
}

void store_files_make(struct store_files *files)
{
    const char *parent = getenv("TMPDIR");

    snprintf(files->folder, sizeof files->folder, "%s/bootferry-store-XXXXXX",
             parent ? parent : "/tmp");
    if (!mkdtemp(files->folder)) {
        perror(files->folder);
        exit(EXIT_FAILURE);
    }
    snprintf(files->state, sizeof files->state, "%s/state", files->folder);
}

void store_files_remove(const struct store_files *files)
{
    const char *argv[] = {"rm", "-rf", "--", files->folder, NULL};

    run(argv);
}

void store_files_copy(const char *from, const char *to)
{
    const char *argv[] = {"cp", "-a", "--sparse=always", "--", from, to, NULL};

    run(argv);
}

int store_files_mount(const char *folder, const char *options)
{
    return mount("tmpfs", folder, "tmpfs", 0, options) == 0;
}

int store_files_remount(const char *folder, const char *options)
{
    return mount("tmpfs", folder, "tmpfs", MS_REMOUNT, options) == 0;
}

void store_files_unmount(const char *folder)
{
    umount2(folder, MNT_DETACH);
}
