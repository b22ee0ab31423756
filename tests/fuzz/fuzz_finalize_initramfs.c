// SPDX-License-Identifier: Apache-2.0
// Recognising an initramfs of any bytes: our own part never begins beyond its end.
#include <stdint.h>
#include <stdlib.h>

#include "finalize/initramfs/initramfs.h"
#include "tests/finalize_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_initramfs info;
    if (tree_root.fd < 0)
        tree_make();
    tree_put("image", data, size);
    if (!bf_initramfs_read(&tree_root, "/image", &info, NULL) &&
        (info.own > info.size || info.size != size))
        abort();
    return 0;
}
