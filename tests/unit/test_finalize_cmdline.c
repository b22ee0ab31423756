// SPDX-License-Identifier: Apache-2.0
// Kernel command lines, word by word: which words name a disk and what becomes of them, where the
// serial console goes, and that all other bytes stay. A second run over a result changes nothing.
#include "finalize/boot/cmdline.h"

#include "tests/finalize_table.h"
#include "tests/unit/test.h"

// "c": gets the console; "s": starts by itself; "b": without an initramfs.
struct line {
    const char *flags, *in, *out; // "=": the same; "!": refused
};

static enum bf_err edit(const char *flags, const char *in, struct bf_text *out)
{
    struct bf_cmdline at = {.path = "/boot/x",
                            .console = strchr(flags, 'c') != NULL,
                            .starts = strchr(flags, 's') != NULL,
                            .bare = strchr(flags, 'b') != NULL};
    table_again();
    return bf_cmdline_edit(&table_fin, &at, in, strlen(in), out);
}

static void check_line(const struct line *l)
{
    struct bf_text out = {0}, again = {0};
    const char *want = strcmp(l->out, "=") == 0 ? l->in : l->out;
    enum bf_err err = edit(l->flags, l->in, &out);
    if (strcmp(l->out, "!") == 0) {
        if (!err)
            FAIL("\"%s\" is accepted: \"%s\"", l->in, bf_text_get(&out));
        bf_text_free(&out);
        return;
    }
    if (err || strcmp(bf_text_get(&out), want) != 0)
        FAIL("\"%s\" becomes \"%s\" instead of \"%s\"", l->in, bf_text_get(&out), want);
    err = edit(l->flags, want, &again);
    if (err || strcmp(bf_text_get(&again), want) != 0)
        FAIL("\"%s\" becomes \"%s\" in a second run", want, bf_text_get(&again));
    bf_text_free(&out);
    bf_text_free(&again);
}

#define CHECK_LINES(lines)                                                                         \
    for (size_t i = 0; i < BF_COUNT(lines); i++)                                                   \
    check_line(&(lines)[i])

// ---- root= -------------------------------------------------------------------------------------

static void test_root_in_every_form(void)
{
    static const struct line lines[] = {
        {"s", "root=/dev/sda2", "root=UUID=1111"},
        {"s", "root=/dev/hda2 ro", "root=UUID=1111 ro"},
        {"s", "ro root=/dev/vda2", "ro root=UUID=1111"},
        {"s", "ro root=/dev/xvda2 quiet", "ro root=UUID=1111 quiet"},
        {"s", "root=/dev/nvme0n1p2", "root=UUID=1111"},
        {"s", "root=/dev/mmcblk0p2", "root=UUID=1111"},
        {"s", "root=/dev/cciss/c0d0p2", "root=UUID=1111"},
        {"s", "root=/dev/ida/c0d0p2", "root=UUID=1111"},
        {"s", "root=/dev/dasda2", "root=UUID=1111"},
        {"s", "root=/dev/dm-0", "root=UUID=1111"},
        {"s", "root=/dev/block/8:2", "root=UUID=1111"},
        {"s", "root=/dev/mapper/mpatha-part2", "root=UUID=1111"},
        {"s", "root=/dev/mapper/3600508b1001c1a2b3c4d5e6f70819202-part2", "root=UUID=1111"},
        {"s", "root=/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part2", "root=UUID=1111"},
        {"s", "root=/dev/disk/by-id/ata-QEMU_HARDDISK_QM00001-part2", "root=UUID=1111"},
        {"s", "root=/dev/disk/by-id/wwn-0x5000c500a1b2c3d4-part2", "root=UUID=1111"},
        // What the disk was called does not matter: the root is where this file was read.
        {"s", "root=/dev/sdq9", "root=UUID=1111"},
        // Numbers, as lilo and old loaders write them.
        {"s", "root=802", "root=UUID=1111"},
        {"s", "root=0802", "root=UUID=1111"},
        {"s", "root=0x802", "root=UUID=1111"},
        {"s", "root=8:2", "root=UUID=1111"},
        {"s", "root=259:12", "root=UUID=1111"},
        {"s", "root=fd00", "root=UUID=1111"},
        {"s", "root=\"0802\"", "root=\"UUID=1111\""},
        // The kernel takes the last one, and so no one may stay.
        {"s", "root=/dev/sda2 root=/dev/sdb1", "root=UUID=1111 root=UUID=1111"},
        {"s", "real_root=/dev/sda2 root=/dev/ram0", "real_root=UUID=1111 root=/dev/ram0"},
        {"s", "mount.usr=/dev/sdb1", "mount.usr=UUID=4444"},
        {"", "boot=/dev/sda1 fips=1", "boot=UUID=AB-CD fips=1"},
    };
    table_begin();
    CHECK_LINES(lines);
}

static void test_roots_that_stay(void)
{
    static const char *const words[] = {
        "",
        " ",
        "ro quiet splash",
        "root=UUID=1111",
        "root=UUID=9999-not-here",
        "root=LABEL=root",
        "root=PARTUUID=part-a2",
        "root=PARTLABEL=root",
        "root=/dev/disk/by-uuid/1111",
        "root=/dev/disk/by-label/root",
        "root=/dev/disk/by-partuuid/part-a2",
        "root=/dev/disk/by-id/dm-uuid-LVM-abcdef",
        "root=/dev/disk/by-id/md-uuid-1:2:3:4",
        "root=/dev/mapper/vg-lv",
        "root=/dev/vg/lv",
        "root=/dev/md0",
        "root=/dev/md/root",
        "root=/dev/md127p1",
        "root=/dev/nfs nfsroot=192.0.2.1:/srv,vers=3 ip=dhcp",
        "root=nfs:192.0.2.1:/srv",
        "root=live:CDLABEL=x",
        "root=ZFS=rpool/ROOT/x",
        "root=zfs:AUTO",
        "root=/dev/ram0",
        "root=/dev/loop0",
        "root=/dev/root",
        "root=gpt-auto",
        "root=none",
        "root=",
        "root",
        "root=\"\"",
        "root==/dev/sda2",
        "root=\"=/dev/sda2\"",
        "root='/dev/sda2'",
        "ROOT=/dev/sda2",
        "Root=/dev/sda2",
        "myroot=/dev/sda2",
        "xroot=/dev/sda2",
        "my.root=/dev/sda2",
        "-root=/dev/sda2",
        "root_=/dev/sda2",
        "root.x=/dev/sda2",
        "rootfstype=ext4 rootflags=subvol=@,ssd rootwait rootdelay=5",
        "resume_offset=34816",
        "noresume",
        "systemd.unit=rescue.target",
        "BOOT_IMAGE=/boot/vmlinuz-6.1.0",
        "init=/bin/sh",
        "root=/dev/sda0x",
        "root=/dev/sdA2",
        "root=/dev/sd2",
        "root=dev/sda2",
    };
    table_begin();
    for (size_t i = 0; i < BF_COUNT(words); i++)
        check_line(&(struct line){"s", words[i], "="});
}

// An entry of another system, that nobody starts by accident, keeps its own root.
static void test_other_systems(void)
{
    static const struct line lines[] = {
        {"", "root=/dev/sdb1 ro", "root=UUID=4444 ro"},
        {"s", "root=/dev/sdb1 ro", "root=UUID=1111 ro"},
        {"", "root=/dev/sda2 ro", "root=UUID=1111 ro"},
        {"", "root=/dev/sda3 ro", "root=UUID=1111 ro"}, // a swap area is no root
        {"", "root=/dev/sdc1 ro", "="},                 // its UUID is not its own
        {"", "root=8:17 ro", "root=UUID=4444 ro"},
        {"", "root=0811 ro", "root=UUID=4444 ro"},
    };
    table_begin();
    CHECK_LINES(lines);
    struct bf_text out = {0};
    edit("", "root=/dev/sdc1", &out);
    bf_text_free(&out);
    CHECK(table_said("its UUID is not unique"));
}

static void test_without_initramfs(void)
{
    static const struct line lines[] = {
        {"sb", "root=/dev/sda2 ro", "root=PARTUUID=part-a2 ro"},
        {"sb", "root=802", "root=PARTUUID=part-a2"},
        {"sb", "root=\"/dev/sda2\"", "root=\"PARTUUID=part-a2\""},
        {"sb", "resume=/dev/sda3", "resume=PARTUUID=part-a3"},
        {"sb", "resume=8:3", "resume=PARTUUID=part-a3"},
        {"sb", "resume=253:0", "="},
        {"b", "root=/dev/sdb1", "root=PARTUUID=part-b1"},
    };
    table_begin();
    CHECK_LINES(lines);
}

// ---- Other devices -----------------------------------------------------------------------------

static void test_other_words(void)
{
    static const struct line lines[] = {
        {"s", "resume=/dev/sda3", "resume=UUID=2222"},
        {"s", "resume=\"/dev/sda3\"", "resume=\"UUID=2222\""},
        {"s", "real_resume=/dev/sda3", "real_resume=UUID=2222"},
        {"s", "resume=/dev/sda2", "="}, // no swap area
        {"s", "resume=/dev/sda2 resume_offset=34816", "resume=UUID=1111 resume_offset=34816"},
        {"s", "resume=/dev/sdz9", "="},
        {"s", "resume=8:3 quiet", "resume=UUID=2222 quiet"},
        {"s", "resume=\"8:3\"", "resume=\"UUID=2222\""},
        {"s", "resume=0803", "resume=UUID=2222"},
        {"s", "resume=0x803", "resume=UUID=2222"},
        {"s", "real_resume=3:3", "real_resume=UUID=2222"}, // hda3
        {"s", "resume=202:3", "resume=UUID=2222"},         // xvda3
        {"s", "resume=104:3", "resume=UUID=2222"},         // cciss/c0d0p3
        {"s", "resume=/dev/block/8:3", "resume=UUID=2222"},
        {"s", "resume=8:2", "="}, // no swap area
        {"s", "resume=8:2 resume_offset=34816", "resume=UUID=1111 resume_offset=34816"},
        {"s", "resume=8:19", "="},  // no such partition
        {"s", "resume=253:1", "="}, // device-mapper's numbers, or virtio's: who knows
        {"s", "resume=259:3", "="}, // NVMe
        {"s", "resume=8:3:", "="},  // no number to anybody
        {"s", "resume=none", "="},
        {"s", "cryptdevice=8:4", "="},
        {"s", "crypt_root=804", "="},
        {"s", "resume=/dev/mapper/vg-swap", "="},
        {"s", "resume=UUID=2222", "="},
        {"s", "resume=", "="},
        {"s", "resume=swap:/dev/sda3", "="}, // uswsusp's own form
        {"s", "cryptdevice=/dev/sda4:root", "cryptdevice=UUID=3333:root"},
        {"s", "cryptdevice=/dev/sda4:root:allow-discards,x",
         "cryptdevice=UUID=3333:root:allow-discards,x"},
        {"s", "cryptdevice=/dev/sda4", "cryptdevice=UUID=3333"},
        {"s", "cryptdevice=\"/dev/sda4:root\"", "cryptdevice=\"UUID=3333:root\""},
        {"s", "cryptdevice=UUID=3333:root root=/dev/mapper/root", "="},
        {"s", "cryptdevice=/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part4:root:discard",
         "cryptdevice=UUID=3333:root:discard"},
        {"s", "cryptdevice=:root", "="},
        {"s", "cryptdevice=/dev/sda2:root", "!"}, // holds no LUKS, and the start needs it
        {"", "cryptdevice=/dev/sda2:root", "="},
        {"s", "crypt_root=/dev/sda4", "crypt_root=UUID=3333"},
        {"s", "crypt_swap=/dev/sda4", "crypt_swap=UUID=3333"},
        {"s", "cryptroot=/dev/sda4 cryptdm=root", "cryptroot=UUID=3333 cryptdm=root"},
        {"s", "cryptroot=/dev/sda3", "!"},
        {"s", "cryptkey=/dev/sdb1:ext4:/key", "cryptkey=UUID=4444:ext4:/key"},
        {"s", "cryptkey=rootfs:/key", "="},
        {"s", "mount.usr=/dev/sdz1", "!"},
        {"", "mount.usr=/dev/sdz1", "="},
        {"s", "xcryptdevice=/dev/sda4:root", "="},
        {"s", "cryptdevices=/dev/sda4:root", "="},
        // Words that only mention one.
        {"s", "rd.luks.name=3333=root", "="},
        {"s", "md=0,/dev/sda1,/dev/sdb1", "="},
        {"s", "zfs_force=1 root=/dev/sda2x", "="},
    };
    table_begin();
    CHECK_LINES(lines);
}

static void test_what_is_said(void)
{
    struct bf_text out = {0};
    table_begin();
    edit("s", "md=0,/dev/sda1,/dev/sdb1", &out);
    CHECK(table_said("/dev/sda1, in md=0,/dev/sda1,/dev/sdb1, depends on the order of the disks"));
    CHECK(table_said("/dev/sdb1, in md=0"));
    edit("s", "resume=/dev/sdz9", &out);
    CHECK(table_said("resume=/dev/sdz9 stays: it depends on the order of the disks"));
    edit("s", "resume=253:1", &out);
    CHECK(table_said("resume=253:1 stays: it depends on the order of the disks"));
    edit("s", "resume=0fd01", &out);
    CHECK(table_said("resume=0fd01 stays: it depends on the order of the disks"));
    edit("s", "resume=8:3:", &out);
    CHECK(!table_said("resume="));
    edit("s", "cryptdevice=/dev/sda2:root", &out);
    CHECK(table_said("the system is started with cryptdevice=/dev/sda2"));
    edit("s", "root=UUID=1111 ro quiet", &out);
    CHECK(!table_said(""));
    bf_text_free(&out);
}

// ---- Quotes and blanks -------------------------------------------------------------------------

// The kernel's next_arg() (lib/cmdline.c): a blank in double quotes ends no word, a quote is closed
// by the end of the line, and quotes around a value or a whole word are taken off.
static void test_quotes(void)
{
    static const struct line lines[] = {
        {"s", "root=\"/dev/sda2\"", "root=\"UUID=1111\""},
        {"s", "\"root=/dev/sda2\" ro", "\"root=UUID=1111\" ro"},
        {"s", "\"resume=/dev/sda3\"", "\"resume=UUID=2222\""},
        {"s", "\"root=UUID=1111\"", "="},
        {"s", "\"myroot=/dev/sda2\"", "="},
        {"s", "\"ro root=/dev/sda2\"", "="},
        {"s", "dyndbg=\"file x.c +p ; root=/dev/sda2 z\" root=/dev/sda2",
         "dyndbg=\"file x.c +p ; root=/dev/sda2 z\" root=UUID=1111"},
        {"s", "a=\"b root=/dev/sda2", "="},
        {"s", "root=/dev/sda2 a=\"b c", "root=UUID=1111 a=\"b c"},
        {"s", "a=\"\" root=/dev/sda2", "a=\"\" root=UUID=1111"},
        {"s", "a=\"x\"\"y\" root=/dev/sda2", "a=\"x\"\"y\" root=UUID=1111"},
        {"s", "a='b root=/dev/sda2'", "="}, // "/dev/sda2'" is no disk
        {"s", "\"", "="},
        {"s", "\"\"", "="},
        {"s", "\"\" \"\"", "="},
        {"s", "a=b\\ root=/dev/sda2", "a=b\\ root=UUID=1111"},
    };
    table_begin();
    CHECK_LINES(lines);
}

static void test_blanks(void)
{
    static const struct line lines[] = {
        {"s", "  root=/dev/sda2", "  root=UUID=1111"},
        {"s", "root=/dev/sda2  ", "root=UUID=1111  "},
        {"s", "\troot=/dev/sda2\t\tro\t", "\troot=UUID=1111\t\tro\t"},
        {"s", "ro   root=/dev/sda2 \t quiet", "ro   root=UUID=1111 \t quiet"},
        {"s", "root=/dev/sda2 ro\r", "root=UUID=1111 ro\r"},
        {"s", "root=/dev/sda2\r", "root=UUID=1111\r"},
        {"sc", "ro\r", "ro\r"},
        {"s", "\r", "="},
    };
    table_begin();
    CHECK_LINES(lines);
}

static void test_long_lines(void)
{
    enum { WORDS = 20000 };
    struct bf_text in = {0}, want = {0}, out = {0};
    table_begin();
    for (unsigned i = 0; i < WORDS; i++)
        bf_textf(&in, "a%u=b ", i);
    bf_text_add(&want, in.data, in.len);
    bf_text_str(&in, "root=/dev/sda2");
    bf_text_str(&want, "root=UUID=1111");
    CHECK_EQ(edit("s", in.data, &out), BF_OK);
    CHECK_STR(bf_text_get(&out), want.data);
    // A name longer than any of a device is none.
    bf_text_empty(&in);
    bf_text_str(&in, "root=/dev/sda");
    for (unsigned i = 0; i < 5000; i++)
        bf_text_str(&in, "1");
    bf_text_empty(&out);
    CHECK_EQ(edit("s", in.data, &out), BF_OK);
    CHECK_STR(bf_text_get(&out), in.data);
    bf_text_free(&in);
    bf_text_free(&want);
    bf_text_free(&out);
}

// ---- Consoles ----------------------------------------------------------------------------------

static void test_console_on(void)
{
    static const struct line lines[] = {
        {"c", "", "console=tty0 console=ttyS0,115200"},
        {"c", "ro", "ro console=tty0 console=ttyS0,115200"},
        {"c", "ro  ", "ro console=tty0 console=ttyS0,115200  "},
        {"c", "ro\r", "ro console=tty0 console=ttyS0,115200\r"},
        {"c", "console=tty0 ro", "console=tty0 ro console=ttyS0,115200"},
        {"c", "console=tty1", "console=tty1 console=ttyS0,115200"},
        {"c", "console=hvc0 ro", "console=hvc0 ro console=ttyS0,115200"},
        {"c", "console=ttyS1,9600", "console=ttyS1,9600 console=ttyS0,115200"},
        {"c", "console=ttyS0", "="},
        {"c", "console=ttyS0,9600n8 ro", "="},
        {"c", "console=tty0 console=ttyS0,115200n8", "="},
        {"c", "console=ttyS0,115200 console=tty0", "="},
        {"c", "xconsole=ttyS0", "xconsole=ttyS0 console=tty0 console=ttyS0,115200"},
        {"c", "console=ttyS01", "console=ttyS01 console=ttyS0,115200"},
        // Behind "--" are the words of init.
        {"c", "ro -- single", "ro console=tty0 console=ttyS0,115200 -- single"},
        {"c", "-- single", "console=tty0 console=ttyS0,115200 -- single"},
        {"c", "--", "console=tty0 console=ttyS0,115200 --"},
        {"c", "ro --- quiet", "ro --- quiet console=tty0 console=ttyS0,115200"},
        {"c", "ro --x -y", "ro --x -y console=tty0 console=ttyS0,115200"},
        // A quote that nothing closes would swallow it.
        {"c", "ro a=\"b c", "ro console=tty0 console=ttyS0,115200 a=\"b c"},
        {"c", "a=\"b -- c\" d", "a=\"b -- c\" d console=tty0 console=ttyS0,115200"},
        {"cs", "root=/dev/sda2 -- 3", "root=UUID=1111 console=tty0 console=ttyS0,115200 -- 3"},
        {"", "ro", "="},
    };
    table_begin();
    table_plan.serial_console = BF_ON;
    CHECK_LINES(lines);
}

static void test_console_off(void)
{
    static const struct line lines[] = {
        {"c", "console=ttyS0", ""},
        {"c", "console=ttyS0,115200n8 ro", " ro"},
        {"c", "ro console=ttyS0,115200", "ro"},
        {"c", "ro console=tty0 console=ttyS0,115200n8 quiet", "ro console=tty0 quiet"},
        {"c", "ro console=ttyS0 console=ttyS1 console=ttyAMA0,115200 x", "ro x"},
        {"c", "ro\tconsole=ttyS0\tx", "ro\tx"},
        {"c", "ro console=ttyS0  ", "ro  "},
        {"c", "ro console=ttyS0\r", "ro\r"},
        {"c", "\"console=ttyS0,115200\" ro", " ro"},
        {"c", "ro console=uart8250,io,0x3f8,115200n8 x", "ro x"},
        {"c", "ro console=uart,mmio32,0xfe215040", "ro"},
        {"c", "console=serial0,115200 console=tty1", " console=tty1"},
        {"c", "console=uartx", "="},
        {"c", "console=tty0", "="},
        {"c", "console=tty1 console=hvc0", "="},
        {"c", "console=ttysclp0", "="},
        {"c", "console=ttyUSB0", "="},
        {"c", "xconsole=ttyS0 console ttyS0", "="},
        {"", "ro console=ttyS0", "ro"}, // also where none would be added
        {"c", "earlyprintk=vga", "="},
    };
    table_begin();
    table_plan.serial_console = BF_OFF;
    CHECK_LINES(lines);
}

static void test_console_of_arm(void)
{
    static const struct bf_architecture arm = {.name = "aarch64"};
    table_begin();
    table_plan.serial_console = BF_ON;
    table_fin.system.architecture = &arm;
    check_line(&(struct line){"c", "ro", "ro console=tty0 console=ttyAMA0,115200"});
    check_line(&(struct line){"c", "console=ttyAMA0", "="});
    check_line(&(struct line){"c", "console=ttyS0", "console=ttyS0 console=ttyAMA0,115200"});
    table_plan.serial_console = BF_OFF;
    check_line(&(struct line){"c", "ro console=ttyAMA0 console=ttyS0 x", "ro x"});
}

// Without a list of disks nothing can be named; a start by such a name is refused.
static void test_without_devices(void)
{
    static const struct bf_devices none;
    static const struct line rows[] = {
        {"s", "root=/dev/sda2", "!"},   {"", "root=/dev/sda2", "="},
        {"s", "root=8:2", "!"},         {"s", "root=UUID=1111", "="},
        {"s", "resume=/dev/sda3", "="}, {"s", "cryptdevice=/dev/sda4:x", "!"},
    };
    table_begin();
    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        struct bf_text out = {0};
        struct bf_cmdline at = {.path = "/x", .starts = rows[i].flags[0] == 's', .line = 7};
        table_again();
        table_fin.devices = &none;
        enum bf_err err = bf_cmdline_edit(&table_fin, &at, rows[i].in, strlen(rows[i].in), &out);
        if ((err != BF_OK) != (rows[i].out[0] == '!'))
            FAIL("\"%s\": %d", rows[i].in, err);
        if (!err)
            CHECK_STR(bf_text_get(&out), rows[i].in);
        else
            CHECK(table_said("/x, line 7: ") && table_said("--devices"));
        bf_text_free(&out);
    }
}

TEST_MAIN(TEST(test_root_in_every_form), TEST(test_roots_that_stay), TEST(test_other_systems),
          TEST(test_without_initramfs), TEST(test_other_words), TEST(test_what_is_said),
          TEST(test_quotes), TEST(test_blanks), TEST(test_long_lines), TEST(test_console_on),
          TEST(test_console_off), TEST(test_console_of_arm), TEST(test_without_devices))
