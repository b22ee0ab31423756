// SPDX-License-Identifier: Apache-2.0
// The network of a guest: which software configures it, which interfaces it knows, and rewriting
// their configuration as planned. network.c decides who gets what; the stacks are rows of stack.h.
#ifndef BF_FINALIZE_NETWORK_NETWORK_H
#define BF_FINALIZE_NETWORK_NETWORK_H

#include "finalize/system/fin.h"
#include "finalize/network/net.h"

// Interface naming, in naming.c: .link files and udev rules.
void bf_naming_scan(struct bf_fin *f, struct bf_net *net);
enum bf_err bf_naming_adapt(struct bf_fin *f, const struct bf_link *link, size_t links);
// Addresses in /etc/hosts that the machine gave up become the planned ones.
enum bf_err bf_hosts_adapt(struct bf_fin *f, const struct bf_old *old);
// resolv.conf, where nothing else makes it.
enum bf_err bf_resolv_adapt(struct bf_fin *f, const struct bf_link *link, size_t links);

#endif
