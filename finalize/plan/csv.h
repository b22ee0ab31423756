// SPDX-License-Identifier: Apache-2.0
// Records of comma-separated values as RFC 4180 has them: quoted fields with "" for a quote, and
// with line ends in them; CRLF or LF. Besides, a line that begins with # is a comment, blank lines
// are passed over, and blanks around a field that is not quoted do not count.
#ifndef BF_FINALIZE_PLAN_CSV_H
#define BF_FINALIZE_PLAN_CSV_H

#include <stddef.h>

#include "base/err.h"

#define BF_CSV_FIELDS 32
#define BF_CSV_BYTES  8192 // of one record

struct bf_csv {
    const char *text; // borrowed
    size_t len, pos;
    unsigned line; // of `pos`, from 1
};

struct bf_csv_record {
    const char *field[BF_CSV_FIELDS]; // into `bytes`
    size_t fields;
    unsigned line; // that it begins in
    char bytes[BF_CSV_BYTES];
    size_t used;
};

void bf_csv_begin(struct bf_csv *csv, const char *text, size_t len);
// Reads the next record. BF_ERR_NOT_FOUND at the end; BF_ERR_CONFIG, with what is wrong in the
// fault, for a record that cannot be read, after which reading goes on in the next line.
enum bf_err bf_csv_next(struct bf_csv *csv, struct bf_csv_record *record, struct bf_fault *fault);

#endif
