// SPDX-License-Identifier: Apache-2.0
// QEMU's fw_cfg device: files that whoever starts a virtual machine hands to what runs in it.
#ifndef BF_BOOT_FWCFG_H
#define BF_BOOT_FWCFG_H

#include <stddef.h>

#include "base/err.h"

enum { BF_FWCFG_NAME_MAX = 56 };

// Calls use for every file whose name begins with prefix, in the order of names, until it returns
// an error, which is passed on. name is what follows the prefix; value is terminated and at most
// max bytes long; a longer file is BF_ERR_LIMIT. BF_ERR_NOT_FOUND: there is no such device, which
// is asked for only when the processor shows a hypervisor's signature.
enum bf_err bf_fwcfg_files(const char *prefix, size_t max,
                           enum bf_err (*use)(void *user, const char *name, const char *value),
                           void *user);

#endif
