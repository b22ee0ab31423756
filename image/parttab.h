// SPDX-License-Identifier: Apache-2.0
// Partition tables: GPT (UEFI 2.10, 5.3) with its checksums and its backup, and MBR with logical
// partitions (extended partitions, types 05, 0f and 85). Read only, and read as Linux reads them
// (block/partitions/msdos.c and efi.c): an MBR entry with a size is a partition whatever its type,
// and is cut where the disk ends. Every number on the disk is hostile: chains and arrays are
// bounded, and a table that contradicts itself is reported as doubtful.
#ifndef BF_IMAGE_PARTTAB_H
#define BF_IMAGE_PARTTAB_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    BF_PARTITIONS_MAX = 1024, // Linux makes devices of the first 255
    BF_EXTENDED_MAX = 4,
};

enum bf_parttab_kind { BF_PARTTAB_NONE = 0, BF_PARTTAB_MBR = 1, BF_PARTTAB_GPT = 2 };

struct bf_partition {
    uint32_t number;  // 1-based: GPT entry, MBR slot 1-4, logical from 5
    uint64_t first;   // bytes
    uint64_t bytes;   // first + bytes lies within the disk; 0: Linux makes no device of the entry,
                      // since it begins (GPT: ends) behind the end of the disk
    uint8_t cut;      // the entry says more: it ends beyond the end of the disk
    uint8_t mbr_type; // MBR only
    uint8_t type_guid[16], guid[16]; // GPT only
    char name[37];                   // GPT only, printable ASCII, '?' for the rest
};

// Bytes of the disk.
struct bf_table_span {
    uint64_t first, bytes;
};

struct bf_parttab {
    enum bf_parttab_kind kind;
    const char *doubt;       // why its entries prove nothing, a constant text; NULL: they are sound
    uint8_t disk_guid[16];   // GPT
    uint32_t mbr_signature;  // MBR disk identifier
    uint8_t primary_damaged; // GPT taken from the backup
    uint8_t backup_damaged;  // the backup is absent or differs in checksum
    uint8_t truncated;       // there were more than BF_PARTITIONS_MAX, or a chain was cut
    uint8_t stray_gpt;       // MBR: set of 1, a GPT at the beginning, and 2, one at the end
    uint32_t count, room;
    struct bf_partition *partition;
    // The blocks that hold the table itself: MBR, every EBR, headers and arrays of GPT.
    uint32_t spans, span_room;
    struct bf_table_span *span;
    uint32_t extendeds; // MBR: the extended partitions, cut where the disk ends
    struct bf_table_span extended[BF_EXTENDED_MAX];
};

// How the parser sees the disk: read gives exactly len bytes at offset or an error.
struct bf_bytes {
    enum bf_err (*read)(void *impl, uint64_t offset, void *out, size_t len);
    void *impl;
    uint64_t bytes;      // size of the disk
    uint32_t block_size; // 512..65536, a power of two
};

// Reads the table into *out, whatever it held before; release it with bf_parttab_free, also after
// an error. BF_OK also when there is none (kind NONE). BF_ERR_CORRUPT: a protective MBR is there
// but neither GPT is valid; doubt says so. Read errors and BF_ERR_NO_MEMORY are passed on.
enum bf_err bf_parttab_read(const struct bf_bytes *disk, struct bf_parttab *out);
void bf_parttab_free(struct bf_parttab *t); // leaves it empty; takes one that is all zero

// CRC-32 as UEFI uses it (IEEE 802.3, reflected). Outside of GPT for tests, which make tables.
uint32_t bf_crc32(const void *bytes, size_t len);
// The same register continued from crc, without inversion at either end.
uint32_t bf_crc32_update(uint32_t crc, const void *bytes, size_t len);

#endif
