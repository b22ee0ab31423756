// SPDX-License-Identifier: Apache-2.0
// Reading an initramfs of any bytes, as a whole and by a look alone: entries stay inside what they
// are said to have, both see the same beginning, and nothing beyond the limits is taken.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/archive/archive.h"
#include "tests/finalize_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t bytes;
    size_t part;
    unsigned sum;
};

static bool visit(void *arg, const struct bf_archive_entry *entry)
{
    struct seen *s = arg;
    const char *data = entry->data;
    if (!entry->name[0] || entry->name[0] == '/' || entry->part < s->part)
        abort();
    s->part = entry->part;
    for (uint64_t i = 0; data && i <= entry->size; i++)
        s->sum += (unsigned char)data[i];
    if (data && data[entry->size])
        abort();
    s->bytes += entry->size;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_budget budget = {0};
    struct bf_archive_info info, look;
    struct bf_edits edits;
    struct bf_text text = {0};
    struct seen seen = {0};
    if (tree_root.fd < 0)
        tree_make();
    bf_budget_begin(&budget, "fuzz");
    tree_root.budget = &budget;
    tree_put("image", data, size);
    bf_edits_init(&edits, &tree_root);
    enum bf_err err = bf_archive_read(&edits, "/image", visit, &seen, &info, NULL);
    if (!err && (info.parts <= seen.part || info.own > info.size || info.size != size))
        abort();
    if (!bf_archive_look(&edits, "/image", &look, NULL) && look.own != info.own)
        abort();
    if (!err && !info.trouble[0] && info.parts == 1 && look.parts != 1)
        abort();
    bf_archive_unpack(data, size, 1 << 20, &text);
    if (text.len > 1 << 20)
        abort();
    bf_text_free(&text);
    tree_root.budget = NULL;
    return 0;
}
