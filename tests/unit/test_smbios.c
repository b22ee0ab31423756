// SPDX-License-Identifier: Apache-2.0
// SMBIOS: a small table as a firmware makes it, and the same cut and lying.
#include <stdlib.h>

#include "base/smbios.h"
#include "tests/unit/test.h"

static uint8_t table[1024];
static size_t table_len;

static void add(const uint8_t *formatted, size_t len, const char *strings, size_t strings_len)
{
    memcpy(table + table_len, formatted, len);
    table[table_len + 1] = (uint8_t)len;
    memcpy(table + table_len + len, strings, strings_len);
    table_len += len + strings_len;
}

#define STRINGS(text) text "\0", sizeof text + 1

static void make_table(void)
{
    static const uint8_t firmware[] = {0, 0, 0, 0, 1, 2, 0, 0, 3};
    static const uint8_t system[] = {1,    0,    1,    0,    1,    2,    0,    3,    0x33,
                                     0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99,
                                     0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 6,    0,    0};
    static const uint8_t processor[0x30] = {
        4, [0x10] = 1, [0x18] = 0x41, [0x25] = 0xff, [0x2e] = 0x40, 0x01};
    static const uint8_t empty_socket[0x30] = {4, [0x18] = 0x00, [0x25] = 8};
    static const uint8_t memory[0x22] = {17, [0x0c] = 0x00, 0x08};                // 2048 MiB
    static const uint8_t big[0x22] = {17, [0x0c] = 0xff, 0x7f, [0x1c] = 0, 0, 1}; // 65536 MiB
    static const uint8_t small[0x22] = {17, [0x0c] = 0x00, 0x84};                 // 1024 KiB
    static const uint8_t absent[0x22] = {17, [0x0c] = 0xff, 0xff};
    static const uint8_t oem[] = {11, 0, 0, 0, 3};
    static const uint8_t end[] = {127, 0, 0, 0};
    table_len = 0;
    add(firmware, sizeof firmware, STRINGS("EDK II"));
    add(system, sizeof system, STRINGS("QEMU\0 Standard PC \0serial\x01"));
    add(processor, sizeof processor, STRINGS("Some CPU"));
    add(empty_socket, sizeof empty_socket, "\0", 2);
    add(memory, sizeof memory, "\0", 2);
    add(big, sizeof big, "\0", 2);
    add(small, sizeof small, "\0", 2);
    add(absent, sizeof absent, "\0", 2);
    add(oem, sizeof oem, STRINGS("first\0bootferry:server=a\0last"));
    add(end, sizeof end, "\0", 2);
    add(memory, sizeof memory, "\0", 2); // behind the end: not seen
}

static void facts(void)
{
    struct bf_smbios_facts f;
    make_table();
    bf_smbios_facts(table, table_len, &f);
    CHECK_STR(f.firmware_vendor, "EDK II");
    CHECK_STR(f.vendor, "QEMU");
    CHECK_STR(f.product, "Standard PC");
    CHECK_STR(f.serial, "serial?");
    CHECK_STR(f.uuid, "00112233-4455-6677-8899-aabbccddeeff");
    CHECK_STR(f.processor, "Some CPU");
    CHECK_EQ(f.sockets, 1);
    CHECK_EQ(f.threads, 0x140);
    CHECK_EQ(f.memory_bytes, (2048ull << 20) + (65536ull << 20) + (1ull << 20));
}

static char seen[256];

static enum bf_err note(void *user, const char *text)
{
    (void)user;
    strncat(seen, text, sizeof seen - strlen(seen) - 1);
    strncat(seen, "|", sizeof seen - strlen(seen) - 1);
    return strcmp(text, "bootferry:server=a") == 0 && user ? BF_ERR_CONFIG : BF_OK;
}

static void oem_strings(void)
{
    make_table();
    seen[0] = 0;
    CHECK_EQ(bf_smbios_oem_strings(table, table_len, note, NULL), BF_OK);
    CHECK_STR(seen, "first|bootferry:server=a|last|");
    seen[0] = 0;
    CHECK_EQ(bf_smbios_oem_strings(table, table_len, note, seen), BF_ERR_CONFIG);
    CHECK_STR(seen, "first|bootferry:server=a|");
}

// Cut at every length, each in memory of exactly that size: the sanitizer sees any byte beyond.
static void cut(void)
{
    make_table();
    for (size_t len = 0; len <= table_len; len++) {
        struct bf_smbios_facts f;
        uint8_t *copy = malloc(len ? len : 1);
        CHECK(copy);
        memcpy(copy, table, len);
        bf_smbios_facts(copy, len, &f);
        seen[0] = 0;
        bf_smbios_oem_strings(copy, len, note, NULL);
        free(copy);
    }
    // A system structure that ends within its UUID, as SMBIOS 2.0 had none.
    static const uint8_t old[] = {1, 20, 0, 0, 0, 0, 0, 0, 1, 1, 1,
                                  1, 1,  1, 1, 1, 1, 1, 1, 1, 0, 0};
    uint8_t *exact = malloc(sizeof old);
    struct bf_smbios_facts o;
    CHECK(exact);
    memcpy(exact, old, sizeof old);
    bf_smbios_facts(exact, sizeof old, &o);
    free(exact);
    CHECK_STR(o.uuid, "");
    make_table();
    table[1] = 3; // shorter than a header
    struct bf_smbios_facts f;
    bf_smbios_facts(table, table_len, &f);
    CHECK_STR(f.vendor, "");
}

static void fix_sum(uint8_t *bytes, size_t len, size_t at)
{
    uint8_t sum = 0;
    bytes[at] = 0;
    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[at] = (uint8_t)-sum;
}

static void entries(void)
{
    uint8_t two[31] = "_SM_", three[24] = "_SM3_";
    struct bf_smbios_entry e;
    memcpy(two + 16, "_DMI_", 5);
    two[22] = 0x34;
    two[23] = 0x12;
    two[24] = 0x78;
    two[27] = 0x9a;
    fix_sum(two + 16, 15, 5);
    CHECK_EQ(bf_smbios_entry_parse(two, sizeof two, &e), BF_OK);
    CHECK_EQ(e.length, 0x1234);
    CHECK_EQ(e.address, 0x9a000078);
    CHECK_EQ(bf_smbios_entry_parse(two, sizeof two - 1, &e), BF_ERR_CORRUPT);
    two[22]++;
    CHECK_EQ(bf_smbios_entry_parse(two, sizeof two, &e), BF_ERR_CORRUPT);

    three[6] = sizeof three;
    three[13] = 1;
    three[20] = 1;
    fix_sum(three, sizeof three, 5);
    CHECK_EQ(bf_smbios_entry_parse(three, sizeof three, &e), BF_OK);
    CHECK_EQ(e.length, 0x100);
    CHECK_EQ(e.address, 1ull << 32);
    three[6] = 25;
    CHECK_EQ(bf_smbios_entry_parse(three, sizeof three, &e), BF_ERR_CORRUPT);
    CHECK_EQ(bf_smbios_entry_parse("_SMX", 4, &e), BF_ERR_CORRUPT);
}

TEST_MAIN(TEST(facts), TEST(oem_strings), TEST(cut), TEST(entries))
