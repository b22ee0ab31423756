// SPDX-License-Identifier: Apache-2.0
// QEMU's own network (libslirp), made to look like the one that is planned for a NIC. It has one
// address per family that answers, which becomes the planned gateway; for one of IPv6's link-local
// addresses, the same interface identifier below a prefix of our own does.
#ifndef BF_REPLICA_TARGETS_USER_NET_H
#define BF_REPLICA_TARGETS_USER_NET_H

#include <stdbool.h>

#include "finalize/core/text.h"
#include "replica/targets/target.h"

// Appends the value of -netdev for this NIC. isolated: nothing beyond it can be reached, and with
// planned addresses nothing answers but the planned gateways (without any, nothing at all). number:
// of the NIC within its machine.
void bf_user_net(struct bf_text *out, const struct bf_tgt_nic *nic, uint32_t number, bool isolated);

// What cannot be as planned in a test, as a sentence; false: nothing.
bool bf_user_net_note(const struct bf_tgt_nic *nic, char *out, size_t size);

#endif
