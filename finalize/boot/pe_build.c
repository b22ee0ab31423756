// SPDX-License-Identifier: Apache-2.0
// See pe_build.h. What is behind the last section (tables for debuggers) stays there; the checksum
// is computed anew where the image had one.
#include "finalize/boot/pe_build.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define HEADERS_MAX   ((uint32_t)64 << 10)
#define ALIGNMENT_MAX 4096
#define CHUNK         ((size_t)64 << 10)
#define INITIALIZED   0x40u // IMAGE_SCN_CNT_INITIALIZED_DATA
// Offsets in the headers.
#define SYMBOLS     12
#define DATA_SIZE   8
#define IMAGE_SIZE  56
#define CHECKSUM    64
#define ENTRY_FLAGS 36

static const unsigned char zeros[ALIGNMENT_MAX];

struct build {
    const struct bf_blob *b;
    const struct bf_pe *pe;
    const struct bf_pe_change *change;
    size_t changes;
    struct bf_pe_layout *out;
    struct bf_pe_section now[BF_PE_SECTIONS_MAX]; // in the order of the section table
    size_t order[BF_PE_SECTIONS_MAX];             // of those with content, as they are in the file
    size_t ordered;
    uint64_t at; // end of what is laid out
};

static uint64_t up(uint64_t value, uint32_t to)
{
    return (value + to - 1) / to * to;
}

static void add_range(struct build *l, uint64_t from, uint64_t len)
{
    if (len)
        l->out->part[l->out->parts++] = (struct bf_part){.from = from, .len = len};
    l->at += len;
}

static void add_data(struct build *l, const void *data, uint64_t len)
{
    if (len)
        l->out->part[l->out->parts++] = (struct bf_part){.data = data, .len = len};
    l->at += len;
}

static void align(struct build *l)
{
    add_data(l, zeros, up(l->at, l->pe->file_alignment) - l->at);
}

static const struct bf_pe_change *change_of(const struct build *l, size_t section)
{
    for (size_t i = 0; i < l->changes; i++)
        if (l->change[i].section == &l->pe->section[section])
            return &l->change[i];
    return NULL;
}

// Sections in the order of the file, none of which shares bytes with another.
static enum bf_err sort(struct build *l)
{
    const struct bf_pe_section *s = l->pe->section;
    for (size_t i = 0; i < l->pe->sections; i++) {
        size_t n = l->ordered;
        if (!s[i].size && !change_of(l, i))
            continue;
        for (; n > 0 && s[l->order[n - 1]].at > s[i].at; n--)
            l->order[n] = l->order[n - 1];
        l->order[n] = i;
        l->ordered++;
    }
    uint64_t end = l->pe->headers_size;
    for (size_t i = 0; i < l->ordered; i++) {
        const struct bf_pe_section *o = &s[l->order[i]];
        if (o->at < end && o->size)
            return BF_ERR_UNSUPPORTED;
        end = o->size ? (uint64_t)o->at + o->size : end;
    }
    return BF_OK;
}

static enum bf_err check(const struct build *l)
{
    const struct bf_pe *pe = l->pe;
    bool aligned = bf_is_power_of_two(pe->file_alignment) && pe->file_alignment <= ALIGNMENT_MAX &&
                   bf_is_power_of_two(pe->section_alignment) &&
                   pe->section_alignment >= pe->file_alignment;
    uint64_t table = pe->table + (uint64_t)pe->sections * BF_PE_SECTION_SIZE;
    bool whole = pe->headers_size <= HEADERS_MAX && pe->headers_size <= l->b->size &&
                 table <= pe->headers_size;
    // The certificates are the last that a signed image has.
    bool last = !pe->certificates_size || l->b->size - pe->certificates - pe->certificates_size < 8;
    return aligned && whole && last ? BF_OK : BF_ERR_UNSUPPORTED;
}

static void place_in_file(struct build *l)
{
    for (size_t i = 0; i < l->ordered; i++) {
        const struct bf_pe_section *old = &l->pe->section[l->order[i]];
        struct bf_pe_section *now = &l->now[l->order[i]];
        const struct bf_pe_change *c = change_of(l, l->order[i]);
        align(l);
        now->at = (uint32_t)l->at;
        if (c) {
            add_range(l, old->at, c->keep);
            add_data(l, c->data, c->len);
            align(l);
            now->memory = c->keep + c->len;
        } else {
            add_range(l, old->at, old->size);
        }
        now->size = (uint32_t)(l->at - now->at);
    }
}

// What is behind the sections, up to the certificates.
static enum bf_err place_rest(struct build *l)
{
    const struct bf_pe *pe = l->pe;
    uint64_t end = pe->headers_size, size = pe->certificates_size ? pe->certificates : l->b->size;
    for (size_t i = 0; i < pe->sections; i++)
        if ((uint64_t)pe->section[i].at + pe->section[i].size > end)
            end = (uint64_t)pe->section[i].at + pe->section[i].size;
    if (end > size || (pe->symbols && pe->symbols < end))
        return BF_ERR_UNSUPPORTED;
    align(l);
    if (pe->symbols)
        bf_put_le32(l->out->headers + pe->coff + SYMBOLS, (uint32_t)(l->at + (pe->symbols - end)));
    add_range(l, end, size - end);
    return l->at > UINT32_MAX ? BF_ERR_LIMIT : BF_OK;
}

static uint64_t end_in_memory(const struct bf_pe_section *s)
{
    return (uint64_t)s->address + (s->memory > s->size || !s->size ? s->memory : s->size);
}

// A section that reaches into the next one's addresses goes behind all.
static enum bf_err place_in_memory(struct build *l, uint64_t *image_size)
{
    uint64_t end = 0;
    for (size_t i = 0; i < l->pe->sections; i++)
        end = end_in_memory(&l->now[i]) > end ? end_in_memory(&l->now[i]) : end;
    for (size_t i = 0; i < l->pe->sections; i++) {
        struct bf_pe_section *s = &l->now[i];
        bool meets = false;
        for (size_t n = 0; change_of(l, i) && n < l->pe->sections; n++)
            meets = meets || (n != i && l->now[n].address >= s->address &&
                              (uint64_t)l->now[n].address < (uint64_t)s->address + s->memory);
        if (!meets)
            continue;
        end = up(end, l->pe->section_alignment);
        if (end + s->memory > UINT32_MAX)
            return BF_ERR_LIMIT;
        s->address = (uint32_t)end;
        end += s->memory;
    }
    // The size of the image counts what sections have in memory.
    *image_size = 0;
    for (size_t i = 0; i < l->pe->sections; i++) {
        uint64_t last = (uint64_t)l->now[i].address + l->now[i].memory;
        *image_size = last > *image_size ? last : *image_size;
    }
    *image_size = up(*image_size, l->pe->section_alignment);
    return *image_size > UINT32_MAX ? BF_ERR_LIMIT : BF_OK;
}

static void write_entries(struct build *l)
{
    unsigned char *table = l->out->headers + l->pe->table;
    size_t count = l->pe->sections, order[BF_PE_SECTIONS_MAX];
    unsigned char old[BF_PE_SECTIONS_MAX][BF_PE_SECTION_SIZE];
    memcpy(old, table, count * BF_PE_SECTION_SIZE);
    for (size_t i = 0; i < count; i++) { // by address, as the table has to be
        size_t n = i;
        for (; n > 0 && l->now[order[n - 1]].address > l->now[i].address; n--)
            order[n] = order[n - 1];
        order[n] = i;
    }
    for (size_t i = 0; i < count; i++, table += BF_PE_SECTION_SIZE) {
        const struct bf_pe_section *s = &l->now[order[i]];
        memcpy(table, old[order[i]], BF_PE_SECTION_SIZE);
        bf_put_le32(table + 8, s->memory);
        bf_put_le32(table + 12, s->address);
        if (s->size || l->pe->section[order[i]].size) { // it has something in the file, or had
            bf_put_le32(table + 16, s->size);
            bf_put_le32(table + 20, s->size ? s->at : 0);
        }
    }
}

static void write_sizes(struct build *l, uint64_t image_size)
{
    unsigned char *optional = l->out->headers + (l->pe->optional);
    uint32_t data = bf_le32(optional + DATA_SIZE);
    for (size_t i = 0; i < l->pe->sections; i++)
        if (bf_le32(l->out->headers + l->pe->section[i].entry + ENTRY_FLAGS) & INITIALIZED)
            data += l->now[i].size - l->pe->section[i].size;
    bf_put_le32(optional + DATA_SIZE, data);
    bf_put_le32(optional + IMAGE_SIZE, (uint32_t)image_size);
    if (l->pe->certificates_entry)
        memset(l->out->headers + l->pe->certificates_entry, 0, 8);
}

// The sum of 16-bit words, carried around, plus the size: what ImageHlp's CheckSumMappedFile gives.
struct sum {
    uint64_t at;
    uint32_t value;
};

static void add_sum(struct sum *s, const unsigned char *p, size_t len)
{
    for (size_t i = 0; i < len; i++, s->at++) {
        s->value += s->at & 1 ? (uint32_t)p[i] << 8 : p[i];
        s->value = (s->value & 0xffff) + (s->value >> 16);
    }
}

static enum bf_err sum_range(const struct build *l, struct sum *s, const struct bf_part *p)
{
    unsigned char *buf = malloc(CHUNK);
    bool ok = buf != NULL;
    for (uint64_t done = 0; ok && done < p->len;) {
        size_t n = p->len - done < CHUNK ? (size_t)(p->len - done) : CHUNK;
        ok = bf_blob_read(l->b, p->from + done, buf, n);
        if (ok)
            add_sum(s, buf, n);
        done += n;
    }
    free(buf);
    return ok ? BF_OK : BF_ERR_IO;
}

static enum bf_err write_checksum(struct build *l)
{
    unsigned char *field = l->out->headers + l->pe->optional + CHECKSUM;
    struct sum s = {0};
    if (bf_le32(field) == 0)
        return BF_OK;
    bf_put_le32(field, 0);
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < l->out->parts && !err; i++) {
        const struct bf_part *p = &l->out->part[i];
        if (p->data)
            add_sum(&s, p->data, (size_t)p->len);
        else
            err = sum_range(l, &s, p);
    }
    bf_put_le32(field, s.value + (uint32_t)l->at);
    return err;
}

enum bf_err bf_pe_build(const struct bf_blob *b, const struct bf_pe *pe,
                        const struct bf_pe_change *change, size_t changes, struct bf_pe_layout *out)
{
    struct build l = {.b = b, .pe = pe, .change = change, .changes = changes, .out = out};
    uint64_t image_size;
    *out = (struct bf_pe_layout){0};
    memcpy(l.now, pe->section, sizeof l.now);
    enum bf_err err = check(&l);
    if (!err)
        err = sort(&l);
    if (err)
        return err;
    out->headers = malloc(pe->headers_size);
    if (!out->headers)
        return BF_ERR_NO_MEMORY;
    if (!bf_blob_read(b, 0, out->headers, pe->headers_size))
        return BF_ERR_IO;
    add_data(&l, out->headers, pe->headers_size);
    place_in_file(&l);
    err = place_rest(&l);
    if (!err)
        err = place_in_memory(&l, &image_size);
    if (err)
        return err;
    write_sizes(&l, image_size);
    write_entries(&l);
    return write_checksum(&l);
}

void bf_pe_layout_free(struct bf_pe_layout *layout)
{
    free(layout->headers);
    *layout = (struct bf_pe_layout){0};
}
