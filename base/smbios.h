// SPDX-License-Identifier: Apache-2.0
// SMBIOS (DSP0134 3.x): entry points and structures, as bytes and a length. Every length in them is
// hostile; a structure that does not fit ends the walk.
#ifndef BF_BASE_SMBIOS_H
#define BF_BASE_SMBIOS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

// Where the table is, from an entry point: "_SM_" (5.2.1) or "_SM3_" (5.2.2), checksums included.
// len: bytes that may be read at entry.
struct bf_smbios_entry {
    uint64_t address;
    uint32_t length; // for version 3 the largest possible one
};
enum bf_err bf_smbios_entry_parse(const void *entry, size_t len, struct bf_smbios_entry *out);

// What the inventory wants.
struct bf_smbios_facts {
    char vendor[64], product[64], serial[64]; // type 1
    char uuid[37];                            // type 1, empty when unset or all ones
    char firmware_vendor[64];                 // type 0
    char processor[64];                       // type 4, the first that is populated
    uint16_t sockets, threads;                // type 4, populated ones
    uint64_t memory_bytes;                    // type 17, the sum
};
void bf_smbios_facts(const void *table, size_t len, struct bf_smbios_facts *out);

// Calls use for every string of type 11 (OEM strings) in order, until it returns an error, which
// is passed on.
enum bf_err bf_smbios_oem_strings(const void *table, size_t len,
                                  enum bf_err (*use)(void *user, const char *text), void *user);

#endif
