// SPDX-License-Identifier: Apache-2.0
// See pe.h.
#include "finalize/boot/pe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"

#define COFF_SIZE      24 // with the signature "PE\0\0"
#define SYMBOL_SIZE    18
#define OPTIONAL_MIN   68 // up to the checksum
#define OPTIONAL_MAX   240
#define HEADER_AT_MAX  ((uint32_t)1 << 20)
#define DIRECTORY_CERT 4

bool bf_blob_read(const struct bf_blob *b, uint64_t at, void *buf, size_t len)
{
    if (at > b->size || len > b->size - at)
        return false;
    if (b->fd < 0) {
        if (len)
            memcpy(buf, b->bytes + at, len);
        return true;
    }
    for (size_t have = 0; have < len;) {
        ssize_t n = pread(b->fd, (char *)buf + have, len - have, (off_t)(at + have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        have += (size_t)n;
    }
    return true;
}

// The certificate table is a range of the file, unlike the other directories.
static enum bf_err read_directories(const struct bf_blob *b, const unsigned char *optional,
                                    uint32_t size, struct bf_pe *pe)
{
    uint16_t magic = bf_le16(optional);
    uint32_t first = magic == 0x20b ? 112 : 96;
    if (magic != 0x20b && magic != 0x10b)
        return BF_ERR_CORRUPT;
    if (size < first)
        return BF_OK;
    uint32_t count = bf_le32(optional + first - 4), entry = first + 8 * DIRECTORY_CERT;
    pe->directories = pe->optional + first;
    if (count <= DIRECTORY_CERT || size < entry + 8)
        return BF_OK;
    pe->certificates_entry = pe->optional + entry;
    pe->certificates = bf_le32(optional + entry);
    pe->certificates_size = bf_le32(optional + entry + 4);
    if (!pe->certificates || !pe->certificates_size)
        pe->certificates = pe->certificates_size = 0;
    if (pe->certificates > b->size || pe->certificates_size > b->size - pe->certificates)
        return BF_ERR_CORRUPT;
    return BF_OK;
}

static enum bf_err read_optional(const struct bf_blob *b, uint32_t size, struct bf_pe *pe)
{
    unsigned char h[OPTIONAL_MAX] = {0};
    if (size < OPTIONAL_MIN || !bf_blob_read(b, pe->optional, h, size < sizeof h ? size : sizeof h))
        return BF_ERR_CORRUPT;
    pe->section_alignment = bf_le32(h + 32);
    pe->file_alignment = bf_le32(h + 36);
    pe->image_size = bf_le32(h + 56);
    pe->headers_size = bf_le32(h + 60);
    return read_directories(b, h, size, pe);
}

// A name of more than eight characters is "/" and its offset among the strings.
static void read_name(const struct bf_blob *b, const struct bf_pe *pe, const unsigned char *e,
                      struct bf_pe_section *s)
{
    memcpy(s->name, e, 8);
    s->name[8] = 0;
    if (s->name[0] != '/' || !pe->strings)
        return;
    uint64_t at = pe->strings + strtoul(s->name + 1, NULL, 10);
    char name[BF_PE_NAME] = {0};
    for (size_t i = 0; i + 1 < sizeof name && bf_blob_read(b, at + i, &name[i], 1) && name[i]; i++)
        continue;
    name[sizeof name - 1] = 0;
    memcpy(s->name, name, sizeof name);
}

static enum bf_err read_section(const struct bf_blob *b, uint32_t at, const struct bf_pe *pe,
                                struct bf_pe_section *s)
{
    unsigned char e[BF_PE_SECTION_SIZE];
    if (!bf_blob_read(b, at, e, sizeof e))
        return BF_ERR_CORRUPT;
    read_name(b, pe, e, s);
    s->memory = bf_le32(e + 8);
    s->address = bf_le32(e + 12);
    s->size = bf_le32(e + 16);
    s->at = bf_le32(e + 20);
    s->entry = at;
    if (s->at == 0 || s->size == 0) // it has nothing in the file
        s->at = s->size = 0;
    bool inside = s->at <= b->size && s->size <= b->size - s->at;
    return inside && s->memory <= UINT32_MAX - s->address ? BF_OK : BF_ERR_CORRUPT;
}

static enum bf_err read_sections(const struct bf_blob *b, size_t count, struct bf_pe *pe)
{
    if (count == 0 || count > BF_PE_SECTIONS_MAX)
        return BF_ERR_CORRUPT;
    for (; pe->sections < count; pe->sections++)
        if (read_section(b, pe->table + (uint32_t)pe->sections * BF_PE_SECTION_SIZE, pe,
                         &pe->section[pe->sections]))
            return BF_ERR_CORRUPT;
    return BF_OK;
}

static void read_symbols(const struct bf_blob *b, const unsigned char *coff, struct bf_pe *pe)
{
    uint64_t at = bf_le32(coff + 12), strings = at + (uint64_t)bf_le32(coff + 16) * SYMBOL_SIZE;
    if (at == 0 || strings >= b->size || strings > UINT32_MAX)
        return;
    pe->symbols = (uint32_t)at;
    pe->strings = (uint32_t)strings;
}

enum bf_err bf_pe_read(const struct bf_blob *b, struct bf_pe *pe)
{
    unsigned char dos[64], h[COFF_SIZE];
    *pe = (struct bf_pe){0};
    if (!bf_blob_read(b, 0, dos, sizeof dos) || memcmp(dos, "MZ", 2) != 0)
        return BF_ERR_CORRUPT;
    pe->coff = bf_le32(dos + 0x3c);
    if (pe->coff > HEADER_AT_MAX || !bf_blob_read(b, pe->coff, h, sizeof h) ||
        memcmp(h, "PE\0\0", 4) != 0)
        return BF_ERR_CORRUPT;
    pe->machine = bf_le16(h + 4);
    read_symbols(b, h, pe);
    pe->optional = pe->coff + COFF_SIZE;
    uint32_t size = bf_le16(h + 20);
    pe->table = pe->optional + size;
    enum bf_err err = read_optional(b, size, pe);
    return err ? err : read_sections(b, bf_le16(h + 6), pe);
}

const struct bf_pe_section *bf_pe_find(const struct bf_pe *pe, const char *name)
{
    for (size_t i = 0; i < pe->sections; i++)
        if (strcmp(pe->section[i].name, name) == 0)
            return &pe->section[i];
    return NULL;
}

size_t bf_pe_count(const struct bf_pe *pe, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < pe->sections; i++)
        count += strcmp(pe->section[i].name, name) == 0;
    return count;
}

char *bf_pe_content(const struct bf_blob *b, const struct bf_pe_section *s, size_t cap, size_t *len)
{
    // Linkers of loaders may leave the size in memory 0; what the file has then counts.
    uint32_t size = s->memory && s->memory < s->size ? s->memory : s->size;
    char *content = size <= cap ? malloc((size_t)size + 1) : NULL;
    if (!content || !bf_blob_read(b, s->at, content, size)) {
        free(content);
        return NULL;
    }
    content[size] = 0;
    *len = size;
    return content;
}

static const struct {
    const char *efi, *name;
    uint16_t machine;
} machines[] = {
    {"x64", "x86-64", 0x8664},      {"ia32", "32-bit x86", 0x014c},
    {"aa64", "64-bit ARM", 0xaa64}, {"arm", "32-bit ARM", 0x01c2},
    {"arm", "32-bit ARM", 0x01c4},  {"riscv64", "64-bit RISC-V", 0x5064},
    {"ia64", "Itanium", 0x0200},    {"loongarch64", "64-bit LoongArch", 0x6264},
};

uint16_t bf_pe_machine(const char *efi)
{
    for (size_t i = 0; i < BF_COUNT(machines); i++)
        if (strcmp(machines[i].efi, efi) == 0)
            return machines[i].machine;
    return 0;
}

const char *bf_pe_machine_name(uint16_t machine)
{
    for (size_t i = 0; i < BF_COUNT(machines); i++)
        if (machines[i].machine == machine)
            return machines[i].name;
    return "another architecture";
}
