// SPDX-License-Identifier: Apache-2.0
// What a loader that starts GRUB needs to know of it.
#ifndef BF_FINALIZE_BOOT_GRUB_H
#define BF_FINALIZE_BOOT_GRUB_H

#include "finalize/system/fin.h"

// GRUB finds its configuration by the prefix that was built into it. Where that does not lead to
// the vendor's folder `efi`/`vendor`, the stub grub.cfg there is copied to `boot` as well.
enum bf_err bf_grub_copy_stub(struct bf_fin *f, const char *efi, const char *vendor,
                              const char *boot);

// Rewrites /etc/default/grub and grub.d, in grub_default.c. After a failure the report says why.
enum bf_err bf_grub_defaults(struct bf_fin *f);
// The serial terminal in such a file, in grub_terminal.c. Only the main file gets one where there
// was none.
enum bf_err bf_grub_default_terminal(struct bf_fin *f, const char *path, bool main_file);

// Rewrites the entries in the scripts of /etc/grub.d, in grub_d.c.
struct bf_grub_config;
enum bf_err bf_grub_scripts(struct bf_fin *f, struct bf_grub_config *c);

#endif
