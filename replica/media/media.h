// SPDX-License-Identifier: Apache-2.0
// Boot media for one machine: the configuration text that goes into the boot image's section, and
// the shapes that the filled image can take. Nothing here touches the state: the caller issues
// the identity or the enrolment key, records it, and revokes it when making the medium fails.
#ifndef BF_REPLICA_MEDIA_MEDIA_H
#define BF_REPLICA_MEDIA_MEDIA_H

#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/err.h"
#include "replica/pki/ca.h"

enum bf_medium_kind {
    BF_MEDIUM_EFI,
    BF_MEDIUM_FAT,
    BF_MEDIUM_ISO,
    BF_MEDIUM_PXE,
    BF_MEDIUM_CONF, // the configuration alone, for the hosted sender; needs no boot image
};

enum { BF_MEDIUM_SETTINGS = 64 };

struct bf_medium {
    enum bf_medium_kind kind;
    const char *target;                  // a file, for PXE a folder
    const char *image;                   // the boot image that has not been filled
    const char *sign_key, *sign_cert;    // for sbsign, or NULL
    const char *name;                    // the machine's
    const char *set[BF_MEDIUM_SETTINGS]; // KEY=VALUE of the operator
    uint32_t settings;
    const struct bf_ca_addresses *servers;
    const struct bf_ca_certificate *root;
    const struct bf_ca_identity *identity; // not for PXE
    const uint8_t *enrol_key;              // for PXE, 32 bytes
    int64_t made;
};

// Looks at the operator's settings alone: the key is known, is not one that bootferry itself sets,
// and its value is accepted. Before anything is issued.
enum bf_err bf_medium_check(const struct bf_medium *medium, struct bf_fault *fault);

// Prints a warning for each name in the settings' server= that medium->servers does not have.
void bf_medium_warn_of_names(const struct bf_medium *medium);

// The text for the section, checked as the boot program will check it. Contains the machine's key:
// wipe it. Allocated, free with free().
enum bf_err bf_medium_config(const struct bf_medium *medium, char **text, size_t *len,
                             struct bf_fault *fault);

// Makes the medium. Files appear complete or not at all; those with a machine's key have mode 0600.
enum bf_err bf_medium_make(const struct bf_medium *medium, struct bf_fault *fault);

// The boot image beside the program (build/), or where `make install` puts it.
enum bf_err bf_medium_find_image(char *out, size_t size, struct bf_fault *fault);

#endif
