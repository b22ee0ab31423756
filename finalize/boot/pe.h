// SPDX-License-Identifier: Apache-2.0
// PE/COFF images, the programs of EFI firmware: headers, sections and the certificate table
// (Microsoft's "PE Format"; UEFI specification 2.10, section 2.1.1). Everything is read by offset
// and checked against the size, so a hostile or a cut file cannot lead out of itself; an image of
// 100 MiB costs its headers.
#ifndef BF_FINALIZE_BOOT_PE_H
#define BF_FINALIZE_BOOT_PE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define BF_PE_SECTIONS_MAX 96
#define BF_PE_SECTION_SIZE 40 // of an entry in the section table
#define BF_PE_NAME         17 // what is longer is cut

// Where the bytes of an image come from: an open file, or memory.
struct bf_blob {
    int fd;                     // borrowed; -1: none
    const unsigned char *bytes; // borrowed; without a file
    uint64_t size;
};

struct bf_pe_section {
    char name[BF_PE_NAME];
    uint32_t address, memory; // virtual address and size
    uint32_t at, size;        // in the file
    uint32_t entry;           // offset of its entry in the section table
};

struct bf_pe {
    uint16_t machine;               // IMAGE_FILE_MACHINE_...
    uint32_t symbols, strings;      // offsets of the tables for debuggers; 0: none
    uint32_t coff, optional, table; // offsets of the headers
    uint32_t directories;           // offset of the data directories; 0: none
    uint32_t section_alignment, file_alignment;
    uint32_t image_size, headers_size;
    uint32_t certificates, certificates_size; // the certificate table; 0: not signed
    uint32_t certificates_entry;              // where the header names it; 0: it has no room
    size_t sections;
    struct bf_pe_section section[BF_PE_SECTIONS_MAX];
};

// Whether there are `len` bytes at `at`, which are then in `buf`.
bool bf_blob_read(const struct bf_blob *b, uint64_t at, void *buf, size_t len);

// BF_ERR_CORRUPT for anything that is not a whole image.
enum bf_err bf_pe_read(const struct bf_blob *b, struct bf_pe *pe);

// The first section of that name, or NULL.
const struct bf_pe_section *bf_pe_find(const struct bf_pe *pe, const char *name);
// How many sections have that name.
size_t bf_pe_count(const struct bf_pe *pe, const char *name);
// The bytes that a section has in memory, as far as the file has them. NUL-terminated, of *len
// bytes, freed by the caller; NULL beyond `cap`, when out of memory, or when they cannot be read.
char *bf_pe_content(const struct bf_blob *b, const struct bf_pe_section *s, size_t cap,
                    size_t *len);

// The number of an architecture's images, by the ending of its loaders' names ("x64"); 0 for none.
uint16_t bf_pe_machine(const char *efi);
// What to call the architecture of an image in a sentence.
const char *bf_pe_machine_name(uint16_t machine);

#endif
