// SPDX-License-Identifier: Apache-2.0
// Which devices of a guest's network lie on which: VLANs, bonds and bridges in any order.
#ifndef BF_FINALIZE_NETWORK_LAYERS_H
#define BF_FINALIZE_NETWORK_LAYERS_H

#include "finalize/network/net.h"

// Whether the device `k` lies on the one called `base`, directly or with others between, or is it.
bool bf_net_lies_on(const struct bf_net *net, const struct bf_known *k, const char *base);
// The bridge or bond at the end above an interface, or the interface itself.
const char *bf_net_top_of(const struct bf_net *net, const char *name);
// The hardware below a device, when there is only one; "" when not, or when it has no name. Where a
// file speaks of it, *entry is that, else NULL.
const char *bf_net_hardware_of(const struct bf_net *net, const char *name,
                               const struct bf_known **entry);

#endif
