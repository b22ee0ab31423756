// SPDX-License-Identifier: Apache-2.0
// The configuration section inside the EFI file: a header and text, reserved at build time and
// filled before signing (docs/formats.md).
#include <string.h>

#include "base/config.h"
#include "base/cursor.h"

enum { SECTION_VERSION = 1, SECTION_MAGIC_LEN = 16 };

_Static_assert(sizeof(struct bf_section_header) == 32, "layout of the section's header");

enum bf_err bf_section_text(const void *section, size_t size, const char **text, size_t *len)
{
    struct bf_reader r;
    *text = NULL;
    *len = 0;
    bf_reader_init(&r, section, size);
    const uint8_t *magic = bf_get_span(&r, SECTION_MAGIC_LEN);
    uint32_t version = bf_get_u32(&r);
    uint32_t capacity = bf_get_u32(&r);
    uint32_t length = bf_get_u32(&r);
    uint32_t reserved = bf_get_u32(&r);
    if (!bf_reader_ok(&r) || memcmp(magic, BF_SECTION_MAGIC, SECTION_MAGIC_LEN) != 0)
        return BF_ERR_CORRUPT;
    if (version != SECTION_VERSION || reserved != 0 || capacity > bf_reader_left(&r) ||
        length > capacity || length > BF_CONFIG_TEXT_MAX)
        return BF_ERR_CORRUPT;
    if (!length)
        return BF_ERR_NOT_FOUND;
    *text = (const char *)bf_get_span(&r, length);
    *len = length;
    return BF_OK;
}
