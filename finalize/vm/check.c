// SPDX-License-Identifier: Apache-2.0
// See check.h. Exit statuses: e2fsck(8), xfs_repair(8), btrfs-check(8), fsck.fat(8).
#include "finalize/vm/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/bytes.h"
#include "finalize/vm/disks.h"
#include "finalize/vm/frame.h"
#include "finalize/vm/kinds.h"
#include "finalize/vm/roots.h"
#include "finalize/vm/said.h"
#include "finalize/vm/tool.h"

#define QUICK_MS 10000
#define FULL_MS  (24 * 3600 * 1000LL)
#define OUT_MAX  16384

enum verdict { CLEAN, DAMAGED, NOT_RUN, LATE };

// One kind's tool. `repair` is what the administrator of the source has to run.
static const struct checker {
    const char *type, *argv[4], *repair;
    enum verdict (*judge)(int status, const char *out);
} checkers[];

// ---- What the tools mean -----------------------------------------------------------------------

static enum verdict judge_ext(int status, const char *out)
{
    (void)out;
    return status == 0 ? CLEAN : status & ~4 ? NOT_RUN : DAMAGED;
}

static enum verdict judge_xfs(int status, const char *out)
{
    if (status == 0)
        return CLEAN;
    // A newer kernel's feature, which this version does not know.
    return status == 1 && !strstr(out, "unknown") ? DAMAGED : NOT_RUN;
}

static enum verdict judge_btrfs(int status, const char *out)
{
    (void)out;
    return status == 0 ? CLEAN : DAMAGED;
}

// A FAT that is mounted has its dirty mark set, and the counter of free clusters is a hint.
static enum verdict judge_fat(int status, const char *out)
{
    return status == 0                    ? CLEAN
           : status != 1                  ? NOT_RUN
           : bf_said_fat_is_harmless(out) ? CLEAN
                                          : DAMAGED;
}

static const struct checker checkers[] = {
    {"ext4", {"/sbin/e2fsck", "-fn"}, "e2fsck -f", judge_ext},
    {"ext3", {"/sbin/e2fsck", "-fn"}, "e2fsck -f", judge_ext},
    {"ext2", {"/sbin/e2fsck", "-fn"}, "e2fsck -f", judge_ext},
    {"xfs", {"/sbin/xfs_repair", "-n"}, "xfs_repair", judge_xfs},
    {"btrfs", {"/sbin/btrfs", "check", "--readonly"}, "btrfs check, btrfs scrub", judge_btrfs},
    {"vfat", {"/sbin/fsck.fat", "-n"}, "fsck.fat -r", judge_fat},
};

static const struct checker *checker_of(const char *type)
{
    for (size_t i = 0; i < BF_COUNT(checkers); i++)
        if (strcmp(checkers[i].type, type) == 0)
            return &checkers[i];
    return NULL;
}

// ---- Journals ----------------------------------------------------------------------------------

// The superblock's "needs recovery" (Documentation/filesystems/ext4/super.rst).
static bool needs_recovery(const char *node)
{
    unsigned char incompat[4] = {0};
    int fd = open(node, O_RDONLY | O_CLOEXEC);
    bool read = fd >= 0 && pread(fd, incompat, 4, 1024 + 0x60) == 4;
    if (fd >= 0)
        close(fd);
    return read && (bf_le32(incompat) & 4);
}

static void play_back(const struct bf_device *dev, const char *node)
{
    struct bf_fault fault;
    bool ext = strncmp(dev->type, "ext", 3) == 0;
    if (ext ? !needs_recovery(node) : strcmp(dev->type, "xfs") != 0)
        return;
    // A clean XFS is not written to by this.
    if (bf_vm_mount_device(dev, "", BF_VM_PROBE, false, &fault))
        fprintf(stderr, "%s: %s\n", dev->name, fault.what);
    else
        umount(BF_VM_PROBE);
}

// ---- One check ---------------------------------------------------------------------------------

static const char *const words[] = {
    [CLEAN] = "clean", [DAMAGED] = "damaged", [NOT_RUN] = "not run", [LATE] = "not finished"};

static void note_check(const struct bf_checks *checks, const struct bf_device *dev,
                       enum verdict verdict, long long ms, struct bf_fin_report *report)
{
    json_t *list = json_object_get(report->json, "checks");
    if (!list) {
        list = json_array();
        json_object_set_new(report->json, "checks", list);
    }
    json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:s,s:I}", "when",
                                          checks->changed ? "after" : "before", "device", dev->name,
                                          "uuid", dev->uuid, "type", dev->type, "result",
                                          words[verdict], "ms", (json_int_t)ms));
}

static enum bf_err tell(const struct bf_checks *checks, const struct checker *c,
                        const struct bf_device *dev, enum verdict verdict, const char *said,
                        struct bf_fin_report *report)
{
    char about[80];
    snprintf(about, sizeof about, "UUID=%.64s", dev->uuid);
    if (verdict == LATE)
        bf_note(report, "info", about,
                "the check of this file system (%s) takes longer than there was time for; "
                "\"check\": \"full\" in the plan waits for it",
                dev->type);
    else if (verdict == NOT_RUN)
        bf_note(report, "warning", about, "this file system (%s) could not be checked: %s",
                dev->type, said[0] ? said : "there was not enough memory");
    if (verdict != DAMAGED)
        return BF_OK;
    if (checks->changed)
        return bf_fail(report,
                       "after the changes the file system on %s (%s, UUID=%s) is damaged: %s; "
                       "throw the overlay away",
                       dev->name, dev->type, dev->uuid, said);
    return bf_refuse(report,
                     "the file system on %s (%s, UUID=%s) is damaged: %s; repair it on the source "
                     "(%s, when it is not mounted) and make a new point, or set \"check\": \"off\"",
                     dev->name, dev->type, dev->uuid, said, c->repair);
}

enum bf_err bf_vm_check(struct bf_checks *checks, const struct bf_device *dev,
                        struct bf_fin_report *report)
{
    const struct checker *c = checker_of(dev->type);
    char node[80], said[200];
    long long begin = bf_now_ms();
    if (!c || checks->mode == BF_CHECK_OFF)
        return BF_OK;
    bf_vm_node(dev, node, sizeof node);
    play_back(dev, node);
    const char *argv[6] = {NULL};
    size_t n = 0;
    while (n < BF_COUNT(c->argv) && c->argv[n]) {
        argv[n] = c->argv[n];
        n++;
    }
    argv[n] = node;
    struct bf_tool tool = {
        .argv = argv, .seconds = (int)((checks->left_ms + 999) / 1000), .out_max = OUT_MAX};
    int status = checks->left_ms > 0 ? bf_vm_tool(&tool) : BF_TOOL_KILLED;
    enum verdict verdict = tool.late || checks->left_ms <= 0 ? LATE
                           : status < 0                      ? NOT_RUN
                                                             : c->judge(status, tool.out);
    bf_said_first(tool.out ? tool.out : "", said, sizeof said);
    if (status > 0)
        fprintf(stderr, "%s: %s\n", argv[0], tool.out ? tool.out : "it says nothing");
    free(tool.out);
    checks->left_ms -= bf_now_ms() - begin;
    note_check(checks, dev, verdict, bf_now_ms() - begin, report);
    return tell(checks, c, dev, verdict, said, report);
}

struct bf_checks bf_checks_of(const struct bf_plan *plan)
{
    enum bf_check mode = plan ? plan->check : BF_CHECK_QUICK;
    return (struct bf_checks){.mode = mode, .left_ms = mode == BF_CHECK_FULL ? FULL_MS : QUICK_MS};
}
