// SPDX-License-Identifier: Apache-2.0
// fw_cfg over a model of its two ports: which files are given out, and a device that says what no
// honest hypervisor says.
#include "boot/fwcfg.h"

#include "boot/cpu.h"
#include "tests/unit/test.h"

enum { ITEMS = 8, BYTES = 8192, PREFIX_MAX = 100 };

// ---- The device ---------------------------------------------------------------------------------

static struct {
    char hypervisor[13];
    int ports; // whether there are any
    uint8_t item[ITEMS][BYTES];
    size_t len[ITEMS];
    uint16_t key[ITEMS], selected;
    uint32_t items;
    size_t at;
    uint64_t reads;
} device;

void bf_cpu_hypervisor(char out[13])
{
    memcpy(out, device.hypervisor, 13);
}

enum bf_err bf_cpu_port_write16(uint16_t port, uint16_t value)
{
    CHECK_EQ(port, 0x510);
    device.selected = value;
    device.at = 0;
    return device.ports ? BF_OK : BF_ERR_UNSUPPORTED;
}

// What is not there, or at its end, reads as zero.
enum bf_err bf_cpu_port_read8(uint16_t port, uint8_t *value)
{
    CHECK_EQ(port, 0x511);
    device.reads++;
    *value = 0;
    for (uint32_t i = 0; i < device.items; i++)
        if (device.key[i] == device.selected && device.at < device.len[i])
            *value = device.item[i][device.at];
    device.at++;
    return device.ports ? BF_OK : BF_ERR_UNSUPPORTED;
}

static uint8_t *add_item(uint16_t key, const void *bytes, size_t len)
{
    uint32_t i = device.items++;

    device.key[i] = key;
    device.len[i] = len;
    memcpy(device.item[i], bytes, len);
    return device.item[i];
}

static void plug_in(void)
{
    memset(&device, 0, sizeof device);
    strcpy(device.hypervisor, "TCGTCGTCGTCG");
    device.ports = 1;
    add_item(0, "QEMU", 4);
    add_item(0x19, "\0\0\0\0", 4); // the directory is item 1
}

static void add_entry(uint16_t key, uint32_t size, const char *name)
{
    uint8_t *entry = device.item[1] + device.len[1];
    uint8_t head[8] = {size >> 24, size >> 16, size >> 8, size, key >> 8, key};

    memcpy(entry, head, sizeof head);
    memset(entry + 8, 0, BF_FWCFG_NAME_MAX);
    memcpy(entry + 8, name, strnlen(name, BF_FWCFG_NAME_MAX));
    device.len[1] += 8 + BF_FWCFG_NAME_MAX;
    device.item[1][3]++;
}

static void add_file(uint16_t key, const char *name, const char *value)
{
    add_item(key, value, strlen(value));
    add_entry(key, (uint32_t)strlen(value), name);
}

// ---- Who asks -----------------------------------------------------------------------------------

static char said[512];
static enum bf_err answer;

static enum bf_err note(void *user, const char *name, const char *value)
{
    size_t len = strlen(said);

    CHECK(user == &device);
    snprintf(said + len, sizeof said - len, "%s=%s;", name, value);
    return answer;
}

static enum bf_err ask(size_t max)
{
    said[0] = 0;
    return bf_fwcfg_files("opt/org.bootferry/", max, note, &device);
}

static void test_gives_files_with_the_prefix_in_their_order(void)
{
    plug_in();
    add_file(0x20, "etc/acpi/tables", "no");
    add_file(0x21, "opt/org.bootferry/server", "10.0.2.2");
    add_file(0x22, "opt/other/server", "no");
    add_file(0x23, "opt/org.bootferry/disk", "serial:one\nserial:two\n");
    CHECK_EQ(ask(PREFIX_MAX), BF_OK);
    CHECK_STR(said, "server=10.0.2.2;disk=serial:one\nserial:two\n;");
}

static void test_an_empty_file_and_no_file(void)
{
    plug_in();
    CHECK_EQ(ask(PREFIX_MAX), BF_OK);
    CHECK_STR(said, "");
    add_file(0x20, "opt/org.bootferry/", "");
    CHECK_EQ(ask(PREFIX_MAX), BF_OK);
    CHECK_STR(said, "=;");
}

static void test_a_file_may_be_as_long_as_asked(void)
{
    plug_in();
    add_file(0x20, "opt/org.bootferry/a", "12345");
    CHECK_EQ(ask(5), BF_OK);
    CHECK_STR(said, "a=12345;");
    CHECK_EQ(ask(4), BF_ERR_LIMIT);
    CHECK_STR(said, "");
}

static void test_the_first_error_ends_it(void)
{
    plug_in();
    add_file(0x20, "opt/org.bootferry/a", "1");
    add_file(0x21, "opt/org.bootferry/b", "2");
    answer = BF_ERR_CONFIG;
    CHECK_EQ(ask(PREFIX_MAX), BF_ERR_CONFIG);
    answer = BF_OK;
    CHECK_STR(said, "a=1;");
}

// On a machine of its own the ports may be anything: they are not touched.
static void test_asks_only_under_a_hypervisor(void)
{
    plug_in();
    add_file(0x20, "opt/org.bootferry/a", "1");
    device.hypervisor[0] = 0;
    CHECK_EQ(ask(PREFIX_MAX), BF_ERR_NOT_FOUND);
    CHECK_EQ(device.reads, 0);
}

static void test_another_device_and_none(void)
{
    plug_in();
    add_file(0x20, "opt/org.bootferry/a", "1");
    device.item[0][3] = 'X';
    CHECK_EQ(ask(PREFIX_MAX), BF_ERR_NOT_FOUND);
    device.item[0][3] = 'U';
    device.ports = 0;
    CHECK_EQ(ask(PREFIX_MAX), BF_ERR_NOT_FOUND);
    CHECK_STR(said, "");
}

// A name without an end is cut, and what follows the prefix is still text.
static void test_a_name_without_an_end(void)
{
    char name[BF_FWCFG_NAME_MAX + 1], expected[BF_FWCFG_NAME_MAX + 8];

    plug_in();
    memset(name, 'n', sizeof name);
    memcpy(name, "opt/org.bootferry/", 18);
    name[BF_FWCFG_NAME_MAX] = 0;
    add_file(0x20, name, "v");
    CHECK_EQ(ask(PREFIX_MAX), BF_OK);
    snprintf(expected, sizeof expected, "%s=v;", name + 18);
    CHECK_STR(said, expected);
}

// The directory claims files without number: what is not there has no name, and it ends.
static void test_a_directory_without_an_end(void)
{
    plug_in();
    add_file(0x20, "opt/org.bootferry/a", "1");
    memset(device.item[1], 0xff, 4);
    CHECK_EQ(ask(PREFIX_MAX), BF_OK);
    CHECK_STR(said, "a=1;");
    CHECK(device.reads < 1000000);
}

// A size that the device does not have: the rest reads as zero, within what may be asked for.
static void test_a_file_that_is_shorter_than_it_says(void)
{
    plug_in();
    add_item(0x20, "ab", 2);
    add_entry(0x20, PREFIX_MAX, "opt/org.bootferry/a");
    CHECK_EQ(ask(PREFIX_MAX), BF_OK);
    CHECK_STR(said, "a=ab;");
    add_entry(0x20, UINT32_MAX, "opt/org.bootferry/b");
    CHECK_EQ(ask(PREFIX_MAX), BF_ERR_LIMIT);
    CHECK_STR(said, "a=ab;");
}

TEST_MAIN(TEST(test_gives_files_with_the_prefix_in_their_order),
          TEST(test_an_empty_file_and_no_file), TEST(test_a_file_may_be_as_long_as_asked),
          TEST(test_the_first_error_ends_it), TEST(test_asks_only_under_a_hypervisor),
          TEST(test_another_device_and_none), TEST(test_a_name_without_an_end),
          TEST(test_a_directory_without_an_end), TEST(test_a_file_that_is_shorter_than_it_says))
