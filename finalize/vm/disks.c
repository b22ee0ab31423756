// SPDX-License-Identifier: Apache-2.0
// Finds and assembles block devices in the VM. Types are probed by libblkid, in its safe mode: a
// device that looks like two things is neither. Tools (mdadm, lvm, cryptsetup) come from the VM's
// own image, and never from the guest. Disks carry their number as virtio serial "diskN".
#include "finalize/vm/disks.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "finalize/core/bootcode.h"
#include "finalize/system/hibernation.h"

#define GROUPS   "/modules/groups"
#define ESP_TYPE "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"

static char *read_small(const char *path, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : bf_read_fd(fd, BF_ROOT_TEXT_MAX, len, NULL);
    if (fd >= 0)
        close(fd);
    return text;
}

static void load_module(const char *name, size_t len)
{
    char path[256];
    snprintf(path, sizeof path, "/modules/%.*s", (int)len, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
        fprintf(stderr, "module %s: %s\n", path, strerror(errno));
    close(fd);
}

void bf_vm_load_modules(const char *group)
{
    size_t len, pos = 0, n;
    struct bf_line line;
    char *text = read_small(GROUPS, &len);
    while (text && bf_line_next(text, len, &pos, &line)) {
        const char *at = line.at, *end = line.at + line.len, *w;
        if (!bf_word_next(&at, end, &w, &n) || !bf_word_is(w, n, group))
            continue;
        while (bf_word_next(&at, end, &w, &n))
            load_module(w, n);
    }
    free(text);
}

// Runs a tool of the VM and waits. `input` goes to its standard input. Its exit status, or -1.
static int run_tool(const char *const *argv, const char *input)
{
    int in[2];
    if (pipe2(in, O_CLOEXEC) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(in[0], 0);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    close(in[0]);
    if (input && write(in[1], input, strlen(input)) < 0)
        fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
    close(in[1]);
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void sys_text(const char *block, const char *file, char *out, size_t size)
{
    char path[256];
    size_t len = 0;
    snprintf(path, sizeof path, "/sys/class/block/%.64s/%s", block, file);
    char *text = read_small(path, &len);
    snprintf(out, size, "%.*s", text ? (int)strcspn(text, "\n") : 0, text ? text : "");
    free(text);
}

static void copy_value(blkid_probe probe, const char *key, char *out, size_t size)
{
    const char *value = NULL;
    if (blkid_probe_lookup_value(probe, key, &value, NULL) == 0 && value && strlen(value) < size)
        snprintf(out, size, "%s", value);
}

static void probe_device(struct bf_device *dev, const char *node, struct bf_fin_report *report)
{
    char type[48] = "";
    blkid_probe probe = blkid_new_probe_from_filename(node);
    if (!probe)
        return;
    blkid_probe_enable_superblocks(probe, 1);
    blkid_probe_set_superblocks_flags(probe,
                                      BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL);
    blkid_probe_enable_partitions(probe, 1);
    blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS);
    if (blkid_do_safeprobe(probe) == -2)
        bf_note(report, "skipped", node, "looks like more than one file system; not touched");
    copy_value(probe, "TYPE", dev->type, sizeof dev->type);
    copy_value(probe, "UUID", dev->uuid, sizeof dev->uuid);
    copy_value(probe, "LABEL", dev->label, sizeof dev->label);
    copy_value(probe, "PART_ENTRY_UUID", dev->partuuid, sizeof dev->partuuid);
    copy_value(probe, "PART_ENTRY_NAME", dev->partlabel, sizeof dev->partlabel);
    copy_value(probe, "PART_ENTRY_TYPE", type, sizeof type);
    dev->esp = strcmp(type, ESP_TYPE) == 0 || strcmp(type, "0xef") == 0;
    blkid_free_probe(probe);
}

// What a BIOS would start of a whole disk.
static void read_boot_code(struct bf_device *dev, const char *node)
{
    unsigned char sectors[BF_BOOTCODE_BYTES];
    int fd = open(node, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : pread(fd, sectors, sizeof sectors, 0);
    if (n >= 0)
        snprintf(dev->boot_code, sizeof dev->boot_code, "%s", bf_bootcode(sectors, (size_t)n));
    if (fd >= 0)
        close(fd);
}

static bool is_known(const struct bf_devices *devices, const char *name)
{
    for (size_t i = 0; i < devices->count; i++)
        if (strcmp(devices->item[i].name, name) == 0)
            return true;
    return false;
}

// The name by which a guest knows a stacked device: /dev/mapper/..., or /dev/md...
static void stacked_name(const char *block, char *out, size_t size)
{
    char name[64];
    sys_text(block, "dm/name", name, sizeof name);
    snprintf(out, size, "/dev/%s%.64s", name[0] ? "mapper/" : "", name[0] ? name : block);
}

// The number in the virtio serial of a partition's disk. False for what is no disk of ours.
static bool disk_number(const char *block, unsigned *disk)
{
    char serial[64], parent[64];
    size_t n = 2 + strcspn(block + 2, "0123456789");
    snprintf(parent, sizeof parent, "%.*s", (int)n, block);
    sys_text(parent, "serial", serial, sizeof serial);
    return sscanf(serial, "disk%u", disk) == 1;
}

static void add_device(struct bf_devices *devices, const char *block, struct bf_fin_report *report)
{
    char name[80], node[80], part[16];
    unsigned disk = 0;
    bool stacked = strncmp(block, "dm-", 3) == 0 || strncmp(block, "md", 2) == 0;
    if (!stacked && (strncmp(block, "vd", 2) != 0 || !disk_number(block, &disk)))
        return;
    snprintf(node, sizeof node, "/dev/%.64s", block);
    if (stacked)
        stacked_name(block, name, sizeof name);
    else
        memcpy(name, node, sizeof name);
    if (is_known(devices, name))
        return;
    struct bf_device *dev = bf_devices_add(devices);
    if (!dev)
        return;
    sys_text(block, "partition", part, sizeof part);
    snprintf(dev->name, sizeof dev->name, "%s", name);
    dev->stacked = stacked;
    dev->disk = disk;
    dev->part = (unsigned)strtoul(part, NULL, 10);
    probe_device(dev, node, report);
    if (!stacked && dev->part == 0)
        read_boot_code(dev, node);
}

void bf_vm_probe(struct bf_devices *devices, struct bf_fin_report *report)
{
    struct bf_fin_root sys;
    struct bf_names names;
    if (bf_fin_root_attach(&sys, "/sys/class/block", NULL))
        return;
    if (!bf_fin_root_list(&sys, "/", "", &names)) {
        for (size_t i = 0; i < names.count; i++)
            if (strlen(names.name[i]) < 60)
                add_device(devices, names.name[i], report);
        bf_names_free(&names);
    }
    bf_fin_root_close(&sys);
}

static size_t count_type(const struct bf_devices *devices, const char *type)
{
    size_t n = 0;
    for (size_t i = 0; i < devices->count; i++)
        n += strcmp(devices->item[i].type, type) == 0;
    return n;
}

void bf_vm_node(const struct bf_device *dev, char *out, size_t size)
{
    struct bf_fin_root sys;
    struct bf_names names;
    char name[80];
    snprintf(out, size, "%s", dev->name);
    if (!dev->stacked || bf_fin_root_attach(&sys, "/sys/class/block", NULL))
        return;
    if (!bf_fin_root_list(&sys, "/", "", &names)) {
        for (size_t i = 0; i < names.count; i++) {
            if (strlen(names.name[i]) >= 60)
                continue;
            stacked_name(names.name[i], name, sizeof name);
            if (strcmp(name, dev->name) == 0)
                snprintf(out, size, "/dev/%s", names.name[i]);
        }
        bf_names_free(&names);
    }
    bf_fin_root_close(&sys);
}

static void open_luks(const struct bf_devices *devices, const struct bf_plan *plan,
                      struct bf_fin_report *report)
{
    for (size_t i = 0; i < devices->count; i++) {
        const struct bf_device *dev = &devices->item[i];
        const struct bf_plan_key *key = NULL;
        char node[80], name[80];
        if (strcmp(dev->type, "crypto_LUKS") != 0)
            continue;
        for (size_t k = 0; plan && k < plan->unlocks; k++)
            if (strcasecmp(plan->unlock[k].uuid, dev->uuid) == 0)
                key = &plan->unlock[k];
        snprintf(name, sizeof name, "luks-%.64s", dev->uuid);
        bf_vm_node(dev, node, sizeof node);
        const char *const argv[] = {"/sbin/cryptsetup", "open", "--type", "luks", "--key-file", "-",
                                    "--batch-mode",     node,   name,     NULL};
        if (!key)
            bf_note(report, "skipped", dev->name, "is encrypted, and the plan has no key for it");
        else if (run_tool(argv, key->passphrase) != 0)
            bf_note(report, "skipped", dev->name,
                    "is encrypted, and the plan's key does not open it");
    }
}

// One round over what is known. Each kind of member is tried once.
static void assemble_once(struct bf_devices *devices, const struct bf_plan *plan,
                          struct bf_fin_report *report, unsigned *tried)
{
    static const char *const mdadm[] = {"/sbin/mdadm", "--assemble", "--scan", "--run", NULL};
    static const char *const vgchange[] = {"/sbin/lvm", "vgchange", "-ay", "--quiet", NULL};
    enum { MD = 1, LUKS = 2 };
    if (count_type(devices, "linux_raid_member") && !(*tried & MD)) {
        bf_vm_load_modules("md");
        run_tool(mdadm, NULL);
        *tried |= MD;
    }
    if (count_type(devices, "crypto_LUKS") && !(*tried & LUKS)) {
        bf_vm_load_modules("dm");
        bf_vm_load_modules("crypt");
        open_luks(devices, plan, report);
        *tried |= LUKS;
    }
    if (count_type(devices, "LVM2_member")) {
        bf_vm_load_modules("dm");
        run_tool(vgchange, NULL);
    }
}

void bf_vm_assemble(struct bf_devices *devices, const struct bf_plan *plan,
                    struct bf_fin_report *report)
{
    unsigned tried = 0;
    for (int round = 0; round < 4; round++) {
        size_t before = devices->count;
        assemble_once(devices, plan, report, &tried);
        bf_vm_probe(devices, report);
        if (devices->count == before)
            return;
    }
}

void bf_vm_discard_hibernation(struct bf_devices *devices, struct bf_fin_report *report)
{
    for (size_t i = 0; i < devices->count; i++) {
        struct bf_device *dev = &devices->item[i];
        struct bf_fault fault;
        char node[80];
        if (strcmp(dev->type, "swsuspend") != 0)
            continue;
        bf_vm_node(dev, node, sizeof node);
        int fd = open(node, O_RDWR | O_CLOEXEC);
        bool held = false;
        if (fd < 0 || bf_swap_image(fd, true, &held, &fault) || !held) {
            bf_note(report, "skipped", dev->name, "holds a hibernation image of an unknown kind");
        } else {
            bf_note(report, "warning", dev->name,
                    "the hibernation image is discarded: what was in memory is lost");
            snprintf(dev->type, sizeof dev->type, "swap");
        }
        if (fd >= 0)
            close(fd);
    }
}

void bf_vm_disassemble(void)
{
    static const char *const vgchange[] = {"/sbin/lvm", "vgchange", "-an", "--quiet", NULL};
    static const char *const mdadm[] = {"/sbin/mdadm", "--stop", "--scan", NULL};
    if (access("/sys/module/dm_mod", F_OK) == 0)
        run_tool(vgchange, NULL);
    if (access("/sys/module/md_mod", F_OK) == 0)
        run_tool(mdadm, NULL);
    sync();
}
