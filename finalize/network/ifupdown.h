// SPDX-License-Identifier: Apache-2.0
// interfaces(5) as its four readers see it: ifupdown, ifupdown2, ifupdown-ng and that of busybox
// differ in what they include, join and reject. ifupdown_source.c finds the files,
// ifupdown_read.c makes stanzas of them, ifupdown_names.c knows what these are called, ifupdown.c
// tells the network from these, ifupdown_edit.c rewrites them.
#ifndef BF_FINALIZE_NETWORK_IFUPDOWN_H
#define BF_FINALIZE_NETWORK_IFUPDOWN_H

#include "finalize/network/stack.h"

#define BF_IFUP_MAIN "/etc/network/interfaces"

enum bf_ifup_variant { BF_IFUP_CLASSIC, BF_IFUP_TWO, BF_IFUP_NG, BF_IFUP_BUSYBOX };

#define BF_IFUP_USES_BRIDGE 1U
#define BF_IFUP_USES_BOND   2U // or a team
#define BF_IFUP_USES_VLAN   4U
#define BF_IFUP_USES_DHCP   8U // or router advertisements

// A counted word of a file; borrowed from it.
struct bf_slice {
    const char *at;
    size_t len;
};

struct bf_ifup_file {
    char *path;
    char *text; // as it is; owned
    char *flat; // the same bytes, with continued lines joined by blanks in their places; owned
    size_t len;
};

// A line that is neither blank nor a comment, with what continues it.
struct bf_ifup_line {
    size_t file, start, full; // its bytes, with the line end
    unsigned number;          // in the file, from 1
    struct bf_slice key, value;
    size_t stanza; // whose it is, its first line included; counts from 1, 0: none
};

struct bf_ifup_stanza {
    size_t head;                    // index of its first line
    size_t end;                     // of the line after its last one
    struct bf_slice name;           // the logical name, "eth0:1" included
    struct bf_slice family;         // "inet", or empty
    struct bf_slice method;         // "static", or empty
    struct bf_slice parent;         // of which it inherits, or empty
    size_t inherits;                // that stanza, from 1; 0: none
    bool is_template, is_inherited; // another's
    unsigned uses;                  // BF_IFUP_USES_..., of ifupdown-ng's "use" lines
    bool is_bare;                   // only an "auto" line, which ifupdown-ng lets options follow
};

// A word of "auto" or "allow-...": what is brought up, and as which logical interface.
struct bf_ifup_up {
    size_t line;
    struct bf_slice word, physical, logical;
};

struct bf_ifup {
    enum bf_ifup_variant variant;
    struct bf_ifup_file *file;
    struct bf_ifup_line *line;
    struct bf_ifup_stanza *stanza;
    struct bf_ifup_up *up, *rename; // of a rename: from physical to logical
    struct bf_ifup_up *mapping;     // of a mapping: its pattern is the word
    size_t files, lines, stanzas, ups, renames, mappings, bytes;
    bool failed;       // out of memory
    char trouble[400]; // why the reader would not take the files, or we cannot tell; or ""
};

// Reads the main file and all that it includes, as they will be. To be freed also after a failure,
// which is in `trouble`.
void bf_ifup_read(struct bf_fin *f, struct bf_ifup *c);
void bf_ifup_free(struct bf_ifup *c);

// Gives each file that a line includes to `parse`; `needed`: the reader gives up when it is
// missing.
typedef void bf_ifup_parse(struct bf_fin *f, struct bf_ifup *c, const char *path, int depth,
                           bool needed);
void bf_ifup_include(struct bf_fin *f, struct bf_ifup *c, size_t line, int depth,
                     bf_ifup_parse *parse);
// Keeps the first trouble, with the place of a line.
void bf_ifup_trouble(struct bf_ifup *c, size_t line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

bool bf_slice_is(struct bf_slice s, const char *text);
bool bf_slice_same(struct bf_slice a, struct bf_slice b);
// The first word of a text; empty when there is none.
struct bf_slice bf_slice_word(struct bf_slice text);
// The next word of `rest`, which is shortened. False at the end.
bool bf_slice_next(struct bf_slice *rest, struct bf_slice *word);

// An option's name with '-' for '_': both are in use.
void bf_ifup_option(const struct bf_ifup_line *line, char *out, size_t size);
bool bf_ifup_in(const char *name, const char *const *list);

// Whether a line belongs to the stanza: others may lie between, of a file that is included.
bool bf_ifup_is_of(const struct bf_ifup *c, size_t line, const struct bf_ifup_stanza *s);

// Steps through what a stanza is brought up as: *at begins at 0. A stanza that nothing names is
// brought up, if ever, under its own name.
bool bf_ifup_physical(const struct bf_ifup *c, const struct bf_ifup_stanza *s, size_t *at,
                      struct bf_slice *physical);
// The device of a physical name: without the label of "eth0:1".
struct bf_slice bf_ifup_device(struct bf_slice physical);
bool bf_ifup_is_pattern(struct bf_slice physical);
// The name that "rename" gives an interface, or its own.
struct bf_slice bf_ifup_renamed(const struct bf_ifup *c, struct bf_slice name);
// Whether a pattern means an interface of that name and MAC address ("" for one not known):
// "/en*", "mac/52:54:00:*". A range of ifupdown2, "swp[1-4]", may mean any with its beginning.
bool bf_ifup_matches(struct bf_slice pattern, const char *name, const char *mac);

// Rewrites an interface's stanzas, and follows MAC addresses that were exchanged.
enum bf_err bf_ifup_adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old);
enum bf_err bf_ifup_follow(struct bf_fin *f, const struct bf_link *link, size_t links);

#endif
