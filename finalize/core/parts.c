// SPDX-License-Identifier: Apache-2.0
// The parts of an entry, freed and read; what makes them is in edit_parts.c.
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "finalize/core/edit_set.h"

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
    BF_ASSERT(edit->parts && offset <= bf_parts_size(edit->part, edit->parts));
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
