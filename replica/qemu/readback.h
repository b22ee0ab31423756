// SPDX-License-Identifier: Apache-2.0
// Reading a disk back through the storage daemon, over a connection of its own: several requests in
// flight, bounded memory, chunk after chunk in order. For verification, and for finding out what is
// stored after a crash. Waits as replica/state/wait.h says: a storage daemon that hangs ends the
// reading with the fault of bf_qsd_fault, and so does what cancels the thread.
#ifndef BF_REPLICA_QEMU_READBACK_H
#define BF_REPLICA_QEMU_READBACK_H

#include <stdint.h>

#include "base/err.h"
#include "image/manifest.h"

struct bf_qsd;
struct bf_readback;

// disk as given to the storage daemon, which must outlive it. Memory: 8 MiB.
enum bf_err bf_readback_open(struct bf_qsd *qsd, uint16_t disk, const struct bf_geometry *geometry,
                             struct bf_readback **out, struct bf_fault *fault);
void bf_readback_close(struct bf_readback *r); // takes NULL

// Gets one chunk, data NULL when the store cannot read it (an I/O error in its place alone); a
// value other than BF_OK ends the reading and is returned.
typedef enum bf_err bf_readback_chunk(void *user, uint64_t chunk, const void *data, uint32_t len);

enum bf_err bf_readback_read(struct bf_readback *r, uint64_t first, uint64_t count,
                             bf_readback_chunk *each, void *user, struct bf_fault *fault);

// Looks whether chunks read as zero: what the layers say is a hole is believed, anything else is
// read. Calls each for the chunks that have data other than zero, or cannot be read.
enum bf_err bf_readback_zero(struct bf_readback *r, uint64_t first, uint64_t count,
                             bf_readback_chunk *each, void *user, struct bf_fault *fault);

#endif
