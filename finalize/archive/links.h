// SPDX-License-Identifier: Apache-2.0
// The groups of hard links of an archive: names of one inode, of which one entry has the content.
#ifndef BF_FINALIZE_ARCHIVE_LINKS_H
#define BF_FINALIZE_ARCHIVE_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BF_LINKS_MAX 16384 // names; further ones are left out

struct bf_linked {
    char *name; // owned
    unsigned mode;
    size_t next; // of the same bucket, plus 1; 0: none
    uint32_t ino, major, minor;
};

struct bf_links {
    struct bf_linked *item; // owned
    size_t count, room;
    size_t bucket[256]; // index plus 1
};

// Remembers a name; false when out of memory.
bool bf_links_add(struct bf_links *l, const struct bf_linked *link);
// The next name of an inode: *at begins with 0. NULL when there is no further one.
const struct bf_linked *bf_links_next(const struct bf_links *l, uint32_t ino, uint32_t major,
                                      uint32_t minor, size_t *at);
void bf_links_clear(struct bf_links *l);

#endif
