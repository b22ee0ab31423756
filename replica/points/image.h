// SPDX-License-Identifier: Apache-2.0
// Recovery points and finalized objects as images that can be read: chains of qcow2 files, every
// format named and none probed, exports, verification, and overlays for the finalizer. Works beside
// a running daemon: what is named here is never written by it.
#ifndef BF_REPLICA_POINTS_IMAGE_H
#define BF_REPLICA_POINTS_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "replica/state/db.h"
#include "replica/points/layers.h"
#include "replica/state/state.h"

// NAME, NAME@POINT or NAME@POINT/K.
struct bf_image_ref {
    char machine[BF_NAME_MAX];
    uint32_t point;  // 0 in text without @POINT; bf_image_resolve puts the latest
    uint32_t object; // K; 0: the point itself
};
// BF_ERR_RANGE when it is not of that form.
enum bf_err bf_image_ref_parse(const char *text, struct bf_image_ref *ref);
// Puts the latest sealed point where none was named, and checks that what is named exists and is
// complete. BF_ERR_NOT_FOUND with a fault that says what is missing.
enum bf_err bf_image_resolve(struct bf_state *state, struct bf_image_ref *ref,
                             struct bf_fault *fault);
void bf_image_ref_text(const struct bf_image_ref *ref, char out[96]);

// disk: the number within the replica. ref must be resolved. Free with bf_image_chain_free.
enum bf_err bf_image_chain(struct bf_state *state, const struct bf_image_ref *ref, uint16_t disk,
                           struct bf_image_chain *chain, struct bf_fault *fault);

typedef void bf_image_progress(void *user, uint64_t done, uint64_t total);

enum bf_image_format { BF_IMAGE_RAW, BF_IMAGE_QCOW2 };
// Writes the disk into a new file (0600, sparse, synced), under a temporary name until complete.
// BF_ERR_EXISTS: the file is there already. progress may be NULL.
enum bf_err bf_image_export(struct bf_state *state, const struct bf_image_ref *ref, uint16_t disk,
                            enum bf_image_format format, const char *file,
                            bf_image_progress *progress, void *user, struct bf_fault *fault);

// The same for a chain of files that the caller has.
enum bf_err bf_image_export_chain(struct bf_state *state, const struct bf_image_chain *chain,
                                  uint16_t disk, enum bf_image_format format, const char *file,
                                  bf_image_progress *progress, void *user, struct bf_fault *fault);

struct bf_image_verdict {
    uint64_t chunks, bytes;            // re-read and compared
    uint64_t damaged;                  // chunks that differ
    uint64_t first_damaged;            // valid when damaged > 0
    uint64_t unused, unreadable, zero; // chunks by state
    struct bf_digest root;             // computed from the manifest, checked with the database's
};
// Re-reads one disk of a point and compares every digest with its sealed manifest, and the
// manifest's root with the database. BF_ERR_CORRUPT: something differs (the verdict says how much).
enum bf_err bf_image_verify(struct bf_state *state, const struct bf_image_ref *ref, uint16_t disk,
                            bf_image_progress *progress, void *user,
                            struct bf_image_verdict *verdict, struct bf_fault *fault);

// Finalized objects. begin makes the next K of a point: one writable qcow2 overlay per disk in a
// folder of its own, known to the database as "making". end makes it complete (synced), or removes
// it with all its files when keep is 0. What a killed command left is removed at the daemon's
// start.
struct bf_image_object {
    struct bf_image_ref ref;
    char folder[128]; // relative to the state directory; reports and undo data may be put here
    uint16_t disks;
    uint16_t disk[BF_PROTO_DISKS_MAX]; // numbers within the replica
    int lock;                          // descriptor that marks it as in work
};
// disk_file gives the overlay's path, relative to the state directory.
enum bf_err bf_image_object_begin(struct bf_state *state, const struct bf_image_ref *point,
                                  struct bf_image_object *object, struct bf_fault *fault);
void bf_image_object_file(const struct bf_image_object *object, uint16_t disk, char out[128]);
enum bf_err bf_image_object_end(struct bf_state *state, struct bf_image_object *object, int keep,
                                struct bf_fault *fault);
// Removes a finalized object with its files, whatever state it is in. Harmless when it is gone. Its
// number is not given again. BF_ERR_BUSY: it is in work.
enum bf_err bf_image_object_drop(struct bf_state *state, const struct bf_image_ref *ref,
                                 struct bf_fault *fault);

#endif
