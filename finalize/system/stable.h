// SPDX-License-Identifier: Apache-2.0
// Names of disks that do not depend on the order of discovery, for fstab, crypttab, makers of an
// initramfs and kernel command lines.
#ifndef BF_FINALIZE_SYSTEM_STABLE_H
#define BF_FINALIZE_SYSTEM_STABLE_H

#include "finalize/system/fin.h"

enum bf_stable {
    BF_STABLE_ALREADY, // the name stays
    BF_STABLE_NEW,     // `out` has the name to use
    BF_STABLE_UNKNOWN, // the name is not stable and what it means is not known
};

// Translates a device name that a file uses. `type` is the file system type that the file claims
// ("" or "auto": any), `mount` the mount point ("" when it is none). `where` is for the note that
// an unknown name gets.
enum bf_stable bf_stable_name(struct bf_fin *f, const char *name, const char *type,
                              const char *mount, const char *where, char *out, size_t size);
// The same without a note: *why has the reason as the end of a sentence.
enum bf_stable bf_stable_find(struct bf_fin *f, const char *name, const char *type,
                              const char *mount, const char *where, char *out, size_t size,
                              const char **why);
// Whether it is a name by what the disk itself says, or of a volume, that no probed device has.
// False where none was probed.
bool bf_stable_missing(struct bf_fin *f, const char *name);
// The probed device that a file's name means, in the same way; NULL when that is not known.
const struct bf_device *bf_stable_device(struct bf_fin *f, const char *name, const char *type);

#endif
