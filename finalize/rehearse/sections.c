// SPDX-License-Identifier: Apache-2.0
// See sections.h.
#include "finalize/rehearse/sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define HEADER  24 // the signature and the COFF header
#define SECTION 40

static bool read_at(struct bf_walk *w, const char *path, uint64_t at, void *out, size_t len)
{
    size_t got = 0;
    return !bf_budget_take(&w->f->budget, path, len) &&
           !bf_edits_pread(&w->f->edits, path, out, len, at, &got, NULL) && got == len;
}

static void add_section(struct bf_sections *pe, const unsigned char *h)
{
    struct bf_section *s = &pe->section[pe->sections];
    uint64_t virtual_size = bf_le32(h + 8), raw = bf_le32(h + 16), at = bf_le32(h + 20);
    memcpy(s->name, h, 8);
    s->name[8] = 0;
    s->at = at;
    s->len = virtual_size && virtual_size < raw ? virtual_size : raw;
    if (at <= pe->size && s->len <= pe->size - at)
        pe->sections++;
}

bool bf_sections_read(struct bf_walk *w, const char *path, struct bf_sections *pe)
{
    unsigned char h[64];
    *pe = (struct bf_sections){0};
    if (bf_edits_size(&w->f->edits, path, &pe->size, NULL) || !read_at(w, path, 0, h, sizeof h) ||
        memcmp(h, "MZ", 2) != 0)
        return false;
    uint64_t at = bf_le32(h + 60);
    if (!read_at(w, path, at, h, HEADER) || memcmp(h, "PE\0\0", 4) != 0)
        return false;
    pe->machine = bf_le16(h + 4);
    unsigned count = bf_le16(h + 6);
    at += HEADER + bf_le16(h + 20);
    for (unsigned i = 0; i < count && i < BF_SECTIONS_MAX; i++) {
        if (!read_at(w, path, at + (uint64_t)i * SECTION, h, SECTION))
            return true;
        add_section(pe, h);
    }
    return true;
}

const struct bf_section *bf_sections_find(const struct bf_sections *pe, const char *name)
{
    for (size_t i = 0; i < pe->sections; i++)
        if (strcmp(pe->section[i].name, name) == 0)
            return &pe->section[i];
    return NULL;
}

char *bf_sections_bytes(struct bf_walk *w, const char *path, uint64_t at, uint64_t size, size_t cap,
                        size_t *len)
{
    size_t n = size < cap ? (size_t)size : cap;
    *len = 0;
    if (bf_budget_take(&w->f->budget, path, n))
        return NULL;
    char *out = malloc(n + 1);
    if (!out || bf_edits_pread(&w->f->edits, path, out, n, at, len, NULL)) {
        free(out);
        return NULL;
    }
    out[*len] = 0;
    return out;
}
