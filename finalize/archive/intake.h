// SPDX-License-Identifier: Apache-2.0
// The bytes of an archive in order: a part of a guest's file, or of memory. What is read counts on
// the step's budget.
#ifndef BF_FINALIZE_ARCHIVE_INTAKE_H
#define BF_FINALIZE_ARCHIVE_INTAKE_H

#include <stdint.h>

#include "finalize/core/edit.h"

struct bf_intake {
    const struct bf_edits *edits; // NULL: memory
    const char *path;             // borrowed
    struct bf_budget *budget;     // borrowed; may be NULL
    unsigned char *buf;           // owned; NULL for memory
    const unsigned char *data;    // what is at hand
    size_t at, have;              // the next byte in it, and how many there are
    uint64_t begin, next, end;    // of the file: its first byte for us, the first that was not read
                                  // yet, and where it ends
    enum bf_err err;              // why it ended too early
    struct bf_fault fault;        // of `err`
};

// Bytes [begin, end) of a file. It and the set have to outlive the source. BF_ERR_NO_MEMORY.
enum bf_err bf_intake_file(struct bf_intake *s, const struct bf_edits *e, const char *path,
                           uint64_t begin, uint64_t end);
// Bytes of memory, which are borrowed.
void bf_intake_bytes(struct bf_intake *s, const void *data, size_t len, struct bf_budget *budget);
void bf_intake_close(struct bf_intake *s);

// Shows what comes next: at least `want` bytes (64 at most), fewer only at the end. The number in
// *got; the bytes are valid until the next call.
const unsigned char *bf_intake_peek(struct bf_intake *s, size_t want, size_t *got);
// Takes bytes that were shown.
void bf_intake_take(struct bf_intake *s, size_t len);
// Copies the next bytes and takes them; false when there are not so many.
bool bf_intake_read(struct bf_intake *s, void *out, size_t len);
// Goes on by any number of bytes without reading them; false, at the end, when there are not so
// many.
bool bf_intake_skip(struct bf_intake *s, uint64_t len);
// The position, counted from where the source begins.
uint64_t bf_intake_tell(const struct bf_intake *s);

#endif
