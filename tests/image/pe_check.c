// SPDX-License-Identifier: Apache-2.0
// Judges the boot image as a file: what Secure Boot's loaders, NX-enforcing firmware and our own
// tools demand of it. One "ok" or "not ok" line per demand. References: PE/COFF specification;
// the Windows UEFI CA signing requirements on memory mitigations; shim's SBAT.
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/config.h"
#include "boot/sections.h"

enum {
    SIZE_LIMIT = 1 << 20,
    MACHINE_X64 = 0x8664,
    MACHINE_ARM64 = 0xaa64,
    PE32_PLUS = 0x20b,
    SUBSYSTEM_EFI_APPLICATION = 10,
    FILE_RELOCS_STRIPPED = 1,
    DLL_DYNAMIC_BASE = 0x40,
    DLL_NX_COMPAT = 0x100,
    SECTION_EXECUTE = 0x20000000,
    SECTION_WRITE = (int)0x80000000,
    DIRECTORY_IMPORT = 1,
    DIRECTORY_BASERELOC = 5,
    DIRECTORY_TLS = 9,
    PAGE = 4096,
};

struct image {
    const uint8_t *bytes;
    size_t size;
    const uint8_t *coff, *optional, *sections;
    uint32_t section_count;
};

struct section {
    char name[9];
    uint32_t virtual_size, address, raw_size, raw, flags;
};

static int failed;

static void judge(bool good, const char *demand)
{
    printf("%s image: %s\n", good ? "ok" : "not ok", demand);
    failed |= !good;
}

// Finds the headers; everything else stays inside what this has checked.
static bool open_image(struct image *i)
{
    uint32_t pe;

    if (i->size < 1024 || memcmp(i->bytes, "MZ", 2) != 0)
        return false;
    pe = bf_le32(i->bytes + 0x3c);
    if (pe > i->size - 1024 || memcmp(i->bytes + pe, "PE\0\0", 4) != 0)
        return false;
    i->coff = i->bytes + pe + 4;
    i->optional = i->coff + 20;
    i->sections = i->optional + bf_le16(i->coff + 16);
    i->section_count = bf_le16(i->coff + 2);
    return bf_le16(i->optional) == PE32_PLUS && bf_le16(i->coff + 16) >= 240 &&
           i->sections + i->section_count * 40 <= i->bytes + i->size;
}

static struct section section_at(const struct image *i, uint32_t index)
{
    const uint8_t *at = i->sections + index * 40;
    struct section s = {.virtual_size = bf_le32(at + 8),
                        .address = bf_le32(at + 12),
                        .raw_size = bf_le32(at + 16),
                        .raw = bf_le32(at + 20),
                        .flags = bf_le32(at + 36)};

    memcpy(s.name, at, 8);
    return s;
}

// The contents of a section by name, NULL when it is absent or lies outside the file.
static const uint8_t *find(const struct image *i, const char *name, struct section *out)
{
    for (uint32_t n = 0; n < i->section_count; n++) {
        *out = section_at(i, n);
        if (strcmp(out->name, name) == 0 && out->raw <= i->size &&
            out->raw_size <= i->size - out->raw)
            return i->bytes + out->raw;
    }
    return NULL;
}

static bool directory_empty(const struct image *i, uint32_t number)
{
    return bf_le32(i->optional + 112 + number * 8 + 4) == 0;
}

static void judge_headers(const struct image *i)
{
    uint32_t machine = bf_le16(i->coff), dll = bf_le16(i->optional + 70);

    judge(machine == MACHINE_X64 || machine == MACHINE_ARM64, "made for x86-64 or AArch64");
    judge(bf_le16(i->optional + 68) == SUBSYSTEM_EFI_APPLICATION, "an EFI application");
    judge(bf_le32(i->optional + 32) == PAGE, "sections aligned to 4 KiB");
    judge(bf_le32(i->optional + 36) == PAGE, "sections aligned to 4 KiB in the file as well");
    judge((dll & DLL_NX_COMPAT) != 0, "NX compatible");
    judge((dll & DLL_DYNAMIC_BASE) != 0 && !(bf_le16(i->coff + 18) & FILE_RELOCS_STRIPPED) &&
              !directory_empty(i, DIRECTORY_BASERELOC),
          "relocatable");
    judge(directory_empty(i, DIRECTORY_IMPORT) && directory_empty(i, DIRECTORY_TLS),
          "needs no other image");
    judge(i->size < SIZE_LIMIT, "smaller than 1 MiB");
}

static void judge_sections(const struct image *i)
{
    uint32_t entry = bf_le32(i->optional + 16);
    bool apart = true, aligned = true, entered = false;

    for (uint32_t n = 0; n < i->section_count; n++) {
        struct section s = section_at(i, n);
        bool executable = (s.flags & SECTION_EXECUTE) != 0;
        if (executable && (s.flags & (uint32_t)SECTION_WRITE)) {
            printf("# %s can be written and executed\n", s.name);
            apart = false;
        }
        aligned &= s.address % PAGE == 0;
        entered |= executable && entry - s.address < s.virtual_size;
    }
    judge(i->section_count > 0 && apart, "no section both writable and executable");
    judge(aligned, "every section begins at a page");
    judge(entered, "entry point in an executable section");
}

static void judge_contents(const struct image *i)
{
    struct section s;
    const uint8_t *at = find(i, ".sbat", &s);
    const char *text;
    size_t len;

    judge(at && s.raw_size > 8 && memcmp(at, "sbat,1,", 7) == 0 &&
              memmem(at, s.raw_size, "\nbootferry,", 11),
          "SBAT names itself and Bootferry");
    at = find(i, ".bfconf", &s);
    judge(at && s.raw_size == BF_CONFIG_SECTION_BYTES && s.virtual_size == s.raw_size &&
              !(s.flags & ((uint32_t)SECTION_WRITE | SECTION_EXECUTE)),
          "configuration section of 64 KiB, read only");
    judge(at && bf_section_text(at, s.raw_size, &text, &len) == BF_ERR_NOT_FOUND,
          "configuration section well formed and empty");
}

static uint8_t *read_file(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *bytes = malloc(4 * SIZE_LIMIT);
    ssize_t got = 0;

    *size = 0;
    while (bytes && fd >= 0 &&
           (got = read(fd, bytes + *size, (size_t)4 * SIZE_LIMIT - *size)) > 0)
        *size += (size_t)got;
    if (fd >= 0)
        close(fd);
    return bytes;
}

int main(int argc, char **argv)
{
    struct image image = {0};
    uint8_t *bytes;

    if (argc != 2) {
        fprintf(stderr, "usage: pe_check IMAGE\n");
        return 2;
    }
    image.bytes = bytes = read_file(argv[1], &image.size);
    if (!bytes || !open_image(&image)) {
        judge(false, "a PE32+ image");
    } else {
        judge_headers(&image);
        judge_sections(&image);
        judge_contents(&image);
        printf("# %zu bytes\n", image.size);
    }
    free(bytes);
    return failed;
}
