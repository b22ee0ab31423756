// SPDX-License-Identifier: Apache-2.0
// CRC-32C by a table of sixteen entries: maps are small, so size counts for more than speed.
#include "image/usage/parts.h"

uint32_t bf_crc32c(uint32_t crc, const void *bytes, size_t len)
{
    // Entry i is i shifted through the polynomial four times.
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const uint8_t *at = bytes;
    while (len--) {
        crc ^= *at++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}
