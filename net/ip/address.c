// SPDX-License-Identifier: Apache-2.0
// Both forms are in network order.
#include "net/ip/address.h"

#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"

ip_addr_t bf_ip_to_lwip(const struct bf_ip *ip)
{
    ip_addr_t out = IPADDR4_INIT(0);
    BF_ASSERT(!ip->family || ip->family == 4 || ip->family == 6);
    if (ip->family == 4) {
        IP_ADDR4(&out, ip->bytes[0], ip->bytes[1], ip->bytes[2], ip->bytes[3]);
    } else if (ip->family == 6) {
        uint32_t part[4];
        memcpy(part, ip->bytes, sizeof part); // both in network order
        IP_ADDR6(&out, part[0], part[1], part[2], part[3]);
    }
    return out;
}

void bf_ip_lwip_text(char *out, size_t size, const ip_addr_t *address)
{
    struct bf_ip ip = {.family = IP_IS_V4(address) ? 4 : 6};
    if (IP_IS_V4(address))
        memcpy(ip.bytes, &ip_2_ip4(address)->addr, 4);
    else
        memcpy(ip.bytes, ip_2_ip6(address)->addr, sizeof ip.bytes);
    bf_ip_text(out, size, &ip);
}
