// SPDX-License-Identifier: Apache-2.0
// The judges of a rehearsal, each on tables of what a system can have: kernels, root=, images and
// the drivers in them, fstab, addresses; and the troubles that a walk holds.
#include "finalize/rehearse/judges.h"
#include "finalize/initramfs/cpio.h"
#include "finalize/rehearse/names.h"
#include "finalize/rehearse/rehearse.h"
#include "finalize/target/targets.h"

#include <arpa/inet.h>
#include <fcntl.h>

#include "tests/finalize_tree.h"
#include "tests/unit/test.h"

static struct bf_fin fin;
static struct bf_walk walk;
static struct bf_devices devices;
static struct bf_plan plan;
static struct bf_text told;

static const char *const two_disks[] = {"virtio_blk", "nvme", NULL};
static const char *const none[] = {NULL};
static const struct bf_target target = {"test", two_disks, none, none};

// ---- A system ----------------------------------------------------------------------------------

#define ROOT_UUID "11111111-2222-4333-8444-555555555555"

static void put(const char *path, const char *text)
{
    tree_put(path, text, strlen(text));
}

static void drop(const char *path)
{
    unlinkat(tree_root.fd, path, 0);
}

static void device(const char *name, unsigned part, const char *type, const char *uuid,
                   const char *label, bool stacked)
{
    struct bf_device *d = bf_devices_add(&devices);
    CHECK(d);
    d->part = part;
    d->stacked = stacked;
    snprintf(d->name, sizeof d->name, "%s", name);
    snprintf(d->type, sizeof d->type, "%s", type);
    snprintf(d->uuid, sizeof d->uuid, "%s", uuid);
    snprintf(d->label, sizeof d->label, "%s", label);
}

static void clear_walk(void)
{
    bf_judge_free(&walk);
    for (size_t i = 0; i < walk.troubles; i++)
        free(walk.trouble[i].text);
    walk = (struct bf_walk){.f = &fin};
    bf_edits_free(&fin.edits);
    bf_edits_init(&fin.edits, &tree_root);
    bf_budget_begin(&fin.budget, "test");
}

// Everything that is there, probed and mounted.
static void add_devices(void)
{
    bf_devices_free(&devices);
    device("/dev/vda", 0, "", "", "", false);
    device("/dev/vda1", 1, "vfat", "ABCD-1234", "ESP", false);
    device("/dev/vda2", 2, "ext4", ROOT_UUID, "my root", false);
    device("/dev/vda3", 3, "swap", "99999999-0000-4000-8000-000000000000", "", false);
    device("/dev/mapper/vg-data--one", 0, "xfs", "77777777-0000-4000-8000-000000000000", "", true);
    snprintf(devices.item[2].partuuid, sizeof devices.item[2].partuuid, "aabbccdd-02");
    snprintf(devices.item[2].partlabel, sizeof devices.item[2].partlabel, "root part");
    devices.item[2].root = true;
    bf_devices_place(&devices, 2, "/", "");
}

static void set_up(void)
{
    if (tree_root.fd < 0)
        tree_make();
    add_devices();
    bf_edits_free(&fin.edits);
    fin =
        (struct bf_fin){.root = &tree_root, .plan = &plan, .devices = &devices, .target = &target};
    plan = (struct bf_plan){.nics = 0};
    clear_walk();
    put("sbin/init", "x");
    put("boot/vmlinuz-6.1.0", "kernel");
    put("lib/modules/6.1.0/modules.dep",
        "kernel/drivers/block/virtio_blk.ko.xz: kernel/drivers/virtio/virtio_ring.ko.xz "
        "kernel/drivers/virtio/virtio.ko.xz\n"
        "kernel/drivers/virtio/virtio_ring.ko.xz:\nkernel/drivers/virtio/virtio.ko.xz:\n"
        "kernel/drivers/nvme/host/nvme.ko:\nkernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko\n"
        "kernel/fs/jbd2/jbd2.ko:\nkernel/drivers/md/dm-mod.ko:\n");
    put("lib/modules/6.1.0/modules.builtin", "kernel/fs/xfs/xfs.ko\n");
    put("lib/modules/6.1.0/modules.order", "");
}

// An archive whose files are the words of `names`.
static void put_image(const char *path, const char *names)
{
    struct bf_text out = {0};
    struct bf_cpio cpio;
    char name[200];
    const char *at = names, *end = names + strlen(names), *word;
    size_t len;
    bf_cpio_begin(&cpio, &out);
    while (bf_word_next(&at, end, &word, &len)) {
        snprintf(name, sizeof name, "%.*s", (int)len, word);
        bf_cpio_file(&cpio, name, 0644, "x", 1);
    }
    bf_cpio_end(&cpio);
    tree_put(path, out.data, out.len);
    bf_text_free(&out);
}

#define MODULES  "usr/lib/modules/6.1.0/"
#define ALL_DEPS MODULES "virtio.ko " MODULES "virtio_ring.ko.zst "
#define FULL                                                                                       \
    "init " MODULES "modules.dep.bin " ALL_DEPS MODULES "virtio-blk.ko.xz " MODULES                \
    "nvme.ko " MODULES "ext4.ko " MODULES "jbd2.ko"

// All troubles, one to a line.
static const char *troubles(void)
{
    static const char *const kind[] = {"STOPS", "DOUBT", "LOOK"};
    bf_text_empty(&told);
    for (size_t i = 0; i < walk.troubles; i++)
        bf_textf(&told, "%s%s %s", i ? "\n" : "", kind[walk.trouble[i].kind], walk.trouble[i].text);
    return bf_text_get(&told);
}

static void expect(const char *what, const char *want)
{
    if (strcmp(troubles(), want) != 0) {
        printf("# %s:\n%s\n# expected:\n%s\n", what, troubles(), want);
        FAIL("%s", what);
    }
}

static struct bf_start start;

// A start of kernel 6.1.0 with one initramfs.
static void begin(const char *cmdline)
{
    free(start.cmdline);
    start = (struct bf_start){.chosen = true, .line = 7, .initrds = 1};
    snprintf(start.title, sizeof start.title, "Linux");
    snprintf(start.file, sizeof start.file, "/boot/x.cfg");
    snprintf(start.kernel, sizeof start.kernel, "/boot/vmlinuz-6.1.0");
    snprintf(start.initrd[0], BF_START_PATH, "/boot/initrd-6.1.0");
    start.cmdline = cmdline ? strdup(cmdline) : NULL;
}

static void judge(void)
{
    struct bf_judged j = {.start = &start};
    bf_judge_start(&walk, &j);
    free(j.why_not);
}

// What is said of the start, without the words that every line begins with.
static void expect_start(const char *what, const char *want)
{
    char full[2048];
    const char *space = strchr(want, ' ');
    snprintf(full, sizeof full, "%.*s/boot/x.cfg, line 7: \"Linux\"%s",
             space ? (int)(space - want + 1) : 0, want, space ? space : "");
    judge();
    expect(what, want[0] ? full : "");
    clear_walk();
}

// ---- The command line --------------------------------------------------------------------------

static void test_values_of_a_command_line(void)
{
    static const struct {
        const char *cmdline, *key, *value; // NULL: none
    } cases[] = {
        {"root=/dev/sda2 ro", "root", "/dev/sda2"},
        {"ro\troot=UUID=a", "root", "UUID=a"},
        {"root=a root=b", "root", "b"},
        {"root=a root=", "root", ""},
        {"root=\"LABEL=x\" ro", "root", "LABEL=x"},
        {"\"root=LABEL=x\" ro", "root", "LABEL=x"},
        {"xroot=a nfsroot=b root.x=c rootfstype=ext4", "root", NULL},
        {"root", "root", NULL},
        {"ROOT=a", "root", NULL},
        {"", "root", NULL},
        {NULL, "root", NULL},
        {"root=0123456789012345678901234567890", "root", "0123456789012345678901234567890"},
        {"root=01234567890123456789012345678901", "root", NULL},
        {"root=a root=01234567890123456789012345678901", "root", NULL},
        {"init=/sbin/init systemd.unit=x", "init", "/sbin/init"},
    };
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        char out[32] = "old";
        bool found = bf_cmdline_value(cases[i].cmdline, cases[i].key, out, sizeof out);
        if (found != (cases[i].value != NULL) || (found && strcmp(out, cases[i].value) != 0))
            FAIL("%s of \"%s\": %s", cases[i].key, cases[i].cmdline ? cases[i].cmdline : "(none)",
                 found ? out : "none");
    }
}

// ---- root= -------------------------------------------------------------------------------------

static const struct {
    const char *cmdline, *want;
} roots[] = {
    {"root=UUID=" ROOT_UUID, ""},
    {"root=uuid=11111111-2222-4333-8444-555555555555", ""},
    {"root=\"UUID=" ROOT_UUID "\" ro", ""},
    {"root=PARTUUID=AABBCCDD-02", ""},
    {"root=/dev/disk/by-uuid/" ROOT_UUID, ""},
    {"root=/dev/disk/by-partuuid/aabbccdd-02", ""},
    {"root=/dev/disk/by-label/my\\x20root", ""},
    {"root=/dev/disk/by-partlabel/root\\x20part", ""},
    {"root=/dev/sda1 root=UUID=" ROOT_UUID, ""},
    {"root=UUID=" ROOT_UUID " root=LABEL=gone",
     "STOPS has root=LABEL=gone, which is on none of the disks"},
    {"root=LABEL=MY", "STOPS has root=LABEL=MY, which is on none of the disks"},
    {"root=UUID=", "STOPS has root=UUID=, which is on none of the disks"},
    {"root=", "STOPS has root=, which is on none of the disks"},
    {"root=/dev/mapper/vg-root",
     "STOPS has root=/dev/mapper/vg-root, which is on none of the disks"},
    {"root=/dev/vg/gone", "STOPS has root=/dev/vg/gone, which is on none of the disks"},
    {"root=/dev/md0", "STOPS has root=/dev/md0, which is on none of the disks"},
    {"root=/dev/sda2",
     "STOPS has root=/dev/sda2, a name that depends on the machine and the order of its disks"},
    {"root=/dev/vda2",
     "STOPS has root=/dev/vda2, a name that depends on the machine and the order of its disks"},
    {"root=/dev/nvme0n1p2",
     "STOPS has root=/dev/nvme0n1p2, a name that depends on the machine and the order of its "
     "disks"},
    {"root=/dev/disk/by-path/pci-0000:00:10.0-scsi-0:0:0:0-part2",
     "STOPS has root=/dev/disk/by-path/pci-0000:00:10.0-scsi-0:0:0:0-part2, a name that depends on "
     "the machine and the order of its disks"},
    {"root=/dev/disk/by-id/scsi-36000c29-part2",
     "STOPS has root=/dev/disk/by-id/scsi-36000c29-part2, a name that depends on the machine and "
     "the order of its disks"},
    {"root=/dev/mapper/mpatha-part2",
     "STOPS has root=/dev/mapper/mpatha-part2, a name that depends on the machine and the order of "
     "its disks"},
    {"root=/dev/disk/by-uuid/ABCD-1234",
     "STOPS has root=/dev/disk/by-uuid/ABCD-1234, which is a FAT file system"},
    {"root=/dev/disk/by-id/lvm-pv-uuid-x",
     "DOUBT has root=/dev/disk/by-id/lvm-pv-uuid-x, a name that is not among what is probed"},
    {"root=/dev/disk/by-id/dm-name-vg-gone",
     "STOPS has root=/dev/disk/by-id/dm-name-vg-gone, which is on none of the disks"},
    {"ro quiet", "DOUBT has no root=: its initramfs has to know the device"},
    {NULL, "DOUBT has no root=: its initramfs has to know the device"},
    {"root=/dev/nfs nfsroot=192.0.2.1:/x", "DOUBT has root=/dev/nfs, which is not a disk"},
    {"root=nfs4:192.0.2.1:/x", "DOUBT has root=nfs4:192.0.2.1:/x, which is not a disk"},
    {"root=ZFS=rpool/ROOT", "DOUBT has root=ZFS=rpool/ROOT, which is not a disk"},
    {"root=zfs:AUTO", "DOUBT has root=zfs:AUTO, which is not a disk"},
    {"root=live:CDLABEL=x", "DOUBT has root=live:CDLABEL=x, which is not a disk"},
    {"root=iscsi:@192.0.2.1::3260::iqn",
     "DOUBT has root=iscsi:@192.0.2.1::3260::iqn, which is not a disk"},
    {"root=/dev/ram0", "DOUBT has root=/dev/ram0, which is not a disk"},
    {"root=gpt-auto", "DOUBT has root=gpt-auto, which is not a disk"},
    {"root=fstab", "DOUBT has root=fstab, which is not a disk"},
};

static void test_roots(void)
{
    set_up();
    put_image("boot/initrd-6.1.0", FULL);
    for (size_t i = 0; i < BF_COUNT(roots); i++) {
        begin(roots[i].cmdline);
        expect_start(roots[i].cmdline ? roots[i].cmdline : "no command line", roots[i].want);
    }
}

// Without the places of the file systems, what is missing may not have been given.
static void test_roots_of_unknown_disks(void)
{
    static const struct {
        const char *cmdline, *want;
    } cases[] = {
        {"root=UUID=" ROOT_UUID, ""},
        {"root=/dev/sda2", "DOUBT has root=/dev/sda2, and which disks there are is not known"},
        {"root=UUID=0", "DOUBT has root=UUID=0, and which disks there are is not known"},
    };
    set_up();
    put_image("boot/initrd-6.1.0", FULL);
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        devices.places = 0;
        begin(cases[i].cmdline);
        expect_start(cases[i].cmdline, cases[i].want);
    }
}

// A stop of an entry that is not the default is to be looked at, no more.
static void test_entries_that_are_not_chosen(void)
{
    set_up();
    put_image("boot/initrd-6.1.0", FULL);
    begin("root=UUID=0");
    start.chosen = false;
    judge();
    expect("a stop", "LOOK /boot/x.cfg, line 7: \"Linux\" would not start if it were chosen: has "
                     "root=UUID=0, which is on none of the disks");
    clear_walk();
    begin("ro");
    start.chosen = false;
    judge();
    expect("a doubt", "LOOK /boot/x.cfg, line 7: \"Linux\" cannot be followed: has no root=: its "
                      "initramfs has to know the device");
    clear_walk();
    begin(NULL);
    start.kind = BF_START_OTHER;
    start.chosen = false;
    judge();
    expect("another system", "");
    start.chosen = true;
    expect_start("another system by default", "DOUBT does not start a kernel of this system");
}

// ---- Kernels and init --------------------------------------------------------------------------

static void test_kernels(void)
{
    set_up();
    put_image("boot/initrd-6.1.0", FULL);
    put("boot/empty-6.1.0", "");
    begin("root=UUID=" ROOT_UUID);
    snprintf(start.kernel, sizeof start.kernel, "/boot/empty-6.1.0");
    expect_start("an empty kernel", "STOPS loads the kernel /boot/empty-6.1.0, which is empty");
    snprintf(start.kernel, sizeof start.kernel, "/boot/gone-6.1.0");
    expect_start("no kernel", "STOPS loads the kernel /boot/gone-6.1.0, which is not there");
    devices.places = 0;
    expect_start("a kernel on another disk",
                 "DOUBT loads the kernel /boot/gone-6.1.0, which is not there");
    snprintf(start.blocked, sizeof start.blocked, "has lost its way");
    expect_start("what the loader says, once", "DOUBT has lost its way");
    add_devices();
    expect_start("what the loader says of a known disk", "STOPS has lost its way");
    start.blocked[0] = 0;
    snprintf(start.kernel, sizeof start.kernel, "/boot/vmlinuz-6.1.0");
    snprintf(start.unknown, sizeof start.unknown, "has a puzzle");
    expect_start("what cannot be followed", "DOUBT has a puzzle");
}

// The version inside an x86 kernel comes before its name, and its name before the image.
static void test_versions_of_kernels(void)
{
    static const struct {
        const char *file, *inside, *image, *version;
    } cases[] = {
        {"vmlinuz-6.1.0", NULL, "init", "6.1.0"},
        {"vmlinuz-16.1.0", NULL, "init", ""},
        {"vmlinuz", NULL, "init " MODULES "ext4.ko", "6.1.0"},
        {"vmlinuz", NULL, "init lib/modules/5.9/ext4.ko", "5.9"},
        {"vmlinuz", NULL, "init lib/modules/6.1.0", ""},
        {"vmlinuz", NULL, "init", ""},
        {"vmlinuz-6.1.0", "6.1.0-x (me@here) #1", "init", "6.1.0-x"},
        {"vmlinuz-6.1.0", "6.9", "init", "6.9"},
        {"kernel-genkernel-x86_64-6.1.0", NULL, "init", "6.1.0"},
    };
    set_up();
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        unsigned char kernel[0x400] = "kernel";
        char path[64];
        struct bf_judged j = {.start = &start};
        if (cases[i].inside) {
            memcpy(kernel + 0x202, "HdrS", 4);
            bf_put_le16(kernel + 0x20e, 0x100);
            memcpy(kernel + 0x300, cases[i].inside, strlen(cases[i].inside));
        }
        snprintf(path, sizeof path, "boot/k/%s", cases[i].file);
        tree_put(path, kernel, sizeof kernel);
        put_image("boot/initrd-6.1.0", cases[i].image);
        begin("root=UUID=" ROOT_UUID);
        snprintf(start.kernel, sizeof start.kernel, "/%s", path);
        bf_judge_start(&walk, &j);
        CHECK_STR(j.version, cases[i].version);
        free(j.why_not);
        clear_walk();
    }
}

static void test_init(void)
{
    set_up();
    put_image("boot/initrd-6.1.0", FULL);
    begin("root=UUID=" ROOT_UUID " init=/opt/my-init");
    expect_start("init= is not there", "STOPS would find no /opt/my-init in the root file system");
    put("opt/my-init", "x");
    expect_start("init= is there", "");
    begin("root=UUID=" ROOT_UUID);
    drop("sbin/init");
    expect_start("no init", "STOPS would find no /sbin/init in the root file system");
    devices.places = 0;
    expect_start("perhaps no init", "DOUBT would find no /sbin/init in the root file system");
    add_devices();
    put("usr/lib/systemd/systemd", "x");
    expect_start("systemd alone", "");
    drop("usr/lib/systemd/systemd");
}

// ---- Images ------------------------------------------------------------------------------------

#define NEEDS(module)                                                                              \
    "STOPS gets no initramfs with the driver " module ", which the disks of a test machine may "   \
    "need"

static const struct {
    const char *what, *first, *second, *cmdline, *want;
} images[] = {
    {"all drivers", FULL, NULL, "", ""},
    {"one in another image", "init " MODULES "modules.dep.bin " ALL_DEPS MODULES "virtio_blk.ko",
     MODULES "nvme.ko " MODULES "ext4.ko " MODULES "jbd2.ko", "", ""},
    {"an early image before it", "kernel/x86/microcode/GenuineIntel.bin", FULL, "", ""},
    {"no /init",
     MODULES "modules.dep.bin " ALL_DEPS MODULES "virtio_blk.ko " MODULES "nvme.ko " MODULES
             "ext4.ko " MODULES "jbd2.ko",
     NULL, "", "STOPS gets an initramfs without /init"},
    {"an /init deeper",
     "usr/init " MODULES "modules.dep.bin " ALL_DEPS MODULES "virtio_blk.ko " MODULES
     "nvme.ko " MODULES "ext4.ko " MODULES "jbd2.ko",
     NULL, "", "STOPS gets an initramfs without /init"},
    {"no index",
     "init " ALL_DEPS MODULES "virtio_blk.ko " MODULES "nvme.ko " MODULES "ext4.ko " MODULES
     "jbd2.ko",
     NULL, "",
     "DOUBT gets an initramfs without modules.dep.bin, by which drivers are found unless its init "
     "loads them by a list"},
    {"no driver",
     "init " MODULES "modules.dep.bin " ALL_DEPS MODULES "nvme.ko " MODULES "ext4.ko " MODULES
     "jbd2.ko",
     NULL, "", NEEDS("virtio_blk")},
    {"not what a driver needs",
     "init " MODULES "modules.dep.bin " MODULES "virtio.ko " MODULES "virtio_blk.ko " MODULES
     "nvme.ko " MODULES "ext4.ko " MODULES "jbd2.ko",
     NULL, "", NEEDS("virtio_ring")},
    {"not the file system",
     "init " MODULES "modules.dep.bin " ALL_DEPS MODULES "virtio_blk.ko " MODULES "nvme.ko", NULL,
     "", "STOPS gets no initramfs with the driver ext4, which its root file system needs"},
    {"not what the file system needs",
     "init " MODULES "modules.dep.bin " ALL_DEPS MODULES "virtio_blk.ko " MODULES "nvme.ko " MODULES
     "ext4.ko",
     NULL, "", "STOPS gets no initramfs with the driver jbd2, which its root file system needs"},
    {"modules of two kernels", "lib/modules/5.9/virtio_blk.ko " FULL, NULL, "", ""},
    {"modules in a flat folder",
     "init modules/virtio.ko modules/virtio_ring.ko modules/virtio_blk.ko modules/nvme.ko "
     "modules/ext4.ko modules/jbd2.ko modules/x/modules.dep.bin",
     NULL, "", ""},
    {"a blacklist", FULL, NULL, " modprobe.blacklist=virtio-blk",
     "STOPS has the driver virtio_blk on a blacklist"},
    {"a blacklist among others", FULL, NULL, " module_blacklist=floppy,nvme,pcspkr",
     "STOPS has the driver nvme on a blacklist"},
    {"one of dracut's", FULL, NULL, " rd.driver.blacklist=nvme",
     "STOPS has the driver nvme on a blacklist"},
    {"of several blacklists kmod reads each", FULL, NULL,
     " modprobe.blacklist=nvme modprobe.blacklist=floppy",
     "STOPS has the driver nvme on a blacklist"},
    {"of several the kernel reads the last", FULL, NULL,
     " module_blacklist=nvme module_blacklist=floppy", ""},
    {"names that are alike", FULL, NULL, " modprobe.blacklist=nvme_core,xnvme,nvm", ""},
    {"an empty list", FULL, NULL, " modprobe.blacklist= module_blacklist=,,", ""},
};

static void test_images(void)
{
    set_up();
    for (size_t i = 0; i < BF_COUNT(images); i++) {
        char cmdline[256];
        snprintf(cmdline, sizeof cmdline, "root=UUID=" ROOT_UUID "%s", images[i].cmdline);
        put_image("boot/initrd-6.1.0", images[i].first);
        begin(cmdline);
        if (images[i].second) {
            put_image("boot/second", images[i].second);
            snprintf(start.initrd[1], BF_START_PATH, "/boot/second");
            start.initrds = 2;
        }
        expect_start(images[i].what, images[i].want);
    }
}

// A kernel looks for its modules in its own folder, and would load none of another version.
static void test_modules_of_another_kernel(void)
{
    set_up();
    put_image(
        "boot/initrd-6.1.0",
        "init lib/modules/5.9/modules.dep.bin lib/modules/5.9/virtio.ko "
        "lib/modules/5.9/virtio_ring.ko lib/modules/5.9/virtio_blk.ko lib/modules/5.9/nvme.ko "
        "lib/modules/5.9/ext4.ko lib/modules/5.9/jbd2.ko");
    begin("root=UUID=" ROOT_UUID);
    judge();
    expect("all are missing",
           "STOPS /boot/x.cfg, line 7: \"Linux\" gets no initramfs with the driver virtio_blk, "
           "which the disks of a test machine may need\n"
           "STOPS /boot/x.cfg, line 7: \"Linux\" gets no initramfs with the driver nvme, "
           "which the disks of a test machine may need\n"
           "STOPS /boot/x.cfg, line 7: \"Linux\" gets no initramfs with the driver ext4, "
           "which its root file system needs");
    clear_walk();
    // The first image has none, the second has all.
    put_image("boot/second", FULL);
    snprintf(start.initrd[1], BF_START_PATH, "/boot/second");
    start.initrds = 2;
    expect_start("with another image", "");
    put_image("boot/initrd-6.1.0", "init lib/modules/1/a.ko lib/modules/2/a.ko lib/modules/3/a.ko "
                                   "lib/modules/4/a.ko lib/modules/5/a.ko " FULL);
    start.initrds = 1;
    expect_start("modules of more kernels than are noted", "");
}

// What the kernel has built in needs no file, and no list keeps it from being there.
static void test_drivers_that_are_built_in(void)
{
    set_up();
    put("lib/modules/6.1.0/modules.builtin",
        "kernel/drivers/block/virtio_blk.ko\nkernel/drivers/nvme/host/nvme.ko\n"
        "kernel/fs/ext4/ext4.ko\n");
    begin("root=PARTUUID=aabbccdd-02");
    start.initrds = 0;
    expect_start("without an initramfs", "");
    begin("root=UUID=" ROOT_UUID);
    start.initrds = 0;
    expect_start("a name that the kernel alone does not know",
                 "STOPS has root=UUID=" ROOT_UUID
                 " and no initramfs: the kernel alone does not know "
                 "that name; PARTUUID= would do");
    begin("root=UUID=" ROOT_UUID " modprobe.blacklist=virtio_blk,nvme");
    put_image("boot/initrd-6.1.0", "init");
    expect_start("a list of modules does not touch them", "");
    put("lib/modules/6.1.0/modules.builtin", "kernel/drivers/block/virtio_blk.ko\n");
    begin("root=PARTUUID=aabbccdd-02");
    start.initrds = 0;
    judge();
    expect("one is not", "DOUBT /boot/x.cfg, line 7: \"Linux\" gets no initramfs with the driver "
                         "nvme, which the disks of a test machine may need\n"
                         "STOPS /boot/x.cfg, line 7: \"Linux\" gets no initramfs with the driver "
                         "ext4, which its root file system needs");
    clear_walk();
}

static void test_kernels_without_drivers(void)
{
    set_up();
    put_image("boot/initrd-6.1.0", "init");
    put("lib/modules/6.1.0/modules.dep", "kernel/x/other.ko:\nkernel/x/nvme.ko.bak/y:\n");
    begin("root=UUID=" ROOT_UUID);
    expect_start("no driver at all", "STOPS starts kernel 6.1.0, which has no driver for the disks "
                                     "of a test machine");
    put("lib/modules/6.1.0/modules.dep", "");
    expect_start("an empty list", "STOPS starts kernel 6.1.0, which has no driver for the disks of "
                                  "a test machine");
    drop("lib/modules/6.1.0/modules.dep");
    expect_start("no list", "DOUBT starts a kernel whose modules are not known");
}

// LVM below the root needs dm-mod, as the kernel calls it.
static void test_roots_on_volumes(void)
{
    set_up();
    devices.item[2].root = false;
    devices.item[4].root = true;
    put_image("boot/initrd-6.1.0", FULL);
    begin("root=/dev/vg/data-one");
    expect_start("a volume", "STOPS gets no initramfs with the driver dm_mod, which its root file "
                             "system needs");
    put_image("boot/initrd-6.1.0", FULL " " MODULES "dm-mod.ko.gz");
    expect_start("with its driver", "");
    begin("root=/dev/mapper/vg-data--one");
    expect_start("by its other name", "");
    begin("root=/dev/disk/by-id/dm-name-vg-data--one");
    expect_start("by udev's name", "");
    begin("root=/dev/mapper/vg-data-one");
    expect_start("a name of another one",
                 "STOPS has root=/dev/mapper/vg-data-one, which is on none "
                 "of the disks");
}

static void test_images_that_cannot_be_read(void)
{
    set_up();
    drop("boot/initrd-6.1.0");
    begin("root=UUID=" ROOT_UUID);
    expect_start("not there", "STOPS loads the initramfs /boot/initrd-6.1.0, which is not there");
    devices.places = 0;
    expect_start("perhaps not there",
                 "DOUBT loads the initramfs /boot/initrd-6.1.0, which is not there");
    add_devices();
    static const char *const junk[] = {"", "x", "070701", "no archive at all, but some text"};
    for (size_t i = 0; i < BF_COUNT(junk); i++) {
        put("boot/initrd-6.1.0", junk[i]);
        judge();
        if (walk.troubles == 0)
            FAIL("nothing is said of \"%s\"", junk[i]);
        clear_walk();
    }
}

// ---- One image for many entries ----------------------------------------------------------------

static void test_an_image_is_read_once(void)
{
    set_up();
    put_image("boot/initrd-6.1.0", FULL);
    begin("root=UUID=" ROOT_UUID);
    judge();
    uint64_t left = fin.budget.left;
    const void *read = walk.images;
    const void *lists = walk.lists;
    put_image("boot/initrd-6.1.0", "init");
    for (int i = 0; i < 100; i++)
        judge();
    CHECK(walk.images == read && walk.lists == lists);
    CHECK_EQ(fin.budget.left, left);
    expect("what was read at first", "");
    clear_walk();
    judge();
    CHECK(walk.troubles > 0);
    clear_walk();
}

// The part of a unified image is another one than the whole file, and than another part.
static void test_unified_images(void)
{
    struct bf_text file = {0};
    struct bf_cpio cpio;
    set_up();
    put_image("boot/part", FULL);
    char *text = NULL;
    size_t len = 0;
    const char *whole = bf_edits_get(&fin.edits, "/boot/part", &len, NULL);
    bf_text_add(&file, "MZ..", 4);
    text = malloc(len);
    CHECK(whole && text);
    memcpy(text, whole, len);
    bf_text_add(&file, text, len);
    size_t at = file.len;
    bf_cpio_begin(&cpio, &file);
    bf_cpio_file(&cpio, "init", 0755, "x", 1);
    bf_cpio_end(&cpio);
    size_t rest = file.len - at;
    tree_put("boot/linux-6.1.0", file.data, file.len);
    clear_walk();
    begin("root=UUID=" ROOT_UUID);
    snprintf(start.kernel, sizeof start.kernel, "/boot/linux-6.1.0");
    start.unified = true;
    start.initrd_at = 4;
    start.initrd_len = len;
    judge();
    expect("the part with the drivers", "");
    start.initrd_at = at;
    start.initrd_len = rest;
    judge();
    CHECK(strstr(troubles(), "the driver virtio_blk") && strstr(troubles(), "the driver nvme"));
    clear_walk();
    start.initrd_len = 0;
    judge();
    CHECK(strstr(troubles(), "the driver virtio_blk"));
    CHECK(!strstr(troubles(), "initrd-6.1.0"));
    clear_walk();
    free(text);
    bf_text_free(&file);
}

// ---- Names of modules --------------------------------------------------------------------------

static void test_names_of_modules(void)
{
    static const struct {
        const char *path, *name;
    } cases[] = {
        {"kernel/fs/ext4/ext4.ko.xz", "ext4"},
        {"dm-mod.ko", "dm_mod"},
        {"/lib/modules/6.1/kernel/a-b-c.ko.zst", "a_b_c"},
        {"x.ko", "x"},
        {".ko", NULL},
        {"x.o", NULL},
        {"", NULL},
        {"a.ko/b", NULL},
        {"modules.dep", NULL},
    };
    char out[BF_MODULE_NAME], path[BF_MODULE_NAME + 8];
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        bool is = bf_module_name_of(cases[i].path, strlen(cases[i].path), out);
        if (is != (cases[i].name != NULL) || (is && strcmp(out, cases[i].name) != 0))
            FAIL("\"%s\": %s", cases[i].path, is ? out : "none");
    }
    memset(path, 'a', BF_MODULE_NAME);
    memcpy(path + BF_MODULE_NAME - 1, ".ko", 4);
    CHECK(bf_module_name_of(path, strlen(path), out));
    CHECK_EQ(strlen(out), BF_MODULE_NAME - 1);
    memcpy(path + BF_MODULE_NAME - 1, "a.ko", 5);
    CHECK(!bf_module_name_of(path, strlen(path), out));
}

static void test_lists_of_hostile_versions(void)
{
    struct bf_module_lists l;
    static const char *const versions[] = {"", "../6.1.0", "6.1.0/..", "/", ".."};
    set_up();
    for (size_t i = 0; i < BF_COUNT(versions); i++) {
        bf_module_lists_open(&l, &tree_root, versions[i]);
        CHECK(!l.dep && l.files.count == 0);
        bf_module_lists_free(&l);
    }
    bf_module_lists_open(&l, &tree_root, "6.1.0");
    CHECK_EQ(l.files.count, 7);
    CHECK_EQ(l.builtin.count, 1);
    CHECK(bf_module_names_find(&l.files, "virtio-blk"));
    CHECK(!bf_module_names_find(&l.files, "virtio"
                                          "_bl"));
    bf_module_lists_free(&l);
}

// ---- fstab -------------------------------------------------------------------------------------

#define EMERGENCY                                                                                  \
    ": the start would end in an emergency shell; give its disk to the new machine, or set "       \
    "\"missing_disks\": \"nofail\" to start without it"
#define GONE  "UUID=00000000-1111-4000-8000-000000000000"
#define NO(x) " is on none of the disks" x
#define ORDER " is a name that depends on the machine and the order of its disks"
#define WAITS ": the start waits for it, 90 seconds as a rule"

static const struct {
    const char *line, *want;
} mounts[] = {
    // What is there, by each of its names.
    {"UUID=" ROOT_UUID " / ext4 defaults 0 1", ""},
    {"UUID=abcd-1234 /boot/efi vfat umask=0077 0 2", ""},
    {"\"UUID=ABCD-1234\" /boot/efi vfat defaults", ""},
    {"UUID=\"ABCD-1234\" /boot/efi vfat defaults", ""},
    {"LABEL=my\\040root / ext4 defaults 0 1", ""},
    {"PARTLABEL=root\\040part /mnt ext4 defaults", ""},
    {"LABEL=\"my\\040root\" /mnt ext4 defaults", ""},
    {"LABEL=my\\x20root /mnt ext4 defaults",
     "STOPS /etc/fstab, line 1: LABEL=my\\x20root for /mnt" NO(EMERGENCY)},
    {"/dev/disk/by-uuid/ABCD-1234 /boot/efi vfat defaults", ""},
    {"/dev/disk/by-label/my\\x20root /mnt ext4 defaults", ""},
    {"/dev/disk/by-partuuid/aabbccdd-02 /mnt ext4 defaults", ""},
    {"PARTUUID=AABBCCDD-02 /mnt ext4", ""},
    {"/dev/mapper/vg-data--one /data xfs defaults", ""},
    {"/dev/vg/data-one /data xfs defaults", ""},
    {"/dev/disk/by-id/dm-name-vg-data--one /data xfs defaults", ""},
    {"/dev/disk/by-id/md-uuid-1:2:3:4 /data xfs defaults",
     "DOUBT /etc/fstab, line 1: /dev/disk/by-id/md-uuid-1:2:3:4 for /data is a name that is not "
     "among what is probed" EMERGENCY},
    {"UUID=99999999-0000-4000-8000-000000000000 none swap sw", ""},
    {"  \tUUID=ABCD-1234\t/boot/efi\tvfat\tdefaults", ""},
    // What is not.
    {GONE " /data ext4 defaults 0 2", "STOPS /etc/fstab, line 1: " GONE " for /data" NO(EMERGENCY)},
    {GONE " /data ext4", "STOPS /etc/fstab, line 1: " GONE " for /data" NO(EMERGENCY)},
    {GONE " /my\\040data ext4 defaults",
     "STOPS /etc/fstab, line 1: " GONE " for /my data" NO(EMERGENCY)},
    {"LABEL=ROOT /data ext4 defaults",
     "STOPS /etc/fstab, line 1: LABEL=ROOT for /data" NO(EMERGENCY)},
    {"/dev/disk/by-uuid/0 /data ext4 defaults",
     "STOPS /etc/fstab, line 1: /dev/disk/by-uuid/0 for /data" NO(EMERGENCY)},
    {"/dev/mapper/vg-gone /data ext4 defaults",
     "STOPS /etc/fstab, line 1: /dev/mapper/vg-gone for /data" NO(EMERGENCY)},
    {"/dev/md127 /data ext4 defaults",
     "STOPS /etc/fstab, line 1: /dev/md127 for /data" NO(EMERGENCY)},
    {"/dev/sdb1 /data ext4 defaults",
     "STOPS /etc/fstab, line 1: /dev/sdb1 for /data" ORDER EMERGENCY},
    {"/dev/vda1 /data vfat defaults",
     "STOPS /etc/fstab, line 1: /dev/vda1 for /data" ORDER EMERGENCY},
    {"/dev/disk/by-id/ata-X-part1 /data ext4 defaults",
     "STOPS /etc/fstab, line 1: /dev/disk/by-id/ata-X-part1 for /data" ORDER EMERGENCY},
    {GONE " / ext4 defaults", "LOOK /etc/fstab, line 1: " GONE " for /" NO("")},
    {"/dev/sda2 / ext4 defaults", "LOOK /etc/fstab, line 1: /dev/sda2 for /" ORDER},
    {GONE " none swap sw", "LOOK /etc/fstab, line 1: " GONE " for swap" NO(WAITS)},
    {"/dev/sda3 swap swap defaults", "LOOK /etc/fstab, line 1: /dev/sda3 for swap" ORDER WAITS},
    // What is not waited for.
    {GONE " /data ext4 noauto 0 0", ""},
    {GONE " /data ext4 rw,nofail", ""},
    {GONE " /data ext4 nofail,rw", ""},
    {GONE " /data ext4 _netdev", ""},
    {GONE " /data ext4 x-systemd.automount,x-systemd.device-timeout=5", ""},
    {GONE " /data ext4 comment=systemd.automount", ""},
    {GONE " none swap sw,nofail", ""},
    {GONE " /data ext4 xnoauto,nofail2,auto",
     "STOPS /etc/fstab, line 1: " GONE " for /data" NO(EMERGENCY)},
    {GONE " /data ext4 x-systemd.device-timeout=5",
     "STOPS /etc/fstab, line 1: " GONE " for /data" NO(EMERGENCY)},
    // What has no block device.
    {"/srv/a /srv/b none bind", ""},
    {"/srv/a /srv/b auto rw,rbind", ""},
    {"/img.iso /mnt iso9660 loop,ro", ""},
    {"tmpfs /tmp tmpfs size=1G", ""},
    {"proc /proc proc defaults", ""},
    {"192.0.2.1:/x /x nfs defaults", ""},
    {"//server/x /x cifs credentials=/x", ""},
    {"host:/x /x fuse.sshfs defaults", ""},
    {"tank/home /home zfs defaults", ""},
    {"overlay /x overlay lowerdir=/a,upperdir=/b,workdir=/c", ""},
    {"/dev/fuse /x fuse defaults", ""},
    {"/swapfile none swap sw", ""},
    // What is no line of it.
    {"# " GONE " /data ext4 defaults", ""},
    {"#" GONE " /data ext4 defaults", ""},
    {"   # " GONE " /data ext4 defaults", ""},
    {GONE " /data", ""},
    {GONE, ""},
    {"", ""},
};

static void expect_mounts(const char *fstab, const char *want)
{
    put("etc/fstab", fstab);
    bf_judge_mounts(&walk);
    expect(fstab, want);
    clear_walk();
}

static void test_lines_of_fstab(void)
{
    set_up();
    for (size_t i = 0; i < BF_COUNT(mounts); i++)
        expect_mounts(mounts[i].line, mounts[i].want);
    expect_mounts("# one\n\n" GONE " /a ext4\r\n" GONE " /b ext4 nofail\n" GONE " /c ext4",
                  "STOPS /etc/fstab, line 3: " GONE
                  " for /a" NO(EMERGENCY) "\n"
                                          "STOPS /etc/fstab, line 5: " GONE
                                          " for /c" NO(EMERGENCY));
    drop("etc/fstab");
    bf_judge_mounts(&walk);
    expect("no fstab", "");
}

// What is behind LUKS, or on a disk that was not given, may be there.
static void test_mounts_that_may_be_there(void)
{
    set_up();
    devices.places = 0;
    expect_mounts(GONE " /data ext4", "DOUBT /etc/fstab, line 1: " GONE " for /data" NO(EMERGENCY));
    bf_devices_free(&devices);
    expect_mounts(GONE " /data ext4\n/dev/sda1 /boot ext4", "");
    expect_mounts(GONE " none swap sw", "LOOK /etc/fstab, line 1: " GONE " for swap" NO(WAITS));
    add_devices();
    device("/dev/vda4", 4, "crypto_LUKS", "88888888-0000-4000-8000-000000000000", "", false);
    expect_mounts(GONE " /data ext4", "DOUBT /etc/fstab, line 1: " GONE " for /data" NO(EMERGENCY));
}

static void test_names_of_crypttab(void)
{
    set_up();
    device("/dev/vda4", 4, "crypto_LUKS", "88888888-0000-4000-8000-000000000000", "", false);
    devices.places = 1;
    put("etc/crypttab", "# other UUID=1 none luks\n"
                        "data\tUUID=88888888-0000-4000-8000-000000000000 none luks\n"
                        "  my\\040data UUID=88888888-0000-4000-8000-000000000000 none luks\n");
    expect_mounts("/dev/mapper/data /data ext4", "");
    expect_mounts("/dev/mapper/dat /data ext4",
                  "DOUBT /etc/fstab, line 1: /dev/mapper/dat for /data" NO(EMERGENCY));
    expect_mounts("/dev/mapper/other /data ext4",
                  "DOUBT /etc/fstab, line 1: /dev/mapper/other for /data" NO(EMERGENCY));
    expect_mounts("/dev/mapper/none /data ext4",
                  "DOUBT /etc/fstab, line 1: /dev/mapper/none for /data" NO(EMERGENCY));
    drop("etc/crypttab");
    expect_mounts("/dev/mapper/data /data ext4",
                  "DOUBT /etc/fstab, line 1: /dev/mapper/data for /data" NO(EMERGENCY));
}

// A name that crypttab makes is there when the device behind it is.
static void test_devices_of_crypttab(void)
{
#define LOST "UUID=66666666-0000-4000-8000-000000000000"
    set_up();
    put("etc/crypttab", "# a\nlost " LOST " none luks,noauto\n"
                        "waits " LOST " none\n"
                        "slot /dev/sda4 none nofail\n"
                        "inner /dev/mapper/lost none nofail\n"
                        "circle /dev/mapper/circle none nofail\n"
                        "file /var/lib/image none luks\n");
    expect_mounts("", "LOOK /etc/crypttab, line 3: " LOST " for waits" NO(WAITS));
    expect_mounts("/dev/mapper/file /data ext4",
                  "LOOK /etc/crypttab, line 3: " LOST " for waits" NO(WAITS));
    expect_mounts("/dev/mapper/waits /data ext4",
                  "STOPS /etc/fstab, line 1: " LOST ", which /etc/crypttab, line 3, opens as "
                  "/dev/mapper/waits for /data," NO(EMERGENCY));
    expect_mounts("/dev/mapper/waits /data ext4 nofail",
                  "LOOK /etc/crypttab, line 3: " LOST " for waits" NO(WAITS));
    drop("etc/crypttab");
    put("etc/crypttab", "lost " LOST " none luks,noauto\n"
                        "slot /dev/sda4 none nofail\n"
                        "inner /dev/mapper/lost none nofail\n"
                        "circle /dev/mapper/circle none nofail\n");
    expect_mounts("", "");
    expect_mounts("/dev/mapper/lost none swap sw",
                  "LOOK /etc/fstab, line 1: " LOST ", which /etc/crypttab, line 1, opens as "
                  "/dev/mapper/lost for swap," NO(WAITS));
    expect_mounts("/dev/mapper/slot /data ext4",
                  "STOPS /etc/fstab, line 1: /dev/sda4, which /etc/crypttab, line 2, opens as "
                  "/dev/mapper/slot for /data," ORDER EMERGENCY);
    expect_mounts("/dev/mapper/inner /data ext4",
                  "STOPS /etc/fstab, line 1: " LOST ", which /etc/crypttab, line 1, opens as "
                  "/dev/mapper/inner for /data," NO(EMERGENCY));
    expect_mounts("/dev/mapper/circle /data ext4",
                  "STOPS /etc/fstab, line 1: /dev/mapper/circle, which /etc/crypttab, line 4, "
                  "opens as /dev/mapper/circle for /data," NO(EMERGENCY));
    // Of a device that was opened here nothing is hidden.
    device("/dev/vda4", 4, "crypto_LUKS", "8888", "", false);
    expect_mounts(GONE " /data ext4", "DOUBT /etc/fstab, line 1: " GONE " for /data" NO(EMERGENCY));
    device("/dev/mapper/luks-8888", 0, "ext4", "7777", "", false);
    devices.item[devices.count - 1].stacked = true;
    expect_mounts(GONE " /data ext4", "STOPS /etc/fstab, line 1: " GONE " for /data" NO(EMERGENCY));
    drop("etc/crypttab");
#undef LOST
}

// ---- Addresses ---------------------------------------------------------------------------------

static void plan_address(const char *text, unsigned prefix)
{
    struct bf_plan_nic *nic = &plan.nic[0];
    struct bf_address *a = &nic->address[nic->addresses++];
    plan.nics = 1;
    *a = (struct bf_address){.family = strchr(text, ':') ? AF_INET6 : AF_INET, .prefix = prefix};
    snprintf(a->text, sizeof a->text, "%s", text);
}

static const struct {
    const char *file, *text, *address;
    unsigned line; // where it is found; 0: it is not
} addresses[] = {
    {"etc/network/interfaces", "iface eth0 inet static\n  address 203.0.113.5/24\n", "203.0.113.5",
     2},
    {"etc/network/interfaces", "iface eth0 inet static\n#  address 203.0.113.5/24\n", "203.0.113.5",
     0},
    {"etc/network/interfaces", "\t # 203.0.113.5\n", "203.0.113.5", 0},
    {"etc/network/interfaces", "address 203.0.113.50\n", "203.0.113.5", 0},
    {"etc/network/interfaces", "address 1203.0.113.5\n", "203.0.113.5", 0},
    {"etc/network/interfaces", "address 203.0.113.5.1\n", "203.0.113.5", 0},
    {"etc/network/interfaces.d/a", "address 203.0.113.5", "203.0.113.5", 1},
    {"etc/network/interfaces.d/x/y/z", "address 203.0.113.5", "203.0.113.5", 0},
    {"etc/netplan/a.yaml", "addresses: [203.0.113.4/24,203.0.113.5/24]", "203.0.113.5", 1},
    {"etc/netplan/a.yaml", "a:\n - \"2001:db8::5/64\"", "2001:db8::5", 2},
    {"etc/netplan/a.yaml", " - 2001:DB8:0:0:0::5/64", "2001:db8::5", 1},
    {"etc/netplan/a.yaml", " - 2001:0db8:0000:0000:0000:0000:0000:0005", "2001:db8::5", 1},
    {"etc/netplan/a.yaml", " - ::ffff:203.0.113.5", "::ffff:203.0.113.5", 1},
    {"etc/netplan/a.yaml", " - 2001:db8::5:1/64", "2001:db8::5", 0},
    {"etc/systemd/network/a.network", "[Network]\nAddress=203.0.113.5/24", "203.0.113.5", 2},
    {"etc/systemd/network/a.network", "; Address=203.0.113.5/24", "203.0.113.5", 0},
    {"etc/systemd/network/a.network.d/b.conf", "Address=203.0.113.5/24", "203.0.113.5", 1},
    {"etc/sysconfig/network-scripts/ifcfg-eth0", "IPADDR='203.0.113.5'", "203.0.113.5", 1},
    {"etc/sysconfig/network/ifcfg-eth0", "IPADDR=\"203.0.113.5/24\"", "203.0.113.5", 1},
    {"etc/NetworkManager/system-connections/a b.nmconnection",
     "[ipv4]\naddress1=203.0.113.5/24,203.0.113.1\n", "203.0.113.5", 2},
    {"etc/conf.d/net", "config_eth0=\"203.0.113.5 netmask 255.255.255.0\"", "203.0.113.5", 1},
    {"etc/dhcpcd.conf", "static ip_address=203.0.113.5/24", "203.0.113.5", 1},
    {"etc/rc.d/rc.inet1.conf", "IPADDR[0]=\"203.0.113.5\"", "203.0.113.5", 1},
    {"etc/hosts", "203.0.113.5 host", "203.0.113.5", 0},
    {"etc/netplan/a.yaml", "", "203.0.113.5", 0},
};

static void test_addresses(void)
{
    set_up();
    for (size_t i = 0; i < BF_COUNT(addresses); i++) {
        char path[128], said[160];
        plan = (struct bf_plan){.nics = 0};
        plan_address(addresses[i].address, 24);
        put(addresses[i].file, addresses[i].text);
        json_t *list = bf_judge_addresses(&walk);
        json_t *one = json_array_get(list, 0);
        snprintf(path, sizeof path, "/%s", addresses[i].file);
        snprintf(said, sizeof said,
                 "DOUBT the planned address %s stands in no file of the network's configuration",
                 addresses[i].address);
        expect(addresses[i].text, addresses[i].line ? "" : said);
        CHECK_EQ(json_array_size(list), addresses[i].line != 0);
        if (one) {
            CHECK_STR(json_string_value(json_object_get(one, "file")), path);
            CHECK_EQ(json_integer_value(json_object_get(one, "line")), addresses[i].line);
        }
        json_decref(list);
        drop(addresses[i].file);
        clear_walk();
    }
}

static void test_names_of_cards(void)
{
    static const struct {
        const char *what, *file, *text;
        bool tied;
    } cases[] = {
        {"a rule", "etc/udev/rules.d/70.rules",
         "ATTR{address}==\"52:54:00:aa:bb:cc\", NAME=\"lan0\"\n", true},
        {"a rule in capitals", "etc/udev/rules.d/70.rules",
         "ATTR{address}==\"52:54:00:AA:BB:CC\", NAME=\"lan0\"\n", true},
        {"a rule for another card", "etc/udev/rules.d/70.rules",
         "ATTR{address}==\"52:54:00:aa:bb:cd\", NAME=\"lan0\"\n", false},
        {"a .link", "etc/systemd/network/10-lan.link",
         "[Match]\nMACAddress=52:54:00:aa:bb:cc\n[Link]\nName=lan0\n", true},
        {"ifcfg by its name", "etc/sysconfig/network-scripts/ifcfg-lan0",
         "HWADDR=52:54:00:AA:BB:CC\n", true},
        {"ifcfg of another name", "etc/sysconfig/network-scripts/ifcfg-lan1",
         "HWADDR=52:54:00:AA:BB:CC\n", false},
        {"netplan", "etc/netplan/a.yaml",
         "lan0: {match: {macaddress: \"52:54:00:aa:bb:cc\"}, set-name: lan0}\n", true},
        {"mactab", "etc/mactab", "lan0 52:54:00:aa:bb:cc\n", true},
        {"iftab", "etc/iftab", "lan0 mac 52:54:00:aa:bb:cc\n", true},
        {"nothing", "etc/iftab", "", false},
    };
    set_up();
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        plan = (struct bf_plan){.nics = 1};
        snprintf(plan.nic[0].name, sizeof plan.nic[0].name, "lan0");
        snprintf(plan.nic[0].mac, sizeof plan.nic[0].mac, "00:11:22:33:44:55");
        snprintf(plan.nic[0].new_mac, sizeof plan.nic[0].new_mac, "52:54:00:aa:bb:cc");
        put(cases[i].file, cases[i].text);
        json_decref(bf_judge_addresses(&walk));
        expect(cases[i].what,
               cases[i].tied ? ""
                             : "LOOK nothing ties the name lan0 to the card 52:54:00:aa:bb:cc: "
                               "the new machine may call it otherwise");
        clear_walk();
        drop(cases[i].file);
    }
    plan.nic[0].name[0] = 0;
    json_decref(bf_judge_addresses(&walk));
    expect("a card without a planned name", "");
}

// ---- Troubles ----------------------------------------------------------------------------------

static size_t count(enum bf_trouble_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < walk.troubles; i++)
        n += walk.trouble[i].kind == kind;
    return n;
}

static void fill(enum bf_trouble_kind kind, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        bf_walk_say(&walk, kind, "/x", i + 1, "trouble");
}

static void test_troubles_are_said_once(void)
{
    set_up();
    bf_walk_say(&walk, BF_TROUBLE_LOOK, "/x", 3, "a %s", "b");
    bf_walk_say(&walk, BF_TROUBLE_LOOK, "/x", 3, "a b");
    bf_walk_say(&walk, BF_TROUBLE_STOPS, "/x", 3, "a b");
    bf_walk_say(&walk, BF_TROUBLE_LOOK, "/x", 0, "a b");
    bf_walk_say(&walk, BF_TROUBLE_LOOK, "", 0, "a b");
    bf_walk_say(&walk, BF_TROUBLE_LOOK, "", 0, "esc\033[31m\xff\n");
    expect("all of them", "LOOK /x, line 3: a b\nSTOPS /x, line 3: a b\nLOOK /x: a b\nLOOK a b\n"
                          "LOOK esc?[31m??");
}

static void test_what_stops_is_never_lost(void)
{
    set_up();
    fill(BF_TROUBLE_LOOK, 0, BF_TROUBLES_MAX + 10);
    CHECK_EQ(walk.troubles, BF_TROUBLES_MAX);
    CHECK_EQ(walk.unsaid, 10);
    fill(BF_TROUBLE_DOUBT, 0, 2);
    fill(BF_TROUBLE_STOPS, 0, 1);
    CHECK_EQ(count(BF_TROUBLE_STOPS), 1);
    CHECK_EQ(count(BF_TROUBLE_DOUBT) + count(BF_TROUBLE_LOOK), BF_TROUBLES_MAX - 1);
    // A stop takes the place of what may be looked at, before that of a doubt.
    CHECK_EQ(count(BF_TROUBLE_DOUBT), 2);
    fill(BF_TROUBLE_STOPS, 1, 2 * BF_TROUBLES_MAX);
    CHECK_EQ(count(BF_TROUBLE_STOPS), BF_TROUBLES_MAX);
    fill(BF_TROUBLE_LOOK, 500, 501);
    fill(BF_TROUBLE_DOUBT, 500, 501);
    CHECK_EQ(count(BF_TROUBLE_STOPS), BF_TROUBLES_MAX);
    CHECK(!fin.edits.failed);
}

static void test_too_many_starts(void)
{
    set_up();
    walk.start = calloc(BF_STARTS_MAX, sizeof *walk.start);
    CHECK(walk.start);
    for (size_t i = 0; i < BF_STARTS_MAX; i++)
        CHECK(bf_walk_add(&walk, "X", "/x", (unsigned)i));
    CHECK(!bf_walk_add(&walk, "X", "/x", 999) && !bf_walk_add(&walk, "X", "/x", 999));
    expect("one doubt", "DOUBT /x, line 999: has more entries than 256");
    free(walk.start);
    walk.start = NULL;
}

// ---- The verdict -------------------------------------------------------------------------------

// A whole rehearsal of extlinux; the verdict, and whether the run is refused.
static void expect_verdict(const char *verdict, const char *entry, bool refused)
{
    struct bf_fin_report report;
    bf_fin_report_init(&report, "dry-run");
    fin.report = &report;
    clear_walk();
    enum bf_err err = bf_rehearse(&fin);
    const json_t *start_of = json_object_get(report.json, "start");
    const json_t *first = json_array_get(json_object_get(start_of, "entries"), 0);
    CHECK_STR(json_string_value(json_object_get(start_of, "verdict")), verdict);
    CHECK_STR(json_string_value(json_object_get(first, "verdict")), entry);
    CHECK_EQ(err != BF_OK, refused);
    CHECK_EQ(!bf_fin_report_is_ok(&report), refused);
    bf_fin_report_free(&report);
}

static void test_verdicts(void)
{
    static const char conf[] = "DEFAULT a\nTIMEOUT 1\nLABEL a\n LINUX /boot/vmlinuz-6.1.0\n"
                               " INITRD /boot/initrd-6.1.0\n APPEND root=%s\n";
    char text[256];
    set_up();
    snprintf(plan.firmware, sizeof plan.firmware, "bios");
    put_image("boot/initrd-6.1.0", FULL);
    put("etc/fstab", "");
    snprintf(text, sizeof text, conf, "UUID=" ROOT_UUID);
    put("boot/extlinux/extlinux.conf", text);
    expect_verdict("starts", "starts", false);
    put("etc/fstab", GONE " none swap sw\n");
    expect_verdict("starts", "starts", false);
    put("etc/fstab", GONE " /data ext4 defaults\n");
    expect_verdict("does not start", "starts", true);
    put("etc/fstab", "");
    put("boot/extlinux/extlinux.conf", "DEFAULT b\nTIMEOUT 1\nLABEL a\n LINUX /boot/none\n");
    expect_verdict("does not start", "does not start", true);
    snprintf(text, sizeof text, conf, "/dev/nfs");
    put("boot/extlinux/extlinux.conf", text);
    expect_verdict("not known", "not known", false);
    snprintf(text, sizeof text, conf, "UUID=0");
    put("boot/extlinux/extlinux.conf", text);
    expect_verdict("does not start", "does not start", true);
    devices.places = 0;
    expect_verdict("not known", "not known", false);
    drop("boot/extlinux/extlinux.conf");
}

// Only so many troubles are listed, and how many more there are is said; one that stops is among
// them, however late it comes.
static void test_a_report_of_many_troubles(void)
{
    struct bf_fin_report report;
    struct bf_text fstab = {0};
    set_up();
    for (int i = 0; i < BF_TROUBLES_MAX + 5; i++)
        bf_textf(&fstab, "UUID=%d none swap sw\n", i);
    bf_text_str(&fstab, GONE " /data ext4 defaults\n");
    put("etc/fstab", bf_text_get(&fstab));
    bf_text_free(&fstab);
    bf_fin_report_init(&report, "dry-run");
    fin.report = &report;
    CHECK(bf_rehearse(&fin) != BF_OK);
    char *text = json_dumps(report.json, JSON_COMPACT);
    CHECK(text);
    CHECK(strstr(text, "it would not start: /etc/fstab, line 70: " GONE));
    CHECK(strstr(text, "more like these are not listed"));
    free(text);
    bf_fin_report_free(&report);
    drop("etc/fstab");
}

static void test_leaves_nothing(void)
{
    clear_walk();
    bf_edits_free(&fin.edits);
    bf_devices_free(&devices);
    bf_text_free(&told);
    free(start.cmdline);
    start.cmdline = NULL;
}

TEST_MAIN(TEST(test_values_of_a_command_line), TEST(test_roots), TEST(test_roots_of_unknown_disks),
          TEST(test_entries_that_are_not_chosen), TEST(test_kernels),
          TEST(test_versions_of_kernels), TEST(test_init), TEST(test_images),
          TEST(test_modules_of_another_kernel), TEST(test_drivers_that_are_built_in),
          TEST(test_kernels_without_drivers), TEST(test_roots_on_volumes),
          TEST(test_images_that_cannot_be_read), TEST(test_an_image_is_read_once),
          TEST(test_unified_images), TEST(test_names_of_modules),
          TEST(test_lists_of_hostile_versions), TEST(test_lines_of_fstab),
          TEST(test_mounts_that_may_be_there), TEST(test_names_of_crypttab),
          TEST(test_devices_of_crypttab), TEST(test_addresses), TEST(test_names_of_cards),
          TEST(test_troubles_are_said_once), TEST(test_what_stops_is_never_lost),
          TEST(test_too_many_starts), TEST(test_verdicts), TEST(test_a_report_of_many_troubles),
          TEST(test_leaves_nothing))
