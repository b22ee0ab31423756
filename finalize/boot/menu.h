// SPDX-License-Identifier: Apache-2.0
// A loader's configuration in lines, some of which have a kernel's command line. The loader's own
// file says which; here they are rewritten, and all other bytes stay.
#ifndef BF_FINALIZE_BOOT_MENU_H
#define BF_FINALIZE_BOOT_MENU_H

#include "finalize/system/fin.h"

#define BF_MENU_LINES_MAX 50000

struct bf_menu_line {
    struct bf_line line;
    unsigned entry;    // index of the entry that it is in
    const char *words; // the command line in it; NULL: it has none
    size_t words_len;
    bool console; // it gets the serial console
    bool wrap;    // they are one bare word, and need quotes when they become several
    bool gone;    // the line goes
};

struct bf_menu_entry {
    bool initrd; // it has an initramfs
    bool starts; // it may be started without anybody choosing it
    bool words;  // it has a command line of its own
};

struct bf_menu {
    const char *text; // borrowed
    size_t len;
    struct bf_menu_line *line; // owned
    size_t lines;
    struct bf_menu_entry *entry; // owned; the first one stands for what is outside of all
    size_t entries;
    const char *insert; // a text that comes before the line `insert_at`; NULL: none
    size_t insert_at;
};

// Cuts a file into lines; *there tells whether there is one. To be freed in any case. Fails after
// bf_refuse() or bf_fail().
enum bf_err bf_menu_load(struct bf_fin *f, const char *path, struct bf_menu *m, bool *there);
void bf_menu_free(struct bf_menu *m);
// Begins an entry: its index. When out of memory it is the last one.
unsigned bf_menu_add(struct bf_menu *m);
// Rewrites the file. Fails after bf_refuse() or bf_fail().
enum bf_err bf_menu_write(struct bf_fin *f, const char *path, const struct bf_menu *m);

// The keyword that a line begins with, whatever its case: what follows it and its blanks, up to the
// end of the line without blanks.
bool bf_menu_keyword(const struct bf_line *line, const char *word, const char **value, size_t *len);
// Takes the blanks at both ends off.
void bf_menu_trim(const char **at, size_t *len);

#endif
