// SPDX-License-Identifier: Apache-2.0
// The [ipv4] and [ipv6] groups of a NetworkManager profile: methods, addresses, gateways, and what
// makes the daemon refuse a profile.
#ifndef BF_FINALIZE_NETWORK_NM_IP_H
#define BF_FINALIZE_NETWORK_NM_IP_H

#include "finalize/network/nm_profile.h"

// Reads both families' groups; ip[0] is IPv4's.
void bf_nm_ip_parse(const char *text, size_t len, struct bf_nm_ip ip[2]);
// Why the daemon would refuse a profile with these; NULL when it takes it.
const char *bf_nm_ip_refusal(const struct bf_nm_ip ip[2]);
// The number behind `base` in "address3", -1 for `base` alone; false for any other key.
bool bf_nm_ip_indexed(const char *key, const char *base, long *index);
// Whether a line "routeN=..." is a default route.
bool bf_nm_ip_is_default_route(const struct bf_keyfile *k);

#endif
