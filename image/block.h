// SPDX-License-Identifier: Apache-2.0
// The block interface: how a source disk is read. Asynchronous in its contract (submit, poll,
// complete), so that a firmware driver that blocks and a native one with deep queues stand behind
// the same calls. There is no write operation in this type, and no way to obtain one from it.
//
// The mediator (bf_source_*) checks range, alignment and size once and counts; drivers behind it
// only assert. Geometry is asked of the device, never assumed.
#ifndef BF_IMAGE_BLOCK_H
#define BF_IMAGE_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/identity.h"

enum { BF_BLOCK_MIN = 512, BF_BLOCK_MAX = 65536, BF_BLOCK_ALIGN_MAX = 4096 };

struct bf_block_geometry {
    uint32_t block_size; // bytes, a power of two, BF_BLOCK_MIN..BF_BLOCK_MAX
    uint64_t blocks;     // number of blocks; block_size * blocks fits in 63 bits
    uint32_t alignment;  // of the memory given to submit, bytes, a power of two, 1..4096
    uint32_t max_blocks; // largest request
    uint32_t preferred_blocks;
    uint16_t depth;    // requests that may be in flight; 1 for a blocking driver
    uint8_t blocking;  // submit returns only when the transfer is complete
    uint8_t removable; // never migrated by default
};

struct bf_block_request {
    uint64_t block; // first block
    uint32_t count; // blocks, > 0
    void *data;     // count * block_size bytes; belongs to the driver until done
    // BF_ERR_IO: it cannot be read, for a reason that may lie in these blocks. BF_ERR_BUSY: the
    // device or the way to it says that it cannot do so now, after the driver has asked a few
    // times; that is no word about the blocks. BF_ERR_MEDIA: there is no disk any more.
    // BF_ERR_TIMEOUT: the device does not answer, also after a reset.
    enum bf_err status;
    uint8_t done;
    uint8_t kept; // with done: the device may still write to data, which must never be freed
    void *user;
    struct bf_block_request *next; // for the driver while it owns the request

    // The mediator's, until bf_source_poll or bf_source_submit of the request's own disk has seen
    // it done. Before that one that is done may be submitted again, and not be cleared or freed.
    struct bf_block_request *tracked;
    uint8_t orphan;
};

struct bf_block_ops {
    const char *driver; // "firmware", "virtio-blk", "file", ...
    // Takes the request, or BF_AGAIN when the queue is full (nothing taken). Any other error is
    // reported in request->status with done set, not here.
    enum bf_err (*submit)(void *impl, struct bf_block_request *request);
    // Completes what can be completed; never waits. Requests become done here and in submit only.
    void (*poll)(void *impl);
    // Ends the driver's use of the device. All requests are complete or cancelled afterwards; those
    // whose data a device does not let go of have become done with kept set.
    void (*close)(void *impl);
    // May be NULL: what a block holds is known by reading only. Whether the blocks from this one on
    // are known to read as zeros (1), or have to be read (0); *blocks: of how many, at least one,
    // that is so. The next answer may be the same. Reads nothing and waits for no device.
    int (*zeros)(void *impl, uint64_t block, uint64_t *blocks);
};

// What a disk says of itself that a person should know: what can be read of it is not all, or not
// its own.
enum bf_disk_note {
    BF_DISK_LOCKED = 1,   // it encrypts, and is locked
    BF_DISK_SHADOWED = 2, // something else is shown in place of its beginning (a shadow MBR)
    BF_DISK_HIDDEN = 4,   // there are blocks behind its end (a host protected area)
    BF_DISK_RESERVED = 8, // a host holds a reservation on it
};

struct bf_source_disk {
    const struct bf_block_ops *ops;
    void *impl;
    uint32_t notes; // of enum bf_disk_note, as far as the driver asks
    struct bf_block_geometry geometry;
    struct bf_disk_identity identity;
    uint64_t requests, bytes_read, errors; // counted by the mediator
    uint64_t blocked_us;                   // time spent inside submit of a blocking driver
    struct bf_block_request *in_flight;    // the mediator's list
};

// Checks the geometry that a driver claims. BF_ERR_UNSUPPORTED when a rule above is broken.
enum bf_err bf_block_geometry_check(const struct bf_block_geometry *geometry);

uint64_t bf_source_bytes(const struct bf_source_disk *disk);

// BF_ERR_RANGE for a request outside the disk, misaligned or too large (request untouched);
// BF_AGAIN when the queue is full; BF_OK: the request will become done.
enum bf_err bf_source_submit(struct bf_source_disk *disk, struct bf_block_request *request);
void bf_source_poll(struct bf_source_disk *disk);

// Whether the blocks from `block` (which lies on the disk) on are zeros that need not be read; that
// is so of *blocks, at least one and none behind the disk's end. 0 for a driver that cannot tell.
int bf_source_zeros(struct bf_source_disk *disk, uint64_t block, uint64_t *blocks);

// The synchronous form for headers and tables: any byte range, through a bounce buffer of its own.
// Loops over submit and poll until timeout_us; after that the buffer stays with the device until
// the request completes or the disk is closed. Not for bulk data.
enum bf_err bf_source_read(struct bf_source_disk *disk, uint64_t offset, void *out, size_t len,
                           uint64_t timeout_us);

// Closes the driver; takes a disk whose ops is NULL.
void bf_source_close(struct bf_source_disk *disk);

#endif
