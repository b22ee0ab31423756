// SPDX-License-Identifier: Apache-2.0
// What the running system waits for: the file systems of /etc/fstab (fstab(5),
// systemd-fstab-generator(8)), and the devices of /etc/crypttab. One that is missing ends the start
// in an emergency shell, unless its line says "noauto" or "nofail".
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/rehearse/crypttab.h"
#include "finalize/rehearse/judges.h"

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
    struct bf_text what = {0};
    struct bf_crypt *by = NULL;
    enum bf_lack lack = is_not_waited_for(m) ? BF_LACK_NONE : bf_crypts_lack(c, d, m->device, &by);
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
