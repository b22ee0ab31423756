// SPDX-License-Identifier: Apache-2.0
// The receiving host, see tests/net/tcp_sink.h.
#include "tests/net/tcp_sink.h"

#include <string.h>

#include "base/bytes.h"

enum {
    ETHERNET = 14,
    IP = 20,
    TCP = 20,
    WINDOW_SCALE = 7,
    WINDOW = 4 * 1024 * 1024,
    DELAY_US = 40000,
    BLOCKS = 4,
    PERIOD = 65521, // of the pattern, which no size of a segment divides
    SYN = 2,
    ACK = 16,
};

static const uint8_t own_mac[6] = {0x52, 0x54, 0, 9, 0, 1}, own_ip[4] = {10, 9, 0, 1};

const uint8_t *sink_pattern(uint64_t at, size_t *len)
{
    static uint8_t pattern[PERIOD];
    for (uint32_t i = 0; !pattern[0] && i < PERIOD; i++)
        pattern[i] = (uint8_t)((i + 1) * 2654435761u >> 11);
    *len = PERIOD - (size_t)(at % PERIOD);
    return pattern + at % PERIOD;
}

static int as_expected(uint64_t at, const uint8_t *bytes, size_t len)
{
    size_t part;
    for (; len > 0; at += part, bytes += part, len -= part) {
        const uint8_t *expected = sink_pattern(at, &part);
        part = part < len ? part : len;
        if (memcmp(bytes, expected, part) != 0)
            return 0;
    }
    return 1;
}

static unsigned checksum(const uint8_t *p, size_t len, uint32_t sum)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += bf_be16(p + i);
    if (len & 1)
        sum += (uint32_t)p[len - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static int before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

// ---- Sending -----------------------------------------------------------------------------------

static void send_segment(struct sink *s, struct sink_connection *c, uint8_t flags,
                         const uint8_t *options, size_t options_len)
{
    uint8_t f[ETHERNET + IP + TCP + 40] = {0}, *ip = f + ETHERNET, *tcp = ip + IP;
    size_t tcp_len = TCP + options_len;
    memcpy(f, c->peer_mac, 6);
    memcpy(f + 6, own_mac, 6);
    bf_put_be16(f + 12, 0x0800);
    ip[0] = 0x45;
    bf_put_be16(ip + 2, (unsigned)(IP + tcp_len));
    ip[6] = 0x40;
    ip[8] = 64;
    ip[9] = 6;
    memcpy(ip + 12, own_ip, 4);
    memcpy(ip + 16, c->peer_ip, 4);
    bf_put_be16(ip + 10, checksum(ip, IP, 0));
    bf_put_be16(tcp, 7667);
    bf_put_be16(tcp + 2, c->port);
    bf_put_be32(tcp + 4, c->own);
    bf_put_be32(tcp + 8, c->next);
    tcp[12] = (uint8_t)(tcp_len / 4 << 4);
    tcp[13] = flags;
    bf_put_be16(tcp + 14, flags & SYN ? 65535 : WINDOW >> WINDOW_SCALE);
    memcpy(tcp + TCP, options, options_len);
    bf_put_be16(tcp + 16, checksum(ip + 12, 8 + tcp_len, (uint32_t)(6 + tcp_len)));
    s->send(s->user, f, ETHERNET + IP + tcp_len);
}

static size_t put_block(uint8_t *at, const struct sink_range *r)
{
    bf_put_be32(at, r->from);
    bf_put_be32(at + 4, r->to);
    return 8;
}

// Blocks that end before they begin, reach beyond everything, overlap, or claim what never came.
static void invent(struct sink *s, struct sink_connection *c, uint8_t *blocks)
{
    uint32_t random = s->acknowledgements * 2654435761u;
    for (int i = 0; i < BLOCKS; i++, random = random * 1664525u + 1013904223u) {
        struct sink_range r = {c->next + (random >> 15), c->next + (random >> 20) * 8};
        if (i & 1)
            r.to = r.from + 3000;
        put_block(blocks + 8 * i, &r);
    }
}

// What came twice first, then the range that changed last, then others.
static void acknowledge(struct sink *s, struct sink_connection *c)
{
    uint8_t options[4 + 8 * BLOCKS] = {1, 1, 5};
    size_t len = 4;
    if (c->twice.from != c->twice.to)
        len += put_block(options + len, &c->twice);
    if (c->ranges && c->latest < c->ranges)
        len += put_block(options + len, &c->range[c->latest]);
    for (uint32_t i = 0; i < c->ranges && len < sizeof options; i++)
        if (i != c->latest)
            len += put_block(options + len, &c->range[i]);
    s->acknowledgements++;
    if (s->lies && s->acknowledgements % (uint32_t)s->lies == 0) {
        len = sizeof options;
        invent(s, c, options + 4);
    }
    c->twice.from = c->twice.to;
    c->owed = 0;
    c->due_us = 0;
    options[3] = (uint8_t)(len - 2);
    send_segment(s, c, ACK, options, s->no_sack || len == 4 ? 0 : len);
}

// ---- Receiving ---------------------------------------------------------------------------------

static void insert(struct sink_connection *c, uint32_t from, uint32_t to)
{
    uint32_t i = 0, last;
    while (i < c->ranges && before(c->range[i].to, from))
        i++;
    for (last = i; last < c->ranges && !before(to, c->range[last].from); last++) {
        if (before(c->range[last].from, from))
            from = c->range[last].from;
        if (before(to, c->range[last].to))
            to = c->range[last].to;
    }
    if (last == i && c->ranges == SINK_RANGES)
        return; // as if it had been lost
    memmove(&c->range[i + 1], &c->range[last], (c->ranges - last) * sizeof c->range[0]);
    c->ranges = c->ranges - (last - i) + 1;
    c->range[i] = (struct sink_range){from, to};
    c->latest = i;
}

static int known(const struct sink_connection *c, uint32_t from, uint32_t to)
{
    if (!before(c->next, to))
        return 1;
    for (uint32_t i = 0; i < c->ranges; i++)
        if (!before(from, c->range[i].from) && !before(c->range[i].to, to))
            return 1;
    return 0;
}

static void take_ranges(struct sink_connection *c)
{
    while (c->ranges && !before(c->next, c->range[0].from)) {
        if (before(c->next, c->range[0].to))
            c->next = c->range[0].to;
        memmove(&c->range[0], &c->range[1], --c->ranges * sizeof c->range[0]);
    }
    c->bytes = c->next - c->first;
}

static void data(struct sink *s, struct sink_connection *c, uint32_t seq, const uint8_t *bytes,
                 size_t len, uint64_t now_us)
{
    c->wrong += !as_expected(seq - c->first, bytes, len);
    int in_order = seq == c->next && !c->ranges;
    if (known(c, seq, seq + (uint32_t)len)) {
        c->twice = (struct sink_range){seq, seq + (uint32_t)len};
        c->repeated++;
    } else {
        insert(c, seq, seq + (uint32_t)len);
        take_ranges(c);
    }
    if (!in_order || ++c->owed >= 2)
        acknowledge(s, c);
    else if (!c->due_us)
        c->due_us = now_us + DELAY_US;
}

static struct sink_connection *connection(struct sink *s, uint16_t port, int make)
{
    for (int i = 0; i < SINK_CONNECTIONS; i++)
        if (s->connection[i].port == port || (make && !s->connection[i].port))
            return &s->connection[i];
    return NULL;
}

static void segment(struct sink *s, const uint8_t *f, size_t len, uint64_t now_us)
{
    const uint8_t *ip = f + ETHERNET, *tcp = ip + IP;
    static const uint8_t options[] = {2, 4, 5, 180, 1, 3, 3, WINDOW_SCALE, 1, 1, 4, 2};
    size_t header = (size_t)(tcp[12] >> 4) * 4, total = bf_be16(ip + 2);
    uint32_t seq = bf_be32(tcp + 4);
    if (total > len - ETHERNET || total < IP + header)
        return;
    struct sink_connection *c = connection(s, bf_be16(tcp), tcp[13] & SYN);
    if (!c)
        return;
    if (tcp[13] & SYN) {
        c->port = bf_be16(tcp);
        memcpy(c->peer_mac, f + 6, 6);
        memcpy(c->peer_ip, ip + 12, 4);
        c->next = c->first = seq + 1;
        c->own = 1000;
        send_segment(s, c, SYN | ACK, options, s->no_sack ? 8 : sizeof options);
        c->own = 1001;
    } else if (total > IP + header) {
        data(s, c, seq, tcp + header, total - IP - header, now_us);
    }
}

static void answer_arp(struct sink *s, const uint8_t *f)
{
    uint8_t out[60];
    memset(out, 0, sizeof out);
    memcpy(out, f + 6, 6);
    memcpy(out + 6, own_mac, 6);
    memcpy(out + 12, f + 12, 8);
    bf_put_be16(out + 20, 2);
    memcpy(out + 22, own_mac, 6);
    memcpy(out + 28, own_ip, 4);
    memcpy(out + 32, f + 22, 10);
    s->send(s->user, out, sizeof out);
}

void sink_frame(struct sink *s, const uint8_t *f, size_t len, uint64_t now_us)
{
    if (len >= 42 && bf_be16(f + 12) == 0x0806 && bf_be16(f + 20) == 1 &&
        memcmp(f + 38, own_ip, 4) == 0)
        answer_arp(s, f);
    else if (len >= ETHERNET + IP + TCP && bf_be16(f + 12) == 0x0800 && f[ETHERNET + 9] == 6 &&
             f[ETHERNET] == 0x45)
        segment(s, f, len, now_us);
}

void sink_turn(struct sink *s, uint64_t now_us)
{
    for (int i = 0; i < SINK_CONNECTIONS; i++)
        if (s->connection[i].due_us && now_us >= s->connection[i].due_us)
            acknowledge(s, &s->connection[i]);
}

uint64_t sink_bytes(const struct sink *s)
{
    uint64_t total = 0;
    for (int i = 0; i < SINK_CONNECTIONS; i++)
        total += s->connection[i].bytes;
    return total;
}
