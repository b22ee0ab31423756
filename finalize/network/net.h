// SPDX-License-Identifier: Apache-2.0
// What the files of a guest say about its network, as the stacks, the naming of interfaces and
// whoever decides between them share it.
#ifndef BF_FINALIZE_NETWORK_NET_H
#define BF_FINALIZE_NETWORK_NET_H

#include "finalize/core/plan.h"
#include "finalize/core/rows.h"

#define BF_NET_MAX         128
#define BF_KNOWN_ADDRESSES 16
#define BF_CIDR_TEXT       (INET6_ADDRSTRLEN + 4) // "2001:db8::5/64"

struct bf_stack_ops;

// What a device of the network is. Only hardware is named by its MAC address (naming.c).
enum bf_known_kind {
    BF_KNOWN_HARDWARE,
    BF_KNOWN_BRIDGE,
    BF_KNOWN_BOND, // or a team
    BF_KNOWN_VLAN,
    BF_KNOWN_OTHER, // a tunnel, a dummy, a VRF: nothing planned lies below it
};

// One interface that some configuration speaks of. A stack fills it with what its reader would make
// of all files together: of shadowed, masked and merged ones the result.
struct bf_known {
    const struct bf_stack_ops *stack; // whose configuration; NULL: a naming rule
    char name[BF_IFNAME];             // the kernel's name; "" when matched by MAC or pattern only
    char alias[BF_IFNAME];            // another name that it goes by (netplan's id), or ""
    char mac[BF_MAC_TEXT];            // that finds or names it, lower case; "" when not said
    char set_mac[BF_MAC_TEXT];        // that the configuration gives it; "" when none
    char master[BF_IFNAME];           // the bridge or bond that it is a port of, or ""
    char parent[BF_IFNAME];           // the device that a VLAN lies on, or ""
    enum bf_known_kind kind;
    bool pattern; // a wildcard that may mean several interfaces
    bool dhcp;    // asks a DHCP server for its addresses
    // The static addresses that it gets at boot, each as "192.0.2.5/24"; the length is left out
    // where the file says none. One too many is left out.
    char address[BF_KNOWN_ADDRESSES][BF_CIDR_TEXT];
    size_t addresses;
    // Its default gateways, by which a plan of what is there is made; "" where there is none, or
    // the stack does not say.
    char gateway4[INET6_ADDRSTRLEN];
    char gateway6[INET6_ADDRSTRLEN];
    char file[256]; // where it is configured first, from the guest's point of view; "" not said
    unsigned line;  // in that file, from 1; 0: not said
};

struct bf_net {
    const struct bf_stack_ops *stack[BF_ROWS_MAX]; // those that run at boot, preferred first
    size_t stacks;
    struct bf_known known[BF_NET_MAX];
    size_t count;
    char trouble[512]; // why a file that a stack in use reads is not understood; "" when all are
};

// A planned interface, found in the guest.
struct bf_link {
    const struct bf_plan_nic *nic;
    char name[BF_IFNAME];             // the guest's name of the hardware; "" when it is not known
    char old_mac[BF_MAC_TEXT];        // of the hardware; "" when not known
    char carrier[BF_IFNAME];          // what carries the addresses: the same, or a device above it
    const struct bf_stack_ops *stack; // who configures the carrier
    const struct bf_known *known;     // the carrier before anything was changed; NULL: not known
    bool settled;                     // the carrier has its planned addresses already
};

// What is no longer the machine's: addresses that the rewriting took out of the files, with the
// length of their network where that is known (0: it is not); name servers; MAC addresses.
struct bf_old {
    char address[BF_NET_MAX][INET6_ADDRSTRLEN];
    unsigned prefix[BF_NET_MAX];
    size_t count;
    char server[BF_PLAN_DNS][INET6_ADDRSTRLEN];
    size_t servers;
    char mac[BF_PLAN_NICS][BF_MAC_TEXT];
    size_t macs;
};

// Adds an interface; the one with the same stack and name (or MAC) is completed instead. NULL when
// full.
struct bf_known *bf_net_add(struct bf_net *net, const struct bf_stack_ops *stack, const char *name,
                            const char *mac);
// Adds an address that the interface gets at boot, with or without "/length", as a counted word.
void bf_net_address(struct bf_known *k, const char *text, size_t len);
// The length of a network from a mask ("255.255.255.0") or a length ("24"), as a counted word; -1
// when it is neither.
int bf_net_prefix(const char *text, size_t len);
// Whether two texts are the same IP address; what follows a "/" does not count.
bool bf_net_same_ip(const char *a, const char *b);
// Says where an interface is configured, unless a place is known already. `line` counts from 1.
void bf_net_where(struct bf_known *k, const char *file, unsigned line);
// Says that a file cannot be understood: with it, no plan for the network is carried out. The first
// reason stays.
void bf_net_trouble(struct bf_net *net, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// Whether the interface has hardware behind it, and is not the loopback.
bool bf_net_is_hardware(const struct bf_known *k);
// Whether its configuration gives it an address, static or by DHCP.
bool bf_net_is_addressed(const struct bf_known *k);
// Says what a device is where other stacks' files know its name only: its kind, and the master and
// the parent that it lies on ("" when not said). What they say stays.
void bf_net_describe(struct bf_net *net, const char *name, enum bf_known_kind kind,
                     const char *master, const char *parent);
// The interface of a stack (any, when NULL) with that name or alias; NULL when there is none.
const struct bf_known *bf_net_find(const struct bf_net *net, const struct bf_stack_ops *stack,
                                   const char *name);
// Copies a counted name or MAC (made lower case) into a field, "" when it does not fit.
void bf_net_copy(char *out, size_t size, const char *s, size_t len);
// Adds an address, with or without /length. One that does not fit is left out.
void bf_old_add(struct bf_old *old, const char *address, size_t len);

#endif
