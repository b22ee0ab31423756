// SPDX-License-Identifier: Apache-2.0
// Messages about the path's MTU, see net/ip/pmtu.h. Anybody can forge them: the caller believes one
// only about a segment that is under way, and the MTU never goes below what every path has. Their
// checksums are not looked at: what they quote has to fit.
#include "net/ip/pmtu.h"

#include <string.h>

#include "base/bytes.h"

enum {
    ETHERNET = 14,
    IP4 = 20,
    IP6 = 40,
    ICMP = 8,
    PORTS = 8, // of the TCP header that is quoted: ports and sequence number
    TCP_PROTOCOL = 6,
    ICMP4 = 1,
    ICMP6 = 58,
    UNREACHABLE = 3,
    FRAGMENTATION_NEEDED = 4,
    PACKET_TOO_BIG = 2,
};

static void take_ports(const uint8_t *tcp, struct bf_pmtu_news *out)
{
    out->local_port = bf_be16(tcp);
    out->remote_port = bf_be16(tcp + 2);
    out->seq = bf_be32(tcp + 4);
}

static int parse4(const uint8_t *ip, size_t len, struct bf_pmtu_news *out)
{
    size_t header = (size_t)(ip[0] & 15) * 4;
    if (header < IP4 || len < header || len - header < ICMP + IP4 || ip[9] != ICMP4 ||
        (bf_be16(ip + 6) & 0x3fff))
        return 0;
    const uint8_t *icmp = ip + header, *quoted = icmp + ICMP;
    size_t left = len - header - ICMP, quoted_header = (size_t)(quoted[0] & 15) * 4;
    if (icmp[0] != UNREACHABLE || icmp[1] != FRAGMENTATION_NEEDED || quoted[0] >> 4 != 4 ||
        quoted_header < IP4 || left < quoted_header || left - quoted_header < PORTS ||
        quoted[9] != TCP_PROTOCOL)
        return 0;
    out->family = 4;
    memcpy(out->local, quoted + 12, 4);
    memcpy(out->remote, quoted + 16, 4);
    take_ports(quoted + quoted_header, out);
    out->mtu = bf_be16(icmp + 6);
    if (out->mtu < BF_PMTU_LEAST4) // 0: a router of before RFC 1191
        out->mtu = BF_PMTU_LEAST4;
    return 1;
}

static int parse6(const uint8_t *ip, size_t len, struct bf_pmtu_news *out)
{
    const uint8_t *icmp = ip + IP6, *quoted = icmp + ICMP;
    if (len < IP6 + ICMP + IP6 + PORTS || ip[6] != ICMP6 || icmp[0] != PACKET_TOO_BIG ||
        quoted[0] >> 4 != 6 || quoted[6] != TCP_PROTOCOL)
        return 0;
    uint32_t mtu = bf_be32(icmp + 4);
    out->family = 6;
    memcpy(out->local, quoted + 8, 16);
    memcpy(out->remote, quoted + 24, 16);
    take_ports(quoted + IP6, out);
    out->mtu = (uint16_t)(mtu < BF_PMTU_LEAST6 ? BF_PMTU_LEAST6 : mtu > 0xffff ? 0xffff : mtu);
    return 1;
}

int bf_pmtu_parse(const uint8_t *packet, size_t len, struct bf_pmtu_news *out)
{
    memset(out, 0, sizeof *out);
    if (len < IP4)
        return 0;
    if (packet[0] >> 4 == 4)
        return parse4(packet, len, out);
    return packet[0] >> 4 == 6 && parse6(packet, len, out);
}

void bf_pmtu_mark(uint8_t *frame, size_t len)
{
    uint8_t *ip = frame + ETHERNET;
    if (len < ETHERNET + IP4 || bf_be16(frame + 12) != 0x0800 || ip[9] != TCP_PROTOCOL ||
        (ip[6] & 0x40))
        return;
    // The sum of the header grows by 0x4000, its complement shrinks by as much (RFC 1624).
    uint32_t sum = bf_be16(ip + 10) + 0xbfffu;
    sum = (sum & 0xffff) + (sum >> 16);
    ip[6] |= 0x40;
    bf_put_be16(ip + 10, (uint16_t)sum);
}
