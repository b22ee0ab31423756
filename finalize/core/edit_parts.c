// SPDX-License-Identifier: Apache-2.0
// Files that are put together of parts; see edit.h and part.h.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/core/edit_set.h"
#include "finalize/core/fault.h"

void bf_parts_free(struct bf_part *part, size_t parts)
{
    for (size_t i = 0; i < parts; i++)
        free((void *)part[i].data);
    free(part);
}

// A read of a file of parts.
enum bf_err bf_parts_read(const struct bf_edits *e, const struct bf_edit *edit, char *buf,
                          size_t len, uint64_t offset, struct bf_fault *fault)
{
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < edit->parts && len && !err; i++) {
        const struct bf_part *p = &edit->part[i];
        if (offset >= p->len) {
            offset -= p->len;
            continue;
        }
        size_t n = p->len - offset < len ? (size_t)(p->len - offset) : len;
        if (p->data)
            memcpy(buf, (const char *)p->data + offset, n);
        else
            err = bf_fin_root_pread(e->root, edit->path, buf, n, (off_t)(p->from + offset), fault);
        buf += n;
        len -= n;
        offset = 0;
    }
    return err;
}

static void *copy_bytes(const void *data, size_t len)
{
    void *copy = malloc(len + 1);
    return copy ? memcpy(copy, data, len) : NULL;
}

// The bytes become the set's own.
static struct bf_part *copy_parts(const struct bf_part *part, size_t parts)
{
    struct bf_part *copy = calloc(parts, sizeof *copy);
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
    return bf_edits_reason(e, edit, why, fault);
}
