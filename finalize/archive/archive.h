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
#include "finalize/core/text.h"

#define BF_ARCHIVE_DATA_MAX     ((size_t)4 << 20) // content of one entry that is shown
#define BF_ARCHIVE_UNPACKED_MAX ((uint64_t)1 << 30)

// One entry. Everything is valid during the call only.
struct bf_archive_entry {
    const char *name; // without a leading "/" or "./"
    unsigned mode;    // as of stat(2), with the type
    uint64_t size;
    const void *data; // of a file or of a link (its target), terminated; NULL when it is larger
                      // than BF_ARCHIVE_DATA_MAX, or stands at another name of a hard link, with
                      // which this one is shown again
    size_t part;      // which of the archives, from 0
    uint64_t offset;  // in the file, where the (compressed) archive that it stands in begins
};

// False ends the reading, without an error.
typedef bool bf_archive_visitor(void *arg, const struct bf_archive_entry *entry);

// What a file is made of.
struct bf_archive_info {
    uint64_t size; // of the file
    uint64_t own;  // its size without a segment that the finalizer appended
    size_t parts;
    const char *format; // of the last part that is not ours: "cpio", "gzip", "zstd", "xz", "lzma",
                        // "lz4", "bzip2", "lzo", "unknown"
    bool early;         // begins with an uncompressed archive that another one, which is not ours,
                        // follows (microcode)
    uint64_t unpacked;  // bytes of all entries
    char trouble[128];  // what the kernel would stumble over, for a sentence ("has an entry that is
                        // damaged"); "" for nothing
};

// Shows every entry of the file `path` as it will be (pending edits included). The work is taken
// from the step's budget. BF_ERR_NOT_FOUND; BF_ERR_LIMIT beyond the budget, 1 GiB of content or 128
// MiB of memory for a decompressor; BF_ERR_RANGE when it is no initramfs at all. What is broken
// only further on is told in info->trouble, after all entries before it were shown, with BF_OK.
// `fault` may be NULL.
enum bf_err bf_archive_read(const struct bf_edits *e, const char *path, bf_archive_visitor *visit,
                            void *arg, struct bf_archive_info *info, struct bf_fault *fault);
// The same for `len` bytes at `offset` of a file, which are what the kernel gets (a section of a
// unified kernel image); offsets and sizes count from there.
enum bf_err bf_archive_read_part(const struct bf_edits *e, const char *path, uint64_t offset,
                                 uint64_t len, bf_archive_visitor *visit, void *arg,
                                 struct bf_archive_info *info, struct bf_fault *fault);

// Recognises a file in the same way without unpacking anything: entries of uncompressed archives
// are skipped, and of a compressed part only the magic is looked at, behind which there may be
// more. info->unpacked and info->parts are of what was seen. BF_ERR_RANGE for what is not a regular
// file, or empty; *info is set in any case.
enum bf_err bf_archive_look(const struct bf_edits *e, const char *path,
                            struct bf_archive_info *info, struct bf_fault *fault);

// Unpacks compressed bytes in any of the formats (one member), to at most `cap` bytes, which are
// appended. BF_ERR_RANGE for no known format; BF_ERR_CORRUPT, BF_ERR_LIMIT, BF_ERR_NO_MEMORY.
enum bf_err bf_archive_unpack(const void *data, size_t len, size_t cap, struct bf_text *out);
// The same of a part of a file, to whom it is shown piece by piece, until that returns false. The
// work is taken from the step's budget.
enum bf_err bf_archive_unpack_part(const struct bf_edits *e, const char *path, uint64_t offset,
                                   uint64_t len,
                                   bool (*sink)(void *arg, const void *data, size_t len),
                                   void *arg);
// The name of the compression of bytes, as above, or NULL.
const char *bf_archive_format(const void *data, size_t len);

// The text that marks a segment of ours, put into its last file; `keep` is the size of what stands
// before it.
#define BF_ARCHIVE_MARK     "bootferry-finalize 1 keep="
#define BF_ARCHIVE_MARK_FMT BF_ARCHIVE_MARK "%020llu\n"

#endif
