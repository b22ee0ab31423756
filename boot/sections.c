// SPDX-License-Identifier: Apache-2.0
// Sections of the image that tools look for by name: .sbat, by which shim revokes generations of a
// program (shim's SBAT specification), and .bfconf, the place for a configuration, which
// `bootferry media` fills before the image is signed (docs/formats.md).
#include "boot/sections.h"

#include "base/config.h"

#define SECTION(name) __attribute__((section(name), used, aligned(4096)))

SECTION(".sbat")
static const char sbat[] = "sbat,1,SBAT Version,sbat,1,"
                           "https://github.com/rhboot/shim/blob/main/SBAT.md\n"
                           "bootferry,1,Bootferry,bootferry," BF_VERSION ",bootferry\n";

struct config_section {
    struct bf_section_header header;
    char text[BF_CONFIG_SECTION_BYTES - sizeof(struct bf_section_header)];
};
_Static_assert(sizeof(struct config_section) == BF_CONFIG_SECTION_BYTES, "no padding");

// Volatile: what the compiler sees here is not what the image contains when it runs.
SECTION(".bfconf")
static const volatile struct config_section config = {
    .header = {.magic = {'B', 'O', 'O', 'T', 'F', 'E', 'R', 'R', 'Y', '-', 'C', 'O', 'N', 'F', 'I',
                         'G'},
               .version = 1,
               .capacity = sizeof config.text},
};

const void *bf_config_section(void)
{
    return (const void *)&config;
}
