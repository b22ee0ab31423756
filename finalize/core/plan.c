// SPDX-License-Identifier: Apache-2.0
// What follows from a plan's interfaces.
#include "finalize/core/plan.h"

#include <arpa/inet.h>
#include <string.h>

bool bf_nic_readdresses(const struct bf_plan_nic *nic)
{
    return nic->dhcp || nic->addresses > 0;
}

const struct bf_address *bf_nic_address(const struct bf_plan_nic *nic, int family)
{
    for (size_t i = 0; i < nic->addresses; i++)
        if (nic->address[i].family == family)
            return &nic->address[i];
    return NULL;
}

bool bf_address_reaches(const struct bf_address *address, const char *ip)
{
    unsigned char a[16], b[16];
    if (inet_pton(address->family, address->text, a) != 1 || inet_pton(address->family, ip, b) != 1)
        return false;
    unsigned bytes = address->prefix / 8, bits = address->prefix % 8;
    return memcmp(a, b, bytes) == 0 && (bits == 0 || ((a[bytes] ^ b[bytes]) >> (8 - bits)) == 0);
}

bool bf_nic_on_link(const struct bf_plan_nic *nic, int family)
{
    const char *gateway = family == AF_INET ? nic->gateway4 : nic->gateway6;
    if (!gateway[0] || strncmp(gateway, "fe80:", 5) == 0)
        return false;
    for (size_t i = 0; i < nic->addresses; i++)
        if (nic->address[i].family == family && bf_address_reaches(&nic->address[i], gateway))
            return false;
    return true;
}

const char *bf_nic_mac(const struct bf_plan_nic *nic)
{
    return nic->new_mac[0] ? nic->new_mac : nic->mac;
}
