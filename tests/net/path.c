// SPDX-License-Identifier: Apache-2.0
// The path, see tests/net/path.h.
#include "tests/net/path.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { ETHERNET = 14, IP4 = 20, IP6 = 40, ICMP_QUOTE = 28 };

struct frame {
    struct frame *next;
    uint64_t due_us;
    size_t len;
    uint8_t bytes[PATH_FRAME_MAX];
};

struct way {
    struct frame *first; // by due time
    uint64_t free_us;    // the wire is busy until then
};

struct path {
    struct path_model model;
    struct way to[2];
    struct frame *spare;
    uint64_t random;
    struct path_counts counts;
};

static uint64_t draw(struct path *path)
{
    uint64_t z = path->random += 0x9e3779b97f4a7c15u; // splitmix64
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int happens(struct path *path, uint32_t ppm)
{
    return ppm && draw(path) % 1000000 < ppm;
}

// ---- Packets -----------------------------------------------------------------------------------

static uint32_t sum(const uint8_t *p, size_t len, uint32_t start)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        start += bf_be16(p + i);
    if (len & 1)
        start += (uint32_t)p[len - 1] << 8;
    return start;
}

static unsigned folded(uint32_t total)
{
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    return ~total & 0xffff;
}

static int is_ip4(const uint8_t *f, size_t len)
{
    return len >= ETHERNET + IP4 && bf_be16(f + 12) == 0x0800;
}

static int is_ip6(const uint8_t *f, size_t len)
{
    return len >= ETHERNET + IP6 && bf_be16(f + 12) == 0x86dd;
}

static int is_tcp(const uint8_t *f, size_t len)
{
    return (is_ip4(f, len) && f[ETHERNET + 9] == 6) || (is_ip6(f, len) && f[ETHERNET + 6] == 6);
}

static void finish_ip4(uint8_t *ip)
{
    bf_put_be16(ip + 10, 0);
    bf_put_be16(ip + 10, folded(sum(ip, IP4, 0)));
}

// ---- The queue ---------------------------------------------------------------------------------

static void enqueue(struct path *path, int end, const uint8_t *bytes, size_t len, uint64_t due_us)
{
    struct frame **at = &path->to[end].first, *f = path->spare;
    if (f)
        path->spare = f->next;
    else
        f = malloc(sizeof *f);
    f->due_us = due_us;
    f->len = len;
    memcpy(f->bytes, bytes, len);
    while (*at && (*at)->due_us <= due_us)
        at = &(*at)->next;
    f->next = *at;
    *at = f;
}

static void carry(struct path *path, int to, const uint8_t *bytes, size_t len, uint64_t now)
{
    const struct path_model *m = &path->model;
    struct way *way = &path->to[to];
    uint64_t from = way->free_us > now ? way->free_us : now, held = 0;
    path->counts.packets++;
    if (m->bytes_per_second) {
        if ((from - now) * m->bytes_per_second / 1000000 + len > m->queue_bytes) {
            path->counts.full++;
            return;
        }
        way->free_us = from += len * 1000000 / m->bytes_per_second;
    }
    if (is_tcp(bytes, len) && happens(path, m->loss_ppm)) {
        path->counts.lost++;
        return;
    }
    if (is_tcp(bytes, len) && happens(path, m->hold_ppm)) {
        path->counts.held++;
        held = m->hold_us;
    }
    enqueue(path, to, bytes, len, from + m->delay_us + held);
    if (is_tcp(bytes, len) && happens(path, m->double_ppm))
        enqueue(path, to, bytes, len, from + m->delay_us + held);
}

// ---- The router --------------------------------------------------------------------------------

static void turn_round(uint8_t *out, const uint8_t *in)
{
    memcpy(out, in + 6, 6);
    memcpy(out + 6, in, 6);
    memcpy(out + 12, in + 12, 2);
}

// Destination unreachable, fragmentation needed: type 3, code 4.
static void answer_ip4(struct path *path, int end, const uint8_t *in, uint64_t now)
{
    uint8_t out[ETHERNET + IP4 + 8 + ICMP_QUOTE] = {0}, *ip = out + ETHERNET, *icmp = ip + IP4;
    turn_round(out, in);
    ip[0] = 0x45;
    bf_put_be16(ip + 2, IP4 + 8 + ICMP_QUOTE);
    ip[8] = 64;
    ip[9] = 1;
    memcpy(ip + 12, in + ETHERNET + 16, 4);
    memcpy(ip + 16, in + ETHERNET + 12, 4);
    finish_ip4(ip);
    icmp[0] = 3;
    icmp[1] = 4;
    bf_put_be16(icmp + 6, path->model.mtu);
    memcpy(icmp + 8, in + ETHERNET, ICMP_QUOTE);
    bf_put_be16(icmp + 2, folded(sum(icmp, 8 + ICMP_QUOTE, 0)));
    carry(path, end, out, sizeof out, now);
}

// Packet too big: type 2; at most 1280 bytes, as much of the packet as fits.
static void answer_ip6(struct path *path, int end, const uint8_t *in, uint64_t now)
{
    enum { QUOTE = 256 };
    uint8_t out[ETHERNET + IP6 + 8 + QUOTE] = {0}, *ip = out + ETHERNET, *icmp = ip + IP6;
    turn_round(out, in);
    ip[0] = 0x60;
    bf_put_be16(ip + 4, 8 + QUOTE);
    ip[6] = 58;
    ip[7] = 64;
    memcpy(ip + 8, in + ETHERNET + 24, 16);
    memcpy(ip + 24, in + ETHERNET + 8, 16);
    icmp[0] = 2;
    bf_put_be16(icmp + 6, path->model.mtu);
    memcpy(icmp + 8, in + ETHERNET, QUOTE);
    bf_put_be16(icmp + 2, folded(sum(icmp, 8 + QUOTE, sum(ip + 8, 32, 8 + QUOTE + 58))));
    carry(path, end, out, sizeof out, now);
}

static void cut_up(struct path *path, int to, const uint8_t *in, uint64_t now)
{
    const uint8_t *ip = in + ETHERNET;
    size_t total = bf_be16(ip + 2) - IP4, most = (size_t)(path->model.mtu - IP4) & ~(size_t)7;
    for (size_t at = 0; at < total; at += most) {
        uint8_t out[PATH_FRAME_MAX];
        size_t part = total - at < most ? total - at : most;
        memcpy(out, in, ETHERNET + IP4);
        memcpy(out + ETHERNET + IP4, ip + IP4 + at, part);
        bf_put_be16(out + ETHERNET + 2, (unsigned)(IP4 + part));
        bf_put_be16(out + ETHERNET + 6, (unsigned)(at / 8) | (at + part < total ? 0x2000 : 0));
        finish_ip4(out + ETHERNET);
        carry(path, to, out, ETHERNET + IP4 + part, now);
    }
}

void path_put(struct path *path, int end, const uint8_t *frame, size_t len, uint64_t now_us)
{
    uint16_t mtu = path->model.mtu;
    if (len > PATH_FRAME_MAX)
        return;
    int large4 = mtu && is_ip4(frame, len) && bf_be16(frame + ETHERNET + 2) > mtu;
    int large6 = mtu && is_ip6(frame, len) && bf_be16(frame + ETHERNET + 4) + IP6 > mtu;
    if (large4 && !(frame[ETHERNET + 6] & 0x40)) {
        cut_up(path, !end, frame, now_us);
    } else if (large4 || large6) {
        path->counts.too_large++;
        if (!path->model.black_hole)
            (large4 ? answer_ip4 : answer_ip6)(path, end, frame, now_us);
    } else {
        carry(path, !end, frame, len, now_us);
    }
}

size_t path_take(struct path *path, int end, uint8_t *frame, uint64_t now_us)
{
    struct frame *f = path->to[end].first;
    if (!f || f->due_us > now_us)
        return 0;
    path->to[end].first = f->next;
    memcpy(frame, f->bytes, f->len);
    f->next = path->spare;
    path->spare = f;
    return f->len;
}

uint64_t path_next_us(const struct path *path)
{
    uint64_t next = UINT64_MAX;
    for (int i = 0; i < 2; i++)
        if (path->to[i].first && path->to[i].first->due_us < next)
            next = path->to[i].first->due_us;
    return next;
}

struct path_counts path_counts(const struct path *path)
{
    return path->counts;
}

struct path *path_new(const struct path_model *model, uint64_t seed)
{
    struct path *path = calloc(1, sizeof *path);
    path->model = *model;
    path->random = seed;
    return path;
}

static void free_list(struct frame *f)
{
    while (f) {
        struct frame *next = f->next;
        free(f);
        f = next;
    }
}

void path_free(struct path *path)
{
    if (!path)
        return;
    free_list(path->to[0].first);
    free_list(path->to[1].first);
    free_list(path->spare);
    free(path);
}
