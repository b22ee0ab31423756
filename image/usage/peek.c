// SPDX-License-Identifier: Apache-2.0
// Reading for the maps: a small cache over all disks of the session. Memory is the same for one
// disk and for sixty-four.
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "image/usage/parts.h"

enum {
    READ_TIMEOUT_US = 5000000,
    READ_COST = 64, // of each read, whatever its length
};

enum bf_err bf_peek_init(struct bf_peek *p, struct bf_source_disk *const *disk, uint32_t disks)
{
    memset(p, 0, sizeof *p);
    p->disk = disk;
    p->disks = disks;
    p->scratch = bf_alloc(BF_USAGE_SCRATCH);
    for (uint32_t i = 0; i < BF_PEEK_LINES; i++) {
        p->line[i] = bf_alloc(BF_PEEK_LINE);
        if (!p->line[i])
            return BF_ERR_NO_MEMORY;
    }
    return p->scratch ? BF_OK : BF_ERR_NO_MEMORY;
}

void bf_peek_free(struct bf_peek *p)
{
    for (uint32_t i = 0; i < BF_PEEK_LINES; i++)
        bf_free(p->line[i]);
    bf_free(p->scratch);
    bf_free(p->mirror);
    memset(p, 0, sizeof *p);
}

// The line that holds a byte, or the one that was not asked for longest; *found says which.
static uint32_t find_line(const struct bf_peek *p, uint32_t disk, uint64_t offset, int *found)
{
    uint32_t oldest = 0;
    for (uint32_t i = 0; i < BF_PEEK_LINES; i++) {
        *found = p->of[i] == disk && offset >= p->at[i] && offset - p->at[i] < p->bytes[i];
        if (*found)
            return i;
        if (p->touched[i] < p->touched[oldest])
            oldest = i;
    }
    return oldest;
}

// Reads what is around a byte of the disk into a line. 0: it cannot be read.
static int fill_line(struct bf_peek *p, uint32_t i, uint32_t disk, uint64_t offset)
{
    uint32_t size = p->work.now.step == BF_STEP_MARKS ? BF_PEEK_PIECE : BF_PEEK_LINE;
    uint64_t at = offset - offset % size, left = bf_source_bytes(p->disk[disk]) - at;
    enum bf_err err;
    p->bytes[i] = 0;
    size = left < size ? (uint32_t)left : size;
    if (!bf_work_spend(&p->work, size) || !bf_work_turn(&p->work))
        return 0;
    err = bf_source_read(p->disk[disk], at, p->line[i], size, READ_TIMEOUT_US);
    if (err) {
        p->failed[disk] = (uint8_t)err;
        bf_log(BF_LOG_WARNING,
               "the maps of what is used cannot be read at byte %llu of disk %u (%s): the rest "
               "of this disk is copied whole",
               (unsigned long long)at, disk, bf_err_name(err));
        return 0;
    }
    p->of[i] = disk;
    p->at[i] = at;
    p->bytes[i] = size;
    return 1;
}

enum bf_err bf_peek_read(struct bf_peek *p, uint32_t disk, uint64_t offset, void *out, size_t len)
{
    uint8_t *to = out;
    uint64_t bytes = disk < p->disks && p->disk[disk] ? bf_source_bytes(p->disk[disk]) : 0;
    if (offset > bytes || len > bytes - offset)
        return BF_ERR_RANGE;
    bf_work_spend(&p->work, len + READ_COST);
    while (len > 0) {
        int good = !bf_work_is_over(&p->work) && !p->failed[disk], found;
        uint32_t i = find_line(p, disk, offset, &found);
        if (!good || (!found && !fill_line(p, i, disk, offset))) {
            p->errors++;
            return p->failed[disk] ? p->failed[disk] : BF_ERR_LIMIT;
        }
        size_t skip = (size_t)(offset - p->at[i]), part = p->bytes[i] - skip;
        p->touched[i] = ++p->clock;
        part = part < len ? part : len;
        memcpy(to, p->line[i] + skip, part);
        to += part;
        offset += part;
        len -= part;
    }
    return BF_OK;
}
