// SPDX-License-Identifier: Apache-2.0
// A maker of initramfs images in the guest: what it is to know so that its next image fits the new
// home. It is never run. Each has a file and a row here.
#ifndef BF_FINALIZE_INITRAMFS_MAKER_H
#define BF_FINALIZE_INITRAMFS_MAKER_H

#include "finalize/initramfs/cpio.h"
#include "finalize/system/fin.h"

#define BF_LASTING_MAX 64
#define BF_LASTING_WHY "drivers of the target, for later updates"

// The drivers of the target that some kernel of the guest has as files.
struct bf_lasting {
    const char *name[BF_LASTING_MAX];
    char path[BF_LASTING_MAX][160]; // below the folder of a kernel, up to ".ko"
    bool disk[BF_LASTING_MAX];      // a controller of disks, or what it works with
    size_t count;
};

struct bf_maker_ops {
    const char *name; // in the report and in sentences
    // Its programs, ended by NULL, of which an installed one has at least one. NULL: it has none
    // that no other maker has.
    const char *const *programs;
    // Whether there are settings of it.
    bool (*in_use)(struct bf_fin *f);
    // Takes its settings off device names that depend on the order of the disks. NULL: it has none.
    // Fails after bf_refuse() or bf_fail().
    enum bf_err (*names)(struct bf_fin *f);
    // Adds the settings that its images carry to an archive that is appended to one. NULL: none.
    void (*carry)(struct bf_fin *f, struct bf_cpio *cpio);
    // Has its next images contain the drivers, of which there is at least one.
    enum bf_err (*keep)(struct bf_fin *f, const struct bf_lasting *drivers);
};

// The rows. All that are in use are served.
#define BF_MAKERS(ROW)                                                                             \
    ROW(bf_initramfs_tools)                                                                        \
    ROW(bf_dracut)                                                                                 \
    ROW(bf_mkinitcpio)                                                                             \
    ROW(bf_booster)                                                                                \
    ROW(bf_mkinitfs)                                                                               \
    ROW(bf_suse_mkinitrd)                                                                          \
    ROW(bf_redhat_mkinitrd)                                                                        \
    ROW(bf_slackware_mkinitrd)                                                                     \
    ROW(bf_genkernel)

#define BF_MAKER(row) extern const struct bf_maker_ops row;
BF_MAKERS(BF_MAKER)

// The table that tables.c makes of them, ended by NULL.
extern const struct bf_maker_ops *const bf_makers[];

// Whether the guest has this maker: its program, or, in a tree in which no maker has one, its
// settings.
bool bf_maker_in_use(struct bf_fin *f, const struct bf_maker_ops *maker);

#endif
