// SPDX-License-Identifier: Apache-2.0
// What the readers of boot loaders have in common: how a start is filled in, and how the name of a
// file leads to the tree.
#ifndef BF_FINALIZE_REHEARSE_OFFER_H
#define BF_FINALIZE_REHEARSE_OFFER_H

#include "finalize/rehearse/walk.h"

// The first reason stays.
void bf_offer_block(struct bf_start *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void bf_offer_doubt(struct bf_start *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// The kernel, and one more initramfs, by their paths in the tree. The start is blocked when such a
// file is not there.
void bf_offer_kernel(struct bf_walk *w, struct bf_start *s, const char *path);
void bf_offer_initrd(struct bf_walk *w, struct bf_start *s, const char *path);
// Takes the text's bytes as the command line, unless there is one already or the text is empty.
// The text is free then.
void bf_offer_cmdline(struct bf_walk *w, struct bf_start *s, struct bf_text *t);
// Copies counted bytes, cut to the room that there is.
void bf_offer_word(char *out, size_t size, const char *at, size_t len);
// The same of a path. False when it does not fit, or has a NUL byte.
bool bf_offer_path(char *out, size_t size, const char *at, size_t len);

// The path in the tree of `path`, which a loader's configuration `file` on `dev` (NULL: not known)
// names: from the top of its file system when it begins with "/", else from the folder of `file`.
// Upper and lower case are told apart only where the file system does. False when it cannot be
// said; a path whose file is not there is one that is said.
bool bf_offer_beside(struct bf_walk *w, const struct bf_device *dev, const char *file,
                     const char *path, char *out, size_t size);
// As bf_walk_path(), but a device is of use only when it is known where any is mounted.
bool bf_offer_on(struct bf_walk *w, const struct bf_device *dev, const char *path, char *out,
                 size_t size);
// The folder of the guest's tree where the file system that holds `file` is mounted, by the probed
// places, else by fstab; "/" at last.
void bf_offer_mount(struct bf_walk *w, const char *file, char *out, size_t size);
// The same device; NULL when it is not known.
const struct bf_device *bf_offer_device(struct bf_walk *w, const char *file);
// The folder that a path lies in.
void bf_offer_folder(const char *path, char *out, size_t size);

// A path of FAT below the folder `base` of the tree: names by any case, "\" or "/" between them.
// `out` has the name that is there, or as it was given. False when no such file is there.
bool bf_offer_fat(struct bf_walk *w, const char *base, const char *path, char *out, size_t size);

#endif
