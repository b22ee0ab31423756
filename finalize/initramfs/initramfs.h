// SPDX-License-Identifier: Apache-2.0
// A guest's initramfs files: what they are, and where a segment of ours begins in them.
#ifndef BF_FINALIZE_INITRAMFS_INITRAMFS_H
#define BF_FINALIZE_INITRAMFS_INITRAMFS_H

#include <stdbool.h>
#include <stdint.h>

#include "finalize/core/root.h"

struct bf_initramfs {
    const char *format; // of the main part: "cpio", "gzip", "zstd", "xz", "lzma", "lz4", "bzip2",
                        // "lzo", "unknown"
    bool early;         // begins with an uncompressed archive (microcode)
    uint64_t size;      // of the file
    uint64_t own;       // size without a segment that the finalizer appended
};

// BF_ERR_RANGE for what is not a regular file, or empty. *out is set in any case. `fault` may be
// NULL.
enum bf_err bf_initramfs_read(const struct bf_fin_root *root, const char *path,
                              struct bf_initramfs *out, struct bf_fault *fault);

// The text that marks our segment, put into its last file; `keep` is the size of what stands before
// it.
#define BF_INITRAMFS_MARK     "bootferry-finalize 1 keep="
#define BF_INITRAMFS_MARK_FMT BF_INITRAMFS_MARK "%020llu\n"

#endif
