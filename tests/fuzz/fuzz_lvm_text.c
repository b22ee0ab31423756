// SPDX-License-Identifier: Apache-2.0
// The parser of LVM2's text: what it calls good is walked as a whole, stays inside, and has as many
// items on every walk; and a walk over everything takes work in proportion to its length.
#include <stdlib.h>

#include "image/usage/lvm/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORK_EACH = 10 * 20 }; // for each byte, at every depth

static void inside(const struct bf_lvm_text *outer, const struct bf_lvm_text *inner)
{
    if (inner->at < outer->at || inner->end > outer->end || inner->at > inner->end)
        abort();
}

static void walk(struct bf_lvm_text text, int depth)
{
    struct bf_lvm_text all = text, from = text;
    struct bf_lvm_item item, same;
    uint64_t number;
    if (depth > 9)
        abort();
    while (bf_lvm_next(&text, &item)) {
        if (text.at <= from.at)
            abort();
        from = text;
        inside(&all, &item.name);
        inside(&all, &item.inside);
        bf_lvm_number(&item, &number);
        if (item.kind == BF_LVM_SECTION)
            walk(item.inside, depth + 1);
        while (item.kind == BF_LVM_ARRAY && bf_lvm_next_element(&item.inside, &same))
            inside(&all, &same.inside);
    }
    bf_lvm_find(all, "id", &same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_work work = {.now.left = UINT64_MAX};
    struct bf_lvm_text text = {(const char *)data, (const char *)data + size, &work};
    if (bf_lvm_check(&text) == BF_OK)
        walk(text, 0);
    if (work.total > WORK_EACH * size)
        abort();
    return 0;
}
