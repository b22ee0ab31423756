// SPDX-License-Identifier: Apache-2.0
// The makers that are called mkinitrd: of SUSE up to 11 (INITRD_MODULES in /etc/sysconfig/kernel),
// of Red Hat up to 5 (the aliases scsi_hostadapter in /etc/modprobe.conf) and of Slackware
// (MODULE_LIST in /etc/mkinitrd.conf, with colons); and genkernel, of Gentoo, which can be told to
// take all modules (ALLRAMDISKMODULES).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/initramfs/maker.h"
#include "finalize/initramfs/shell_list.h"

#define SUSE_CONF      "/etc/sysconfig/kernel"
#define REDHAT_CONF    "/etc/modprobe.conf"
#define SLACKWARE_CONF "/etc/mkinitrd.conf"
#define GENKERNEL_CONF "/etc/genkernel.conf"

static bool suse_in_use(struct bf_fin *f)
{
    return bf_fin_root_is_dir(f->root, "/lib/mkinitrd") && bf_fin_root_exists(f->root, SUSE_CONF);
}

static enum bf_err suse_keep(struct bf_fin *f, const struct bf_lasting *l)
{
    return bf_shell_list(f, SUSE_CONF, "INITRD_MODULES", ' ', l->name, l->count);
}

const struct bf_maker_ops bf_suse_mkinitrd = {
    .name = "SUSE's mkinitrd", .in_use = suse_in_use, .keep = suse_keep};

static bool redhat_in_use(struct bf_fin *f)
{
    return bf_fin_root_exists(f->root, REDHAT_CONF) &&
           bf_fin_root_exists(f->root, "/sbin/mkinitrd") &&
           !bf_fin_root_is_dir(f->root, "/etc/dracut.conf.d");
}

// The number of a line "alias scsi_hostadapterN driver", with no number for 0; -1 for another line.
static long host_number(const struct bf_line *line, const char **driver, size_t *len)
{
    static const char adapter[] = "scsi_hostadapter";
    const char *at = line->at, *end = at + line->len, *w[2];
    size_t n[2];
    if (!bf_word_next(&at, end, &w[0], &n[0]) || !bf_word_is(w[0], n[0], "alias") ||
        !bf_word_next(&at, end, &w[1], &n[1]) || n[1] < sizeof adapter - 1 ||
        memcmp(w[1], adapter, sizeof adapter - 1) != 0 || !bf_word_next(&at, end, driver, len))
        return -1;
    long number = strtol(w[1] + sizeof adapter - 1, NULL, 10);
    return number < 0 || number > 1000000 ? 0 : number;
}

static enum bf_err redhat_keep(struct bf_fin *f, const struct bf_lasting *l)
{
    size_t len, n;
    enum bf_err err;
    struct bf_text out = {0};
    const char *driver, *text = bf_fin_get(f, REDHAT_CONF, &len, &err);
    if (!text)
        return err;
    struct bf_line line;
    long last = -1, number;
    bool have[BF_LASTING_MAX] = {false};
    for (size_t pos = 0; bf_line_next(text, len, &pos, &line);) {
        if ((number = host_number(&line, &driver, &n)) < 0)
            continue;
        last = number > last ? number : last;
        for (size_t i = 0; i < l->count; i++)
            have[i] = have[i] || bf_word_is(driver, n, l->name[i]);
    }
    bf_text_add(&out, text, len);
    if (len && text[len - 1] != '\n')
        bf_text_str(&out, "\n");
    for (size_t i = 0; i < l->count; i++) {
        if (have[i] || !l->disk[i])
            continue;
        bf_text_str(&out, "alias scsi_hostadapter");
        if (++last)
            bf_textf(&out, "%ld", last);
        bf_textf(&out, " %s\n", l->name[i]);
    }
    err = bf_fin_set(f, REDHAT_CONF, &out, BF_LASTING_WHY);
    bf_text_free(&out);
    return err;
}

const struct bf_maker_ops bf_redhat_mkinitrd = {
    .name = "Red Hat's mkinitrd", .in_use = redhat_in_use, .keep = redhat_keep};

static bool slackware_in_use(struct bf_fin *f)
{
    return bf_fin_root_exists(f->root, SLACKWARE_CONF);
}

static enum bf_err slackware_keep(struct bf_fin *f, const struct bf_lasting *l)
{
    return bf_shell_list(f, SLACKWARE_CONF, "MODULE_LIST", ':', l->name, l->count);
}

const struct bf_maker_ops bf_slackware_mkinitrd = {
    .name = "Slackware's mkinitrd", .in_use = slackware_in_use, .keep = slackware_keep};

static const char *const genkernel[] = {"/usr/bin/genkernel", "/usr/sbin/genkernel", NULL};

static bool genkernel_in_use(struct bf_fin *f)
{
    return bf_fin_root_exists(f->root, GENKERNEL_CONF);
}

static enum bf_err genkernel_keep(struct bf_fin *f, const struct bf_lasting *l)
{
    (void)l; // all modules of the kernel
    return bf_shell_set(f, GENKERNEL_CONF, "ALLRAMDISKMODULES", "yes");
}

const struct bf_maker_ops bf_genkernel = {
    .name = "genkernel", .programs = genkernel, .in_use = genkernel_in_use, .keep = genkernel_keep};
