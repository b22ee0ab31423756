// SPDX-License-Identifier: Apache-2.0
// systemd-networkd's files as its parts here share them.
#ifndef BF_FINALIZE_NETWORK_NETWORKD_H
#define BF_FINALIZE_NETWORK_NETWORKD_H

#include "finalize/system/fin.h"
#include "finalize/network/stack.h"

#define BF_NETWORKD_ETC "/etc/systemd/network"

enum bf_networkd_kind { BF_NETWORKD_OTHER, BF_NETWORKD_SECTION, BF_NETWORKD_KEY };

// A line with all its continuations. The texts belong to the file.
struct bf_networkd_line {
    enum bf_networkd_kind kind;
    const char *at; // its bytes
    size_t full;
    unsigned number;     // of its first line, from 1
    unsigned ordinal;    // counts sections from 1; 0 before the first
    const char *section; // that it is in, "" before the first
    const char *key, *value;
};

struct bf_networkd_file {
    char path[600];
    char *text, *words; // owned
    size_t len;
    struct bf_networkd_line *line; // owned
    size_t lines;
};

// One word of a list in [Match]. `key` is an index into the table of networkd_match.c.
struct bf_networkd_word {
    unsigned key;
    bool invert;
    const char *text;
};

struct bf_networkd_match {
    struct bf_networkd_word *word; // owned
    char *text;                    // that the words are in; owned
    size_t words;
    bool given;         // something was said
    bool off;           // by a condition that does not hold
    bool undecided;     // depends on what cannot be known from the files
    bool by_hardware;   // what it depends on is another in the new home
    bool is_hardware;   // may mean hardware at all
    bool is_all_exact;  // no wildcards and no negations among the names
    unsigned positives; // names
};

// A file in force with its drop-ins: file[0] is the file itself.
struct bf_networkd_unit {
    char name[256];
    struct bf_networkd_file *file; // owned
    size_t files;
    struct bf_networkd_match match;
};

struct bf_networkd_units {
    struct bf_networkd_unit *at; // by name, as networkd goes through them; owned
    size_t count;
    size_t lines;       // in all
    char trouble[1024]; // a file that is read and cannot be understood; "" for none
};

// ---- networkd_files.c ---------------------------------------------------------------------------

// Reads the files in force that end in `suffix` (".network"). What networkd ignores is left out; a
// note says so where a file is ignored because of an error in it.
void bf_networkd_load(struct bf_fin *f, const char *suffix, struct bf_networkd_units *u);
void bf_networkd_free(struct bf_networkd_units *u);
// Sets a file when `out` is another content than it has. What stands in /usr stays: a file of the
// same name in /etc takes its place.
enum bf_err bf_networkd_set(struct bf_fin *f, const struct bf_networkd_file *file,
                            const struct bf_text *out, const char *why);

// ---- networkd_lines.c ---------------------------------------------------------------------------

// Fills the lines of a file that has its text, and room for its words: two bytes more. NULL, or
// what is wrong with it.
const char *bf_networkd_parse(struct bf_networkd_file *file);
// Whether lines end in what only systemd takes for an end: a lone CR, or NUL.
bool bf_networkd_has_odd_ends(const char *text, size_t len);
// Adds what stands before the first line: a byte order mark.
void bf_networkd_head(struct bf_text *out, const struct bf_networkd_file *file);
// Steps through all lines of a unit, in the order in which they count. *file and *line begin at 0.
const struct bf_networkd_line *bf_networkd_next(const struct bf_networkd_unit *unit, size_t *file,
                                                size_t *line);
bool bf_networkd_is(const struct bf_networkd_line *line, const char *section, const char *key);
// The last value of a key in the section whose header is `section`; NULL when absent.
const char *bf_networkd_value(const struct bf_networkd_file *file,
                              const struct bf_networkd_line *section, const char *key);
// Whether networkd takes the text as an address of the machine, with or without a length.
bool bf_networkd_is_address(const char *text);
// The address families that the last valid DHCP= asks for, as bits.
#define BF_NETWORKD_DHCP4 1U
#define BF_NETWORKD_DHCP6 2U
unsigned bf_networkd_dhcp(const struct bf_networkd_unit *unit);

// ---- networkd_match.c ---------------------------------------------------------------------------

// What a file is matched against.
struct bf_networkd_iface {
    const char *name; // "": not known
    const char *mac;  // lower case, with colons; "": not known
    const char *kind; // of a device that is made ("bridge"); NULL: hardware
};

enum bf_networkd_fit {
    BF_NETWORKD_NO,
    BF_NETWORKD_PATTERN, // means others too, or may
    BF_NETWORKD_EXACT,   // means this interface alone
};

// Prepares unit->match from its lines.
void bf_networkd_match_load(struct bf_fin *f, struct bf_networkd_unit *unit);
void bf_networkd_match_free(struct bf_networkd_match *match);
// Whether a file's [Match] means the interface, as far as files tell: what they do not tell is
// taken to hold.
enum bf_networkd_fit bf_networkd_fits(struct bf_fin *f, const struct bf_networkd_unit *unit,
                                      const struct bf_networkd_iface *iface);
// The first file by name that means the interface; NULL when there is none. `fit` may be NULL.
const struct bf_networkd_unit *bf_networkd_first(struct bf_fin *f,
                                                 const struct bf_networkd_units *u,
                                                 const struct bf_networkd_iface *iface,
                                                 enum bf_networkd_fit *fit);
// The next name, without wildcards, or MAC address that a [Match] gives. *at begins at 0.
const char *bf_networkd_next_name(const struct bf_networkd_match *match, size_t *at);
bool bf_networkd_next_mac(const struct bf_networkd_match *match, size_t *at, char mac[BF_MAC_TEXT]);
// The one MAC address that a [Match] gives, "" when it is not one.
void bf_networkd_only_mac(const struct bf_networkd_match *match, char mac[BF_MAC_TEXT]);
// Writes a MAC address in the usual form. Takes the spellings that networkd takes; false for
// others.
bool bf_networkd_mac(const char *text, size_t len, char mac[BF_MAC_TEXT]);
// Whether a key of [Match] speaks of what the new home has otherwise, or what files do not tell.
bool bf_networkd_is_undecided_key(const char *key);

// ---- networkd_mac.c -----------------------------------------------------------------------------

// The stack's operation `follow`.
enum bf_err bf_networkd_follow(struct bf_fin *f, const struct bf_link *link, size_t links);

// ---- networkd_edit.c ----------------------------------------------------------------------------

// The stack's operation `adapt`.
enum bf_err bf_networkd_adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old);

#endif
