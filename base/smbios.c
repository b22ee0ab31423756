// SPDX-License-Identifier: Apache-2.0
// SMBIOS entry points and structures (DSP0134 3.6). The table is read from memory that the firmware
// filled, so nothing in it is believed: each structure is taken only when its formatted area and
// both ending NULs of its strings lie within the table.
#include "base/smbios.h"

#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"

enum {
    ENTRY2_BYTES = 31, // 5.2.1
    ENTRY3_BYTES = 24, // 5.2.2
    HEADER_BYTES = 4,
    TYPE_FIRMWARE = 0,
    TYPE_SYSTEM = 1,
    TYPE_PROCESSOR = 4,
    TYPE_OEM_STRINGS = 11,
    TYPE_MEMORY = 17,
    TYPE_END = 127,
};

// ---- Entry points ------------------------------------------------------------------------------

static int sums_to_zero(const uint8_t *bytes, size_t len)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum == 0;
}

static enum bf_err parse_entry2(const uint8_t *e, size_t len, struct bf_smbios_entry *out)
{
    if (len < ENTRY2_BYTES || memcmp(e + 16, "_DMI_", 5) != 0 || !sums_to_zero(e + 16, 15))
        return BF_ERR_CORRUPT;
    out->length = bf_le16(e + 22);
    out->address = bf_le32(e + 24);
    return out->length && out->address ? BF_OK : BF_ERR_CORRUPT;
}

static enum bf_err parse_entry3(const uint8_t *e, size_t len, struct bf_smbios_entry *out)
{
    if (len < ENTRY3_BYTES || e[6] < ENTRY3_BYTES || e[6] > len || !sums_to_zero(e, e[6]))
        return BF_ERR_CORRUPT;
    out->length = bf_le32(e + 12);
    out->address = bf_le64(e + 16);
    return out->length && out->address ? BF_OK : BF_ERR_CORRUPT;
}

enum bf_err bf_smbios_entry_parse(const void *entry, size_t len, struct bf_smbios_entry *out)
{
    memset(out, 0, sizeof *out);
    if (len >= 5 && memcmp(entry, "_SM3_", 5) == 0)
        return parse_entry3(entry, len, out);
    if (len >= 4 && memcmp(entry, "_SM_", 4) == 0)
        return parse_entry2(entry, len, out);
    return BF_ERR_CORRUPT;
}

// ---- Structures --------------------------------------------------------------------------------

struct structure {
    uint8_t type;
    uint16_t handle;
    const uint8_t *formatted; // begins with type, length, handle
    uint8_t length;           // of the formatted area, >= 4
    const char *strings;      // NUL-terminated strings; an empty one ends them
    size_t strings_len;       // with both ending NULs
};

struct walk {
    const uint8_t *at, *end;
};

static void begin_walk(struct walk *walk, const void *table, size_t len)
{
    walk->at = table;
    walk->end = walk->at + len;
}

// Bytes up to and with the two NULs that end the strings; 0 when they are not there.
static size_t strings_length(const uint8_t *at, size_t left)
{
    for (size_t i = 0; i + 1 < left; i++)
        if (!at[i] && !at[i + 1])
            return i + 2;
    return 0;
}

// The next structure; 0 at the end-of-table structure (type 127) or at anything malformed.
static int next_structure(struct walk *walk, struct structure *out)
{
    size_t left = (size_t)(walk->end - walk->at);
    const uint8_t *at = walk->at;
    if (left < HEADER_BYTES || at[1] < HEADER_BYTES || at[1] > left || at[0] == TYPE_END)
        return 0;
    size_t strings = strings_length(at + at[1], left - at[1]);
    if (!strings)
        return 0;
    out->type = at[0];
    out->length = at[1];
    out->handle = bf_le16(at + 2);
    out->formatted = at;
    out->strings = (const char *)at + at[1];
    out->strings_len = strings;
    walk->at = at + at[1] + strings;
    return 1;
}

// The n-th string; NULL when there are fewer. Each lies before the two NULs that end them all.
static const char *find_string(const struct structure *s, uint32_t n)
{
    const char *at = s->strings, *end = s->strings + s->strings_len;
    if (!n)
        return NULL;
    while (at < end && *at) {
        if (!--n)
            return at;
        at += strlen(at) + 1;
    }
    return NULL;
}

// String number n (1-based) of a structure as printable ASCII, trimmed; empty when there is none.
static void string_of(const struct structure *s, uint8_t n, char *out, size_t size)
{
    const char *text = find_string(s, n);
    size_t len = 0;
    if (!size)
        return;
    while (text && *text == ' ')
        text++;
    for (; text && text[len] && len + 1 < size; len++)
        out[len] = text[len] >= 0x20 && text[len] < 0x7f ? text[len] : '?';
    while (len && out[len - 1] == ' ')
        len--;
    out[len] = 0;
}

// ---- Facts -------------------------------------------------------------------------------------

// A field of the formatted area; older structures are shorter, their missing fields read as zero.
static uint64_t field(const struct structure *s, size_t at, size_t len)
{
    return s->length < at + len ? 0 : bf_le(s->formatted + at, len);
}

static void take_system(const struct structure *s, struct bf_smbios_facts *out)
{
    enum { MANUFACTURER = 4, PRODUCT = 5, SERIAL = 7, UUID = 8 };
    char hex[33];
    string_of(s, (uint8_t)field(s, MANUFACTURER, 1), out->vendor, sizeof out->vendor);
    string_of(s, (uint8_t)field(s, PRODUCT, 1), out->product, sizeof out->product);
    string_of(s, (uint8_t)field(s, SERIAL, 1), out->serial, sizeof out->serial);
    uint64_t low = field(s, UUID, 8), high = field(s, UUID + 8, 8);
    if (s->length < UUID + 16 || (low == 0 && high == 0) ||
        (low == UINT64_MAX && high == UINT64_MAX))
        return;
    // The first three fields are little-endian (7.2.1).
    const uint8_t *u = s->formatted + UUID;
    const uint8_t swapped[16] = {u[3], u[2], u[1],  u[0],  u[5],  u[4],  u[7],  u[6],
                                 u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]};
    bf_hex(hex, swapped, sizeof swapped);
    bf_snprintf(out->uuid, sizeof out->uuid, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                hex + 16, hex + 20);
}

static void take_processor(const struct structure *s, struct bf_smbios_facts *out)
{
    enum { VERSION = 0x10, STATUS = 0x18, THREADS = 0x25, THREADS2 = 0x2e, POPULATED = 0x40 };
    uint32_t threads = (uint32_t)field(s, THREADS, 1);
    if (!(field(s, STATUS, 1) & POPULATED))
        return;
    if (threads == 0xff) // said in the wider field
        threads = (uint32_t)field(s, THREADS2, 2);
    out->sockets++;
    out->threads = (uint16_t)(threads > 0xffffu - out->threads ? 0xffff : out->threads + threads);
    if (!out->processor[0])
        string_of(s, (uint8_t)field(s, VERSION, 1), out->processor, sizeof out->processor);
}

// The size of a memory device in bytes (7.18.4 and 7.18.5); 0 when empty or not known.
static uint64_t memory_size(const struct structure *s)
{
    enum { SIZE = 0x0c, EXTENDED = 0x1c, KIB = 0x8000, UNKNOWN = 0xffff, WIDE = 0x7fff };
    uint64_t size = field(s, SIZE, 2);
    if (size == UNKNOWN)
        return 0;
    if (size == WIDE)
        return (field(s, EXTENDED, 4) & 0x7fffffff) << 20;
    return size & KIB ? (size & ~(uint64_t)KIB) << 10 : size << 20;
}

void bf_smbios_facts(const void *table, size_t len, struct bf_smbios_facts *out)
{
    enum { FIRMWARE_VENDOR = 4 };
    struct walk walk;
    struct structure s;
    memset(out, 0, sizeof *out);
    begin_walk(&walk, table, len);
    while (next_structure(&walk, &s)) {
        if (s.type == TYPE_FIRMWARE && !out->firmware_vendor[0])
            string_of(&s, (uint8_t)field(&s, FIRMWARE_VENDOR, 1), out->firmware_vendor,
                      sizeof out->firmware_vendor);
        else if (s.type == TYPE_SYSTEM && !out->vendor[0])
            take_system(&s, out);
        else if (s.type == TYPE_PROCESSOR)
            take_processor(&s, out);
        else if (s.type == TYPE_MEMORY)
            out->memory_bytes += memory_size(&s);
    }
}

enum bf_err bf_smbios_oem_strings(const void *table, size_t len,
                                  enum bf_err (*use)(void *user, const char *text), void *user)
{
    struct walk walk;
    struct structure s;
    begin_walk(&walk, table, len);
    while (next_structure(&walk, &s)) {
        if (s.type != TYPE_OEM_STRINGS)
            continue;
        const char *text;
        for (uint32_t n = 1; (text = find_string(&s, n)) != NULL; n++) {
            enum bf_err err = use(user, text);
            if (err != BF_OK)
                return err;
        }
    }
    return BF_OK;
}
