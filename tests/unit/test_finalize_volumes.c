// SPDX-License-Identifier: Apache-2.0
// What a system mounts, whether a file system's content is that of a mount point, what the header
// of a LUKS device says of its keys, and what the checking tools print.
#include "finalize/core/text.h"
#include "finalize/vm/wanted.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/config.h"
#include "finalize/archive/luks.h"
#include "finalize/core/devices.h"
#include "finalize/vm/fits.h"
#include "finalize/vm/said.h"
#include "tests/finalize_tree.h"
#include "tests/luks_copy.h"
#include "tests/unit/test.h"

static void put(const char *path, const char *text)
{
    if (tree_root.fd < 0)
        tree_make();
    tree_put(path, text, strlen(text));
}

// ---- What is mounted ---------------------------------------------------------------------------

static void test_lines_of_fstab(void)
{
    static struct bf_wanted_list list;
    put("etc/fstab", "# /dev/sda9 /boot ext4 defaults 0 2\n"
                     "UUID=1 / ext4 defaults 0 1\n"
                     "/dev/sda2\t/boot/efi/ vfat umask=0077,nofail 0 2\n"
                     "LABEL=My\\040Boot /boot ext4\n"
                     "UUID=2 none swap sw\n"
                     "short line\n");
    bf_wanted_read(&tree_root, &list);
    CHECK_EQ(list.count, 4);
    const struct bf_want *boot = bf_wanted_at(&list, "/boot"),
                         *esp = bf_wanted_at(&list, "/boot/efi");
    CHECK(boot && esp && boot < esp);
    CHECK_STR(boot->device, "LABEL=My Boot");
    CHECK_STR(boot->from, "/etc/fstab line 4");
    CHECK(boot->needed && !boot->optional && esp->optional);
    CHECK(!bf_wanted_at(&list, "/")->needed);
}

// Options beyond what fstabs usually have; a comment after blanks; what does not fit is nothing.
static void test_odd_lines_of_fstab(void)
{
    static struct bf_wanted_list list;
    struct bf_text t = {0};
    bf_text_str(&t, "  \t# UUID=1 /boot ext4 defaults\n UUID=2\t/usr btrfs ");
    for (int i = 0; i < 40; i++)
        bf_textf(&t, "x-opt%d=1,", i);
    bf_text_str(&t, "subvol=@\\040u,nofail\nUUID=");
    for (int i = 0; i < 300; i++)
        bf_text_str(&t, "0");
    bf_text_str(&t, " /var ext4 defaults");
    put("etc/fstab", bf_text_get(&t));
    bf_text_free(&t);
    bf_wanted_read(&tree_root, &list);
    CHECK_EQ(list.count, 2);
    const struct bf_want *usr = bf_wanted_at(&list, "/usr"), *var = bf_wanted_at(&list, "/var");
    char value[32];
    CHECK(usr && var && usr->optional);
    CHECK(bf_wanted_option(usr->options, "subvol", value, sizeof value));
    CHECK_STR(value, "@ u");
    CHECK_STR(usr->from, "/etc/fstab line 2");
    CHECK_STR(var->device, "");
}

static void test_options(void)
{
    char value[32];
    CHECK(bf_wanted_option("rw,subvol=/@boot,noatime", "subvol", value, sizeof value));
    CHECK_STR(value, "/@boot");
    CHECK(!bf_wanted_option("rw,subvolid=256", "subvol", value, sizeof value));
    CHECK(bf_wanted_option("rw,subvolid=256", "subvolid", value, sizeof value));
    CHECK_STR(value, "256");
    CHECK(bf_wanted_option("nofail", "nofail", value, sizeof value));
    CHECK(!bf_wanted_option("x-nofail,", "nofail", value, sizeof value));
}

static void link_to(const char *target, const char *path)
{
    char full[256];
    snprintf(full, sizeof full, "/proc/self/fd/%d/%s", tree_root.fd, path);
    unlink(full);
    CHECK_EQ(symlink(target, full), 0);
}

static void test_mount_units(void)
{
    static struct bf_wanted_list list;
    put("etc/fstab", "UUID=1 /boot ext4 defaults\n");
    put("etc/systemd/system/boot.mount", "[Mount]\nWhat=UUID=2\nWhere=/boot\n");
    put("etc/systemd/system/efi.mount", "[Mount]\nWhat=UUID=3\nWhere=/efi\nType=vfat\n");
    bf_wanted_read(&tree_root, &list);
    CHECK_EQ(list.count, 1); // the one without a line is not enabled
    CHECK_STR(list.item[0].device, "UUID=2");
    CHECK_STR(list.item[0].from, "/etc/systemd/system/boot.mount");
    put("etc/systemd/system/local-fs.target.requires/x", "");
    link_to("../efi.mount", "etc/systemd/system/local-fs.target.requires/efi.mount");
    bf_wanted_read(&tree_root, &list);
    CHECK(bf_wanted_at(&list, "/efi") && !bf_wanted_at(&list, "/efi")->optional);
    link_to("/dev/null", "etc/systemd/system/efi.mount");
    bf_wanted_read(&tree_root, &list);
    CHECK(!bf_wanted_at(&list, "/efi"));
}

// ---- Content -----------------------------------------------------------------------------------

static struct bf_fin_root part_of(const char *folder)
{
    char path[128];
    struct bf_fin_root root;
    snprintf(path, sizeof path, "/proc/self/fd/%d/%s", tree_root.fd, folder);
    CHECK_EQ(bf_fin_root_attach(&root, path, NULL), BF_OK);
    return root;
}

static bool fits(const char *folder, const char *at)
{
    struct bf_fin_root root = part_of(folder), system = part_of("system");
    bool yes = bf_fits(&root, &system, at);
    bf_fin_root_close(&root);
    bf_fin_root_close(&system);
    return yes;
}

static void test_content(void)
{
    put("system/lib/modules/6.1.0-1/modules.dep", "");
    put("ours/vmlinuz-6.1.0-1", "k");
    put("theirs/vmlinuz-5.10.0-9", "k");
    put("plain/vmlinuz-linux", "k");
    put("layout/0123456789abcdef0123456789abcdef/6.1.0-1/linux", "k");
    put("uki/EFI/Linux/a.efi", "k");
    put("data/photo", "x");
    put("usr/lib/os-release", "");
    put("var/lib/x", "");
    put("var/log/x", "");
    CHECK(fits("ours", "/boot") && fits("plain", "/boot") && fits("layout", "/boot"));
    CHECK(fits("uki", "/boot") && fits("uki", "/boot/efi"));
    CHECK(!fits("theirs", "/boot") && !fits("data", "/boot") && !fits("data", "/efi"));
    CHECK(fits("usr", "/usr") && !fits("data", "/usr"));
    CHECK(fits("var", "/var") && !fits("usr", "/var") && !fits("data", "/home"));
}

static void test_number_in_a_name(void)
{
    unsigned part;
    CHECK(bf_fits_part("/dev/disk/by-path/pci-0000:03:00.0-scsi-0:0:1:0", &part) && part == 0);
    CHECK(bf_fits_part("/dev/disk/by-id/wwn-0x5000c500-part12", &part) && part == 12);
    CHECK(bf_fits_part("/dev/cciss/c0d0p3", &part) && part == 3);
    CHECK(bf_fits_part("/dev/nvme0n1p2", &part) && part == 2);
    CHECK(bf_fits_part("/dev/sdab7", &part) && part == 7);
    CHECK(!bf_fits_part("/dev/disk/by-id/dm-name-vg-root", &part));
    CHECK(!bf_fits_part("UUID=1-part2", &part) && !bf_fits_part("/dev/sda1x", &part));
}

static void test_names_of_devices(void)
{
    struct bf_devices d = {0};
    struct bf_device *dev = bf_devices_add(&d);
    snprintf(dev->partlabel, sizeof dev->partlabel, "boot part");
    snprintf(dev->uuid, sizeof dev->uuid, "ab");
    CHECK(bf_device_find(&d, "PARTLABEL=boot part") == dev);
    CHECK(!bf_device_find(&d, "LABEL=boot part"));
    CHECK(!bf_device_by_order(&d, "/dev/cciss/c0d0p1", ""));
    CHECK(bf_device_alias(dev, "/dev/cciss/c0d0p1") && bf_device_alias(dev, "/dev/cciss/c0d0p1"));
    CHECK(bf_device_by_order(&d, "/dev/cciss/c0d0p1", "") == dev);
    struct bf_devices again;
    json_t *json = bf_devices_json(&d);
    CHECK_EQ(bf_devices_parse(json, &again), BF_OK);
    CHECK(bf_device_find(&again, "/dev/cciss/c0d0p1") == again.item);
    CHECK_STR(again.item[0].partlabel, "boot part");
    json_decref(json);
    bf_devices_free(&d);
    bf_devices_free(&again);
}

// ---- LUKS --------------------------------------------------------------------------------------

static unsigned char head[65536];

static size_t luks2(const char *json)
{
    memset(head, 0, sizeof head);
    memcpy(head, "LUKS\xba\xbe\0\2", 8);
    memcpy(head + 168, "aaaa-bbbb", 10);
    snprintf((char *)head + 4096, 12288, "%s", json);
    luks_seal(head, 0, 16384, "sha256");
    return 16384;
}

// The protected header of a JWE with this pin, as text for JSON.
static const char *jwe(const char *header)
{
    static char text[512];
    bf_base64_encode((const unsigned char *)header, strlen(header), text, sizeof text);
    text[strcspn(text, "=")] = 0;
    return text;
}

static void test_tokens_of_luks2(void)
{
    struct bf_luks luks;
    char json[2048];
    snprintf(json, sizeof json,
             "{\"keyslots\": {\"0\": {\"kdf\": {\"type\": \"argon2id\", \"memory\": 1048576}}, "
             "\"1\": {}, \"2\": {}, \"3\": {}}, \"tokens\": {"
             "\"0\": {\"type\": \"clevis\", \"keyslots\": [\"1\"], \"jwe\": {\"protected\": "
             "\"%s\"}}, "
             "\"1\": {\"type\": \"systemd-tpm2\", \"keyslots\": [\"2\"]}, "
             "\"2\": {\"type\": \"systemd-recovery\", \"keyslots\": [\"3\"]}}}",
             jwe("{\"alg\": \"dir\", \"clevis\": {\"pin\": \"tang\"}}"));
    CHECK_EQ(bf_luks_read(head, luks2(json), &luks), BF_OK);
    CHECK_EQ(luks.version, 2);
    CHECK_STR(luks.uuid, "aaaa-bbbb");
    CHECK_EQ(luks.slots, 4);
    CHECK_EQ(luks.free_slots, 2);
    CHECK_EQ(luks.kdf_kib, 1048576);
    CHECK_EQ(luks.bounds, 3);
    CHECK(luks.bound[0].to == BF_LUKS_NETWORK && luks.bound[0].slot == 1);
    CHECK_STR(luks.bound[0].by, "clevis tang");
    CHECK(luks.bound[1].to == BF_LUKS_TPM && luks.bound[1].slot == 2);
    CHECK(luks.bound[2].to == BF_LUKS_RECOVERY);
}

static void test_pins_within_a_pin(void)
{
    struct bf_luks luks;
    char header[400], json[1024];
    char inner[200];
    snprintf(inner, sizeof inner, "%s", jwe("{\"clevis\": {\"pin\": \"tpm2\"}}"));
    snprintf(header, sizeof header,
             "{\"clevis\": {\"pin\": \"sss\", \"sss\": {\"jwe\": [\"%s.a.b\"]}}}", inner);
    snprintf(json, sizeof json,
             "{\"keyslots\": {\"5\": {}}, \"tokens\": {\"0\": {\"type\": \"clevis\", \"keyslots\": "
             "[\"5\"], \"jwe\": {\"protected\": \"%s\"}}}}",
             jwe(header));
    CHECK_EQ(bf_luks_read(head, luks2(json), &luks), BF_OK);
    CHECK_EQ(luks.bounds, 1);
    CHECK_STR(luks.bound[0].by, "clevis tpm2");
    CHECK_EQ(luks.free_slots, 0);
}

static void put_be32(size_t at, uint32_t v)
{
    head[at] = (unsigned char)(v >> 24);
    head[at + 1] = (unsigned char)(v >> 16);
    head[at + 2] = (unsigned char)(v >> 8);
    head[at + 3] = (unsigned char)v;
}

// A key slot of 8 sectors of material at sector 8; luksmeta's area at 8 KiB, the data at 32 KiB.
static void test_luksmeta_of_luks1(void)
{
    static const unsigned char clevis[16] = {0xcb, 0x6e, 0x89, 0x04, 0x81, 0xff, 0x40, 0xda,
                                             0xa8, 0x4a, 0x07, 0xab, 0x9a, 0xb5, 0x71, 0x5e};
    struct bf_luks luks;
    memset(head, 0, sizeof head);
    memcpy(head, "LUKS\xba\xbe\0\1", 8);
    put_be32(104, 64);
    put_be32(108, 64);
    for (size_t i = 0; i < 8; i++) {
        put_be32(208 + i * 48, i < 2 ? 0x00ac71f3 : 0xdead);
        put_be32(208 + i * 48 + 40, 8);
        put_be32(208 + i * 48 + 44, 64);
    }
    memcpy(head + 8192, "LUKSMETA", 8);
    const char *text = jwe("{\"clevis\": {\"pin\": \"tpm2\"}}");
    size_t slot = 8192 + 16 + 32;
    memcpy(head + slot, clevis, sizeof clevis);
    put_be32(slot + 16, 4096);
    put_be32(slot + 20, (uint32_t)strlen(text));
    memcpy(head + 8192 + 4096, text, strlen(text));
    CHECK_EQ(bf_luks_read(head, sizeof head, &luks), BF_OK);
    CHECK_EQ(luks.slots, 2);
    CHECK_EQ(luks.free_slots, 1);
    CHECK_EQ(luks.bounds, 1);
    CHECK(luks.bound[0].to == BF_LUKS_TPM && luks.bound[0].slot == 1);
    put_be32(slot + 16, 0xfffffff0);
    CHECK_EQ(bf_luks_read(head, sizeof head, &luks), BF_OK);
    CHECK(luks.bound[0].to == BF_LUKS_OTHER);
}

static void test_headers_that_are_none(void)
{
    struct bf_luks luks;
    CHECK_EQ(bf_luks_read(head, 100, &luks), BF_ERR_PROTOCOL);
    CHECK_EQ(bf_luks_read(head, luks2("[]"), &luks), BF_ERR_PROTOCOL);
    CHECK_EQ(bf_luks_read(head, luks2("{}") - 1, &luks), BF_ERR_PROTOCOL);
    CHECK_EQ(bf_luks_read(head, luks2("{}"), &luks), BF_OK);
    head[7] = 3;
    CHECK_EQ(bf_luks_read(head, 16384, &luks), BF_ERR_PROTOCOL);
}

// ---- Tools -------------------------------------------------------------------------------------

static void test_what_a_fat_that_was_mounted_has(void)
{
    static const char mounted[] =
        "fsck.fat 4.2 (2021-01-31)\n"
        "There are differences between boot sector and its backup.\n"
        "This is mostly harmless. Differences: (offset:original/backup)\n"
        "  65:01/00\n"
        "  Not automatically fixing this.\n"
        "Dirty bit is set. Fs was not properly unmounted and some data may be corrupt.\n"
        " Automatically removing dirty bit.\n"
        "Free cluster summary wrong (77000 vs. really 76000)\n"
        "  Auto-correcting.\n\n"
        "Leaving filesystem unchanged.\n"
        "/dev/vda1: 12 files, 900/76900 clusters\n";
    char line[128];
    CHECK(bf_said_fat_is_harmless(mounted));
    CHECK(!bf_said_fat_is_harmless("  71:01/00\n"));
    CHECK(!bf_said_fat_is_harmless("/EFI/debian/shimx64.efi\n  Start cluster beyond limit\n"));
    bf_said_first(
        "e2fsck 1.47.0 (5-Feb-2023)\nPass 1: Checking inodes\n\nInode 12 has a bad\tmode\n", line,
        sizeof line);
    CHECK_STR(line, "Inode 12 has a bad?mode");
}

TEST_MAIN(TEST(test_lines_of_fstab), TEST(test_odd_lines_of_fstab), TEST(test_options),
          TEST(test_mount_units), TEST(test_content), TEST(test_number_in_a_name),
          TEST(test_names_of_devices), TEST(test_tokens_of_luks2), TEST(test_pins_within_a_pin),
          TEST(test_luksmeta_of_luks1), TEST(test_headers_that_are_none),
          TEST(test_what_a_fat_that_was_mounted_has))
