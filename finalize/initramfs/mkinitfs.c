// SPDX-License-Identifier: Apache-2.0
// mkinitfs, of Alpine: a feature is a list of modules' files, and its configuration, a shell's
// variable, names the features.
#include <string.h>

#include "finalize/initramfs/maker.h"
#include "finalize/initramfs/shell_list.h"

#define FOLDER "/etc/mkinitfs"
#define CONF   FOLDER "/mkinitfs.conf"

static const char *const programs[] = {"/sbin/mkinitfs", "/usr/sbin/mkinitfs", "/usr/bin/mkinitfs",
                                       NULL};

static bool in_use(struct bf_fin *f)
{
    return bf_fin_root_exists(f->root, CONF);
}

static enum bf_err keep(struct bf_fin *f, const struct bf_lasting *l)
{
    static const char *const feature[] = {"bootferry"};
    struct bf_text out = {0};
    for (size_t i = 0; i < l->count; i++)
        bf_textf(&out, "%s*\n", l->path[i]); // with whatever compression
    enum bf_err err = bf_fin_set(f, FOLDER "/features.d/bootferry.modules", &out, BF_LASTING_WHY);
    bf_text_free(&out);
    return err ? err : bf_shell_list(f, CONF, "features", ' ', feature, 1);
}

const struct bf_maker_ops bf_mkinitfs = {
    .name = "mkinitfs", .programs = programs, .in_use = in_use, .keep = keep};
