// SPDX-License-Identifier: Apache-2.0
// Comparing names as boot loaders do.
#ifndef BF_FINALIZE_REHEARSE_VERSION_H
#define BF_FINALIZE_REHEARSE_VERSION_H

#include <stdbool.h>

// Which version is older (UAPI Group, "Version Format Specification"): below 0 when `a` is.
int bf_version_compare(const char *a, const char *b);
// Whether a name fits a pattern with *, ? and [...], as systemd-boot's "default" has it. The work
// is at most in proportion to the product of the lengths.
bool bf_pattern_fits(const char *pattern, const char *name);

#endif
