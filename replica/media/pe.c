// SPDX-License-Identifier: Apache-2.0
// The configuration section of a PE32+ image, see pe.h. All offsets come out of the file and are
// checked against its length before use. PE/COFF specification, sections "COFF File Header",
// "Optional Header" and "Section Table".
#include "replica/media/pe.h"

#include <string.h>

#include "base/bytes.h"
#include "base/config.h"
#include "base/cursor.h"

enum {
    DOS_NEW_HEADER = 0x3c, // offset of the PE header
    COFF_SIZE = 20,
    OPTIONAL_MAGIC_PE32_PLUS = 0x20b,
    OPTIONAL_CHECKSUM = 64,
    OPTIONAL_DIRECTORY_COUNT = 108,
    OPTIONAL_DIRECTORIES = 112,
    DIRECTORY_SECURITY = 4,
    SECTION_SIZE = 40,
};

struct pe {
    size_t optional, optional_size; // optional header
    size_t table;                   // section headers
    uint16_t sections;
};

static enum bf_err read_headers(const uint8_t *image, size_t len, struct pe *pe)
{
    struct bf_reader r;
    if (len < DOS_NEW_HEADER + 4 || memcmp(image, "MZ", 2) != 0)
        return BF_ERR_CORRUPT;
    size_t at = bf_le32(image + DOS_NEW_HEADER);
    bf_reader_init(&r, image, len);
    bf_skip(&r, at);
    const uint8_t *signature = bf_get_span(&r, 4);
    bf_skip(&r, 2); // machine
    pe->sections = bf_get_u16(&r);
    bf_skip(&r, 12); // time stamp, symbol table
    pe->optional_size = bf_get_u16(&r);
    bf_skip(&r, 2); // characteristics
    const uint8_t *optional = bf_get_span(&r, pe->optional_size);
    const uint8_t *table = bf_get_span(&r, (size_t)pe->sections * SECTION_SIZE);
    if (!bf_reader_ok(&r) || memcmp(signature, "PE\0\0", 4) != 0 ||
        pe->optional_size < OPTIONAL_DIRECTORIES)
        return BF_ERR_CORRUPT;
    pe->optional = (size_t)(optional - image);
    pe->table = (size_t)(table - image);
    return bf_le16(optional) == OPTIONAL_MAGIC_PE32_PLUS ? BF_OK : BF_ERR_CORRUPT;
}

static int is_signed(const uint8_t *image, const struct pe *pe)
{
    size_t entry = OPTIONAL_DIRECTORIES + DIRECTORY_SECURITY * 8;
    if (bf_le32(image + pe->optional + OPTIONAL_DIRECTORY_COUNT) <= DIRECTORY_SECURITY ||
        pe->optional_size < entry + 8)
        return 0;
    return bf_le32(image + pe->optional + entry + 4) != 0;
}

// Where the section lies in the file. BF_ERR_CORRUPT when the bytes are not a PE32+ image with
// sections inside the file, BF_ERR_NOT_FOUND when it has no such section, BF_ERR_EXISTS when the
// image carries a signature, which a change would break.
static enum bf_err config_section(const uint8_t *image, size_t len, size_t *offset, size_t *size)
{
    static const char wanted[8] = BF_PE_CONFIG_SECTION;
    struct pe pe;
    enum bf_err err = read_headers(image, len, &pe);
    if (err)
        return err;
    if (is_signed(image, &pe))
        return BF_ERR_EXISTS;
    for (uint16_t i = 0; i < pe.sections; i++) {
        size_t header = pe.table + (size_t)i * SECTION_SIZE;
        if (memcmp(image + header, wanted, sizeof wanted) != 0)
            continue;
        uint32_t in_memory = bf_le32(image + header + 8), in_file = bf_le32(image + header + 16);
        *offset = bf_le32(image + header + 20);
        *size = in_memory < in_file ? in_memory : in_file; // what is loaded of the file
        if (*offset > len || *size > len - *offset || *size < sizeof(struct bf_section_header))
            return BF_ERR_CORRUPT;
        return BF_OK;
    }
    return BF_ERR_NOT_FOUND;
}

// Sum of 16-bit words with the carry added back, checksum field left out, plus the length.
static uint32_t checksum(const uint8_t *image, size_t len, size_t field)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i += 2) {
        if (i == field || i == field + 2)
            continue;
        sum += image[i] | (i + 1 < len ? (uint32_t)image[i + 1] << 8 : 0);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum + (uint32_t)len;
}

static void update_checksum(uint8_t *image, size_t len)
{
    struct pe pe;
    if (read_headers(image, len, &pe))
        return;
    size_t field = pe.optional + OPTIONAL_CHECKSUM;
    if (bf_le32(image + field) != 0)
        bf_put_le32(image + field, checksum(image, len, field));
}

static enum bf_err image_fault(struct bf_fault *fault, enum bf_err err)
{
    switch (err) {
    case BF_ERR_EXISTS:
        return bf_fault_set(fault, err, BF_SIDE_CONFIG,
                            "use the unsigned image, and sign the medium with --sign KEY CERT",
                            "the boot image is signed; adding settings would break that");
    case BF_ERR_NOT_FOUND:
        return bf_fault_set(fault, err, BF_SIDE_CONFIG, "use bootferry.efi of this version",
                            "the boot image has no section for a configuration");
    default:
        return bf_fault_set(fault, err, BF_SIDE_CONFIG, "use bootferry.efi of this version",
                            "the boot image is not a PE32+ file with a configuration section");
    }
}

enum bf_err bf_pe_set_config(uint8_t *image, size_t len, const char *text, size_t text_len,
                             struct bf_fault *fault)
{
    struct bf_section_header header;
    size_t offset, size;
    enum bf_err err = config_section(image, len, &offset, &size);
    if (!err && memcmp(image + offset, BF_SECTION_MAGIC, sizeof header.magic) != 0)
        err = BF_ERR_CORRUPT;
    if (err)
        return image_fault(fault, err);
    size_t room = size - sizeof header;
    size_t capacity = bf_le32(image + offset + offsetof(struct bf_section_header, capacity));
    if (capacity > room)
        return image_fault(fault, BF_ERR_CORRUPT);
    if (text_len > capacity)
        return bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_CONFIG, "set fewer keys",
                            "the configuration has %zu bytes, the boot image has room for %zu",
                            text_len, capacity);
    bf_put_le32(image + offset + offsetof(struct bf_section_header, length), (uint32_t)text_len);
    memcpy(image + offset + sizeof header, text, text_len);
    memset(image + offset + sizeof header + text_len, 0, capacity - text_len);
    update_checksum(image, len);
    return BF_OK;
}
