// SPDX-License-Identifier: Apache-2.0
// A list of routes that is searched from end to end: it has two or three in nearly every network.
#include "net/ip/route_table.h"

#include <string.h>

#include "base/assert.h"

static uint32_t mask_of(uint8_t prefix)
{
    BF_ASSERT(prefix <= 32);
    return prefix ? UINT32_MAX << (32 - prefix) : 0;
}

void bf_routes_add(struct bf_routes *routes, uint32_t network, uint8_t prefix, uint32_t router)
{
    network &= mask_of(prefix);
    BF_ASSERT(routes->count <= BF_ROUTES_MAX);
    for (uint32_t i = 0; i < routes->count; i++)
        if (routes->route[i].network == network && routes->route[i].prefix == prefix)
            return;
    if (routes->count == BF_ROUTES_MAX) {
        routes->ignored++;
        return;
    }
    routes->route[routes->count++] =
        (struct bf_route){.network = network, .router = router, .prefix = prefix};
}

// Up to four bytes in network order; missing ones are zero.
static uint32_t number(const uint8_t *bytes, size_t len)
{
    uint32_t value = 0;
    for (size_t i = 0; i < 4; i++)
        value = value << 8 | (i < len ? bytes[i] : 0u);
    return value;
}

enum bf_err bf_routes_parse(const uint8_t *bytes, size_t len, struct bf_routes *out)
{
    size_t at = 0;
    memset(out, 0, sizeof *out);
    while (at < len) {
        uint8_t prefix = bytes[at++];
        size_t octets = (prefix + 7u) / 8; // of the network, as many as are significant
        if (prefix > 32 || len - at < octets + 4) {
            at = 0;
            break;
        }
        bf_routes_add(out, number(bytes + at, octets), prefix, number(bytes + at + octets, 4));
        at += octets + 4;
    }
    if (at == len && len > 0)
        return BF_OK;
    memset(out, 0, sizeof *out);
    return BF_ERR_PROTOCOL;
}

const struct bf_route *bf_routes_find(const struct bf_routes *routes, uint32_t to)
{
    const struct bf_route *best = NULL;
    for (uint32_t i = 0; i < routes->count; i++) {
        const struct bf_route *r = &routes->route[i];
        if (((to ^ r->network) & mask_of(r->prefix)) == 0 && (!best || r->prefix > best->prefix))
            best = r;
    }
    return best;
}
