// SPDX-License-Identifier: Apache-2.0
// One dial: WAITING for a link and an address, then SEARCHING: the name is resolved, and what is
// found takes part in a race of connections at once (net/ip/race.h). Every wait has a deadline. The
// address that has won is tried first the next time, and also when nobody resolves the name any
// more. The stream that comes of it passes everything on to the TCP stream once that is open.
#include "net/ip/dial.h"

#include <lwip/ip_addr.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "net/ip/address.h"
#include "net/ip/dns.h"
#include "net/ip/lookup.h"
#include "net/ip/race.h"

enum {
    LINK_US = 10 * 1000 * 1000,
    ADDRESS_US = 60 * 1000 * 1000,
    DNS_US = 5 * 1000 * 1000,     // for a router to name a DNS server, once there is an address
    FOURTH_US = 50 * 1000,        // for IPv4 addresses when those of IPv6 were faster (RFC 8305, 3)
    FAMILY_US = 10 * 1000 * 1000, // for an address of ours of the family of all the server's
};

enum step { WAITING, SEARCHING, CONNECTED, FAILED };

struct dial {
    const struct bf_ip_view *view;
    const struct bf_peer *peer;
    enum step step;
    uint64_t deadline, family_deadline, first_found;
    char host[256];
    uint16_t port;
    uint8_t had_link, had_address, literal;
    ip_addr_t address; // the literal one
    struct bf_lookup *lookup;
    struct bf_race race;
    struct bf_stream tcp; // ops NULL: none
    struct bf_fault fault;
};

// The server that was connected to last.
static struct {
    char host[256];
    ip_addr_t address;
} known;

static void enter(struct dial *d, enum step step, uint64_t us)
{
    d->step = step;
    d->deadline = bf_platform_now_us() + us;
}

static int late(const struct dial *d)
{
    return bf_platform_now_us() >= d->deadline;
}

static void hang_up(struct dial *d)
{
    bf_race_close(&d->race);
    bf_lookup_free(d->lookup);
    d->lookup = NULL;
    if (d->tcp.ops)
        d->tcp.ops->close(d->tcp.impl);
    d->tcp.ops = NULL;
}

static void give_up(struct dial *d, const struct bf_fault *why)
{
    BF_ASSERT(why->code && (d->step == WAITING || d->step == SEARCHING));
    hang_up(d);
    d->fault = *why;
    d->step = FAILED;
}

// ---- Waiting -----------------------------------------------------------------------------------

static void wait_for_link(struct dial *d)
{
    struct bf_fault fault;
    if (!late(d) || d->had_link)
        return;
    bf_fault_set(&fault, BF_ERR_NETWORK, BF_SIDE_NETWORK,
                 "check the cable and the switch, or choose another NIC with nic=",
                 "the network interface has no link");
    give_up(d, &fault);
}

// A name needs a DNS server, too; without one for some time, the search says so.
static int has_servers(struct dial *d)
{
    ip_addr_t servers[BF_IP_DNS_SERVERS];
    uint64_t now = bf_platform_now_us();
    if (d->literal || bf_ip_dns_servers(servers) > 0)
        return 1;
    if (!d->had_address && !d->view->pending()) {
        d->had_address = 1;
        d->deadline = d->deadline < now + DNS_US ? d->deadline : now + DNS_US;
    }
    return 0;
}

static void search(struct dial *d)
{
    BF_ASSERT(d->step == WAITING && !d->lookup && !d->race.count);
    enter(d, SEARCHING, 0);
    d->family_deadline = d->deadline + d->view->wait_us(FAMILY_US);
    d->race.view = d->view;
    d->race.peer = d->peer;
    d->race.port = d->port;
    if (d->literal) {
        bf_race_add(&d->race, &d->address, 0);
        return;
    }
    struct bf_fault fault;
    d->race.host = d->host;
    d->lookup = bf_lookup_new(d->host);
    if (d->lookup)
        return;
    bf_fault_set(&fault, BF_ERR_NO_MEMORY, BF_SIDE_SOURCE, "give the machine more memory",
                 "no memory for resolving a name");
    give_up(d, &fault);
}

static void wait(struct dial *d)
{
    struct bf_fault fault;
    BF_ASSERT(d->step == WAITING);
    if (d->view->broken(&fault)) {
        give_up(d, &fault);
        return;
    }
    if (d->view->link() == 0) {
        wait_for_link(d);
        return;
    }
    if (!d->had_link)
        enter(d, WAITING, d->view->wait_us(ADDRESS_US));
    d->had_link = 1;
    int ready = d->view->ready(d->literal ? &d->address : NULL);
    if (ready && (has_servers(d) || late(d))) {
        search(d);
    } else if (late(d)) {
        d->view->no_address(d->peer, &fault);
        give_up(d, &fault);
    }
}

// ---- Searching ---------------------------------------------------------------------------------

static int is_known(const struct dial *d, const ip_addr_t *address)
{
    for (size_t i = 0; i < sizeof d->host; i++) {
        if (known.host[i] != d->host[i])
            return 0;
        if (!d->host[i])
            return !address || ip_addr_eq(&known.address, address);
    }
    return 0;
}

static void add_found(struct dial *d, uint8_t family)
{
    int pending;
    const struct bf_dns_addresses *found = bf_lookup_found(d->lookup, family, &pending);
    for (uint32_t i = 0; i < found->count; i++) {
        ip_addr_t address = bf_ip_to_lwip(&found->address[i]);
        bf_race_add(&d->race, &address, is_known(d, &address));
    }
    if (found->count && !d->first_found)
        d->first_found = bf_platform_now_us();
}

// What was found up to now; BF_AGAIN while there may be more.
static enum bf_err resolve(struct dial *d, struct bf_fault *fault)
{
    if (!d->lookup)
        return BF_OK;
    enum bf_err err = bf_lookup_poll(d->lookup);
    add_found(d, 4);
    add_found(d, 6);
    if (err != BF_ERR_NETWORK)
        return err;
    bf_lookup_fault(d->lookup, d->peer, fault);
    if (bf_lookup_is_denied(d->lookup) || !is_known(d, NULL))
        return fault->code;
    if (d->race.count == 0)
        bf_log(BF_LOG_WARNING, "connecting: %s; trying the last known address", fault->what);
    bf_race_add(&d->race, &known.address, 1);
    return BF_OK;
}

// IPv4 goes first, so it gets a moment when only it is missing.
static int is_worth_waiting(const struct dial *d)
{
    int pending = 0;
    BF_ASSERT(d->race.count);
    if (d->lookup && bf_lookup_found(d->lookup, 4, &pending)->count == 0 && pending)
        return bf_platform_now_us() - d->first_found < FOURTH_US;
    return 0;
}

static void connected(struct dial *d, const ip_addr_t *winner)
{
    BF_ASSERT(d->step == SEARCHING && d->tcp.ops && !d->race.count);
    bf_snprintf(known.host, sizeof known.host, "%s", d->host);
    known.address = *winner;
    bf_lookup_free(d->lookup);
    d->lookup = NULL;
    d->step = CONNECTED;
    d->view->answered();
}

// Every address that this machine could use has failed, or it can use none.
static void lost(struct dial *d)
{
    struct bf_fault fault;
    BF_ASSERT(d->race.count && d->race.failed <= d->race.count);
    if (d->race.failed) {
        bf_race_fault(&d->race, &fault);
        give_up(d, &fault);
    } else if (bf_platform_now_us() >= d->family_deadline) {
        const ip_addr_t *address = &d->race.racer[0].address;
        char text[IPADDR_STRLEN_MAX];
        bf_ip_lwip_text(text, sizeof text, address);
        bf_fault_set(&fault, BF_ERR_NETWORK, BF_SIDE_NETWORK, "",
                     "%.100s has the address %s, and this machine has no %s address", d->host, text,
                     IP_IS_V4(address) ? "IPv4" : "IPv6");
        bf_fault_todo(&fault, "give the %s or this machine an address of the other's family",
                      d->peer->word);
        give_up(d, &fault);
    }
}

static void turn(struct dial *d)
{
    struct bf_fault fault;
    ip_addr_t winner;
    BF_ASSERT(!d->tcp.ops && (d->step == WAITING || d->step == SEARCHING));
    if (d->step == WAITING)
        wait(d);
    if (d->step != SEARCHING)
        return;
    enum bf_err more = resolve(d, &fault), err;
    if (more != BF_OK && more != BF_AGAIN) {
        give_up(d, &fault);
        return;
    }
    if (d->race.count == 0 || is_worth_waiting(d))
        return;
    err = bf_race_poll(&d->race, &d->tcp, &winner);
    if (err == BF_OK)
        connected(d, &winner);
    else if (err == BF_ERR_NOT_FOUND && more == BF_OK)
        lost(d);
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
    BF_ASSERT((d->tcp.ops != NULL) == (d->step == CONNECTED));
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
    struct dial *d = impl;
    hang_up(d);
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

enum bf_err bf_ip_dial(const struct bf_ip_view *view, const struct bf_peer *peer, const char *host,
                       uint16_t port, struct bf_stream *out, struct bf_fault *fault)
{
    struct dial *d = bf_alloc(sizeof *d);
    if (!d)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SOURCE, "give the machine more memory",
                            "no memory for a connection");
    d->view = view;
    d->peer = peer;
    d->port = port;
    bf_snprintf(d->host, sizeof d->host, "%s", host);
    if (ipaddr_aton(host, &d->address))
        d->literal = 1;
    enter(d, WAITING, view->wait_us(LINK_US));
    *out = (struct bf_stream){&dial_ops, d};
    return BF_OK;
}
