// SPDX-License-Identifier: Apache-2.0
// Reads an initramfs as the kernel unpacks it (Documentation/driver-api/early-userspace/
// buffer-format in the kernel's sources): any number of cpio archives in the "newc" format, each
// compressed or not, with zeros between them. Later files replace earlier ones of the same name.
// Nothing is written anywhere: entries are shown one by one, with what fits into memory of their
// content.
#ifndef BF_FINALIZE_ARCHIVE_ARCHIVE_H
#define BF_FINALIZE_ARCHIVE_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "finalize/core/edit.h"

#define BF_ARCHIVE_DATA_MAX ((size_t)4 << 20) // content of one entry that is shown

// One entry. Everything is valid during the call only.
struct bf_archive_entry {
    const char *name; // without a leading "/" or "./"
    unsigned mode;    // as of stat(2), with the type
    uint64_t size;
    const void *data; // of a file or of a link (its target, terminated); NULL when it is larger
                      // than BF_ARCHIVE_DATA_MAX
    size_t part;      // which of the archives, from 0
    uint64_t offset;  // in the file, where the (compressed) archive that it stands in begins
};

// False ends the reading, without an error.
typedef bool bf_archive_visitor(void *arg, const struct bf_archive_entry *entry);

// What a file is made of.
struct bf_archive_info {
    size_t parts;
    const char *format; // of the last part that is not ours: "cpio", "gzip", "zstd", "xz", "lzma",
                        // "lz4", "bzip2", "lzo", "unknown"
    bool early;         // begins with an uncompressed archive that another one follows (microcode)
    uint64_t unpacked;  // bytes of all entries
    char trouble[128];  // what the kernel would stumble over, for a sentence; "" for nothing
};

// Shows every entry of the file `path` as it will be (pending edits included). The work is taken
// from the step's budget. BF_ERR_NOT_FOUND; BF_ERR_LIMIT beyond the budget; BF_ERR_RANGE when it
// is no initramfs at all. What is broken only further on is told in info->trouble, after all
// entries before it were shown, with BF_OK. `fault` may be NULL.
enum bf_err bf_archive_read(const struct bf_edits *e, const char *path, bf_archive_visitor *visit,
                            void *arg, struct bf_archive_info *info, struct bf_fault *fault);

#endif
