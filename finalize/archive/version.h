// SPDX-License-Identifier: Apache-2.0
// Which version a kernel's image is, as far as it says so itself.
#ifndef BF_FINALIZE_ARCHIVE_VERSION_H
#define BF_FINALIZE_ARCHIVE_VERSION_H

#include "finalize/core/edit.h"

// By the header of an x86 kernel (Documentation/arch/x86/boot.rst in the kernel's sources:
// kernel_version at 0x20e), which begins at `from` in the file. False for anything else.
bool bf_version_header(const struct bf_edits *e, const char *path, uint64_t from, char *out,
                       size_t size);
// By the text "Linux version " in any kernel, compressed as a whole or not. Reads the file.
bool bf_version_text(const struct bf_edits *e, const char *path, char *out, size_t size);

#endif
