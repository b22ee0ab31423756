// SPDX-License-Identifier: Apache-2.0
// A small boot image with patches anywhere in it, cut to any length: filling in a configuration
// stays inside the file. Input: u16 length, then patches of u16 offset and u32 value.
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/cursor.h"
#include "replica/media/pe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE = 2048, PE = 0x80, OPTIONAL = PE + 24, SECTIONS = OPTIONAL + 240, CONFIG = 1024 };

static void put32(uint8_t *image, size_t len, size_t at, uint32_t value)
{
    if (at <= len && len - at >= 4)
        memcpy(image + at, &value, 4);
}

static void make(uint8_t image[SIZE])
{
    memset(image, 0, SIZE);
    memcpy(image, "MZ", 2);
    put32(image, SIZE, 0x3c, PE);
    memcpy(image + PE, "PE\0", 4);
    put32(image, SIZE, PE + 4, 1u << 16);
    put32(image, SIZE, PE + 20, 240);
    put32(image, SIZE, OPTIONAL, 0x20b);
    put32(image, SIZE, OPTIONAL + 108, 16);
    memcpy(image + SECTIONS, BF_PE_CONFIG_SECTION, 8);
    put32(image, SIZE, SECTIONS + 8, SIZE - CONFIG);
    put32(image, SIZE, SECTIONS + 16, SIZE - CONFIG);
    put32(image, SIZE, SECTIONS + 20, CONFIG);
    memcpy(image + CONFIG, BF_SECTION_MAGIC, 16);
    put32(image, SIZE, CONFIG + 20, SIZE - CONFIG - 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = "server=replica.example.org\n";
    struct bf_fault fault;
    struct bf_reader r;
    uint8_t whole[SIZE];
    make(whole);
    bf_reader_init(&r, data, size);
    size_t len = bf_get_u16(&r) % (SIZE + 1);
    uint8_t *image = malloc(len ? len : 1); // of its own, so that the sanitizer sees every overrun
    memcpy(image, whole, len);
    while (bf_reader_left(&r) >= 6) {
        size_t at = bf_get_u16(&r) % SIZE;
        put32(image, len, at, bf_get_u32(&r));
    }
    bf_pe_set_config(image, len, text, sizeof text - 1, &fault);
    free(image);
    return 0;
}
