// SPDX-License-Identifier: Apache-2.0
// May an NTFS volume be believed? Its flags, its log (Linux-NTFS documentation: "$Volume",
// "$LogFile", and the restart pages as ntfs-3g knows them), and whether a Windows that has this
// volume open lies in hibernation, of which "fast startup" is one kind: then the first page of
// hiberfil.sys in the root folder has something in it. Logs of version 2 belong to volumes that
// Windows has not quite closed.
#include <string.h>

#include "base/bytes.h"
#include "image/usage/ntfs/map.h"

enum {
    VOLUME_DIRTY = 0x1,
    VOLUME_MOUNTED_ON_NT4 = 0x8, // the only flag that asks for nothing
    EMPTY_BYTES = 16384,         // of an emptied log that are looked at
    PAGE_MIN = 512,
    PAGE_MAX = BF_USAGE_SCRATCH,
    RESTART_BYTES = 16, // of the restart area
    RESTART_CLEAN = 2,
    NO_CLIENT = 0xffff,

    INDEX_BYTES_MAX = 4 * 1024 * 1024, // of a root folder that is searched
    INDEX_HEADER = 16,
    ENTRY_HEADER = 16,
    ENTRY_LAST = 2,
    NAME_AT = 66, // of the name in the key of an entry; in front of it its length
    SLEEP_BYTES = 4096,
};

// ---- The volume's flags and log ----------------------------------------------------------------

const char *bf_ntfs_volume_doubt(struct bf_ntfs *n)
{
    struct bf_ntfs_attribute a;
    uint32_t bytes;
    const uint8_t *v = NULL;
    if (bf_ntfs_record(n, BF_NTFS_VOLUME) && bf_ntfs_find(n, BF_NTFS_VOLUME_INFORMATION, NULL, &a))
        v = bf_ntfs_value(&a, 12, &bytes);
    if (!v)
        return "its description of itself ($Volume) is damaged";
    if (v[8] != 3 || v[9] > 1)
        return "its version is unknown";
    if (v[10] & VOLUME_DIRTY)
        return "it is marked as dirty";
    return bf_le16(v + 10) & ~(uint64_t)VOLUME_MOUNTED_ON_NT4
               ? "Windows is due to check or change it"
               : NULL;
}

static int is_filled(const uint8_t *bytes, uint32_t len, uint8_t with)
{
    for (uint32_t i = 0; i < len; i++)
        if (bytes[i] != with)
            return 0;
    return 1;
}

// A restart page says that nobody has the log open, or that the volume is clean all the same.
static int restart_is_clean(struct bf_ntfs *n, uint64_t at, uint32_t page, uint64_t *lsn)
{
    uint8_t *b = n->place.peek->scratch;
    if (!bf_ntfs_read(n, &n->other, at, b, page) || !bf_ntfs_fix(b, page, "RSTR") ||
        bf_le32(b + 16) != page || bf_le16(b + 26) != 1 || bf_le16(b + 28) != 1)
        return 0;
    uint32_t area = bf_le16(b + 24);
    if (area % 8 || area > page - RESTART_BYTES)
        return 0;
    *lsn = bf_le64(b + area);
    return bf_le16(b + area + 12) == NO_CLIENT || bf_le16(b + area + 14) & RESTART_CLEAN;
}

// After a proper end both restart pages say the same.
enum bf_ntfs_state bf_ntfs_log(struct bf_ntfs *n)
{
    struct bf_ntfs_attribute data;
    uint8_t *b = n->place.peek->scratch;
    uint64_t first, second;
    n->place.peek->scratch_owner = NULL;
    if (!bf_ntfs_record(n, BF_NTFS_LOG) || !bf_ntfs_find(n, BF_NTFS_DATA, NULL, &data) ||
        !bf_ntfs_stream(n, &data, &n->other) || n->other.written < EMPTY_BYTES ||
        !bf_ntfs_read(n, &n->other, 0, b, EMPTY_BYTES))
        return BF_NTFS_DIRTY;
    if (is_filled(b, EMPTY_BYTES, 0xff))
        return BF_NTFS_EMPTIED;
    uint64_t page = bf_le32(b + 16);
    if (page < PAGE_MIN || page > PAGE_MAX || !bf_is_power_of_two(page) ||
        n->other.written < 2 * page || !restart_is_clean(n, 0, (uint32_t)page, &first) ||
        !restart_is_clean(n, page, (uint32_t)page, &second) || first != second)
        return BF_NTFS_DIRTY;
    return BF_NTFS_CLEAN;
}

// ---- Hibernation -------------------------------------------------------------------------------

static int is_hibernation_file(const uint8_t *key, uint32_t bytes)
{
    static const char name[] = "hiberfil.sys";
    if (bytes < NAME_AT || key[NAME_AT - 2] != sizeof name - 1 ||
        bytes - NAME_AT < 2 * (sizeof name - 1))
        return 0;
    for (uint32_t i = 0; i < sizeof name - 1; i++) {
        uint32_t unit = bf_le16(key + NAME_AT + 2 * i);
        if ((unit >= 'A' && unit <= 'Z' ? unit | 0x20 : unit) != (uint8_t)name[i])
            return 0;
    }
    return 1;
}

// Entries of one node of a folder; header points to the header that tells where they are. 0: the
// node is damaged. *file: record of the hibernation file, once it is found.
static int search_node(const uint8_t *header, uint32_t bytes, uint64_t *file)
{
    uint64_t at, end;
    if (bytes < INDEX_HEADER)
        return 0;
    at = bf_le32(header);
    end = bf_le32(header + 4);
    if (at < INDEX_HEADER || end > bytes)
        return 0;
    while (at <= end && end - at >= ENTRY_HEADER) {
        const uint8_t *e = header + at;
        uint64_t len = bf_le16(e + 8), key = bf_le16(e + 10);
        if (bf_le16(e + 12) & ENTRY_LAST)
            return 1;
        if (len < ENTRY_HEADER || len % 8 || len > end - at || key > len - ENTRY_HEADER)
            return 0;
        if (is_hibernation_file(e + ENTRY_HEADER, (uint32_t)key))
            *file = bf_le(e, 6);
        at += len;
    }
    return 0;
}

// All nodes of the root folder outside of its record, whatever their order: names sort by a table
// of the volume. Nodes that were never in use are zero.
static int search_nodes(struct bf_ntfs *n, uint32_t node, uint64_t *file)
{
    struct bf_ntfs_attribute a;
    uint8_t *b = n->place.peek->scratch;
    n->place.peek->scratch_owner = NULL;
    if (!bf_ntfs_find(n, BF_NTFS_INDEX_ALLOCATION, "$I30", &a) ||
        !bf_ntfs_stream(n, &a, &n->other) || n->other.bytes > INDEX_BYTES_MAX)
        return 0;
    for (uint64_t at = 0; at + node <= n->other.written; at += node) {
        if (!bf_ntfs_read(n, &n->other, at, b, node))
            return 0;
        if (is_filled(b, 4, 0))
            continue;
        if (!bf_ntfs_fix(b, node, "INDX") || !search_node(b + 24, node - 24, file))
            return 0;
    }
    return 1;
}

static int find_hibernation_file(struct bf_ntfs *n, uint64_t *file)
{
    struct bf_ntfs_attribute root, more;
    uint32_t bytes;
    const uint8_t *v;
    *file = 0;
    if (!bf_ntfs_record(n, BF_NTFS_ROOT) ||
        bf_le16(n->record + 22) != (BF_NTFS_IN_USE | BF_NTFS_FOLDER) ||
        bf_ntfs_find(n, BF_NTFS_ATTRIBUTE_LIST, NULL, &more) ||
        !bf_ntfs_find(n, BF_NTFS_INDEX_ROOT, "$I30", &root) ||
        !(v = bf_ntfs_value(&root, 16 + INDEX_HEADER, &bytes)) ||
        !search_node(v + 16, bytes - 16, file))
        return 0;
    uint64_t node = bf_le32(v + 8);
    if (!(v[16 + 12] & 1)) // it has no other nodes
        return 1;
    return node >= BF_NTFS_STRIDE && node <= BF_USAGE_SCRATCH && bf_is_power_of_two(node) &&
           search_nodes(n, (uint32_t)node, file);
}

enum bf_ntfs_sleep bf_ntfs_sleep(struct bf_ntfs *n)
{
    struct bf_ntfs_attribute data;
    uint8_t *b = n->place.peek->scratch;
    uint64_t file;
    n->place.peek->scratch_owner = NULL;
    if (!find_hibernation_file(n, &file))
        return BF_NTFS_CANNOT_TELL;
    if (!file)
        return BF_NTFS_AWAKE;
    if (!bf_ntfs_record(n, file) || !bf_ntfs_find(n, BF_NTFS_DATA, NULL, &data))
        return BF_NTFS_CANNOT_TELL;
    // On a volume without a Windows of its own it is short, and says that one has it open.
    if (!bf_ntfs_stream(n, &data, &n->other) || n->other.bytes < SLEEP_BYTES)
        return BF_NTFS_ASLEEP;
    if (!n->other.written)
        return BF_NTFS_AWAKE;
    if (!bf_ntfs_read(n, &n->other, 0, b, SLEEP_BYTES))
        return BF_NTFS_CANNOT_TELL;
    // Once Windows is up again, it has marked the file so, or cleared it.
    return is_filled(b, SLEEP_BYTES, 0) || memcmp(b, "wake", 4) == 0 || memcmp(b, "WAKE", 4) == 0
               ? BF_NTFS_AWAKE
               : BF_NTFS_ASLEEP;
}
