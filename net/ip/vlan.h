// SPDX-License-Identifier: Apache-2.0
// The tag of a VLAN (IEEE 802.1Q, 9.6) in Ethernet frames, put in and taken out between the IP
// stack and the NIC's driver, and the size of the packets that fit a frame with it. For the IP
// stack.
#ifndef BF_NET_IP_VLAN_H
#define BF_NET_IP_VLAN_H

#include <stddef.h>
#include <stdint.h>

#include "net/nic.h"

enum { BF_VLAN_TAG = 4 }; // bytes

// A frame of len bytes that begins BF_VLAN_TAG bytes after `room` gets the tag of this VLAN with
// priority 0; it then begins at `room`. Returns its length. len is at least an Ethernet header's.
size_t bf_vlan_put(uint8_t *room, size_t len, uint16_t vlan);

// Whether a received frame is for this VLAN, 0: for none. *frame and *len lose the tag. A frame
// that has a priority and no VLAN (identifier 0) counts as untagged, as the standard has it.
int bf_vlan_take(uint8_t **frame, size_t *len, uint16_t vlan);

// The largest packet over this NIC with that VLAN (0: none): what the NIC says, less the tag where
// the driver's frames have no room for it, and no more than `most` (0: no further limit).
uint16_t bf_vlan_mtu(const struct bf_nic *nic, uint16_t vlan, uint16_t most);

#endif
