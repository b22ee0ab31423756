// SPDX-License-Identifier: Apache-2.0
// Command lines of new machines, whole, and the record in their scripts.
#include "replica/targets/qemu_place.h"

#include "tests/unit/test.h"

static struct bf_tgt_machine m;
static struct bf_qemu_place place;
static struct bf_image_layer layers[2] = {{"machines/web-1/finalized-3-1/disk-0.qcow2"},
                                          {"machines/web-1/disk-0/layer-000001.qcow2"}};
static char text[16384];

static void smallest(void)
{
    memset(&m, 0, sizeof m);
    memset(&place, 0, sizeof place);
    strcpy(m.name, "web-1");
    strcpy(m.type, "q35");
    strcpy(m.disk_bus, "virtio-blk");
    strcpy(m.nic_model, "virtio-net");
    m.processors = 2;
    m.memory_mib = 512;
    m.disks = 1;
    m.disk[0].block_size = 512;
    m.disk[0].chain.layer = layers;
    m.disk[0].chain.layers = 2;
    m.nics = 1;
    strcpy(m.nic[0].mac, "52:54:00:aa:bb:01");
}

static const char *written(bool at_home, bool raw, const char *accel)
{
    struct bf_qemu_line line = {
        &m, &place, "../../", at_home, raw, accel, "/usr/share/OVMF/CODE,1.fd"};
    struct bf_args args = {0};
    struct bf_text out = {0};

    bf_qemu_args(&args, &line);
    CHECK(!args.failed);
    bf_args_shell(&out, &args);
    CHECK(bf_text_ok(&out));
    snprintf(text, sizeof text, "%s", bf_text_get(&out));
    bf_args_free(&args);
    bf_text_free(&out);
    return text;
}

static void test_the_smallest_machine(void)
{
    smallest();
    CHECK_STR(
        written(false, false, "tcg"),
        "qemu-system-x86_64 \\\n"
        "    -name guest=web-1 \\\n"
        "    -machine q35,accel=tcg,usb=off,smm=off \\\n"
        "    -cpu max \\\n"
        "    -smp cpus=2 \\\n"
        "    -m size=512M \\\n"
        "    -rtc base=utc \\\n"
        "    -nodefaults \\\n"
        "    -no-user-config \\\n"
        "    -boot strict=on \\\n"
        "    -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny "
        "\\\n"
        "    -display vnc=unix:screen.sock \\\n"
        "    -vga none \\\n"
        "    -device VGA,id=screen,addr=2 \\\n"
        "    -chardev socket,id=serial,path=serial.sock,server=on,wait=off,logfile=console.log,"
        "logappend=on \\\n"
        "    -serial chardev:serial \\\n"
        "    -device virtio-serial-pci,id=ports,addr=3 \\\n"
        "    -chardev file,id=evidence,path=evidence.log,append=on \\\n"
        "    -device virtserialport,bus=ports.0,nr=1,chardev=evidence,name=org.bootferry.evidence "
        "\\\n"
        "    -chardev socket,id=agent,path=agent.sock,server=on,wait=off \\\n"
        "    -device virtserialport,bus=ports.0,nr=2,chardev=agent,name=org.qemu.guest_agent.0 "
        "\\\n"
        "    -object rng-random,id=entropy,filename=/dev/urandom \\\n"
        "    -device virtio-rng-pci,rng=entropy,addr=4 \\\n"
        "    -chardev socket,id=control,path=qmp.sock,server=on,wait=off \\\n"
        "    -mon chardev=control,mode=control \\\n"
        "    -pidfile qemu.pid \\\n"
        "    -msg timestamp=on \\\n"
        "    -blockdev '{\"driver\":\"qcow2\",\"node-name\":\"disk0-2\",\"read-only\":true,"
        "\"auto-read-only\":false,\"discard\":\"unmap\",\"backing\":null,\"file\":{\"driver\":"
        "\"file\",\"filename\":\"../../machines/web-1/disk-0/layer-000001.qcow2\"}}' \\\n"
        "    -blockdev driver=qcow2,node-name=disk0-1,read-only=on,auto-read-only=off,"
        "discard=unmap,backing=disk0-2,file.driver=file,"
        "file.filename=../../machines/web-1/finalized-3-1/disk-0.qcow2 \\\n"
        "    -blockdev driver=qcow2,node-name=disk0,read-only=off,auto-read-only=off,"
        "discard=unmap,backing=disk0-1,file.driver=file,file.filename=overlay-0.qcow2 \\\n"
        "    -device virtio-blk-pci,addr=5,drive=disk0,bootindex=0 \\\n"
        "    -netdev user,id=net0 \\\n"
        "    -device virtio-net-pci,netdev=net0,mac=52:54:00:aa:bb:01,romfile=,addr=6\n");
}

static void check_has(const char *words)
{
    if (!strstr(text, words))
        FAIL("no \"%s\" in: %s", words, text);
}

static void test_firmware_and_identity(void)
{
    smallest();
    m.uefi = m.secure_boot = true;
    strcpy(m.vendor, "Dell, Inc.");
    strcpy(m.product, "it's");
    strcpy(m.serial, "$(id)");
    strcpy(m.uuid, "4c4c4544-0042-3010-8034-b5c04f4e3732");
    written(false, false, "kvm");
    check_has("q35,accel=kvm,usb=off,smm=on,pflash0=firmware,pflash1=variables");
    check_has("-cpu host ");
    check_has("driver=raw,node-name=firmware,read-only=on,file.driver=file,"
              "file.filename=/usr/share/OVMF/CODE,,1.fd");
    check_has("node-name=variables,file.driver=file,file.filename=vars.fd");
    check_has("driver=cfi.pflash01,property=secure,value=on");
    check_has("-uuid 4c4c4544-0042-3010-8034-b5c04f4e3732");
    check_has("-smbios 'type=1,manufacturer=Dell,, Inc.,product=it'\\''s,serial=$(id)'");
}

static void test_disks_of_every_bus(void)
{
    static const struct {
        const char *bus, *device;
    } rows[] = {
        {"virtio-blk", "virtio-blk-pci,addr=5,serial=WD-1234567890-ABCDEF,drive=disk0,"
                       "bootindex=0"},
        {"virtio-scsi", "scsi-hd,bus=scsi0.0,channel=0,scsi-id=0,lun=0,"
                        "serial=WD-1234567890-ABCDEFGH,wwn=0x5000c50000000001,drive=disk0"},
        {"nvme", "-device nvme,id=nvme0,serial=WD-1234567890-ABCDEF,addr=5 \\\n"
                 "    -device nvme-ns,bus=nvme0,nsid=1,drive=disk0,bootindex=0"},
        {"ahci", "-device ich9-ahci,id=sata0,addr=5 \\\n    -device 'ide-hd,bus=sata0.0,"
                 "serial=WD-1234567890-ABCDEF,wwn=0x5000c50000000001,model=WDC 1,drive=disk0"},
    };

    smallest();
    strcpy(m.disk[0].serial, "WD-1234567890-ABCDEFGH");
    strcpy(m.disk[0].wwn, "naa.5000c50000000001");
    strcpy(m.disk[0].model, "WDC 1");
    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        strcpy(m.disk_bus, rows[i].bus);
        written(false, false, "tcg");
        check_has(rows[i].device);
    }
    strcpy(m.disk_bus, "virtio-blk");
    m.disk[0].block_size = 4096;
    written(false, false, "tcg");
    check_has("logical_block_size=4096,physical_block_size=4096");
    strcpy(m.disk[0].wwn, "naa.5000c5000000000,id=x");
    strcpy(m.disk_bus, "virtio-scsi");
    written(false, false, "tcg");
    CHECK(!strstr(text, "wwn="));
}

static void test_at_home(void)
{
    smallest();
    m.uefi = true;
    strcpy(place.home, "machines/web-1/home-7");
    place.disk[0] = place.vars = true;
    written(false, false, "tcg");
    check_has("\"node-name\":\"home0\",\"read-only\":false,\"auto-read-only\":false,"
              "\"discard\":\"unmap\",\"backing\":null,\"file\":{\"driver\":\"file\","
              "\"filename\":\"../../machines/web-1/home-7/disk-0.qcow2\"}}'");
    check_has("file.filename=../../machines/web-1/home-7/vars.fd");
    CHECK(!strstr(text, "layer-"));
    written(true, false, "tcg");
    check_has("\"filename\":\"disk-0.qcow2\"");
    check_has("file.filename=vars.fd");
    strcpy(place.home, "/srv/a,b");
    written(false, false, "tcg");
    check_has("\"filename\":\"/srv/a,b/disk-0.qcow2\"");
    written(true, true, "kvm:tcg");
    check_has("driver=raw,node-name=home0,");
    check_has("file.filename=disk-0.raw");
    check_has("-cpu max");
}

static void test_networks(void)
{
    smallest();
    m.nics = 3;
    strcpy(m.nic[1].mac, "52:54:00:aa:bb:02");
    strcpy(m.nic[2].mac, "52:54:00:aa:bb:03");
    strcpy(m.nic[0].network, "bridge:br0");
    strcpy(m.nic[1].network, "none");
    strcpy(m.nic_model, "e1000e");
    written(false, false, "tcg");
    check_has("-netdev bridge,id=net0,br=br0");
    check_has("-netdev hubport,id=net1,hubid=1");
    check_has("-netdev user,id=net2 ");
    check_has("e1000e,netdev=net2,mac=52:54:00:aa:bb:03,romfile=,addr=8");
    check_has("elevateprivileges=children,spawn=allow"); // for the bridge's helper
    m.isolated = true;
    written(false, false, "tcg");
    CHECK(!strstr(text, "br0"));
    check_has("-netdev user,id=net0,restrict=on");
    check_has("spawn=deny");
}

// Every device has its place, however many there are.
static void test_crowded_machines(void)
{
    smallest();
    m.disks = BF_TGT_DISKS;
    m.nics = BF_TGT_NICS;
    for (uint32_t i = 0; i < m.disks; i++) {
        m.disk[i] = m.disk[0];
        m.disk[i].number = (uint16_t)i;
    }
    for (uint32_t i = 0; i < m.nics; i++)
        snprintf(m.nic[i].mac, sizeof m.nic[i].mac, "52:54:00:00:00:%02x", i);
    written(false, false, "tcg");
    check_has("VGA,id=screen,addr=2.0,multifunction=on");
    check_has("virtio-blk-pci,addr=4.2,drive=disk15,bootindex=15");
    check_has("mac=52:54:00:00:00:1f,romfile=,addr=8.2");
    strcpy(m.disk_bus, "ahci");
    written(false, false, "tcg");
    check_has("ich9-ahci,id=sata2,");
    check_has("ide-hd,bus=sata2.3,drive=disk15");
}

static void test_the_record(void)
{
    static const struct {
        const char *script, *home;
        bool sound, disk, vars;
    } rows[] = {
        {"#!/bin/sh\ncd x\n", "", true, false, false},
        {"#!/bin/sh\n# bootferry home: /srv/x y\n# bootferry at home: 0 variables\n", "/srv/x y",
         true, true, true},
        {"# bootferry home: a\n# bootferry at home: \n", "a", true, false, false},
        {"# bootferry home: a\n# bootferry at home: 9\n", "a", false, false, false},
        {"# bootferry at home: variables0\n", "", false, false, false},
        {"cd x\n# bootferry home: a\n", "", true, false, false}, // no longer at its head
        {"", "", true, false, false},
    };
    static char huge[PATH_MAX + 64] = "# bootferry home: ";

    smallest();
    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        CHECK_EQ(bf_qemu_place_parse(rows[i].script, &m, &place), rows[i].sound);
        CHECK_STR(place.home, rows[i].home);
        CHECK_EQ(place.disk[0], rows[i].disk);
        CHECK_EQ(place.vars, rows[i].vars);
    }
    memset(huge + strlen(huge), 'x', PATH_MAX);
    CHECK(!bf_qemu_place_parse(huge, &m, &place));
}

// What is on record of a machine at home is enough to start it without its point.
static void test_the_machine_of_a_record(void)
{
    static const struct {
        const char *script;
        bool sound, uefi;
        uint32_t disks;
    } rows[] = {
        {"#!/bin/sh\n# bootferry home: h\n# bootferry at home: 0 2 variables\n", true, true, 2},
        {"# bootferry at home: 65535 \n", true, false, 1},
        {"# bootferry at home: 65536\n", false, false, 1},
        {"# bootferry at home: 100000\n", false, false, 0},
        {"# bootferry at home: 1x\n", false, false, 0},
        {"# bootferry at home: variables\n", false, true, 0},
        {"# bootferry at home: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", false, false, 16},
        {"cd x\n# bootferry at home: 0\n", false, false, 0},
        {"", false, false, 0},
    };

    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        memset(&m, 0, sizeof m);
        CHECK_EQ(bf_qemu_place_machine(rows[i].script, &m), rows[i].sound);
        CHECK_EQ(m.uefi, rows[i].uefi);
        CHECK_EQ(m.disks, rows[i].disks);
    }
    memset(&m, 0, sizeof m);
    CHECK(bf_qemu_place_machine(rows[0].script, &m));
    CHECK_EQ(m.disk[1].number, 2);
}

static void test_words_of_a_shell(void)
{
    static const struct {
        const char *word, *quoted;
    } rows[] = {
        {"plain-1,a=b", "plain-1,a=b"}, {"", "''"},     {"a b", "'a b'"},
        {"it's", "'it'\\''s'"},         {"$x", "'$x'"}, {"a\nb", "'a\nb'"},
    };

    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        struct bf_text out = {0};
        bf_args_quote(&out, rows[i].word);
        CHECK_STR(bf_text_get(&out), rows[i].quoted);
        bf_text_free(&out);
    }
}

static void test_targets_are_found(void)
{
    struct bf_fault fault;

    CHECK(bf_tgt_find("qemu:", &fault) == &bf_tgt_qemu);
    CHECK(bf_tgt_find("files:/srv", &fault) == &bf_tgt_files);
    CHECK(!bf_tgt_find("qemu", &fault));
    CHECK(!bf_tgt_find("qem:", &fault));
    CHECK(!bf_tgt_find("", &fault));
    CHECK(strstr(fault.todo, "qemu:"));
    CHECK(strstr(fault.todo, "files:"));
}

TEST_MAIN(TEST(test_the_smallest_machine), TEST(test_firmware_and_identity),
          TEST(test_disks_of_every_bus), TEST(test_at_home), TEST(test_networks),
          TEST(test_crowded_machines), TEST(test_the_record), TEST(test_the_machine_of_a_record),
          TEST(test_words_of_a_shell), TEST(test_targets_are_found))
