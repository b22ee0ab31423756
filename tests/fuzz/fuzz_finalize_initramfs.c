// SPDX-License-Identifier: Apache-2.0
// Recognising an initramfs of any bytes: our own part never begins beyond its end.
#include <stdint.h>
#include <stdlib.h>

#include "finalize/archive/archive.h"
#include "tests/finalize_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_archive_info info;
    struct bf_edits edits;
    if (tree_root.fd < 0)
        tree_make();
    tree_put("image", data, size);
    bf_edits_init(&edits, &tree_root);
    if (!bf_archive_look(&edits, "/image", &info, NULL) &&
        (info.own > info.size || info.size != size))
        abort();
    return 0;
}
