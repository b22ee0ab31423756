// SPDX-License-Identifier: Apache-2.0
// What a self-encrypting drive says of its locks: Level 0 Discovery (TCG Storage Architecture Core
// 2.01, 3.3.6; Storage Security Subsystem Class: Opal 2.01, 3.1.1.3). A parser of bytes and a
// length: the answer is hostile.
#ifndef BF_DRIVERS_TCG_H
#define BF_DRIVERS_TCG_H

#include <stddef.h>
#include <stdint.h>

enum { // how it is asked for
    BF_TCG_BYTES = 512,
    BF_TCG_PROTOCOL = 1,
    BF_TCG_DISCOVERY = 1, // the ComID
};

// Notes (image/block.h) of an answer: BF_DISK_LOCKED, BF_DISK_SHADOWED.
uint32_t bf_tcg_notes(const void *data, size_t len);

#endif
