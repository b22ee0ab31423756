// SPDX-License-Identifier: Apache-2.0
// The network of a guest: which software configures it, which interfaces it knows, and rewriting
// their configuration as planned. network.c decides who gets what; the stacks are rows of stack.h.
#ifndef BF_FINALIZE_NETWORK_NETWORK_H
#define BF_FINALIZE_NETWORK_NETWORK_H

#include "finalize/system/fin.h"
#include "finalize/network/net.h"

// What every stack in use and every naming rule says, as the files will be, in scan.c.
void bf_network_scan(struct bf_fin *f, struct bf_net *net);

// Which interface each planned one is, in resolve.c: `link` has room for all of the plan, `macs`
// is the journal's. Refuses what is not known, not certain or contradicts itself.
enum bf_err bf_network_resolve(struct bf_fin *f, const struct bf_net *net, const json_t *macs,
                               struct bf_link *link);
// Whether the files, as they will be, give each carrier what the plan says, in result.c. Refuses a
// result without a planned address, and adds the table of old and new to the report.
enum bf_err bf_network_result(struct bf_fin *f, const struct bf_link *link);

// Interface naming, in naming.c: .link files, udev rules, and what else names interfaces.
void bf_naming_scan(struct bf_fin *f, struct bf_net *net);
enum bf_err bf_naming_adapt(struct bf_fin *f, const struct bf_link *link, size_t links);
// The network that an initramfs configures, in boot_words.c: the settings of initramfs-tools here,
// and f->network_word for the kernel's command lines, which the boot loaders' step rewrites.
enum bf_err bf_boot_words_adapt(struct bf_fin *f);
// Appends a text with every old MAC address of the links replaced by the new one, spelt as the old
// one was; comments stay.
void bf_naming_swap_macs(struct bf_text *out, const char *text, size_t len,
                         const struct bf_link *link, size_t links);
// DHCP leases of the interfaces that move are removed.
enum bf_err bf_leases_adapt(struct bf_fin *f, const struct bf_link *link, size_t links);
// Addresses in /etc/hosts that the machine gave up become the planned ones.
enum bf_err bf_hosts_adapt(struct bf_fin *f, const struct bf_old *old);
// resolv.conf, where nothing else makes it.
enum bf_err bf_resolv_adapt(struct bf_fin *f, const struct bf_link *link, size_t links);

#endif
