// SPDX-License-Identifier: Apache-2.0
// Our TCP beside Linux's over the same bad path, in turn: bad_link [OPTION]... CONNECTIONS. Each
// round sends for a while from the program's own IP stack, over one connection or a bundle, and
// then as long from as many sockets of a second network namespace, through the path of
// tests/net/path.h to the same kernel in a first one. Prints one line per round: "ours
// BYTES_PER_SECOND peer BYTES_PER_SECOND". No TLS: it would be the same on both sides. Needs root.
#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/platform.h"
#include "linux/socket_stream.h"
#include "linux/tap_nic.h"
#include "net/proto/bundle.h"
#include "net/ip/stack.h"
#include "tests/net/path.h"

enum { FLOWS = 8, SECOND = 1000000, BLOCK = 65536, PORT = 7667 };

static struct path_model model = {
    .delay_us = 50000, .bytes_per_second = 5000000, .queue_bytes = 500000};
static uint64_t warm_us = 4 * SECOND, measure_us = 10 * SECOND, seed = 1;
static const char *congestion = "cubic";
static int ipv6, verbose, plain;
static uint32_t flows, rounds = 3;

static struct path *path;
static struct bf_nic tap[2]; // of the sending kernel, and of the receiving one
static int home[2];          // their namespaces
static uint8_t block[BLOCK];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

// ---- The two kernels ---------------------------------------------------------------------------

static void command(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void command(const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (system(line) != 0)
        die(line);
}

static void make_home(int i)
{
    static const uint8_t mac[6] = {0x52, 0x54, 0, 9, 0, 1};
    char name[] = "tap0";
    name[3] = (char)('0' + i);
    if (unshare(CLONE_NEWNET) != 0 || bf_tap_open(name, mac, 1500, &tap[i]) != BF_OK) {
        puts("skip bad_link: needs root and /dev/net/tun");
        exit(0);
    }
    home[i] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    command("ip addr add 10.9.0.%d/24 dev %s", i ? 1 : 3, name);
    command("ip -6 addr add fd09::%d/64 dev %s nodad", i ? 1 : 3, name);
    command("ip link set %s up", name);
    command("echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save");
}

static int make_socket(int in, int listening)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
    int one = 1, off = 0;
    if (setns(home[in], CLONE_NEWNET) != 0)
        die("setns");
    int s = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (listening) {
        if (bind(s, (struct sockaddr *)&a, sizeof a) != 0 || listen(s, FLOWS) != 0)
            die("listen");
        return s;
    }
    if (setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, congestion, (socklen_t)strlen(congestion)) != 0)
        die(congestion);
    inet_pton(AF_INET6, ipv6 ? "fd09::1" : "::ffff:10.9.0.1", &a.sin6_addr);
    connect(s, (struct sockaddr *)&a, sizeof a);
    return s;
}

// ---- Our end -----------------------------------------------------------------------------------

static enum bf_err end_send(void *impl, const void *frame, size_t len)
{
    path_put(path, 0, frame, len, bf_platform_now_us());
    return BF_OK;
}

static enum bf_err end_receive(void *impl, void *buffer, size_t size, size_t *len)
{
    static uint8_t frame[PATH_FRAME_MAX];
    *len = path_take(path, 0, frame, bf_platform_now_us());
    if (!*len || *len > size)
        return BF_AGAIN;
    memcpy(buffer, frame, *len);
    return BF_OK;
}

static void end_poll(void *impl)
{
}

static int end_link(void *impl)
{
    return 1;
}

static const struct bf_nic_ops end_ops = {.driver = "path",
                                          .send = end_send,
                                          .receive = end_receive,
                                          .poll = end_poll,
                                          .link = end_link,
                                          .close = end_poll};

static enum bf_err dial(void *impl, struct bf_stream *out, struct bf_fault *fault)
{
    struct bf_dialer d = bf_ip_dialer();
    return d.dial(d.impl, &bf_peer_server, ipv6 ? "fd09::1" : "10.9.0.1", PORT, out, fault);
}

// ---- Turns -------------------------------------------------------------------------------------

// Frames between the kernels' devices and the path; ours takes its own from its NIC.
static void carry_frames(int kernel_sends)
{
    uint8_t frame[PATH_FRAME_MAX];
    size_t len;
    for (int i = !kernel_sends; i < 2; i++) {
        while (tap[i].ops->receive(tap[i].impl, frame, sizeof frame, &len) == BF_OK)
            path_put(path, i, frame, len, bf_platform_now_us());
        while ((len = path_take(path, i, frame, bf_platform_now_us())))
            tap[i].ops->send(tap[i].impl, frame, len);
    }
}

static void rest(void)
{
    struct pollfd fds[2] = {{bf_tap_fd(&tap[0]), POLLIN, 0}, {bf_tap_fd(&tap[1]), POLLIN, 0}};
    uint64_t now = bf_platform_now_us(), next = path_next_us(path);
    uint64_t us = next <= now ? 0 : next - now < 1000 ? next - now : 1000;
    struct timespec t = {0, (long)us * 1000};
    if (us)
        ppoll(fds, 2, &t, NULL);
}

static uint64_t drain(int *accepted, uint32_t count)
{
    uint64_t total = 0;
    ssize_t n;
    for (uint32_t i = 0; i < count; i++)
        while (accepted[i] >= 0 && (n = recv(accepted[i], block, sizeof block, 0)) > 0)
            total += (uint64_t)n;
    return total;
}

static void tell_path(const char *who)
{
    struct path_counts c = path_counts(path);
    if (verbose)
        fprintf(stderr,
                "%s: %llu packets, %llu lost, %llu held back, %llu dropped, %llu too large\n", who,
                (unsigned long long)c.packets, (unsigned long long)c.lost,
                (unsigned long long)c.held, (unsigned long long)c.full,
                (unsigned long long)c.too_large);
}

static double rate(uint64_t bytes)
{
    return (double)bytes * SECOND / (double)measure_us;
}

static double peer_round(void)
{
    int listener = make_socket(1, 1), sender[FLOWS], accepted[FLOWS];
    uint64_t start = bf_platform_now_us(), now, got = 0, before = 0;
    path = path_new(&model, seed);
    for (uint32_t i = 0; i < flows; i++) {
        sender[i] = make_socket(0, 0);
        accepted[i] = -1;
    }
    while ((now = bf_platform_now_us()) < start + warm_us + measure_us) {
        carry_frames(1);
        for (uint32_t i = 0; i < flows; i++) {
            if (accepted[i] < 0)
                accepted[i] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            while (send(sender[i], block, sizeof block, MSG_NOSIGNAL) > 0)
                ;
        }
        got += drain(accepted, flows);
        if (now < start + warm_us)
            before = got;
        rest();
    }
    for (uint32_t i = 0; i < flows; i++) {
        close(sender[i]);
        close(accepted[i]);
    }
    close(listener);
    tell_path("peer");
    path_free(path);
    return rate(got - before);
}

// What has joined so far, as the server does it.
struct arrivals {
    struct bf_stream bundle, waiting[FLOWS];
    uint32_t count;
};

static void arrive(struct arrivals *a, int listener)
{
    struct bf_preface p;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        struct bf_stream s;
        if (bf_socket_stream(fd, &s) != BF_OK ||
            bf_bundle_accept(s, &a->waiting[a->count++]) != BF_OK)
            die("memory");
    }
    for (uint32_t i = 0; i < a->count; i++) {
        struct bf_stream *s = &a->waiting[i];
        if (!s->ops)
            continue;
        s->ops->poll(s->impl);
        enum bf_bundle_kind kind = bf_bundle_kind(s, &p);
        if (kind == BF_BUNDLE_FIRST || kind == BF_BUNDLE_PLAIN) {
            a->bundle = *s;
            s->ops = NULL;
        } else if (kind == BF_BUNDLE_FURTHER && a->bundle.ops) {
            bf_bundle_join(&a->bundle, p.lane, bf_bundle_detach(s));
        }
    }
}

static uint64_t take(struct arrivals *a)
{
    uint64_t total = 0;
    size_t done;
    if (!a->bundle.ops)
        return 0;
    a->bundle.ops->poll(a->bundle.impl);
    while (a->bundle.ops->read(a->bundle.impl, block, sizeof block, &done) == BF_OK)
        total += done;
    return total;
}

static double our_round(void)
{
    static struct bf_config config;
    struct bf_nic nic = {.ops = &end_ops, .mac = {0x52, 0x54, 0, 9, 0, 2}, .mtu = 1500},
                  *nics = &nic;
    struct arrivals a = {.count = 0};
    struct bf_fault fault;
    struct bf_stream s;
    char reason[128];
    int listener = make_socket(1, 1);
    uint64_t start = bf_platform_now_us(), now, got = 0, before = 0;
    path = path_new(&model, seed);
    bf_config_defaults(&config);
    bf_config_set(&config, "address", ipv6 ? "fd09::2/64" : "10.9.0.2/24", BF_ORIGIN_FILE, reason,
                  sizeof reason);
    config.connections = (uint8_t)flows;
    if (bf_ip_start(&nics, 1, &config, &fault) != BF_OK || dial(NULL, &s, &fault) != BF_OK ||
        (flows > 1 && bf_bundle_open(s, flows, (struct bf_lane_maker){dial, NULL}, &s, &fault)))
        die(fault.what);
    while ((now = bf_platform_now_us()) < start + warm_us + measure_us) {
        size_t done;
        carry_frames(0);
        bf_ip_poll();
        while (s.ops->write(s.impl, block, sizeof block, &done) == BF_OK && done)
            ;
        s.ops->poll(s.impl);
        if (s.ops->state(s.impl) == BF_STREAM_FAILED)
            die(s.ops->fault(s.impl)->what);
        arrive(&a, listener);
        got += take(&a);
        if (now < start + warm_us)
            before = got;
        rest();
    }
    s.ops->close(s.impl);
    bf_ip_stop();
    if (a.bundle.ops)
        a.bundle.ops->close(a.bundle.impl);
    close(listener);
    tell_path("ours");
    path_free(path);
    return rate(got - before);
}

// ---- The command -------------------------------------------------------------------------------

static const struct option options[] = {{"delay-ms", required_argument, NULL, 'd'},
                                        {"rate", required_argument, NULL, 'r'},
                                        {"queue", required_argument, NULL, 'q'},
                                        {"loss-ppm", required_argument, NULL, 'l'},
                                        {"hold-ppm", required_argument, NULL, 'h'},
                                        {"hold-ms", required_argument, NULL, 'H'},
                                        {"double-ppm", required_argument, NULL, 'D'},
                                        {"mtu", required_argument, NULL, 'm'},
                                        {"black-hole", no_argument, NULL, 'b'},
                                        {"ipv6", no_argument, NULL, '6'},
                                        {"rounds", required_argument, NULL, 'R'},
                                        {"seconds", required_argument, NULL, 's'},
                                        {"congestion", required_argument, NULL, 'c'},
                                        {"verbose", no_argument, NULL, 'v'},
                                        {"ours", no_argument, NULL, 'o'},
                                        {"seed", required_argument, NULL, 'S'},
                                        {NULL, 0, NULL, 0}};

static void one_option(int option)
{
    uint64_t number = optarg ? strtoull(optarg, NULL, 0) : 1;
    switch (option) {
    case 'd':
        model.delay_us = number * 1000;
        break;
    case 'r':
        model.bytes_per_second = number;
        break;
    case 'q':
        model.queue_bytes = (uint32_t)number;
        break;
    case 'l':
        model.loss_ppm = (uint32_t)number;
        break;
    case 'h':
        model.hold_ppm = (uint32_t)number;
        break;
    case 'H':
        model.hold_us = number * 1000;
        break;
    case 'D':
        model.double_ppm = (uint32_t)number;
        break;
    case 'm':
        model.mtu = (uint16_t)number;
        break;
    case 'b':
        model.black_hole = 1;
        break;
    case '6':
        ipv6 = 1;
        break;
    case 'R':
        rounds = (uint32_t)number;
        break;
    case 's':
        measure_us = number * SECOND;
        break;
    case 'S':
        seed = number;
        break;
    case 'c':
        congestion = optarg;
        break;
    case 'v':
        verbose = 1;
        break;
    case 'o':
        plain = 1;
        break;
    default:
        exit(2);
    }
}

int main(int argc, char **argv)
{
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        one_option(option);
    flows = optind < argc ? (uint32_t)atoi(argv[optind]) : 0;
    if (flows < 1 || flows > FLOWS) {
        fprintf(stderr, "usage: bad_link [OPTION]... CONNECTIONS (1 to %d)\n", FLOWS);
        return 2;
    }
    make_home(1);
    make_home(0);
    for (uint32_t i = 0; i < rounds; i++, seed++) {
        double ours = our_round();
        printf("ours %.0f peer %.0f\n", ours, plain ? 0.0 : peer_round());
        fflush(stdout);
    }
    return 0;
}
