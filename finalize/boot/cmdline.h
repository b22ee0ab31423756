// SPDX-License-Identifier: Apache-2.0
// Kernel command lines, whichever loader keeps them.
#ifndef BF_FINALIZE_BOOT_CMDLINE_H
#define BF_FINALIZE_BOOT_CMDLINE_H

#include "finalize/system/fin.h"

// Rewrites a kernel command line: root= and resume= off unstable names, the network of the
// initramfs and the serial console as planned. Appends the result; words that stay keep their bytes
// and the blanks between them.
void bf_cmdline_rewrite(struct bf_fin *f, const char *line, size_t len, const char *where,
                        bool console, struct bf_text *out);

#endif
