// SPDX-License-Identifier: Apache-2.0
// /etc/crypttab (crypttab(5)) in a rehearsal: which names it makes, and from which devices.
#ifndef BF_FINALIZE_REHEARSE_CRYPTTAB_H
#define BF_FINALIZE_REHEARSE_CRYPTTAB_H

#include "finalize/rehearse/walk.h"

struct bf_crypt {
    char name[128], device[256];
    unsigned line;
    bool waited; // the start waits for it
    bool said;   // what is wrong with it, of a file system that needs it
};

struct bf_crypts {
    struct bf_crypt *item; // owned
    size_t count;
};

// Why the next start does not find a device.
enum bf_lack {
    BF_LACK_NONE,     // it is there, or no device of the machine
    BF_LACK_ORDER,    // its name depends on the machine and the order of its disks
    BF_LACK_UNPROBED, // its name is not among what is probed
    BF_LACK_NOWHERE,  // it is on none of the disks
};

// Reads the table. To be freed in any case.
void bf_crypts_read(struct bf_walk *w, struct bf_crypts *c);
void bf_crypts_free(struct bf_crypts *c);
// Why a device of fstab is not found; where a line of crypttab would have to open it, *by is that
// line, and the reason is that of the line's own device.
enum bf_lack bf_crypts_lack(struct bf_crypts *c, const struct bf_devices *d, const char *name,
                            struct bf_crypt **by);
// Says which lines the start waits for in vain, but for those of which that is said.
void bf_crypts_judge(struct bf_walk *w, struct bf_crypts *c);

// The end of a sentence about a device that is not found.
const char *bf_lack_text(enum bf_lack lack);

#endif
