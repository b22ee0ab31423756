// SPDX-License-Identifier: Apache-2.0
// A file's metadata, kept while its content is replaced: owner, permissions, modification time and
// extended attributes (SELinux labels, ACLs, capabilities).
#ifndef BF_FINALIZE_CORE_META_H
#define BF_FINALIZE_CORE_META_H

#include <jansson.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/err.h"

struct bf_meta {
    mode_t mode;
    uid_t uid;
    gid_t gid;
    struct timespec mtime;
    unsigned flags; // of chattr(1), as FS_IOC_GETFLAGS has them: those of BF_FLAGS_KEPT
    json_t *xattrs; // object: name -> value in hex; owned
    bool fresh;     // of a file that is new: it keeps the ACL that its folder gives it
};

#define BF_XATTR_LABEL "security.selinux"
// The flags that a file keeps when it is replaced, and those of them that forbid a replacement.
#define BF_FLAGS_KEPT                                                                              \
    (FS_IMMUTABLE_FL | FS_APPEND_FL | FS_SYNC_FL | FS_NODUMP_FL | FS_NOATIME_FL | FS_COMPR_FL |    \
     FS_NOCOMP_FL | FS_NOCOW_FL)
#define BF_FLAGS_LOCKED (FS_IMMUTABLE_FL | FS_APPEND_FL)

// Reads the metadata of an open file. Freed with bf_meta_free in any case.
enum bf_err bf_meta_read(int fd, struct bf_meta *m, struct bf_fault *fault);
void bf_meta_free(struct bf_meta *m);
// Gives an open new file this owner, mode and attributes, and the flags that do not lock it; the
// time only with `with_time`. An ACL that its folder gave it goes, unless the file is a fresh one.
// File systems without owners or attributes (FAT) are no error.
enum bf_err bf_meta_apply(int fd, const struct bf_meta *m, bool with_time, struct bf_fault *fault);
// Adds a security label, a text, to the attributes of a new file.
enum bf_err bf_meta_label(struct bf_meta *m, const char *label, struct bf_fault *fault);
// The flags of an open file or folder, 0 where the file system has none.
unsigned bf_flags_of(int fd);
// Makes the flags of `mask` be those of `flags`. BF_OK where the file system has none.
enum bf_err bf_flags_set(int fd, unsigned mask, unsigned flags, struct bf_fault *fault);
// To and from the journal. bf_meta_from_json() returns BF_ERR_CORRUPT for anything out of shape,
// with nothing to free.
json_t *bf_meta_to_json(const struct bf_meta *m);
enum bf_err bf_meta_from_json(const json_t *j, struct bf_meta *m);

#endif
