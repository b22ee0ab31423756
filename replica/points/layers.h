// SPDX-License-Identifier: Apache-2.0
// The files of a replica's disks: where they lie in the state, and how a layer is made. A layer is
// a qcow2 file; layer numbers count upwards per disk and are never used twice for sealed contents.
#ifndef BF_REPLICA_POINTS_LAYERS_H
#define BF_REPLICA_POINTS_LAYERS_H

#include <stdint.h>

#include "base/err.h"
#include "image/manifest.h"
#include "replica/state/state.h"

enum { BF_LAYER_PATH_MAX = 128 };

// "machines/NAME/disk-N", and below it "layer-000001.qcow2", "layer-000001.manifest" (of a sealed
// layer) and "working".
void bf_layer_folder(char out[BF_LAYER_PATH_MAX], const char *machine, uint16_t disk);
void bf_layer_file(char out[BF_LAYER_PATH_MAX], const char *machine, uint16_t disk, uint32_t layer);
void bf_layer_manifest(char out[BF_LAYER_PATH_MAX], const char *machine, uint16_t disk,
                       uint32_t layer);
#define BF_WORKING_NAME "working"

// Makes the folders of a disk, durable. Harmless when they exist.
enum bf_err bf_layer_make_folder(const struct bf_state *state, const char *machine, uint16_t disk,
                                 struct bf_fault *fault);

// Makes an empty qcow2 file of this virtual size, durable when it returns; replaces a file that a
// killed program left there. backing: path relative to the new file's folder, or NULL. chunk_size:
// the unit of writes that follows, which decides about the cluster size; 0: small writes anywhere.
enum bf_err bf_layer_make(const struct bf_state *state, const char *path, uint64_t bytes,
                          uint32_t chunk_size, const char *backing, struct bf_fault *fault);

// The files that make up one disk, topmost first; every one is qcow2 with the next one as backing.
struct bf_image_layer {
    char path[128]; // relative to the state directory
};
struct bf_image_chain {
    uint64_t bytes;      // virtual size
    uint32_t block_size; // of the source's disk
    uint32_t layers;
    struct bf_image_layer *layer; // layers of them
};
void bf_image_chain_free(struct bf_image_chain *chain);
// The sealed layers of a disk below and including layer, topmost first; live: layer itself is the
// one being written. Free with bf_image_chain_free.
enum bf_err bf_layer_chain(struct bf_db *db, const char *machine, uint16_t disk, uint32_t layer,
                           int live, struct bf_image_chain *chain, struct bf_fault *fault);

// fsync of a file or folder, relative to the state directory.
enum bf_err bf_layer_sync(const struct bf_state *state, const char *path, struct bf_fault *fault);

#endif
