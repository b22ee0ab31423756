// SPDX-License-Identifier: Apache-2.0
// lwIP reads nothing behind a frame: short and odd TCP options, neighbour discovery options and ARP
// packets in frames that end where their allocation ends, so that AddressSanitizer sees one byte
// too many. third_party/patches/lwip-* is what makes these pass. Each case first shows that a good
// frame of its kind is answered, since a frame that is dropped early would prove nothing.
#include <lwip/inet_chksum.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/priv/tcp_priv.h>

#include "base/bytes.h"
#include "net/ip/dhcp6.h"
#include "net/ip/tcp.h"
#include "net/ip/lwip_port.h"
#include "tests/platform_sim.h"
#include "tests/unit/test.h"

enum { ETH = 14, IP4 = 20, IP6 = 40, TCP = 20, PORT = 7000, MTU = 1500 };
enum { NS = 135, NA = 136, REDIRECT = 137, SOURCE_LL = 1, TARGET_LL = 2, OVERRIDE = 0x20 };

static const uint8_t OURS[6] = {2, 0, 0, 0, 0, 1}, PEER[6] = {2, 0, 0, 0, 0, 9};
static const uint8_t IP_OURS[4] = {10, 9, 0, 2}, IP_PEER[4] = {10, 9, 0, 1};
static uint8_t ip6_ours[16];
static const uint8_t IP6_PEER[16] = {0xfe, 0x80, [15] = 9}, IP6_OTHER[16] = {0xfe, 0x80, [15] = 7};

static uint8_t answer[MTU + ETH];
static size_t answer_len;
static unsigned syn_acks, advertisements, arp_replies;

// ---- A wire with nobody at its end -------------------------------------------------------------

static enum bf_err wire_send(void *impl, const void *frame, size_t len)
{
    const uint8_t *f = frame;
    memcpy(answer, frame, len);
    answer_len = len;
    syn_acks += f[12] == 8 && f[13] == 0 && f[ETH + 9] == 6 && (f[ETH + IP4 + 13] & 0x12) == 0x12;
    advertisements += f[12] == 0x86 && f[ETH + 6] == 58 && f[ETH + IP6] == NA;
    arp_replies += f[12] == 8 && f[13] == 6 && f[ETH + 7] == 2;
    return BF_OK;
}

static enum bf_err wire_receive(void *impl, void *buffer, size_t size, size_t *len)
{
    return BF_AGAIN;
}

static void wire_poll(void *impl)
{
}

static int wire_link(void *impl)
{
    return 1;
}

static const struct bf_nic_ops wire_ops = {.driver = "test",
                                           .send = wire_send,
                                           .receive = wire_receive,
                                           .poll = wire_poll,
                                           .link = wire_link,
                                           .close = wire_poll};
static struct bf_nic wire = {.ops = &wire_ops, .mac = {2, 0, 0, 0, 0, 1}, .mtu = MTU};

static void see_packet(const uint8_t *packet, size_t len)
{
    struct bf_pmtu_news news;
    if (bf_pmtu_parse(packet, len, &news))
        bf_tcp_path_mtu(&news);
    bf_ip_dhcp6_packet(packet, len);
}

static const struct bf_lwip_watch watch = {see_packet, bf_ip_dhcp6_link_back};

static void start(void)
{
    ip4_addr_t address, mask, gateway;
    sim_platform_reset(1);
    CHECK_EQ(bf_lwip_open(MTU, &watch), BF_OK);
    CHECK_EQ(bf_lwip_attach(&wire, 0, wire.mtu, "test"), BF_OK);
    bf_lwip_poll();
    IP4_ADDR(&address, 10, 9, 0, 2);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    ip4_addr_set_zero(&gateway);
    netif_set_addr(bf_lwip_netif(), &address, &mask, &gateway);
    netif_create_ip6_linklocal_address(bf_lwip_netif(), 1);
    netif_ip6_addr_set_state(bf_lwip_netif(), 0, IP6_ADDR_PREFERRED);
    memcpy(ip6_ours, netif_ip6_addr(bf_lwip_netif(), 0)->addr, sizeof ip6_ours);
    syn_acks = advertisements = arp_replies = 0;
}

static void stop(void)
{
    bf_lwip_detach();
    bf_lwip_close();
    CHECK_EQ(bf_lwip_complaints(), 0);
}

// Hands a frame to lwIP in memory of exactly its size.
static void feed(const uint8_t *frame, size_t len)
{
    uint8_t *exact = malloc(len);
    memcpy(exact, frame, len);
    struct pbuf *p = pbuf_alloc_reference(exact, (u16_t)len, PBUF_REF);
    CHECK(p);
    CHECK_EQ(bf_lwip_netif()->input(p, bf_lwip_netif()), ERR_OK);
    bf_lwip_poll();
    free(exact);
}

static void ethernet(uint8_t *f, unsigned type)
{
    memcpy(f, OURS, 6);
    memcpy(f + 6, PEER, 6);
    bf_put_be16(f + 12, type);
}

static void sum_into(uint8_t *at, const uint8_t *pseudo, size_t pseudo_len, const uint8_t *data,
                     size_t len)
{
    uint8_t all[256] = {0};
    memcpy(all, pseudo, pseudo_len);
    memcpy(all + pseudo_len, data, len);
    u16_t sum = inet_chksum(all, (u16_t)(pseudo_len + len));
    memcpy(at, &sum, 2);
}

// ---- TCP options (RFC 9293, 3.1) ---------------------------------------------------------------

// A SYN whose options are these, as the last bytes of the frame.
static void feed_syn(const uint8_t *options, size_t len)
{
    static uint8_t from;
    uint8_t f[ETH + IP4 + TCP + 40] = {0}, *ip = f + ETH, *tcp = ip + IP4;
    size_t total = IP4 + TCP + len;
    ethernet(f, 0x0800);
    ip[0] = 0x45;
    bf_put_be16(ip + 2, (unsigned)total);
    ip[8] = 64;
    ip[9] = 6;
    memcpy(ip + 12, IP_PEER, 4);
    memcpy(ip + 16, IP_OURS, 4);
    sum_into(ip + 10, ip, 0, ip, IP4);
    bf_put_be16(tcp, 1024u + from++);
    bf_put_be16(tcp + 2, PORT);
    tcp[12] = (uint8_t)((TCP + len) / 4 << 4);
    tcp[13] = 2; // SYN
    bf_put_be16(tcp + 14, 65535);
    memcpy(tcp + TCP, options, len);
    uint8_t pseudo[12] = {[9] = 6};
    memcpy(pseudo, ip + 12, 8);
    bf_put_be16(pseudo + 10, (unsigned)(TCP + len));
    sum_into(tcp + 16, pseudo, sizeof pseudo, tcp, TCP + len);
    feed(f, ETH + total);
}

static void forget(struct tcp_pcb *listener)
{
    tcp_close(listener);
    while (tcp_active_pcbs)
        tcp_abort(tcp_active_pcbs);
}

static void test_tcp_options(void)
{
    static const uint8_t cut[][4] = {
        {1, 1, 1, 2},    {1, 1, 1, 3},   {1, 1, 1, 4},    {1, 1, 1, 8},   // the kind alone
        {1, 1, 1, 5},    {1, 1, 1, 254}, {1, 1, 2, 4},    {1, 1, 3, 3},   // the kind and its length
        {1, 1, 8, 10},   {1, 2, 4, 5},   {2, 4, 5, 1},    {1, 1, 77, 40}, // longer than the header
        {77, 0, 1, 1},   {77, 1, 1, 1},  {2, 0, 5, 0xb4}, {2, 255, 5, 1}, // lengths that cannot be
        {77, 255, 1, 1}, {0, 2, 4, 1},   {3, 3, 255, 2},  {4, 2, 4, 2},
    };
    static const uint8_t good[] = {2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7, 1, 1};
    start();
    struct tcp_pcb *pcb = tcp_new(), *listener;
    CHECK_EQ(tcp_bind(pcb, IP_ANY_TYPE, PORT), ERR_OK);
    listener = tcp_listen(pcb);
    CHECK(listener);
    // the peer's hardware address, so that answers leave at once
    ip4_addr_t peer;
    IP4_ADDR(&peer, 10, 9, 0, 1);
    uint8_t arp[ETH + 28] = {[ETH + 1] = 1, [ETH + 2] = 8, [ETH + 4] = 6, 4, 0, 2};
    ethernet(arp, 0x0806);
    memcpy(arp + ETH + 8, PEER, 6);
    memcpy(arp + ETH + 14, IP_PEER, 4);
    memcpy(arp + ETH + 18, OURS, 6);
    memcpy(arp + ETH + 24, IP_OURS, 4);
    feed(arp, sizeof arp);
    feed_syn(good, sizeof good);
    CHECK_EQ(syn_acks, 1);
    CHECK(answer[ETH + IP4 + 12] >> 4 > 6); // MSS and more: the options were understood
    for (unsigned i = 0; i < BF_COUNT(cut); i++) {
        feed_syn(cut[i], sizeof cut[i]);
        CHECK_EQ(syn_acks, 2 + i);
        if (i % 8 == 7) { // room for the next
            while (tcp_active_pcbs)
                tcp_abort(tcp_active_pcbs);
        }
    }
    forget(listener);
    stop();
}

// ---- Neighbour discovery (RFC 4861) ------------------------------------------------------------

static void feed_nd(unsigned type, unsigned flags, const uint8_t *target, const uint8_t *more,
                    size_t more_len)
{
    uint8_t f[ETH + IP6 + 80] = {0}, *ip = f + ETH, *nd = ip + IP6;
    size_t len = 24 + more_len;
    ethernet(f, 0x86dd);
    ip[0] = 0x60;
    bf_put_be16(ip + 4, (unsigned)len);
    ip[6] = 58;
    ip[7] = 255;
    memcpy(ip + 8, IP6_PEER, 16);
    memcpy(ip + 24, ip6_ours, 16);
    if (type == NA && !(flags & 0x40)) // unsolicited: to all nodes
        memcpy(ip + 24, (const uint8_t[16]){0xff, 2, [15] = 1}, 16);
    nd[0] = (uint8_t)type;
    nd[4] = (uint8_t)flags;
    memcpy(nd + 8, target, 16);
    memcpy(nd + 24, more, more_len);
    uint8_t pseudo[40] = {[39] = 58};
    memcpy(pseudo, ip + 8, 32);
    bf_put_be16(pseudo + 34, (unsigned)len);
    sum_into(nd + 2, pseudo, sizeof pseudo, nd, len);
    feed(f, ETH + IP6 + len);
}

static void solicit(void)
{
    static const uint8_t option[8] = {SOURCE_LL, 1, 2, 0, 0, 0, 0, 9};
    feed_nd(NS, 0, ip6_ours, option, sizeof option);
}

static void test_solicitations(void)
{
    static const uint8_t nonce_first[16] = {14,        1, 1, 2, 3, 4, 5, 6,
                                            SOURCE_LL, 1, 2, 0, 0, 0, 0, 9};
    static const uint8_t other_type[8] = {14, 1, 2, 0, 0, 0, 0, 9};
    start();
    for (unsigned length = 0; length < 256; length += 51) { // 0, and lengths beyond the packet
        uint8_t cut[2] = {SOURCE_LL, (uint8_t)length};
        feed_nd(NS, 0, ip6_ours, cut, sizeof cut);
    }
    feed_nd(NS, 0, ip6_ours, (const uint8_t[]){SOURCE_LL}, 1);
    feed_nd(NS, 0, ip6_ours, other_type, sizeof other_type);
    CHECK_EQ(advertisements, 0); // none of them names its sender
    feed_nd(NS, 0, ip6_ours, nonce_first, sizeof nonce_first);
    CHECK_EQ(advertisements, 1);
    CHECK_MEM(answer, PEER, 6);
    solicit();
    CHECK_EQ(advertisements, 2);
    CHECK_MEM(answer, PEER, 6);
    stop();
}

static void test_advertisements_and_redirects(void)
{
    static const uint8_t moved[8] = {TARGET_LL, 1, 2, 0, 0, 0, 0, 8};
    static const uint8_t wrong[8] = {SOURCE_LL, 1, 7, 7, 7, 7, 7, 7};
    start();
    solicit(); // the neighbour and the destination are known now
    CHECK_EQ(advertisements, 1);
    for (unsigned solicited = 0; solicited <= 0x40; solicited += 0x40) {
        feed_nd(NA, OVERRIDE | solicited, IP6_PEER, (const uint8_t[]){TARGET_LL, 0}, 2);
        feed_nd(NA, OVERRIDE | solicited, IP6_PEER, (const uint8_t[]){TARGET_LL, 2, 7, 7}, 4);
        feed_nd(NA, OVERRIDE | solicited, IP6_PEER, wrong, sizeof wrong);
    }
    solicit();
    CHECK_EQ(advertisements, 2);
    CHECK_MEM(answer, PEER, 6); // still known under its own address
    feed_nd(NA, OVERRIDE, IP6_PEER, moved, sizeof moved);
    solicit();
    CHECK_EQ(advertisements, 3);
    CHECK_MEM(answer, moved + 2, 6);
    uint8_t redirect[18] = {0}; // the destination, and an option of no length
    memcpy(redirect, IP6_PEER, 16);
    redirect[16] = TARGET_LL;
    feed_nd(REDIRECT, 0, IP6_OTHER, redirect, sizeof redirect);
    solicit();
    CHECK_EQ(advertisements, 3); // it waits: the new next hop is asked for its address
    CHECK_EQ(answer[ETH + IP6], NS);
    CHECK_MEM(answer + ETH + IP6 + 8, IP6_OTHER, 16);
    stop();
}

// ---- ARP (RFC 826) -----------------------------------------------------------------------------

static void test_arp(void)
{
    uint8_t f[ETH + 28] = {[ETH + 1] = 1, [ETH + 2] = 8, [ETH + 4] = 6, 4, 0, 1};
    start();
    ethernet(f, 0x0806);
    memcpy(f + ETH + 8, PEER, 6);
    memcpy(f + ETH + 14, IP_PEER, 4);
    memcpy(f + ETH + 24, IP_OURS, 4);
    for (size_t len = ETH + 1; len < sizeof f; len++)
        feed(f, len);
    CHECK_EQ(arp_replies, 0);
    feed(f, sizeof f);
    CHECK_EQ(arp_replies, 1);
    stop();
}

// ---- Streams -----------------------------------------------------------------------------------

static void test_a_stream_is_read_that_was_never_open(void)
{
    struct bf_stream s;
    struct bf_fault fault;
    ip_addr_t peer;
    uint8_t byte;
    size_t done = 1;
    start();
    IP_ADDR4(&peer, 10, 9, 0, 1);
    CHECK_EQ(bf_tcp_connect(&peer, PORT, &bf_peer_server, "10.9.0.1", &s, &fault), BF_OK);
    CHECK_EQ(s.ops->state(s.impl), BF_STREAM_OPENING);
    CHECK_EQ(s.ops->read(s.impl, &byte, 1, &done), BF_AGAIN);
    CHECK_EQ(done, 0);
    bf_tcp_abort_all();
    CHECK_EQ(s.ops->state(s.impl), BF_STREAM_FAILED);
    CHECK_EQ(s.ops->read(s.impl, &byte, 1, &done), BF_ERR_NETWORK);
    s.ops->close(s.impl);
    stop();
}

TEST_MAIN(TEST(test_tcp_options), TEST(test_solicitations), TEST(test_advertisements_and_redirects),
          TEST(test_arp), TEST(test_a_stream_is_read_that_was_never_open))
