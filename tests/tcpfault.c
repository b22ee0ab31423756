// SPDX-License-Identifier: Apache-2.0
// A TCP relay with faults, for tests: tcpfault ADDR:PORT CONTROL-SOCKET. It listens on a free port
// of 127.0.0.1, prints "listening PORT", and relays every connection to ADDR:PORT. One command per
// connection to the control socket (Unix, stream), answered by one line:
//
//   pass             relays (as at the start)
//   stall            relays nothing, either way, and closes nothing: a link that went dead
//   cut              resets every connection, then relays new ones
//   cut-one          resets the newest connection alone, and relays the others
//   refuse           resets every connection, and each new one at once
//   rate N           carries at most N bytes a second up, all connections together; 0: any
//   after N COMMAND  does it when N more bytes have gone up, in the middle of a frame if need be
//   stats            "connections C up U down D mode M": connections so far, bytes to and from
//                    the server
//
// One thread around poll(); at most 64 connections at a time. It ends on SIGTERM.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 64, BUFFER = 65536 };

enum mode { PASS, STALL, CUT, CUT_ONE, REFUSE, MODES };
static const char *const mode_names[MODES] = {"pass", "stall", "cut", "cut-one", "refuse"};

// One direction of a connection: bytes that were read and not yet written.
struct pipe {
    int from, to;
    size_t start, end;
    int eof;  // from has nothing more
    int shut; // and to was told
    uint8_t bytes[BUFFER];
};

struct connection {
    int used;
    uint64_t number; // it was the so manyth
    struct pipe up, down;
};

static struct connection connections[CONNECTIONS];
static struct sockaddr_in server;
static enum mode mode = PASS;
static enum mode armed = MODES; // what to do when budget is used up; MODES for nothing
static uint64_t budget;
static uint64_t rate, tokens, refilled_us; // bytes a second, bytes that may go now
static uint64_t count_connections, count_up, count_down;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void nonblocking(int fd)
{
    int one = 1;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

// Closes with a reset instead of the ordinary end, so that both programs see an error.
static void reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static void drop(struct connection *c)
{
    reset(c->up.from);
    reset(c->up.to);
    c->used = 0;
}

static void drop_newest(void)
{
    struct connection *newest = NULL;
    for (int i = 0; i < CONNECTIONS; i++)
        if (connections[i].used && (!newest || connections[i].number > newest->number))
            newest = &connections[i];
    if (newest)
        drop(newest);
}

static void set_mode(enum mode m)
{
    if (m == CUT || m == REFUSE)
        for (int i = 0; i < CONNECTIONS; i++)
            if (connections[i].used)
                drop(&connections[i]);
    if (m == CUT_ONE)
        drop_newest();
    mode = m == CUT || m == CUT_ONE ? PASS : m;
    armed = MODES;
}

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

// A hundredth of a second may be saved up.
static void refill(void)
{
    uint64_t now = now_us(), more = rate * (now - refilled_us) / 1000000;
    if (!rate || !more)
        return;
    tokens = tokens + more < rate / 100 ? tokens + more : rate / 100;
    refilled_us = now;
}

static int may_read_up(void)
{
    return !(armed != MODES && budget == 0) && !(rate && tokens < BUFFER && tokens < rate / 200);
}

static struct connection *free_place(void)
{
    for (int i = 0; i < CONNECTIONS; i++)
        if (!connections[i].used)
            return &connections[i];
    return NULL;
}

static void open_pipe(struct pipe *p, int from, int to)
{
    p->from = from;
    p->to = to;
    p->start = p->end = 0;
    p->eof = p->shut = 0;
}

static void accept_client(int listener)
{
    int client = accept(listener, NULL, NULL);
    if (client < 0)
        return;
    count_connections++;
    struct connection *c = free_place();
    int upstream = mode == REFUSE || !c ? -1 : socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (upstream < 0) {
        reset(client);
        return;
    }
    if (connect(upstream, (struct sockaddr *)&server, sizeof server) != 0) {
        close(upstream);
        reset(client);
        return;
    }
    nonblocking(client);
    nonblocking(upstream);
    c->used = 1;
    c->number = count_connections;
    open_pipe(&c->up, client, upstream);
    open_pipe(&c->down, upstream, client);
}

// Reads what there is room for, and no more than the budget and the rate allow. Returns -1 when the
// connection is gone.
static int fill(struct pipe *p, int is_up)
{
    if (p->start == p->end)
        p->start = p->end = 0;
    size_t room = sizeof p->bytes - p->end;
    if (is_up && armed != MODES && room > budget)
        room = (size_t)budget;
    if (is_up && rate && room > tokens)
        room = (size_t)tokens;
    if (p->eof || room == 0)
        return 0;
    ssize_t n = recv(p->from, p->bytes + p->end, room, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n == 0)
        p->eof = 1;
    p->end += (size_t)n;
    if (is_up && rate)
        tokens -= (uint64_t)n;
    if (is_up && armed != MODES)
        budget -= (uint64_t)n;
    return 0;
}

// Writes what is kept, and hands the end on after the last byte.
static int flush(struct pipe *p, uint64_t *counter)
{
    if (p->start < p->end) {
        ssize_t n = send(p->to, p->bytes + p->start, p->end - p->start, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        p->start += (size_t)n;
        *counter += (uint64_t)n;
    }
    if (p->eof && p->start == p->end && !p->shut) {
        shutdown(p->to, SHUT_WR);
        p->shut = 1;
    }
    return 0;
}

static void relay(struct connection *c)
{
    int gone = fill(&c->up, 1) || flush(&c->up, &count_up) || fill(&c->down, 0) ||
               flush(&c->down, &count_down);
    // The fault comes when the last byte of the budget has left, not when it came in.
    if (armed != MODES && budget == 0 && c->up.start == c->up.end) {
        set_mode(armed);
        return;
    }
    if (gone) {
        drop(c);
    } else if (c->up.shut && c->down.shut) {
        close(c->up.from);
        close(c->up.to);
        c->used = 0;
    }
}

static enum mode mode_of(const char *name)
{
    enum mode m = PASS;
    while (m < MODES && strcmp(name, mode_names[m]) != 0)
        m++;
    return m;
}

static void command(char *line, char *answer, size_t size)
{
    char name[16] = "";
    uint64_t n;
    line[strcspn(line, "\r\n")] = 0;
    if (strcmp(line, "stats") == 0) {
        snprintf(answer, size, "connections %" PRIu64 " up %" PRIu64 " down %" PRIu64 " mode %s\n",
                 count_connections, count_up, count_down, mode_names[mode]);
        return;
    }
    snprintf(answer, size, "ok\n");
    if (sscanf(line, "after %" SCNu64 " %15s", &n, name) == 2 && mode_of(name) != MODES) {
        armed = mode_of(name);
        budget = n;
    } else if (sscanf(line, "rate %" SCNu64, &n) == 1) {
        rate = n;
        tokens = 0;
        refilled_us = now_us();
    } else if (mode_of(line) != MODES) {
        set_mode(mode_of(line));
    } else {
        snprintf(answer, size, "error: unknown command\n");
    }
}

static void accept_control(int listener)
{
    char line[128] = "", answer[160];
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
        return;
    ssize_t n = read(fd, line, sizeof line - 1);
    if (n > 0) {
        command(line, answer, sizeof answer);
        if (write(fd, answer, strlen(answer)) < 0)
            perror("control");
    }
    close(fd);
}

static int listen_tcp(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 16) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        die("listen");
    printf("listening %u\n", ntohs(a.sin_port));
    fflush(stdout);
    return fd;
}

static int listen_control(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (strlen(path) >= sizeof a.sun_path) {
        fprintf(stderr, "%s: too long for a socket\n", path);
        exit(1);
    }
    strcpy(a.sun_path, path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 16) != 0)
        die(path);
    return fd;
}

static short wanted(const struct pipe *in, const struct pipe *out, int is_up)
{
    int open = !in->eof && (in->end < sizeof in->bytes || in->start == in->end);
    if (is_up && !may_read_up())
        open = 0;
    return (short)((open ? POLLIN : 0) | (out->start < out->end ? POLLOUT : 0));
}

// Both listeners first, then two descriptors for each connection in use, none while stalled.
static nfds_t poll_set(struct pollfd *set, int listener, int control)
{
    nfds_t n = 0;
    set[n++] = (struct pollfd){.fd = listener, .events = POLLIN};
    set[n++] = (struct pollfd){.fd = control, .events = POLLIN};
    for (int i = 0; i < CONNECTIONS && mode != STALL; i++) {
        struct connection *c = &connections[i];
        if (!c->used)
            continue;
        set[n++] = (struct pollfd){.fd = c->up.from, .events = wanted(&c->up, &c->down, 1)};
        set[n++] = (struct pollfd){.fd = c->up.to, .events = wanted(&c->down, &c->up, 0)};
    }
    return n;
}

static int parse_server(const char *text)
{
    char host[64];
    unsigned port;
    if (sscanf(text, "%63[0-9.]:%u", host, &port) != 2 || port == 0 || port > 65535)
        return -1;
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &server.sin_addr) == 1 ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct pollfd set[2 + 2 * CONNECTIONS];
    int first = 0;
    if (argc != 3 || parse_server(argv[1]) != 0) {
        fprintf(stderr, "usage: tcpfault ADDR:PORT CONTROL-SOCKET\n");
        return 2;
    }
    int control = listen_control(argv[2]);
    int listener = listen_tcp();
    for (;;) {
        refill();
        nfds_t n = poll_set(set, listener, control);
        if (poll(set, n, rate ? 1 : -1) < 0 && errno != EINTR)
            die("poll");
        if (set[0].revents)
            accept_client(listener);
        if (set[1].revents)
            accept_control(control);
        first = (first + 1) % CONNECTIONS; // a rate is shared fairly
        for (int i = 0; i < CONNECTIONS && mode != STALL; i++)
            if (connections[(first + i) % CONNECTIONS].used)
                relay(&connections[(first + i) % CONNECTIONS]);
    }
}
