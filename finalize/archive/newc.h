// SPDX-License-Identifier: Apache-2.0
// Reads cpio's "newc" format as the kernel does (init/initramfs.c in its sources), piece by piece:
// entries stand on boundaries of 4 bytes with zeros between them, a name of TRAILER!!! ends an
// archive and with it the groups of hard links, and another archive may follow at once.
#ifndef BF_FINALIZE_ARCHIVE_NEWC_H
#define BF_FINALIZE_ARCHIVE_NEWC_H

#include "finalize/archive/archive.h"
#include "finalize/archive/links.h"

#define BF_NEWC_HEADER 110

// The fields of a header.
struct bf_newc_head {
    bool sums; // the entry has a checksum of its content
    uint32_t ino, mode, links, size, major, minor, name, sum;
};

// False when it is none of the format.
bool bf_newc_head(const char header[BF_NEWC_HEADER], struct bf_newc_head *out);

enum bf_newc_state {
    BF_NEWC_BETWEEN, // zeros, up to the next entry
    BF_NEWC_HEAD,
    BF_NEWC_NAME,
    BF_NEWC_BODY,
    BF_NEWC_SKIP, // what the kernel skips of an entry
};

struct bf_newc {
    bf_archive_visitor *visit; // borrowed, as are the next two
    void *arg;
    struct bf_budget *budget;
    const char *path;             // for the budget
    struct bf_archive_info *info; // its parts and troubles; borrowed
    enum bf_newc_state state;
    uint64_t at; // position, of which entries begin at a multiple of 4
    char header[BF_NEWC_HEADER];
    size_t got;  // bytes of the header or the name
    char *name;  // owned
    char *body;  // owned; what is shown of the content
    size_t room; // of the body
    size_t kept; // bytes in it
    struct bf_newc_head head;
    uint64_t left; // of the body, or to skip
    uint32_t sum;
    struct bf_links links;
    struct bf_archive_entry entry;
    size_t entries;
    bool fresh;  // the next entry begins a part of the file
    bool packed; // what is fed was compressed, and its part is counted already
    bool stop;   // nothing more is taken: the visitor, an error or a trouble
    enum bf_err err;
};

// BF_ERR_NO_MEMORY, with nothing to free.
enum bf_err bf_newc_open(struct bf_newc *n, bf_archive_visitor *visit, void *arg,
                         struct bf_budget *budget, const char *path, struct bf_archive_info *info);
void bf_newc_close(struct bf_newc *n);
// Takes bytes, up to one that begins no entry; the number that was taken.
size_t bf_newc_feed(struct bf_newc *n, const void *data, size_t len);
// Counts a part of a file that begins at `offset`.
void bf_newc_count(struct bf_archive_info *info, const char *format, uint64_t offset);
// The same, and the next entries are of it.
void bf_newc_part(struct bf_newc *n, const char *format, uint64_t offset);
// Ends the reading with what the kernel would stumble over.
void bf_newc_trouble(struct bf_newc *n, const char *what);

#endif
