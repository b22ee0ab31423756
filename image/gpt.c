// SPDX-License-Identifier: Apache-2.0
// GPT (UEFI 2.10, 5.3): both headers and both entry arrays with their checksums. An array is read
// block by block, twice: first for its checksum, then for its contents.
#include "image/gpt.h"

#include <string.h>

#include "base/bytes.h"
#include "base/cursor.h"

enum {
    HEADER_MIN = 92,
    CRC_AT = 16, // of the header, zero while it is computed
    ENTRY_MIN = 128,
    ENTRY_MAX = 4096,
    ARRAY_MAX = 4194304, // bytes; 128 entries take 16384; Linux takes no more than this
    NAME_CHARS = 36,
};

struct header {
    uint64_t alternate, first_usable, last_usable, entries_at; // blocks
    uint32_t entries, entry_bytes, entries_crc;
    uint8_t guid[16];
};

// ---- Checksum ----------------------------------------------------------------------------------

uint32_t bf_crc32_update(uint32_t crc, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    static const uint32_t nibble[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    for (size_t i = 0; i < len; i++) {
        crc ^= at[i];
        crc = crc >> 4 ^ nibble[crc & 15];
        crc = crc >> 4 ^ nibble[crc & 15];
    }
    return crc;
}

uint32_t bf_crc32(const void *bytes, size_t len)
{
    return ~bf_crc32_update(UINT32_MAX, bytes, len);
}

// ---- Header ------------------------------------------------------------------------------------

static int header_crc_ok(const uint8_t *block, uint32_t size)
{
    static const uint8_t zero[4];
    uint32_t crc = bf_crc32_update(UINT32_MAX, block, CRC_AT);
    crc = bf_crc32_update(crc, zero, sizeof zero);
    crc = bf_crc32_update(crc, block + CRC_AT + 4, size - CRC_AT - 4);
    return ~crc == bf_le32(block + CRC_AT);
}

static int entry_size_ok(uint32_t bytes)
{
    return bytes >= ENTRY_MIN && bytes <= ENTRY_MAX && bf_is_power_of_two(bytes);
}

static int array_ok(const struct bf_bytes *disk, const struct header *h)
{
    uint64_t bytes = (uint64_t)h->entries * h->entry_bytes;
    uint64_t blocks = disk->bytes / disk->block_size;
    if (!entry_size_ok(h->entry_bytes) || !h->entries || bytes > ARRAY_MAX)
        return 0;
    uint64_t need = (bytes + disk->block_size - 1) / disk->block_size;
    return h->entries_at >= 1 && h->entries_at < blocks && need <= blocks - h->entries_at;
}

static int parse_header(const struct bf_bytes *disk, const uint8_t *block, uint64_t lba,
                        struct header *h)
{
    struct bf_reader r;
    bf_reader_init(&r, block, disk->block_size);
    const uint8_t *signature = bf_get_span(&r, 8);
    bf_skip(&r, 4); // revision: every one so far is compatible
    uint32_t size = bf_get_u32(&r);
    bf_skip(&r, 8); // checksum, reserved
    uint64_t mine = bf_get_u64(&r);
    h->alternate = bf_get_u64(&r);
    h->first_usable = bf_get_u64(&r);
    h->last_usable = bf_get_u64(&r);
    bf_get_bytes(&r, h->guid, sizeof h->guid);
    h->entries_at = bf_get_u64(&r);
    h->entries = bf_get_u32(&r);
    h->entry_bytes = bf_get_u32(&r);
    h->entries_crc = bf_get_u32(&r);
    return bf_reader_ok(&r) && memcmp(signature, "EFI PART", 8) == 0 && size >= HEADER_MIN &&
           size <= disk->block_size && mine == lba && header_crc_ok(block, size) &&
           array_ok(disk, h);
}

// ---- Entries -----------------------------------------------------------------------------------

static void take_name(const uint8_t *utf16, char *out)
{
    size_t n = 0;
    for (; n < NAME_CHARS && (utf16[2 * n] || utf16[2 * n + 1]); n++)
        out[n] = utf16[2 * n + 1] == 0 && utf16[2 * n] >= 0x20 && utf16[2 * n] < 0x7f
                     ? (char)utf16[2 * n]
                     : '?';
    out[n] = 0;
}

static void add_entry(const struct bf_bytes *disk, const uint8_t *bytes, uint32_t number,
                      struct bf_parttab *out)
{
    static const uint8_t unused[16];
    struct bf_reader r;
    bf_reader_init(&r, bytes, ENTRY_MIN);
    const uint8_t *type = bf_get_span(&r, 16), *guid = bf_get_span(&r, 16);
    uint64_t first = bf_get_u64(&r), last = bf_get_u64(&r);
    bf_skip(&r, 8); // attributes
    if (memcmp(type, unused, sizeof unused) == 0 || last < first || last == UINT64_MAX)
        return;
    struct bf_partition *p = bf_parttab_add(disk, out, number, first, last - first + 1);
    if (!p)
        return;
    if (p->cut) // Linux makes no device of it
        p->bytes = 0;
    memcpy(p->type_guid, type, sizeof p->type_guid);
    memcpy(p->guid, guid, sizeof p->guid);
    take_name(bytes + 56, p->name);
}

// Adds the entries that begin in a piece of the array. An entry larger than a block begins with
// all that is used of it, since ENTRY_MIN divides every block size.
static void add_entries(const struct bf_bytes *disk, const struct header *h, const uint8_t *piece,
                        uint64_t at, uint64_t len, struct bf_parttab *out)
{
    uint64_t index = (at + h->entry_bytes - 1) / h->entry_bytes;
    for (; index * h->entry_bytes < at + len; index++)
        add_entry(disk, piece + (index * h->entry_bytes - at), (uint32_t)index + 1, out);
}

static uint64_t piece_len(const struct bf_bytes *disk, const struct header *h, uint64_t at)
{
    uint64_t left = (uint64_t)h->entries * h->entry_bytes - at;
    return left < disk->block_size ? left : disk->block_size;
}

// One pass over the array: computes the checksum, and adds to out unless it is NULL.
static enum bf_err walk_array(const struct bf_bytes *disk, const struct header *h, uint8_t *block,
                              struct bf_parttab *out, uint32_t *crc)
{
    uint64_t total = (uint64_t)h->entries * h->entry_bytes;
    *crc = UINT32_MAX;
    for (uint64_t at = 0; at < total; at += disk->block_size) {
        uint64_t len = piece_len(disk, h, at);
        enum bf_err err =
            disk->read(disk->impl, h->entries_at * disk->block_size + at, block, disk->block_size);
        if (err != BF_OK)
            return err;
        *crc = bf_crc32_update(*crc, block, (size_t)len);
        if (out)
            add_entries(disk, h, block, at, len, out);
    }
    *crc = ~*crc;
    return BF_OK;
}

// BF_OK: the header at lba and its array are valid. BF_ERR_CORRUPT, or a read error.
static enum bf_err check_copy(const struct bf_bytes *disk, uint64_t lba, uint8_t *block,
                              struct header *h)
{
    uint32_t crc;
    if (lba < 1 || lba >= disk->bytes / disk->block_size)
        return BF_ERR_CORRUPT;
    enum bf_err err = disk->read(disk->impl, lba * disk->block_size, block, disk->block_size);
    if (err != BF_OK)
        return err;
    if (!parse_header(disk, block, lba, h))
        return BF_ERR_CORRUPT;
    err = walk_array(disk, h, block, NULL, &crc);
    return err == BF_OK && crc != h->entries_crc ? BF_ERR_CORRUPT : err;
}

static int same(const struct header *a, const struct header *b)
{
    return a->entries_crc == b->entries_crc && memcmp(a->guid, b->guid, sizeof a->guid) == 0;
}

// A header and its array are blocks of the table. 0 without memory.
static int add_spans(const struct bf_bytes *disk, const struct header *h, uint64_t lba,
                     struct bf_parttab *out)
{
    uint64_t bytes = (uint64_t)h->entries * h->entry_bytes;
    return bf_parttab_span(disk, out, lba, 1) &&
           bf_parttab_span(disk, out, h->entries_at,
                           (bytes + disk->block_size - 1) / disk->block_size);
}

// What Linux would not believe (efi.c, is_gpt_valid), and copies that tell different stories.
static void judge(const struct bf_bytes *disk, const struct header *h, const struct header *other,
                  struct bf_parttab *out)
{
    uint64_t last = disk->bytes / disk->block_size - 1;
    if (out->primary_damaged)
        bf_parttab_doubt(out, "its primary GPT is damaged");
    if (h->first_usable > h->last_usable || h->last_usable > last)
        bf_parttab_doubt(out, "its GPT was made for a larger disk");
    if (other && !same(h, other))
        bf_parttab_doubt(out, "the two copies of its GPT differ");
}

static enum bf_err take(const struct bf_bytes *disk, const struct header *primary,
                        const struct header *backup, uint8_t *block, struct bf_parttab *out)
{
    const struct header *h = primary ? primary : backup;
    uint64_t last = disk->bytes / disk->block_size - 1;
    uint32_t crc;
    out->primary_damaged = !primary;
    out->backup_damaged = !backup || (primary && !same(primary, backup));
    out->kind = BF_PARTTAB_GPT;
    memcpy(out->disk_guid, h->guid, sizeof out->disk_guid);
    if ((primary && !add_spans(disk, primary, 1, out)) ||
        (backup && !add_spans(disk, backup, primary ? primary->alternate : last, out)))
        return BF_ERR_NO_MEMORY;
    judge(disk, h, primary ? backup : NULL, out);
    return walk_array(disk, h, block, out, &crc);
}

enum bf_err bf_gpt_read(const struct bf_bytes *disk, uint8_t *block, struct bf_parttab *out)
{
    struct header primary, backup, stray;
    uint64_t last = disk->bytes / disk->block_size - 1;
    enum bf_err first = check_copy(disk, 1, block, &primary);
    // A disk that grew keeps its backup where its primary says; without one, at the end.
    uint64_t at = first == BF_OK ? primary.alternate : last;
    enum bf_err second = check_copy(disk, at, block, &backup);
    if (first != BF_OK && second != BF_OK)
        return first != BF_ERR_CORRUPT ? first : second;
    // Another one at the end, which this primary does not know, may be that of another table.
    if (at != last && check_copy(disk, last, block, &stray) == BF_OK &&
        (!same(&primary, &stray) || !add_spans(disk, &stray, last, out)))
        bf_parttab_doubt(out, "a second GPT, at the end of the disk, differs from the first");
    return take(disk, first == BF_OK ? &primary : NULL, second == BF_OK ? &backup : NULL, block,
                out);
}

enum bf_err bf_gpt_behind(const struct bf_bytes *disk, uint8_t *block, uint8_t *found)
{
    struct header h;
    enum bf_err first = check_copy(disk, 1, block, &h);
    enum bf_err last = check_copy(disk, disk->bytes / disk->block_size - 1, block, &h);
    *found = (uint8_t)((first == BF_OK) | (last == BF_OK) << 1);
    if (first && first != BF_ERR_CORRUPT)
        return first;
    return last == BF_ERR_CORRUPT ? BF_OK : last;
}
