// SPDX-License-Identifier: Apache-2.0
// DHCP's classless routes (RFC 3442): any bytes. A route that is found contains what was looked
// for.
#include <string.h>

#include "net/ip/route_table.h"
#include "tests/fuzz_seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const uint8_t two[] = {24, 10, 55, 0, 192, 168, 77, 1, 0, 192, 168, 77, 254};
    static const uint8_t odd[] = {17, 10, 20, 128, 10, 0, 0, 1, 32, 10, 0, 0, 9, 0, 0, 0, 0};
    fuzz_seed(*argc, *argv, 0, two, sizeof two);
    fuzz_seed(*argc, *argv, 1, odd, sizeof odd);
    return 0;
}

static int contains(const struct bf_route *r, uint32_t to)
{
    return r->prefix == 0 || (to ^ r->network) >> (32 - r->prefix) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_routes routes;
    uint32_t to = 0;
    memcpy(&to, data, size < sizeof to ? size : sizeof to);
    if ((bf_routes_parse(data, size, &routes) == BF_OK) != (routes.count > 0))
        __builtin_trap();
    if (routes.count > BF_ROUTES_MAX)
        __builtin_trap();
    const struct bf_route *best = bf_routes_find(&routes, to);
    for (uint32_t i = 0; i < routes.count; i++)
        if (routes.route[i].prefix > 32 ||
            (contains(&routes.route[i], to) && (!best || best->prefix < routes.route[i].prefix)))
            __builtin_trap();
    if (best && !contains(best, to))
        __builtin_trap();
    return 0;
}
