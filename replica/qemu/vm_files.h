// SPDX-License-Identifier: Apache-2.0
// Where the finalizer's small VM lies: beside the program (build/), or where `make install` puts
// it.
#ifndef BF_REPLICA_QEMU_VM_FILES_H
#define BF_REPLICA_QEMU_VM_FILES_H

#include <limits.h>

#include "base/err.h"

struct bf_vm_files {
    char kernel[PATH_MAX], initramfs[PATH_MAX];
};

// given: its folder; NULL: the usual places. BF_ERR_NOT_FOUND.
enum bf_err bf_vm_files_find(const char *given, struct bf_vm_files *files, struct bf_fault *fault);

#endif
