// SPDX-License-Identifier: Apache-2.0
// The test network. DHCP: RFC 2131, DNS: RFC 1035, router advertisements: RFC 4861 and 8106, each
// as little of it as a client can be tested with.
#include "tests/net/lan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "linux/tap_nic.h"
#include "tests/platform_sim.h"

enum { DHCP_FIXED = 240, CLIENT_LAST = 50 };

static const char *const NAMES[LAN_NICS] = {"tap0", "tap1"};

// ---- Faults of the wire ------------------------------------------------------------------------

static int happens(int percent)
{
    return percent > 0 && (int)(sim_random() % 100) < percent;
}

// Remembers where a TCP segment goes.
static void watch(struct lan_nic *n, const uint8_t *frame, size_t len)
{
    int six = frame[12] == 0x86;
    const uint8_t *tcp = frame + 14 + (six ? 40 : 20);
    if (len < (six ? 74 : 54) || frame[six ? 20 : 23] != 6)
        return;
    memset(n->last_to, 0, sizeof n->last_to);
    memcpy(n->last_to, frame + (six ? 38 : 30), six ? 16 : 4);
    n->sent_syns += (tcp[13] & 0x12) == 2;
}

// The switch between a tagged port and the kernel's untagged one. 0: the frame ends there.
static size_t untag(struct lan_nic *n, uint8_t *to, const uint8_t *frame, size_t len)
{
    if (len > n->longest)
        n->longest = (unsigned)len;
    if (len < 64 || len > 16000 || bf_be16(frame + 12) != 0x8100 ||
        bf_be16(frame + 14) != n->vlan) {
        n->untagged++;
        return 0;
    }
    memcpy(to, frame, 12);
    memcpy(to + 12, frame + 16, len - 16);
    return len - 4;
}

static void tag(struct lan_nic *n, uint8_t *frame, size_t *len)
{
    uint16_t vlan = n->foreign ? n->foreign : n->vlan;
    memmove(frame + 16, frame + 12, *len - 12);
    bf_put_be16(frame + 12, 0x8100);
    bf_put_be16(frame + 14, vlan | 0xa000); // a priority beside it
    *len += 4;
}

static enum bf_err lan_send(void *impl, const void *frame, size_t len)
{
    struct lan_nic *n = impl;
    if (!n->link)
        return BF_OK; // into nowhere
    watch(n, frame, len);
    if (n->refuse_every && ++n->sent % (uint32_t)n->refuse_every == 0)
        return BF_AGAIN;
    const uint8_t *f = frame;
    n->solicits += len > 54 && f[12] == 0x86 && f[20] == 58 && f[54] == 133;
    if (n->blocked || happens(n->lose_tx))
        return BF_OK;
    if (!n->vlan && len > n->longest)
        n->longest = (unsigned)len;
    uint8_t plain[16384];
    if (n->vlan) {
        len = untag(n, plain, frame, len);
        frame = plain;
    }
    if (!len)
        return BF_OK;
    return n->inner.ops->send(n->inner.impl, frame, len);
}

static enum bf_err lan_receive(void *impl, void *buffer, size_t size, size_t *len)
{
    struct lan_nic *n = impl;
    for (;;) {
        if (n->held_len && happens(50)) { // later than what came after it
            memcpy(buffer, n->held, n->held_len);
            *len = n->held_len;
            n->held_len = 0;
            return BF_OK;
        }
        if (n->inner.ops->receive(n->inner.impl, buffer, size - (n->vlan ? 4 : 0), len) != BF_OK)
            break;
        if (n->vlan)
            tag(n, buffer, len);
        if (!n->link || n->blocked || happens(n->lose_rx) || (n->ring && n->in_turn >= n->ring))
            continue;
        n->in_turn++;
        if (!n->held_len && *len <= sizeof n->held && happens(n->swap_rx)) {
            memcpy(n->held, buffer, *len);
            n->held_len = *len;
            continue;
        }
        return BF_OK;
    }
    if (!n->held_len)
        return BF_AGAIN;
    memcpy(buffer, n->held, n->held_len);
    *len = n->held_len;
    n->held_len = 0;
    return BF_OK;
}

static void lan_poll(void *impl)
{
    struct lan_nic *n = impl;
    n->in_turn = 0;
}

static int lan_link(void *impl)
{
    struct lan_nic *n = impl;
    return n->link;
}

static void lan_nic_close(void *impl)
{
}

static const struct bf_nic_ops lan_ops = {.driver = "test",
                                          .send = lan_send,
                                          .receive = lan_receive,
                                          .poll = lan_poll,
                                          .link = lan_link,
                                          .close = lan_nic_close};

// ---- The namespace -----------------------------------------------------------------------------

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd >= 0 && write(fd, text, strlen(text)) < 0)
        fprintf(stderr, "# %s: not written\n", path);
    if (fd >= 0)
        close(fd);
}

static const char *enter_namespace(void)
{
    static int inside;
    char map[64];
    unsigned uid = getuid(), gid = getgid();
    if (inside)
        return NULL;
    if (unshare(CLONE_NEWNET) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
            return "needs root or user namespaces";
        write_file("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "0 %u 1", uid);
        write_file("/proc/self/uid_map", map);
        snprintf(map, sizeof map, "0 %u 1", gid);
        write_file("/proc/self/gid_map", map);
    }
    inside = 1;
    return NULL;
}

static int bring_up(int index, uint16_t mtu)
{
    struct ifreq r = {.ifr_flags = 0};
    struct sockaddr_in *address = (struct sockaddr_in *)(void *)&r.ifr_addr;
    char path[128], dotted[32];
    int s = socket(AF_INET, SOCK_DGRAM, 0), ok;
    snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/accept_dad", NAMES[index]);
    write_file(path, "0");
    snprintf(r.ifr_name, sizeof r.ifr_name, "%s", NAMES[index]);
    r.ifr_mtu = mtu;
    ok = ioctl(s, SIOCSIFMTU, &r) == 0;
    memset(&r.ifr_addr, 0, sizeof r.ifr_addr);
    address->sin_family = AF_INET;
    snprintf(dotted, sizeof dotted, "10.9.%d.1", index);
    inet_pton(AF_INET, dotted, &address->sin_addr);
    ok = ok && ioctl(s, SIOCSIFADDR, &r) == 0;
    inet_pton(AF_INET, "255.255.255.0", &address->sin_addr);
    ok = ok && ioctl(s, SIOCSIFNETMASK, &r) == 0;
    r.ifr_flags = IFF_UP | IFF_RUNNING | IFF_BROADCAST | IFF_MULTICAST;
    ok = ok && ioctl(s, SIOCSIFFLAGS, &r) == 0;
    close(s);
    return ok;
}

// A further address of a device.
static int add_ipv4(const char *alias, const char *dotted)
{
    struct ifreq r = {.ifr_flags = 0};
    struct sockaddr_in *address = (struct sockaddr_in *)(void *)&r.ifr_addr;
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    snprintf(r.ifr_name, sizeof r.ifr_name, "%s", alias);
    address->sin_family = AF_INET;
    inet_pton(AF_INET, dotted, &address->sin_addr);
    int ok = ioctl(s, SIOCSIFADDR, &r) == 0;
    inet_pton(AF_INET, "255.255.255.255", &address->sin_addr);
    ok = ok && ioctl(s, SIOCSIFNETMASK, &r) == 0;
    if (!ok)
        perror(alias);
    close(s);
    return ok;
}

static int add_ipv6(void)
{
    struct {
        struct in6_addr address;
        uint32_t prefix;
        int index;
    } r = {.prefix = 64, .index = (int)if_nametoindex("tap0")}; // struct in6_ifreq of linux/ipv6.h
    int s = socket(AF_INET6, SOCK_DGRAM, 0);
    inet_pton(AF_INET6, "fd09::1", &r.address);
    int ok = ioctl(s, SIOCSIFADDR, &r) == 0;
    close(s);
    return ok;
}

static int udp(const char *device, const char *address, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    int on = 1, s = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    inet_pton(AF_INET, address, &a.sin_addr);
    setsockopt(s, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device));
    if (bind(s, (struct sockaddr *)&a, sizeof a) == 0)
        return s;
    close(s);
    return -1;
}

const char *lan_open(struct lan *lan, uint16_t mtu)
{
    const char *why = enter_namespace();
    memset(lan, 0, sizeof *lan);
    if (why)
        return why;
    for (int i = 0; i < LAN_NICS; i++) {
        const uint8_t mac[6] = {0x52, 0x54, 0, 9, 0, (uint8_t)(i + 1)};
        struct lan_nic *n = &lan->nic[i];
        if (bf_tap_open(NAMES[i], mac, mtu, &n->inner) != BF_OK)
            return "needs /dev/net/tun and CAP_NET_ADMIN";
        if (!bring_up(i, mtu))
            return "the TAP device could not be configured";
        n->nic = n->inner;
        n->nic.ops = &lan_ops;
        n->nic.impl = n;
        n->link = 1;
    }
    if (!add_ipv6())
        return "IPv6 is not available";
    if (!add_ipv4("tap0:2", "10.9.0.2") || !add_ipv4("tap0:3", "10.55.0.1"))
        return "further addresses could not be configured";
    lan->dhcp = udp("tap0", "0.0.0.0", 67);
    lan->dns[0] = udp("tap0", "0.0.0.0", 53);
    lan->dns[1] = udp("tap0", "10.9.0.2", 53);
    lan->answer_dhcp = lan->option_dns = lan->option_router = 1;
    memcpy(lan->mask, "\xff\xff\xff", 4);
    return lan->dhcp < 0 || lan->dns[0] < 0 || lan->dns[1] < 0
               ? "ports 67 and 53 of the namespace are taken"
               : NULL;
}

bool lan_forwarded(const struct lan *lan, const char *address)
{
    uint8_t to[16] = {0};
    inet_pton(strchr(address, ':') ? AF_INET6 : AF_INET, address, to);
    return memcmp(to, lan->nic[0].last_to, sizeof to) == 0;
}

bool lan_link_local(char *out, size_t size)
{
    char hex[33], device[32];
    FILE *f = fopen("/proc/net/if_inet6", "r");
    bool found = false;
    while (f && !found && fscanf(f, "%32s %*s %*s %*s %*s %31s", hex, device) == 2)
        found = strcmp(device, NAMES[0]) == 0 && strncmp(hex, "fe80", 4) == 0;
    if (f)
        fclose(f);
    if (found)
        snprintf(out, size, "%.4s::%.4s:%.4s:%.4s:%.4s", hex, hex + 16, hex + 20, hex + 24,
                 hex + 28);
    return found;
}

void lan_close(struct lan *lan)
{
    for (int i = 0; i < LAN_NICS; i++) {
        if (lan->nic[i].inner.ops)
            lan->nic[i].inner.ops->close(lan->nic[i].inner.impl);
        lan->nic[i].inner.ops = NULL;
    }
    if (lan->dhcp > 0)
        close(lan->dhcp);
    for (int i = 0; i < LAN_DNS; i++) {
        if (lan->dns[i] > 0)
            close(lan->dns[i]);
        lan->dns[i] = -1;
    }
    lan->dhcp = -1;
}

// ---- DHCP --------------------------------------------------------------------------------------

static const uint8_t *option(const uint8_t *message, size_t len, uint8_t code, size_t *option_len)
{
    for (size_t at = DHCP_FIXED; at + 1 < len && message[at] != 255; at += 2u + message[at + 1]) {
        if (message[at] == code && at + 2 + message[at + 1] <= len) {
            *option_len = message[at + 1];
            return message + at + 2;
        }
    }
    return NULL;
}

static size_t put_option(uint8_t *out, size_t at, uint8_t code, const void *value, uint8_t len)
{
    out[at] = code;
    out[at + 1] = len;
    memcpy(out + at + 2, value, len);
    return at + 2 + len;
}

static void answer_dhcp(struct lan *lan, const uint8_t *in, size_t len, uint8_t type)
{
    static const uint8_t us[] = {10, 9, 0, 1};
    const uint8_t lease[] = {0, 0, lan->lease ? 0 : 14, lan->lease ? lan->lease : 16};
    uint8_t out[800] = {2, 1, 6};
    size_t at = DHCP_FIXED;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(68)};
    memcpy(out + 4, in + 4, 4);        // transaction
    memcpy(out + 28, in + 28, 16);     // hardware address
    memcpy(out + 236, in + 236, 4);    // magic
    memcpy(out + 16, "\x0a\x09\0", 3); // 10.9.0.50
    out[19] = CLIENT_LAST;
    at = put_option(out, at, 53, &type, 1);
    at = put_option(out, at, 54, us, 4);
    at = put_option(out, at, 51, lease, 4);
    at = put_option(out, at, 1, lan->mask, 4);
    if (lan->option_router)
        at = put_option(out, at, 3, us, 4);
    if (lan->option_dns)
        at = put_option(out, at, 6, us, 4);
    for (size_t i = 0; lan->extra && i < lan->extra_len; i++)
        out[at++] = lan->extra[i];
    out[at++] = 255;
    to.sin_addr.s_addr = INADDR_BROADCAST;
    if (sendto(lan->dhcp, out, sizeof out, 0, (struct sockaddr *)&to, sizeof to) < 0)
        perror("# dhcp");
}

static void serve_dhcp(struct lan *lan)
{
    uint8_t in[1500];
    ssize_t len;
    while ((len = recv(lan->dhcp, in, sizeof in, 0)) > DHCP_FIXED) {
        size_t n;
        const uint8_t *type = option(in, (size_t)len, 53, &n);
        const uint8_t *name = option(in, (size_t)len, 12, &n);
        if (name && n < sizeof lan->hostname) {
            memcpy(lan->hostname, name, n);
            lan->hostname[n] = 0;
        }
        const uint8_t *wanted = option(in, (size_t)len, 55, &n);
        memset(lan->wanted, 0, sizeof lan->wanted);
        if (wanted && n < sizeof lan->wanted)
            memcpy(lan->wanted, wanted, n);
        if (!type)
            continue;
        lan->discovers += *type == 1;
        lan->requests += *type == 3;
        lan->releases += *type == 7;
        if (lan->answer_dhcp && *type == 1)
            answer_dhcp(lan, in, (size_t)len, 2);
        if (lan->answer_dhcp && *type == 3)
            answer_dhcp(lan, in, (size_t)len, 5);
    }
}

// ---- DNS ---------------------------------------------------------------------------------------

size_t lan_dns_add(uint8_t *m, size_t end, uint16_t type, const char *address)
{
    const uint8_t head[] = {0xc0, 12, 0, (uint8_t)type, 0, 1, 0, 0, 0, 60, 0, type == 1 ? 4 : 16};
    m[7]++;
    memcpy(m + end, head, sizeof head);
    inet_pton(type == 1 ? AF_INET : AF_INET6, address, m + end + sizeof head);
    return end + sizeof head + head[11];
}

size_t lan_dns_code(uint8_t *m, size_t end, uint8_t code)
{
    m[3] = (uint8_t)(0x80 | code);
    return end;
}

static size_t usual_names(int server, const char *name, uint16_t type, uint8_t *m, size_t end)
{
    int both = strcmp(name, "both.test") == 0;
    int has4 = both || strncmp(name, "server", 6) == 0,
        has6 = both || strcmp(name, "six.test") == 0;
    if (type == 1 && has4)
        return lan_dns_add(m, end, type, "10.9.0.1");
    if (type == 28 && has6)
        return lan_dns_add(m, end, type, "fd09::1");
    return lan_dns_code(m, end, has4 || has6 ? 0 : 3);
}

// The name of the question as text; the offset of its type, 0 when it is malformed.
static size_t question_name(const uint8_t *m, size_t len, char name[256])
{
    size_t at = 12, n = 0;
    while (at < len && m[at] && n + m[at] + 1 < 256 && at + m[at] < len) {
        n += (size_t)snprintf(name + n, 256 - n, "%s%.*s", n ? "." : "", m[at], m + at + 1);
        at += 1u + m[at];
    }
    name[n] = 0;
    return at + 5 <= len && !m[at] ? at + 1 : 0;
}

static void serve_dns(struct lan *lan, int server)
{
    uint8_t m[1200];
    char name[256];
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    ssize_t len;
    lan_names *names = lan->names ? lan->names : usual_names;
    while ((len = recvfrom(lan->dns[server], m, 512, 0, (struct sockaddr *)&from, &from_len)) >
           17) {
        size_t at = question_name(m, (size_t)len, name);
        if (!at)
            continue;
        lan->questions++;
        lan->asked[server]++;
        m[2] |= 0x84; // answer, authoritative
        m[3] = 0x80;
        m[6] = m[7] = m[8] = m[9] = m[10] = m[11] = 0;
        size_t n = names(server, name, bf_be16(m + at), m, at + 4);
        if (n && sendto(lan->dns[server], m, n, 0, (struct sockaddr *)&from, from_len) < 0)
            perror("# dns");
    }
}

// ---- The router --------------------------------------------------------------------------------

bool lan_advertise(struct lan *lan)
{
    static const uint8_t options[] = {
        3,    4,   64,  0xc0, 0, 0,   14,  16,
        0,    0,   14,  16,   0, 0,   0,   0, // prefix, on link and autonomous
        0xfd, 9,   0,   0,    0, 0,   0,   0,
        0,    0,   0,   0,    0, 0,   0,   0,  //
        25,   3,   0,   0,    0, 0,   14,  16, // RDNSS
        0xfd, 9,   0,   0,    0, 0,   0,   0,
        0,    0,   0,   0,    0, 0,   0,   1,  //
        31,   3,   0,   0,    0, 0,   14,  16, // DNSSL
        3,    'l', 'a', 'b',  4, 't', 'e', 's',
        't',  0,   0,   0,    0, 0,   0,   0,
    };
    uint8_t m[16 + sizeof options] = {ND_ROUTER_ADVERT, 0, 0, 0, 64, 0, 7, 8};
    struct sockaddr_in6 to = {.sin6_family = AF_INET6};
    int hops = 255, index = (int)if_nametoindex("tap0");
    int s = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    memcpy(m + 16, options, sizeof options);
    inet_pton(AF_INET6, "ff02::1", &to.sin6_addr);
    to.sin6_scope_id = (uint32_t)index;
    setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops);
    setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index);
    bool sent = sendto(s, m, sizeof m, 0, (struct sockaddr *)&to, sizeof to) == sizeof m;
    if (!sent && errno != EADDRNOTAVAIL)
        perror("# router advertisement");
    close(s);
    return sent;
}

// ---- Time --------------------------------------------------------------------------------------

double lan_real_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void lan_skip(uint64_t us)
{
    sim_clock_advance(us);
}

void lan_turn(struct lan *lan)
{
    static uint64_t last;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    uint64_t now = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
    if (last)
        sim_clock_advance(now - last);
    last = now;
    serve_dhcp(lan);
    for (int i = 0; i < LAN_DNS; i++)
        serve_dns(lan, i);
}
