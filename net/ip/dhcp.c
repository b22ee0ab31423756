// SPDX-License-Identifier: Apache-2.0
// lwIP shows each option that it does not know with the message under way. An option may come in
// several parts, which are put together (RFC 3396), and in the fields of the file and the server
// name; one that is longer than what is kept is ignored as a whole. Option 121 must stand before
// option 3 in the list of what is wanted (RFC 3442), and lwIP can only append: the list is turned.
#include "net/ip/dhcp.h"

#include <string.h>

#include <lwip/dhcp.h>
#include <lwip/pbuf.h>
#include <lwip/prot/dhcp.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/log.h"
#include "net/ip/lwip_hooks.h"

enum { KEPT = 1024 };

static const uint8_t CODES[] = {BF_DHCP_OPTION_DNS, BF_DHCP_OPTION_DOMAIN, BF_DHCP_OPTION_SEARCH,
                                BF_DHCP_OPTION_ROUTES, BF_DHCP_OPTION_MTU};

enum { DNS, DOMAIN, SEARCH, ROUTES, MTU, OPTIONS };

static struct {
    uint32_t packet; // that the options are of
    struct {
        uint32_t len; // more than KEPT: too long
        uint8_t bytes[KEPT];
    } option[OPTIONS];
} message;

static void forget(void)
{
    for (int i = 0; i < OPTIONS; i++)
        message.option[i].len = 0;
}

void bf_dhcp_option(uint8_t code, uint8_t len, const struct pbuf *p, uint16_t at)
{
    if (message.packet != bf_lwip_packets())
        forget();
    message.packet = bf_lwip_packets();
    for (int i = 0; i < OPTIONS; i++) {
        uint32_t have = message.option[i].len;
        if (CODES[i] != code)
            continue;
        BF_ASSERT(have <= KEPT + 1);
        if (have + len > KEPT)
            message.option[i].len = KEPT + 1;
        else if (pbuf_copy_partial(p, message.option[i].bytes + have, len, at) == len)
            message.option[i].len += len;
    }
}

void bf_dhcp_wanted(uint8_t *options, uint16_t len)
{
    for (uint32_t at = 0; at + 2 < len; at += 2u + options[at + 1]) {
        uint8_t *list = options + at + 2, count = options[at + 1];
        if (options[at] != DHCP_OPTION_PARAMETER_REQUEST_LIST || !count || at + 2 + count > len)
            continue;
        uint8_t last = list[count - 1];
        memmove(list + 1, list, count - 1u);
        list[0] = last;
    }
}

// ---- The end of a lease ------------------------------------------------------------------------

// lwIP counts minutes: with a lease of one, its end came before it was ever renewed.
void bf_dhcp_endless(struct netif *netif)
{
    BF_ASSERT(netif_dhcp_data(netif));
    netif_dhcp_data(netif)->t0_timeout = UINT16_MAX;
}

void bf_dhcp_keep(struct netif *netif)
{
    struct dhcp *dhcp = netif_dhcp_data(netif);
    if (dhcp && dhcp->state == DHCP_STATE_REBINDING)
        dhcp->t2_rebind_time = 1; // the next minute
}

// ---- Reading -----------------------------------------------------------------------------------

static int has(int option)
{
    uint32_t len = message.option[option].len;
    if (len > KEPT)
        bf_log(BF_LOG_WARNING, "network: DHCP option %u is longer than %u bytes; ignoring it",
               (unsigned)CODES[option], KEPT);
    return len > 0 && len <= KEPT;
}

static void malformed(int option)
{
    bf_log(BF_LOG_WARNING, "network: DHCP option %u is malformed; ignoring it",
           (unsigned)CODES[option]);
}

static void read_domains(struct bf_dhcp_extras *out)
{
    const char *domain = (const char *)message.option[DOMAIN].bytes;
    size_t len = message.option[DOMAIN].len;
    if (has(SEARCH))
        out->domains = bf_dns_read_domains(message.option[SEARCH].bytes, message.option[SEARCH].len,
                                           out->domain);
    if (out->domains || !has(DOMAIN))
        return;
    while (len > 0 && (domain[len - 1] == 0 || domain[len - 1] == '.'))
        len--;
    if (!bf_dns_is_domain(domain, len)) {
        malformed(DOMAIN);
        return;
    }
    BF_ASSERT(len < BF_DNS_NAME);
    memcpy(out->domain[0], domain, len);
    out->domains = 1;
}

// RFC 2132, 5.1. What every IPv4 host must take whole is the least that is believed.
static void read_mtu(struct bf_dhcp_extras *out)
{
    const uint8_t *b = message.option[MTU].bytes;
    if (!has(MTU))
        return;
    uint16_t mtu = bf_be16(b);
    if (message.option[MTU].len == 2 && mtu >= BF_CONFIG_MTU_LEAST)
        out->mtu = mtu;
    else
        malformed(MTU);
}

void bf_dhcp_read(struct bf_dhcp_extras *out)
{
    memset(out, 0, sizeof *out);
    if (message.packet != bf_lwip_packets())
        forget(); // the message that is being judged has none of these options
    for (uint32_t at = 0; has(DNS) && at + 4 <= message.option[DNS].len; at += 4) {
        if (out->dns_count == BF_DHCP_DNS)
            break;
        out->dns[out->dns_count].family = 4;
        memcpy(out->dns[out->dns_count++].bytes, message.option[DNS].bytes + at, 4);
    }
    if (has(ROUTES)) {
        out->has_routes = bf_routes_parse(message.option[ROUTES].bytes, message.option[ROUTES].len,
                                          &out->routes) == BF_OK;
        if (!out->has_routes)
            malformed(ROUTES);
    }
    read_domains(out);
    read_mtu(out);
}
