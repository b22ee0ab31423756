// SPDX-License-Identifier: Apache-2.0
// The IP stack against the kernel's over TAP: addresses by DHCP, router advertisement and
// configuration, names, several NICs, a link that goes and comes, windows, jumbo frames, and that
// every byte arrives over a wire that loses, reorders and refuses. Skipped without privileges.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/platform.h"
#include "net/ip/stack.h"
#include "tests/net/lan.h"
#include "tests/platform_sim.h"
#include "tests/unit/test.h"

uint32_t bf_lwip_complaints(void);

enum { MIB = 1024 * 1024, DEADLINE = TEST_PATIENCE_S };

static struct lan lan;
static struct bf_config config;
static struct bf_fault fault;
static struct bf_stream stream;
static struct bf_mem_usage before;
static int listener = -1, accepted = -1;
static uint16_t port;

// ---- The loop ----------------------------------------------------------------------------------

static void turn(void)
{
    lan_turn(&lan);
    uint32_t frames = bf_ip_poll();
    if (stream.ops)
        stream.ops->poll(stream.impl);
    if (listener >= 0 && accepted < 0)
        accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (frames == 0) {
        struct timespec rest = {0, 50000};
        nanosleep(&rest, NULL);
    }
}

static void listen_now(void)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    socklen_t len = sizeof a;
    int off = 0;
    listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    CHECK_EQ(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    CHECK_EQ(listen(listener, 4), 0);
    CHECK_EQ(getsockname(listener, (struct sockaddr *)&a, &len), 0);
    port = ntohs(a.sin6_port);
}

static void hang_up(void)
{
    if (stream.ops)
        stream.ops->close(stream.impl);
    stream.ops = NULL;
    if (accepted >= 0)
        close(accepted);
    accepted = -1;
}

static void tidy(void)
{
    hang_up();
    if (listener >= 0)
        close(listener);
    listener = -1;
    bf_ip_stop();
    lan_close(&lan);
}

static void begin_with(uint16_t mtu, uint32_t nics)
{
    tidy(); // what a failed case left
    struct bf_nic *list[LAN_NICS] = {&lan.nic[0].nic, &lan.nic[1].nic};
    bf_mem_usage(&before);
    const char *why = lan_open(&lan, mtu);
    if (why)
        SKIP("%s", why);
    list[0] = &lan.nic[0].nic;
    CHECK_EQ(bf_ip_start(list, nics, &config, &fault), BF_OK);
}

static void begin(void)
{
    sim_platform_reset(11);
    memset(&config, 0, sizeof config);
    config.dhcp = 1;
    strcpy(config.name, "web1");
    begin_with(1500, 1);
}

static void end(void)
{
    struct bf_mem_usage after;
    tidy();
    bf_mem_usage(&after);
    CHECK_EQ(bf_lwip_complaints(), 0);
    // what stays is the random generator and PSA, which live as long as the program
    CHECK(after.in_use <= before.in_use + 8192);
}

static enum bf_ip_phase phase(void)
{
    struct bf_ip_status s;
    bf_ip_status(&s);
    return s.phase;
}

static enum bf_stream_state state(void)
{
    return stream.ops->state(stream.impl);
}

static void dial_peer(const struct bf_peer *peer, const char *host, uint16_t to)
{
    struct bf_dialer d = bf_ip_dialer();
    CHECK_EQ(d.dial(d.impl, peer, host, to, &stream, &fault), BF_OK);
}

static void dial(const char *host, uint16_t to)
{
    dial_peer(&bf_peer_server, host, to);
}

static void connect_to(const char *host)
{
    listen_now();
    dial(host, port);
    WAIT_FOR(state() != BF_STREAM_OPENING && accepted >= 0);
    CHECK_EQ(state(), BF_STREAM_OPEN);
}

static const struct bf_fault *failed_dial_peer(const struct bf_peer *peer, const char *host,
                                               uint16_t to)
{
    dial_peer(peer, host, to);
    WAIT_FOR(state() != BF_STREAM_OPENING);
    CHECK_EQ(state(), BF_STREAM_FAILED);
    const struct bf_fault *f = stream.ops->fault(stream.impl);
    printf("# %s -> %s\n", f->what, f->todo);
    return f;
}

static const struct bf_fault *failed_dial(const char *host, uint16_t to)
{
    return failed_dial_peer(&bf_peer_server, host, to);
}

// ---- Data --------------------------------------------------------------------------------------

static uint8_t pattern(uint64_t at)
{
    return (uint8_t)(at * 2654435761u >> 11);
}

static uint8_t block[65536];

static uint64_t push(uint64_t sent, uint64_t amount)
{
    size_t done = 0, len = sizeof block;
    if (len > amount - sent)
        len = (size_t)(amount - sent);
    if (len == 0)
        return 0;
    for (size_t i = 0; i < len; i++)
        block[i] = pattern(sent + i);
    enum bf_err err = stream.ops->write(stream.impl, block, len, &done);
    CHECK(err == BF_OK || err == BF_AGAIN);
    return done;
}

static uint64_t kernel_pull(uint64_t got)
{
    ssize_t n = recv(accepted, block, sizeof block, 0);
    for (ssize_t i = 0; i < n; i++)
        CHECK_EQ(block[i], pattern(got + (uint64_t)i));
    return n > 0 ? (uint64_t)n : 0;
}

static uint64_t kernel_push(uint64_t sent, uint64_t amount)
{
    size_t len = sizeof block < amount - sent ? sizeof block : (size_t)(amount - sent);
    for (size_t i = 0; i < len; i++)
        block[i] = pattern(sent + i);
    ssize_t n = len ? send(accepted, block, len, MSG_NOSIGNAL) : 0;
    return n > 0 ? (uint64_t)n : 0;
}

static uint64_t pull(uint64_t got)
{
    size_t done = 0;
    enum bf_err err = stream.ops->read(stream.impl, block, sizeof block, &done);
    CHECK(err == BF_OK || err == BF_AGAIN);
    for (size_t i = 0; i < done; i++)
        CHECK_EQ(block[i], pattern(got + i));
    return done;
}

// Both ways at once; seconds of real time are the limit, not a measure.
static void transfer(uint64_t up, uint64_t down, double limit)
{
    uint64_t sent = 0, got = 0, kernel_sent = 0, kernel_got = 0;
    double start = lan_real_seconds();
    while (got < down || kernel_got < up) {
        sent += push(sent, up);
        turn();
        kernel_got += kernel_pull(kernel_got);
        kernel_sent += kernel_push(kernel_sent, down);
        for (uint64_t n; (n = pull(got)) > 0;)
            got += n;
        if (lan_real_seconds() - start > limit)
            FAIL("%" PRIu64 " of %" PRIu64 " up, %" PRIu64 " of %" PRIu64 " down in time",
                 kernel_got, up, got, down);
    }
    printf("# %" PRIu64 " KiB up, %" PRIu64 " KiB down in %.2f s\n", up / 1024, down / 1024,
           lan_real_seconds() - start);
}

// ---- Addresses and names -----------------------------------------------------------------------

static void test_dhcp(void)
{
    struct bf_ip_status s;
    begin();
    CHECK_EQ(phase(), BF_IP_CONFIGURING);
    WAIT_FOR(phase() == BF_IP_READY);
    bf_ip_status(&s);
    CHECK_STR(s.address, "10.9.0.50/24");
    CHECK_STR(s.gateway, "10.9.0.1");
    CHECK_STR(s.dns, "10.9.0.1");
    CHECK_EQ(s.dhcp, 1);
    CHECK(s.nic == &lan.nic[0].nic);
    CHECK_STR(lan.hostname, "web1");
    end();
    CHECK_EQ(lan.discovers, 1);
}

static void test_lease_is_given_back(void)
{
    begin();
    connect_to("10.9.0.1"); // the server's hardware address is known
    hang_up();
    bf_ip_stop();
    lan_turn(&lan);
    CHECK_EQ(lan.releases, 1);
    end();
}

static void test_name_to_connection(void)
{
    begin();
    connect_to("server.test");
    CHECK(lan.questions > 0);
    transfer(100000, 100000, DEADLINE);
    end();
}

static bool has_address6(struct bf_ip_status *s)
{
    bf_ip_status(s);
    lan_skip(s->address6[0] ? 0 : 100000); // duplicate address detection
    return s->address6[0];
}

static void test_name_with_ipv6_only(void)
{
    begin();
    WAIT_FOR(phase() == BF_IP_READY && lan_advertise(&lan));
    struct bf_ip_status s;
    WAIT_FOR(has_address6(&s));
    CHECK(strncmp(s.address6, "fd09::", 6) == 0);
    CHECK(strstr(s.address6, "/64"));
    config.dns[0] = (struct bf_ip){4, {10, 9, 0, 1}};
    config.dns_count = 1;
    connect_to("six.test");
    transfer(100000, 100000, DEADLINE);
    end();
}

static void test_slaac_without_dhcp(void)
{
    begin();
    lan.answer_dhcp = 0;
    WAIT_FOR(lan.discovers > 0 && lan_advertise(&lan));
    listen_now();
    dial("fd09::1", port);
    for (int i = 0; i < 40 && phase() != BF_IP_READY; i++) {
        lan_skip(100000);
        turn();
    }
    WAIT_FOR(state() != BF_STREAM_OPENING && accepted >= 0);
    CHECK_EQ(state(), BF_STREAM_OPEN);
    struct bf_ip_status s;
    bf_ip_status(&s);
    CHECK_STR(s.address, "");
    CHECK_STR(s.dns, "fd09::1");                 // by RFC 8106
    CHECK(strncmp(s.gateway, "fe80::", 6) == 0); // who advertised the prefix
    transfer(100000, 100000, DEADLINE);
    end();
}

static void test_static_ipv4(void)
{
    struct bf_ip_status s;
    sim_platform_reset(11);
    memset(&config, 0, sizeof config);
    config.address = (struct bf_ip){4, {10, 9, 0, 77}};
    config.prefix = 24;
    config.gateway = (struct bf_ip){4, {10, 9, 0, 1}};
    config.dns[0] = (struct bf_ip){4, {10, 9, 0, 1}};
    config.dns_count = 1;
    begin_with(1500, 1);
    connect_to("server.test");
    bf_ip_status(&s);
    CHECK_STR(s.address, "10.9.0.77/24");
    CHECK_STR(s.dns, "10.9.0.1");
    CHECK_EQ(lan.discovers, 0);
    struct sockaddr_in6 peer;
    socklen_t len = sizeof peer;
    CHECK_EQ(getpeername(accepted, (struct sockaddr *)&peer, &len), 0);
    CHECK_EQ(peer.sin6_addr.s6_addr[15], 77);
    end();
}

static void test_static_ipv6(void)
{
    sim_platform_reset(11);
    memset(&config, 0, sizeof config);
    config.address = (struct bf_ip){6, {0xfd, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x77}};
    config.prefix = 64;
    begin_with(1500, 1);
    listen_now();
    dial("fd09::1", port);
    for (int i = 0; i < 40 && phase() != BF_IP_READY; i++) {
        lan_skip(100000);
        turn();
    }
    WAIT_FOR(state() != BF_STREAM_OPENING && accepted >= 0);
    CHECK_EQ(state(), BF_STREAM_OPEN);
    end();
}

// ---- What goes wrong ---------------------------------------------------------------------------

static void test_refused(void)
{
    begin();
    const struct bf_fault *f = failed_dial("10.9.0.1", 9);
    CHECK_EQ(f->code, BF_ERR_NETWORK);
    CHECK_EQ(f->side, BF_SIDE_SERVER);
    CHECK(strstr(f->what, "refused"));
    CHECK_STR(f->todo, "see whether bootferryd runs there and listens on that port");
    end();
}

// What the texts say of a server, they say of a proxy, and the server is not at fault.
static void test_a_proxy_is_no_server(void)
{
    begin();
    const struct bf_fault *f = failed_dial_peer(&bf_peer_proxy, "10.9.0.1", 9);
    CHECK_EQ(f->side, BF_SIDE_NETWORK);
    CHECK_STR(f->what, "10.9.0.1 port 9 refused the connection");
    CHECK_STR(f->todo, "see whether a proxy runs there and listens on that port");
    end();
    begin();
    f = failed_dial_peer(&bf_peer_proxy, "none.test", 9);
    CHECK_STR(f->todo, "check the name in proxy= and the DNS server, or use an address");
    end();
    begin();
    lan.option_dns = 0;
    f = failed_dial_peer(&bf_peer_proxy, "server3.test", 9);
    CHECK_STR(f->todo, "give a DNS server with dns=, or the proxy's address in proxy=");
    end();
}

static void test_name_unknown(void)
{
    begin();
    const struct bf_fault *f = failed_dial("none.test", 9);
    CHECK_EQ(f->side, BF_SIDE_CONFIG);
    CHECK(strstr(f->what, "10.9.0.1") && strstr(f->what, "none.test"));
    CHECK_STR(f->todo, "check the name in server= and the DNS server, or use an address");
    end();
}

static void test_no_dns_server(void)
{
    begin();
    lan.option_dns = 0;
    const struct bf_fault *f = failed_dial("server3.test", 9); // not in the resolver's memory
    CHECK_EQ(f->side, BF_SIDE_CONFIG);
    CHECK(strstr(f->what, "DNS server") && strstr(f->todo, "dns="));
    end();
}

static void test_no_answer_of_dhcp(void)
{
    begin();
    lan.answer_dhcp = 0;
    dial("10.9.0.1", 9);
    int seconds = 0;
    for (; seconds < 90 && state() == BF_STREAM_OPENING; seconds++) {
        lan_skip(1000000);
        turn();
    }
    CHECK(seconds >= 58 && seconds <= 62);
    const struct bf_fault *f = stream.ops->fault(stream.impl);
    CHECK_EQ(f->code, BF_ERR_TIMEOUT);
    CHECK_EQ(f->side, BF_SIDE_NETWORK);
    CHECK(strstr(f->what, "DHCP") && strstr(f->what, "tap0"));
    CHECK(lan.discovers >= 3); // it asked again
    end();
}

// retry= is shorter than the wait for DHCP: it ends the wait, and the network is still what is
// named.
static void test_little_patience(void)
{
    begin();
    config.retry_seconds = 7;
    lan.answer_dhcp = 0;
    for (int round = 0; round < 2; round++) { // the second time nothing is left of it
        int seconds = 0;
        dial("10.9.0.1", 9);
        for (; seconds < 60 && state() == BF_STREAM_OPENING; seconds++) {
            lan_skip(1000000);
            turn();
        }
        CHECK(round ? seconds <= 1 : seconds >= 6 && seconds <= 8);
        CHECK_EQ(stream.ops->fault(stream.impl)->code, BF_ERR_TIMEOUT);
        CHECK_EQ(stream.ops->fault(stream.impl)->side, BF_SIDE_NETWORK);
        CHECK(strstr(stream.ops->fault(stream.impl)->what, "DHCP"));
        hang_up();
    }
    end();
}

// Two NICs with a link: each gets half of it. A server that has answered begins it anew.
static void test_patience_is_shared(void)
{
    sim_platform_reset(11);
    memset(&config, 0, sizeof config);
    config.dhcp = 1;
    config.retry_seconds = 20;
    begin_with(1500, 2);
    lan.answer_dhcp = 0;
    int seconds = 0;
    dial("10.9.0.1", 9);
    for (; seconds < 60 && state() == BF_STREAM_OPENING; seconds++) {
        lan_skip(1000000);
        turn();
    }
    CHECK(seconds >= 9 && seconds <= 11);
    hang_up();
    begin_with(1500, 2);
    connect_to("10.9.0.1");
    hang_up();
    lan_skip(30000000);
    lan.nic[0].link = lan.nic[1].link = 0;
    turn();
    seconds = 0;
    dial("10.9.0.1", 9);
    for (; seconds < 60 && state() == BF_STREAM_OPENING; seconds++) {
        lan_skip(1000000);
        turn();
    }
    CHECK(seconds >= 9 && seconds <= 11); // the wait for a link
    end();
}

static void test_silent_server(void)
{
    begin();
    WAIT_FOR(phase() == BF_IP_READY);
    dial("10.9.0.200", 7667); // nobody has this address
    for (int i = 0; i < 30 && state() == BF_STREAM_OPENING; i++) {
        lan_skip(500000);
        turn();
    }
    CHECK_EQ(state(), BF_STREAM_FAILED);
    const struct bf_fault *f = stream.ops->fault(stream.impl);
    CHECK_EQ(f->code, BF_ERR_TIMEOUT);
    CHECK(strstr(f->what, "10.9.0.200") && strstr(f->what, "does not answer"));
    end();
}

static void test_no_gateway(void)
{
    sim_platform_reset(11);
    memset(&config, 0, sizeof config);
    config.address = (struct bf_ip){4, {10, 9, 0, 77}};
    config.prefix = 24;
    begin_with(1500, 1);
    const struct bf_fault *f = failed_dial("10.20.0.1", 7667);
    CHECK_EQ(f->side, BF_SIDE_CONFIG);
    CHECK(strstr(f->what, "10.20.0.1") && strstr(f->todo, "gateway="));
    end();
}

static void test_no_link(void)
{
    begin();
    lan.nic[0].link = 0;
    turn();
    CHECK_EQ(phase(), BF_IP_NO_LINK);
    dial("10.9.0.1", 9);
    for (int i = 0; i < 30 && state() == BF_STREAM_OPENING; i++) {
        lan_skip(500000);
        turn();
    }
    CHECK_EQ(state(), BF_STREAM_FAILED);
    CHECK(strstr(stream.ops->fault(stream.impl)->what, "no link"));
    end();
}

static void test_reset_by_the_server_after_its_last_words(void)
{
    struct linger now = {1, 0};
    char got[16];
    size_t done;
    begin();
    connect_to("10.9.0.1");
    CHECK_EQ(send(accepted, "disk full", 9, 0), 9);
    setsockopt(accepted, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(accepted);
    accepted = -1;
    close(listener);
    listener = -1;
    for (int i = 0; i < 200; i++)
        turn();
    CHECK_EQ(stream.ops->read(stream.impl, got, sizeof got, &done), BF_OK);
    CHECK_EQ(done, 9);
    CHECK_EQ(stream.ops->read(stream.impl, got, sizeof got, &done), BF_ERR_NETWORK);
    CHECK_EQ(state(), BF_STREAM_FAILED);
    CHECK(strstr(stream.ops->fault(stream.impl)->what, "reset"));
    end();
}

// ---- The life of a connection ------------------------------------------------------------------

static void test_orderly_ends(void)
{
    char got[16];
    size_t done;
    begin();
    connect_to("10.9.0.1");
    CHECK_EQ(send(accepted, "end", 3, 0), 3);
    shutdown(accepted, SHUT_WR);
    WAIT_FOR(stream.ops->read(stream.impl, got, sizeof got, &done) == BF_OK);
    WAIT_FOR(stream.ops->read(stream.impl, got, sizeof got, &done) == BF_ERR_CLOSED);
    CHECK_EQ(state(), BF_STREAM_ENDED);
    end();
}

static void test_everything_arrives_after_close(void)
{
    enum { AMOUNT = 700000 };
    uint64_t sent = 0, got = 0;
    begin();
    connect_to("10.9.0.1");
    while (sent < AMOUNT)
        sent += push(sent, AMOUNT);
    CHECK(stream.ops->unsent(stream.impl) > 0);
    stream.ops->close(stream.impl);
    stream.ops = NULL;
    double until = lan_real_seconds() + DEADLINE;
    while (got < AMOUNT && lan_real_seconds() < until) {
        turn();
        got += kernel_pull(got);
    }
    CHECK_EQ(got, AMOUNT);
    ssize_t last = -1;
    WAIT_FOR((last = recv(accepted, block, 1, 0)) == 0); // FIN, not a reset
    CHECK_EQ(last, 0);
    end();
}

static void test_link_lost_and_back(void)
{
    uint64_t sent = 0, got = 0;
    begin();
    connect_to("10.9.0.1");
    transfer(300000, 300000, DEADLINE);
    unsigned asked = lan.requests;
    lan.nic[0].link = 0;
    for (int i = 0; i < 20; i++) {
        sent += push(sent, 200000);
        lan_skip(100000);
        turn();
    }
    CHECK_EQ(phase(), BF_IP_NO_LINK);
    CHECK_EQ(state(), BF_STREAM_OPEN); // a cable may come back
    lan.nic[0].link = 1;
    WAIT_FOR(lan.requests > asked); // DHCP is asked whether the address is still ours
    WAIT_FOR(phase() == BF_IP_READY);
    double until = lan_real_seconds() + DEADLINE;
    while (got < 200000 && lan_real_seconds() < until) {
        sent += push(sent, 200000);
        turn();
        got += kernel_pull(got);
    }
    CHECK_EQ(got, 200000);
    end();
}

static struct tcp_info info(void)
{
    struct tcp_info i;
    socklen_t len = sizeof i;
    memset(&i, 0, sizeof i);
    CHECK_EQ(getsockopt(accepted, IPPROTO_TCP, TCP_INFO, &i, &len), 0);
    return i;
}

static void test_windows_are_scaled_and_grow(void)
{
    begin();
    connect_to("10.9.0.1");
    transfer(0, 16 * MIB, 60);
    struct tcp_info i = info();
    CHECK_EQ(i.tcpi_snd_wscale, 6);
    CHECK(i.tcpi_snd_wnd > 1200000); // what we offer: 1 Gbit/s at 10 ms
    // more than an unscaled window is under way when the peer does not read
    uint64_t sent = 0, taken = 0;
    double until = lan_real_seconds() + DEADLINE;
    while ((sent < 2 * MIB || taken <= 65535) && lan_real_seconds() < until) {
        sent += push(sent, 8 * MIB);
        turn();
        taken = sent - stream.ops->unsent(stream.impl);
    }
    CHECK(taken > 65535);
    CHECK(sent >= 2 * MIB);
    end();
}

static void test_unread_input_is_bounded(void)
{
    uint64_t sent = 0;
    begin();
    connect_to("10.9.0.1");
    for (int i = 0; i < 600; i++) {
        for (uint64_t n; (n = kernel_push(sent, UINT64_MAX)) > 0;)
            sent += n;
        turn();
    }
    uint64_t got = 0;
    struct bf_mem_usage usage;
    bf_mem_usage(&usage);
    CHECK(usage.in_use - before.in_use < 8 * MIB);
    double until = lan_real_seconds() + DEADLINE;
    while (got < sent && lan_real_seconds() < until) { // and goes on when it is read
        got += pull(got);
        turn();
    }
    CHECK_EQ(got, sent);
    end();
}

static void test_jumbo_frames(void)
{
    sim_platform_reset(11);
    memset(&config, 0, sizeof config);
    config.dhcp = 1;
    begin_with(9000, 1);
    connect_to("10.9.0.1");
    transfer(4 * MIB, 4 * MIB, DEADLINE);
    struct tcp_info i = info();
    CHECK(i.tcpi_snd_mss > 8000 && i.tcpi_rcv_mss > 8000);
    end();
}

static void test_loss_and_reordering(void)
{
    begin();
    connect_to("10.9.0.1");
    lan.nic[0].lose_tx = 1;
    lan.nic[0].lose_rx = 1;
    lan.nic[0].swap_rx = 5;
    transfer(MIB, MIB, 120);
    end();
}

static void test_full_transmit_queue(void)
{
    begin();
    connect_to("10.9.0.1");
    lan.nic[0].refuse_every = 2;
    transfer(4 * MIB, 1 * MIB, 60);
    end();
}

static void test_small_receive_ring(void)
{
    begin();
    connect_to("10.9.0.1");
    lan.nic[0].ring = 12;
    transfer(0, MIB, 120);
    end();
}

// ---- Several NICs ------------------------------------------------------------------------------

static void test_next_nic_when_nobody_answers(void)
{
    struct bf_ip_status s;
    struct bf_dialer d = bf_ip_dialer();
    sim_platform_reset(11);
    memset(&config, 0, sizeof config);
    config.dhcp = 1;
    begin_with(1500, 2);
    bf_ip_status(&s);
    CHECK(s.nic == &lan.nic[0].nic);
    d.nobody(d.impl);
    bf_ip_status(&s);
    CHECK(s.nic == &lan.nic[1].nic);
    turn();
    d.nobody(d.impl); // and round
    bf_ip_status(&s);
    CHECK(s.nic == &lan.nic[0].nic);
    // over this one a server answers: it is kept for three rounds in vain
    connect_to("10.9.0.1");
    hang_up();
    d.nobody(d.impl);
    d.nobody(d.impl);
    bf_ip_status(&s);
    CHECK(s.nic == &lan.nic[0].nic);
    d.nobody(d.impl);
    bf_ip_status(&s);
    CHECK(s.nic == &lan.nic[1].nic);
    end();
}

// A NIC that no longer works is left at once; without another one the dial says so.
static void test_a_nic_that_failed(void)
{
    struct bf_ip_status s;
    sim_platform_reset(11);
    memset(&config, 0, sizeof config);
    config.dhcp = 1;
    begin_with(1500, 2);
    connect_to("10.9.0.1");
    lan.nic[0].nic.failed = 1;
    lan.nic[0].link = 0;
    turn();
    bf_ip_status(&s);
    CHECK(s.nic == &lan.nic[1].nic);
    CHECK_EQ(state(), BF_STREAM_FAILED);
    hang_up();
    CHECK(strstr(sim_log(), "nothing can be sent over tap tap0, trying tap tap1"));
    lan.nic[1].nic.failed = 1;
    lan.nic[1].link = 0;
    turn();
    bf_ip_status(&s);
    CHECK(s.nic == &lan.nic[1].nic); // nothing better is there
    dial("10.9.0.1", 9);
    turn();
    CHECK_EQ(state(), BF_STREAM_FAILED);
    CHECK_EQ(stream.ops->fault(stream.impl)->code, BF_ERR_IO);
    CHECK_EQ(stream.ops->fault(stream.impl)->side, BF_SIDE_SOURCE);
    CHECK(strstr(stream.ops->fault(stream.impl)->what, "no longer works"));
    end();
}

static void test_nic_with_a_link_comes_first(void)
{
    struct bf_ip_status s;
    struct bf_nic *list[LAN_NICS];
    sim_platform_reset(11);
    memset(&config, 0, sizeof config);
    config.dhcp = 1;
    begin_with(1500, 2);
    bf_ip_stop();
    lan.nic[0].link = 0;
    for (int i = 0; i < LAN_NICS; i++)
        list[i] = &lan.nic[i].nic;
    CHECK_EQ(bf_ip_start(list, 2, &config, &fault), BF_OK);
    bf_ip_status(&s);
    CHECK(s.nic == &lan.nic[1].nic);
    end();
}

static void test_nic_by_address(void)
{
    struct bf_ip_status s;
    struct bf_nic *list[LAN_NICS];
    static const uint8_t second[6] = {0x52, 0x54, 0, 9, 0, 2};
    sim_platform_reset(11);
    memset(&config, 0, sizeof config);
    config.dhcp = config.has_nic = 1;
    memcpy(config.nic, second, 6);
    begin_with(1500, 2);
    bf_ip_status(&s);
    CHECK(s.nic == &lan.nic[1].nic);
    bf_ip_stop();
    config.nic[5] = 9;
    for (int i = 0; i < LAN_NICS; i++)
        list[i] = &lan.nic[i].nic;
    CHECK_EQ(bf_ip_start(list, 2, &config, &fault), BF_ERR_NOT_FOUND);
    printf("# %s\n", fault.what);
    CHECK(strstr(fault.what, "52:54:00:09:00:09") && strstr(fault.what, "52:54:00:09:00:02"));
    CHECK_EQ(bf_ip_start(list, 0, &config, &fault), BF_ERR_NOT_FOUND);
    end();
}

TEST_MAIN(TEST(test_dhcp), TEST(test_lease_is_given_back), TEST(test_name_to_connection),
          TEST(test_name_with_ipv6_only), TEST(test_slaac_without_dhcp), TEST(test_static_ipv4),
          TEST(test_static_ipv6), TEST(test_refused), TEST(test_a_proxy_is_no_server),
          TEST(test_name_unknown), TEST(test_no_dns_server), TEST(test_no_answer_of_dhcp),
          TEST(test_little_patience), TEST(test_patience_is_shared), TEST(test_silent_server),
          TEST(test_no_gateway), TEST(test_no_link),
          TEST(test_reset_by_the_server_after_its_last_words), TEST(test_orderly_ends),
          TEST(test_everything_arrives_after_close), TEST(test_link_lost_and_back),
          TEST(test_windows_are_scaled_and_grow), TEST(test_unread_input_is_bounded),
          TEST(test_jumbo_frames), TEST(test_loss_and_reordering), TEST(test_full_transmit_queue),
          TEST(test_small_receive_ring), TEST(test_next_nic_when_nobody_answers),
          TEST(test_a_nic_that_failed), TEST(test_nic_with_a_link_comes_first),
          TEST(test_nic_by_address))
