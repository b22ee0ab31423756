// SPDX-License-Identifier: Apache-2.0
// Kernel command lines, whichever loader keeps them.
#ifndef BF_FINALIZE_BOOT_CMDLINE_H
#define BF_FINALIZE_BOOT_CMDLINE_H

#include "finalize/system/fin.h"

// Where a command line stands, and what is known of its entry.
struct bf_cmdline {
    const char *path;
    unsigned line; // from 1; 0: not known
    bool console;  // gets the serial console, where the plan wants one
    bool starts;   // may be started without anybody choosing it
    bool bare;     // the kernel is started without an initramfs
    bool offset;   // what is resumed from is a file in a file system: it has resume_offset=
};

enum bf_cmdline_word {
    BF_CMDLINE_STAYS,   // nothing was appended
    BF_CMDLINE_NEW,     // what becomes of the word was appended
    BF_CMDLINE_GOES,    // a serial console that the plan does not want
    BF_CMDLINE_REFUSED, // after bf_refuse()
};

// What becomes of one word, without quotes of the loader's own: names of disks that depend on their
// order (kernel-parameters.txt; dracut.cmdline(7); initramfs-tools(7); the hooks of mkinitcpio,
// genkernel and mkinitfs) become stable ones, the network and serial consoles are as planned.
// Refuses a root that cannot be named, of an entry that may be started by itself; other names that
// stay are reported.
enum bf_cmdline_word bf_cmdline_word(struct bf_fin *f, const struct bf_cmdline *at,
                                     const char *word, size_t len, struct bf_text *out);
// Cuts the next word out of [*at, end), as the kernel does: a blank inside double quotes does not
// end it.
bool bf_cmdline_next(const char **at, const char *end, const char **word, size_t *len);
// Whether a word gives a device by this name: "root=..." for "root=".
bool bf_cmdline_is(const char *word, size_t len, const char *key);
// Whether some word of the line says where the root is.
bool bf_cmdline_has_root(const char *line, size_t len);

// Rewrites a command line. Appends the result; words that stay keep their bytes and the blanks
// between them. Fails after bf_refuse().
enum bf_err bf_cmdline_edit(struct bf_fin *f, const struct bf_cmdline *at, const char *line,
                            size_t len, struct bf_text *out);
// The same where nothing is known of the entry, so that it refuses nothing.
void bf_cmdline_rewrite(struct bf_fin *f, const char *line, size_t len, const char *where,
                        bool console, struct bf_text *out);

// The word of the serial console for the guest's architecture, "console=ttyS0,115200", and whether
// a line has it already, in whatever speed.
const char *bf_cmdline_console(const struct bf_fin *f);
bool bf_cmdline_has_console(const struct bf_fin *f, const char *line, size_t len);
// Appends the words that a line lacks for a serial console: the screen comes first where the line
// has no console.
void bf_cmdline_add_console(const struct bf_fin *f, const char *line, size_t len,
                            struct bf_text *out);

#endif
