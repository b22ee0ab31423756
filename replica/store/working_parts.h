// SPDX-License-Identifier: Apache-2.0
// The inside of the working manifest, shared by the working*.c files only: the file's layout, its
// two header slots, and reading and writing at an offset.
#ifndef BF_REPLICA_STORE_WORKING_PARTS_H
#define BF_REPLICA_STORE_WORKING_PARTS_H

#include <stddef.h>

#include "replica/store/working.h"

enum {
    BF_WORKING_SLOT = 4096, // bytes from one header slot to the next
    BF_WORKING_TABLE = 2 * BF_WORKING_SLOT,
    BF_WORKING_RECORD = 32,
    BF_WORKING_BATCH = 1024, // records looked at or written at once
};

struct bf_working {
    int fd;
    struct bf_geometry geometry;
    uint64_t chunks, windows, window_chunks, records_offset;
    struct bf_cursor cursor;
    uint64_t sequence;
    uint8_t *table;            // one byte per window
    uint64_t dirty, dirty_end; // table bytes that differ from the file
    struct bf_digest batch[BF_WORKING_BATCH];
};

enum bf_err bf_working_write_at(int fd, const void *bytes, size_t len, uint64_t offset);
// Bytes past the end of the file are zero, like a hole.
enum bf_err bf_working_read_at(int fd, void *bytes, size_t len, uint64_t offset);
enum bf_err bf_working_sync_file(int fd);

// Writes the next slot.
enum bf_err bf_working_header_write(struct bf_working *w);
// Takes the newer whole slot. One may be torn by a crash; both torn is damage.
enum bf_err bf_working_header_load(struct bf_working *w);
// True when neither slot was ever written.
int bf_working_header_is_blank(int fd);

#endif
