// SPDX-License-Identifier: Apache-2.0
// Families of distributions: by what os-release(5) says, and where that names none that is known,
// by the package database and the tools that are there.
#ifndef BF_FINALIZE_SYSTEM_FAMILY_H
#define BF_FINALIZE_SYSTEM_FAMILY_H

#include <stdbool.h>

#include "finalize/core/root.h"

struct bf_release {
    const char *id; // of os-release
    int version;
};

struct bf_family {
    const char *name;  // in the report: "debian"
    const char *title; // in sentences: "Debian"
    bool tried;        // real systems of it were adapted and started; else the report says so
    // The oldest releases whose initramfs was tested, ended by a NULL id; NULL: none is too old.
    const struct bf_release *oldest;
    // Whether a distribution with these ID and ID_LIKE ("" when not said) belongs to it.
    bool (*holds)(const char *id, const char *like);
    // Whether a tree is made of its parts, for a distribution whose names say nothing. NULL: that
    // cannot be seen.
    bool (*has_parts)(const struct bf_fin_root *root);
};

// The rows; the first that holds a distribution has it.
#define BF_FAMILIES(ROW)                                                                           \
    ROW(bf_debian)                                                                                 \
    ROW(bf_redhat)                                                                                 \
    ROW(bf_suse)                                                                                   \
    ROW(bf_arch)                                                                                   \
    ROW(bf_alpine)                                                                                 \
    ROW(bf_gentoo)                                                                                 \
    ROW(bf_void)                                                                                   \
    ROW(bf_slackware)

#define BF_FAMILY(row) extern const struct bf_family row;
BF_FAMILIES(BF_FAMILY)

// The table that tables.c makes of them, ended by NULL.
extern const struct bf_family *const bf_families[];

// The family of a distribution; NULL when no row of the table holds it, or is made of its parts.
const struct bf_family *bf_family_of(const struct bf_family *const *table,
                                     const struct bf_fin_root *root, const char *id,
                                     const char *like);

#endif
