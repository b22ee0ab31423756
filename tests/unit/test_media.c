// SPDX-License-Identifier: Apache-2.0
// Filling the boot image: the section, the checksum, what is refused, and that the text which goes
// in is what the boot program's own parser reads back.
#include "base/bytes.h"
#include "base/config.h"
#include "base/cursor.h"
#include "net/tls/tls.h"
#include "replica/media/media.h"
#include "replica/media/pe.h"
#include "tests/unit/test.h"

enum {
    PE_AT = 0x80,
    OPTIONAL_AT = PE_AT + 24,
    OPTIONAL_SIZE = 112 + 16 * 8,
    SECTIONS_AT = OPTIONAL_AT + OPTIONAL_SIZE,
    CONFIG_AT = 0x400,
    CONFIG_SIZE = 0x4000,
    IMAGE_SIZE = CONFIG_AT + CONFIG_SIZE,
};

static uint8_t image[IMAGE_SIZE];
static struct bf_fault fault;

// A PE32+ image with two sections, the second for the configuration.
static void make_image(void)
{
    memset(image, 0, sizeof image);
    memcpy(image, "MZ", 2);
    bf_put_le32(image + 0x3c, PE_AT);
    memcpy(image + PE_AT, "PE\0\0", 4);
    bf_put_le16(image + PE_AT + 6, 2);
    bf_put_le16(image + PE_AT + 20, OPTIONAL_SIZE);
    bf_put_le16(image + OPTIONAL_AT, 0x20b);
    bf_put_le32(image + OPTIONAL_AT + 108, 16);
    memcpy(image + SECTIONS_AT, ".text\0\0\0", 8);
    memcpy(image + SECTIONS_AT + 40, ".bfconf\0", 8);
    bf_put_le32(image + SECTIONS_AT + 40 + 8, CONFIG_SIZE);
    bf_put_le32(image + SECTIONS_AT + 40 + 16, CONFIG_SIZE);
    bf_put_le32(image + SECTIONS_AT + 40 + 20, CONFIG_AT);
    memcpy(image + CONFIG_AT, BF_SECTION_MAGIC, 16);
    bf_put_le32(image + CONFIG_AT + 16, 1);
    bf_put_le32(image + CONFIG_AT + 20, CONFIG_SIZE - sizeof(struct bf_section_header));
}

static enum bf_err set(const char *text)
{
    return bf_pe_set_config(image, sizeof image, text, strlen(text), &fault);
}

static void test_text_arrives(void)
{
    const char *text;
    size_t len;
    make_image();
    CHECK_EQ(set("server=first.example,second.example\n"), BF_OK);
    CHECK_EQ(set("server=a\n"), BF_OK);
    CHECK_EQ(bf_section_text(image + CONFIG_AT, CONFIG_SIZE, &text, &len), BF_OK);
    CHECK_EQ(len, 9);
    CHECK_MEM(text, "server=a\n", 9);
    for (size_t i = 9; i < CONFIG_SIZE - sizeof(struct bf_section_header); i++)
        CHECK_EQ(text[i], 0); // nothing is left of a longer one
}

// The sum that the specification asks for, written down once more.
static uint32_t sum_of(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof image; i += 2)
        if (i != OPTIONAL_AT + 64 && i != OPTIONAL_AT + 66)
            sum += bf_le16(image + i);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint32_t)(sum + sizeof image);
}

static void test_checksum(void)
{
    make_image();
    CHECK_EQ(set("server=a\n"), BF_OK);
    CHECK_EQ(bf_le32(image + OPTIONAL_AT + 64), 0); // none was set
    make_image();
    bf_put_le32(image + OPTIONAL_AT + 64, 12345);
    CHECK_EQ(set("server=a\n"), BF_OK);
    CHECK_EQ(bf_le32(image + OPTIONAL_AT + 64), sum_of());
}

static void test_capacity(void)
{
    static char text[CONFIG_SIZE];
    size_t room = CONFIG_SIZE - sizeof(struct bf_section_header);
    memset(text, '#', sizeof text);
    make_image();
    CHECK_EQ(bf_pe_set_config(image, sizeof image, text, room, &fault), BF_OK);
    CHECK_EQ(bf_pe_set_config(image, sizeof image, text, room + 1, &fault), BF_ERR_LIMIT);
}

static void test_signed_image_is_refused(void)
{
    make_image();
    bf_put_le32(image + OPTIONAL_AT + 112 + 4 * 8 + 4, 1000);
    CHECK_EQ(set("server=a\n"), BF_ERR_EXISTS);
}

static void test_images_that_are_none(void)
{
    make_image();
    image[SECTIONS_AT + 41] = 'x';
    CHECK_EQ(set("server=a\n"), BF_ERR_NOT_FOUND);
    make_image();
    bf_put_le32(image + SECTIONS_AT + 40 + 20, IMAGE_SIZE - 16); // section beyond the end
    CHECK_EQ(set("server=a\n"), BF_ERR_CORRUPT);
    make_image();
    bf_put_le32(image + 0x3c, 0xfffffff0);
    CHECK_EQ(set("server=a\n"), BF_ERR_CORRUPT);
    make_image();
    bf_put_le16(image + PE_AT + 6, 0xffff);
    CHECK_EQ(set("server=a\n"), BF_ERR_CORRUPT);
    make_image();
    image[CONFIG_AT] = 'X';
    CHECK_EQ(set("server=a\n"), BF_ERR_CORRUPT);
    make_image();
    bf_put_le32(image + CONFIG_AT + 20, CONFIG_SIZE); // more capacity than section
    CHECK_EQ(set("server=a\n"), BF_ERR_CORRUPT);
}

// ---- The text ----------------------------------------------------------------------------------

static struct bf_ca_addresses servers;
static struct bf_ca_certificate root = {.der = {0x30, 0x03, 1, 2, 3}, .len = 5};
static struct bf_ca_identity identity = {.key = {0x30, 0x01, 9}, .key_len = 3};

static struct bf_medium medium_for(const char *addresses)
{
    CHECK_EQ(bf_ca_addresses_parse(&servers, addresses, &fault), BF_OK);
    identity.certificate = root;
    return (struct bf_medium){.kind = BF_MEDIUM_ISO,
                              .name = "web-1",
                              .servers = &servers,
                              .root = &root,
                              .identity = &identity,
                              .made = 1790000000};
}

static struct bf_config *parse(const struct bf_medium *medium)
{
    static struct bf_config config;
    char *text, reason[160] = "";
    size_t len;
    uint32_t line;
    if (bf_medium_config(medium, &text, &len, &fault))
        FAIL("%s", fault.what);
    bf_config_defaults(&config);
    enum bf_err err =
        bf_config_parse(&config, text, len, BF_ORIGIN_SECTION, &line, reason, sizeof reason);
    free(text);
    if (err)
        FAIL("%s", reason);
    return &config;
}

static void test_all_addresses_in_order(void)
{
    struct bf_medium medium = medium_for("b.example,fd00::1,10.0.0.5");
    const struct bf_config *c = parse(&medium);
    CHECK_EQ(c->servers, 3);
    CHECK_STR(c->server[0].host, "b.example");
    CHECK_STR(c->server[1].host, "fd00::1");
    CHECK_STR(c->server[2].host, "10.0.0.5");
    CHECK_EQ(c->server[1].port, 7667);
    CHECK_STR(c->name, "web-1");
    CHECK_EQ(c->made, 1790000000);
    CHECK_EQ(c->root.len, 5);
    CHECK_MEM(c->root.bytes, root.der, 5);
    CHECK_EQ(c->key.len, 3);
    CHECK(!c->has_enrol_key);
}

static void test_enrolment_key_instead(void)
{
    uint8_t key[32];
    memset(key, 0xa5, sizeof key);
    struct bf_medium medium = medium_for("b.example");
    medium.kind = BF_MEDIUM_PXE;
    medium.identity = NULL;
    medium.enrol_key = key;
    const struct bf_config *c = parse(&medium);
    CHECK(c->has_enrol_key);
    CHECK_MEM(c->enrol_key, key, 32);
    CHECK_EQ(c->key.len, 0);
}

static void test_settings_override(void)
{
    struct bf_medium medium = medium_for("b.example");
    medium.set[0] = "server=[fd00::2]:7000";
    medium.set[1] = "disk=serial:A";
    medium.set[2] = "disk=serial:B";
    medium.settings = 3;
    const struct bf_config *c = parse(&medium);
    CHECK_EQ(c->servers, 1);
    CHECK_STR(c->server[0].host, "fd00::2");
    CHECK_EQ(c->server[0].port, 7000);
    CHECK_EQ(c->disks, 2);
}

static void test_settings_that_are_refused(void)
{
    static const char *const bad[] = {"server", "=x",     "colour=red",      "end=never",
                                      "key=AA", "name=x", "end=exit\nnic=1", "enrol-key=00"};
    for (size_t i = 0; i < BF_COUNT(bad); i++) {
        struct bf_medium medium = medium_for("b.example");
        medium.set[0] = bad[i];
        medium.settings = 1;
        if (bf_medium_check(&medium, &fault) == BF_OK)
            FAIL("%s was accepted", bad[i]);
        CHECK(fault.side == BF_SIDE_CONFIG && fault.what[0] && fault.todo[0]);
    }
}

static void test_the_whole_is_checked(void)
{
    char *text;
    size_t len;
    struct bf_medium medium = medium_for("b.example");
    medium.set[0] = "end=exit";
    medium.set[1] = "end=reboot"; // not repeatable
    medium.settings = 2;
    CHECK_EQ(bf_medium_config(&medium, &text, &len, &fault), BF_ERR_CONFIG);
    medium.set[0] = "address=10.0.0.9/24";
    medium.set[1] = "gateway=10.9.0.1"; // out of reach
    CHECK_EQ(bf_medium_config(&medium, &text, &len, &fault), BF_ERR_CONFIG);
}

TEST_MAIN(TEST(test_text_arrives), TEST(test_checksum), TEST(test_capacity),
          TEST(test_signed_image_is_refused), TEST(test_images_that_are_none),
          TEST(test_all_addresses_in_order), TEST(test_enrolment_key_instead),
          TEST(test_settings_override), TEST(test_settings_that_are_refused),
          TEST(test_the_whole_is_checked))
