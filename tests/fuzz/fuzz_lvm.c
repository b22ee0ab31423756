// SPDX-License-Identifier: Apache-2.0
// Volume groups: whatever the text of one says, on two disks that agree about it, the answers
// advance, stay on the disk, and never call unused where labels and metadata are.
#include <stdlib.h>
#include <string.h>

#include "image/usage.h"
#include "tests/lvm_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SECTOR = 512, AREA = 1044480, DISK = 1 << 26, HEAD = 65536, ANSWERS = 200 };

static uint8_t head[2][HEAD];

static enum bf_err submit(void *impl, struct bf_block_request *r)
{
    const uint8_t *bytes = impl;
    uint64_t at = r->block * SECTOR, len = (uint64_t)r->count * SECTOR;
    memset(r->data, 0, len);
    if (at < HEAD)
        memcpy(r->data, bytes + at, HEAD - at < len ? HEAD - at : len);
    r->status = BF_OK;
    r->done = 1;
    return BF_OK;
}

static void close_disk(void *impl)
{
    (void)impl;
}

static void judge(struct bf_usage *u)
{
    uint64_t at = 0, end;
    for (int i = 0; at < DISK && i < ANSWERS; i++, at = end) {
        int unused = bf_usage_extent(u, at, DISK, &end);
        if (end <= at || end > DISK || (unused && at < LVM_IMAGE_AREA + AREA))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const uuid[] = {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                       "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"};
    static const struct bf_block_ops ops = {"fuzz", submit, NULL, close_disk, NULL};
    struct bf_source_disk disk[2], *disks[] = {&disk[0], &disk[1]};
    if (!size || size > HEAD - LVM_IMAGE_TEXT)
        return 0;
    memset(disk, 0, sizeof disk);
    memset(head, 0, sizeof head);
    for (int i = 0; i < 2; i++) {
        lvm_image_make(head[i], uuid[i], DISK, AREA, data, size);
        disk[i].ops = &ops;
        disk[i].impl = head[i];
        disk[i].geometry = (struct bf_block_geometry){.block_size = SECTOR,
                                                      .blocks = DISK / SECTOR,
                                                      .alignment = 1,
                                                      .max_blocks = 128,
                                                      .preferred_blocks = 128,
                                                      .depth = 1};
    }
    struct bf_usage *u = bf_usage_open(disks, 2, NULL);
    for (int i = 0; i < 2; i++) {
        bf_usage_select(u, &disk[i]);
        judge(u);
    }
    bf_usage_free(u);
    return 0;
}
