// SPDX-License-Identifier: Apache-2.0
// Level 0 Discovery. See drivers/tcg.h. Fields are big-endian.
#include "drivers/tcg.h"

#include "base/bytes.h"
#include "image/block.h"

enum { HEADER = 48, DESCRIPTOR = 4, LENGTH_BYTES = 4 };
enum { FEATURE_LOCKING = 0x0002 };
enum { LOCKED = 0x04, MBR_ENABLED = 0x10, MBR_DONE = 0x20 };

static uint32_t locking_notes(uint8_t flags)
{
    uint32_t notes = flags & LOCKED ? BF_DISK_LOCKED : 0;
    if ((flags & MBR_ENABLED) && !(flags & MBR_DONE))
        notes |= BF_DISK_SHADOWED;
    return notes;
}

uint32_t bf_tcg_notes(const void *data, size_t len)
{
    const uint8_t *d = data;
    size_t end, at = HEADER;
    if (len < HEADER)
        return 0;
    end = bf_be32(d);
    end = end < len - LENGTH_BYTES ? end + LENGTH_BYTES : len;
    while (at < end && end - at > DESCRIPTOR) {
        size_t size = d[at + 3];
        if (size > end - at - DESCRIPTOR)
            return 0;
        if (bf_be16(d + at) == FEATURE_LOCKING && size)
            return locking_notes(d[at + DESCRIPTOR]);
        at += DESCRIPTOR + size;
    }
    return 0;
}
