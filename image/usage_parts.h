// SPDX-License-Identifier: Apache-2.0
// Inside of the maps: what image/usage*.c share.
#ifndef BF_IMAGE_USAGE_PARTS_H
#define BF_IMAGE_USAGE_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/block.h"

enum {
    BF_PEEK_LINE = 65536,
    BF_PEEK_LINES = 4,
    BF_USAGE_SCRATCH = 65536, // the largest bitmap of one group: one block
    BF_USAGE_WHY = 80,
};

// A cached reader of small pieces. The first error is final: a disk that fails is not asked again.
struct bf_peek {
    struct bf_source_disk *disk;
    uint64_t bytes;
    uint8_t *line[BF_PEEK_LINES];
    uint64_t at[BF_PEEK_LINES]; // offset of each line, UINT64_MAX: empty
    uint64_t touched[BF_PEEK_LINES], clock;
    enum bf_err failed;

    // One group's bitmap for whoever is asked at the moment.
    uint8_t *scratch;
    const void *scratch_owner;
    uint64_t scratch_tag;
};
enum bf_err bf_peek_read(struct bf_peek *p, uint64_t offset, void *out, size_t len);

// Where a file system may be: a partition, or the whole disk.
struct bf_usage_place {
    struct bf_peek *peek;
    uint64_t first, bytes;
};
// Reads within the place. BF_ERR_RANGE outside of it.
enum bf_err bf_place_read(const struct bf_usage_place *place, uint64_t offset, void *out,
                          size_t len);

struct bf_usage_ops {
    // Like bf_usage_extent, relative to the place; at < bytes. *end may be cut by the caller.
    int (*extent)(void *impl, uint64_t at, uint64_t *end);
};
struct bf_usage_map {
    struct bf_usage_place place;
    const struct bf_usage_ops *ops;
    void *impl; // released with bf_free
    char name[16];
};

// Each kind looks at map->place. BF_OK: ops, impl and name are set. BF_ERR_NOT_FOUND: it is not
// this kind. BF_ERR_UNSUPPORTED: it is, name is set, and why says why it is copied whole.
enum bf_err bf_usage_ext(struct bf_usage_map *map, char why[BF_USAGE_WHY]);
enum bf_err bf_usage_fat(struct bf_usage_map *map, char why[BF_USAGE_WHY]);
enum bf_err bf_usage_swap(struct bf_usage_map *map, char why[BF_USAGE_WHY]);

// Signatures of everything that may lie on a place, as a set. A place with more than one owner
// belongs to nobody: an old signature can outlive the file system that it belonged to.
enum bf_signature {
    BF_SIGNATURE_EXT = 1 << 0,
    BF_SIGNATURE_SWAP = 1 << 1,
    BF_SIGNATURE_HIBERNATION = 1 << 2,
    BF_SIGNATURE_FAT = 1 << 3,
    BF_SIGNATURE_OTHER = 1 << 4, // a file system, volume manager or RAID without a map here
};
enum bf_err bf_signatures(const struct bf_usage_place *place, uint32_t *found);

// CRC-32C (RFC 3720, 12.1; reflected polynomial 82F63B78), continued from crc, without the final
// inversion: as ext4 keeps it.
uint32_t bf_crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
