// SPDX-License-Identifier: Apache-2.0
// One dial: WAITING for a link and an address, RESOLVING the name, CONNECTING to what it gave; then
// the same for the other family of addresses, IPv4 first. Every state has a deadline. The stream
// that comes of it passes everything on to the TCP stream once that is open.
#include "net/ip_dial.h"

#include <lwip/dns.h>
#include <lwip/ip_addr.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "base/platform.h"
#include "net/ip_tcp.h"

enum {
    LINK_US = 10 * 1000 * 1000,
    ADDRESS_US = 30 * 1000 * 1000,
    RESOLVE_US = 15 * 1000 * 1000,
    CONNECT_US = 10 * 1000 * 1000,
};

enum step { WAITING, RESOLVING, CONNECTING, CONNECTED, FAILED };
enum answer { ANSWER_NONE, ANSWER_FOUND, ANSWER_FAILED };

struct dial {
    struct dial *next;
    uint32_t id; // lwIP's answers name it: it may be gone by then
    const struct bf_ip_view *view;
    enum step step;
    uint64_t deadline;
    char host[256];
    uint16_t port;
    uint8_t family;  // being tried
    uint8_t literal; // the family of an address that was given as such, else 0
    uint8_t had_link;
    enum answer answer;
    ip_addr_t address;
    struct bf_stream tcp; // ops NULL: none
    struct bf_fault fault;
};

static struct dial *dials;
static uint32_t last_id;

static void enter(struct dial *d, enum step step, uint64_t us)
{
    d->step = step;
    d->deadline = bf_platform_now_us() + us;
}

static int late(const struct dial *d)
{
    return bf_platform_now_us() >= d->deadline;
}

// ---- Resolving ---------------------------------------------------------------------------------

static void on_resolved(const char *name, const ip_addr_t *address, void *arg)
{
    for (struct dial *d = dials; d; d = d->next) {
        if (d->id != (uint32_t)(uintptr_t)arg)
            continue;
        d->answer = address ? ANSWER_FOUND : ANSWER_FAILED;
        if (address)
            d->address = *address;
    }
}

static void resolve(struct dial *d)
{
    uint8_t type = d->family == 4 ? LWIP_DNS_ADDRTYPE_IPV4 : LWIP_DNS_ADDRTYPE_IPV6;
    enter(d, RESOLVING, RESOLVE_US);
    if (d->literal) {
        d->answer = ANSWER_FOUND;
        return;
    }
    d->view->use_dns();
    d->answer = ANSWER_NONE;
    err_t err = dns_gethostbyname_addrtype(d->host, &d->address, on_resolved,
                                           (void *)(uintptr_t)d->id, type);
    if (err == ERR_OK)
        d->answer = ANSWER_FOUND;
    else if (err != ERR_INPROGRESS)
        d->answer = ANSWER_FAILED;
}

static enum bf_err not_resolved(struct dial *d, struct bf_fault *fault)
{
    if (ip_addr_isany_val(*dns_getserver(0)))
        return bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_CONFIG,
                            "give a DNS server with dns=, or the server's address in server=",
                            "%s cannot be resolved: neither the configuration nor the network "
                            "names a DNS server",
                            d->host);
    char server[IPADDR_STRLEN_MAX];
    ipaddr_ntoa_r(dns_getserver(0), server, sizeof server);
    return bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_CONFIG,
                        "check the name in server= and the DNS server, or use an address",
                        "the DNS server %s does not resolve %s", server, d->host);
}

// ---- The steps ---------------------------------------------------------------------------------

// The other family of addresses, or the end. The first fault is kept: it is about the family that
// is used first, unless that had nothing to try.
static void next_family(struct dial *d, const struct bf_fault *why)
{
    if (d->fault.code == BF_OK)
        d->fault = *why;
    if (d->family == 4 && !d->literal && d->view->ready(6)) {
        d->family = 6;
        resolve(d);
    } else {
        d->step = FAILED;
    }
}

static void wait(struct dial *d)
{
    struct bf_fault fault;
    if (d->view->broken(&fault)) {
        d->fault = fault;
        d->step = FAILED;
        return;
    }
    if (d->view->link() == 0) {
        if (!late(d) || d->had_link)
            return;
        bf_fault_set(&d->fault, BF_ERR_NETWORK, BF_SIDE_NETWORK,
                     "check cable and switch, or choose another NIC with nic=",
                     "the network interface has no link");
        d->step = FAILED;
        return;
    }
    if (!d->had_link)
        enter(d, WAITING, d->view->wait_us(ADDRESS_US));
    d->had_link = 1;
    if (d->view->ready(4) && d->literal != 6)
        d->family = 4;
    else if (d->view->ready(6) && d->literal != 4)
        d->family = 6;
    if (d->family) {
        resolve(d);
    } else if (late(d)) {
        d->view->no_address(&fault);
        d->fault = fault;
        d->step = FAILED;
    }
}

static void connect_to(struct dial *d)
{
    char to[300], text[IPADDR_STRLEN_MAX];
    struct bf_fault fault;
    ipaddr_ntoa_r(&d->address, text, sizeof text);
    if (d->literal)
        bf_snprintf(to, sizeof to, "%s port %u", text, (unsigned)d->port);
    else
        bf_snprintf(to, sizeof to, "%.200s (%s) port %u", d->host, text, (unsigned)d->port);
    enter(d, CONNECTING, CONNECT_US);
    if (!d->view->reaches(&d->address)) {
        bf_fault_set(&fault, BF_ERR_NETWORK, BF_SIDE_CONFIG,
                     "set address= and gateway=, or let DHCP announce the gateway",
                     "%s is in another network, and no gateway is known", to);
        next_family(d, &fault);
        return;
    }
    if (bf_tcp_connect(&d->address, d->port, to, &d->tcp, &fault) != BF_OK)
        next_family(d, &fault);
}

static void hang_up(struct dial *d)
{
    if (d->tcp.ops)
        d->tcp.ops->close(d->tcp.impl);
    d->tcp.ops = NULL;
}

static void check_connection(struct dial *d)
{
    struct bf_fault fault;
    char text[IPADDR_STRLEN_MAX];
    enum bf_stream_state state = d->tcp.ops->state(d->tcp.impl);
    if (state == BF_STREAM_OPENING && !late(d))
        return;
    if (state == BF_STREAM_OPEN || state == BF_STREAM_ENDED) {
        d->step = CONNECTED;
        d->view->answered();
        return;
    }
    if (state == BF_STREAM_FAILED) {
        fault = *d->tcp.ops->fault(d->tcp.impl);
    } else {
        ipaddr_ntoa_r(&d->address, text, sizeof text);
        bf_fault_set(&fault, BF_ERR_TIMEOUT, BF_SIDE_NETWORK,
                     "see whether the server is up, and whether a firewall drops the connection",
                     "%s (%s) port %u does not answer", d->host, text, (unsigned)d->port);
    }
    hang_up(d);
    next_family(d, &fault);
}

static void turn(struct dial *d)
{
    struct bf_fault fault;
    if (d->step == WAITING)
        wait(d);
    if (d->step == RESOLVING && d->answer == ANSWER_FOUND) {
        connect_to(d);
    } else if (d->step == RESOLVING && (d->answer == ANSWER_FAILED || late(d))) {
        not_resolved(d, &fault);
        next_family(d, &fault);
    } else if (d->step == CONNECTING) {
        check_connection(d);
    }
}

// ---- The stream --------------------------------------------------------------------------------

static void dial_poll(void *impl)
{
    struct dial *d = impl;
    if (d->tcp.ops)
        d->tcp.ops->poll(d->tcp.impl);
    if (d->step != CONNECTED && d->step != FAILED)
        turn(d);
}

static enum bf_err dial_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    struct dial *d = impl;
    *done = 0;
    if (d->step == CONNECTED)
        return d->tcp.ops->write(d->tcp.impl, bytes, len, done);
    return d->step == FAILED ? d->fault.code : BF_AGAIN;
}

static enum bf_err dial_read(void *impl, void *bytes, size_t size, size_t *done)
{
    struct dial *d = impl;
    *done = 0;
    if (d->step == CONNECTED)
        return d->tcp.ops->read(d->tcp.impl, bytes, size, done);
    return d->step == FAILED ? d->fault.code : BF_AGAIN;
}

static enum bf_stream_state dial_state(void *impl)
{
    struct dial *d = impl;
    if (d->step == CONNECTED)
        return d->tcp.ops->state(d->tcp.impl);
    return d->step == FAILED ? BF_STREAM_FAILED : BF_STREAM_OPENING;
}

static size_t dial_unsent(void *impl)
{
    struct dial *d = impl;
    return d->step == CONNECTED ? d->tcp.ops->unsent(d->tcp.impl) : 0;
}

static const struct bf_fault *dial_fault(void *impl)
{
    struct dial *d = impl;
    return d->step == CONNECTED ? d->tcp.ops->fault(d->tcp.impl) : &d->fault;
}

static void dial_close(void *impl)
{
    struct dial *d = impl, **at = &dials;
    hang_up(d);
    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    bf_free(d);
}

static const struct bf_stream_ops dial_ops = {
    .write = dial_write,
    .read = dial_read,
    .poll = dial_poll,
    .state = dial_state,
    .unsent = dial_unsent,
    .fault = dial_fault,
    .close = dial_close,
};

enum bf_err bf_ip_dial(const struct bf_ip_view *view, const char *host, uint16_t port,
                       struct bf_stream *out, struct bf_fault *fault)
{
    struct dial *d = bf_alloc(sizeof *d);
    if (!d)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SOURCE, "give the machine more memory",
                            "no memory for a connection");
    d->view = view;
    d->id = ++last_id;
    d->port = port;
    bf_snprintf(d->host, sizeof d->host, "%s", host);
    if (ipaddr_aton(host, &d->address))
        d->literal = IP_IS_V4(&d->address) ? 4 : 6;
    enter(d, WAITING, view->wait_us(LINK_US));
    d->next = dials;
    dials = d;
    *out = (struct bf_stream){&dial_ops, d};
    return BF_OK;
}
