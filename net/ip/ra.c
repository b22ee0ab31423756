// SPDX-License-Identifier: Apache-2.0
// Router advertisements, as far as DHCPv6 and the search of names need them. The checksum is lwIP's
// business; what it throws away may at most start an exchange that a server ignores.
#include "net/ip/ra.h"

#include <string.h>

#include "base/bytes.h"

enum {
    IP_HEADER = 40,
    ICMP6 = 58,
    HOP_LIMIT = 255, // nobody has forwarded it
    ADVERTISEMENT = 134,
    RA_HEADER = 16,
    FLAG_MANAGED = 0x80,
    FLAG_OTHER = 0x40,
    PREFIX_INFORMATION = 3,
    PREFIX_BYTES = 32,
    FLAG_AUTONOMOUS = 0x40,
    SEARCH_LIST = 31,
    SEARCH_HEADER = 8,
};

static int is_advertisement(const uint8_t *p, size_t len)
{
    return len >= IP_HEADER + RA_HEADER && p[0] >> 4 == 6 && p[6] == ICMP6 && p[7] == HOP_LIMIT &&
           p[8] == 0xfe && (p[9] & 0xc0) == 0x80 && p[IP_HEADER] == ADVERTISEMENT &&
           p[IP_HEADER + 1] == 0;
}

// lwIP makes addresses of prefixes of 64 bits that are valid for some time.
static int is_usable_prefix(const uint8_t *option, size_t len)
{
    static const uint8_t none[4];
    return option[0] == PREFIX_INFORMATION && len == PREFIX_BYTES && option[2] == 64 &&
           (option[3] & FLAG_AUTONOMOUS) && memcmp(option + 4, none, sizeof none) != 0;
}

static void take_domains(const uint8_t *option, size_t len, struct bf_ra *out)
{
    static const uint8_t none[4];
    if (option[0] != SEARCH_LIST || len <= SEARCH_HEADER || out->domains)
        return;
    out->domains = option + SEARCH_HEADER;
    if (memcmp(option + 4, none, sizeof none) != 0) // the lifetime
        out->domains_len = len - SEARCH_HEADER;
}

int bf_ra_parse(const uint8_t *packet, size_t len, struct bf_ra *out)
{
    if (!is_advertisement(packet, len))
        return 0;
    size_t payload = bf_be16(packet + 4);
    if (payload < RA_HEADER || payload > len - IP_HEADER)
        return 0;
    const uint8_t *ra = packet + IP_HEADER;
    memset(out, 0, sizeof *out);
    out->managed = (ra[5] & FLAG_MANAGED) != 0;
    out->other = (ra[5] & FLAG_OTHER) != 0;
    out->is_router = ra[6] || ra[7];
    memcpy(out->router, packet + 8, sizeof out->router);
    for (size_t at = RA_HEADER; payload - at >= 2;) {
        size_t bytes = (size_t)ra[at + 1] * 8;
        if (bytes == 0 || bytes > payload - at)
            return 0; // 6.1.2: thrown away as a whole
        if (is_usable_prefix(ra + at, bytes))
            out->has_prefix = 1;
        take_domains(ra + at, bytes, out);
        at += bytes;
    }
    return 1;
}
