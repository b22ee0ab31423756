// SPDX-License-Identifier: Apache-2.0
// What must hold of an identity whatever a disk answered.
#ifndef BF_TESTS_FUZZ_IDENTITY_H
#define BF_TESTS_FUZZ_IDENTITY_H

#include "image/identity.h"

// Ends the program unless serial number, model and WWN are printable, trimmed and terminated.
void fuzz_identity_judge(const struct bf_disk_identity *id);

#endif
