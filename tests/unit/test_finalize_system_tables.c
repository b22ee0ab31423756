// SPDX-License-Identifier: Apache-2.0
// The system's tables and lists that name disks or drivers: fstab, crypttab, mdadm.conf, lvm.conf,
// modprobe.d, kdump.conf, inittab. What one adapter makes of each; all that it does not mean keeps
// its bytes, and a second run changes nothing.
#include "finalize/system/fields.h"
#include "finalize/system/steps.h"

#include "tests/finalize_table.h"
#include "tests/unit/test.h"

#include "finalize/target/targets.h"

// A home whose disks have one kind of names.
static const char *const xen_driver[] = {"xen_blkfront", NULL}, *const no_driver[] = {NULL};
static const struct bf_target xen_disks = {
    .name = "xen", .disk = xen_driver, .other = no_driver, .bus = no_driver};

// ---- fstab -------------------------------------------------------------------------------------

#define FSTAB "/etc/fstab"

static void test_fstab_names(void)
{
    static const struct table_row rows[] = {
        {"/dev/sda2 / ext4 defaults 0 1\n", "UUID=1111 / ext4 defaults 0 1\n", ""},
        {"/dev/sda2\t/\text4\terrors=remount-ro\t0\t1",
         "UUID=1111\t/\text4\terrors=remount-ro\t0\t1", ""},
        {"  /dev/sda2   /  ext4\r\n", "  UUID=1111   /  ext4\r\n", ""},
        {"/dev/vda1 /boot/efi vfat umask=0077 0 1\n", "UUID=AB-CD /boot/efi vfat umask=0077 0 1\n",
         ""},
        {"/dev/hda3 none swap sw 0 0\n", "UUID=2222 none swap sw 0 0\n", ""},
        {"/dev/sda3 swap swap pri=5\n", "UUID=2222 swap swap pri=5\n", ""},
        {"/dev/nvme1n1p1 /srv auto noauto\n", "UUID=4444 /srv auto noauto\n", ""},
        {"/dev/sdb1 /my\\040data ext4 x=a\\040b 0 2 # mine\n",
         "UUID=4444 /my\\040data ext4 x=a\\040b 0 2 # mine\n", ""},
        {"/dev/sdb1 /srv ext3\n", "UUID=4444 /srv ext3\n", ""}, // one driver for all of ext
        // The root is the file system that this file was read from.
        {"/dev/cciss/c1d7p9 / ext4\n", "UUID=1111 / ext4\n", ""},
        {"/dev/dm-3 / ext4\n", "UUID=1111 / ext4\n", ""},
        {"/dev/disk/by-id/ata-X-part3 none swap sw\n", "UUID=2222 none swap sw\n", ""},
        {"/dev\\057sda2 / ext4\n", "UUID=1111 / ext4\n", ""},
        // Doubt.
        {"/dev/sdb1 /srv xfs defaults\n", "=",
         "line 1: /dev/sdb1 depends on the order of the disks, and "
         "the device found there has a different type; the start may "
         "stop at it"},
        {"/dev/sdc1 /srv xfs defaults\n", "=", "its UUID is not unique"},
        {"/dev/sdz1 /srv xfs nofail\n", "=", "no probed device has that name"},
        {"/dev/sda5 none swap sw\n", "=", "different type; the start waits for it"},
        {"/dev/sdz1 /usr ext4 defaults\n", "!", "line 1: /usr is mounted from /dev/sdz1"},
        {"\n# x\n/dev/sdz1 /usr ext4 ro\n", "!", "line 3: /usr"},
    };
    table_begin();
    TABLE_CHECK(bf_adapt_fstab, FSTAB, rows);
}

static void test_fstab_lines_that_stay(void)
{
    static const char *const lines[] = {
        "",
        "\n",
        "\n\n\n",
        "# /dev/sda2 / ext4\n",
        "   # /dev/sda2 / ext4\n",
        "#/dev/sda2 / ext4",
        "UUID=1111 / ext4 defaults 0 1\n",
        "LABEL=data /srv ext4 defaults 0 2\n",
        "PARTUUID=part-b1 /srv ext4 defaults 0 2\n",
        "/dev/mapper/vg-lv /srv xfs defaults 0 0\n",
        "/dev/vg/lv /srv xfs defaults 0 0\n",
        "/dev/md0 /srv ext4 nofail 0 0\n",
        "tmpfs /tmp tmpfs size=1G 0 0\n",
        "proc /proc proc defaults 0 0\n",
        "none /dev/pts devpts gid=5 0 0\n",
        "/swapfile none swap sw 0 0\n",
        "/srv/a /srv/b none bind 0 0\n",
        "/dev/sr0 /media/cdrom udf,iso9660 user,noauto 0 0\n",
        "192.0.2.1:/dev/sda2 /nfs nfs defaults 0 0\n",
        "//server/sda2 /cifs cifs credentials=/etc/c 0 0\n",
        "overlay /o overlay lowerdir=/dev/sda1,upperdir=/u 0 0\n",
        "\t \r\n",
        "xUUID=1 /x ext4\n",
    };
    table_begin();
    for (size_t i = 0; i < BF_COUNT(lines); i++) {
        const struct table_row row[] = {{lines[i], "=", ""}};
        TABLE_CHECK(bf_adapt_fstab, FSTAB, row);
    }
    static const char nul[] = "UUID=1111 / ext4\n/dev/sd\0b1 /srv ext4\n/dev/sda3 none swap\n";
    static const char want[] = "UUID=1111 / ext4\n/dev/sd\0b1 /srv ext4\nUUID=2222 none swap\n";
    const char *why =
        table_fault_of(bf_adapt_fstab, FSTAB, nul, sizeof nul - 1, want, sizeof want - 1);
    if (why)
        FAIL("%s", why);
}

// "missing_disks": "nofail" adds a word, and every other byte of the line stays.
static void test_missing_disks(void)
{
    static const struct table_row rows[] = {
        {"UUID=none /srv xfs defaults 0 2\n", "UUID=none /srv xfs defaults,nofail 0 2\n",
         "line 1: UUID=none (/srv) is on no disk of this machine"},
        {"UUID=none  /srv\txfs   rw\t0  0  \r\n", "UUID=none  /srv\txfs   rw,nofail\t0  0  \r\n",
         NULL},
        {"UUID=none /srv xfs", "UUID=none /srv xfs nofail", NULL},
        {"UUID=none /srv xfs\r\n", "UUID=none /srv xfs nofail\r\n", NULL},
        {"LABEL=My\\040Disk /my\\040disk ext4 rw,x-systemd.requires=/a\\040b,x=\\134\\011y 0 0\n",
         "LABEL=My\\040Disk /my\\040disk ext4 rw,x-systemd.requires=/a\\040b,x=\\134\\011y,nofail "
         "0 "
         "0\n",
         "LABEL=My Disk (/my disk) is on no disk"},
        {"LABEL=x /x e\\040t\n", "LABEL=x /x e\\040t nofail\n", NULL},
        {"PARTUUID=gone none swap sw,pri=1 0 0\n", "PARTUUID=gone none swap sw,pri=1,nofail 0 0\n",
         NULL},
        {"/dev/sdz1 /srv xfs defaults\n", "/dev/sdz1 /srv xfs defaults,nofail\n", NULL},
        {"/dev/vg/gone /srv xfs defaults\n", "/dev/vg/gone /srv xfs defaults,nofail\n", NULL},
        {"/dev/mapper/vg-gone /srv xfs defaults # x\n",
         "/dev/mapper/vg-gone /srv xfs defaults,nofail # x\n", NULL},
        {"UUID=none /srv xfs nofailx,xnofail\n", "UUID=none /srv xfs nofailx,xnofail,nofail\n",
         NULL},
        // What the start does not wait for, or has.
        {"UUID=none /srv xfs nofail 0 0\n", "=", ""},
        {"UUID=none /srv xfs rw,noauto 0 0\n", "=", ""},
        {"UUID=none /srv xfs x-systemd.automount\n", "=", ""},
        {"UUID=none /srv nfs _netdev\n", "=", ""},
        {"UUID=4444 /srv ext4 defaults\n", "=", ""},
        {"LABEL=data /srv ext4 defaults\n", "=", ""},
        {"/dev/vg/lv /srv xfs defaults\n", "=", ""},
        {"/dev/disk/by-id/md-uuid-1:2:3 /srv xfs defaults\n", "=", ""},
        {"tmpfs /tmp tmpfs rw\n", "=", ""},
        {"# UUID=none /srv xfs defaults\n", "=", ""},
        {"UUID=none /srv\n", "=", NULL},
        {"UUID=none\n", "=", ""},
        // Without these there is no start at all.
        {"/dev/sdz1 /usr xfs defaults\n", "!", "/usr is mounted from /dev/sdz1"},
    };
    static const struct table_row refuse[] = {
        {"UUID=none /srv xfs defaults 0 2\n", "=", "is on no disk of this machine"},
    };
    table_begin();
    TABLE_CHECK(bf_adapt_fstab, FSTAB, refuse);
    table_plan.nofail = true;
    TABLE_CHECK(bf_adapt_fstab, FSTAB, rows);
    table_put("/etc/crypttab", "later UUID=3333 none luks\ngone UUID=none none luks,nofail\n"
                               "inner /dev/mapper/later none luks\n"
                               "circle /dev/mapper/circle none luks,nofail\n");
    static const struct table_row opened[] = {
        {"/dev/mapper/later /srv ext4 defaults\n", "=", ""},
        {"/dev/mapper/never /srv ext4 defaults\n", "/dev/mapper/never /srv ext4 defaults,nofail\n",
         NULL},
        {"/dev/mapper/gone /srv ext4 defaults\n", "/dev/mapper/gone /srv ext4 defaults,nofail\n",
         "line 1: /dev/mapper/gone (/srv) is on no disk of this machine"},
        {"/dev/mapper/inner /srv ext4 rw\n", "=", ""},
        {"/dev/mapper/circle /srv ext4 rw\n", "/dev/mapper/circle /srv ext4 rw,nofail\n", NULL},
    };
    TABLE_CHECK(bf_adapt_fstab, FSTAB, opened);
    static const struct table_row slot[] = {
        {"/dev/mapper/slot /srv ext4 rw\n", "/dev/mapper/slot /srv ext4 rw,nofail\n", NULL},
    };
    table_put("/etc/crypttab", "slot /dev/sdz4 none luks,nofail\n");
    TABLE_CHECK(bf_adapt_fstab, FSTAB, slot);
    table_remove("/etc/crypttab");
    table_remove(FSTAB);
}

static void test_options(void)
{
    static const struct {
        const char *options, *name;
        bool has;
        const char *value; // NULL: none
    } cases[] = {
        {"a,b,c", "b", true, NULL},   {"a,b,c", "c", true, NULL}, {"a,b,c", "a", true, NULL},
        {"ab,c", "b", false, NULL},   {"ab,c", "a", false, NULL}, {"", "a", false, NULL},
        {"a=1,b", "a", false, "1,b"}, {"b,a=", "a", false, ""},   {"xa=1", "a", false, NULL},
        {"a", "a", true, NULL},       {",,a,,", "a", true, NULL}, {"b=a", "a", false, NULL},
        {"b=x,a=2", "a", false, "2"}, {"A", "a", false, NULL},    {"a ", "a", false, NULL},
    };
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        const char *value = bf_fields_value(cases[i].options, cases[i].name);
        if (bf_fields_option(cases[i].options, cases[i].name) != cases[i].has)
            FAIL("\"%s\" in \"%s\"", cases[i].name, cases[i].options);
        if ((value != NULL) != (cases[i].value != NULL) ||
            (value && strcmp(value, cases[i].value) != 0))
            FAIL("\"%s=\" in \"%s\": %s", cases[i].name, cases[i].options, value ? value : "none");
    }
}

// ---- crypttab ----------------------------------------------------------------------------------

static void test_crypttab(void)
{
    static const struct table_row rows[] = {
        {"root /dev/sda4 none luks\n", "root UUID=3333 none luks\n", ""},
        {"root\t/dev/vda4", "root\tUUID=3333", ""},
        {"  root  /dev/sda4  -  luks,discard \r\n", "  root  UUID=3333  -  luks,discard \r\n", ""},
        {"a UUID=3333 none luks\n", "=", ""},
        {"#root /dev/sda4 none luks\n", "=", ""},
        {"root\n", "=", ""},
        {"\n", "=", ""},
        {"root /dev/sda2 none luks\n", "=",
         "line 1: /dev/sda2 depends on the order of the disks, and the "
         "device found there has a different type"},
        {"root /dev/sdz4 none luks\n", "=", "no probed device has that name"},
        {"p /dev/sdb1 none plain\n", "p UUID=4444 none plain\n", ""},
        // A new key at each start: what is on the device is lost, so it must be nothing.
        {"swap /dev/sda3 /dev/urandom swap\n", "swap PARTUUID=part-a3 /dev/urandom swap\n", ""},
        {"tmp /dev/sda5 /dev/random tmp=ext4\n", "tmp PARTUUID=part-a5 /dev/random tmp=ext4\n", ""},
        {"swap /dev/sda5 none swap\n", "swap PARTUUID=part-a5 none swap\n", ""},
        {"swap /dev/sdb1 /dev/urandom swap\n", "=", "would be lost"},
        {"swap /dev/sda2 /dev/urandom swap\n", "=", "would be lost"},
        {"swap /dev/sda /dev/urandom swap\n", "=", "has no PARTUUID"},
        {"swap UUID=2222 /dev/urandom swap\n", "=", ""},
        // What moves only if somebody sees to it.
        {"r UUID=3333 none luks,tpm2-device=auto\n", "=",
         "line 1: r: its key is in the old machine's TPM"},
        {"r UUID=3333 none fido2-device=auto\n", "=", "FIDO2 token"},
        {"r UUID=3333 none pkcs11-uri=auto\n", "=", "PKCS#11 token"},
        {"r UUID=3333 none xtpm2-device=auto\n", "=", ""},
        {"r UUID=3333 /dev/sdb1:/key luks\n", "=", "the key file is on /dev/sdb1"},
        {"r UUID=3333 /key:/dev/sdb1 luks\n", "=", "the key file is on /dev/sdb1"},
        {"r UUID=3333 /key:UUID=4444 luks\n", "=", ""},
        {"r UUID=3333 /etc/key luks\n", "=", ""},
        {"r UUID=3333 none luks,header=/dev/sdb1,discard\n", "=", "the header is on /dev/sdb1"},
        {"r UUID=3333 none header=/h:LABEL=x\n", "=", ""},
    };
    table_begin();
    TABLE_CHECK(bf_adapt_fstab, "/etc/crypttab", rows);
    table_remove("/etc/crypttab");
}

// A line whose device no disk has delays the start, unless the plan gives it up.
static void test_crypttab_of_missing_disks(void)
{
    static const struct table_row said[] = {
        {"a UUID=none none luks\n", "=",
         "line 1: UUID=none (a) is on no disk of this machine; the start waits for it"},
        {"# x\na /dev/vg/gone\n", "=", "line 2: /dev/vg/gone (a) is on no disk"},
        {"a UUID=none none luks,nofail\n", "=", ""},
        {"a UUID=none none noauto,luks\n", "=", ""},
        {"a UUID=none none _netdev\n", "=", ""},
        {"a UUID=none none nofailure\n", "=", "is on no disk"},
        {"a /var/volume none luks\n", "=", ""}, // a file
        {"a /dev/disk/by-id/md-uuid-1:2 none luks\n", "=", ""},
        {"a /dev/vg/lv none plain\n", "=", ""},
    };
    static const struct table_row given_up[] = {
        {"a UUID=none none luks\n", "a UUID=none none luks,nofail\n",
         "line 1: UUID=none is on no disk of this machine: the start does not wait for a any more"},
        {"a UUID=none\t/etc/key", "a UUID=none\t/etc/key nofail", NULL},
        {"a\tUUID=none\r\n", "a\tUUID=none none nofail\r\n", NULL},
        {"a UUID=none none luks # b\n", "a UUID=none none luks,nofail # b\n", NULL},
        {"a /dev/sdz1 none luks\n", "a /dev/sdz1 none luks,nofail\n",
         "line 1: /dev/sdz1 cannot be placed: the start does not wait for a any more"},
        {"a UUID=3333 none luks\n", "=", ""},
        {"a UUID=none none luks,nofail\n", "=", ""},
        {"a UUID=none none luks,noauto\n", "=", ""},
        {"swap /dev/sdb1 /dev/urandom swap\n", "=", "would be lost"},
    };
    table_begin();
    TABLE_CHECK(bf_adapt_fstab, "/etc/crypttab", said);
    table_plan.nofail = true;
    TABLE_CHECK(bf_adapt_fstab, "/etc/crypttab", given_up);
    table_remove("/etc/crypttab");
}

// ---- mdadm.conf --------------------------------------------------------------------------------

// mdadm.conf(5). The disks of these tests have no array, so that no list of names finds one.
static void test_mdadm(void)
{
    static const struct table_row rows[] = {
        {"DEVICE /dev/sda1 /dev/sdb1\n", "DEVICE partitions containers\n",
         "DEVICE named disks by names"},
        {"device /dev/sd*", "device partitions containers", NULL},
        {"DEV /dev/hda1 # old\n", "DEV partitions containers # old\n", NULL},
        {"DEVICE /dev/sda1\n  /dev/sdb1\n\t/dev/sdc1\nMAILADDR root\n",
         "DEVICE partitions containers\n  \n\t\nMAILADDR root\n", NULL},
        {"DEVICE containers /dev/sda1\n", "DEVICE containers partitions\n", NULL},
        {"DEVICE /dev/sda1\r\n", "DEVICE partitions containers\r\n", NULL},
        {"DEVICE partitions /dev/sda1\n", "=", ""},
        {"DEVICE /dev/sda1\nDEVICE partitions\n", "=", ""},
        {"DEVICE partitions containers\n", "=", ""},
        {"DEVICE /dev/md0 /dev/mapper/x /dev/disk/by-uuid/1\n", "=", ""},
        {"#DEVICE /dev/sda1\n", "=", ""},
        {"DE /dev/sda1\n", "=", ""},
        {"DEVICES /dev/sda1\n", "=", ""},
        {" DEVICE /dev/sda1\n", "=", ""}, // goes on with a line that there is not
        {"MAILADDR root\n  DEVICE /dev/sda1\n", "=", ""},
        {"PROGRAM /dev/sda1\n", "=", ""},
        {"ARRAY /dev/md0 UUID=1:2:3:4 devices=/dev/sda1,/dev/sdb1\n",
         "ARRAY /dev/md0 UUID=1:2:3:4\n", ""},
        {"ARRAY /dev/md0 devices=/dev/sda1,/dev/sdb1 uuid=1:2:3:4 level=1\n",
         "ARRAY /dev/md0 uuid=1:2:3:4 level=1\n", ""},
        {"ARRAY /dev/md0\n   UUID=1:2:3:4\n   devices=/dev/sda1\n",
         "ARRAY /dev/md0\n   UUID=1:2:3:4\n   \n", ""},
        {"array /dev/md0 NAME=h:0 DEVICES=/dev/sda1", "array /dev/md0 NAME=h:0", ""},
        {"ARRAY /dev/md0 devices=/dev/sda1\n", "=",
         "line 1: the array is told by the names of its disks"},
        {"ARRAY /dev/md0 UUID=1:2:3:4\n", "=", ""},
        {"ARRAY /dev/md0 devices=/dev/sda1 # UUID=1:2:3:4\n", "=", "told by the names"},
        {"", "=", ""},
    };
    table_begin();
    TABLE_CHECK(bf_adapt_mdadm, "/etc/mdadm/mdadm.conf", rows);
    table_remove("/etc/mdadm/mdadm.conf");
}

// Members of an array that the line still finds, whatever they are called now.
static void test_mdadm_members(void)
{
    static const char uuid[] = "00112233-4455-6677-8899-aabbccddeeff";
    static const struct table_row rows[] = {
        {"DEVICE /dev/xvdb*\n", "=", ""},
        {"DEVICE /dev/[sx]vd*\n", "=", ""},
        {"DEVICE /dev/xvd?2\n", "=", ""},
        {"DEVICE /dev/xvdb2\n", "=", ""},
        {"DEVICE /dev/sdb2\n", "DEVICE partitions containers\n", NULL},
        {"DEVICE /dev/xvda*\n", "DEVICE partitions containers\n", NULL},
        {"DEVICE /dev/*/xvdb2\n", "DEVICE partitions containers\n", NULL},
        {"DEVICE /dev/*v*d*b*\n", "DEVICE partitions containers\n", NULL}, // costs too much
        {"ARRAY /dev/md0 devices=/dev/sdb2\n",
         "ARRAY /dev/md0 UUID=00112233:44556677:8899aabb:ccddeeff\n", ""},
        {"ARRAY /dev/md0 devices=/dev/sdb2,/dev/sdb1\n", "=", "told by the names"},
        {"ARRAY /dev/md0 devices=/dev/sdb2,/dev/sdz1\n", "=", "told by the names"},
    };
    table_begin();
    table_target = &xen_disks;
    struct bf_device *member = (struct bf_device *)bf_device_at(table_fin.devices, 1, 2);
    snprintf(member->type, sizeof member->type, "linux_raid_member");
    snprintf(member->uuid, sizeof member->uuid, "%s", uuid);
    TABLE_CHECK(bf_adapt_mdadm, "/etc/mdadm.conf", rows);
    table_remove("/etc/mdadm.conf");
}

// ---- lvm.conf ----------------------------------------------------------------------------------

// The volumes' disk, sdb2, is xvdb2 in a Xen guest.
static void test_lvm_filters(void)
{
    static const struct table_row rows[] = {
        {"devices {\n\tfilter = [ \"a|/dev/sd.*|\", \"r|.*|\" ]\n}\n",
         "devices {\n\tfilter = [ \"a|^/dev/xvd|\", \"a|/dev/sd.*|\", \"r|.*|\" ]\n}\n",
         "line 2: devices/filter rejected the names"},
        {"devices/filter=[\"r|.*|\"]", "devices/filter=[ \"a|^/dev/xvd|\",\"r|.*|\"]", NULL},
        {"devices { global_filter = [\"r/xvd/\"] }\n",
         "devices { global_filter = [ \"a|^/dev/xvd|\",\"r/xvd/\"] }\n", NULL},
        {"devices {\n filter = [ 'a|sda|', # first\n 'r|.*|' ]\n}\n",
         "devices {\n filter = [ \"a|^/dev/xvd|\", 'a|sda|', # first\n 'r|.*|' ]\n}\n", NULL},
        {"devices {\r\nfilter = [ \"r|.*|\" ]\r\n}\r\n",
         "devices {\r\nfilter = [ \"a|^/dev/xvd|\", \"r|.*|\" ]\r\n}\r\n", NULL},
        {"devices {\n filter=[\"r|/dev/xvdb2|\"]\n global_filter=[\"r|xvdb|\"]\n}\n",
         "devices {\n filter=[ \"a|^/dev/xvd|\",\"r|/dev/xvdb2|\"]\n global_filter=[ "
         "\"a|^/dev/xvd|\","
         "\"r|xvdb|\"]\n}\n",
         NULL},
        // The first pattern that fits decides, and without one the disk is accepted.
        {"devices {\n filter = [ \"a|.*|\", \"r|.*|\" ]\n}\n", "=", ""},
        {"devices {\n filter = [ \"a|/dev/xvd|\", \"r|.*|\" ]\n}\n", "=", ""},
        {"devices {\n filter = [ \"r|/dev/cdrom|\" ]\n}\n", "=", ""},
        {"devices {\n filter = [ \"r|/dev/xvda|\" ]\n}\n", "=", ""},
        {"devices {\n filter = [ \"r|/dev/sd.*|\" ]\n}\n", "=", ""},
        {"devices {\n filter = [ ]\n}\n", "=", ""},
        {"devices {\n # filter = [ \"r|.*|\" ]\n}\n", "=", ""},
        {"devices {\n xfilter = [ \"r|.*|\" ]\n}\n", "=", ""},
        {"log {\n filter = [ \"r|.*|\" ]\n}\n", "=", ""},
        {"filter = [ \"r|.*|\" ]\n", "=", ""},
        {"devices {\n filter = [ \"a|a**|\", \"a|.*|\" ]\n}\n", "=",
         "line 2: devices/filter may reject the disks of the new home: it was not decided"},
        {"devices {\n filter = [ \"a|a**|\", \"r|.*|\" ]\n}\n", "=", "it was not decided"},
        {"devices {\n filter = [ \"a|/dev/xvda|\", \"a|a**|\", \"r|.*|\" ]\n}\n", "=",
         "it was not decided"},
        {"devices {\n scan = [ \"/dev\" ]\n}\n", "=", ""},
        {"devices {\n scan = [ \"/dev/disk/by-id\" ]\n}\n", "=", "line 2: LVM looks for disks in"},
        {"devices {\n devicesfile = \"other.devices\"\n}\n", "=",
         "LVM uses the list of devices other"},
        {"devices {\n devicesfile = \"system.devices\"\n}\n", "=", ""},
        // A single pattern is a list of one for LVM.
        {"devices {\n filter = \"r|.*|\"\n}\n", "=", "line 2: devices/filter rejects"},
        {"devices {\n filter = \"a|.*|\"\n}\n", "=", ""},
        // LVM reads nothing of a file that is malformed.
        {"devices {\n filter = [ \"r|.*|\n", "=", NULL},
        {"}{\n", "=", ""},
        {"", "=", ""},
    };
    table_begin();
    table_target = &xen_disks;
    TABLE_CHECK(bf_adapt_lvm, "/etc/lvm/lvm.conf", rows);
    table_remove("/etc/lvm/lvm.conf");
}

static void test_lvm_devices_file(void)
{
    static const struct {
        const char *text;
        bool goes;
    } cases[] = {
        {"VERSION=1.1.1\nIDTYPE=sys_wwid IDNAME=naa.6000c2 DEVNAME=/dev/sda2 PVID=x PART=2\n",
         true},
        {"IDTYPE=sys_serial IDNAME=x\n", true},
        {"IDTYPE=devname IDNAME=/dev/sda2\n", true},
        {"IDTYPE=mpath_uuid IDNAME=mpath-3\n", true},
        {"IDTYPE=md_uuid IDNAME=1:2\n", false},
        {"IDTYPE=crypt_uuid IDNAME=CRYPT-LUKS2-x\n", false},
        {"IDTYPE=lvmlv_uuid IDNAME=x\n", false},
        {"IDTYPE=loop_file IDNAME=/x\n", false},
        {"IDTYPE=md_uuid IDNAME=1\nIDTYPE=sys_wwid IDNAME=x", true},
        {"# IDTYPE=sys_wwid IDNAME=x\n", false},
        {"VERSION=1.1.1\n", false},
        {"", false},
    };
    static const char path[] = "/etc/lvm/devices/system.devices";
    table_begin();
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        table_put(path, cases[i].text);
        table_again();
        CHECK_EQ(bf_adapt_lvm(&table_fin), BF_OK);
        size_t len;
        bool gone = bf_edits_get(&table_fin.edits, path, &len, NULL) == NULL;
        if (gone != cases[i].goes)
            FAIL("\"%s\": %s", cases[i].text, gone ? "goes" : "stays");
    }
    table_remove(path);
}

// ---- modprobe.d, kdump --------------------------------------------------------------------------

static void test_modprobe(void)
{
    static const struct table_row rows[] = {
        {"blacklist virtio_blk\n", "#blacklist virtio_blk\n",
         "line 1 kept virtio_blk from being loaded"},
        {"blacklist virtio-blk", "#blacklist virtio-blk", NULL},
        {"  blacklist\tvirtio_net  # x\r\n", "#  blacklist\tvirtio_net  # x\r\n", NULL},
        {"install virtio_pci /bin/false\n", "#install virtio_pci /bin/false\n", NULL},
        {"install virtio_pci /usr/bin/true\n", "#install virtio_pci /usr/bin/true\n", NULL},
        {"install virtio_blk /sbin/modprobe -i virtio_blk\n", "=", ""},
        {"install virtio_blk\n", "=", ""},
        {"options virtio_net napi_tx=0\n", "=", ""},
        {"blacklist floppy\nblacklist usb_storage\n", "=", ""},
        {"blacklist virtio_blk_x\nblacklist xvirtio_blk\nblacklist virtio\\_blk\n", "=", ""},
        {"#blacklist virtio_blk\n", "=", ""},
        {"blacklists virtio_blk\n", "=", ""},
        {"blacklist\n", "=", ""},
        {"alias eth0 virtio_net\nblacklist virtio_net\n",
         "alias eth0 virtio_net\n#blacklist virtio_net\n", "line 2"},
    };
    table_begin();
    TABLE_CHECK(bf_adapt_modprobe, "/etc/modprobe.d/x.conf", rows);
    TABLE_CHECK(bf_adapt_modprobe, "/etc/modprobe.conf", rows);
    static const struct table_row other[] = {{"blacklist virtio_blk\n", "=", ""}};
    table_remove("/etc/modprobe.conf");
    table_remove("/etc/modprobe.d/x.conf");
    TABLE_CHECK(bf_adapt_modprobe, "/etc/modprobe.d/x.conf.bak", other);
    table_remove("/etc/modprobe.d/x.conf.bak");
}

static void test_kdump(void)
{
    static const struct table_row rows[] = {
        {"ext4 /dev/sdb1\n", "ext4 UUID=4444\n", ""},
        {"  ext4\t/dev/sdb1  # dumps\n", "  ext4\tUUID=4444  # dumps\n", ""},
        {"xfs /dev/sdc1", "=", "line 1: kdump writes to /dev/sdc1, which depends on the order"},
        {"ext4 UUID=4444\n", "=", ""},
        {"ext4 LABEL=x\n", "=", ""},
        {"raw /dev/sda5\n", "raw /dev/disk/by-partuuid/part-a5\n", ""},
        {"raw /dev/sdb1\n", "=", "a dump would overwrite what is on the device"},
        {"raw /dev/sda\n", "=", "has no PARTUUID"},
        {"raw /dev/vg/lv\n", "=", ""},
        {"nfs 192.0.2.1:/dump\n", "=", "kdump writes over the network (nfs)"},
        {"ssh root@192.0.2.1\n", "=", "over the network (ssh)"},
        {"path /var/crash\ncore_collector makedumpfile -l /dev/sdb1\n", "=", ""},
        {"#ext4 /dev/sdb1\n", "=", ""},
        {"ext4\n", "=", ""},
        {"vfat /dev/sda1\n", "=", ""},
    };
    table_begin();
    TABLE_CHECK(bf_adapt_kdump, "/etc/kdump.conf", rows);
    table_remove("/etc/kdump.conf");
}

// ---- inittab -----------------------------------------------------------------------------------

#define TABLE_HEAD "id:3:initdefault:\nsi::sysinit:/etc/init.d/rcS\n"

static void test_inittab(void)
{
    static const struct table_row on[] = {
        {TABLE_HEAD "1:2345:respawn:/sbin/agetty tty1 9600\nca::ctrlaltdel:/sbin/reboot\n",
         TABLE_HEAD "1:2345:respawn:/sbin/agetty tty1 9600\nT0:2345:respawn:/sbin/agetty -L ttyS0 "
                    "115200 vt100\nca::ctrlaltdel:/sbin/reboot\n",
         ""},
        {"id:3:initdefault:",
         "id:3:initdefault:\nT0:2345:respawn:/sbin/agetty -L ttyS0 115200 vt100\n", ""},
        {"T0:23:wait:/bin/x\n",
         "T0:23:wait:/bin/x\nS0:2345:respawn:/sbin/agetty -L ttyS0 115200 vt100\n", ""},
        {"#T0:23:respawn:/sbin/getty -L ttyS0 9600 vt100\n",
         "#T0:23:respawn:/sbin/getty -L ttyS0 9600 vt100\nT0:2345:respawn:/sbin/agetty -L ttyS0 "
         "115200 "
         "vt100\n",
         ""},
        {"T0:23:respawn:/sbin/getty -L ttyS0 9600 vt100\n", "=", ""},
        {"co:2345:respawn:/sbin/agetty ttyS0 9600 vt100-nav\n", "=", ""},
        {"T0:23:off:/sbin/getty -L ttyS0 9600\n",
         "T0:23:off:/sbin/getty -L ttyS0 9600\nS0:2345:respawn:/sbin/agetty -L ttyS0 115200 "
         "vt100\n",
         ""},
        // BusyBox takes the id for the terminal.
        {"::sysinit:/sbin/openrc sysinit\ntty1::respawn:/sbin/getty 38400 "
         "tty1\n::shutdown:/sbin/x\n",
         "::sysinit:/sbin/openrc sysinit\ntty1::respawn:/sbin/getty 38400 tty1\n"
         "ttyS0::respawn:/sbin/getty -L 115200 ttyS0 vt100\n::shutdown:/sbin/x\n",
         ""},
        {"::sysinit:/x\nttyS0::askfirst:/bin/sh\n", "=", ""},
    };
    static const struct table_row off[] = {
        {"1:2345:respawn:/sbin/agetty tty1\nT0:23:respawn:/sbin/getty -L ttyS0 9600 vt100\n",
         "1:2345:respawn:/sbin/agetty tty1\n#T0:23:respawn:/sbin/getty -L ttyS0 9600 vt100\n", ""},
        {"ttyS1::respawn:/sbin/getty 9600 ttyS1", "#ttyS1::respawn:/sbin/getty 9600 ttyS1", ""},
        {"  T0:23:respawn:/sbin/getty ttyS0\r\n", "#  T0:23:respawn:/sbin/getty ttyS0\r\n", ""},
        {"T0:23:off:/sbin/getty ttyS0\n", "=", ""},
        {"#T0:23:respawn:/sbin/getty ttyS0\n", "=", ""},
        {"1:2345:respawn:/sbin/agetty tty1\n", "=", ""},
        {"x:respawn:ttyS0\n", "=", ""},
        {"", "=", ""},
    };
    table_begin();
    table_fin.system.init = BF_INIT_SYSVINIT;
    table_plan.serial_console = BF_ON;
    TABLE_CHECK(bf_adapt_getty, "/etc/inittab", on);
    table_plan.serial_console = BF_OFF;
    TABLE_CHECK(bf_adapt_getty, "/etc/inittab", off);
    table_remove("/etc/inittab");
}

static void test_securetty(void)
{
    static const struct table_row rows[] = {
        {"console\ntty1\n", "console\ntty1\nttyS0\n", NULL},
        {"tty1", "tty1\nttyS0\n", NULL},
        {"ttyS0\ntty1\n", "=", NULL},
        {"tty1\nttyS0", "=", NULL},
        {"ttyS01\n", "ttyS01\nttyS0\n", NULL},
        {"#ttyS0\n", "#ttyS0\nttyS0\n", NULL},
        {"", "ttyS0\n", NULL},
    };
    table_begin();
    table_plan.serial_console = BF_ON;
    TABLE_CHECK(bf_adapt_getty, "/etc/securetty", rows);
    table_remove("/etc/securetty");
}

TEST_MAIN(TEST(test_fstab_names), TEST(test_fstab_lines_that_stay), TEST(test_missing_disks),
          TEST(test_options), TEST(test_crypttab), TEST(test_crypttab_of_missing_disks),
          TEST(test_mdadm), TEST(test_mdadm_members), TEST(test_lvm_filters),
          TEST(test_lvm_devices_file), TEST(test_modprobe), TEST(test_kdump), TEST(test_inittab),
          TEST(test_securetty))
