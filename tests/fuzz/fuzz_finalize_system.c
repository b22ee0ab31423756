// SPDX-License-Identifier: Apache-2.0
// A guest whose tables of disks and services are any bytes: the first byte picks the file, the rest
// becomes its content, and a dry run goes over the tree. Nothing may be written to it, and the work
// is counted: it has to be in proportion to the file.
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
    "etc/mdadm.conf",        "etc/lvm/lvm.conf", "etc/lvm/devices/system.devices",
    "etc/inittab",           "etc/crypttab",     "etc/fstab",
    "etc/modprobe.d/a.conf", "etc/kdump.conf",   "etc/multipath/wwids",
    "etc/multipath.conf",    "etc/securetty",    "etc/default/kdump-tools",
    "etc/machine-id",
};
#define FILES BF_COUNT(files)

#define WORK_BASE     ((size_t)20000)
#define WORK_PER_BYTE ((size_t)64)

static const char plan_text[] =
    "{\"version\": 1, \"target\": {\"kind\": \"generic\"}, \"agents\": \"keep\","
    "\"serial_console\": true, \"identity\": \"new\"}";

static struct bf_plan plan;
static struct bf_device items[] = {
    {.disk = 0, .part = 1, .type = "ext4", .uuid = "1", .root = true},
    {.disk = 0, .part = 2, .type = "LVM2_member", .uuid = "2"},
    {.disk = 0,
     .part = 3,
     .type = "linux_raid_member",
     .uuid = "00112233-4455-6677-8899-aabbccddeeff"},
    {.disk = 1, .part = 0, .type = "crypto_LUKS", .uuid = "4"},
    {.disk = 1, .part = 5, .partuuid = "5"},
};

static void start(void)
{
    struct bf_fault fault;
    static const char job[] = "id:2:initdefault:\n";
    tree_make();
    if (bf_plan_parse(plan_text, sizeof plan_text - 1, &plan, &fault))
        abort();
    tree_put("etc/inittab", job, sizeof job - 1);
    tree_put("etc/os-release", "ID=debian\n", 10);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_devices devices = {.item = items, .count = BF_COUNT(items)};
    if (tree_root.fd < 0)
        start();
    if (size == 0)
        return 0;
    const char *file = files[data[0] % FILES];
    fuzz_dry_run(file, data + 1, size - 1, &plan, &devices, WORK_BASE + WORK_PER_BYTE * size);
    if (strcmp(file, "etc/inittab") == 0)
        tree_put(file, "", 0);
    return 0;
}
