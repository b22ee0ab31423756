// SPDX-License-Identifier: Apache-2.0
// Assignments of a file that bash reads, with arrays and values over several lines: KEY=word,
// KEY="a b", KEY=(a "b c"). For the stacks of which one plain interface is rewritten.
#ifndef BF_FINALIZE_NETWORK_ASSIGN_H
#define BF_FINALIZE_NETWORK_ASSIGN_H

#include "finalize/core/text.h"

struct bf_assign {
    const char *text; // the file; borrowed
    size_t size;
    size_t pos;
    unsigned number;   // the statement's first line, from 1
    unsigned next;     // the number of the line at `pos`
    size_t from, to;   // its lines
    char key[64];      // "" for what is no assignment
    const char *value; // with its quotes and brackets
    size_t len;
    bool odd; // something in it is computed, or follows it, or is not closed
};

void bf_assign_init(struct bf_assign *a, const char *text, size_t size);
// The next statement; blank lines and comments are passed over.
bool bf_assign_next(struct bf_assign *a);
bool bf_assign_is(const struct bf_assign *a, const char *key);
// Cuts the next item out of the value: a word of an array, or a line of a string; *pos starts at 0.
bool bf_assign_item(const struct bf_assign *a, size_t *pos, const char **item, size_t *len);
// Appends the text without the assignments of these keys, and with `put` where the first of them
// stood, or at the end. The list ends with NULL.
void bf_assign_replace(struct bf_text *out, const char *text, size_t size, const char *const *key,
                       const char *put);

// What a key is to be; a list of them ends with a key that is NULL.
struct bf_assign_pair {
    const char *key;
    const char *value; // without quotes, and with nothing that needs more than quotes
};

// Appends the text with the value of each assignment of these keys in place of its own; a key that
// the text does not have is added behind the last of the others, or at the end, unless its value is
// empty.
void bf_assign_put(struct bf_text *out, const char *text, size_t size,
                   const struct bf_assign_pair *pair);

#endif
