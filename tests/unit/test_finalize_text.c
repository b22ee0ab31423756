// SPDX-License-Identifier: Apache-2.0
// Diffs with their secrets blanked, device names, and systemd's configuration syntax.
#include "finalize/core/devices.h"
#include "finalize/core/places.h"
#include "finalize/core/diff.h"
#include "finalize/core/ini.h"
#include "finalize/core/report.h"
#include "finalize/core/text.h"

#include "base/bytes.h"
#include "tests/unit/test.h"

static void check_diff(const char *a, const char *b, const char *expected)
{
    struct bf_text out = {0};
    bf_diff(&out, "/f", a, a ? strlen(a) : 0, b, b ? strlen(b) : 0);
    bool same = strcmp(bf_text_get(&out), expected) == 0;
    if (!same)
        printf("# %s", bf_text_get(&out));
    bf_text_free(&out);
    CHECK(same);
}

static void test_diff_of_a_line(void)
{
    check_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n",
               "--- a/f\n+++ b/f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n");
}

static void test_diff_of_two_hunks(void)
{
    check_diff("a\n1\n2\n3\n4\n5\n6\n7\n8\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\n8\nB\n",
               "--- a/f\n+++ b/f\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n"
               "@@ -7,4 +7,4 @@\n 6\n 7\n 8\n-b\n+B\n");
}

static void test_diff_of_new_and_removed(void)
{
    check_diff(NULL, "x\n", "--- /dev/null\n+++ b/f\n@@ -0,0 +1,1 @@\n+x\n");
    check_diff("x", NULL,
               "--- a/f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-x\n\\ No newline at end of file\n");
}

static void check_redacted(const char *line, const char *expected)
{
    struct bf_text out = {0};
    bf_redact_line(&out, line, strlen(line));
    char got[256];
    snprintf(got, sizeof got, "%s", bf_text_get(&out));
    bf_text_free(&out);
    CHECK_STR(got, expected);
}

static void test_secrets(void)
{
    check_redacted("    wpa-psk correct horse", "    wpa-psk ********");
    check_redacted("  password: \"abc\"", "  password: \"********");
    check_redacted("PrivateKey=AAAA", "PrivateKey=********");
    check_redacted("PresharedKey = x", "PresharedKey = ********");
    check_redacted("proxy https://joe:secret99@proxy.example.org/",
                   "proxy https://********@proxy.example.org/");
    check_redacted("address 192.0.2.1", "address 192.0.2.1");
    check_redacted("\x1b[2Jred\xc3\xa4", "?[2Jred??");
}

static void test_report_has_no_control_characters(void)
{
    struct bf_text out = {0};
    json_t *report =
        json_pack("{s:s,s:s,s:[{s:s,s:s,s:s}],s:[]}", "mode", "apply", "result", "\x1b[2J", "notes",
                  "level", "info", "about", "a\x1b]0;x\a\xc2\x9bm", "text", "b", "changes");
    bf_fin_report_text(report, &out);
    bool clean = strpbrk(bf_text_get(&out), "\x1b\a") == NULL;
    bool there = strstr(bf_text_get(&out), "info: a?]0;x??m: b") != NULL;
    bf_text_free(&out);
    json_decref(report);
    CHECK(clean);
    CHECK(there);
}

// The beginning of a report: the verdict, the table, warnings before other notes.
static void test_report_begins_with_the_verdict(void)
{
    static const char expected[] =
        "dry-run: ok, 1 file would be changed\n"
        "starts: GRUB 2 \"A?\" (/boot/grub/grub.cfg, line 3), kernel 6.1, root=UUID=1\n"
        "addresses: eth0 DHCP 203.0.113.9/24; br0 203.0.113.5/24\n"
        "changed: why\n"
        "look at: x: second\n"
        "\n"
        "NIC          MAC                                     OLD ADDRESS       NEW ADDRESS\n"
        "eth0         52:54:00:00:00:01 -> 52:54:00:00:00:02  192.0.2.5/24   -> DHCP            "
        "(ifupdown, /etc/network/interfaces)\n"
        "                                                                    -> 203.0.113.9/24\n"
        "                                                     2001:db8::5/64 -> gone\n"
        "br0 on eth1  -                                       not read       -> 203.0.113.5/24  "
        "(netplan)\n"
        "\n"
        "warning: x: second\n"
        "info: x: first\n"
        "\n"
        "modify /f: why\n"
        "\n"
        "--- a/f\n"
        "\n"
        "dry-run: ok, 1 file would be changed\n";
    struct bf_text out = {0};
    json_t *report = json_loads(
        "{\"mode\": \"dry-run\", \"result\": \"ok\", \"addresses\": ["
        "{\"interface\": \"eth0\", \"carrier\": \"eth0\", \"stack\": \"ifupdown\","
        " \"old_mac\": \"52:54:00:00:00:01\", \"new_mac\": \"52:54:00:00:00:02\","
        " \"addresses_known\": true, \"old\": [\"2001:db8::5/64\", \"192.0.2.5/24\"],"
        " \"new\": [\"DHCP\", \"203.0.113.9/24\"], \"file\": \"/etc/network/interfaces\"},"
        "{\"interface\": \"eth1\", \"carrier\": \"br0\", \"stack\": \"netplan\", \"old_mac\": \"\","
        " \"new_mac\": \"\", \"addresses_known\": false, \"old\": [],"
        " \"new\": [\"203.0.113.5/24\"], \"file\": \"\"}],"
        "\"start\": {\"verdict\": \"starts\", \"entries\": [{\"chosen\": false, \"title\": \"B\"},"
        " {\"chosen\": true, \"loader\": \"GRUB 2\", \"title\": \"A\\u0007\", \"version\": \"6.1\","
        " \"file\": \"/boot/grub/grub.cfg\", \"line\": 3, \"root\": \"UUID=1\"}]},"
        "\"notes\": [{\"level\": \"info\", \"about\": \"x\", \"text\": \"first\"},"
        " {\"level\": \"warning\", \"about\": \"x\", \"text\": \"second\"}],"
        "\"changes\": [{\"action\": \"modify\", \"path\": \"/f\", \"reason\": \"why\","
        " \"diff\": \"--- a/f\\n\"}]}",
        0, NULL);
    bf_fin_report_text(report, &out);
    char got[2048];
    snprintf(got, sizeof got, "%s", bf_text_get(&out));
    bf_text_free(&out);
    json_decref(report);
    CHECK_STR(got, expected);
}

// However much there is to say, the verdict has ten lines.
static void test_verdict_has_ten_lines(void)
{
    struct bf_text out = {0};
    json_t *report =
        json_pack("{s:s,s:s,s:{s:s,s:[s]},s:[],s:[]}", "mode", "apply", "result", "ok", "start",
                  "verdict", "not known", "not_followed", "a doubt", "notes", "changes");
    for (int i = 0; i < 30; i++) {
        json_array_append_new(
            json_object_get(report, "notes"),
            json_pack(
                "{s:s,s:s,s:s+}", "level", "warning", "about", "x", "text",
                "a warning that is long, longer than a line, ",
                "and goes on, and on, and on, and on, and on, and on, and on, and on, and on, and "
                "on, and on, and on, and on, and on, and on, and on"));
        json_array_append_new(
            json_object_get(report, "changes"),
            json_pack("{s:s,s:s,s:s#}", "action", "modify", "path", "/f", "reason",
                      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", i + 1));
    }
    bf_fin_report_summary(report, &out);
    size_t lines = 0;
    for (const char *at = bf_text_get(&out); *at && strncmp(at, "\n", 1) != 0; lines++)
        at = strchr(at, '\n') + 1;
    bool said = strstr(bf_text_get(&out), "which is not certain: a doubt\n") != NULL;
    bool counted = strstr(bf_text_get(&out), "look at: 25 more warnings below\n") != NULL;
    bool cut = strstr(bf_text_get(&out), "and ...\n") || strstr(bf_text_get(&out), "...\n");
    bf_text_free(&out);
    json_decref(report);
    CHECK(lines <= 10);
    CHECK(said);
    CHECK(counted);
    CHECK(cut);
}

static void test_order_names(void)
{
    static const char *const order[] = {"/dev/sda",
                                        "/dev/sda2",
                                        "/dev/vdb1",
                                        "/dev/hdc",
                                        "/dev/xvda1",
                                        "/dev/nvme0n1p2",
                                        "/dev/mmcblk0p1",
                                        "/dev/cciss/c0d0p2",
                                        "/dev/ida/c1d0",
                                        "/dev/i2o/hda1",
                                        "/dev/dm-0",
                                        "/dev/block/8:1",
                                        "/dev/mapper/mpatha-part2",
                                        "/dev/mapper/36000c29abcdef0123456789abcdef012",
                                        "/dev/disk/by-id/dm-name-mpatha-part1",
                                        "/dev/disk/by-path/pci-0",
                                        "/dev/disk/by-id/ata-X-part1"};
    static const char *const stable[] = {"UUID=1",
                                         "LABEL=x",
                                         "/dev/mapper/vg-root",
                                         "/dev/vg/root",
                                         "/dev/md0",
                                         "/dev/disk/by-uuid/1",
                                         "server:/export",
                                         "tmpfs",
                                         "/dev/sda2x",
                                         "/dev/cciss/c0",
                                         "/dev/dm-x",
                                         "/dev/mapper/mpath",
                                         "/dev/mapper/mpathvg-lv",
                                         "/dev/mapper/36000",
                                         "/dev/disk/by-id/dm-uuid-LVM-x"};
    for (size_t i = 0; i < BF_COUNT(order); i++)
        if (bf_name_kind(order[i]) != BF_NAME_ORDER)
            FAIL("%s is taken for stable", order[i]);
    for (size_t i = 0; i < BF_COUNT(stable); i++)
        if (bf_name_kind(stable[i]) != BF_NAME_STABLE)
            FAIL("%s is taken for unstable", stable[i]);
}

static void test_devices_are_found(void)
{
    struct bf_device items[] = {
        {.disk = 0, .part = 2, .uuid = "AB-CD", .label = "root", .partuuid = "77"},
        {.disk = 1, .part = 1, .uuid = "11"},
        {.disk = 26, .part = 1, .uuid = "27"},
        {.stacked = true, .name = "/dev/mapper/vg--a-lv", .uuid = "22"},
    };
    struct bf_devices d = {.item = items, .count = BF_COUNT(items)};
    CHECK(bf_device_find(&d, "UUID=ab-cd") == &items[0]);
    CHECK(bf_device_find(&d, "LABEL=\"root\"") == &items[0]);
    CHECK(bf_device_find(&d, "/dev/disk/by-partuuid/77") == &items[0]);
    CHECK(bf_device_find(&d, "/dev/sda2") == &items[0]);
    CHECK(bf_device_find(&d, "/dev/nvme1n1p1") == &items[1]);
    CHECK(bf_device_find(&d, "/dev/sdaa1") == &items[2]);
    CHECK(bf_device_find(&d, "/dev/vg-a/lv") == &items[3]);
    CHECK(bf_device_find(&d, "/dev/mapper/vg--a-lv") == &items[3]);
    CHECK(bf_device_find(&d, "/dev/sda1") == NULL);
    CHECK(bf_device_find(&d, "UUID=") == NULL);
}

// A path is found by the mount that fits best, and leads back to its device.
static void test_places(void)
{
    struct bf_device items[] = {{.uuid = "root"}, {.uuid = "boot"}, {.uuid = "other"}};
    struct bf_devices d = {.item = items, .count = BF_COUNT(items)};
    char path[64], inside[64];
    bf_devices_place(&d, 0, "/", "/@");
    bf_devices_place(&d, 0, "/var", "/@/@var");
    bf_devices_place(&d, 1, "/boot", "/");
    CHECK(bf_place_path(&d, &items[0], "/@/boot/x", path, sizeof path));
    CHECK_STR(path, "/boot/x");
    CHECK(bf_place_path(&d, &items[0], "/@/@var/x", path, sizeof path));
    CHECK_STR(path, "/var/x");
    CHECK(bf_place_path(&d, &items[0], "/@", path, sizeof path));
    CHECK_STR(path, "/");
    CHECK(bf_place_path(&d, &items[1], "/vmlinuz", path, sizeof path));
    CHECK_STR(path, "/boot/vmlinuz");
    CHECK(!bf_place_path(&d, &items[0], "/@home/x", path, sizeof path));
    CHECK(!bf_place_path(&d, &items[2], "/x", path, sizeof path));
    CHECK(!bf_place_path(&d, &items[1], "/a-long-name", path, 8));
    CHECK(bf_place_device(&d, "/boot/vmlinuz", inside, sizeof inside) == &items[1]);
    CHECK_STR(inside, "/vmlinuz");
    CHECK(bf_place_device(&d, "/bootx", inside, sizeof inside) == &items[0]);
    CHECK_STR(inside, "/@/bootx");
    CHECK(bf_place_device(&d, "/boot", inside, sizeof inside) == &items[1]);
    CHECK_STR(inside, "/");
}

// What the list of a report says of mounts is read back, and nothing else is taken.
static void test_places_as_json(void)
{
    struct bf_devices d = {0}, back;
    struct bf_device *dev = bf_devices_add(&d);
    CHECK(dev);
    bf_devices_place(&d, 0, "/", "/@");
    json_t *list = bf_devices_json(&d);
    enum bf_err err = bf_devices_parse(list, &back);
    bool same = !err && back.places == 1 && strcmp(back.place[0].inside, "/@") == 0;
    json_array_append_new(json_object_get(json_array_get(list, 0), "mounts"),
                          json_pack("{s:s}", "at", "boot"));
    bf_devices_free(&back);
    bool refused = bf_devices_parse(list, &back) == BF_ERR_CONFIG;
    json_decref(list);
    bf_devices_free(&d);
    CHECK(same);
    CHECK(refused);
}

static void test_places_in_names(void)
{
    static const struct {
        const char *name;
        struct bf_position place;
    } at[] = {
        {"/dev/sdab12", {true, 27, 12, 9}},
        {"/dev/nvme2n1", {true, 2, 0, 12}},
        {"/dev/cciss/c0d3p4", {true, 3, 4, 15}},
        {"/dev/cciss/c1d3p4", {false, 3, 4, 15}},
        {"/dev/disk/by-path/pci-part1-part7", {false, 0, 7, 27}},
        {"/dev/disk/by-id/ata-X-partY", {false, 0, 0, 27}},
        {"/dev/mapper/mpathbp3", {false, 0, 3, 18}},
        {"/dev/dm-3", {false, 0, BF_PART_UNKNOWN, 9}},
    };
    for (size_t i = 0; i < BF_COUNT(at); i++) {
        struct bf_position got;
        const struct bf_position *want = &at[i].place;
        if (!bf_device_position(at[i].name, &got) || got.known != want->known ||
            got.disk != want->disk || got.part != want->part || got.stem != want->stem)
            FAIL("%s: disk %u part %u stem %zu", at[i].name, got.disk, got.part, got.stem);
    }
}

static void test_ini(void)
{
    static const char text[] = "# c\n[Match]\n Name = eth0 \n;x=y\n[Network]\nDHCP=yes\nNoValue\n";
    char value[32];
    CHECK(bf_ini_find(text, sizeof text - 1, "Match", "Name", value, sizeof value));
    CHECK_STR(value, "eth0");
    CHECK(bf_ini_find(text, sizeof text - 1, "Network", "DHCP", value, sizeof value));
    CHECK(!bf_ini_find(text, sizeof text - 1, "Match", "DHCP", value, sizeof value));
    CHECK(!bf_ini_find(text, sizeof text - 1, "Network", "x", value, sizeof value));
}

// Old systems have names in Latin-1, and JSON is UTF-8: the change must be told all the same.
static void test_paths_that_are_not_utf8(void)
{
    struct bf_fin_report r;
    bf_fin_report_init(&r, "apply");
    bf_fin_report_change(&r, "/etc/caf\xe9", "modify", "why", "a\n", 2, "b\n", 2);
    bf_fin_report_change(&r, "/etc/caf\xc3\xa9", "modify", "why", "a\n", 2, "b\n", 2);
    bf_note(&r, "info", "/etc/caf\xe9", "text");
    const json_t *changes = json_object_get(r.json, "changes");
    const json_t *notes = json_object_get(r.json, "notes");
    char first[64], second[64], about[64];
    const json_t *paths[] = {json_object_get(json_array_get(changes, 0), "path"),
                             json_object_get(json_array_get(changes, 1), "path"),
                             json_object_get(json_array_get(notes, 0), "about")};
    bool diff = json_object_get(json_array_get(changes, 0), "diff");
    snprintf(first, sizeof first, "%s", paths[0] ? json_string_value(paths[0]) : "");
    snprintf(second, sizeof second, "%s", paths[1] ? json_string_value(paths[1]) : "");
    snprintf(about, sizeof about, "%s", paths[2] ? json_string_value(paths[2]) : "");
    bf_fin_report_free(&r);
    CHECK_STR(first, "/etc/caf?");
    CHECK_STR(second, "/etc/caf\xc3\xa9");
    CHECK_STR(about, "/etc/caf?");
    CHECK(diff);
}

TEST_MAIN(TEST(test_paths_that_are_not_utf8), TEST(test_diff_of_a_line),
          TEST(test_diff_of_two_hunks), TEST(test_diff_of_new_and_removed), TEST(test_secrets),
          TEST(test_report_has_no_control_characters), TEST(test_report_begins_with_the_verdict),
          TEST(test_verdict_has_ten_lines), TEST(test_places), TEST(test_places_as_json),
          TEST(test_places_in_names), TEST(test_order_names), TEST(test_devices_are_found),
          TEST(test_ini))
