// SPDX-License-Identifier: Apache-2.0
// One entry of systemd-boot: a file of loader/entries (UAPI Group, "Boot Loader Specification"), or
// a unified image of EFI/Linux; as systemd-boot 252 reads and sorts them.
#ifndef BF_FINALIZE_REHEARSE_BLS_H
#define BF_FINALIZE_REHEARSE_BLS_H

#include "finalize/rehearse/walk.h"

struct bf_bls {
    char file[BF_START_PATH]; // of the entry
    char mount[128];          // the partition that its paths are of
    char id[256];             // the file's name in lower case
    char sort_key[128];       // "": none
    char machine_id[64];
    char version[128];
    int tries_left, tries_done; // -1: the boots of this entry are not counted
    bool image;                 // a unified image
    bool wrong;                 // for another architecture, or it starts nothing: is left out
    char starts[BF_START_PATH]; // the kernel or EFI program; a path of the tree
    bool missing;               // which is not there: the entry is left out
};

// Steps to the next "key value" line, blanks trimmed and quotes around the value taken off. `sep`
// are the characters between key and value.
struct bf_bls_line {
    const char *key, *value;
    size_t key_len, value_len;
    unsigned number; // from 1
};
bool bf_bls_next(const char *text, size_t len, size_t *pos, const char *sep,
                 struct bf_bls_line *line);
bool bf_bls_is(const struct bf_bls_line *line, const char *key);

// Reads what systemd-boot sorts by. False when the file cannot be read.
bool bf_bls_read(struct bf_walk *w, const char *mount, const char *file, bool image,
                 struct bf_bls *out);
// The order of the menu, for qsort(3).
int bf_bls_compare(const void *a, const void *b);
// Adds the start of an entry that was read; NULL when there are too many, or it is out of memory.
struct bf_start *bf_bls_add(struct bf_walk *w, const struct bf_bls *entry);

#endif
