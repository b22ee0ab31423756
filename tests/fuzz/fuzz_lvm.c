// SPDX-License-Identifier: Apache-2.0
// Volume groups: whatever the text of one says, on two disks that agree about it, the answers
// advance, stay on the disk, and never call unused where labels and metadata are; and the work is
// in proportion to the text. Mutation knows the grammar: it moves, copies, drops and exchanges
// items and values, so that most of what it makes is still a text.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "image/usage/lvm/text.h"
#include "image/usage/usage.h"
#include "tests/fuzz_rng.h"
#include "tests/lvm_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

enum {
    SECTOR = 512,
    AREA = 1044480,
    DISK = 1 << 26,
    HEAD = 65536,
    ANSWERS = 200,
    EXTENT = 1 << 20, // as those that are made have it
    EXTENTS = 63,     // of a disk
    PAGE = 4096,
    ITEMS = 512,
    WORK_BASE = 64 << 20,  // marks on disks and volumes
    WORK_EACH = 200 << 10, // of a volume, for which a text needs this many bytes:
    VOLUME_TEXT = 20,
    WORK_PER_BYTE = 2000,
};

static const char *const uuid[] = {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"};
static uint8_t head[2][HEAD];

// Every extent begins as swap space would, so that each volume has a map.
static void put_swap(uint8_t *out, uint64_t at, uint64_t len)
{
    static const uint8_t page[PAGE] = {[1024] = 1, [1028] = 100, [4086] = 'S', 'W', 'A', 'P',
                                       'S',        'P',          'A',          'C', 'E', '2'};
    for (uint64_t i = 0; i < len; i += SECTOR)
        if (at + i >= EXTENT && (at + i) % EXTENT < PAGE)
            memcpy(out + i, page + (at + i) % EXTENT, SECTOR);
}

static enum bf_err submit(void *impl, struct bf_block_request *r)
{
    const uint8_t *bytes = impl;
    uint64_t at = r->block * SECTOR, len = (uint64_t)r->count * SECTOR;
    memset(r->data, 0, len);
    put_swap(r->data, at, len);
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
    if (bf_usage_work(u) > WORK_BASE + size * WORK_PER_BYTE + size / VOLUME_TEXT * 2 * WORK_EACH)
        abort();
    bf_usage_free(u);
    return 0;
}

// ---- Mutation ----------------------------------------------------------------------------------

struct piece {
    size_t at, len;
};
struct pieces {
    struct piece item[ITEMS], value[ITEMS];
    uint32_t items, values;
};

static void add(struct piece *piece, uint32_t *count, const char *base, const char *at,
                const char *end)
{
    if (*count < ITEMS)
        piece[(*count)++] = (struct piece){(size_t)(at - base), (size_t)(end - at)};
}

static void collect(struct pieces *p, const char *base, struct bf_lvm_text text)
{
    struct bf_lvm_item item, one;
    while (bf_lvm_next(&text, &item)) {
        add(p->item, &p->items, base, item.name.at, text.at);
        if (item.kind == BF_LVM_SECTION)
            collect(p, base, item.inside);
        else if (item.kind != BF_LVM_ARRAY)
            add(p->value, &p->values, base, item.inside.at, item.inside.end);
        while (item.kind == BF_LVM_ARRAY && bf_lvm_next_element(&item.inside, &one))
            add(p->value, &p->values, base, one.inside.at, one.inside.end);
    }
}

// Puts bytes in the place of a piece. The new size; the old one when there is no room.
static size_t replace(uint8_t *data, size_t size, size_t max, struct piece old, const void *bytes,
                      size_t len)
{
    if (size - old.len + len > max)
        return size;
    memmove(data + old.at + len, data + old.at + old.len, size - old.at - old.len);
    memcpy(data + old.at, bytes, len);
    return size - old.len + len;
}

static const char *const fragments[] = {
    " flags=[\"MISSING\"] ",
    " status=[\"READ\",\"VISIBLE\"] ",
    " segment_count=2 ",
    " stripe_count=2 stripe_size=8 ",
    " type=\"striped\" stripe_count=1 stripes=[\"pv0\",0] ",
    " segment2{start_extent=5 extent_count=1 type=\"striped\" stripe_count=1} ",
    " segment1{start_extent=0 extent_count=1 type=\"thin\" thin_pool=\"root\"} ",
    " l{status=[\"READ\",\"VISIBLE\"] segment_count=1 segment1{start_extent=0 extent_count=2}} ",
    " system_id=\"a\" ",
    " lock_type=\"none\" ",
};

static size_t change(uint8_t *data, size_t size, size_t max, const struct pieces *p,
                     struct fuzz_rng *r)
{
    static uint8_t copy[HEAD];
    char number[24];
    const struct piece *a = &p->item[fuzz_below(r, p->items)],
                       *b = &p->item[fuzz_below(r, p->items)];
    const struct piece *v = p->values ? &p->value[fuzz_below(r, p->values)] : a;
    const char *fragment = fragments[fuzz_below(r, BF_COUNT(fragments))];
    int len = snprintf(number, sizeof number, "%llu", (unsigned long long)fuzz_number(r));
    switch (fuzz_below(r, 6)) {
    case 0: // an item goes
        return replace(data, size, max, *a, "", 0);
    case 1: // one stands twice, or elsewhere as well
        memcpy(copy, data + b->at, b->len);
        return replace(data, size, max, (struct piece){a->at, 0}, copy, b->len);
    case 2: // one in the place of another
        memcpy(copy, data + b->at, b->len);
        return replace(data, size, max, *a, copy, b->len);
    case 3:
        return replace(data, size, max, *v, number, (size_t)len);
    case 4: // a value that stands elsewhere
        b = p->values ? &p->value[fuzz_below(r, p->values)] : a;
        memcpy(copy, data + b->at, b->len);
        return replace(data, size, max, *v, copy, b->len);
    default:
        return replace(data, size, max, (struct piece){a->at, 0}, fragment, strlen(fragment));
    }
}

// ---- Sound groups ------------------------------------------------------------------------------

struct draft {
    char *at;
    size_t left;
    uint64_t next[2]; // free extent of each physical volume
};

__attribute__((format(printf, 2, 3))) static void say(struct draft *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(d->at, d->left, format, args);
    va_end(args);
    len = (size_t)len < d->left ? len : (int)d->left;
    d->at += len;
    d->left -= (size_t)len;
}

// Linear on one physical volume or striped over both. The extents that it has.
static uint64_t say_segment(struct draft *d, struct fuzz_rng *r, uint64_t number, uint64_t start)
{
    uint64_t count = 1 + fuzz_below(r, 6), legs = 1 + fuzz_below(r, 2), pv = fuzz_below(r, 2);
    say(d,
        "segment%llu{start_extent=%llu extent_count=%llu type=\"striped\" stripe_count=%llu "
        "stripe_size=%llu stripes=[",
        (unsigned long long)number, (unsigned long long)start, (unsigned long long)(count * legs),
        (unsigned long long)legs, 16ull << fuzz_below(r, 7));
    for (uint64_t i = 0; i < legs; i++, pv ^= 1) {
        say(d, "%s\"pv%llu\",%llu", i ? "," : "", (unsigned long long)pv,
            (unsigned long long)d->next[pv]);
        d->next[pv] += count + fuzz_below(r, 2);
    }
    say(d, "]}\n");
    return count * legs;
}

static size_t make_group(struct fuzz_rng *r, uint8_t *out, size_t max)
{
    struct draft d = {(char *)out, max, {0, 0}};
    say(&d, "g{id=\"vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv\" seqno=1 format=\"lvm2\" status=[\"READ\"] "
            "flags=[] extent_size=2048 physical_volumes{\n");
    for (int i = 0; i < 2; i++)
        say(&d, "pv%d{id=\"%.32s\" status=[\"ALLOCATABLE\"] flags=[] pe_start=2048 pe_count=%d}\n",
            i, uuid[i], EXTENTS);
    say(&d, "}logical_volumes{\n");
    for (uint64_t lv = 1 + fuzz_below(r, 4); lv; lv--) {
        uint64_t segments = 1 + fuzz_below(r, 2), start = 0;
        say(&d, "l%llu{id=\"x\" status=[\"READ\",\"VISIBLE\"] flags=[] segment_count=%llu\n",
            (unsigned long long)lv, (unsigned long long)segments);
        for (uint64_t i = 1; i <= segments; i++)
            start += say_segment(&d, r, i, start);
        say(&d, "}\n");
    }
    say(&d, "}}contents=\"Text Format Volume Group\" version=1\n");
    return d.left ? max - d.left : 0;
}

// Most of what is made are new groups, half of them with one or two changes: what was changed often
// is no group any more. The rest are changed inputs, one in eight of them by libFuzzer alone.
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    static struct pieces p;
    struct fuzz_rng r = {seed};
    uint64_t kind = fuzz_below(&r, 8), changes = 1;
    max = max < HEAD - LVM_IMAGE_TEXT ? max : HEAD - LVM_IMAGE_TEXT;
    size_t made = kind > 2 ? make_group(&r, data, max) : 0;
    if (made) {
        size = made;
        changes = fuzz_below(&r, 4) % 3;
    }
    for (; changes; changes--) {
        struct bf_lvm_text text = {(const char *)data, (const char *)data + size, NULL};
        p.items = p.values = 0;
        if (size && size <= max && bf_lvm_check(&text) == BF_OK)
            collect(&p, (const char *)data, text);
        if (!p.items || !kind)
            return LLVMFuzzerMutate(data, size, max);
        size = change(data, size, max, &p, &r);
    }
    return size;
}
