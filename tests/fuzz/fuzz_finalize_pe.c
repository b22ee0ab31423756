// SPDX-License-Identifier: Apache-2.0
// Programs of the firmware that are any bytes: their headers, signatures, what a shim trusts, SBAT
// data, and the files of shim's fallback loader. An image that can be put together anew has to be
// whole afterwards, with the new content in its section.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/boot/authenticode.h"
#include "finalize/boot/pe_build.h"
#include "finalize/boot/sbat.h"
#include "finalize/boot/shim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_texts(const char *text, size_t len)
{
    struct bf_sbat_line line;
    struct bf_text out = {0};
    size_t pos = 0, level_len = 0;
    while (bf_sbat_next(text, len, &pos, &line))
        if (pos > len || !line.component[0])
            abort();
    bf_sbat_revoked(text, len, &line);
    const char *level = bf_sbat_own_level(text, len, &level_len);
    if (level && (level < text || level + level_len > text + len))
        abort();
    bf_csv_decode(text, len, &out);
    if (out.len > 2 * len)
        abort();
    bf_text_free(&out);
}

static void read_signatures(const struct bf_blob *b, const struct bf_pe *pe)
{
    struct bf_signatures s;
    struct bf_vendor v = {0};
    size_t len;
    const struct bf_pe_section *section = bf_pe_find(pe, ".vendor_cert");
    char *vendor = section ? bf_pe_content(b, section, 65536, &len) : NULL;
    if (vendor)
        bf_vendor_read(vendor, len, &v);
    bf_signatures_read(b, pe, &s);
    for (size_t i = 0; i < s.count; i++) {
        bf_signature_fits(b, pe, &s.item[i]);
        bf_vendor_trusts(&v, &s.item[i]);
    }
    bf_signatures_free(&s);
    bf_vendor_free(&v);
    free(vendor);
}

// The bytes of a layout; NULL when they are too many.
static unsigned char *gather(const struct bf_blob *b, const struct bf_pe_layout *l, uint64_t *size)
{
    *size = bf_parts_size(l->part, l->parts);
    unsigned char *all = *size <= (8u << 20) ? malloc((size_t)*size + 1) : NULL, *at = all;
    for (size_t i = 0; all && i < l->parts; at += l->part[i++].len) {
        const struct bf_part *p = &l->part[i];
        if (p->data)
            memcpy(at, p->data, (size_t)p->len);
        else if (!bf_blob_read(b, p->from, at, (size_t)p->len))
            abort();
    }
    return all;
}

static void build(const struct bf_blob *b, const struct bf_pe *pe)
{
    static const char text[] = "root=UUID=11111111-2222-3333-4444-555555555555";
    struct bf_pe_change change = {bf_pe_find(pe, ".cmdline"), 0, text, sizeof text - 1};
    struct bf_pe_layout layout;
    struct bf_pe again;
    struct bf_blob out = {.fd = -1};
    size_t len;
    if (!change.section)
        return;
    unsigned char *all =
        bf_pe_build(b, pe, &change, 1, &layout) ? NULL : gather(b, &layout, &out.size);
    out.bytes = all;
    if (all) {
        if (bf_pe_read(&out, &again) || again.sections != pe->sections || again.certificates_size)
            abort();
        size_t found = 0;
        for (size_t i = 0; i < again.sections; i++) {
            char *content = strcmp(again.section[i].name, ".cmdline") == 0
                                ? bf_pe_content(&out, &again.section[i], 65536, &len)
                                : NULL;
            found += content && len == sizeof text - 1 && memcmp(content, text, len) == 0;
            free(content);
        }
        if (!found)
            abort();
    }
    free(all);
    bf_pe_layout_free(&layout);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_blob b = {.fd = -1, .bytes = data, .size = size};
    struct bf_vendor v;
    struct bf_pe pe;
    read_texts((const char *)data, size);
    bf_vendor_read((const char *)data, size, &v);
    bf_vendor_free(&v);
    if (bf_pe_read(&b, &pe))
        return 0;
    read_signatures(&b, &pe);
    build(&b, &pe);
    return 0;
}
