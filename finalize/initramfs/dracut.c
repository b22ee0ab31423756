// SPDX-License-Identifier: Apache-2.0
// dracut, of Red Hat, SUSE and others.
#include "finalize/initramfs/maker.h"

#define FOLDER "/etc/dracut.conf.d"

static const char *const programs[] = {"/usr/bin/dracut", "/usr/sbin/dracut", "/sbin/dracut", NULL};

// On Debian, other packages leave an empty folder and modules for it.
static bool in_use(struct bf_fin *f)
{
    struct bf_names names;
    if (bf_fin_root_exists(f->root, "/etc/dracut.conf"))
        return true;
    bool others = bf_fin_root_is_dir(f->root, "/etc/initramfs-tools");
    if (bf_edits_list(&f->edits, FOLDER, ".conf", &names))
        return false;
    bool settings = names.count > 0;
    bf_names_free(&names);
    return settings || (!others && (bf_fin_root_is_dir(f->root, FOLDER) ||
                                    bf_fin_root_is_dir(f->root, "/usr/lib/dracut")));
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

const struct bf_maker_ops bf_dracut = {
    .name = "dracut", .programs = programs, .in_use = in_use, .keep = keep};
