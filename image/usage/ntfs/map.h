// SPDX-License-Identifier: Apache-2.0
// Inside of the map of NTFS: its boot record, records of the master file table (MFT), runs of
// clusters, and what tells whether the volume may be believed. Names and offsets are those of the
// documentation of the Linux-NTFS project; the layout is little-endian throughout.
#ifndef BF_IMAGE_USAGE_NTFS_MAP_H
#define BF_IMAGE_USAGE_NTFS_MAP_H

#include "image/usage/parts.h"

enum {
    BF_NTFS_STRIDE = 512, // whatever the sector size: the unit of update sequences
    BF_NTFS_RECORD_MAX = 4096,
    BF_NTFS_RUNS_MAX = 320,

    // Records of the MFT that are always where they are.
    BF_NTFS_MFT = 0,
    BF_NTFS_MIRROR = 1,
    BF_NTFS_LOG = 2,
    BF_NTFS_VOLUME = 3,
    BF_NTFS_ROOT = 5,
    BF_NTFS_BITMAP = 6,

    // Types of attributes.
    BF_NTFS_ATTRIBUTE_LIST = 0x20,
    BF_NTFS_VOLUME_INFORMATION = 0x70,
    BF_NTFS_DATA = 0x80,
    BF_NTFS_INDEX_ROOT = 0x90,
    BF_NTFS_INDEX_ALLOCATION = 0xa0,

    BF_NTFS_IN_USE = 1, // flags of a record
    BF_NTFS_FOLDER = 2,
};

struct bf_ntfs_run {
    uint64_t first, count; // clusters
};
// A stream outside of the MFT.
struct bf_ntfs_stream {
    uint32_t runs;
    struct bf_ntfs_run run[BF_NTFS_RUNS_MAX];
    uint64_t bytes, written; // its size; what lies behind `written` reads as zero
};

struct bf_ntfs {
    struct bf_usage_place place;
    uint64_t clusters;
    uint8_t cluster_log;
    uint32_t record_bytes;
    uint64_t mft_cluster, mirror_cluster;
    int mft_whole; // mft has all of the table
    struct bf_ntfs_stream mft, bitmap, other;
    uint8_t record[BF_NTFS_RECORD_MAX], copy[BF_NTFS_RECORD_MAX];
};

// An attribute in a record.
struct bf_ntfs_attribute {
    const uint8_t *at;
    uint32_t bytes;
};

// Takes the update sequence out of a structure of several strides. 0: it was torn or is damaged.
int bf_ntfs_fix(uint8_t *bytes, uint32_t len, const char magic[4]);

// Of a stream, its part in bytes [at, at + len). 0: outside of its clusters, or not readable.
int bf_ntfs_read(const struct bf_ntfs *n, const struct bf_ntfs_stream *s, uint64_t at, void *out,
                 uint32_t len);

// Record `number` of the MFT into n->record. 0: it cannot be read or is damaged.
int bf_ntfs_record(struct bf_ntfs *n, uint64_t number);

// The attributes of n->record in turn: start with an empty one. 0: no more; *bad when the record is
// damaged.
int bf_ntfs_next(const struct bf_ntfs *n, struct bf_ntfs_attribute *a, int *bad);

// The only attribute of a type in n->record, with this name or without any (NULL). 0: none, or
// several, or the record is damaged.
int bf_ntfs_find(const struct bf_ntfs *n, uint32_t type, const char *name,
                 struct bf_ntfs_attribute *a);
int bf_ntfs_is_resident(const struct bf_ntfs_attribute *a);
// The value of a resident attribute; NULL when it has fewer than `least` bytes.
const uint8_t *bf_ntfs_value(const struct bf_ntfs_attribute *a, uint32_t least, uint32_t *bytes);

// The runs of an attribute that is not resident, one after the other. Start with {0}.
struct bf_ntfs_cursor {
    uint32_t at;    // of the attribute
    uint64_t first; // cluster
    uint64_t count;
    int hole, bad;
};
// 0: no more; c->bad when they are damaged or leave the volume.
int bf_ntfs_next_run(const struct bf_ntfs *n, const struct bf_ntfs_attribute *a,
                     struct bf_ntfs_cursor *c);

// All of a stream that is neither sparse nor compressed nor encrypted, from its first cluster on,
// as far as this attribute has it. 0: it is something else, or damaged.
int bf_ntfs_stream(const struct bf_ntfs *n, const struct bf_ntfs_attribute *a,
                   struct bf_ntfs_stream *s);

// Opens the MFT: the boot record and record 0. 0: it is inconsistent.
int bf_ntfs_open(struct bf_ntfs *n);

// Whether the mirror of the first records agrees with them.
int bf_ntfs_mirror_fits(struct bf_ntfs *n);

enum bf_ntfs_state {
    BF_NTFS_CLEAN,   // closed properly by an implementation that keeps a log
    BF_NTFS_EMPTIED, // the log was emptied: one that keeps none wrote last, and leaves no other
                     // sign
    BF_NTFS_DIRTY,
};
enum bf_ntfs_state bf_ntfs_log(struct bf_ntfs *n);
// Why its own record of the volume, its flags or its version do not let it be believed; NULL: they
// do.
const char *bf_ntfs_volume_doubt(struct bf_ntfs *n);

enum bf_ntfs_sleep {
    BF_NTFS_AWAKE,
    BF_NTFS_ASLEEP, // there is a hibernation file with something in it
    BF_NTFS_CANNOT_TELL,
};
enum bf_ntfs_sleep bf_ntfs_sleep(struct bf_ntfs *n);

// Whether a Windows is hibernated on a place with the signature of NTFS, for certain.
int bf_ntfs_hibernated(const struct bf_usage_place *place);

enum bf_ntfs_check {
    BF_NTFS_FITS,   // every cluster of every file is used in the bitmap
    BF_NTFS_PARTLY, // so far as was looked: there is too much of it
    BF_NTFS_WRONG,
};
// The files beside the bitmap. Uses n->record.
enum bf_ntfs_check bf_ntfs_check(struct bf_ntfs *n);

#endif
