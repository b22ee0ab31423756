// SPDX-License-Identifier: Apache-2.0
// Inside of the map of Btrfs: superblock, checksums, chunks and trees. Layouts are those of Btrfs's
// documentation (btrfs.readthedocs.io, "On-disk format", "Btrees") and of Linux's
// <linux/btrfs_tree.h>; "logical" addresses are those of the file system, "physical" ones of a
// device. Everything that is read is hostile until its checksum, address, generation, owner and
// order have been checked, and even then it is judged for sense.
#ifndef BF_IMAGE_USAGE_BTRFS_MAP_H
#define BF_IMAGE_USAGE_BTRFS_MAP_H

#include "image/usage/parts.h"

enum {
    BF_BTRFS_SUPER_AT = 65536,
    BF_BTRFS_SUPER_BYTES = 4096,
    BF_BTRFS_SUPERS = 3,
    BF_BTRFS_SYSTEM_BYTES = 2048, // of chunk items in the superblock
    BF_BTRFS_SUM_BYTES = 32,
    BF_BTRFS_UUID_BYTES = 16,
    BF_BTRFS_STRIPE = 65536,
    BF_BTRFS_NODE_MAX = BF_USAGE_SCRATCH,
    BF_BTRFS_DEVICES = 32, // and stripes of a chunk
    BF_BTRFS_CACHED = 4,   // chunks
    BF_BTRFS_LEVELS = 8,

    // Owners of trees.
    BF_BTRFS_ROOT_TREE = 1,
    BF_BTRFS_EXTENT_TREE = 2,
    BF_BTRFS_CHUNK_TREE = 3,
    BF_BTRFS_DEV_TREE = 4,
    BF_BTRFS_GROUP_TREE = 11,

    // Types of items.
    BF_BTRFS_ROOT_ITEM = 132,
    BF_BTRFS_EXTENT_ITEM = 168,
    BF_BTRFS_METADATA_ITEM = 169,
    BF_BTRFS_TREE_BLOCK_REF = 176,
    BF_BTRFS_EXTENT_DATA_REF = 178,
    BF_BTRFS_SHARED_BLOCK_REF = 182,
    BF_BTRFS_SHARED_DATA_REF = 184,
    BF_BTRFS_GROUP_ITEM = 192,
    BF_BTRFS_DEV_EXTENT = 204,
    BF_BTRFS_DEV_EXTENT_BYTES = 48,
    BF_BTRFS_DEV_ITEM = 216,
    BF_BTRFS_CHUNK_ITEM = 228,
    BF_BTRFS_TEMPORARY_ITEM = 248, // with BALANCE: one is under way, or paused
    BF_BTRFS_REPLACE_ITEM = 250,

    // Objects that items belong to.
    BF_BTRFS_DEV_ITEMS = 1,
    BF_BTRFS_CHUNKS = 256,

    // Types of chunks.
    BF_BTRFS_DATA = 1 << 0,
    BF_BTRFS_SYSTEM = 1 << 1,
    BF_BTRFS_METADATA = 1 << 2,
    BF_BTRFS_RAID0 = 1 << 3,
    BF_BTRFS_RAID1 = 1 << 4,
    BF_BTRFS_DUP = 1 << 5,
    BF_BTRFS_RAID10 = 1 << 6,
    BF_BTRFS_RAID5 = 1 << 7,
    BF_BTRFS_RAID6 = 1 << 8,
    BF_BTRFS_RAID1C3 = 1 << 9,
    BF_BTRFS_RAID1C4 = 1 << 10,

    // Features.
    BF_BTRFS_INCOMPAT_UUID = 1 << 10, // metadata carry an identity of their own
    BF_BTRFS_RO_GROUP_TREE = 1 << 3,  // block groups have a tree of their own
};

struct bf_btrfs_key {
    uint64_t object;
    uint8_t type;
    uint64_t offset;
};

struct bf_btrfs_item {
    struct bf_btrfs_key key;
    const uint8_t *data; // until something else is read
    uint32_t bytes;
};

struct bf_btrfs_root {
    uint64_t bytenr, generation, owner;
    uint8_t level;
};

// One device, as the chunk tree lists it.
struct bf_btrfs_device {
    uint64_t id, bytes;
    uint8_t uuid[BF_BTRFS_UUID_BYTES];
    const struct bf_usage_place *place;
};

// Rows of `columns` stripes that hold data: chunk->length is rows * columns * STRIPE bytes. Chunks
// that are not striped have one column, of any length.
struct bf_btrfs_chunk {
    uint64_t logical, length, type;
    uint64_t device_bytes; // on each of its devices
    uint32_t stripes, columns, copies, parities;
    struct {
        uint64_t device, physical;
    } stripe[BF_BTRFS_DEVICES];
};

struct bf_btrfs {
    struct bf_usage_place place; // of the device that is mapped
    uint64_t generation;
    uint64_t device; // ID of the mapped one
    uint64_t device_bytes;
    uint32_t sector_bytes, node_bytes, sum_type;
    uint64_t incompat, compat_ro;
    uint8_t fsid[BF_BTRFS_UUID_BYTES]; // of the file system
    uint8_t uuid[BF_BTRFS_UUID_BYTES]; // in nodes and devices
    uint8_t device_uuid[BF_BTRFS_UUID_BYTES];
    uint64_t device_count;
    uint8_t system[BF_BTRFS_SYSTEM_BYTES];
    uint32_t system_bytes;
    struct bf_btrfs_root root, chunks, extents, devs, groups;
    struct bf_btrfs_device member[BF_BTRFS_DEVICES];
    uint32_t members;
    struct bf_btrfs_chunk cached[BF_BTRFS_CACHED];
    uint32_t cache_next;
    uint64_t budget; // bytes of nodes that may still be read in this call
};

// ---- Checksums ---------------------------------------------------------------------------------

// Whether there is code for this type of checksum: 0 CRC-32C, 1 XXH64, 2 SHA-256, 3 BLAKE2b of 256
// bits.
int bf_btrfs_sum_is_supported(uint32_t type);
// Whether the checksum in front of a block (superblock or node) is that of the rest of it. 0 for a
// type that is not supported, and when it takes too much work, which is counted.
int bf_btrfs_sum_fits(struct bf_work *work, uint32_t type, const uint8_t *block, size_t len);

// ---- Superblock --------------------------------------------------------------------------------

// Physical offset of a copy of the superblock: 64 KiB, 64 MiB, 256 GiB.
uint64_t bf_btrfs_super_at(uint32_t copy);
// Reads and judges the superblock of fs->place and its copies. BF_ERR_NOT_FOUND: it is none.
// BF_ERR_UNSUPPORTED with the reason. fs is zero but for its place before.
enum bf_err bf_btrfs_super(struct bf_btrfs *fs, char why[BF_USAGE_WHY]);
// Finds all devices of the file system by their superblocks, which must show the same state, and
// fills fs->member. Errors as above.
enum bf_err bf_btrfs_find_members(struct bf_btrfs *fs, char why[BF_USAGE_WHY]);

// ---- Chunks ------------------------------------------------------------------------------------

// Judges a chunk item. BF_ERR_CORRUPT when it makes no sense, is not known here or lies on a device
// that is not in fs->member.
enum bf_err bf_btrfs_chunk_parse(const struct bf_btrfs *fs, uint64_t logical, const uint8_t *item,
                                 size_t len, struct bf_btrfs_chunk *chunk);
// The chunk that holds a logical address, of those in the superblock: where the chunk tree lies.
enum bf_err bf_btrfs_system_chunk(const struct bf_btrfs *fs, uint64_t logical,
                                  struct bf_btrfs_chunk *chunk);
// The same of the chunks that were kept; BF_ERR_NOT_FOUND: it is none of them.
enum bf_err bf_btrfs_chunk_kept(const struct bf_btrfs *fs, uint64_t logical,
                                struct bf_btrfs_chunk *chunk);
// The same of the item in the chunk tree that should hold the address; keeps the chunk.
enum bf_err bf_btrfs_chunk_keep(struct bf_btrfs *fs, uint64_t logical,
                                const struct bf_btrfs_item *item, struct bf_btrfs_chunk *chunk);
// Which stripe of it lies at this place of a device; chunk->stripes if none does.
uint32_t bf_btrfs_stripe_at(const struct bf_btrfs_chunk *chunk, uint64_t device, uint64_t physical);
// Reads one copy (0 to chunk->copies - 1) of a logical range that lies in one stripe.
enum bf_err bf_btrfs_chunk_read(const struct bf_btrfs *fs, const struct bf_btrfs_chunk *chunk,
                                uint32_t copy, uint64_t logical, void *out, size_t len);

// The offset in the chunk of what lies at an offset of one of its stripes. With parity all stripes
// of a row stand for the whole row: where the row begins.
uint64_t bf_btrfs_to_chunk(const struct bf_btrfs_chunk *chunk, uint32_t stripe, uint64_t offset);
// The other way: the first offset in the stripe that stands for this offset in the chunk or for
// something behind it; with parity the row that it lies in.
uint64_t bf_btrfs_to_stripe(const struct bf_btrfs_chunk *chunk, uint32_t stripe, uint64_t offset);

// ---- Trees -------------------------------------------------------------------------------------

// A walk over the items of one tree in order of their keys.
struct bf_btrfs_walk {
    const struct bf_btrfs_root *root;
    struct bf_btrfs_key next; // the smallest key that is wanted
    uint64_t leaf;            // if it is still the scratch's: item `slot` of it comes next
    uint32_t slot;
    int ended;
};

int bf_btrfs_key_order(const struct bf_btrfs_key *a, const struct bf_btrfs_key *b);
void bf_btrfs_walk(struct bf_btrfs_walk *w, const struct bf_btrfs_root *root,
                   struct bf_btrfs_key from);
// BF_ERR_NOT_FOUND behind the last one, BF_ERR_CORRUPT when the tree cannot be trusted,
// BF_ERR_LIMIT when the budget is spent, or why the disk could not be read.
enum bf_err bf_btrfs_next(struct bf_btrfs *fs, struct bf_btrfs_walk *w, struct bf_btrfs_item *item);
// The last item whose key is not greater. Errors as above.
enum bf_err bf_btrfs_floor(struct bf_btrfs *fs, const struct bf_btrfs_root *root,
                           const struct bf_btrfs_key *key, struct bf_btrfs_item *item);
// The chunk that holds a logical address, kept or from the chunk tree. Errors as above.
enum bf_err bf_btrfs_chunk_of(struct bf_btrfs *fs, uint64_t logical, struct bf_btrfs_chunk *chunk);

// ---- Devices -----------------------------------------------------------------------------------

// Finds out the trees of a file system whose devices are known, and whether they agree with those
// and with each other. Errors as bf_btrfs_super.
enum bf_err bf_btrfs_devices(struct bf_btrfs *fs, char why[BF_USAGE_WHY]);

#endif
