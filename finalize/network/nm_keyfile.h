// SPDX-License-Identifier: Apache-2.0
// GLib's key files, in which NetworkManager keeps its profiles and its configuration: groups of
// key=value lines, where a later line of the same key counts and a comment begins with "#" only.
// One line that is none of these makes GLib refuse the whole file.
#ifndef BF_FINALIZE_NETWORK_NM_KEYFILE_H
#define BF_FINALIZE_NETWORK_NM_KEYFILE_H

#include "finalize/core/plan.h"
#include "finalize/core/text.h"

enum bf_keyfile_kind { BF_KEYFILE_COMMENT, BF_KEYFILE_GROUP, BF_KEYFILE_KEY, BF_KEYFILE_BAD };

// A file that is stepped through line by line; what is not rewritten keeps its bytes.
struct bf_keyfile {
    const char *text; // borrowed
    size_t size;
    size_t pos;
    struct bf_line line;
    unsigned number; // of the line, from 1
    enum bf_keyfile_kind kind;
    char group[64];    // that the line is in; "" before the first, "?" for one that does not fit
    char key[64];      // "?" for one that does not fit
    const char *value; // BF_KEYFILE_KEY: as it stands in the file, without the line's end
    size_t value_len;
};

void bf_keyfile_init(struct bf_keyfile *k, const char *text, size_t size);
bool bf_keyfile_next(struct bf_keyfile *k);
bool bf_keyfile_is(const struct bf_keyfile *k, const char *group, const char *key);
// The first line that makes GLib refuse the file; 0 when it takes it.
unsigned bf_keyfile_bad_line(const char *text, size_t size);

// The string that a value means, with its escapes resolved. False, and "", for one that GLib cannot
// make a string of, or that is longer than `size`.
bool bf_keyfile_string(const struct bf_keyfile *k, char *out, size_t size);
// The boolean that a value means to GLib: true, 1, false, 0 and nothing else; `otherwise` for the
// rest.
bool bf_keyfile_bool(const struct bf_keyfile *k, bool otherwise);

// The MAC address that a value means, in lower case with colons; false, and "", when it is none. Of
// old, the bytes were a list of decimal numbers.
bool bf_keyfile_mac(const struct bf_keyfile *k, char out[BF_MAC_TEXT]);

// Cuts the next part of a list out of [*at, end); false at the end. Parts are separated by any of
// the characters of `marks`, blanks around them are left out.
bool bf_keyfile_part(const char **at, const char *end, const char *marks, const char **part,
                     size_t *len);

#endif
