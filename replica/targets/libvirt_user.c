// SPDX-License-Identifier: Apache-2.0
// A test's network inside QEMU (SLIRP with restrict=on): it has the planned gateways' addresses and
// lets nothing in or out. Nothing of the host changes for it, several tests may have the same
// addresses, and no privileges are needed. libvirt has no words for restrict= and host=, so the
// NICs stand in <qemu:commandline>, with PCI addresses of their own: QEMU makes such devices before
// libvirt's, and would give them addresses that libvirt has given away. libvirt's <ip> in
// <interface type='user'> gives the guest's network, but neither the gateway nor the restriction.
#include <arpa/inet.h>
#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "replica/targets/libvirt.h"

// From here downwards: libvirt assigns upwards from 1, and q35 has devices of its own above.
enum { LAST_SLOT = 0x1a };

// ---- Addresses ---------------------------------------------------------------------------------

enum bf_err bf_lv_address_read(const char *text, struct bf_lv_address *out)
{
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    char host[64];
    uint32_t most;

    memset(out, 0, sizeof *out);
    if (len >= sizeof host)
        return BF_ERR_RANGE;
    memcpy(host, text, len);
    host[len] = 0;
    out->family = strchr(host, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(out->family, host, out->bytes) != 1)
        return BF_ERR_RANGE;
    most = out->family == AF_INET ? 32 : 128;
    out->length = most;
    if (!slash)
        return BF_OK;
    if (!slash[1] || strlen(slash + 1) > 3)
        return BF_ERR_RANGE;
    out->length = 0;
    for (const char *c = slash + 1; *c; c++) {
        if (*c < '0' || *c > '9')
            return BF_ERR_RANGE;
        out->length = out->length * 10 + (uint32_t)(*c - '0');
    }
    return out->length <= most ? BF_OK : BF_ERR_RANGE;
}

void bf_lv_address_text(const struct bf_lv_address *a, char out[64])
{
    if (!inet_ntop(a->family, a->bytes, out, 64))
        out[0] = 0;
}

// The first `length` bits of both are the same.
static bool begins_alike(const uint8_t *a, const uint8_t *b, uint32_t length)
{
    uint8_t mask = (uint8_t)(0xff00 >> length % 8);

    return memcmp(a, b, length / 8) == 0 &&
           (length % 8 == 0 || (a[length / 8] & mask) == (b[length / 8] & mask));
}

bool bf_lv_address_in(const struct bf_lv_address *a, const struct bf_lv_address *b)
{
    return a->family == b->family && begins_alike(a->bytes, b->bytes, a->length);
}

// ---- The network around a gateway --------------------------------------------------------------

// SLIRP wants a network with room for its other addresses; which one it is matters to nobody but
// the host in it, so the length is at most this.
enum { LENGTH4 = 24, LENGTH6 = 64 };

// An address of the gateway's network that is not the gateway's.
static struct bf_lv_address neighbour(const struct bf_lv_address *gateway, uint8_t host)
{
    struct bf_lv_address a = *gateway;
    size_t last = a.family == AF_INET ? 3 : 15;

    if (a.bytes[last] == host || a.bytes[last] == host + 1)
        host += 2;
    a.bytes[last] = host;
    return a;
}

static struct bf_lv_address network_of(const struct bf_lv_address *gateway, uint32_t length)
{
    struct bf_lv_address net = *gateway;

    for (size_t i = length / 8; i < sizeof net.bytes; i++)
        net.bytes[i] = 0;
    return net;
}

static int add_ipv4(char *out, size_t size, const struct bf_lv_address *gateway)
{
    struct bf_lv_address net = network_of(gateway, LENGTH4);
    struct bf_lv_address dns = neighbour(gateway, 3), dhcp = neighbour(gateway, 15);
    char net_text[64], host[64], dns_text[64], dhcp_text[64];

    bf_lv_address_text(&net, net_text);
    bf_lv_address_text(gateway, host);
    bf_lv_address_text(&dns, dns_text);
    bf_lv_address_text(&dhcp, dhcp_text);
    return bf_snprintf(out, size, ",ipv4=on,net=%s/%u,host=%s,dns=%s,dhcpstart=%s", net_text,
                       LENGTH4, host, dns_text, dhcp_text);
}

// A link-local gateway is answered for by SLIRP when the host's address ends as it does.
static int add_ipv6(char *out, size_t size, const struct bf_lv_address *gateway)
{
    static const uint8_t site[8] = {0xfe, 0xc0};
    struct bf_lv_address host = *gateway, net, dns;
    char net_text[64], host_text[64], dns_text[64];

    if (host.bytes[0] == 0xfe && (host.bytes[1] & 0xc0) == 0x80)
        memcpy(host.bytes, site, sizeof site);
    net = network_of(&host, LENGTH6);
    dns = neighbour(&host, 3);
    bf_lv_address_text(&net, net_text);
    bf_lv_address_text(&host, host_text);
    bf_lv_address_text(&dns, dns_text);
    return bf_snprintf(out, size, ",ipv6=on,ipv6-net=%s/%u,ipv6-host=%s,ipv6-dns=%s", net_text,
                       LENGTH6, host_text, dns_text);
}

enum bf_err bf_lv_user_netdev(const struct bf_tgt_nic *nic, uint32_t number,
                              char out[BF_LV_ARG_MAX])
{
    struct bf_lv_address gateway;
    int len = bf_snprintf(out, BF_LV_ARG_MAX, "user,id=bf-net%u,restrict=on", number);

    if (nic->gateway4[0]) {
        if (bf_lv_address_read(nic->gateway4, &gateway) != BF_OK || gateway.family != AF_INET)
            return BF_ERR_RANGE;
        len += add_ipv4(out + len, (size_t)(BF_LV_ARG_MAX - len), &gateway);
    } else {
        // Without one, a DHCP server answers where the plan asks for it.
        len += bf_snprintf(out + len, (size_t)(BF_LV_ARG_MAX - len), ",ipv4=%s",
                           nic->dhcp || !nic->gateway6[0] ? "on" : "off");
    }
    BF_ASSERT(len < BF_LV_ARG_MAX);
    if (!nic->gateway6[0])
        return BF_OK;
    if (bf_lv_address_read(nic->gateway6, &gateway) != BF_OK || gateway.family != AF_INET6)
        return BF_ERR_RANGE;
    len += add_ipv6(out + len, (size_t)(BF_LV_ARG_MAX - len), &gateway);
    BF_ASSERT(len < BF_LV_ARG_MAX);
    return BF_OK;
}

void bf_lv_user_device(const struct bf_tgt_machine *m, uint32_t number, char out[BF_LV_ARG_MAX])
{
    const char *model = strcmp(m->nic_model, "virtio-net") == 0 ? "virtio-net-pci" : m->nic_model;

    BF_ASSERT(number < BF_LV_USER_NICS);
    bf_snprintf(out, BF_LV_ARG_MAX, "%s,netdev=bf-net%u,mac=%s,bus=%s,addr=%x", model, number,
                m->nic[number].mac, strcmp(m->type, "pc") == 0 ? "pci.0" : "pcie.0",
                LAST_SLOT - number);
}
