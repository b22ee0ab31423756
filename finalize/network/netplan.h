// SPDX-License-Identifier: Apache-2.0
// netplan's files together, as its parser would have them: what is configured (netplan_read.c,
// netplan_check.c),
// which definition a device gets (netplan_match.c), and how one is rewritten (netplan_edit.c,
// netplan_new.c).
#ifndef BF_FINALIZE_NETWORK_NETPLAN_H
#define BF_FINALIZE_NETWORK_NETPLAN_H

#include "finalize/network/stack.h"
#include "finalize/network/yaml_sheet.h"

#define BF_NETPLAN_ETC   "/etc/netplan"
#define BF_NETPLAN_DEFS  BF_NET_MAX
#define BF_NETPLAN_PARTS 4096 // of all definitions in all files
#define BF_NETPLAN_KEYS  256  // of one part

enum bf_netplan_kind {
    BF_NETPLAN_ETHERNET,
    BF_NETPLAN_WIFI,
    BF_NETPLAN_MODEM,
    BF_NETPLAN_BRIDGE,
    BF_NETPLAN_BOND,
    BF_NETPLAN_VLAN,
    BF_NETPLAN_OTHER,
};

// What one file says of a definition.
struct bf_netplan_part {
    size_t file, def;
    yaml_node_t *key, *value;
};

// A definition, merged over all files. Texts are those of the documents.
struct bf_netplan_def {
    const char *id;
    enum bf_netplan_kind kind;
    const char *section; // "ethernets"
    size_t file;         // where it stands first
    unsigned line;
    bool nm;     // the renderer is NetworkManager
    bool unsaid; // no renderer is said so far
    bool match, driver;
    const char *match_name, *match_mac, *set_name; // "" when not said
    const char *link, *set_mac;
    bool dhcp;
    long priority; // among NetworkManager's profiles
};

struct bf_netplan {
    const struct bf_stack_ops *stack; // in the picture of the network
    struct bf_sheet *sheet;           // files in the order in which they are read
    size_t files;
    struct bf_netplan_def *def;
    size_t defs;
    struct bf_netplan_part *part; // in the order in which they are read
    size_t parts, room;
    bool nm; // the renderer of what names none
    char trouble[512];
};

// Reads all files. When netplan would reject them, or they cannot be understood, `trouble` says
// why.
void bf_netplan_load(struct bf_fin *f, const struct bf_stack_ops *stack, struct bf_netplan *np);
void bf_netplan_free(struct bf_netplan *np);
// Says what is wrong with a node; the first reason stays.
void bf_netplan_trouble(struct bf_netplan *np, const struct bf_sheet *s, const yaml_node_t *n,
                        const char *fmt, ...) __attribute__((format(printf, 4, 5)));
// Holds one part of a definition to netplan's keys and types, in netplan_check.c.
void bf_netplan_check(struct bf_netplan *np, struct bf_sheet *s, yaml_node_t *value);
bool bf_netplan_is_yes(const char *text);
bool bf_netplan_in_words(const char *key, const char *const *words);

struct bf_netplan_def *bf_netplan_find(const struct bf_netplan *np, const char *id);
// Calls `visit` with each value that the files give to a key of a definition, in order.
void bf_netplan_each(struct bf_netplan *np, const struct bf_netplan_def *def, const char *key,
                     void (*visit)(struct bf_sheet *, yaml_node_t *, void *), void *arg);
// NetworkManager's settings that are handed through; NULL when a part has none.
yaml_node_t *bf_netplan_passthrough(struct bf_sheet *s, yaml_node_t *value);
// The address of an item of "addresses", which may be the key of its options.
const char *bf_netplan_address(struct bf_sheet *s, yaml_node_t *item);

// How surely a definition means a device.
enum bf_netplan_cover { BF_COVER_NO, BF_COVER_PATTERN, BF_COVER_EXACT };

bool bf_netplan_is_physical(const struct bf_netplan_def *def);
// The kernel's name that a definition means, "" when it does not say one.
const char *bf_netplan_name(const struct bf_netplan_def *def);
// Whether it may mean a device with that name and MAC address, "" for unknown.
enum bf_netplan_cover bf_netplan_covers(const struct bf_netplan_def *def, const char *name,
                                        const char *mac);
// Whether the file that is generated for `a` goes before that for `b`.
bool bf_netplan_before(const struct bf_netplan_def *a, const struct bf_netplan_def *b);
// The definition that a device gets; NULL when none means it.
struct bf_netplan_def *bf_netplan_winner(const struct bf_netplan *np, const char *name,
                                         const char *mac);
// Adds what all definitions say to the picture of the network.
void bf_netplan_known(struct bf_netplan *np, struct bf_net *net);

// What is written into a definition.
struct bf_netplan_new {
    struct bf_fin *f;
    const struct bf_link *link;
    struct bf_old *old; // gets the addresses that go
    bool hardware;      // match, set-name and the MAC address
    bool addresses;
    const char *set_name; // with hardware; "" when the name is not known
    bool matches;         // may have a match, which not every renderer takes
    bool had_dhcp;        // before
    bool first;           // before all others that mean the device, among NetworkManager's profiles
    struct bf_text dns, search; // of the old name servers, as lists in flow style
};

// Whether the key's lines go, because the plan says something else or because they are written
// anew.
bool bf_netplan_goes(const struct bf_netplan_new *w, const char *key);
// The new keys, each on lines of their own at a column, or on one line with ", " behind each.
void bf_netplan_lines(struct bf_text *out, const struct bf_netplan_new *w, size_t column,
                      bool routes);
void bf_netplan_flow(struct bf_text *out, const struct bf_netplan_new *w, bool routes);
void bf_netplan_route_lines(struct bf_text *out, const struct bf_plan_nic *nic, size_t column);
void bf_netplan_route_flow(struct bf_text *out, const struct bf_plan_nic *nic);

// Whether a route of a list is one that the plan's gateways replace.
bool bf_netplan_is_default(struct bf_sheet *s, yaml_node_t *route);
// Rewrites a definition in all its files. Fails after bf_refuse().
enum bf_err bf_netplan_rewrite(struct bf_netplan *np, const struct bf_netplan_def *def,
                               struct bf_netplan_new *w);
// Adds a definition with an id, in a file of its own; with the other settings of `like`, unless
// that is NULL. Fails after bf_refuse().
enum bf_err bf_netplan_create(struct bf_netplan *np, const char *id,
                              const struct bf_netplan_def *like, struct bf_netplan_new *w);
// A MAC address that is written down follows the plan.
void bf_netplan_follow_mac(struct bf_netplan *np, const struct bf_netplan_def *def,
                           const struct bf_link *link);
// Hands the edited files to the edit set.
enum bf_err bf_netplan_save(struct bf_fin *f, struct bf_netplan *np);

#endif
