// SPDX-License-Identifier: Apache-2.0
// A file's metadata, kept while its content is replaced: owner, permissions, modification time and
// extended attributes (SELinux labels, ACLs, capabilities).
#ifndef BF_FINALIZE_CORE_META_H
#define BF_FINALIZE_CORE_META_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/err.h"

struct bf_meta {
    mode_t mode;
    uid_t uid;
    gid_t gid;
    struct timespec mtime;
    json_t *xattrs; // object: name -> value in hex; owned
};

// Reads the metadata of an open file. Freed with bf_meta_free in any case.
enum bf_err bf_meta_read(int fd, struct bf_meta *m, struct bf_fault *fault);
void bf_meta_free(struct bf_meta *m);
// Gives an open new file this owner, mode and attributes; the time only with `with_time`. File
// systems without owners or attributes (FAT) are no error.
enum bf_err bf_meta_apply(int fd, const struct bf_meta *m, bool with_time, struct bf_fault *fault);
// To and from the journal. bf_meta_from_json() returns BF_ERR_CORRUPT for anything out of shape,
// with nothing to free.
json_t *bf_meta_to_json(const struct bf_meta *m);
enum bf_err bf_meta_from_json(const json_t *j, struct bf_meta *m);

#endif
