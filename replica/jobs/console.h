// SPDX-License-Identifier: Apache-2.0
// What the serial console of a machine that gave no evidence shows: its last lines, and what it is
// waiting for.
#ifndef BF_REPLICA_JOBS_CONSOLE_H
#define BF_REPLICA_JOBS_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

enum bf_console {
    BF_CONSOLE_UNKNOWN,    // nothing that is known
    BF_CONSOLE_PASSPHRASE, // waits for the passphrase of an encrypted disk
    BF_CONSOLE_NO_ROOT,    // the root file system was not found or not mounted
    BF_CONSOLE_EMERGENCY,  // ended in an emergency shell
    BF_CONSOLE_PANIC,      // the kernel gave up
    BF_CONSOLE_LOADER,     // the boot loader waits at its prompt
    BF_CONSOLE_FIRMWARE,   // the firmware found nothing to start
    BF_CONSOLE_LOGIN,      // somebody could log in
};

struct bf_console_end {
    enum bf_console state;
    char line[256]; // the one that says so, or ""
};

// The last `lines` lines that are not blank into `tail`, as printable ASCII with a line feed after
// each; the oldest go where there is no room. The state is that of the last start in the log: what
// a guest says by itself, and so a hint, no proof.
struct bf_console_end bf_console_tail(const char *log, size_t len, uint32_t lines, char *tail,
                                      size_t size);

// What the state means, as a sentence without its full stop; "" when nothing is known.
const char *bf_console_text(enum bf_console state);

#endif
