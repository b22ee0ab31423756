// SPDX-License-Identifier: Apache-2.0
// Judges one start: what the loader said of it, the kernel's file, the device of root=, and init.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/archive/version.h"
#include "finalize/rehearse/judges.h"

// ---- The kernel ---------------------------------------------------------------------------------

// A version that names a folder of modules; a kernel's name is the weaker evidence.
static void guess_version(struct bf_walk *w, struct bf_judged *j)
{
    struct bf_names names;
    const char *base = strrchr(j->start->kernel, '/');
    if (j->version[0] || !base || bf_fin_root_list(w->f->root, "/lib/modules", "", &names))
        return;
    for (size_t i = 0; i < names.count; i++) {
        size_t len = strlen(names.name[i]), all = strlen(base);
        if (all > len && strcmp(base + all - len, names.name[i]) == 0 &&
            !isdigit((unsigned char)base[all - len - 1]) && base[all - len - 1] != '.' &&
            len > strlen(j->version) && len < sizeof j->version)
            snprintf(j->version, sizeof j->version, "%s", names.name[i]);
    }
    bf_names_free(&names);
}

static void judge_kernel(struct bf_walk *w, struct bf_judged *j)
{
    const struct bf_start *s = j->start;
    uint64_t size;
    if (!s->kernel[0] || bf_edits_size(&w->f->edits, s->kernel, &size, NULL)) {
        bf_judge_say(w, j, bf_walk_missing(w), "loads the kernel %s, which is not there",
                     s->kernel);
        return;
    }
    if (size == 0)
        bf_judge_say(w, j, BF_TROUBLE_STOPS, "loads the kernel %s, which is empty", s->kernel);
    bf_version_header(&w->f->edits, s->kernel, 0, j->version, sizeof j->version);
    guess_version(w, j);
}

// ---- root= --------------------------------------------------------------------------------------

static bool is_order_name(const char *name)
{
    char number[32];
    return bf_name_kind(name) == BF_NAME_ORDER || bf_device_number(name, number, sizeof number);
}

// What does not name a block device: the network, a live system, ZFS, what systemd looks up itself.
static bool is_other_root(const char *name)
{
    static const char *const other[] = {"nfs",      "/dev/nfs", "zfs",    "live:", "dhcp",
                                        "iscsi:",   "nbd:",     "mount:", "tmpfs", "overlay",
                                        "/dev/ram", "gpt-auto", "fstab"};
    for (size_t i = 0; i < BF_COUNT(other); i++)
        if (strncasecmp(name, other[i], strlen(other[i])) == 0)
            return true;
    return false;
}

static void judge_missing(struct bf_walk *w, struct bf_judged *j)
{
    if (!bf_walk_sees_all(w))
        bf_judge_say(w, j, BF_TROUBLE_DOUBT, "has root=%s, and which disks there are is not known",
                     j->root);
    else if (is_order_name(j->root))
        bf_judge_say(w, j, BF_TROUBLE_STOPS,
                     "has root=%s, a name that depends on the machine and the order of its disks",
                     j->root);
    else if (bf_device_unprobed(j->root))
        bf_judge_say(w, j, BF_TROUBLE_DOUBT, "has root=%s, a name that is not among what is probed",
                     j->root);
    else
        bf_judge_say(w, j, BF_TROUBLE_STOPS, "has root=%s, which is on none of the disks", j->root);
}

// root=, or real_root= of genkernel, whose root= is left out or the initramfs itself (/dev/ram0).
static bool find_root(struct bf_judged *j)
{
    char real[sizeof j->root];
    bool found = bf_cmdline_value(j->start->cmdline, "root", j->root, sizeof j->root);
    if ((found && strncmp(j->root, "/dev/ram", 8) != 0) ||
        !bf_cmdline_value(j->start->cmdline, "real_root", real, sizeof real))
        return found;
    memcpy(j->root, real, sizeof real);
    return true;
}

// What a device holds that cannot be mounted as a root, for a sentence; NULL: it may be.
static const char *no_root(const struct bf_device *dev)
{
    static const char *const kind[][2] = {{"swap", "a swap area"},
                                          {"swsuspend", "a swap area"},
                                          {"vfat", "a FAT file system"},
                                          {"exfat", "an exFAT file system"},
                                          {"ntfs", "an NTFS file system"},
                                          {"crypto_LUKS", "an encrypted device"},
                                          {"LVM2_member", "a physical volume of LVM"},
                                          {"linux_raid_member", "a member of an array"}};
    for (size_t i = 0; i < BF_COUNT(kind); i++)
        if (strcmp(dev->type, kind[i][0]) == 0)
            return kind[i][1];
    return NULL;
}

// The device that a name of the root means. "PARTUUID=.../PARTNROFF=1" is the partition after that
// one.
static const struct bf_device *find_device(const struct bf_devices *d, const char *name)
{
    static const char offset[] = "/PARTNROFF=";
    char base[sizeof((struct bf_judged *)0)->root];
    const char *at = strstr(name, offset);
    if (is_order_name(name))
        return NULL;
    if (!at || strncasecmp(name, "PARTUUID=", 9) != 0)
        return bf_device_find(d, name);
    snprintf(base, sizeof base, "%.*s", (int)(at - name), name);
    const struct bf_device *dev = bf_device_find(d, base);
    long n = strtol(at + sizeof offset - 1, NULL, 10);
    if (!dev || !dev->part || n < -(long)dev->part || n > 255)
        return NULL;
    return bf_device_at(d, dev->disk, (unsigned)((long)dev->part + n));
}

// A kernel knows devices by their numbers, their own names and by partitions; file systems, labels
// and volumes are looked up by an initramfs (kernel-parameters(7), "root=").
static bool is_known_to_kernel(const char *name)
{
    static const char *const tag[] = {"UUID=", "LABEL=", "/dev/disk/", "/dev/mapper/"};
    for (size_t i = 0; i < BF_COUNT(tag); i++)
        if (strncasecmp(name, tag[i], strlen(tag[i])) == 0)
            return false;
    return true;
}

static bool has_initramfs(const struct bf_start *s)
{
    return s->unified ? s->initrd_len > 0 : s->initrds > 0;
}

static void judge_root(struct bf_walk *w, struct bf_judged *j)
{
    const struct bf_device *own = bf_device_root(w->f->devices);
    if (!find_root(j)) {
        bf_judge_say(w, j, BF_TROUBLE_DOUBT, "has no root=: its initramfs has to know the device");
        return;
    }
    if (is_other_root(j->root)) {
        bf_judge_say(w, j, BF_TROUBLE_DOUBT, "has root=%s, which is not a disk", j->root);
        return;
    }
    j->dev = find_device(w->f->devices, j->root);
    if (!j->dev)
        judge_missing(w, j);
    else if (!j->start->blocked[0] && !has_initramfs(j->start) && !is_known_to_kernel(j->root))
        bf_judge_say(w, j, bf_walk_missing(w),
                     "has root=%s and no initramfs: the kernel alone does not know that name; "
                     "PARTUUID= would do",
                     j->root);
    else if (no_root(j->dev))
        bf_judge_say(w, j, BF_TROUBLE_STOPS, "has root=%s, which is %s", j->root, no_root(j->dev));
    else if (own && j->dev != own && strcmp(j->dev->uuid, own->uuid) != 0)
        bf_judge_say(w, j, BF_TROUBLE_DOUBT,
                     "has root=%s, which is another file system than the one that was adapted",
                     j->root);
}

// ---- resume= ------------------------------------------------------------------------------------

// Not in a device that has to be opened first.
static bool is_nowhere(const struct bf_devices *d, const char *name)
{
    bool locked = false;
    for (size_t i = 0; i < d->count; i++)
        locked = locked || strcmp(d->item[i].type, "crypto_LUKS") == 0;
    return !locked && (strncmp(name, "/dev/", 5) == 0 || strchr(name, '=')) &&
           !bf_device_unprobed(name) && !bf_device_find(d, name);
}

// The start goes on without it. That of dracut and of initramfs-tools waits some time first.
static void judge_resume(struct bf_walk *w, struct bf_judged *j)
{
    char name[sizeof j->root];
    if (!j->start->chosen || !bf_walk_sees_all(w) ||
        !bf_cmdline_value(j->start->cmdline, "resume", name, sizeof name))
        return;
    if (is_order_name(name))
        bf_judge_say(w, j, BF_TROUBLE_LOOK,
                     "has resume=%s, a name that depends on the machine and the order of its "
                     "disks: the start may wait for it",
                     name);
    else if (is_nowhere(w->f->devices, name))
        bf_judge_say(w, j, BF_TROUBLE_LOOK,
                     "has resume=%s, which is on none of the disks: the start may wait for it",
                     name);
}

// ---- init ---------------------------------------------------------------------------------------

// The kernel's own list (init/main.c, kernel_init), and what an initramfs looks for.
static void judge_init(struct bf_walk *w, struct bf_judged *j)
{
    static const char *const usual[] = {"/sbin/init", "/etc/init", "/bin/init",
                                        "/usr/lib/systemd/systemd", NULL};
    char init[256];
    bool named = bf_cmdline_value(j->start->cmdline, "init", init, sizeof init);
    if (named ? bf_fin_root_exists(w->f->root, init) : bf_fin_root_any(w->f->root, usual))
        return;
    if (!named && bf_fin_root_exists(w->f->root, "/bin/sh"))
        bf_judge_say(w, j, BF_TROUBLE_DOUBT, "would find no /sbin/init, and start /bin/sh instead");
    else
        bf_judge_say(w, j, bf_walk_missing(w), "would find no %s in the root file system",
                     named ? init : "/sbin/init");
}

void bf_judge_start(struct bf_walk *w, struct bf_judged *j)
{
    const struct bf_start *s = j->start;
    if (s->blocked[0])
        bf_judge_say(w, j, bf_walk_missing(w), "%s", s->blocked);
    if (s->unknown[0])
        bf_judge_say(w, j, BF_TROUBLE_DOUBT, "%s", s->unknown);
    if (s->kind != BF_START_LINUX) {
        if (s->chosen)
            bf_judge_say(w, j, BF_TROUBLE_DOUBT, "does not start a kernel of this system");
        return;
    }
    if (!s->blocked[0])
        judge_kernel(w, j);
    judge_root(w, j);
    judge_resume(w, j);
    bf_judge_options(w, j);
    bf_judge_crypt(w, j);
    if (!s->blocked[0])
        bf_judge_images(w, j);
    judge_init(w, j);
}
