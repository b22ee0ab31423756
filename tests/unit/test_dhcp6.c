// SPDX-License-Identifier: Apache-2.0
// DHCPv6: the client against a server that the test plays, second by second, and the IP stack
// against dnsmasq on the test network (skipped without privileges).
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "net/ip/dhcp6_client.h"
#include "net/ip/ra.h"
#include "tests/net/station.h"
#include "tests/unit/test.h"

const char *bf_ip_dns_domain(uint32_t number); // net/ip/dns.h, which needs lwIP's headers

#define SECOND ((uint64_t)1000000)

static const uint8_t mac[6] = {0x52, 0x54, 0, 9, 0, 1};
static struct bf_dhcp6_client client;
static uint64_t now;
static uint8_t sent[BF_DHCP6_MESSAGE_MOST];
static size_t sent_len;
static uint32_t messages; // that the client sent

// ---- The server that the test plays ------------------------------------------------------------

struct says {
    uint8_t type, server, preference;
    uint8_t host; // last byte of 2001:db8::, 0: no address
    uint32_t t1, t2, preferred, valid;
    uint16_t status;
    int in_association; // where the status is
};

static uint8_t *put16(uint8_t *to, uint32_t v)
{
    bf_put_be16(to, (uint16_t)v);
    return to + 2;
}

static uint8_t *put32(uint8_t *to, uint32_t v)
{
    bf_put_be32(to, v);
    return to + 4;
}

static uint8_t *put_option(uint8_t *to, uint16_t code, const void *bytes, size_t len)
{
    to = put16(put16(to, code), (uint32_t)len);
    memcpy(to, bytes, len);
    return to + len;
}

static uint8_t *put_status(uint8_t *to, uint16_t status)
{
    uint8_t body[8] = {0, (uint8_t)status, 's', 'o', 'r', 'r', 'y', 7};
    return put_option(to, 13, body, sizeof body);
}

static uint8_t *put_ia(uint8_t *to, const struct says *s)
{
    uint8_t body[128], *at = put32(put32(put32(body, client.iaid), s->t1), s->t2);
    if (s->host) {
        uint8_t address[24] = {0x20, 1, 0x0d, 0xb8, [15] = s->host};
        put32(put32(address + 16, s->preferred), s->valid);
        at = put_option(at, 5, address, sizeof address);
    }
    if (s->status && s->in_association)
        at = put_status(at, s->status);
    return put_option(to, 3, body, (size_t)(at - body));
}

static void hear(const struct says *s)
{
    uint8_t m[512] = {s->type, (uint8_t)(client.transaction >> 16),
                      (uint8_t)(client.transaction >> 8), (uint8_t)client.transaction};
    uint8_t server[] = {0, 3, 0, 1, 2, 0, 0, 0, 0, s->server}, *at = m + 4;
    at = put_option(at, 1, client.id.bytes, client.id.len);
    at = put_option(at, 2, server, sizeof server);
    if (s->preference)
        at = put_option(at, 7, &s->preference, 1);
    if (s->status && !s->in_association)
        at = put_status(at, s->status);
    at = put_ia(at, s);
    bf_dhcp6_client_receive(&client, m, (size_t)(at - m), now);
}

// The seconds pass; what the client sends is counted, and the last of it kept.
static void pass(int seconds)
{
    for (int i = 0; i < seconds * 20; i++) {
        uint8_t out[BF_DHCP6_MESSAGE_MOST];
        now += SECOND / 20;
        size_t len = bf_dhcp6_client_poll(&client, now, (uint32_t)now * 2654435761u, out);
        if (!len)
            continue;
        messages++;
        sent_len = len;
        memcpy(sent, out, len);
    }
}

static const uint8_t *option_sent(uint16_t code, size_t *len)
{
    for (size_t at = 4; at + 4 <= sent_len; at += 4 + *len) {
        *len = bf_be16(sent + at + 2);
        if (bf_be16(sent + at) == code && at + 4 + *len <= sent_len)
            return sent + at + 4;
    }
    return NULL;
}

static const struct says OFFER = {
    .type = 2, .server = 1, .host = 7, .preferred = 100, .valid = 120};
static const struct says LEASE = {
    .type = 7, .server = 1, .host = 7, .preferred = 100, .valid = 120};

static void begin(void)
{
    now = 5 * SECOND;
    messages = 0;
    bf_dhcp6_client_init(&client, mac);
    bf_dhcp6_client_managed(&client, now);
    pass(1);
    CHECK(messages >= 1);
    CHECK_EQ(sent[0], BF_DHCP6_SOLICIT);
}

static void lease(void)
{
    begin();
    hear(&OFFER);
    pass(2);
    CHECK_EQ(client.state, BF_DHCP6_REQUESTING);
    CHECK_EQ(sent[0], BF_DHCP6_REQUEST);
    hear(&LEASE);
    CHECK_EQ(client.state, BF_DHCP6_BOUND);
}

// ---- The client --------------------------------------------------------------------------------

static void test_lease(void)
{
    size_t len;
    lease();
    CHECK_EQ(client.answer.address[15], 7);
    const uint8_t *server = option_sent(2, &len);
    CHECK(server && len == 10 && server[9] == 1);
    const uint8_t *me = option_sent(1, &len);
    CHECK(me && len == 10 && memcmp(me, "\0\3\0\1\x52\x54\0\x09\0\1", 10) == 0);
    CHECK(option_sent(3, &len) && len == 12 + 28);
    CHECK(option_sent(6, &len) && len == 6);
}

static void test_best_of_the_first_second(void)
{
    struct says other = OFFER, most = OFFER;
    other.server = 2;
    other.preference = 9;
    other.host = 8;
    most.server = 3;
    most.preference = 255;
    begin();
    hear(&OFFER);
    hear(&other);
    hear(&OFFER);
    pass(2);
    CHECK_EQ(client.offer.server.bytes[9], 2);
    CHECK_EQ(client.offer.address[15], 8);
    begin();
    hear(&most); // at once
    uint8_t out[BF_DHCP6_MESSAGE_MOST];
    CHECK(bf_dhcp6_client_poll(&client, now, 0, out) > 0);
    CHECK_EQ(out[0], BF_DHCP6_REQUEST);
}

static void test_solicits_at_a_steady_pace(void)
{
    begin();
    uint32_t transaction = client.transaction;
    pass(15);
    CHECK(messages >= 4 && messages <= 5); // after about 1, 2, 4 and 8 s
    messages = 0;
    pass(90);
    CHECK(messages >= 10 && messages <= 13);
    CHECK_EQ(client.transaction, transaction);
    hear(&OFFER); // late, and taken at once
    pass(1);
    CHECK_EQ(sent[0], BF_DHCP6_REQUEST);
    CHECK(client.transaction != transaction);
}

static void test_renew_and_rebind(void)
{
    size_t len;
    struct says other = LEASE;
    other.server = 2;
    lease();
    pass(49);
    CHECK_EQ(client.state, BF_DHCP6_BOUND);
    pass(2); // half of the preferred lifetime
    CHECK_EQ(sent[0], BF_DHCP6_RENEW);
    CHECK(option_sent(2, &len));
    hear(&LEASE);
    CHECK_EQ(client.state, BF_DHCP6_BOUND);
    pass(51);
    CHECK_EQ(sent[0], BF_DHCP6_RENEW);
    pass(30);
    CHECK_EQ(sent[0], BF_DHCP6_REBIND);
    CHECK(!option_sent(2, &len));
    hear(&other);
    CHECK_EQ(client.state, BF_DHCP6_BOUND);
    CHECK_EQ(client.answer.server.bytes[9], 2);
}

static void test_a_lease_ends(void)
{
    lease();
    uint32_t changes = client.changes;
    pass(119);
    CHECK_EQ(client.has_lease, 1);
    pass(2);
    CHECK_EQ(client.has_lease, 0);
    CHECK_EQ(client.changes, changes + 1);
    CHECK_EQ(sent[0], BF_DHCP6_SOLICIT);
}

static void test_a_lease_for_ever(void)
{
    struct says forever = LEASE;
    forever.preferred = forever.valid = UINT32_MAX;
    begin();
    hear(&OFFER);
    pass(2);
    hear(&forever);
    messages = 0;
    pass(100000 / 20);
    CHECK_EQ(messages, 0);
    CHECK_EQ(client.state, BF_DHCP6_BOUND);
}

static void test_refusals(void)
{
    for (int where = 0; where < 2; where++) {
        struct says none = {.type = 2, .server = 1, .status = BF_DHCP6_NO_ADDRS_AVAIL};
        none.in_association = where;
        begin();
        hear(&none);
        CHECK_EQ(client.refused, 1);
        CHECK_EQ(client.status, BF_DHCP6_NO_ADDRS_AVAIL);
        CHECK_STR(client.text, "sorry?");
        pass(3);
        CHECK_EQ(client.state, BF_DHCP6_SOLICITING);
        hear(&OFFER);
        pass(2);
        none.type = 7;
        hear(&none); // somebody else was faster
        CHECK_EQ(client.state, BF_DHCP6_SOLICITING);
        CHECK_EQ(client.has_lease, 0);
    }
}

static void test_the_server_forgot(void)
{
    struct says forgot = {.type = 7, .server = 1, .status = BF_DHCP6_NO_BINDING};
    forgot.in_association = 1;
    lease();
    pass(51);
    hear(&forgot);
    pass(1);
    CHECK_EQ(sent[0], BF_DHCP6_REQUEST);
    hear(&LEASE);
    CHECK_EQ(client.state, BF_DHCP6_BOUND);
}

static void test_link_back(void)
{
    struct says here = {.type = 7, .server = 1}, elsewhere = here;
    elsewhere.status = BF_DHCP6_NOT_ON_LINK;
    lease();
    bf_dhcp6_client_confirm(&client, now);
    pass(1);
    CHECK_EQ(sent[0], BF_DHCP6_CONFIRM);
    hear(&here);
    CHECK_EQ(client.state, BF_DHCP6_BOUND);
    bf_dhcp6_client_confirm(&client, now);
    pass(11); // nobody says no
    CHECK_EQ(client.state, BF_DHCP6_BOUND);
    CHECK_EQ(client.has_lease, 1);
    bf_dhcp6_client_confirm(&client, now);
    pass(1);
    hear(&elsewhere);
    CHECK_EQ(client.has_lease, 0);
    CHECK_EQ(client.state, BF_DHCP6_SOLICITING);
}

static void test_release_and_decline(void)
{
    lease();
    CHECK(bf_dhcp6_client_drop(&client, BF_DHCP6_DECLINE, now, sent) > 0);
    CHECK_EQ(sent[0], BF_DHCP6_DECLINE);
    CHECK_EQ(client.state, BF_DHCP6_SOLICITING);
    CHECK_EQ(bf_dhcp6_client_drop(&client, BF_DHCP6_RELEASE, now, sent), 0);
    lease();
    CHECK(bf_dhcp6_client_drop(&client, BF_DHCP6_RELEASE, now, sent) > 0);
    CHECK_EQ(sent[0], BF_DHCP6_RELEASE);
    CHECK_EQ(client.state, BF_DHCP6_IDLE);
}

// What is not for this client, or not of this exchange, or no offer, is passed over.
static void test_strangers(void)
{
    begin();
    client.transaction ^= 1;
    hear(&OFFER);
    CHECK_EQ(client.has_offer, 1); // hear() writes the number that the client has
    begin();
    uint8_t byte = client.id.bytes[9]++;
    uint32_t iaid = client.iaid;
    struct says m = OFFER;
    uint8_t out[512] = {2};
    bf_dhcp6_client_receive(&client, out, 4, now);
    client.id.bytes[9] = byte;
    client.iaid = iaid + 1;
    uint8_t *end = put_option(out + 4, 1, client.id.bytes, client.id.len);
    end = put_option(end, 2, "\0\3\0\1\2\0\0\0\0\1", 10);
    end = put_ia(end, &m);
    out[1] = (uint8_t)(client.transaction >> 16);
    out[2] = (uint8_t)(client.transaction >> 8);
    out[3] = (uint8_t)client.transaction;
    client.iaid = iaid; // the association is another one's
    bf_dhcp6_client_receive(&client, out, (size_t)(end - out), now);
    CHECK_EQ(client.has_offer, 0);
    m.valid = 50; // shorter than preferred
    hear(&m);
    CHECK_EQ(client.has_offer, 0);
    m.valid = 120;
    m.t1 = 90;
    m.t2 = 80;
    hear(&m);
    CHECK_EQ(client.has_offer, 0);
    out[3] ^= 1;
    bf_dhcp6_client_receive(&client, out, (size_t)(end - out), now);
    CHECK_EQ(client.has_offer, 0);
    hear(&OFFER);
    CHECK_EQ(client.has_offer, 1);
}

static void test_advertisements(void)
{
    struct bf_ra ra;
    uint8_t p[88] = {
        0x60,        [5] = 48, [6] = 58, [7] = 255, [8] = 0xfe, [9] = 0x80,  [40] = 134,
        [45] = 0x80, [47] = 9, [56] = 3, [57] = 4,  [58] = 64,  [59] = 0xc0, [63] = 9};
    CHECK_EQ(bf_ra_parse(p, sizeof p, &ra), 1);
    CHECK(ra.managed && !ra.other && ra.has_prefix && ra.is_router);
    p[59] = 0x80; // on the link, and not to make addresses of
    CHECK_EQ(bf_ra_parse(p, sizeof p, &ra), 1);
    CHECK(!ra.has_prefix);
    CHECK_EQ(bf_ra_parse(p, sizeof p - 1, &ra), 0);
    p[57] = 0;
    CHECK_EQ(bf_ra_parse(p, sizeof p, &ra), 0);
    p[57] = 4;
    p[7] = 254; // from another network
    CHECK_EQ(bf_ra_parse(p, sizeof p, &ra), 0);
}

// ---- The stack, and dnsmasq --------------------------------------------------------------------

static pid_t dnsmasq;

static void kill_dnsmasq(void)
{
    kill(dnsmasq, SIGKILL);
    waitpid(dnsmasq, NULL, 0);
    dnsmasq = 0;
}

static void stop(void)
{
    station_stop();
    if (dnsmasq > 0)
        kill_dnsmasq();
}

static void serve(const char *range, const char *option)
{
    char range_option[128];
    stop();
    station_prepare();
    const char *why = station_start(1500, 1);
    if (why)
        SKIP("%s", why);
    station.lan.answer_dhcp = 0;
    snprintf(range_option, sizeof range_option, "--dhcp-range=%s", range);
    dnsmasq = fork();
    if (dnsmasq == 0) {
        execl("/usr/sbin/dnsmasq", "dnsmasq", "-k", "-C", "/dev/null", "--port=0",
              "--interface=tap0", "--bind-dynamic", "--enable-ra", "--leasefile-ro",
              "--user=", "--group=", "--log-facility=/dev/null", range_option, option,
              "--dhcp-option=option6:domain-search,corp.test,lab.test", (char *)NULL);
        _exit(127);
    }
    CHECK(dnsmasq > 0);
}

static struct bf_ip_status status;

static int has_address(void)
{
    lan_skip(50000);
    bf_ip_status(&status);
    return status.address6[0] != 0;
}

static int connected(void)
{
    return station_state() != BF_STREAM_OPENING && station.accepted >= 0;
}

static void connect_over_it(void)
{
    CHECK(station_listen());
    CHECK_EQ(station_dial("fd09::1", station.port), BF_OK);
    CHECK(station_until(connected));
    CHECK_EQ(station_state(), BF_STREAM_OPEN);
    CHECK_EQ(station_send(100000), 100000);
}

static void test_dnsmasq_leases(void)
{
    serve("fd09::100,fd09::1ff,64,120", "--dhcp-option=option6:dns-server,[fd09::53]");
    CHECK(station_until(has_address));
    CHECK(strncmp(status.address6, "fd09::1", 7) == 0);
    CHECK(strstr(status.address6, "/128"));
    CHECK_STR(status.dns, "fd09::53");
    CHECK_STR(bf_ip_dns_domain(0), "corp.test");
    CHECK_STR(bf_ip_dns_domain(1), "lab.test");
    CHECK(!bf_ip_dns_domain(2));
    connect_over_it();
    stop();
}

// Nothing is on the link: the router carries it.
static void test_dnsmasq_off_link(void)
{
    serve("fd09::100,fd09::1ff,off-link,64,120", "--dhcp-option=option6:dns-server,[fd09::53]");
    CHECK(station_until(has_address));
    CHECK(strstr(status.address6, "/128"));
    connect_over_it();
    stop();
}

// The server is gone: the address stays for as long as it was given, and no longer.
static void test_an_address_ends_with_its_lease(void)
{
    serve("fd09::100,fd09::1ff,64,120", "--dhcp-option=option6:dns-server,[fd09::53]");
    CHECK(station_until(has_address));
    kill_dnsmasq();
    for (int seconds = 0; seconds < 110; seconds++) {
        lan_skip(1000000);
        station_turn();
    }
    CHECK_EQ(has_address(), 1);
    for (int seconds = 0; seconds < 12; seconds++) {
        lan_skip(1000000);
        station_turn();
    }
    CHECK_EQ(has_address(), 0);
    stop();
}

static int has_dns(void)
{
    lan_skip(50000);
    bf_ip_status(&status);
    return strcmp(status.dns, "fd09::54") == 0;
}

static void test_dnsmasq_stateless(void)
{
    serve("fd09::,ra-stateless,64,120", "--dhcp-option=option6:dns-server,[fd09::54]");
    CHECK(station_until(has_dns));
    CHECK(station_until(has_address));
    CHECK(strstr(status.address6, "/64"));
    stop();
}

static void test_dnsmasq_has_none_left(void)
{
    serve("fd09::100,static,64,120", "--dhcp-option=option6:dns-server,[fd09::53]");
    CHECK_EQ(station_dial("fd09::1", 9), BF_OK);
    for (int i = 0; i < 70 && station_state() == BF_STREAM_OPENING; i++) {
        station_wait(1);
        usleep(20000); // dnsmasq lives by the real clock
    }
    CHECK_EQ(station_state(), BF_STREAM_FAILED);
    const char *what = station.stream.ops->fault(station.stream.impl)->what;
    printf("# %s\n", what);
    CHECK(strstr(what, "DHCPv6 server gives no address (NoAddrsAvail"));
    stop();
}

TEST_MAIN(TEST(test_lease), TEST(test_best_of_the_first_second),
          TEST(test_solicits_at_a_steady_pace), TEST(test_renew_and_rebind),
          TEST(test_a_lease_ends), TEST(test_a_lease_for_ever), TEST(test_refusals),
          TEST(test_the_server_forgot), TEST(test_link_back), TEST(test_release_and_decline),
          TEST(test_strangers), TEST(test_advertisements), TEST(test_dnsmasq_leases),
          TEST(test_dnsmasq_off_link), TEST(test_an_address_ends_with_its_lease),
          TEST(test_dnsmasq_stateless), TEST(test_dnsmasq_has_none_left))
