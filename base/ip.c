// SPDX-License-Identifier: Apache-2.0
// Addresses as text: dotted IPv4 in exactly four decimal parts, IPv6 after RFC 4291, section 2.2
// (with an IPv4 tail), written back after RFC 5952.
#include <string.h>

#include "base/bytes.h"
#include "base/config.h"
#include "base/fmt.h"

static int parse_v4(const char *text, size_t len, uint8_t out[4])
{
    size_t at = 0;
    for (int part = 0; part < 4; part++) {
        uint32_t value = 0;
        size_t start = at;
        for (; at < len && text[at] >= '0' && text[at] <= '9' && at - start < 3; at++)
            value = value * 10 + (uint32_t)(text[at] - '0');
        if (at == start || value > 255 || (text[start] == '0' && at - start > 1))
            return 0;
        out[part] = (uint8_t)value;
        if (part < 3 && (at >= len || text[at++] != '.'))
            return 0;
    }
    return at == len;
}

// One group of up to four hexadecimal digits; its length, 0 when there is none.
static size_t parse_group(const char *text, size_t len, uint32_t *value)
{
    size_t n = 0;
    for (*value = 0; n < len && n < 4 && bf_hex_digit(text[n]) >= 0; n++)
        *value = *value << 4 | (uint32_t)bf_hex_digit(text[n]);
    return n;
}

// Bytes before and after "::" are collected in one array; gap remembers where the zeros belong.
struct v6 {
    uint8_t bytes[16];
    size_t count;
    size_t gap; // 17: no "::" seen
};

static int parse_v6_groups(const char *text, size_t len, struct v6 *v)
{
    size_t at = 0;
    while (at < len) {
        uint32_t value;
        size_t n = parse_group(text + at, len - at, &value);
        if (v->count <= 12 && memchr(text + at, '.', len - at) &&
            !memchr(text + at, ':', len - at)) {
            if (!parse_v4(text + at, len - at, v->bytes + v->count))
                return 0;
            v->count += 4;
            return 1;
        }
        if (!n || v->count > 14)
            return 0;
        v->bytes[v->count++] = (uint8_t)(value >> 8);
        v->bytes[v->count++] = (uint8_t)value;
        at += n;
        if (at == len)
            return 1;
        if (text[at++] != ':' || at == len)
            return 0;
        if (text[at] == ':') {
            if (v->gap != 17)
                return 0;
            v->gap = v->count;
            at++;
        }
    }
    return 1;
}

static int parse_v6(const char *text, size_t len, uint8_t out[16])
{
    struct v6 v = {.gap = 17};
    if (len >= 2 && text[0] == ':' && text[1] == ':') {
        v.gap = 0;
        text += 2;
        len -= 2;
    }
    if ((len == 0 && v.gap == 17) || !parse_v6_groups(text, len, &v))
        return 0;
    if (v.gap == 17 ? v.count != 16 : v.count > 14)
        return 0;
    size_t tail = v.gap == 17 ? 0 : v.count - v.gap;
    memset(out, 0, 16);
    memcpy(out, v.bytes, v.count - tail);
    memcpy(out + 16 - tail, v.bytes + v.count - tail, tail);
    return 1;
}

enum bf_err bf_ip_parse(const char *text, size_t len, struct bf_ip *out)
{
    memset(out, 0, sizeof *out);
    if (parse_v4(text, len, out->bytes))
        out->family = 4;
    else if (parse_v6(text, len, out->bytes))
        out->family = 6;
    else
        memset(out, 0, sizeof *out);
    return out->family ? BF_OK : BF_ERR_CONFIG;
}

// The first longest run of at least two zero groups: its start, 8 when there is none.
static uint32_t longest_zeros(const uint8_t *bytes, uint32_t *length)
{
    uint32_t best = 8;
    *length = 1;
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t n = 0;
        while (i + n < 8 && !bytes[2 * (i + n)] && !bytes[2 * (i + n) + 1])
            n++;
        if (n > *length) {
            best = i;
            *length = n;
        }
    }
    return best;
}

void bf_ip_text(char *out, size_t size, const struct bf_ip *ip)
{
    const uint8_t *b = ip->bytes;
    uint32_t zeros, gap, at = 0;
    char text[48] = "";
    if (ip->family == 4)
        bf_snprintf(text, sizeof text, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
    gap = longest_zeros(b, &zeros);
    for (uint32_t i = 0; ip->family == 6 && i < 8; i++) {
        if (i == gap) {
            at += (uint32_t)bf_snprintf(text + at, sizeof text - at, "::");
            i += zeros - 1;
            continue;
        }
        at += (uint32_t)bf_snprintf(text + at, sizeof text - at, "%s%x",
                                    at && text[at - 1] != ':' ? ":" : "",
                                    (uint32_t)bf_be16(b + 2 * i));
    }
    bf_snprintf(out, size, "%s", text);
}

int bf_ip_same_net(const struct bf_ip *a, const struct bf_ip *b, uint32_t prefix)
{
    for (uint32_t i = 0; i < prefix; i++)
        if ((a->bytes[i / 8] ^ b->bytes[i / 8]) >> (7 - i % 8) & 1)
            return 0;
    return 1;
}
