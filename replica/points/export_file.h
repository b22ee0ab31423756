// SPDX-License-Identifier: Apache-2.0
// The file that an export writes. It has no name until it is complete (O_TMPFILE), so one that is
// killed leaves nothing; where the file system has no such files, it has a name that cannot be
// guessed, and a later export to the same name removes what a killed one left. Nothing that exists
// is replaced or followed: neither by the file nor by its name.
#ifndef BF_REPLICA_POINTS_EXPORT_FILE_H
#define BF_REPLICA_POINTS_EXPORT_FILE_H

#include <limits.h>

#include "base/err.h"

enum { BF_EXPORT_NAME_MAX = NAME_MAX + 1 };

struct bf_export_file {
    int dir;                       // the folder of the target
    int fd;                        // open for reading and writing, mode 0600; -1: none
    char name[BF_EXPORT_NAME_MAX]; // of the target, in dir
    char part[BF_EXPORT_NAME_MAX]; // its name so far; "" for none
};

// BF_ERR_EXISTS when the name is taken, also by a link that leads nowhere, or is a device's, a
// folder's or the like; BF_ERR_CONFIG when it is empty. Faults name `path`.
enum bf_err bf_export_file_open(const char *path, struct bf_export_file *f, struct bf_fault *fault);

// Syncs the file and gives it its name, unless somebody took it meanwhile (BF_ERR_EXISTS). Closes
// in any case; after a failure nothing is left.
enum bf_err bf_export_file_publish(struct bf_export_file *f, const char *path,
                                   struct bf_fault *fault);

// Closes it and leaves nothing. Also after publish, and for one that was never opened.
void bf_export_file_abandon(struct bf_export_file *f);

// Removes the name so far; makes system calls only, so a signal's handler may call it.
void bf_export_file_forget(const struct bf_export_file *f);

#endif
