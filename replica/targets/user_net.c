// SPDX-License-Identifier: Apache-2.0
// Addresses for libslirp, see user_net.h. Beside its host it wants an address for a name server,
// which answers ARP and neighbour solicitations too, and the first that DHCP gives; both have to
// lie in the host's network and be none of the planned ones. So its network is that of the last 8
// bits around the gateway (the last 64 of IPv6), whatever length is planned: what it does not have
// is asked for in vain either way. The name server gets the last address of it that is free, for
// which nobody asks.
#include "replica/targets/user_net.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"

enum { NET4 = 256, INTERFACE_ID = 8 };

// A prefix of RFC 4193 for gateways whose own is not known; its global id spells a name.
static const uint8_t our_prefix[8] = {0xfd, 'f', 'e', 'r', 'r', 'y', 0, 0};

static bool is_planned(const struct bf_tgt_nic *nic, int family, const void *raw)
{
    char text[INET6_ADDRSTRLEN];
    size_t len;

    if (!inet_ntop(family, raw, text, sizeof text))
        return false;
    len = strlen(text);
    for (uint32_t i = 0; i < nic->addresses; i++)
        if (strncmp(nic->address[i], text, len) == 0 &&
            (nic->address[i][len] == '/' || !nic->address[i][len]))
            return true;
    return false;
}

// The last address of the network that is neither the gateway nor planned, below `under`.
static uint32_t free4(const struct bf_tgt_nic *nic, uint32_t gateway, uint32_t under)
{
    for (uint32_t last = under; last-- > 0;) {
        uint32_t candidate = (gateway & ~(uint32_t)(NET4 - 1)) | last, raw = htonl(candidate);
        if (candidate != gateway && !is_planned(nic, AF_INET, &raw))
            return candidate;
    }
    return gateway & ~(uint32_t)(NET4 - 1);
}

static void add4(struct bf_text *out, const char *key, uint32_t address)
{
    bf_textf(out, ",%s=%u.%u.%u.%u", key, address >> 24, address >> 16 & 255, address >> 8 & 255,
             address & 255);
}

static void answer4(struct bf_text *out, const struct bf_tgt_nic *nic)
{
    uint32_t raw, gateway, dns;

    if (inet_pton(AF_INET, nic->gateway4, &raw) != 1)
        return;
    gateway = ntohl(raw);
    dns = free4(nic, gateway, NET4);
    add4(out, "net", gateway & ~(uint32_t)(NET4 - 1));
    bf_text_str(out, "/24");
    add4(out, "host", gateway);
    add4(out, "dns", dns);
    add4(out, "dhcpstart", free4(nic, gateway, dns & (NET4 - 1)));
}

static bool is_link_local(const uint8_t raw[16])
{
    return raw[0] == 0xfe && (raw[1] & 0xc0) == 0x80;
}

static void add6(struct bf_text *out, const char *key, const uint8_t raw[16])
{
    char text[INET6_ADDRSTRLEN];

    if (inet_ntop(AF_INET6, raw, text, sizeof text))
        bf_textf(out, ",%s=%s", key, text);
}

static void answer6(struct bf_text *out, const struct bf_tgt_nic *nic)
{
    uint8_t host[16], net[16], dns[16];

    if (inet_pton(AF_INET6, nic->gateway6, host) != 1)
        return;
    if (is_link_local(host))
        memcpy(host, our_prefix, sizeof our_prefix);
    memcpy(net, host, sizeof net);
    memset(net + INTERFACE_ID, 0, sizeof net - INTERFACE_ID);
    memcpy(dns, host, sizeof dns);
    memset(dns + INTERFACE_ID, 0xff, sizeof dns - INTERFACE_ID);
    while (memcmp(dns, host, sizeof dns) == 0 || is_planned(nic, AF_INET6, dns))
        dns[15]--;
    add6(out, "ipv6-net", net);
    bf_text_str(out, "/64");
    add6(out, "ipv6-host", host);
    add6(out, "ipv6-dns", dns);
}

static bool knows_nothing(const struct bf_tgt_nic *nic)
{
    return !nic->addresses && !nic->dhcp;
}

void bf_user_net(struct bf_text *out, const struct bf_tgt_nic *nic, uint32_t number, bool isolated)
{
    bool any4 = nic->gateway4[0] || nic->dhcp || knows_nothing(nic) || !isolated;
    bool any6 = nic->gateway6[0] || nic->dhcp || knows_nothing(nic) || !isolated;

    if (!any4 && !any6) {
        bf_textf(out, "hubport,id=net%u,hubid=%u", number, number); // a switch of its own
        return;
    }
    bf_textf(out, "user,id=net%u%s", number, isolated ? ",restrict=on" : "");
    if (any4)
        answer4(out, nic);
    else
        bf_text_str(out, ",ipv4=off");
    if (any6)
        answer6(out, nic);
    else
        bf_text_str(out, ",ipv6=off");
}

bool bf_user_net_note(const struct bf_tgt_nic *nic, char *out, size_t size)
{
    if (knows_nothing(nic))
        bf_snprintf(out, size,
                    "the plan says nothing of NIC %s: in the test it is offered addresses by DHCP, "
                    "and nothing answers for a gateway that it has of old",
                    nic->mac);
    else if (nic->dhcp && !nic->gateway6[0])
        bf_snprintf(out, size, "NIC %s gets addresses of the test's network by DHCP: 10.0.2.0/24",
                    nic->mac);
    else if (!nic->gateway4[0] && !nic->gateway6[0])
        bf_snprintf(out, size, "NIC %s has no planned gateway: in the test nothing answers there",
                    nic->mac);
    else
        return false;
    return true;
}
