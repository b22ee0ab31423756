// SPDX-License-Identifier: Apache-2.0
// One interface's rewriting in interfaces(5): the new stanzas, in ifupdown_write.c, and where they
// go, in ifupdown_edit.c.
#ifndef BF_FINALIZE_NETWORK_IFUPDOWN_WRITE_H
#define BF_FINALIZE_NETWORK_IFUPDOWN_WRITE_H

#include "finalize/network/ifupdown.h"

#define BF_IFUP_KEPT 512

// An option that goes on living, by its line.
struct bf_ifup_kept {
    size_t line;
    bool inet6; // of an inet6 stanza
};

struct bf_ifup_rewrite {
    struct bf_fin *f;
    struct bf_ifup *c;
    const struct bf_link *link;
    struct bf_old *old;      // gets the addresses that go
    struct bf_slice logical; // the name of the new stanzas
    struct bf_slice pattern; // the stanza of a pattern that meant the interface so far
    bool *going;             // of each stanza
    bool *alias;             // of each line: "auto" names an alias that goes
    size_t first;            // the stanza in whose place the new ones come, from 1
    bool first_is_label;     // of "eth0:1"
    size_t before;           // else the line before which, from 1
    bool automatic;          // something brings the interface up
    bool placed;             // the new stanzas have been written
    struct bf_ifup_kept kept[BF_IFUP_KEPT];
    size_t kepts;
};

// Takes one line of a stanza that goes: an option that is kept, or an address that is old.
enum bf_err bf_ifup_keep(struct bf_ifup_rewrite *rw, size_t line, bool inet6);
// Appends the new stanzas.
void bf_ifup_write(struct bf_ifup_rewrite *rw, struct bf_text *out);

#endif
