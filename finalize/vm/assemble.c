// SPDX-License-Identifier: Apache-2.0
// See assemble.h. md arrays are started without a write (md(4), start_ro) and their rebuilding is
// held back ("frozen"): a rebuild would copy whole disks into the overlays, and belongs to the
// machine. The same holds for RAID volumes of LVM, which are md inside dm-raid.
#include "finalize/vm/assemble.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "finalize/vm/disks.h"
#include "finalize/vm/tool.h"
#include "finalize/vm/unlock.h"

#define ROUNDS   8
#define START_RO "/sys/module/md_mod/parameters/start_ro"

static size_t count_type(const struct bf_devices *devices, const char *type)
{
    size_t n = 0;
    for (size_t i = 0; i < devices->count; i++)
        n += strcmp(devices->item[i].type, type) == 0;
    return n;
}

// ---- md ----------------------------------------------------------------------------------------

static void hold_writes(void)
{
    int fd = open(START_RO, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "1", 1) != 1)
        fprintf(stderr, "md: start_ro cannot be set\n");
    if (fd >= 0)
        close(fd);
}

// Says what is not whole about an array.
static void note_array(const char *block, struct bf_fin_report *report)
{
    char state[32], level[32], degraded[16], disks[16], about[80];
    bf_vm_sys(block, "md/array_state", state, sizeof state);
    bf_vm_sys(block, "md/level", level, sizeof level);
    bf_vm_sys(block, "md/degraded", degraded, sizeof degraded);
    bf_vm_sys(block, "md/raid_disks", disks, sizeof disks);
    snprintf(about, sizeof about, "/dev/%.64s", block);
    bf_vm_sys_set(block, "md/sync_action", "frozen");
    unsigned long missing = strtoul(degraded, NULL, 10), all = strtoul(disks, NULL, 10);
    if (strcmp(state, "inactive") == 0 || strcmp(state, "clear") == 0)
        bf_note(report, "warning", about,
                "the array (%s) cannot be started: too many of its %lu members are missing or out "
                "of date",
                level, all);
    else if (missing)
        bf_note(report, "warning", about,
                "the array (%s) has %lu of %lu members: what is changed goes to these, and the "
                "machine will have to rebuild the rest",
                level, all - missing, all);
}

// Visits /sys/class/block/md*.
static void each_array(void (*visit)(const char *block, struct bf_fin_report *report),
                       struct bf_fin_report *report)
{
    DIR *dir = opendir("/sys/class/block");
    struct dirent *e;
    while (dir && (e = readdir(dir)))
        if (strncmp(e->d_name, "md", 2) == 0 && !strchr(e->d_name, 'p'))
            visit(e->d_name, report);
    if (dir)
        closedir(dir);
}

static void start_arrays(struct bf_fin_report *report)
{
    static const char *const mdadm[] = {"/sbin/mdadm", "--assemble", "--scan", "--run", NULL};
    bf_vm_load_modules("md");
    hold_writes();
    bf_vm_run(mdadm);
    each_array(note_array, report);
}

// /dev/md/NAME is what the array is called by its own superblock.
static void note_array_names(struct bf_devices *devices)
{
    DIR *dir = opendir("/dev/md");
    struct dirent *e;
    while (dir && (e = readdir(dir))) {
        char link[300], target[80], name[80], alias[300];
        snprintf(link, sizeof link, "/dev/md/%s", e->d_name);
        ssize_t n = readlink(link, target, sizeof target - 1);
        if (n <= 0)
            continue;
        target[n] = 0;
        const char *slash = strrchr(target, '/');
        snprintf(name, sizeof name, "/dev/%.70s", slash ? slash + 1 : target);
        snprintf(alias, sizeof alias, "/dev/md/%s", e->d_name);
        for (size_t i = 0; i < devices->count; i++)
            if (strcmp(devices->item[i].name, name) == 0)
                bf_device_alias(&devices->item[i], alias);
    }
    if (dir)
        closedir(dir);
}

// ---- LVM ---------------------------------------------------------------------------------------

// One message to a mapped device ("Message" of device-mapper's ioctl).
static void send_message(int control, const char *mapper, const char *word)
{
    union {
        struct dm_ioctl head;
        char room[sizeof(struct dm_ioctl) + sizeof(struct dm_target_msg) + 32];
    } m = {.head = {.version = {DM_VERSION_MAJOR, 0, 0}, .data_size = sizeof m}};
    struct dm_target_msg *message = (void *)(m.room + sizeof m.head);
    m.head.data_start = sizeof m.head;
    snprintf(m.head.name, sizeof m.head.name, "%.127s", mapper);
    snprintf(message->message, 32, "%s", word);
    ioctl(control, DM_TARGET_MSG, &m);
}

static bool is_loaded(const char *module)
{
    char path[80];
    snprintf(path, sizeof path, "/sys/module/%s", module);
    return access(path, F_OK) == 0;
}

// Only targets of dm-raid know the word; the others reject it.
static void freeze_volumes(void)
{
    DIR *dir = is_loaded("dm_raid") ? opendir("/dev/mapper") : NULL;
    int control = dir ? open("/dev/mapper/control", O_RDWR | O_CLOEXEC) : -1;
    struct dirent *e;
    while (control >= 0 && (e = readdir(dir)))
        if (e->d_name[0] != '.' && strcmp(e->d_name, "control") != 0)
            send_message(control, e->d_name, "frozen");
    if (control >= 0)
        close(control);
    if (dir)
        closedir(dir);
}

// What LVM complains of, line by line.
static void note_lvm(const struct bf_tool *tool, struct bf_fin_report *report)
{
    size_t pos = 0;
    int notes = 0;
    struct bf_line line;
    while (tool->out && notes < 8 && bf_line_next(tool->out, tool->out_len, &pos, &line)) {
        char text[200];
        const char *at = line.at;
        size_t len = line.len;
        while (len && *at == ' ') {
            at++;
            len--;
        }
        snprintf(text, sizeof text, "%.*s", (int)len, at);
        if (!len || strstr(text, "logical volume(s) in volume group"))
            continue;
        for (char *c = text; *c; c++)
            if (*c < ' ' || *c > '~')
                *c = '?';
        bf_note(report, "warning", "LVM", "%s", text);
        notes++;
    }
}

static void start_volumes(struct bf_fin_report *report)
{
    static const char *const vgchange[] = {"/sbin/lvm", "vgchange", "-ay", NULL};
    struct bf_tool tool = {.argv = vgchange, .out_max = 8192};
    bf_vm_load_modules("dm");
    bf_vm_tool(&tool);
    note_lvm(&tool, report);
    free(tool.out);
    freeze_volumes();
}

// ---- All of it ---------------------------------------------------------------------------------

struct progress {
    size_t members, volumes; // as many as there were at the last attempt
    bool tried[BF_DEVICES_MAX];
};

static enum bf_err unlock_all(const struct bf_devices *devices, const struct bf_plan *plan,
                              struct progress *p, struct bf_fin_report *report)
{
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < devices->count && !err; i++) {
        if (p->tried[i] || strcmp(devices->item[i].type, "crypto_LUKS") != 0)
            continue;
        p->tried[i] = true;
        bf_vm_load_modules("dm");
        bf_vm_load_modules("crypt");
        err = bf_vm_unlock(&devices->item[i], plan, report);
    }
    return err;
}

static void note_firmware_raid(const struct bf_devices *devices, struct bf_fin_report *report)
{
    static const char *const kinds[] = {"isw_raid_member", "ddf_raid_member", "nvidia_raid_member",
                                        "silicon_medley_raid_member"};
    for (size_t i = 0; i < devices->count; i++)
        for (size_t k = 0; k < BF_COUNT(kinds); k++)
            if (strcmp(devices->item[i].type, kinds[k]) == 0)
                bf_note(report, "warning", devices->item[i].name,
                        "belongs to a RAID of the old machine's firmware (%s), which is not "
                        "assembled here",
                        kinds[k]);
}

enum bf_err bf_vm_assemble(struct bf_devices *devices, const struct bf_plan *plan,
                           struct bf_fin_report *report)
{
    struct progress p = {.members = 0};
    enum bf_err err = BF_OK;
    for (int round = 0; round < ROUNDS && !err; round++) {
        size_t before = devices->count, n;
        if ((n = count_type(devices, "linux_raid_member")) != p.members) {
            p.members = n;
            start_arrays(report);
        }
        err = unlock_all(devices, plan, &p, report);
        if ((n = count_type(devices, "LVM2_member")) != p.volumes) {
            p.volumes = n;
            start_volumes(report);
        }
        bf_vm_probe(devices, report);
        if (devices->count == before)
            break;
    }
    note_array_names(devices);
    note_firmware_raid(devices, report);
    if (!err)
        bf_vm_note_unused_keys(devices, plan, report);
    return err;
}

// Whether any mapped device or running array is left.
static bool is_stacked_left(void)
{
    DIR *dir = opendir("/sys/class/block");
    struct dirent *e;
    bool left = false;
    while (dir && !left && (e = readdir(dir))) {
        char state[32];
        bf_vm_sys(e->d_name, "md/array_state", state, sizeof state);
        left = strncmp(e->d_name, "dm-", 3) == 0 || (state[0] && strcmp(state, "clear") != 0);
    }
    if (dir)
        closedir(dir);
    return left;
}

static void close_luks(const struct bf_devices *devices)
{
    for (size_t i = devices->count; i-- > 0;) {
        const char *name = devices->item[i].name;
        const char *const argv[] = {"/sbin/cryptsetup", "close", name, NULL};
        if (strncmp(name, "/dev/mapper/luks-", 17) == 0 && access(name, F_OK) == 0)
            bf_vm_run(argv);
    }
}

void bf_vm_disassemble(const struct bf_devices *devices)
{
    static const char *const vgchange[] = {"/sbin/lvm", "vgchange", "-an", "--quiet", NULL};
    static const char *const mdadm[] = {"/sbin/mdadm", "--stop", "--scan", NULL};
    // What stands on another device is closed before it, whichever way round they are.
    for (int round = 0; round < 3 && is_stacked_left(); round++) {
        if (count_type(devices, "LVM2_member"))
            bf_vm_run(vgchange);
        close_luks(devices);
        if (count_type(devices, "linux_raid_member"))
            bf_vm_run(mdadm);
    }
    sync();
}
