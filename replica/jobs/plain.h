// SPDX-License-Identifier: Apache-2.0
// The bytes of a serial port as plain lines. What wrote them may be anything, and whoever reads
// them later sits at a terminal: escape sequences (ECMA-48), control characters and whatever is not
// ASCII do not get through.
#ifndef BF_REPLICA_JOBS_PLAIN_H
#define BF_REPLICA_JOBS_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

enum { BF_PLAIN_MAX = 2048 }; // bytes of a line, with its NUL; what is longer is cut

struct bf_plain {
    const char *at, *end; // what has not been read yet; borrowed
    char line[BF_PLAIN_MAX];
    size_t len;
    bool whole; // the line was not cut, and ends with a line feed or a carriage return
};

void bf_plain_begin(struct bf_plain *p, const char *bytes, size_t len);
// The next line into p->line, printable ASCII without its end; false when there is none. A carriage
// return ends a line like a line feed, and so does a movement of the cursor to another one. Blank
// lines are left out.
bool bf_plain_next(struct bf_plain *p);

#endif
