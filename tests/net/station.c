// SPDX-License-Identifier: Apache-2.0
// The loop of a network test. See tests/net/station.h.
#include "tests/net/station.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/platform_sim.h"

enum { PATIENCE_S = 300 }; // as tests/unit/test.h has it

struct station station = {.listener = -1, .accepted = -1};

void station_prepare(void)
{
    static int ready;
    station_stop();
    if (!ready) // once: lwIP's timers do not know of a clock that goes back
        sim_platform_reset(11);
    ready = 1;
    memset(&station.config, 0, sizeof station.config);
    station.wire_vlan = station.tag_room = 0;
    station.config.dhcp = 1;
    strcpy(station.config.name, "web1");
}

const char *station_start(uint16_t mtu, uint32_t nics)
{
    struct bf_nic *list[LAN_NICS];
    const char *why = lan_open(&station.lan, mtu);
    if (why)
        return why;
    station.lan.nic[0].vlan = station.wire_vlan;
    station.lan.nic[0].nic.tag_room = station.tag_room;
    for (uint32_t i = 0; i < LAN_NICS; i++)
        list[i] = &station.lan.nic[i].nic;
    return bf_ip_start(list, nics, &station.config, &station.fault) ? "the stack does not start"
                                                                    : NULL;
}

void station_hang_up(void)
{
    if (station.stream.ops)
        station.stream.ops->close(station.stream.impl);
    station.stream.ops = NULL;
    if (station.accepted >= 0)
        close(station.accepted);
    station.accepted = -1;
}

void station_stop(void)
{
    station_hang_up();
    if (station.listener >= 0)
        close(station.listener);
    station.listener = -1;
    bf_ip_stop();
    lan_close(&station.lan);
}

void station_turn(void)
{
    lan_turn(&station.lan);
    uint32_t frames = bf_ip_poll();
    if (station.stream.ops)
        station.stream.ops->poll(station.stream.impl);
    if (station.listener >= 0 && station.accepted < 0)
        station.accepted = accept4(station.listener, NULL, NULL, SOCK_NONBLOCK);
    if (frames == 0) {
        struct timespec rest = {0, 50000};
        nanosleep(&rest, NULL);
    }
}

int station_wait(int most)
{
    int seconds = 0;
    for (; seconds < most && station_state() == BF_STREAM_OPENING; seconds++) {
        for (int i = 0; i < 10; i++) {
            lan_skip(100000);
            station_turn();
        }
    }
    return seconds;
}

int station_until(int (*met)(void))
{
    double end = lan_real_seconds() + PATIENCE_S;
    int is;
    while (!(is = met()) && lan_real_seconds() < end)
        station_turn();
    return is;
}

int station_listen(void)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    socklen_t len = sizeof a;
    int off = 0;
    station.listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(station.listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    int ok = bind(station.listener, (struct sockaddr *)&a, sizeof a) == 0 &&
             listen(station.listener, 4) == 0 &&
             getsockname(station.listener, (struct sockaddr *)&a, &len) == 0;
    station.port = ntohs(a.sin6_port);
    return ok;
}

enum bf_err station_dial(const char *host, uint16_t port)
{
    struct bf_dialer d = bf_ip_dialer();
    return d.dial(d.impl, &bf_peer_server, host, port, &station.stream, &station.fault);
}

enum bf_stream_state station_state(void)
{
    return station.stream.ops->state(station.stream.impl);
}

uint64_t station_send(uint64_t bytes)
{
    static uint8_t block[65536];
    uint64_t sent = 0, got = 0;
    double end = lan_real_seconds() + PATIENCE_S;
    while (got < bytes && lan_real_seconds() < end) {
        size_t done = 0, len = sizeof block < bytes - sent ? sizeof block : (size_t)(bytes - sent);
        if (len)
            station.stream.ops->write(station.stream.impl, block, len, &done);
        sent += done;
        station_turn();
        ssize_t n = recv(station.accepted, block, sizeof block, 0);
        got += n > 0 ? (uint64_t)n : 0;
    }
    return got;
}
