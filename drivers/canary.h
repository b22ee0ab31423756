// SPDX-License-Identifier: Apache-2.0
// A firmware driver that says "success" and did not transfer anything is found out: before a read
// the last bytes of every block of the buffer are set to a value that nobody can guess, and where
// it is still there afterwards, nothing was written. Seen with OVMF's AHCI driver: after a read
// error it reports success, and the buffer holds what it held before.
#ifndef BF_DRIVERS_CANARY_H
#define BF_DRIVERS_CANARY_H

#include <stdint.h>

// block_size: at least 8. nonce: random, the caller's own.
void bf_canary_set(void *data, uint32_t block_size, uint32_t blocks, uint64_t nonce);
// The first block whose canary is still there, or `blocks`.
uint32_t bf_canary_find(const void *data, uint32_t block_size, uint32_t blocks, uint64_t nonce);

#endif
