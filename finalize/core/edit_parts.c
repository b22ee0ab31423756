// SPDX-License-Identifier: Apache-2.0
// Files that are put together of parts; see edit.h and part.h.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "finalize/core/edit_set.h"
#include "finalize/core/fault.h"

static void *copy_bytes(const void *data, size_t len)
{
    BF_ASSERT(data);
    void *copy = malloc(len + 1);
    return copy ? memcpy(copy, data, len) : NULL;
}

// The bytes become the set's own.
static struct bf_part *copy_parts(const struct bf_part *part, size_t parts)
{
    struct bf_part *copy = calloc(parts, sizeof *copy);
    BF_ASSERT(parts > 0);
    for (size_t i = 0; copy && i < parts; i++) {
        copy[i] = part[i];
        if (part[i].data && !(copy[i].data = copy_bytes(part[i].data, (size_t)part[i].len))) {
            bf_parts_free(copy, i);
            return NULL;
        }
    }
    return copy;
}

static bool parts_fit(const struct bf_edit *edit, const struct bf_part *part, size_t parts)
{
    for (size_t i = 0; i < parts; i++)
        if (part[i].len > BF_PARTS_SIZE_MAX ||
            (!part[i].data &&
             (part[i].from > edit->old_size || part[i].len > edit->old_size - part[i].from)))
            return false;
    return parts > 0;
}

enum bf_err bf_edits_parts(struct bf_edits *e, const char *path, const struct bf_part *part,
                           size_t parts, const char *why, struct bf_fault *fault)
{
    struct bf_edit *edit = bf_edits_entry(e, path, 0, true, fault);
    if (!edit || bf_edits_may_change(e, edit, fault))
        return fault->code;
    if (!edit->tail || edit->data || !parts_fit(edit, part, parts))
        return bf_fault_errno(fault, EINVAL);
    if (bf_parts_size(part, parts) > BF_PARTS_SIZE_MAX)
        return bf_fault_errno(fault, EFBIG);
    bf_parts_free(edit->part, edit->parts);
    edit->part = NULL;
    edit->parts = 0;
    if (parts == 1 && !part[0].data && part[0].from == 0 && part[0].len == edit->old_size)
        return BF_OK;
    edit->part = copy_parts(part, parts);
    if (!edit->part)
        return bf_edits_no_memory(e, fault);
    edit->parts = parts;
    BF_ASSERT(edit->existed && bf_edit_kind(edit) == BF_EDIT_PARTS);
    return bf_edits_reason(e, edit, why, fault);
}
