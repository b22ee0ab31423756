// SPDX-License-Identifier: Apache-2.0
// Finds the finalizer's VM, see vm_files.h.
#include "replica/qemu/vm_files.h"

#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fmt.h"

enum { FOLDER_MAX = PATH_MAX - 32 };

static int is_there(const char *folder, struct bf_vm_files *files)
{
    bf_snprintf(files->kernel, sizeof files->kernel, "%s/vmlinuz", folder);
    bf_snprintf(files->initramfs, sizeof files->initramfs, "%s/initramfs", folder);
    return access(files->kernel, R_OK) == 0 && access(files->initramfs, R_OK) == 0;
}

enum bf_err bf_vm_files_find(const char *given, struct bf_vm_files *files, struct bf_fault *fault)
{
    static const char *const places[] = {"finalize-vm", "../share/bootferry/finalize-vm"};
    char program[FOLDER_MAX / 2], folder[FOLDER_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash;

    program[len > 0 ? len : 0] = 0;
    slash = strrchr(program, '/');
    if (slash)
        *slash = 0;
    for (size_t i = 0; i < (given ? 1 : BF_COUNT(places)); i++) {
        if (given)
            bf_snprintf(folder, sizeof folder, "%s", given);
        else
            bf_snprintf(folder, sizeof folder, "%s/%s", program, places[i]);
        if (is_there(folder, files))
            return BF_OK;
    }
    return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SERVER,
                        "name its folder with --vm, or install Bootferry completely",
                        "the finalizer's VM (vmlinuz, initramfs) is not in %s", folder);
}
