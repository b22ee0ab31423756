// SPDX-License-Identifier: Apache-2.0
// Partition tables: GPT (UEFI 2.10, 5.3) with its checksums and its backup, and MBR with logical
// partitions (extended partitions, types 05, 0f and 85). Read only. Every number on the disk is
// hostile: entries outside the disk are left out, chains are bounded.
#ifndef BF_IMAGE_PARTTAB_H
#define BF_IMAGE_PARTTAB_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { BF_PARTITIONS_MAX = 128 };

enum bf_parttab_kind { BF_PARTTAB_NONE = 0, BF_PARTTAB_MBR = 1, BF_PARTTAB_GPT = 2 };

struct bf_partition {
    uint32_t number;  // 1-based: GPT entry, MBR slot 1-4, logical from 5
    uint64_t first;   // bytes
    uint64_t bytes;   // > 0; first + bytes lies within the disk
    uint8_t mbr_type; // MBR only
    uint8_t type_guid[16], guid[16]; // GPT only
    char name[37];                   // GPT only, printable ASCII, '?' for the rest
};

struct bf_parttab {
    enum bf_parttab_kind kind;
    uint8_t disk_guid[16];    // GPT
    uint32_t mbr_signature;   // MBR disk identifier
    uint8_t primary_damaged;  // GPT taken from the backup
    uint8_t backup_damaged;   // the backup is absent or differs in checksum
    uint8_t truncated;        // there were more than BF_PARTITIONS_MAX, or a chain was cut
    uint32_t count;
    struct bf_partition partition[BF_PARTITIONS_MAX];
};

// How the parser sees the disk: read gives exactly len bytes at offset or an error.
struct bf_bytes {
    enum bf_err (*read)(void *impl, uint64_t offset, void *out, size_t len);
    void *impl;
    uint64_t bytes;      // size of the disk
    uint32_t block_size; // 512..65536, a power of two
};

// Reads the table. BF_OK also when there is none (kind NONE). BF_ERR_CORRUPT: a protective MBR is
// there but neither GPT is valid. Read errors and BF_ERR_NO_MEMORY are passed on.
enum bf_err bf_parttab_read(const struct bf_bytes *disk, struct bf_parttab *out);

// CRC-32 as UEFI uses it (IEEE 802.3, reflected).
uint32_t bf_crc32(const void *bytes, size_t len);

#endif
