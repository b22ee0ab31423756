// SPDX-License-Identifier: Apache-2.0
// The configuration of syslinux, extlinux and of U-Boot's distro boot, as their readers take it
// (syslinux.txt and menu.txt of syslinux 6.04): keywords in any case, entries after LABEL.
#ifndef BF_FINALIZE_REHEARSE_SYSLINUX_CONF_H
#define BF_FINALIZE_REHEARSE_SYSLINUX_CONF_H

#include "finalize/rehearse/walk.h"

#define BF_SYSLINUX_FILES 16

// A value as it is written; borrowed from the file.
struct bf_syslinux_value {
    const char *at; // NULL: not given
    size_t len;
};

enum bf_syslinux_kind {
    BF_SYSLINUX_AUTO,  // KERNEL: what it is follows from the name
    BF_SYSLINUX_LINUX, // LINUX
    BF_SYSLINUX_COM32, // COM32
    BF_SYSLINUX_OTHER, // BOOT, BSS, PXE, FDIMAGE: code of another system
    BF_SYSLINUX_LOCAL, // LOCALBOOT: the next device
    BF_SYSLINUX_CONFIG // CONFIG: another configuration
};

struct bf_syslinux_entry {
    struct bf_syslinux_value label, title, kernel, append, initrd;
    enum bf_syslinux_kind kind;
    bool menu_default; // MENU DEFAULT
    size_t file;       // in which of the files it is
    unsigned line;     // of its kernel, else of LABEL
};

struct bf_syslinux {
    struct bf_walk *w;
    const struct bf_device *dev;
    char file[BF_SYSLINUX_FILES][BF_START_PATH]; // the configuration and what it includes
    size_t files;
    struct bf_syslinux_entry *entry; // BF_STARTS_MAX of them; owned
    size_t entries;
    struct bf_syslinux_value implicit; // DEFAULT: a label, or a command line
    unsigned implicit_line;
    size_t implicit_file;
    struct bf_syslinux_value timed_out; // ONTIMEOUT
    struct bf_syslinux_value ui;        // UI: the module that shows the menu
    struct bf_syslinux_value append;    // of all entries that have none
    bool prompt;                        // PROMPT 1: waits for a word
    bool timeout;                       // TIMEOUT, not 0: does not wait for ever
    bool help;                          // between TEXT HELP and ENDTEXT, while it is read
};

// Reads a configuration with what it includes. To be freed with bf_syslinux_free().
void bf_syslinux_read(struct bf_syslinux *c, struct bf_walk *w, const char *file,
                      const struct bf_device *dev);
void bf_syslinux_free(struct bf_syslinux *c);

#endif
