// SPDX-License-Identifier: Apache-2.0
// What the files of a guest say about its network, as the stacks, the naming of interfaces and
// whoever decides between them share it.
#ifndef BF_FINALIZE_NETWORK_NET_H
#define BF_FINALIZE_NETWORK_NET_H

#include "finalize/core/plan.h"
#include "finalize/core/rows.h"

#define BF_NET_MAX 128

struct bf_stack_ops;

// One interface that some configuration speaks of.
struct bf_known {
    const struct bf_stack_ops *stack; // whose configuration; NULL: a naming rule
    char name[BF_IFNAME];             // "" when it is matched by MAC or pattern only
    char alias[BF_IFNAME];            // netplan's set-name, when its id is another word; or ""
    char mac[BF_MAC_TEXT];            // lower case, "" when not said
    char master[BF_IFNAME];           // the bridge or bond that it is a port of, or ""
    bool made;                        // a bridge, bond, VLAN or tunnel: no hardware behind it
    bool pattern;                     // a wildcard that may mean several interfaces
};

struct bf_net {
    const struct bf_stack_ops *stack[BF_ROWS_MAX]; // those that run at boot, preferred first
    size_t stacks;
    struct bf_known known[BF_NET_MAX];
    size_t count;
};

// A planned interface, found in the guest.
struct bf_link {
    const struct bf_plan_nic *nic;
    char name[BF_IFNAME];      // the guest's name of the hardware; "" when only its MAC is known
    char old_mac[BF_MAC_TEXT]; // "" when not known
    char carrier[BF_IFNAME];   // what carries the addresses: the same, or its bridge or bond
    const struct bf_stack_ops *stack; // who configures the carrier
};

// The addresses that a rewriting took out of the files: no longer the machine's.
struct bf_old {
    char address[BF_NET_MAX][INET6_ADDRSTRLEN];
    size_t count;
};

// Adds an interface; the one with the same stack and name (or MAC) is completed instead. NULL when
// full.
struct bf_known *bf_net_add(struct bf_net *net, const struct bf_stack_ops *stack, const char *name,
                            const char *mac);
// Copies a counted name or MAC (made lower case) into a field, "" when it does not fit.
void bf_net_copy(char *out, size_t size, const char *s, size_t len);
// Adds an address, with or without /length. One that does not fit is left out.
void bf_old_add(struct bf_old *old, const char *address, size_t len);

#endif
