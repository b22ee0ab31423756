// SPDX-License-Identifier: Apache-2.0
// A look at a source disk: see image/probe.h. Reads a few hundred kilobytes at most.
#include "image/probe.h"

#include <string.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "image/parttab.h"
#include "image/swap.h"

enum { READ_TIMEOUT_US = 30000000 };

static enum bf_err read_disk(void *impl, uint64_t offset, void *out, size_t len)
{
    return bf_source_read(impl, offset, out, len, READ_TIMEOUT_US);
}

static void note(struct bf_disk_facts *out, const struct bf_partition *p, const char *signature)
{
    out->hibernated = 1;
    if (p)
        bf_snprintf(out->hibernation, sizeof out->hibernation, "partition %u: %s", p->number,
                    signature);
    else
        bf_snprintf(out->hibernation, sizeof out->hibernation, "whole disk: %s", signature);
}

// p is NULL for the whole disk.
static void look_for_swap(struct bf_source_disk *disk, const struct bf_partition *p,
                          uint8_t *buffer, struct bf_disk_facts *out)
{
    uint64_t bytes = p ? p->bytes : bf_source_bytes(disk);
    size_t len = bytes < BF_SWAP_PROBE_BYTES ? (size_t)bytes : BF_SWAP_PROBE_BYTES;
    struct bf_swap swap;
    if (out->hibernated || read_disk(disk, p ? p->first : 0, buffer, len) != BF_OK)
        return;
    bf_swap_probe(buffer, len, &swap);
    if (swap.kind == BF_SWAP_HIBERNATED)
        note(out, p, swap.signature);
}

static enum bf_err look_everywhere(struct bf_source_disk *disk, const struct bf_parttab *table,
                                   struct bf_disk_facts *out)
{
    uint8_t *buffer = bf_alloc(BF_SWAP_PROBE_BYTES);
    if (!buffer)
        return BF_ERR_NO_MEMORY;
    look_for_swap(disk, NULL, buffer, out);
    for (uint32_t i = 0; i < table->count; i++)
        if (table->partition[i].bytes)
            look_for_swap(disk, &table->partition[i], buffer, out);
    bf_free(buffer);
    return BF_OK;
}

enum bf_err bf_disk_probe(struct bf_source_disk *disk, struct bf_disk_facts *out)
{
    struct bf_bytes bytes = {.read = read_disk,
                             .impl = disk,
                             .bytes = bf_source_bytes(disk),
                             .block_size = disk->geometry.block_size};
    struct bf_parttab table;
    memset(out, 0, sizeof *out);
    enum bf_err err = bf_parttab_read(&bytes, &table);
    if (err == BF_OK && table.kind == BF_PARTTAB_GPT) {
        disk->identity.has_gpt = 1;
        memcpy(disk->identity.gpt_guid, table.disk_guid, sizeof disk->identity.gpt_guid);
    }
    if (err == BF_OK || err == BF_ERR_CORRUPT)
        err = look_everywhere(disk, &table, out);
    bf_parttab_free(&table);
    return err;
}
