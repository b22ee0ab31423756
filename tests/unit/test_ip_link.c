// SPDX-License-Identifier: Apache-2.0
// What the link demands of the IP stack: a VLAN's tag in every frame, packets of a given size, a
// switch port that lets nothing through at first. Skipped without privileges.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "net/ip/vlan.h"
#include "tests/net/station.h"
#include "tests/platform_sim.h"
#include "tests/unit/test.h"

enum { TAGGED_HEADER = 18, HEADER = 14 };

static struct lan_nic *wire(void)
{
    return &station.lan.nic[0];
}

static void start(uint32_t nics)
{
    const char *why = station_start(1500, nics);
    if (why)
        SKIP("%s", why);
}

static int connected(void)
{
    return station_state() != BF_STREAM_OPENING && station.accepted >= 0;
}

static void connect_to(const char *host)
{
    CHECK(station_listen());
    CHECK_EQ(station_dial(host, station.port), BF_OK);
    CHECK(station_until(connected));
    CHECK_EQ(station_state(), BF_STREAM_OPEN);
}

// What the kernel takes for the largest segment that the machine receives.
static int announced_mss(void)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    CHECK_EQ(getsockopt(station.accepted, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    return (int)info.tcpi_snd_mss;
}

// ---- VLAN --------------------------------------------------------------------------------------

static void test_tag_in_and_out(void)
{
    uint8_t bytes[80], *frame = bytes;
    size_t len;
    for (uint8_t i = 0; i < sizeof bytes; i++)
        bytes[i] = i;
    CHECK_EQ(bf_vlan_put(bytes, 60, 0x123), 64);
    for (uint8_t i = 0; i < 12; i++)
        CHECK_EQ(bytes[i], i + 4);
    CHECK(memcmp(bytes + 12, "\x81\0\x01\x23\x10\x11", 6) == 0);
    len = 64;
    CHECK_EQ(bf_vlan_take(&frame, &len, 0x124), 0);
    CHECK_EQ(bf_vlan_take(&frame, &len, 0), 0);
    bytes[14] |= 0xf0; // priority and drop eligibility
    CHECK_EQ(bf_vlan_take(&frame, &len, 0x123), 1);
    CHECK_EQ(len, 60);
    CHECK(frame == bytes + 4 && frame[0] == 4 && frame[12] == 0x10);
    CHECK_EQ(bf_vlan_take(&frame, &len, 0x123), 0); // without a tag
    CHECK_EQ(bf_vlan_take(&frame, &len, 0), 1);
    CHECK_EQ(len, 60);
}

static void test_priority_without_a_vlan_is_untagged(void)
{
    uint8_t bytes[64] = {0}, *frame = bytes;
    size_t len = sizeof bytes;
    memcpy(bytes + 12, "\x81\0\xe0\0", 4);
    CHECK_EQ(bf_vlan_take(&frame, &len, 7), 0);
    CHECK_EQ(bf_vlan_take(&frame, &len, 0), 1);
    CHECK_EQ(len, 60);
    len = 17; // cut within the tag
    frame = bytes;
    CHECK_EQ(bf_vlan_take(&frame, &len, 7), 0);
}

static void sends_in_vlan(uint8_t tag_room, unsigned payload)
{
    struct bf_ip_status s;
    station_prepare();
    station.config.vlan = station.wire_vlan = 42;
    station.tag_room = tag_room;
    start(1);
    connect_to("server.test");
    bf_ip_status(&s);
    CHECK_STR(s.address, "10.9.0.50/24");
    CHECK_EQ(s.vlan, 42);
    CHECK_EQ(s.mtu, payload);
    CHECK_EQ(station_send(300000), 300000);
    CHECK_EQ(wire()->untagged, 0);
    CHECK_EQ(wire()->longest, payload + TAGGED_HEADER);
    CHECK_EQ(announced_mss(), (int)payload - 40);
    station_stop();
}

// A driver with room for the tag carries packets as large as ever.
static void test_vlan_with_room(void)
{
    sends_in_vlan(4, 1500);
}

static void test_vlan_without_room(void)
{
    sends_in_vlan(0, 1496);
}

static int asked_twice(void)
{
    lan_skip(100000);
    return wire()->untagged >= 2;
}

// Frames of another VLAN are not looked at, and neither are tagged ones where none is configured.
static void test_foreign_vlan(void)
{
    for (int i = 0; i < 3; i++) {
        static const uint16_t configured[] = {42, 0, 42}, on_wire[] = {42, 42, 43};
        station_prepare();
        station.config.vlan = configured[i];
        station.wire_vlan = on_wire[i];
        start(1);
        if (i == 0)
            wire()->foreign = 43;
        CHECK_EQ(station_dial("10.9.0.1", 9), BF_OK);
        if (i)
            CHECK(station_until(asked_twice));
        station_wait(20);
        CHECK_EQ(station_state(), BF_STREAM_OPENING); // no address
        CHECK_EQ(station.lan.requests, 0);
        CHECK_EQ(station.lan.discovers > 0, i == 0);
        station_wait(60);
        CHECK_EQ(station_state(), BF_STREAM_FAILED);
        const char *what = station.stream.ops->fault(station.stream.impl)->what;
        CHECK(strstr(what, "no DHCP server answers on tap tap0"));
        CHECK_EQ(strstr(what, " with vlan=42,") != NULL, configured[i] == 42);
        station_stop();
    }
}

// ---- MTU ---------------------------------------------------------------------------------------

static void sends_with_mtu(uint16_t mtu, uint16_t vlan)
{
    struct bf_ip_status s;
    station_prepare();
    station.config.mtu = mtu;
    station.config.vlan = station.wire_vlan = vlan;
    start(1);
    connect_to("10.9.0.1");
    bf_ip_status(&s);
    CHECK_EQ(s.mtu, mtu);
    CHECK_EQ(station_send(300000), 300000);
    CHECK_EQ(wire()->longest, mtu + (vlan ? TAGGED_HEADER : HEADER));
    CHECK_EQ(announced_mss(), mtu - 40);
    station_stop();
}

static void test_mtu(void)
{
    sends_with_mtu(1300, 0);
    sends_with_mtu(576, 0);
    sends_with_mtu(1300, 7);
}

// DHCP's option 26, which mtu= overrides. One that no link can have is not believed.
static void test_mtu_of_dhcp(void)
{
    static const uint8_t said[][4] = {
        {26, 2, 5, 120}, {26, 2, 5, 120}, {26, 2, 35, 40}, {26, 2, 0, 68}};
    static const uint16_t configured[] = {0, 1450, 0, 0}, used[] = {1400, 1450, 1500, 1500};
    for (int i = 0; i < 4; i++) {
        struct bf_ip_status s;
        station_prepare();
        station.config.mtu = configured[i];
        start(1);
        station.lan.extra = said[i];
        station.lan.extra_len = sizeof said[i];
        connect_to("10.9.0.1");
        bf_ip_status(&s);
        CHECK_EQ(s.mtu, used[i]);
        CHECK_EQ(station_send(300000), 300000);
        CHECK_EQ(wire()->longest, used[i] + HEADER);
        CHECK_EQ(announced_mss(), used[i] - 40);
        station_stop();
    }
}

// The NIC's driver has the last word.
static void test_mtu_beyond_the_nic(void)
{
    struct bf_ip_status s;
    station_prepare();
    station.config.mtu = 9000;
    start(1);
    connect_to("10.9.0.1");
    bf_ip_status(&s);
    CHECK_EQ(s.mtu, 1500);
    CHECK_EQ(station_send(300000), 300000);
    CHECK_EQ(wire()->longest, 1500 + HEADER);
    station_stop();
}

static int ready(void)
{
    struct bf_ip_status s;
    bf_ip_status(&s);
    return s.phase == BF_IP_READY;
}

static int advertised(void)
{
    return lan_advertise(&station.lan);
}

// RFC 8200, 5: a link of IPv6 carries 1280 bytes.
static void test_no_ipv6_below_its_mtu(void)
{
    for (uint16_t mtu = 1279; mtu <= 1280; mtu++) {
        struct bf_ip_status s;
        station_prepare();
        station.config.mtu = mtu;
        start(1);
        CHECK(station_until(ready));
        CHECK(station_until(advertised));
        for (int i = 0; i < 40; i++) {
            lan_skip(100000);
            station_turn();
        }
        bf_ip_status(&s);
        CHECK_EQ(s.address6[0] != 0, mtu == 1280);
        station_stop();
    }
}

// ---- A switch port that needs its time ---------------------------------------------------------

// How often the log has told of it; it is never emptied here.
static int told(void)
{
    int times = 0;
    for (const char *at = sim_log(); (at = strstr(at, "spanning tree")); at++)
        times++;
    return times;
}

static int address6_comes(void)
{
    struct bf_ip_status s;
    lan_skip(100000); // duplicate address detection
    bf_ip_status(&s);
    return s.address6[0] != 0;
}

static void seconds_pass(int seconds)
{
    for (int i = 0; i < seconds * 10; i++) {
        lan_skip(100000);
        station_turn();
    }
}

// The answer is taken within seconds of the port's opening, in the first dial.
static void test_late_port(void)
{
    for (int late = 25; late <= 50; late += 5) {
        station_prepare();
        start(1);
        wire()->blocked = 1;
        int before = told();
        CHECK(station_listen());
        CHECK_EQ(station_dial("10.9.0.1", station.port), BF_OK);
        seconds_pass(late);
        CHECK_EQ(station_state(), BF_STREAM_OPENING);
        CHECK_EQ(told(), before + 1);
        wire()->blocked = 0;
        station_wait(5);
        CHECK_EQ(ready(), 1);
        CHECK(station_until(connected));
        station_stop();
    }
}

static void test_routers_are_asked_again(void)
{
    station_prepare();
    start(1);
    wire()->blocked = 1;
    seconds_pass(50);
    unsigned before = wire()->solicits;
    wire()->blocked = 0;
    seconds_pass(9);
    CHECK(wire()->solicits > before);
    CHECK(station_until(advertised));
    CHECK(station_until(address6_comes));
    before = wire()->solicits;
    seconds_pass(20);
    CHECK_EQ(wire()->solicits, before); // one is known now
    station_stop();
}

// Two links: neither keeps the other waiting for long, and the first one's turn comes again.
static void test_turns_of_several(void)
{
    station_prepare();
    start(2);
    station.lan.nic[0].blocked = station.lan.nic[1].blocked = 1;
    CHECK_EQ(station_dial("10.9.0.1", 9), BF_OK);
    int seconds = station_wait(90);
    CHECK(seconds >= 29 && seconds <= 31);
    CHECK(strstr(station.stream.ops->fault(station.stream.impl)->todo, "retry="));
    station_stop();
}

TEST_MAIN(TEST(test_tag_in_and_out), TEST(test_priority_without_a_vlan_is_untagged),
          TEST(test_vlan_with_room), TEST(test_vlan_without_room), TEST(test_foreign_vlan),
          TEST(test_mtu), TEST(test_mtu_of_dhcp), TEST(test_mtu_beyond_the_nic),
          TEST(test_no_ipv6_below_its_mtu), TEST(test_late_port),
          TEST(test_routers_are_asked_again), TEST(test_turns_of_several))
