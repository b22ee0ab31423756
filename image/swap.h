// SPDX-License-Identifier: Apache-2.0
// Swap areas of Linux and the signatures that a hibernated system leaves in them. The signature
// is in the last ten bytes of the first page, whatever size a page has on that machine.
#ifndef BF_IMAGE_SWAP_H
#define BF_IMAGE_SWAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum bf_swap_kind {
    BF_SWAP_NONE = 0,
    BF_SWAP_PLAIN = 1,      // SWAPSPACE2 or SWAP-SPACE
    BF_SWAP_HIBERNATED = 2, // S1SUSPEND, S2SUSPEND, ULSUSPEND, LINHIB0001, TuxOnIce's
};

enum { BF_SWAP_PROBE_BYTES = 65536, BF_SWAP_SIGNATURE = 10 };

struct bf_swap {
    enum bf_swap_kind kind;
    uint32_t page_size;
    char signature[11]; // as found
    uint8_t has_uuid;   // plain swap only: of the header
    uint8_t uuid[16];
};

// Looks at the first bytes (up to BF_SWAP_PROBE_BYTES of them) of a partition, disk or volume.
void bf_swap_probe(const void *bytes, size_t len, struct bf_swap *out);

// Looks for the first page of a swap area into which a system hibernated, wherever in [bytes,
// bytes + len) it ends: that of a swap file may lie anywhere on a disk, at a multiple of 512.
// `before` bytes in front of `bytes` may be looked at too, to find what else such a page has:
// without it the signature counts for nothing, unless not even 4096 bytes are there.
// Returns how many bytes it is from `bytes` to the end of the signature, 0: there is none.
size_t bf_swap_find_hibernated(const void *bytes, size_t before, size_t len);

#endif
