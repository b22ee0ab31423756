// SPDX-License-Identifier: Apache-2.0
// The network of a guest: which software configures it, which interfaces it knows, and rewriting
// their configuration as planned. Three stacks are adapted (ifupdown, systemd-networkd, netplan),
// each in a file of its own behind the functions at the end; network.c decides who gets what.
#ifndef BF_FINALIZE_NETWORK_H
#define BF_FINALIZE_NETWORK_H

#include "finalize/fin.h"

#define BF_NET_MAX 128

enum bf_stack {
    BF_STACK_NONE,
    BF_STACK_IFUPDOWN,
    BF_STACK_NETWORKD,
    BF_STACK_NETPLAN,
    BF_STACK_NM
};

// One interface that some configuration speaks of.
struct bf_known {
    enum bf_stack stack;    // whose configuration; NONE for a naming rule
    char name[BF_IFNAME];   // "" when it is matched by MAC or pattern only
    char alias[BF_IFNAME];  // netplan's set-name, when its id is another word; or ""
    char mac[BF_MAC_TEXT];  // lower case, "" when not said
    char master[BF_IFNAME]; // the bridge or bond that it is a port of, or ""
    bool made;              // a bridge, bond, VLAN or tunnel: no hardware behind it
    bool pattern;           // a wildcard that may mean several interfaces
};

struct bf_net {
    struct bf_known known[BF_NET_MAX];
    size_t count;
    bool active[BF_STACK_NM + 1];                   // which stacks run at boot
    char old_address[BF_NET_MAX][INET6_ADDRSTRLEN]; // addresses that the rewriting took away
    size_t old_count;
};

// A planned interface, found in the guest.
struct bf_link {
    const struct bf_plan_nic *nic;
    char name[BF_IFNAME];      // the guest's name of the hardware; "" when only its MAC is known
    char old_mac[BF_MAC_TEXT]; // "" when not known
    char carrier[BF_IFNAME];   // what carries the addresses: the same, or its bridge or bond
    enum bf_stack stack;
};

json_t *bf_network_inspect(struct bf_fin *f);

// Adds an interface; the one with the same stack and name (or MAC) is completed instead. NULL when
// full.
struct bf_known *bf_net_add(struct bf_net *net, enum bf_stack stack, const char *name,
                            const char *mac);
// Remembers an address (with or without /length) that is no longer the machine's.
void bf_net_old_address(struct bf_net *net, const char *address, size_t len);
const char *bf_stack_name(enum bf_stack stack);
// Copies a counted name or MAC (made lower case) into a field, "" when it does not fit.
void bf_net_copy(char *out, size_t size, const char *s, size_t len);

// Per stack: what its files know, and rewriting them for one link. The rewriting returns -1 after
// bf_refuse() when the files hold something that it cannot rewrite with certainty.
void bf_ifupdown_scan(struct bf_fin *f, struct bf_net *net);
int bf_ifupdown_adapt(struct bf_fin *f, struct bf_net *net, const struct bf_link *link);
void bf_networkd_scan(struct bf_fin *f, struct bf_net *net);
int bf_networkd_adapt(struct bf_fin *f, struct bf_net *net, const struct bf_link *link);
void bf_netplan_scan(struct bf_fin *f, struct bf_net *net);
int bf_netplan_adapt(struct bf_fin *f, struct bf_net *net, const struct bf_link *link);

// Interface naming, in naming.c: .link files and udev rules.
void bf_naming_scan(struct bf_fin *f, struct bf_net *net);
int bf_naming_adapt(struct bf_fin *f, const struct bf_link *link, size_t links);
// resolv.conf, where nothing else makes it.
int bf_resolv_adapt(struct bf_fin *f, const struct bf_link *link, size_t links);

#endif
