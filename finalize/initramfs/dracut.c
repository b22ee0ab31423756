// SPDX-License-Identifier: Apache-2.0
// dracut, of Red Hat, SUSE and others.
#include "finalize/initramfs/maker.h"

#define FOLDER "/etc/dracut.conf.d"

static bool in_use(struct bf_fin *f)
{
    static const char *const file[] = {FOLDER, "/etc/dracut.conf", "/usr/lib/dracut", NULL};
    return bf_fin_root_any(f->root, file);
}

static enum bf_err keep(struct bf_fin *f, const struct bf_lasting *l)
{
    struct bf_text out = {0};
    bf_text_str(
        &out,
        "# Drivers of this machine's new home, written by bootferry-finalize\nadd_drivers+=\"");
    for (size_t i = 0; i < l->count; i++)
        bf_textf(&out, " %s", l->name[i]);
    bf_text_str(&out, " \"\n");
    enum bf_err err = bf_fin_set(f, FOLDER "/bootferry.conf", &out, BF_LASTING_WHY);
    bf_text_free(&out);
    return err;
}

const struct bf_maker_ops bf_dracut = {.name = "dracut", .in_use = in_use, .keep = keep};
