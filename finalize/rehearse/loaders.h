// SPDX-License-Identifier: Apache-2.0
// The readers of boot loaders. Each finds its own configuration, follows it as the loader does, and
// adds what it offers to the walk; it says what it cannot follow. One that finds nothing adds
// nothing.
#ifndef BF_FINALIZE_REHEARSE_LOADERS_H
#define BF_FINALIZE_REHEARSE_LOADERS_H

#include "finalize/rehearse/walk.h"

// GRUB 2's script by its grammar (grub_*.c): runs the configuration `file` of the tree, which lies
// on `dev` (NULL: not known), with `root` and `prefix` set as the image that loads it does.
void bf_walk_grub(struct bf_walk *w, const char *file, const struct bf_device *dev);
// GRUB legacy's menu.lst.
void bf_walk_grub_legacy(struct bf_walk *w, const char *file, const struct bf_device *dev);
// syslinux and extlinux.
void bf_walk_syslinux(struct bf_walk *w, const char *file, const struct bf_device *dev);
// systemd-boot: loader.conf, entries and unified images of a partition that the guest mounts at
// `mount`.
void bf_walk_systemd_boot(struct bf_walk *w, const char *mount);
// A unified kernel image, started as such.
void bf_walk_unified(struct bf_walk *w, const char *file, bool chosen);
// rEFInd, by its folder on the EFI system partition.
void bf_walk_refind(struct bf_walk *w, const char *folder);

// From the firmware to the loaders: the fallback path of an EFI system partition, or the boot code
// of a BIOS disk; calls the readers above.
void bf_walk_firmware(struct bf_walk *w);

#endif
