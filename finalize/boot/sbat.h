// SPDX-License-Identifier: Apache-2.0
// SBAT: the generations of a loader's components, which shim compares with the firmware's variable
// SbatLevel before it starts the loader, and with which it judges itself (rhboot/shim, SBAT.md).
#ifndef BF_FINALIZE_BOOT_SBAT_H
#define BF_FINALIZE_BOOT_SBAT_H

#include <stdbool.h>
#include <stddef.h>

#define BF_SBAT_NAME 64

struct bf_sbat_line {
    char component[BF_SBAT_NAME];
    unsigned generation;
};

// The next line of a text in CSV, a .sbat section or a level, that has a component and a
// generation; *pos starts at 0. False at the end, which a NUL is as well.
bool bf_sbat_next(const char *text, size_t len, size_t *pos, struct bf_sbat_line *line);

// The first of the published levels that refuses the .sbat section: its date ("2025021800"), and
// the line of the section into *line. NULL: none does.
const char *bf_sbat_revoked(const char *text, size_t len, struct bf_sbat_line *line);
// Whether the level, a text, refuses the section.
bool bf_sbat_refuses(const char *level, size_t level_len, const char *text, size_t len,
                     struct bf_sbat_line *line);

// The level that a shim applies by itself at its next start where the firmware has an older one:
// the first text of its .sbatlevel section. NULL: it has none. Points into the section.
const char *bf_sbat_own_level(const char *section, size_t len, size_t *level_len);

#endif
