// SPDX-License-Identifier: Apache-2.0
// What a system mounts when it starts: the lines of its fstab and its mount units. Read from the
// tree alone, so that it can be tried on a directory.
#ifndef BF_FINALIZE_VM_WANTED_H
#define BF_FINALIZE_VM_WANTED_H

#include "finalize/core/root.h"

#define BF_WANTED_MAX 64

struct bf_want {
    char device[256]; // as it is written: "UUID=...", "/dev/sda1"
    char at[128];     // the mount point, or "none"
    char type[32];    // "auto" when it is not said
    char options[512];
    char from[128]; // the file, with a line of fstab
    bool optional;  // nofail or noauto: the system starts without it
    bool needed;    // the finalizer has to see what is there
};

struct bf_wanted_list {
    struct bf_want item[BF_WANTED_MAX]; // a mount point before those below it
    size_t count;
};

// Reads what is wanted. A unit in /etc/systemd/system has precedence over a line of fstab, and that
// over units of packages (systemd.unit(5)); a masked or disabled unit does not count.
void bf_wanted_read(const struct bf_fin_root *root, struct bf_wanted_list *out);
// The one for a mount point, or NULL.
const struct bf_want *bf_wanted_at(const struct bf_wanted_list *list, const char *at);
// The value of an option ("subvol"), or false. A word without "=" has the value "".
bool bf_wanted_option(const char *options, const char *name, char *out, size_t size);

#endif
