// SPDX-License-Identifier: Apache-2.0
// VLAN tags. lwIP can do this as well, but then every frame passes through one more of its buffers,
// and a NIC whose frames have no room for a tag needs smaller packets, of which lwIP knows nothing.
#include "net/ip/vlan.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

enum {
    ADDRESSES = 12, // of destination and source
    HEADER = 14,
    TPID = 0x8100,    // a customer VLAN tag's protocol identifier
    ID_MASK = 0x0fff, // of the tag's control information
};

size_t bf_vlan_put(uint8_t *room, size_t len, uint16_t vlan)
{
    BF_ASSERT(len >= HEADER && vlan);
    memmove(room, room + BF_VLAN_TAG, ADDRESSES);
    bf_put_be16(room + ADDRESSES, TPID);
    bf_put_be16(room + ADDRESSES + 2, vlan);
    return len + BF_VLAN_TAG;
}

int bf_vlan_take(uint8_t **frame, size_t *len, uint16_t vlan)
{
    uint8_t *f = *frame;
    if (*len < HEADER + BF_VLAN_TAG || bf_be16(f + ADDRESSES) != TPID)
        return vlan == 0;
    if ((bf_be16(f + ADDRESSES + 2) & ID_MASK) != vlan)
        return 0;
    memmove(f + BF_VLAN_TAG, f, ADDRESSES);
    *frame = f + BF_VLAN_TAG;
    *len -= BF_VLAN_TAG;
    return 1;
}

uint16_t bf_vlan_mtu(const struct bf_nic *nic, uint16_t vlan, uint16_t most)
{
    uint16_t mtu = nic->mtu;
    if (vlan && nic->tag_room < BF_VLAN_TAG)
        mtu = (uint16_t)(mtu - (BF_VLAN_TAG - nic->tag_room));
    return most && most < mtu ? most : mtu;
}
