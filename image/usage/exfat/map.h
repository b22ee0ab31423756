// SPDX-License-Identifier: Apache-2.0
// Inside of the map of exFAT: its clusters, and whether its files agree with its allocation bitmap.
#ifndef BF_IMAGE_USAGE_EXFAT_MAP_H
#define BF_IMAGE_USAGE_EXFAT_MAP_H

#include "image/usage/parts.h"

enum {
    BF_EXFAT_FIRST = 2, // the first cluster
    BF_EXFAT_ENTRY = 32,
    BF_EXFAT_WINDOW = 256,
};
static const uint32_t bf_exfat_end = 0xffffffff; // of a chain

// A little of the table or of the bitmap, so that a chain that goes on nearby takes few reads.
struct bf_exfat_window {
    uint64_t at; // of the place; 0: nothing
    uint8_t bytes[BF_EXFAT_WINDOW];
};

struct bf_exfat {
    struct bf_usage_place place;
    uint64_t fat, heap; // bytes
    uint32_t sector_bytes, clusters, cluster_bytes;
    uint32_t root, bitmap, upcase; // first clusters; 0: not found yet
    uint32_t bitmap_bytes;
    int second_bitmap;
    struct bf_exfat_window links, bits;
};

static inline int bf_exfat_is_cluster(const struct bf_exfat *f, uint32_t cluster)
{
    return cluster >= BF_EXFAT_FIRST && cluster - BF_EXFAT_FIRST < f->clusters;
}

// Where a cluster is in the place.
static inline uint64_t bf_exfat_byte(const struct bf_exfat *f, uint32_t cluster)
{
    return f->heap + (uint64_t)(cluster - BF_EXFAT_FIRST) * f->cluster_bytes;
}

// ---- Clusters (image/usage/exfat/clusters.c) ---------------------------------------------------

// The next cluster of a chain, or bf_exfat_end. 0: there is neither.
int bf_exfat_next(struct bf_exfat *f, uint32_t cluster, uint32_t *next);
// Whether all of so many clusters are there, and in use in the bitmap.
int bf_exfat_in_use(struct bf_exfat *f, uint32_t first, uint64_t count);

// ---- Files (image/usage/exfat/files.c) ---------------------------------------------------------

enum bf_exfat_check {
    BF_EXFAT_FITS,
    BF_EXFAT_WRONG,
    BF_EXFAT_UNKNOWN,  // there is something in a folder that is not known here
    BF_EXFAT_TOO_MUCH, // folders within folders, or work
};
// Whether all that any folder speaks of is in use in the bitmap.
enum bf_exfat_check bf_exfat_files(struct bf_exfat *f);

#endif
