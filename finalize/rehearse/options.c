// SPDX-License-Identifier: Apache-2.0
// Judges what the command line tells the kernel, the initramfs and init to do otherwise than usual
// (kernel-parameters(7), dracut.cmdline(7), initramfs-tools(7), kernel-command-line(7)): another
// type or subvolume of the root than it has, another first program, a shell.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/archive/archive.h"
#include "finalize/rehearse/judges.h"

// ---- The root's type and subvolume --------------------------------------------------------------

// One driver mounts ext2, ext3 and ext4, each by its own name or by a later one.
static bool is_type(const char *name, size_t len, const char *type)
{
    bool ext = strncmp(type, "ext", 3) == 0 && len == 4 && memcmp(name, "ext", 3) == 0;
    return ext || bf_word_is(name, len, type) || bf_word_is(name, len, "auto");
}

static void judge_type(struct bf_walk *w, struct bf_judged *j)
{
    char types[128];
    if (!bf_cmdline_value(j->start->cmdline, "rootfstype", types, sizeof types) || !types[0] ||
        !j->dev->type[0])
        return;
    for (const char *at = types; *at; at += strcspn(at, ","), at += *at == ',')
        if (is_type(at, strcspn(at, ","), j->dev->type))
            return;
    bf_judge_say(w, j, bf_walk_missing(w),
                 "has rootfstype=%s, and its root file system is of the type %s", types,
                 j->dev->type);
}

// The value of an option in rootflags=, without slashes around it; false when it is not there.
static bool flag_value(const char *flags, const char *key, char *out, size_t size)
{
    size_t n = strlen(key);
    for (const char *at = flags; *at; at += strcspn(at, ","), at += *at == ',') {
        size_t len = strcspn(at, ",");
        if (len <= n || strncmp(at, key, n) != 0 || at[n] != '=')
            continue;
        at += n + 1;
        at += strspn(at, "/");
        len = strcspn(at, ",");
        while (len && at[len - 1] == '/')
            len--;
        snprintf(out, size, "%.*s", (int)len, at);
        return len < size;
    }
    return false;
}

// The subvolume that was adapted; NULL when that is not known.
static const char *own_subvolume(const struct bf_walk *w, const struct bf_device *dev)
{
    const struct bf_devices *d = w->f->devices;
    for (size_t i = 0; i < d->places; i++)
        if (&d->item[d->place[i].device] == dev && strcmp(d->place[i].at, "/") == 0) {
            const char *inside = d->place[i].inside;
            return inside[0] ? inside + strspn(inside, "/") : NULL;
        }
    return NULL;
}

static void judge_subvolume(struct bf_walk *w, struct bf_judged *j)
{
    char flags[256], subvolume[256];
    if (!bf_cmdline_value(j->start->cmdline, "rootflags", flags, sizeof flags) ||
        !flag_value(flags, "subvol", subvolume, sizeof subvolume))
        return;
    const char *own = own_subvolume(w, j->dev);
    if (strcmp(j->dev->type, "btrfs") != 0)
        bf_judge_say(w, j, bf_walk_missing(w),
                     "has rootflags=%s, and its root file system is of the type %s, which has no "
                     "subvolumes",
                     flags, j->dev->type);
    else if (own && strcmp(own, subvolume) != 0)
        bf_judge_say(w, j, BF_TROUBLE_DOUBT,
                     "starts from the subvolume %s, and the one that was adapted is %s", subvolume,
                     own);
}

// ---- The first program --------------------------------------------------------------------------

struct looked_for {
    const char *name; // without a leading slash
    bool there, linked;
};

static bool see_entry(void *arg, const struct bf_archive_entry *e)
{
    struct looked_for *l = arg;
    size_t n = strlen(e->name);
    l->there = l->there || strcmp(e->name, l->name) == 0;
    l->linked = l->linked || ((e->mode & 0170000) == 0120000 && strncmp(l->name, e->name, n) == 0 &&
                              l->name[n] == '/');
    return !l->there;
}

// Where the first program is not there, the kernel leaves its initramfs alone and looks for the
// root by itself (init/main.c, kernel_init_freeable).
static void judge_first(struct bf_walk *w, struct bf_judged *j)
{
    const struct bf_start *s = j->start;
    char first[256];
    if (!bf_cmdline_value(s->cmdline, "rdinit", first, sizeof first) || strcmp(first, "/init") == 0)
        return;
    struct looked_for l = {.name = first + strspn(first, "/")};
    struct bf_archive_info info;
    for (size_t i = 0; !s->unified && i < s->initrds; i++)
        if (bf_archive_read(&w->f->edits, s->initrd[i], see_entry, &l, &info, NULL))
            return; // said by the judge of images
    if (s->unified && s->initrd_len &&
        bf_archive_read_part(&w->f->edits, s->kernel, s->initrd_at, s->initrd_len, see_entry, &l,
                             &info, NULL))
        return;
    if ((s->unified ? s->initrd_len > 0 : s->initrds > 0) && !l.there)
        bf_judge_say(w, j, l.linked ? BF_TROUBLE_DOUBT : BF_TROUBLE_STOPS,
                     "has rdinit=%s, which its initramfs does not have", first);
}

// ---- Shells -------------------------------------------------------------------------------------

static bool is_shell_word(const char *word, size_t len)
{
    static const char *const whole[] = {"single",
                                        "s",
                                        "S",
                                        "1",
                                        "emergency",
                                        "-b",
                                        "rescue",
                                        "rd.rescue",
                                        "rd.break",
                                        "break",
                                        "rd.emergency",
                                        "recovery",
                                        "init=/bin/sh",
                                        "init=/bin/bash",
                                        "systemd.unit=rescue.target",
                                        "systemd.unit=emergency.target",
                                        "rd.systemd.unit=rescue.target",
                                        "rd.systemd.unit=emergency.target"};
    static const char *const begin[] = {"break=", "rd.break="};
    for (size_t i = 0; i < BF_COUNT(whole); i++)
        if (bf_word_is(word, len, whole[i]))
            return true;
    for (size_t i = 0; i < BF_COUNT(begin); i++)
        if (len > strlen(begin[i]) && memcmp(word, begin[i], strlen(begin[i])) == 0)
            return true;
    return false;
}

// Only of what starts by itself: there are entries that are meant to be so.
static void judge_shell(struct bf_walk *w, struct bf_judged *j)
{
    const char *at = j->start->cmdline ? j->start->cmdline : "", *end = at + strlen(at), *word;
    size_t len;
    while (j->start->chosen && bf_word_next(&at, end, &word, &len)) {
        if (!is_shell_word(word, len))
            continue;
        bf_judge_say(w, j, BF_TROUBLE_LOOK,
                     "has the word %.*s, with which the start ends in a shell or in rescue mode",
                     (int)len, word);
        return;
    }
}

void bf_judge_options(struct bf_walk *w, struct bf_judged *j)
{
    if (j->dev) {
        judge_type(w, j);
        judge_subvolume(w, j);
    }
    judge_first(w, j);
    judge_shell(w, j);
}
