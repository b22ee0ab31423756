// SPDX-License-Identifier: Apache-2.0
// The network of a guest: which software configures it, which interfaces it knows, and rewriting
// their configuration as planned. Three stacks are adapted (ifupdown, systemd-networkd, netplan),
// each in a file of its own behind the functions at the end; network.c decides who gets what.
#ifndef BF_FINALIZE_NETWORK_H
#define BF_FINALIZE_NETWORK_H

#include "finalize/fin.h"
#include "finalize/net.h"

json_t *bf_network_inspect(struct bf_fin *f);

const char *bf_stack_name(enum bf_stack stack);

// Per stack: what its files know, and rewriting them for one link. The rewriting adds the
// addresses that it took away to `old`, and returns -1 after bf_refuse() when the files hold
// something that it cannot rewrite with certainty.
void bf_ifupdown_scan(struct bf_fin *f, struct bf_net *net);
int bf_ifupdown_adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old);
void bf_networkd_scan(struct bf_fin *f, struct bf_net *net);
int bf_networkd_adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old);
void bf_netplan_scan(struct bf_fin *f, struct bf_net *net);
int bf_netplan_adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old);

// Interface naming, in naming.c: .link files and udev rules.
void bf_naming_scan(struct bf_fin *f, struct bf_net *net);
int bf_naming_adapt(struct bf_fin *f, const struct bf_link *link, size_t links);
// Addresses in /etc/hosts that the machine gave up become the planned ones.
int bf_hosts_adapt(struct bf_fin *f, const struct bf_old *old);
// resolv.conf, where nothing else makes it.
int bf_resolv_adapt(struct bf_fin *f, const struct bf_link *link, size_t links);

#endif
