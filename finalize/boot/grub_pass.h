// SPDX-License-Identifier: Apache-2.0
// One pass over a GRUB script, or over a part of a file that is one.
#ifndef BF_FINALIZE_BOOT_GRUB_PASS_H
#define BF_FINALIZE_BOOT_GRUB_PASS_H

#include "finalize/boot/grub_config.h"

struct bf_grub_pass {
    struct bf_fin *f;
    const struct bf_grub_config *config;
    const char *path;
    bool menu;           // it has entries of its own, of which one is the default
    bool shell;          // a shell goes over it first, so what has a variable is not complete
    unsigned first_line; // the line of the file before the text, from 1; 0: it begins the file
    struct bf_grub_script script;
    const char *done; // up to where the text is in `out`
    struct bf_text out;
    bool terminal; // the serial terminal has still to be set up
};

// Rewrites a text into p->out. Fails after bf_refuse() or bf_fail().
enum bf_err bf_grub_rewrite_text(struct bf_grub_pass *p, const char *text, size_t len);
// Puts bytes in the place of [from, to), which are not before p->done.
void bf_grub_replace(struct bf_grub_pass *p, const char *from, const char *to, const char *new,
                     size_t len);

// The serial terminal, in grub_terminal.c: decides, and adapts a command.
void bf_grub_terminal_begin(struct bf_grub_pass *p);
void bf_grub_terminal(struct bf_grub_pass *p, size_t command);
// Reports "set root=hd1,..." that no search corrects, in grub_notes.c.
void bf_grub_note_disk(struct bf_grub_pass *p, size_t command, const char *name,
                       const struct bf_grub_word *value);
// What else of GRUB names old disks, in grub_notes.c.
void bf_grub_note_files(struct bf_fin *f);

#endif
