// SPDX-License-Identifier: Apache-2.0
// Whether the content of a file system is that of a mount point, for lines of fstab whose device
// has a name of the old machine's hardware. Read from trees alone.
#ifndef BF_FINALIZE_VM_FITS_H
#define BF_FINALIZE_VM_FITS_H

#include "finalize/core/root.h"

// `candidate` is the file system, `root` the system's tree as far as it is mounted. For /boot, a
// kernel of the system has to be there: its version has a folder of modules in the tree, if both
// have versions. False for a mount point of which nothing is known.
bool bf_fits(const struct bf_fin_root *candidate, const struct bf_fin_root *root, const char *at);
// Whether there is any kernel in a folder: a file that is called as kernels are, a folder of
// kernel-install, a unified kernel image.
bool bf_fits_has_kernel(const struct bf_fin_root *root, const char *dir);
// The number of the partition that a name of the old hardware ends in (by-path, by-id, cciss,
// /dev/sda1); 0 for a whole disk. False for other names.
bool bf_fits_part(const char *name, unsigned *part);

#endif
