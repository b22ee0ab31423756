// SPDX-License-Identifier: Apache-2.0
// The drivers of the target as one kernel has them.
#ifndef BF_FINALIZE_INITRAMFS_DRIVERS_H
#define BF_FINALIZE_INITRAMFS_DRIVERS_H

#include "finalize/initramfs/inside.h"
#include "finalize/initramfs/maker.h"
#include "finalize/initramfs/modules.h"

struct bf_drivers {
    const char *version; // borrowed
    bool lead;           // of a kernel that is started by default
    const char *blocked; // modules that its command line blocks, with commas; borrowed
    struct bf_modules modules;
    struct bf_module_set set;         // files, with all that they need
    size_t disk_files, disk_builtins; // controllers of disks
};

// Finds the drivers of f->target, notes those that the kernel lacks, and remembers those that it
// has as files in `lasting`, if that is not NULL. Errors are those of bf_modules_open(). To be
// closed in any case.
enum bf_err bf_drivers_open(struct bf_fin *f, const char *version, bool lead,
                            struct bf_drivers *out, struct bf_lasting *lasting);
void bf_drivers_close(struct bf_drivers *d);

// Whether an initramfs will load the drivers that are added to it, as far as can be told. Refuses
// for a kernel that is started by default, else warns. *skip: nothing can be added, and nothing has
// to be.
enum bf_err bf_drivers_fit(struct bf_fin *f, const struct bf_drivers *d, const struct bf_inside *in,
                           const char *path, bool *skip);
// How many of the target's drivers of disks an image has as files.
size_t bf_drivers_inside(const struct bf_fin *f, const struct bf_inside *in);

// Appends to `out` what has to follow the initramfs that is `len` bytes at `offset` of the file
// `path` (a whole file, or a section of one): padding, and an archive with the drivers, the indexes
// that know them, and the settings of its maker. *keep is how many of the bytes stay before it:
// fewer than `len` where an older archive of ours ends them. Nothing is appended when the image has
// all. Fails after bf_refuse() or bf_fail().
enum bf_err bf_drivers_append(struct bf_fin *f, const struct bf_drivers *d, const char *path,
                              uint64_t offset, uint64_t len, uint64_t *keep, struct bf_text *out);

#endif
