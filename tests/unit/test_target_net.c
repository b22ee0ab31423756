// SPDX-License-Identifier: Apache-2.0
// The network of a test, asked as a guest asks it: a QEMU without a machine joins it to a socket,
// over which this program sends ARP requests and neighbour solicitations.
#include "replica/targets/user_net.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/bytes.h"
#include "tests/unit/test.h"

enum { FRAME = 1600, ASKED = 3, ANSWER_MS = 300 };
static const uint8_t our_mac[6] = {0x52, 0x54, 0, 0xaa, 0xbb, 1};

static struct bf_tgt_nic nic;
static char folder[64];
static int wire = -1;
static pid_t qemu;

static void plan(const char *address, const char *gateway4, const char *gateway6)
{
    memset(&nic, 0, sizeof nic);
    strcpy(nic.mac, "52:54:00:aa:bb:01");
    snprintf(nic.address[nic.addresses++], sizeof nic.address[0], "%s", address);
    strcpy(nic.gateway4, gateway4);
    strcpy(nic.gateway6, gateway6);
}

static const char *options(bool isolated)
{
    static char kept[512];
    struct bf_text out = {0};

    bf_user_net(&out, &nic, 0, isolated);
    CHECK(bf_text_ok(&out));
    snprintf(kept, sizeof kept, "%s", bf_text_get(&out));
    bf_text_free(&out);
    return kept;
}

// ---- The wire ----------------------------------------------------------------------------------

static void bind_wire(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    strcpy(folder, "/tmp/bootferry-net-XXXXXX");
    CHECK(mkdtemp(folder));
    snprintf(a.sun_path, sizeof a.sun_path, "%s/ours", folder);
    wire = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(wire >= 0 && bind(wire, (struct sockaddr *)&a, sizeof a) == 0);
}

static void join_network(void)
{
    char socket_net[200];

    bind_wire();
    snprintf(socket_net, sizeof socket_net,
             "dgram,id=wire,local.type=unix,local.path=%s/theirs,remote.type=unix,"
             "remote.path=%s/ours",
             folder, folder);
    qemu = fork();
    if (qemu == 0) {
        const char *net = options(true);
        freopen("/dev/null", "w", stderr); // that there is no NIC on the hub
        execlp("qemu-system-x86_64", "qemu-system-x86_64", "-machine", "none", "-nodefaults",
               "-display", "none", "-monitor", "none", "-netdev", net, "-netdev",
               "hubport,id=a,hubid=9,netdev=net0", "-netdev", socket_net, "-netdev",
               "hubport,id=b,hubid=9,netdev=wire", (char *)NULL);
        _exit(127);
    }
    CHECK(qemu > 0);
}

static void leave_network(void)
{
    char path[96];

    kill(qemu, SIGKILL);
    waitpid(qemu, NULL, 0);
    close(wire);
    snprintf(path, sizeof path, "%s/ours", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/theirs", folder);
    unlink(path);
    rmdir(folder);
}

// Until QEMU listens.
static void send_frame(const uint8_t *frame, size_t len)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    snprintf(a.sun_path, sizeof a.sun_path, "%s/theirs", folder);
    for (int i = 0; i < TEST_PATIENCE_S * 20; i++) {
        if (sendto(wire, frame, len, 0, (struct sockaddr *)&a, sizeof a) == (ssize_t)len)
            return;
        if (waitpid(qemu, NULL, WNOHANG) != 0)
            FAIL("QEMU ended: %s", options(true));
        poll(NULL, 0, 50);
    }
    FAIL("QEMU does not listen");
}

// ---- Questions ---------------------------------------------------------------------------------

static size_t arp_request(uint8_t f[FRAME], const void *asked)
{
    static const uint8_t head[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
    static const uint8_t from[] = {192, 0, 2, 77};

    memset(f, 0, 60);
    memset(f, 0xff, 6);
    memcpy(f + 6, our_mac, 6);
    memcpy(f + 12, head, sizeof head);
    memcpy(f + 22, our_mac, 6);
    memcpy(f + 28, from, 4);
    memcpy(f + 38, asked, 4);
    return 60;
}

static uint16_t checksum(const uint8_t *bytes, size_t len, uint32_t sum)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += bf_be16(bytes + i);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

// RFC 4861, 4.3, to the solicited-node address.
static size_t solicitation(uint8_t f[FRAME], const void *asked)
{
    uint8_t *ip = f + 14, *icmp = f + 54;

    memset(f, 0, 86);
    f[0] = f[1] = 0x33;
    memcpy(f + 6, our_mac, 6);
    bf_put_be16(f + 12, 0x86dd);
    ip[0] = 0x60;
    bf_put_be16(ip + 4, 32);
    ip[6] = 58;
    ip[7] = 255;
    inet_pton(AF_INET6, "fe80::5054:ff:feaa:bb01", ip + 8);
    inet_pton(AF_INET6, "ff02::1:ff00:0", ip + 24);
    memcpy(ip + 37, (const uint8_t *)asked + 13, 3);
    memcpy(f + 2, ip + 36, 4);
    icmp[0] = 135;
    memcpy(icmp + 8, asked, 16);
    icmp[24] = icmp[25] = 1;
    memcpy(icmp + 26, our_mac, 6);
    bf_put_be16(icmp + 2, checksum(ip + 8, 32 + 32, 32 + 58));
    return 86;
}

static bool is_answer(const uint8_t *f, ssize_t n, int family, const void *asked)
{
    if (family == AF_INET)
        return n >= 42 && bf_be16(f + 12) == 0x806 && f[21] == 2 && memcmp(f + 28, asked, 4) == 0;
    return n >= 78 && bf_be16(f + 12) == 0x86dd && f[20] == 58 && f[54] == 136 &&
           memcmp(f + 62, asked, 16) == 0;
}

static bool answers(const char *address)
{
    int family = strchr(address, ':') ? AF_INET6 : AF_INET;
    uint8_t asked[16], frame[FRAME];
    size_t len;

    CHECK(inet_pton(family, address, asked) == 1);
    len = family == AF_INET ? arp_request(frame, asked) : solicitation(frame, asked);
    for (int i = 0; i < ASKED; i++) {
        struct pollfd p = {.fd = wire, .events = POLLIN};
        uint8_t got[FRAME];
        send_frame(frame, len);
        while (poll(&p, 1, ANSWER_MS) > 0)
            if (is_answer(got, recv(wire, got, sizeof got, 0), family, asked))
                return true;
    }
    return false;
}

// ---- Tests -------------------------------------------------------------------------------------

struct question {
    const char *address, *gateway4, *gateway6;
    const char *yes[2], *no[4];
};

static void ask(const struct question *q)
{
    plan(q->address, q->gateway4, q->gateway6);
    join_network();
    for (int i = 0; i < 2 && q->yes[i]; i++)
        if (!answers(q->yes[i]))
            FAIL("nothing answers for %s with %s", q->yes[i], options(true));
    for (int i = 0; i < 4 && q->no[i]; i++)
        if (answers(q->no[i]))
            FAIL("something answers for %s with %s", q->no[i], options(true));
    leave_network();
}

static void test_gateways_answer_and_nothing_else(void)
{
    static const struct question questions[] = {
        {"192.0.2.5/24",
         "192.0.2.1",
         "",
         {"192.0.2.1"},
         {"192.0.2.2", "192.0.2.3", "192.0.2.5", "10.0.2.2"}},
        // the addresses that libslirp has by itself
        {"10.0.2.15/24", "10.0.2.3", "", {"10.0.2.3"}, {"10.0.2.2", "10.0.2.4", "10.0.2.15"}},
        {"10.0.2.2/24", "10.0.2.254", "", {"10.0.2.254"}, {"10.0.2.2", "10.0.2.3"}},
        // at the ends of the last 8 bits, and planned ones there
        {"10.1.2.255/16", "10.1.2.254", "", {"10.1.2.254"}, {"10.1.2.255", "10.1.0.1"}},
        {"10.1.7.7/16", "10.1.0.255", "", {"10.1.0.255"}, {"10.1.0.1", "10.1.7.7"}},
        {"10.1.7.7/16", "10.1.1.0", "", {"10.1.1.0"}, {"10.1.1.1"}},
        // small networks, and a gateway outside, on the link
        {"192.0.2.4/31", "192.0.2.5", "", {"192.0.2.5"}, {"192.0.2.4"}},
        {"203.0.113.9/32", "10.9.9.1", "", {"10.9.9.1"}, {"203.0.113.9", "203.0.113.1"}},
        {"2001:db8::5/64",
         "",
         "2001:db8::1",
         {"2001:db8::1"},
         {"2001:db8::2", "2001:db8::3", "2001:db8::5", "fe80::2"}},
        // of the same interface identifier as an address of the machine
        {"2001:db8::1/64", "", "fe80::1", {"fe80::1"}, {"2001:db8::1", "fe80::2", "fe80::3"}},
        {"2001:db8:1::2/127", "", "2001:db8:1::3", {"2001:db8:1::3"}, {"2001:db8:1::2"}},
        {"192.0.2.5/24",
         "192.0.2.1",
         "fe80::5054:ff:fe00:1",
         {"192.0.2.1", "fe80::5054:ff:fe00:1"},
         {"192.0.2.3", "fe80::1", "fe80::2"}},
        // without a gateway nothing answers at all
        {"192.0.2.5/24", "", "", {NULL}, {"192.0.2.1", "192.0.2.2", "fe80::2", "10.0.2.2"}},
    };

    if (system("qemu-system-x86_64 --version >/dev/null 2>&1") != 0)
        SKIP("no qemu-system-x86_64");
    for (size_t i = 0; i < BF_COUNT(questions); i++)
        ask(&questions[i]);
}

static void test_options(void)
{
    plan("192.0.2.255/16", "192.0.2.254", "");
    strcpy(nic.address[nic.addresses++], "192.0.2.253/16");
    CHECK_STR(options(true), "user,id=net0,restrict=on,net=192.0.2.0/24,host=192.0.2.254,"
                             "dns=192.0.2.252,dhcpstart=192.0.2.251,ipv6=off");
    CHECK_STR(options(false), "user,id=net0,net=192.0.2.0/24,host=192.0.2.254,dns=192.0.2.252,"
                              "dhcpstart=192.0.2.251");
    plan("192.0.2.5/24", "", "");
    CHECK_STR(options(true), "hubport,id=net0,hubid=0");
    CHECK_STR(options(false), "user,id=net0");
    plan("2001:db8::5/64", "", "fe80::1");
    CHECK_STR(options(true), "user,id=net0,restrict=on,ipv4=off,ipv6-net=fd66:6572:7279::/64,"
                             "ipv6-host=fd66:6572:7279::1,"
                             "ipv6-dns=fd66:6572:7279:0:ffff:ffff:ffff:ffff");
}

static void test_what_is_told(void)
{
    char note[BF_TGT_NOTE];

    plan("192.0.2.5/24", "192.0.2.1", "");
    CHECK(!bf_user_net_note(&nic, note, sizeof note));
    plan("192.0.2.5/24", "", "");
    CHECK(bf_user_net_note(&nic, note, sizeof note));
    CHECK(strstr(note, "no planned gateway"));
    memset(&nic, 0, sizeof nic);
    CHECK(bf_user_net_note(&nic, note, sizeof note));
    CHECK_STR(options(true), "user,id=net0,restrict=on");
    nic.dhcp = true;
    CHECK(bf_user_net_note(&nic, note, sizeof note));
    CHECK(strstr(note, "10.0.2.0/24"));
}

TEST_MAIN(TEST(test_options), TEST(test_what_is_told), TEST(test_gateways_answer_and_nothing_else))
