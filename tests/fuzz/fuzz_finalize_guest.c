// SPDX-License-Identifier: Apache-2.0
// A guest whose configuration files are any bytes: the first byte picks the file, the rest becomes
// its content, and a dry run with a plan for two interfaces goes over the tree. Nothing may be
// written to it, and the work is counted: it has to be in proportion to the file.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "finalize/finalize.h"
#include "finalize/target/plan_parse.h"
#include "tests/finalize_dry_run.h"
#include "tests/finalize_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const files[] = {
    "etc/network/interfaces",
    "etc/netplan/a.yaml",
    "etc/systemd/network/a.network",
    "etc/fstab",
    "boot/grub/grub.cfg",
    "etc/default/grub",
    "etc/hosts",
    "etc/resolv.conf",
    "etc/systemd/network/a.link",
    "etc/os-release",
    "etc/crypttab",
    "etc/udev/rules.d/70.rules",
    "etc/hostname",
    "usr/lib/modules/1/modules.dep",
    "var/lib/bootferry/undo/journal.json",
    "boot/extlinux/extlinux.conf",
    "boot/initrd.img-1",
    "etc/booster.yaml",
};
#define FILES BF_COUNT(files)

// Each adapter goes over a file a few times for each interface of the plan, and over each line and
// word of it.
#define WORK_BASE     ((size_t)20000)
#define WORK_PER_BYTE ((size_t)64)

static const char plan_text[] =
    "{\"version\": 1, \"target\": {\"kind\": \"kvm\"}, \"hostname\": \"new\", \"serial_console\": "
    "true,"
    "\"nics\": [{\"match\": {\"name\": \"eth0\"}, \"mac\": \"52:54:00:00:00:02\","
    "\"addresses\": [\"192.0.2.5/24\", \"2001:db8::5/64\"], \"gateway\": \"192.0.2.1\","
    "\"dns\": [\"192.0.2.53\"]}, {\"match\": {\"mac\": \"52:54:00:00:00:09\"}, \"dhcp\": true}]}";

static struct bf_plan plan;

static void start(void)
{
    struct bf_fault fault;
    tree_make();
    if (bf_plan_parse(plan_text, sizeof plan_text - 1, &plan, &fault))
        abort();
    tree_put("usr/lib/systemd/systemd", "", 0);
    tree_put("sbin/ifup", "", 0);
    tree_put("usr/sbin/netplan", "", 0);
    tree_put("etc/systemd/system/multi-user.target.wants/networking.service", "", 0);
    tree_put("etc/systemd/system/multi-user.target.wants/systemd-networkd.service", "", 0);
    tree_put("boot/vmlinuz-1", "", 0);
    tree_put("boot/initrd.img-1", "\x1f\x8b\1\2\3", 5);
    tree_put("usr/lib/modules/1/modules.dep", "", 0);
    tree_put("etc/network/interfaces", "iface eth0 inet dhcp\n", 21);
    // The second interface is always found, so that what comes after the network is reached.
    static const char link[] = "[Match]\nMACAddress=52:54:00:00:00:09\n[Link]\nName=eth9\n";
    tree_put("etc/systemd/network/zz.link", link, sizeof link - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_device item = {.disk = 0, .part = 1, .type = "ext4", .uuid = "1", .root = true};
    struct bf_devices devices = {.item = &item, .count = 1};
    if (tree_root.fd < 0)
        start();
    if (size == 0)
        return 0;
    const char *file = files[data[0] % FILES];
    fuzz_dry_run(file, data + 1, size - 1, &plan, &devices, WORK_BASE + WORK_PER_BYTE * size);
    if (strcmp(file, "boot/initrd.img-1") == 0)
        tree_put(file, "\x1f\x8b\1\2\3", 5);
    if (strcmp(file, "usr/lib/modules/1/modules.dep") == 0)
        tree_put(file, "", 0);
    if (strcmp(file, "etc/network/interfaces") == 0)
        tree_put(file, "iface eth0 inet dhcp\n", 21);
    return 0;
}
