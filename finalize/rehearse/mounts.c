// SPDX-License-Identifier: Apache-2.0
// What the running system waits for: the file systems of /etc/fstab (fstab(5),
// systemd-fstab-generator(8)). One that is missing ends the start in an emergency shell, unless its
// line says "noauto" or "nofail".
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/rehearse/judges.h"

// What stands beside fstab, read once.
struct side_tables {
    const char *crypttab;
    size_t len;
};

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

// What has no block device of this machine, or is not waited for.
static bool is_not_waited_for(const struct mount_line *m)
{
    static const char *const kind[] = {
        "tmpfs",     "proc",       "sysfs",    "devpts",    "devtmpfs",    "nfs",     "nfs4",
        "cifs",      "smb3",       "smbfs",    "overlay",   "cgroup",      "cgroup2", "fuse",
        "none",      "zfs",        "ceph",     "9p",        "virtiofs",    "debugfs", "tracefs",
        "mqueue",    "securityfs", "efivarfs", "hugetlbfs", "binfmt_misc", "iso9660", "udf",
        "glusterfs", "squashfs",   "autofs"};
    static const char *const option[] = {"noauto",
                                         "nofail",
                                         "_netdev",
                                         "bind",
                                         "rbind",
                                         "loop",
                                         "x-systemd.automount",
                                         "comment=systemd.automount"};
    for (size_t i = 0; i < BF_COUNT(kind); i++)
        if (strcmp(m->type, kind[i]) == 0)
            return true;
    for (size_t i = 0; i < BF_COUNT(option); i++)
        if (has_option(m, option[i]))
            return true;
    return strncmp(m->type, "fuse.", 5) == 0;
}

static bool is_tag(const char *name)
{
    static const char *const tag[] = {"UUID=", "LABEL=", "PARTUUID=", "PARTLABEL="};
    for (size_t i = 0; i < BF_COUNT(tag); i++)
        if (strncasecmp(name, tag[i], strlen(tag[i])) == 0)
            return true;
    return false;
}

// A name that /etc/crypttab makes: the device behind it is opened first.
static bool is_opened_later(const struct side_tables *t, const char *name)
{
    size_t pos = 0;
    struct bf_line line;
    if (!t->crypttab || strncmp(name, "/dev/mapper/", 12) != 0)
        return false;
    while (bf_line_next(t->crypttab, t->len, &pos, &line)) {
        const char *at = line.at, *word;
        size_t n;
        if (bf_word_next(&at, line.at + line.len, &word, &n) && bf_word_is(word, n, name + 12))
            return true;
    }
    return false;
}

// A file system on LUKS has no device before its passphrase is known.
static bool has_locked(const struct bf_devices *d)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->item[i].type, "crypto_LUKS") == 0)
            return true;
    return false;
}

static void judge_line(struct bf_walk *w, const struct side_tables *t, const struct mount_line *m)
{
    const struct bf_devices *d = w->f->devices;
    bool order = bf_name_kind(m->device) == BF_NAME_ORDER;
    bool swap = strcmp(m->type, "swap") == 0, root = strcmp(m->at, "/") == 0;
    if (is_not_waited_for(m) || !(is_tag(m->device) || strncmp(m->device, "/dev/", 5) == 0))
        return;
    if (!order && (bf_device_find(d, m->device) || is_opened_later(t, m->device)))
        return;
    enum bf_trouble_kind kind = swap || root ? BF_TROUBLE_LOOK : BF_TROUBLE_STOPS;
    bool own = bf_device_unprobed(m->device);
    if (kind == BF_TROUBLE_STOPS && (own || !bf_walk_sees_all(w) || has_locked(d)))
        kind = BF_TROUBLE_DOUBT;
    if (kind == BF_TROUBLE_DOUBT && d->count == 0)
        return; // said once, of root=
    bf_walk_say(w, kind, "/etc/fstab", m->number, "%s for %s %s%s", m->device,
                swap ? "swap" : m->at,
                order ? "is a name that depends on the machine and the order of its disks"
                : own ? "is a name that is not among what is probed"
                      : "is on none of the disks",
                swap   ? ": the start waits for it, 90 seconds as a rule"
                : root ? ""
                       : ": the start would end in an emergency shell; give its disk to the new "
                         "machine, or set \"missing_disks\": \"nofail\" to start without it");
}

void bf_judge_mounts(struct bf_walk *w)
{
    size_t len, pos = 0;
    struct bf_line line;
    struct mount_line m = {.number = 0};
    struct side_tables t;
    t.crypttab = bf_walk_text(w, "/etc/crypttab", &t.len);
    const char *text = bf_walk_text(w, "/etc/fstab", &len);
    while (text && bf_line_next(text, len, &pos, &line)) {
        m.number++;
        if (read_line(&line, &m))
            judge_line(w, &t, &m);
    }
}
