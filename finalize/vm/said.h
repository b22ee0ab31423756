// SPDX-License-Identifier: Apache-2.0
// Reads what the tools that check file systems print.
#ifndef BF_FINALIZE_VM_SAID_H
#define BF_FINALIZE_VM_SAID_H

#include <stdbool.h>
#include <stddef.h>

// The first line that says something (no version, no phase, no empty line), printable only.
void bf_said_first(const char *text, char *out, size_t size);
// Whether fsck.fat found only what every mounted FAT has: its dirty mark, and an old counter of
// free clusters.
bool bf_said_fat_is_harmless(const char *text);

#endif
