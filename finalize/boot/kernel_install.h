// SPDX-License-Identifier: Apache-2.0
// What kernel-install(8), ukify and Red Hat's and SUSE's scripts make the command lines of new
// kernels from.
#ifndef BF_FINALIZE_BOOT_KERNEL_INSTALL_H
#define BF_FINALIZE_BOOT_KERNEL_INSTALL_H

#include "finalize/system/fin.h"

// Rewrites them. Fails after bf_refuse() or bf_fail().
enum bf_err bf_kernel_install(struct bf_fin *f);

#endif
