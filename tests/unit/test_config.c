// SPDX-License-Identifier: Apache-2.0
// The configuration: every key's good and bad values, lines, precedence, trust, the whole.
#include "base/bytes.h"
#include "base/config.h"
#include "tests/unit/test.h"

static struct bf_config config;
static char reason[256];

static enum bf_err set(const char *key, const char *value, enum bf_origin origin)
{
    memset(reason, 0, sizeof reason);
    return bf_config_set(&config, key, value, origin, reason, sizeof reason);
}

// The value as shown after key=value was set in a new configuration, or "!" when it was refused.
static const char *shown(const char *key, const char *value)
{
    static char text[1024];
    uint32_t count, i = 0;
    const struct bf_config_key *table = bf_config_table(&count);
    bf_config_defaults(&config);
    if (set(key, value, BF_ORIGIN_FILE) != BF_OK) {
        CHECK(strlen(reason) > 10);
        return "!";
    }
    while (i < count && strcmp(table[i].name, key) != 0)
        i++;
    CHECK(i < count);
    CHECK_EQ(config.origin[i], BF_ORIGIN_FILE);
    bf_config_show(&config, i, text, sizeof text);
    return text;
}

static const struct {
    const char *key, *value, *shown; // shown NULL: as the value
} values_of_keys[] = {
    {"server", "replica.example", "replica.example:7667"},
    {"server", "10.0.2.2:99,[2001:db8::1]:5, host", "10.0.2.2:99,[2001:db8::1]:5,host:7667"},
    {"server", "2001:db8::1", "[2001:db8::1]:7667"},
    {"server", "[10.0.0.1]", "!"},
    {"server", "0.0.0.0", "!"},
    {"server", "[::]:7667", "!"},
    {"server", "[::1]:7", "[::1]:7"},
    {"server", "10.0.0.256", "!"},
    {"server", "10.0.0", "!"},
    {"server", "host:", "!"},
    {"server", "host:0", "!"},
    {"server", "host:65536", "!"},
    {"server", "a,,b", "!"},
    {"server", "a,", "!"},
    {"server", "-x", "!"},
    {"server", "a..b", "!"},
    {"server", "a b", "!"},
    {"server", "[fe80::1%eth0]", "!"},
    {"server", "[::1", "!"},
    {"server", "[::1]x", "!"},
    {"server", "a,b,c,d,e,f,g,h,i", "!"},
    {"address", "dhcp", NULL},
    {"address", "192.0.2.7/24", NULL},
    {"address", "2001:db8::7/64", NULL},
    {"address", "192.0.2.7/31", NULL},
    {"address", "192.0.2.0/24", "!"},
    {"address", "192.0.2.255/24", "!"},
    {"address", "192.0.2.7", "!"},
    {"address", "192.0.2.7/0", "!"},
    {"address", "192.0.2.7/33", "!"},
    {"address", "224.0.0.1/24", "!"},
    {"address", "127.0.0.1/8", "!"},
    {"address", "DHCP", "!"},
    {"gateway", "192.0.2.1", NULL},
    {"gateway", "0.0.0.0", "!"},
    {"gateway", "01.2.3.4", "!"},
    {"dns", "192.0.2.1,2001:db8::53", NULL},
    {"dns", "1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4", "!"},
    {"nic", "52:54:00:AB:cd:01", "52:54:00:ab:cd:01"},
    {"nic", "52-54-00-12-34-56", "52:54:00:12:34:56"},
    {"nic", "01:54:00:12:34:56", "!"},
    {"nic", "52:54:00:12:34", "!"},
    {"nic", "00:00:00:00:00:00", "!"},
    {"nic", "52:54:00:12:34:5g", "!"},
    {"retry", "0", NULL},
    {"retry", "-1", "!"},
    {"retry", "5s", "!"},
    {"retry", "99999999999999999999", "!"},
    {"disk", "all", NULL},
    {"disk", "serial:abc,size:10G", NULL},
    {"disk", "path:PciRoot(0x0)/Pci(0x1,0x1)", NULL},
    {"disk", "serial:", "!"},
    {"disk", "size:10X", "!"},
    {"disk", "size:99999999999T", "!"},
    {"disk", "colour:red", "!"},
    {"disk", "a,", "!"},
    {"end", "exit", NULL},
    {"end", "halt", "!"},
    {"on-failure", "wait:5", NULL},
    {"on-failure", "reboot", NULL},
    {"on-failure", "wait", "!"},
    {"on-failure", "wait:", "!"},
    {"on-failure", "wait:86401", "!"},
    {"serial", "console", NULL},
    {"serial", "yes", "!"},
    {"driver", "firmware", NULL},
    {"driver", "nvme", "!"},
    {"compress", "zstd", NULL},
    {"compress", "9", "!"},
    {"copy", "all", NULL},
    {"copy", "used", NULL},
    {"copy", "some", "!"},
    {"copy", "all@2@serial:S1,size:10G", "used; all@2@serial:S1,size:10G"},
    {"copy", "used@partuuid:c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
     "used; used@partuuid:c12a7328-f81f-11d2-ba4b-00a0c93ec93b"},
    {"copy", "all@", "!"},
    {"copy", "all@2", "!"},
    {"copy", "some@2@S1", "!"},
    {"on-read-error", "map", NULL},
    {"on-read-error", "stop", NULL},
    {"on-read-error", "skip", "!"},
    {"action", "copy", NULL},
    {"action", "assess", NULL},
    {"action", "asses", "!"},
    {"fence", "on", NULL},
    {"fence", "off", NULL},
    {"fence", "of", "!"},
    {"unseen", "auto", NULL},
    {"unseen", "stop", NULL},
    {"unseen", "warn", NULL},
    {"unseen", "map", "!"},
    {"workers", "auto", NULL},
    {"workers", "0", NULL},
    {"workers", "8", NULL},
    {"workers", "9", "!"},
    {"workers", "all", "!"},
    {"vlan", "1", NULL},
    {"vlan", "4094", NULL},
    {"vlan", "0", "!"},
    {"vlan", "4095", "!"},
    {"vlan", "", "!"},
    {"vlan", "12a", "!"},
    {"mtu", "576", NULL},
    {"mtu", "9216", NULL},
    {"mtu", "575", "!"},
    {"mtu", "9217", "!"},
    {"mtu", "auto", "!"},
    {"proxy", "http://proxy.test:3128", NULL},
    {"proxy", "http://proxy.test:3128/", "http://proxy.test:3128"},
    {"proxy", "http://me:s%3acr%40t@proxy.test:3128", "http://(set)@proxy.test:3128"},
    {"proxy", "http://me@[fd00::1]:8080", "http://(set)@[fd00::1]:8080"},
    {"proxy", "http://proxy.test", "!"},
    {"proxy", "http://:3128", "!"},
    {"proxy", "https://proxy.test:3128", "!"},
    {"proxy", "proxy.test:3128", "!"},
    {"proxy", "http://", "!"},
    {"proxy", "http:///", "!"},
    {"proxy", "http://a%0ab:c@proxy.test:3128", "!"},
    {"proxy", "http://a%3ab:c@proxy.test:3128", "!"},
    {"proxy", "http://a%4:c@proxy.test:3128", "!"},
    {"proxy", "http://:c@proxy.test:3128", "!"},
    {"proxy", "http://proxy.test:3128/path", "!"},
    {"connections", "1", NULL},
    {"connections", "8", NULL},
    {"connections", "0", "!"},
    {"connections", "9", "!"},
    {"connections", "", "!"},
    {"connections", "auto", "!"},
    {"kex", "auto", NULL},
    {"kex", "hybrid", NULL},
    {"kex", "x25519", "!"},
    {"limit", "50M", NULL},
    {"limit", "0", NULL},
    {"limit", "16k", "16K"},
    {"limit", "2048K", "2M"},
    {"limit", "1000000", NULL},
    {"limit", "1024G", NULL},
    {"limit", "1025G", "!"},
    {"limit", "16383", "!"},
    {"limit", "18446744073709551616", "!"},
    {"limit", "999999999999999999G", "!"},
    {"limit", "M", "!"},
    {"limit", "", "!"},
    {"limit", "5 M", "!"},
    {"limit", "-5M", "!"},
    {"limit", "5MB", "!"},
    {"limit", "1.5M", "!"},
    {"time", "2026-11-20T15:00:00Z", NULL},
    {"time", "2024-02-29T23:59:59Z", NULL},
    {"time", "2023-02-29T00:00:00Z", "!"},
    {"time", "2026-13-01T00:00:00Z", "!"},
    {"time", "2026-11-20 15:00:00", "!"},
    {"debug-exit", "0xF4", "0xf4"},
    {"debug-exit", "244", "0xf4"},
    {"debug-exit", "0x10000", "!"},
    {"debug-exit", "0x", "!"},
    {"name", "web-1.example", NULL},
    {"name", "Web", "!"},
    {"name", ".a", "!"},
    {"name", "a..b", "!"},
    {"made", "1790000000", NULL},
    {"made", "soon", "!"},
    {"root", "MAMCAQE=", "(5 bytes)"},
    {"root", "MAMCAQE", "!"},
    {"root", "MAMC\tAQE=", "!"},
    {"root", "MAQCAQE=", "!"}, // DER length does not match
    {"key", "MAMCAQE=", "(set)"},
    {"enrol-key", "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef", "(set)"},
    {"enrol-key", "0123", "!"},
    {"nonsense", "1", "!"},
    {"", "1", "!"},
    {"server", "", "!"},
};

static void values(void)
{
    for (size_t i = 0; i < BF_COUNT(values_of_keys); i++) {
        const char *expected =
            values_of_keys[i].shown ? values_of_keys[i].shown : values_of_keys[i].value;
        const char *got = shown(values_of_keys[i].key, values_of_keys[i].value);
        if (strcmp(got, expected) != 0)
            FAIL("%s=%s is \"%s\", expected \"%s\" (%s)", values_of_keys[i].key,
                 values_of_keys[i].value, got, expected, reason);
    }
    shown("time", "2026-11-20T15:00:00Z");
    CHECK_EQ(config.time, 1795186800);
    shown("enrol-key", "ff00000000000000000000000000000000000000000000000000000000000001");
    CHECK_EQ(config.enrol_key[0], 0xff);
    CHECK_EQ(config.enrol_key[31], 1);
}

static void addresses(void)
{
    static const struct {
        const char *in, *out; // out NULL: refused
    } cases[] = {
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"},
        {"::ffff:1.2.3.4", "::ffff:102:304"},
        {"1:2:3:4:5:6:7", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"1::2::3", NULL},
        {"1:2:3:4:5:6:7::8", NULL},
        {":1", NULL},
        {"1:", NULL},
        {":::", NULL},
        {"12345::", NULL},
        {"fe80::1%eth0", NULL},
        {"1.2.3.4.5", NULL},
        {"1.2.3.", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        struct bf_ip ip;
        char text[48] = "";
        if (bf_ip_parse(cases[i].in, strlen(cases[i].in), &ip) == BF_OK)
            bf_ip_text(text, sizeof text, &ip);
        if (strcmp(text, cases[i].out ? cases[i].out : "") != 0)
            FAIL("%s became \"%s\"", cases[i].in, text);
    }
}

// What is wrong is said in whole sentences, with what would be right.
static void words(void)
{
    static const struct {
        const char *key, *value, *says;
    } wrong[] = {
        {"dns", "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4", "dns= may have at most 3 addresses"},
        {"server", "a,b,c,d,e,f,g,h,i", "server= may have at most 8 servers"},
        {"gateway", "255.255.255.255", "gateway= must be the address of a router"},
        {"address", "10.0.0.9/33", "address= must end with the length of its prefix, /1 to /32"},
        {"address", "fd00::9/0", "address= must end with the length of its prefix, /1 to /128"},
    };
    for (size_t i = 0; i < BF_COUNT(wrong); i++) {
        bf_config_defaults(&config);
        CHECK_EQ(set(wrong[i].key, wrong[i].value, BF_ORIGIN_FILE), BF_ERR_CONFIG);
        reason[strcspn(reason, "(") ? strcspn(reason, "(") - 1 : 0] = 0; // and the form
        CHECK_STR(reason, wrong[i].says);
    }
}

static enum bf_err parse(const char *text, enum bf_origin origin, uint32_t *line)
{
    memset(reason, 0, sizeof reason);
    return bf_config_parse(&config, text, strlen(text), origin, line, reason, sizeof reason);
}

static void lines(void)
{
    uint32_t line;
    bf_config_defaults(&config);
    CHECK_EQ(parse("\xef\xbb\xbf# a comment\r\n\r\n  server =  a:1 \r\n\tdisk=x\ndisk=y",
                   BF_ORIGIN_FILE, &line),
             BF_OK);
    CHECK_STR(config.server[0].host, "a");
    CHECK_EQ(config.disks, 2);
    CHECK_STR(config.disk[1], "y");

    bf_config_defaults(&config);
    CHECK_EQ(parse("server=a\n\nend=fly\n", BF_ORIGIN_FILE, &line), BF_ERR_CONFIG);
    CHECK_EQ(line, 3);
    CHECK(strstr(reason, "end=") && strstr(reason, "poweroff"));

    bf_config_defaults(&config);
    CHECK_EQ(parse("colour=red", BF_ORIGIN_FILE, &line), BF_ERR_CONFIG);
    CHECK_EQ(line, 1);
    CHECK_STR(reason, "unknown key colour=");

    bf_config_defaults(&config);
    CHECK_EQ(parse("a\x1b[2Jb=red", BF_ORIGIN_FILE, &line), BF_ERR_CONFIG);
    CHECK(!strchr(reason, 0x1b));

    bf_config_defaults(&config);
    CHECK_EQ(parse("end=exit\nend=exit\n", BF_ORIGIN_FILE, &line), BF_ERR_CONFIG);
    CHECK_EQ(line, 2);
    CHECK_STR(reason, "end= is given twice");

    bf_config_defaults(&config);
    CHECK_EQ(parse("just words\n", BF_ORIGIN_FILE, &line), BF_ERR_CONFIG);
    CHECK_EQ(
        bf_config_parse(&config, "server=a\0b", 10, BF_ORIGIN_FILE, &line, reason, sizeof reason),
        BF_ERR_CONFIG);
}

static void precedence(void)
{
    uint32_t line;
    bf_config_defaults(&config);
    CHECK_EQ(parse("server=a\ndisk=one\ndisk=two\n", BF_ORIGIN_SECTION, &line), BF_OK);
    CHECK_EQ(parse("server=b\n", BF_ORIGIN_FILE, &line), BF_OK);
    CHECK_EQ(set("server", "c", BF_ORIGIN_SMBIOS), BF_OK);
    CHECK_EQ(set("disk", "three", BF_ORIGIN_FW_CFG), BF_OK);
    CHECK_EQ(set("disk", "four", BF_ORIGIN_FW_CFG), BF_OK);
    CHECK_STR(config.server[0].host, "c");
    CHECK_EQ(config.disks, 2);
    CHECK_STR(config.disk[0], "three");
    CHECK(bf_config_has(&config, BF_ORIGIN_SMBIOS));
    CHECK(!bf_config_has(&config, BF_ORIGIN_SECTION));

    bf_config_defaults(&config);
    CHECK_EQ(parse("copy=all\ncopy=used@1@S1\ncopy=all@2@S1\n", BF_ORIGIN_SECTION, &line), BF_OK);
    CHECK_EQ(config.copy_all, 1);
    CHECK_EQ(config.copies, 2);
    CHECK_EQ(parse("copy=used\ncopy=all\n", BF_ORIGIN_FILE, &line), BF_ERR_CONFIG);
    bf_config_defaults(&config);
    CHECK_EQ(parse("copy=all\ncopy=used@1@S1\n", BF_ORIGIN_SECTION, &line), BF_OK);
    CHECK_EQ(set("copy", "all@7", BF_ORIGIN_FILE), BF_ERR_CONFIG);
    CHECK_EQ(config.copies, 1);
    CHECK_EQ(config.copy_all, 1);
    CHECK_EQ(set("copy", "all@7@S1", BF_ORIGIN_FILE), BF_OK);
    CHECK_EQ(config.copies, 1); // instead of both
    CHECK_EQ(config.copy_all, 0);
    CHECK_STR(config.copy[0].where, "7@S1");
    // A bad value of a later origin does not take the earlier disks away.
    bf_config_defaults(&config);
    CHECK_EQ(set("disk", "one", BF_ORIGIN_FILE), BF_OK);
    CHECK_EQ(set("disk", "size:x", BF_ORIGIN_SMBIOS), BF_ERR_CONFIG);
    CHECK_EQ(config.disks, 1);
}

static void trust(void)
{
    static const char der[] = "MAMCAQE=", other[] = "MAMCAQI=";
    bf_config_defaults(&config);
    CHECK_EQ(set("root", der, BF_ORIGIN_SECTION), BF_OK);
    CHECK_EQ(set("root", other, BF_ORIGIN_FILE), BF_ERR_CONFIG);
    CHECK_EQ(config.root.bytes[4], 1);
    CHECK_EQ(set("root", other, BF_ORIGIN_FW_CFG), BF_ERR_CONFIG);
    CHECK_EQ(set("key", der, BF_ORIGIN_SMBIOS), BF_ERR_CONFIG);
    CHECK_STR(reason, "key= may not come from SMBIOS");
    CHECK_EQ(config.key.len, 0);
    CHECK_EQ(set("name", "a", BF_ORIGIN_FW_CFG), BF_ERR_CONFIG);
    CHECK_EQ(set("key", "not base64 SECRET", BF_ORIGIN_FILE), BF_ERR_CONFIG);
    CHECK(!strstr(reason, "SECRET"));
    CHECK_EQ(bf_config_check_signed(&config, reason, sizeof reason), BF_OK);
    CHECK_EQ(set("key", der, BF_ORIGIN_FILE), BF_OK);
    CHECK_EQ(bf_config_check_signed(&config, reason, sizeof reason), BF_ERR_CONFIG);
    CHECK(strstr(reason, "key="));
}

// Checks the whole of a configuration made of base and more.
static const char *whole(const char *base, const char *more)
{
    uint32_t line;
    bf_config_defaults(&config);
    CHECK_EQ(parse(base, BF_ORIGIN_SECTION, &line), BF_OK);
    CHECK_EQ(parse(more, BF_ORIGIN_FILE, &line), BF_OK);
    return bf_config_check(&config, reason, sizeof reason) == BF_OK ? "" : reason;
}

static void check_whole(void)
{
    static const char id[] = "root=MAMCAQE=\ncertificate=MAMCAQE=\nkey=MAMCAQE=\n";
    static const char enrol[] =
        "root=MAMCAQE=\n"
        "enrol-key=0000000000000000000000000000000000000000000000000000000000000000\n";
    CHECK_STR(whole(id, "server=a\n"), "");
    CHECK_STR(whole(id, ""), "server= is missing");
    CHECK_STR(whole("server=a\n", ""), "root= is missing");
    CHECK_STR(whole("server=a\nroot=MAMCAQE=\n", ""),
              "certificate= and key=, or enrol-key=, are missing");
    CHECK_STR(whole("server=a\nroot=MAMCAQE=\nkey=MAMCAQE=\n", ""), "certificate= is missing");
    CHECK_STR(whole(enrol, "server=a\n"), "enrol-key= needs name=");
    CHECK_STR(whole(enrol, "server=a\nname=m\n"), "");
    CHECK_STR(whole(id, "server=a\ngateway=10.0.0.1\n"), "");
    CHECK_STR(whole(id, "server=10.9.9.9\naddress=10.0.0.5/24\ngateway=10.0.1.1\n"),
              "gateway= is not within the network of address=");
    CHECK_STR(whole(id, "server=10.9.9.9\naddress=10.0.0.5/24\ngateway=10.0.0.5\n"),
              "gateway= is the machine's own address=");
    CHECK_STR(whole(id, "server=10.9.9.9\naddress=10.0.0.5/24\ngateway=10.0.0.1\n"), "");
    CHECK_STR(whole(id, "server=10.9.9.9\naddress=10.0.0.5/32\ngateway=10.7.0.1\n"), "");
    CHECK_STR(whole(id, "server=10.9.9.9\naddress=10.0.0.5/31\ngateway=10.0.0.4\n"), "");
    CHECK_STR(whole(id, "server=10.9.9.9\naddress=10.0.0.5/32\ngateway=10.0.0.5\n"),
              "gateway= is the machine's own address=");
    CHECK_STR(whole(id, "server=10.9.9.9\naddress=10.0.0.5/32\ngateway=fe80::1\n"),
              "gateway= is not within the network of address=");
    CHECK_STR(whole(id, "server=[fd00::1]\naddress=2001:db8::5/128\ngateway=fd01::1\n"), "");
    CHECK_STR(whole(id, "server=[2001:db8::1]\naddress=2001:db8::5/64\ngateway=fe80::1\n"), "");
    CHECK_STR(whole(id, "server=a\naddress=10.0.0.5/24\n"),
              "server= has a host name, so a static address needs dns=");
    CHECK_STR(whole(id, "server=a\ndisk=all\ndisk=x\n"),
              "disk=all cannot be combined with other disks");
}

static void section(void)
{
    struct {
        struct bf_section_header header;
        char text[64];
    } s = {{BF_SECTION_MAGIC, 1, 64, 5, 0}, "a=b\n\n"};
    const char *text;
    size_t len;
    CHECK_EQ(bf_section_text(&s, sizeof s, &text, &len), BF_OK);
    CHECK_EQ(len, 5);
    CHECK(text == s.text);
    s.header.length = 0;
    CHECK_EQ(bf_section_text(&s, sizeof s, &text, &len), BF_ERR_NOT_FOUND);
    s.header.length = 65;
    CHECK_EQ(bf_section_text(&s, sizeof s, &text, &len), BF_ERR_CORRUPT);
    s.header.length = 5;
    s.header.capacity = 65;
    CHECK_EQ(bf_section_text(&s, sizeof s, &text, &len), BF_ERR_CORRUPT);
    s.header.capacity = 64;
    s.header.version = 2;
    CHECK_EQ(bf_section_text(&s, sizeof s, &text, &len), BF_ERR_CORRUPT);
    CHECK_EQ(bf_section_text(&s, 31, &text, &len), BF_ERR_CORRUPT);
}

static void base64(void)
{
    static const char *const texts[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                        "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"}; // RFC 4648, section 10
    for (size_t n = 0; n <= 6; n++) {
        char text[16];
        uint8_t bytes[8];
        size_t len = sizeof bytes;
        CHECK_EQ(bf_base64_encode((const uint8_t *)"foobar", n, text, sizeof text),
                 strlen(texts[n]));
        CHECK_STR(text, texts[n]);
        CHECK_EQ(bf_base64_decode(text, strlen(text), bytes, &len), BF_OK);
        CHECK_EQ(len, n);
        CHECK_MEM(bytes, "foobar", n);
    }
    static const char *const bad[] = {"Zg=", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n", "Zm9*"};
    for (size_t i = 0; i < BF_COUNT(bad); i++) {
        uint8_t bytes[16];
        size_t len = sizeof bytes;
        if (bf_base64_decode(bad[i], strlen(bad[i]), bytes, &len) == BF_OK)
            FAIL("\"%s\" was accepted", bad[i]);
    }
    uint8_t two[2];
    size_t len = sizeof two;
    CHECK_EQ(bf_base64_decode("Zm9v", 4, two, &len), BF_ERR_LIMIT);
    char small[8];
    CHECK_EQ(bf_base64_encode((const uint8_t *)"foobar", 6, small, sizeof small), 0);
}

static void table_is_whole(void)
{
    uint32_t count;
    const struct bf_config_key *table = bf_config_table(&count);
    bf_config_defaults(&config);
    for (uint32_t i = 0; i < count; i++) {
        char text[256];
        CHECK(table[i].name && table[i].form && bf_config_help(i));
        CHECK(strlen(bf_config_help(i)) > 20);
        bf_config_show(&config, i, text, sizeof text);
        for (uint32_t j = 0; j < i; j++)
            CHECK(strcmp(table[i].name, table[j].name) != 0);
    }
}

TEST_MAIN(TEST(values), TEST(addresses), TEST(lines), TEST(words), TEST(precedence), TEST(trust),
          TEST(check_whole), TEST(section), TEST(base64), TEST(table_is_whole))
