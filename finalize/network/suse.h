// SPDX-License-Identifier: Apache-2.0
// The ifcfg files of SUSE, as their reader (suse.c) and their editors share them.
#ifndef BF_FINALIZE_NETWORK_SUSE_H
#define BF_FINALIZE_NETWORK_SUSE_H

#include "finalize/core/shvar.h"
#include "finalize/network/stack.h"

#define BF_SUSE_DIR  "/etc/sysconfig/network"
#define BF_SUSE_PATH 288

// Whether wicked reads the files; otherwise ifup of the sysconfig package does.
bool bf_suse_is_wicked(struct bf_fin *f);
// Whether wicked or ifup runs at boot.
bool bf_suse_in_use(struct bf_fin *f);
// The interfaces that have an ifcfg file which is read, as their names in the folder. To be freed
// with bf_names_free().
enum bf_err bf_suse_files(struct bf_fin *f, struct bf_names *out);
// Whether the name ends in one of the suffixes; the list ends with NULL.
bool bf_suse_ends_in(const char *name, const char *const *suffix);
// "/etc/sysconfig/network/KIND-NAME".
void bf_suse_path(char out[BF_SUSE_PATH], const char *kind, const char *name);

// Whether STARTMODE means that the interface is brought up at boot.
bool bf_suse_boots(const struct bf_shvars *vars);
// Whether BOOTPROTO starts a DHCP client; `four` asks for IPv4 alone.
bool bf_suse_dhcp(struct bf_fin *f, const struct bf_shvars *vars, bool four);
// Whether BOOTPROTO lets the addresses of IPADDR be set, and no others but those of DHCP.
bool bf_suse_is_static(const char *bootproto);
// The address of IPADDR with a suffix, with its length by the order of precedence: "" when the
// reader would ignore it.
void bf_suse_address(const struct bf_shvars *vars, const char *suffix, char out[BF_CIDR_TEXT]);

// Rewrites the ifcfg file of the carrier, in suse_edit.c.
enum bf_err bf_suse_adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old);
// The default routes of the carrier become the plan's in ifroute-NAME and routes, in suse_routes.c.
// Routes that stay and lead out of the planned networks are noted.
enum bf_err bf_suse_routes(struct bf_fin *f, const struct bf_link *link, const char *carrier);
// The plan's name servers, which are the whole system's, in suse_dns.c.
enum bf_err bf_suse_dns(struct bf_fin *f);

// Says where wicked is told to read interfaces from places that nothing here reads, in wicked.c.
void bf_wicked_sources(struct bf_fin *f, struct bf_net *net);

#endif
