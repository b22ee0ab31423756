// SPDX-License-Identifier: Apache-2.0
// How the boot program finds its way to the server: DHCP's routes, routers outside of the network,
// what gateway= and dns= override, names with several addresses, DNS servers that are dead, deny or
// fail, domains that are searched. Against the kernel's stack over TAP, with DHCP and DNS servers
// that the test plays. Skipped without privileges.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/platform.h"
#include "net/ip/stack.h"
#include "tests/net/lan.h"
#include "tests/platform_sim.h"
#include "tests/unit/test.h"

uint32_t bf_lwip_complaints(void);

static struct lan lan;
static struct bf_config config;
static struct bf_stream stream;
static int listener = -1;
static uint16_t port;

static void turn(void)
{
    struct timespec rest = {0, 50000};
    lan_turn(&lan);
    uint32_t frames = bf_ip_poll();
    if (stream.ops)
        stream.ops->poll(stream.impl);
    if (frames == 0)
        nanosleep(&rest, NULL);
}

static void hang_up(void)
{
    if (stream.ops)
        stream.ops->close(stream.impl);
    stream.ops = NULL;
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

// With what the test has configured; DHCP unless there is an address.
static void begin(void)
{
    struct bf_nic *list[] = {&lan.nic[0].nic};
    struct bf_fault fault;
    uint64_t now = bf_platform_now_us();
    tidy();
    sim_platform_reset(11);
    sim_clock_advance(now); // lwIP's timers do not go back
    const char *why = lan_open(&lan, 1500);
    if (why)
        SKIP("%s", why);
    config.dhcp = config.address.family == 0;
    CHECK_EQ(bf_ip_start(list, 1, &config, &fault), BF_OK);
}

static void begin_by_dhcp(void)
{
    memset(&config, 0, sizeof config);
    begin();
}

static void end(void)
{
    tidy();
    CHECK_EQ(bf_lwip_complaints(), 0);
}

static struct bf_ip_status status(void)
{
    struct bf_ip_status s;
    bf_ip_status(&s);
    return s;
}

static enum bf_stream_state state(void)
{
    return stream.ops->state(stream.impl);
}

static void dial(const char *host, uint16_t to)
{
    struct bf_dialer d = bf_ip_dialer();
    struct bf_fault fault;
    CHECK_EQ(d.dial(d.impl, &bf_peer_server, host, to, &stream, &fault), BF_OK);
}

static void listen_at(const char *address)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    socklen_t len = sizeof a;
    int off = 0;
    listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    inet_pton(AF_INET6, address, &a.sin6_addr);
    CHECK_EQ(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    CHECK_EQ(listen(listener, 16), 0);
    CHECK_EQ(getsockname(listener, (struct sockaddr *)&a, &len), 0);
    port = ntohs(a.sin6_port);
}

// Without moving the clock ahead: nothing that is silent may hold it up.
static void connect_to(const char *host)
{
    if (listener < 0)
        listen_at("::");
    dial(host, port);
    WAIT_FOR(state() != BF_STREAM_OPENING);
    if (state() == BF_STREAM_FAILED)
        FAIL("%s", stream.ops->fault(stream.impl)->what);
}

static const struct bf_fault *failed_dial(const char *host, uint16_t to)
{
    dial(host, to);
    for (int i = 0; i < 1000 && state() == BF_STREAM_OPENING; i++) {
        lan_skip(50000);
        for (int k = 0; k < 5; k++)
            turn();
    }
    CHECK_EQ(state(), BF_STREAM_FAILED);
    const struct bf_fault *f = stream.ops->fault(stream.impl);
    printf("# %s -> %s\n", f->what, f->todo);
    return f;
}

static void advertise(void)
{
    WAIT_FOR(status().phase == BF_IP_READY && lan_advertise(&lan));
    for (int i = 0; i < 400 && !status().address6[0]; i++) {
        lan_skip(100000); // duplicate address detection
        turn();
    }
    CHECK(status().address6[0]);
}

// ---- Routes ------------------------------------------------------------------------------------

// 10.55.0.0/24 via 10.9.0.1; 10.55.0.0/16 via nobody, which is shorter.
static const uint8_t ROUTES[] = {121, 15, 16, 10, 55, 10, 9, 0, 99, 24, 10, 55, 0, 10, 9, 0, 1};

static void test_routes_of_dhcp(void)
{
    begin_by_dhcp();
    lan.option_router = 0;
    lan.extra = ROUTES;
    lan.extra_len = sizeof ROUTES;
    connect_to("10.55.0.1");
    CHECK_STR(status().gateway, "");
    CHECK_EQ(lan.wanted[0], 121); // before the router (RFC 3442)
    CHECK(memchr(lan.wanted, 3, sizeof lan.wanted) && memchr(lan.wanted, 119, sizeof lan.wanted));
    CHECK(strstr(sim_log(), "10.55.0.0/24 via 10.9.0.1"));
    hang_up();
    const struct bf_fault *f = failed_dial("10.56.0.1", port);
    CHECK_EQ(f->side, BF_SIDE_NETWORK);
    CHECK(strstr(f->what, "10.9.0.50/24") && strstr(f->what, "other networks only"));
    end();
}

static void test_option_3_is_ignored_beside_121(void)
{
    // 10.9.0.77 is nobody; option 3 names 10.9.0.1, which would do.
    static const uint8_t routes[] = {121, 5, 0, 10, 9, 0, 77};
    static const uint8_t right[] = {3, 4, 10, 9, 0, 99, 121, 5, 0, 10, 9, 0, 1};
    begin_by_dhcp();
    lan.extra = routes;
    lan.extra_len = sizeof routes;
    WAIT_FOR(status().phase == BF_IP_READY);
    CHECK_STR(status().gateway, "10.9.0.77");
    begin_by_dhcp();
    lan.option_router = 0;
    lan.extra = right;
    lan.extra_len = sizeof right;
    connect_to("10.55.0.1");
    CHECK_STR(status().gateway, "10.9.0.1");
    end();
}

static void test_routes_in_two_parts(void)
{
    static const uint8_t parts[] = {121, 3, 24, 10, 55, 12, 1, 'x', 121, 5, 0, 10, 9, 0, 1};
    begin_by_dhcp();
    lan.option_router = 0;
    lan.extra = parts;
    lan.extra_len = sizeof parts;
    connect_to("10.55.0.1");
    end();
}

static void test_malformed_routes_leave_the_router(void)
{
    static const uint8_t routes[] = {121, 6, 33, 10, 9, 0, 77, 1};
    begin_by_dhcp();
    lan.extra = routes;
    lan.extra_len = sizeof routes;
    connect_to("10.55.0.1");
    CHECK_STR(status().gateway, "10.9.0.1");
    CHECK(strstr(sim_log(), "DHCP option 121 is malformed"));
    end();
}

// A part of the own network behind a router: the longer prefix decides.
static void test_route_inside_of_the_own_network(void)
{
    static const uint8_t routes[] = {121, 9, 32, 10, 9, 0, 200, 10, 9, 0, 1};
    begin_by_dhcp();
    lan.extra = routes;
    lan.extra_len = sizeof routes;
    WAIT_FOR(status().phase == BF_IP_READY);
    dial("10.9.0.200", 9); // nobody answers to ARP, but the router would not refuse it, either
    WAIT_FOR(lan_forwarded(&lan, "10.9.0.200"));
    end();
}

static void test_renewal_changes_routes(void)
{
    static const uint8_t wrong[] = {121, 8, 24, 10, 55, 0, 10, 9, 0, 99};
    begin_by_dhcp();
    lan.option_router = 0;
    lan.lease = 120;
    lan.extra = wrong;
    lan.extra_len = sizeof wrong;
    WAIT_FOR(status().phase == BF_IP_READY);
    unsigned asked = lan.requests;
    lan.extra = ROUTES;
    lan.extra_len = sizeof ROUTES;
    for (int i = 0; i < 200 && lan.requests == asked; i++) {
        lan_skip(1000000);
        turn();
    }
    CHECK(lan.requests > asked);
    connect_to("10.55.0.1");
    end();
}

static void pass_minutes(int minutes)
{
    for (int i = 0; i < minutes * 60; i++) {
        lan_skip(1000000);
        turn();
    }
}

// A lease of a minute, which lwIP would let end before it is renewed; then a server that is silent
// for an hour.
static void test_a_lease_does_not_end_by_silence(void)
{
    begin_by_dhcp();
    lan.lease = 60;
    connect_to("10.9.0.1");
    unsigned asked = lan.requests;
    pass_minutes(10);
    CHECK(lan.requests >= asked + 8);
    CHECK_EQ(lan.discovers, 1);
    lan.answer_dhcp = 0;
    asked = lan.requests;
    pass_minutes(60);
    CHECK(lan.requests >= asked + 50); // and goes on asking
    CHECK_EQ(lan.discovers, 1);
    CHECK_EQ(lan.releases, 0);
    CHECK_STR(status().address, "10.9.0.50/24");
    CHECK_EQ(state(), BF_STREAM_OPEN);
    lan.answer_dhcp = 1;
    pass_minutes(3);
    CHECK_EQ(lan.discovers, 1);
    end();
}

// A lease without any of these options, after one that had them.
static void test_options_of_the_last_message_do_not_stay(void)
{
    begin_by_dhcp();
    lan.option_router = 0;
    lan.extra = ROUTES;
    lan.extra_len = sizeof ROUTES;
    lan.lease = 120;
    WAIT_FOR(status().phase == BF_IP_READY);
    CHECK_STR(status().dns, "10.9.0.1");
    lan.extra = NULL;
    lan.option_dns = 0;
    unsigned asked = lan.requests;
    for (int i = 0; i < 200 && lan.requests == asked; i++) {
        lan_skip(1000000);
        turn();
    }
    WAIT_FOR(!status().dns[0]);
    CHECK(strstr(failed_dial("10.55.0.1", 9)->what, "no router"));
    end();
}

static void test_no_router(void)
{
    begin_by_dhcp();
    lan.option_router = 0;
    connect_to("10.9.0.1"); // on the link
    hang_up();
    const struct bf_fault *f = failed_dial("10.55.0.1", 7667);
    CHECK_EQ(f->side, BF_SIDE_NETWORK);
    CHECK(strstr(f->what, "10.9.0.50/24, and the DHCP server 10.9.0.1 gave no router"));
    CHECK(strstr(f->todo, "gateway="));
    end();
}

static void test_gateway_and_dns_override_dhcp(void)
{
    static const uint8_t routes[] = {121, 5, 0, 10, 9, 0, 77};
    memset(&config, 0, sizeof config);
    config.gateway = (struct bf_ip){4, {10, 9, 0, 1}};
    config.dns[0] = (struct bf_ip){4, {10, 9, 0, 2}};
    config.dns_count = 1;
    begin();
    lan.extra = routes;
    lan.extra_len = sizeof routes;
    connect_to("10.55.0.1");
    CHECK_STR(status().gateway, "10.9.0.1");
    CHECK_STR(status().dns, "10.9.0.2");
    CHECK(strstr(sim_log(), "gateway=10.9.0.1 is used, not the router 10.9.0.77 from DHCP"));
    CHECK(strstr(sim_log(), "dns= is used"));
    end();
}

static void test_single_address_with_a_router_elsewhere(void)
{
    memset(&config, 0, sizeof config);
    config.address = (struct bf_ip){4, {10, 9, 0, 77}};
    config.prefix = 32;
    config.gateway = (struct bf_ip){4, {10, 9, 0, 1}};
    begin();
    connect_to("10.55.0.1");
    CHECK_STR(status().address, "10.9.0.77/32");
    hang_up();
    connect_to("10.9.0.1"); // the router itself
    begin_by_dhcp();
    memset(lan.mask, 0xff, 4);
    connect_to("10.55.0.1");
    CHECK_STR(status().address, "10.9.0.50/32");
    end();
}

// The two ends of a link (RFC 3021): neither is the broadcast address.
static void test_network_of_two(void)
{
    memset(&config, 0, sizeof config);
    config.address = (struct bf_ip){4, {10, 9, 0, 0}};
    config.prefix = 31;
    config.gateway = (struct bf_ip){4, {10, 9, 0, 1}};
    begin();
    connect_to("10.9.0.1");
    hang_up();
    connect_to("10.55.0.1");
    end();
}

static void wait_for_ipv6(void)
{
    for (int i = 0; i < 400 && !status().address6[0]; i++) {
        lan_skip(100000);
        turn();
    }
}

static void test_single_ipv6_address(void)
{
    memset(&config, 0, sizeof config);
    config.address = (struct bf_ip){6, {0xfd, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x77}};
    config.prefix = 128;
    config.gateway = (struct bf_ip){6, {0xfd, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
    begin();
    wait_for_ipv6();
    CHECK_STR(status().address6, "fd09::77/128");
    connect_to("fd09::1");
    hang_up();
    dial("fd09::99", 9); // in the same /64, but by way of the router
    WAIT_FOR(lan_forwarded(&lan, "fd09::99"));
    end();
}

// ---- Names -------------------------------------------------------------------------------------

static size_t dead_first(int server, const char *name, uint16_t type, uint8_t *m, size_t at)
{
    if (type == 1) {
        at = lan_dns_add(m, at, type, "10.9.0.201"); // nobody
        return lan_dns_add(m, at, type, "10.9.0.202");
    }
    at = lan_dns_add(m, at, type, "fd09::201");
    return lan_dns_add(m, at, type, "fd09::1");
}

static void test_dead_addresses_do_not_hold_it_up(void)
{
    begin_by_dhcp();
    lan.names = dead_first;
    advertise();
    uint64_t start = bf_platform_now_us();
    connect_to("replica.test"); // by its fourth address
    uint64_t first = bf_platform_now_us() - start;
    CHECK(first >= 3 * 250000);
    hang_up();
    int connections = 0;
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; connections++)
        close(fd);
    CHECK_EQ(connections, 1);
    end();
}

static size_t refusing_first(int server, const char *name, uint16_t type, uint8_t *m, size_t at)
{
    if (type == 28)
        return at;
    at = lan_dns_add(m, at, type, "10.9.0.1");
    at = lan_dns_add(m, at, type, "10.9.0.2");
    return lan_dns_add(m, at, type, "10.55.0.1");
}

static void test_all_addresses_are_tried(void)
{
    begin_by_dhcp();
    listen_at("::ffff:10.55.0.1"); // the others refuse
    lan.names = refusing_first;
    connect_to("refusing.test");
    CHECK_EQ(lan.nic[0].sent_syns, 3);
    hang_up();
    connect_to("refusing.test"); // the one that has won is first
    CHECK_EQ(lan.nic[0].sent_syns, 4);
    hang_up();
    close(listener);
    listener = -1;
    const struct bf_fault *f = failed_dial("refusing.test", port);
    CHECK(strstr(f->what, "refused") && strstr(f->what, "2 further addresses failed, too"));
    end();
}

static size_t only_six(int server, const char *name, uint16_t type, uint8_t *m, size_t at)
{
    return type == 28 ? lan_dns_add(m, at, type, "2001:db8::1") : at;
}

static void test_no_address_of_the_family(void)
{
    begin_by_dhcp();
    lan.names = only_six;
    const struct bf_fault *f = failed_dial("replica.test", 9);
    CHECK(strstr(f->what, "2001:db8::1"));
    CHECK(strstr(f->what, "no IPv6 address"));
    end();
}

// ---- DNS servers -------------------------------------------------------------------------------

static void two_dns_servers(int dead)
{
    memset(&config, 0, sizeof config);
    if (dead)
        config.dns[config.dns_count++] = (struct bf_ip){4, {10, 9, 0, 203}};
    config.dns[config.dns_count++] = (struct bf_ip){4, {10, 9, 0, 1}};
    config.dns[config.dns_count++] = (struct bf_ip){4, {10, 9, 0, 2}};
    begin();
}

// 10.9.0.1 fails, 10.9.0.2 knows.
static size_t first_fails(int server, const char *name, uint16_t type, uint8_t *m, size_t at)
{
    return server == 0 ? lan_dns_code(m, at, 2)
           : type == 1 ? lan_dns_add(m, at, 1, "10.9.0.1")
                       : at;
}

static size_t first_denies(int server, const char *name, uint16_t type, uint8_t *m, size_t at)
{
    return server == 0 ? lan_dns_code(m, at, 3)
           : type == 1 ? lan_dns_add(m, at, 1, "10.9.0.1")
                       : at;
}

static size_t first_denies_second_is_silent(int server, const char *name, uint16_t type, uint8_t *m,
                                            size_t at)
{
    return server == 0 ? lan_dns_code(m, at, 3) : 0;
}

static size_t all_silent(int server, const char *name, uint16_t type, uint8_t *m, size_t at)
{
    return 0;
}

static size_t all_fail(int server, const char *name, uint16_t type, uint8_t *m, size_t at)
{
    return lan_dns_code(m, at, 5);
}

static void test_next_dns_server(void)
{
    two_dns_servers(1);
    lan.names = first_fails;
    connect_to("replica.test");
    CHECK_EQ(lan.asked[1], 2);
    CHECK_STR(status().dns, "10.9.0.2"); // is asked first from now on
    two_dns_servers(0);
    lan.names = first_denies; // who knows the names of the inside?
    connect_to("replica.test");
    end();
}

static void test_name_that_does_not_exist(void)
{
    two_dns_servers(0);
    lan.names = first_denies_second_is_silent;
    const struct bf_fault *f = failed_dial("replica.test", 9);
    CHECK(strstr(f->what, "10.9.0.1 does not resolve replica.test"));
    CHECK_EQ(f->side, BF_SIDE_CONFIG);
    CHECK(lan.asked[1] <= 4); // the silent one is not waited for
    end();
}

static void test_dns_servers_that_say_nothing(void)
{
    two_dns_servers(0);
    lan.names = all_silent;
    const struct bf_fault *f = failed_dial("silent.test", 9);
    CHECK_EQ(f->code, BF_ERR_TIMEOUT);
    CHECK_EQ(f->side, BF_SIDE_NETWORK);
    CHECK(strstr(f->what, "no DNS server answers queries for silent.test"));
    CHECK(lan.asked[0] > 4 && lan.asked[1] > 4); // again and again
    hang_up();
    lan.names = all_fail;
    CHECK(strstr(failed_dial("failing.test", 9)->what, "no DNS server can resolve failing.test"));
    end();
}

static void test_known_address_without_dns(void)
{
    begin_by_dhcp();
    connect_to("server.test");
    hang_up();
    lan.names = all_silent;
    dial("server.test", port);
    for (int i = 0; i < 400 && state() == BF_STREAM_OPENING; i++) {
        lan_skip(50000);
        turn();
    }
    CHECK_EQ(state(), BF_STREAM_OPEN);
    CHECK(strstr(sim_log(), "trying the last known address"));
    end();
}

// ---- Domains -----------------------------------------------------------------------------------

static char names_asked[512];

static size_t in_the_domain(int server, const char *name, uint16_t type, uint8_t *m, size_t at)
{
    if (type == 1)
        snprintf(names_asked + strlen(names_asked), sizeof names_asked - strlen(names_asked), "%s ",
                 name);
    if (strcmp(name, "replica.eng.corp.test") != 0)
        return lan_dns_code(m, at, 3);
    return type == 1 ? lan_dns_add(m, at, type, "10.9.0.1") : at;
}

static void ask_in_domains(const uint8_t *options, size_t len, const char *host)
{
    begin_by_dhcp();
    names_asked[0] = 0;
    lan.names = in_the_domain;
    lan.extra = options;
    lan.extra_len = len;
    listen_at("::");
    dial(host, port);
    WAIT_FOR(state() != BF_STREAM_OPENING);
}

static void test_short_names(void)
{
    static const uint8_t domain[] = {15,  13,  'e', 'n', 'g', '.', 'c', 'o',
                                     'r', 'p', '.', 't', 'e', 's', 't'};
    // ops.corp.test, then eng with a pointer to corp.test; option 15 does not count beside it
    static const uint8_t search[] = {119, 21,  3,   'o', 'p', 's', 4,   'c', 'o', 'r', 'p', 4, 't',
                                     'e', 's', 't', 0,   3,   'e', 'n', 'g', 192, 4,   15,  1, 'x'};
    ask_in_domains(domain, sizeof domain, "replica");
    CHECK_EQ(state(), BF_STREAM_OPEN);
    CHECK_STR(names_asked, "replica.eng.corp.test ");
    ask_in_domains(search, sizeof search, "replica");
    CHECK_EQ(state(), BF_STREAM_OPEN);
    CHECK_STR(names_asked, "replica.ops.corp.test replica.eng.corp.test ");
    ask_in_domains(domain, sizeof domain, "replica.eng");
    CHECK_EQ(state(), BF_STREAM_FAILED);
    CHECK_STR(names_asked, "replica.eng replica.eng.eng.corp.test "); // ndots is 1
    CHECK(strstr(stream.ops->fault(stream.impl)->what, "nor in the domain eng.corp.test"));
    ask_in_domains(domain, sizeof domain, "replica.");
    CHECK_STR(names_asked, "replica "); // with a dot in the end it is whole
    end();
}

static size_t in_the_lab(int server, const char *name, uint16_t type, uint8_t *m, size_t at)
{
    if (strcmp(name, "replica.lab.test") != 0)
        return lan_dns_code(m, at, 3);
    return type == 1 ? lan_dns_add(m, at, type, "10.9.0.1") : at;
}

static void test_domain_of_a_router_advertisement(void)
{
    begin_by_dhcp();
    lan.names = in_the_lab;
    advertise();
    connect_to("replica");
    end();
}

// ---- Link-local --------------------------------------------------------------------------------

static void test_link_local_server(void)
{
    char address[64];
    begin_by_dhcp();
    lan.answer_dhcp = 0; // nothing but the link-local address
    WAIT_FOR(lan_link_local(address, sizeof address));
    listen_at("::");
    dial(address, port);
    for (int i = 0; i < 400 && state() == BF_STREAM_OPENING; i++) {
        lan_skip(50000); // duplicate address detection
        turn();
        turn();
    }
    CHECK_EQ(state(), BF_STREAM_OPEN);
    end();
}

TEST_MAIN(TEST(test_routes_of_dhcp), TEST(test_option_3_is_ignored_beside_121),
          TEST(test_routes_in_two_parts), TEST(test_malformed_routes_leave_the_router),
          TEST(test_route_inside_of_the_own_network), TEST(test_renewal_changes_routes),
          TEST(test_a_lease_does_not_end_by_silence),
          TEST(test_options_of_the_last_message_do_not_stay), TEST(test_no_router),
          TEST(test_gateway_and_dns_override_dhcp),
          TEST(test_single_address_with_a_router_elsewhere), TEST(test_network_of_two),
          TEST(test_single_ipv6_address), TEST(test_dead_addresses_do_not_hold_it_up),
          TEST(test_all_addresses_are_tried), TEST(test_no_address_of_the_family),
          TEST(test_next_dns_server), TEST(test_name_that_does_not_exist),
          TEST(test_dns_servers_that_say_nothing), TEST(test_known_address_without_dns),
          TEST(test_short_names), TEST(test_domain_of_a_router_advertisement),
          TEST(test_link_local_server))
