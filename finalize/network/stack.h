// SPDX-License-Identifier: Apache-2.0
// A network stack: software that configures a guest's network at boot from files. Each has a file
// and a row here; network.c decides which interface belongs to whom and knows none by name.
#ifndef BF_FINALIZE_NETWORK_STACK_H
#define BF_FINALIZE_NETWORK_STACK_H

#include "finalize/system/fin.h"
#include "finalize/network/net.h"

struct bf_stack_ops {
    const char *name;  // in the report: "networkd"
    const char *title; // in sentences: "systemd-networkd"
    bool names_links;  // ties an interface's name to its MAC address by itself, when that is known
    bool finds_by_mac; // its files can mean an interface by the MAC address alone
    bool takes_all;    // brings up interfaces that no file speaks of
    bool dns_by_file;  // does not tell systemd-resolved of name servers, unless a hook does
    // Whether it runs at boot.
    bool (*in_use)(struct bf_fin *f);
    // Adds the interfaces that its files speak of; with adapt, it fills in their addresses too.
    // NULL, with adapt: it is recognised only.
    void (*scan)(struct bf_fin *f, struct bf_net *net);
    // MAC addresses that its files write down follow the plan, all at once, before any adapt. NULL:
    // adapt does it.
    enum bf_err (*follow)(struct bf_fin *f, const struct bf_link *link, size_t links);
    // Rewrites its files for one interface of the plan and adds the addresses that go to `old`.
    // Fails after bf_refuse() when they hold something that cannot be rewritten with certainty.
    enum bf_err (*adapt)(struct bf_fin *f, const struct bf_link *link, struct bf_old *old);
};

// The rows. Where several stacks run, the upper one gets an interface that none speaks of.
#define BF_STACKS(ROW)                                                                             \
    ROW(bf_networkmanager)                                                                         \
    ROW(bf_ifcfg)                                                                                  \
    ROW(bf_netplan)                                                                                \
    ROW(bf_networkd)                                                                               \
    ROW(bf_ifupdown)                                                                               \
    ROW(bf_suse_ifcfg)                                                                             \
    ROW(bf_wicked)                                                                                 \
    ROW(bf_netifrc)                                                                                \
    ROW(bf_netctl)                                                                                 \
    ROW(bf_dhcpcd)                                                                                 \
    ROW(bf_connman)                                                                                \
    ROW(bf_rc_inet1)                                                                               \
    ROW(bf_openvswitch)                                                                            \
    ROW(bf_teamd)

#define BF_STACK(row) extern const struct bf_stack_ops row;
BF_STACKS(BF_STACK)

// The table that tables.c makes of them, ended by NULL.
extern const struct bf_stack_ops *const bf_stacks[];

#endif
