// SPDX-License-Identifier: Apache-2.0
// What the running system waits for: the file systems of /etc/fstab (fstab(5),
// systemd-fstab-generator(8)), and the devices of /etc/crypttab. One that is missing ends the start
// in an emergency shell, unless its line says "noauto" or "nofail".
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/rehearse/crypttab.h"
#include "finalize/rehearse/judges.h"
#include "finalize/target/targets.h"

struct mount_line {
    char device[256], at[256], type[64], options[512];
    unsigned number;
};

static bool word_to(const char **at, const char *end, char *out, size_t size)
{
    const char *word;
    size_t len;
    out[0] = 0;
    if (!bf_word_next(at, end, &word, &len))
        return false;
    snprintf(out, size, "%.*s", (int)(len < size ? len : size - 1), word);
    bf_text_unoctal(out);
    return true;
}

static bool read_line(const struct bf_line *line, struct mount_line *m)
{
    const char *at = line->at, *end = line->at + line->len;
    bool three = word_to(&at, end, m->device, sizeof m->device) &&
                 word_to(&at, end, m->at, sizeof m->at) &&
                 word_to(&at, end, m->type, sizeof m->type);
    word_to(&at, end, m->options, sizeof m->options);
    return three && m->device[0] != '#';
}

static bool has_option(const struct mount_line *m, const char *option)
{
    size_t n = strlen(option);
    for (const char *at = m->options; *at; at += strcspn(at, ","), at += *at == ',')
        if (strncmp(at, option, n) == 0 && (at[n] == ',' || at[n] == 0 || at[n] == '='))
            return true;
    return false;
}

// A folder of the host, shared with a guest of that hypervisor only: for systemd such a line is a
// file system of the machine's own, and one that cannot be mounted ends the start.
struct share {
    const char *type;
    const char *of;      // in a sentence
    const char *targets; // whose machines may have it, between blanks
};

static const struct share *share_of(const struct mount_line *m)
{
    static const struct share share[] = {
        {"9p", "QEMU or Xen", " qemu-virtio kvm xen generic "},
        {"virtiofs", "QEMU", " qemu-virtio kvm generic "},
        {"vmhgfs", "VMware", " vmware generic "},
        {"fuse.vmhgfs-fuse", "VMware", " vmware generic "},
        {"vboxsf", "VirtualBox", " generic "},
        {"prl_fs", "Parallels", " generic "},
        {"fuse.prl_fsd", "Parallels", " generic "},
    };
    for (size_t i = 0; i < BF_COUNT(share); i++)
        if (strcmp(m->type, share[i].type) == 0)
            return &share[i];
    return NULL;
}

static void judge_share(struct bf_walk *w, const struct mount_line *m, const struct share *s)
{
    char target[64];
    snprintf(target, sizeof target, " %s ", w->f->target->name);
    if (strstr(s->targets, target))
        bf_walk_say(w, BF_TROUBLE_DOUBT, "/etc/fstab", m->number,
                    "%s is a folder that the old host shared (%s): unless the new one shares it, "
                    "too, the start ends in an emergency shell",
                    m->at, m->type);
    else
        bf_walk_say(w, BF_TROUBLE_STOPS, "/etc/fstab", m->number,
                    "%s is a folder that the old host shared (%s of %s): the start would end in an "
                    "emergency shell; write nofail or noauto there, or set \"missing_disks\": "
                    "\"nofail\" to start without it",
                    m->at, m->type, s->of);
}

static bool has_any_option(const struct mount_line *m)
{
    static const char *const option[] = {"noauto",
                                         "nofail",
                                         "_netdev",
                                         "bind",
                                         "rbind",
                                         "loop",
                                         "x-systemd.automount",
                                         "comment=systemd.automount"};
    for (size_t i = 0; i < BF_COUNT(option); i++)
        if (has_option(m, option[i]))
            return true;
    return false;
}

// What has no block device of this machine, or is not waited for.
static bool is_not_waited_for(const struct mount_line *m)
{
    static const char *const kind[] = {
        "tmpfs",   "proc",   "sysfs",      "devpts",   "devtmpfs",  "nfs",
        "nfs4",    "cifs",   "smb3",       "smbfs",    "overlay",   "cgroup",
        "cgroup2", "fuse",   "none",       "zfs",      "ceph",      "debugfs",
        "tracefs", "mqueue", "securityfs", "efivarfs", "hugetlbfs", "binfmt_misc",
        "iso9660", "udf",    "glusterfs",  "squashfs", "autofs"};
    for (size_t i = 0; i < BF_COUNT(kind); i++)
        if (strcmp(m->type, kind[i]) == 0)
            return true;
    return has_any_option(m) || strncmp(m->type, "fuse.", 5) == 0;
}

// What would be in a LUKS device that this run could not open.
static bool has_locked(const struct bf_devices *d)
{
    char open[sizeof d->item->name];
    for (size_t i = 0; i < d->count; i++) {
        snprintf(open, sizeof open, "/dev/mapper/luks-%.62s", d->item[i].uuid);
        if (strcmp(d->item[i].type, "crypto_LUKS") == 0 && !bf_device_find(d, open))
            return true;
    }
    return false;
}

static void describe(const struct mount_line *m, const struct bf_crypt *by, struct bf_text *out)
{
    const char *what = strcmp(m->type, "swap") == 0 ? "swap" : m->at;
    if (by)
        bf_textf(out, "%s, which /etc/crypttab, line %u, opens as %s for %s,", by->device, by->line,
                 m->device, what);
    else
        bf_textf(out, "%s for %s", m->device, what);
}

static void judge_line(struct bf_walk *w, struct bf_crypts *c, const struct mount_line *m)
{
    const struct bf_devices *d = w->f->devices;
    bool swap = strcmp(m->type, "swap") == 0, root = strcmp(m->at, "/") == 0;
    const struct share *share = share_of(m);
    struct bf_text what = {0};
    struct bf_crypt *by = NULL;
    if (share && !has_any_option(m) && strcmp(m->at, "/") != 0)
        judge_share(w, m, share);
    enum bf_lack lack =
        share || is_not_waited_for(m) ? BF_LACK_NONE : bf_crypts_lack(c, d, m->device, &by);
    if (lack == BF_LACK_NONE)
        return;
    enum bf_trouble_kind kind = swap || root ? BF_TROUBLE_LOOK : BF_TROUBLE_STOPS;
    if (kind == BF_TROUBLE_STOPS &&
        (lack == BF_LACK_UNPROBED || !bf_walk_sees_all(w) || has_locked(d)))
        kind = BF_TROUBLE_DOUBT;
    if (kind == BF_TROUBLE_DOUBT && d->count == 0)
        return; // said once, of root=
    describe(m, by, &what);
    bf_walk_say(w, kind, "/etc/fstab", m->number, "%s %s%s", bf_text_get(&what), bf_lack_text(lack),
                swap   ? ": the start waits for it, 90 seconds as a rule"
                : root ? ""
                       : ": the start would end in an emergency shell; give its disk to the new "
                         "machine, or set \"missing_disks\": \"nofail\" to start without it");
    bf_text_free(&what);
    if (by)
        by->said = true;
}

void bf_judge_mounts(struct bf_walk *w)
{
    size_t len, pos = 0;
    struct bf_line line;
    struct mount_line m = {.number = 0};
    struct bf_crypts c;
    bf_crypts_read(w, &c);
    const char *text = bf_walk_text(w, "/etc/fstab", &len);
    while (text && bf_line_next(text, len, &pos, &line)) {
        m.number++;
        if (read_line(&line, &m))
            judge_line(w, &c, &m);
    }
    bf_crypts_judge(w, &c);
    bf_crypts_free(&c);
}
