// SPDX-License-Identifier: Apache-2.0
// The port of GRUB's command "serial" (GRUB manual 2.06, 16.3.3 "serial"): its unit from 0, the
// address of its registers, or, since 2.06, a name.
#ifndef BF_FINALIZE_BOOT_GRUB_PORT_H
#define BF_FINALIZE_BOOT_GRUB_PORT_H

#include <stdbool.h>
#include <stddef.h>

// What a word of the command has to be for the first port, and `before` is the word before it, of
// no length at the first one. NULL: as it is, since it means that port, or is about something else.
// `value` is where the new part of the word begins; what stands before that is kept.
const char *bf_grub_first_port(const char *word, size_t len, const char *before, size_t before_len,
                               size_t *value);

#endif
