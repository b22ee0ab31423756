// SPDX-License-Identifier: Apache-2.0
// Which ifcfg file is an interface's, and the MAC addresses in all of them.
#ifndef BF_FINALIZE_NETWORK_IFCFG_FIND_H
#define BF_FINALIZE_NETWORK_IFCFG_FIND_H

#include "finalize/network/ifcfg.h"

// The file that configures the link's carrier; where there is none, `fresh` becomes the one to be
// made. Refuses several, one that nobody reads, and one that gets variables from another.
enum bf_err bf_ifcfg_find(struct bf_fin *f, const struct bf_ifcfg *set, const struct bf_link *link,
                          struct bf_ifcfg_file *fresh, const struct bf_ifcfg_file **file);
// Whether an address lies in the network of another, which is written with or without a length.
bool bf_ifcfg_reaches(const char *cidr, const char *ip);
// Whether a gateway in /etc/sysconfig/network is the device's: it names the device, or names none
// and lies in a network that the interface had.
bool bf_ifcfg_has_gateway(const struct bf_ifcfg *set, const struct bf_known *before,
                          const char *device, const char *key);
// The source's MAC address, written down for the hardware or for a device on it, becomes the new
// one.
enum bf_err bf_ifcfg_follow_mac(struct bf_fin *f, const struct bf_ifcfg *set,
                                const struct bf_link *link);

#endif
