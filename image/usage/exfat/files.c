// SPDX-License-Identifier: Apache-2.0
// Do the files of an exFAT agree with its allocation bitmap? ("exFAT file system specification",
// section 6, Directory Structure.) Nothing in the bitmap is protected by a checksum, and systems
// are known to take the mark of a volume in use away before the bitmap is on the disk. So every
// folder is read, depth first, and whatever has clusters must have them in the bitmap: in one
// piece, or as the table chains them.
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "image/usage/exfat/map.h"

enum {
    DEPTH_MAX = 64,
    STEP_COST = 8, // of an entry of a folder, or a link of a chain
    TYPE_END = 0,
    TYPE_IN_USE = 0x80,
    TYPE_SECONDARY = 0x40,
    TYPE_BENIGN = 0x20,
    TYPE_STREAM = 0xc0,
    TYPE_FILE = 0x85,
    TYPE_FIRST = 0x81, // bitmap, letters, label
    TYPE_LAST = 0x83,
    FLAG_ALLOCATED = 1,
    FLAG_ONE_PIECE = 2,
    ATTRIBUTE_FOLDER = 0x10,
};

struct folder {
    uint32_t cluster, at; // of the next entry
    uint32_t left;        // clusters in one piece behind this one
    uint8_t one_piece;
    uint8_t is_folder; // the file that the last entry began is one
};

struct walk {
    struct bf_exfat *f;
    struct folder folder[DEPTH_MAX];
    uint32_t depth;
    enum bf_exfat_check found;
};

static int stop(struct walk *w, enum bf_exfat_check found)
{
    w->found = found;
    return 0;
}

static int spend(struct walk *w)
{
    return bf_work_spend(&w->f->place.peek->work, STEP_COST) || stop(w, BF_EXFAT_TOO_MUCH);
}

// A chain of at least so many clusters, to its end.
static int chain_fits(struct walk *w, uint32_t cluster, uint64_t count)
{
    for (uint64_t i = 0; cluster != bf_exfat_end; i++) {
        if (!spend(w))
            return 0;
        if (i == w->f->clusters || !bf_exfat_in_use(w->f, cluster, 1) ||
            !bf_exfat_next(w->f, cluster, &cluster))
            return stop(w, BF_EXFAT_WRONG);
        if (cluster == bf_exfat_end && i + 1 < count)
            return stop(w, BF_EXFAT_WRONG);
    }
    return 1;
}

// Clusters of a file, of a folder, which is then the next to be read, or of something unknown.
static int take_clusters(struct walk *w, const uint8_t *e, int is_folder)
{
    uint32_t first = bf_le32(e + 20);
    uint64_t bytes = bf_le64(e + 24);
    uint64_t count = bytes / w->f->cluster_bytes + (bytes % w->f->cluster_bytes != 0);
    int one_piece = e[1] & FLAG_ONE_PIECE;
    if (!(e[1] & FLAG_ALLOCATED) || (!first && !bytes))
        return 1;
    if (one_piece && !bf_exfat_in_use(w->f, first, count))
        return stop(w, BF_EXFAT_WRONG);
    if (!one_piece && !chain_fits(w, first, count))
        return 0;
    if (!is_folder || !count)
        return 1;
    if (w->depth == DEPTH_MAX)
        return stop(w, BF_EXFAT_TOO_MUCH);
    w->folder[w->depth++] = (struct folder){
        .cluster = first, .left = (uint32_t)(count - 1), .one_piece = one_piece != 0};
    return 1;
}

// From the end of a cluster to the next one of its folder, or out of it.
static int turn_page(struct walk *w, struct folder *at)
{
    if (at->one_piece) {
        at->cluster = at->left ? at->cluster + 1 : bf_exfat_end;
        at->left -= at->left != 0;
    } else if (!bf_exfat_next(w->f, at->cluster, &at->cluster)) {
        return stop(w, BF_EXFAT_WRONG);
    }
    at->at = 0;
    w->depth -= at->cluster == bf_exfat_end;
    return 1;
}

static int take_entry(struct walk *w, struct folder *at, const uint8_t *e)
{
    if (e[0] == TYPE_END) {
        w->depth--;
        return 1;
    }
    if (!(e[0] & TYPE_IN_USE))
        return 1;
    if (e[0] & TYPE_SECONDARY) {
        int is_folder = e[0] == TYPE_STREAM && at->is_folder;
        if (e[0] == TYPE_STREAM)
            at->is_folder = 0;
        return take_clusters(w, e, is_folder);
    }
    if (!(e[0] & TYPE_BENIGN) && e[0] != TYPE_FILE && (e[0] < TYPE_FIRST || e[0] > TYPE_LAST))
        return stop(w, BF_EXFAT_UNKNOWN);
    at->is_folder = e[0] == TYPE_FILE && (e[4] & ATTRIBUTE_FOLDER) != 0;
    return 1;
}

static int step(struct walk *w)
{
    struct folder *at = &w->folder[w->depth - 1];
    uint8_t e[BF_EXFAT_ENTRY];
    if (at->at == w->f->cluster_bytes)
        return turn_page(w, at);
    if (!spend(w))
        return 0;
    if (!bf_exfat_is_cluster(w->f, at->cluster) ||
        bf_place_read(&w->f->place, bf_exfat_byte(w->f, at->cluster) + at->at, e, sizeof e))
        return stop(w, BF_EXFAT_WRONG);
    at->at += BF_EXFAT_ENTRY;
    return take_entry(w, at, e);
}

enum bf_exfat_check bf_exfat_files(struct bf_exfat *f)
{
    struct walk *w = bf_alloc(sizeof *w);
    enum bf_exfat_check found = BF_EXFAT_TOO_MUCH;
    if (!w)
        return found;
    w->f = f;
    w->found = BF_EXFAT_FITS;
    w->folder[w->depth++] = (struct folder){.cluster = f->root};
    while (w->depth && step(w))
        ;
    found = w->found;
    bf_free(w);
    return found;
}
