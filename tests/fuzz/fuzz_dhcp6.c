// SPDX-License-Identifier: Apache-2.0
// DHCPv6: any bytes as a server's message, as what a client in each of its states receives, and as
// a router advertisement. What is read may be used: an address of a kind that a machine may have,
// lifetimes in their order, text that can be printed.
#include <string.h>

#include "net/ip/dhcp6_client.h"
#include "net/ip/ra.h"
#include "tests/fuzz_seed.h"

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t reply[] = {
    7, 0,  0, 1,  0,    1,   0,   10,   0,   3,   0, 1,  2, 0,  0,    0,  0,   1, // client
    0, 2,  0, 10, 0,    3,   0,   1,    2,   0,   0, 0,  0, 9,                    // server
    0, 3,  0, 40, 0,    0,   0,   1,    0,   0,   0, 50, 0, 0,  0,    80,         // association
    0, 5,  0, 24, 0x20, 1,   0xd, 0xb8, 0,   0,   0, 0,  0, 0,  0,    0,  0,   0,
    0, 7,  0, 0,  0,    100, 0,   0,    0,   120, 0, 23, 0, 16, 0x20, 1,  0xd, 0xb8,
    0, 0,  0, 0,  0,    0,   0,   0,    0,   0,   0, 1, //
    0, 24, 0, 6,  4,    't', 'e', 's',  't', 0,   0, 13, 0, 4,  0,    0,  'o', 'k'};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    uint8_t seed[sizeof reply];
    uint8_t ra[88] = {
        0x60,        [5] = 48, [6] = 58, [7] = 255, [8] = 0xfe, [9] = 0x80,  [40] = 134,
        [45] = 0xc0, [47] = 9, [56] = 3, [57] = 4,  [58] = 64,  [59] = 0xc0, [63] = 9};
    memcpy(seed, reply, sizeof seed);
    fuzz_seed(*argc, *argv, 0, seed, sizeof seed);
    seed[0] = 2;
    seed[sizeof seed - 3] = 2; // NoAddrsAvail
    fuzz_seed(*argc, *argv, 1, seed, sizeof seed);
    fuzz_seed(*argc, *argv, 2, ra, sizeof ra);
    return 0;
}

static void judge(const struct bf_dhcp6_answer *a)
{
    if (a->has_address && (a->preferred > a->valid || a->address[0] == 0xff || !a->valid))
        __builtin_trap();
    if (a->domains > BF_DNS_DOMAINS || a->dns_count > BF_DHCP6_DNS ||
        strlen(a->text) >= sizeof a->text)
        __builtin_trap();
    for (uint32_t i = 0; i < a->domains; i++)
        if (!a->domain[i][0] || strlen(a->domain[i]) >= BF_DNS_NAME)
            __builtin_trap();
}

// A client in this state: with a lease or an offer where there is none without.
static void begin(struct bf_dhcp6_client *c, enum bf_dhcp6_state state)
{
    bf_dhcp6_client_init(c, mac);
    c->state = state;
    c->has_lease = c->answer.has_address = (uint8_t)bf_dhcp6_needs_lease(state);
    c->offer.has_address = state == BF_DHCP6_REQUESTING;
    c->valid_us = c->t1_us = c->t2_us = UINT64_MAX;
}

// One message to a client in each state, and what the client then sends.
static void converse(const uint8_t *data, size_t size)
{
    static struct bf_dhcp6_client c;
    uint8_t out[BF_DHCP6_MESSAGE_MOST], copy[2048];
    if (size > sizeof copy || size < 4)
        return;
    memcpy(copy, data, size);
    for (int state = BF_DHCP6_SOLICITING; state < BF_DHCP6_STATES; state++) {
        uint64_t now = 1000000;
        int had;
        begin(&c, (enum bf_dhcp6_state)state);
        had = c.has_lease;
        bf_dhcp6_client_poll(&c, now, 7, out);
        copy[1] = (uint8_t)(c.transaction >> 16);
        copy[2] = (uint8_t)(c.transaction >> 8);
        copy[3] = (uint8_t)c.transaction;
        bf_dhcp6_client_receive(&c, copy, size, now);
        if (c.has_lease &&
            ((!had && c.state != BF_DHCP6_BOUND) || !c.answer.has_address || c.t1_us > c.t2_us))
            __builtin_trap();
        for (int i = 0; i < 20; i++)
            bf_dhcp6_client_poll(&c, now += 1000000, (uint32_t)i << 24, out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bf_dhcp6_answer a;
    struct bf_dhcp6_client me;
    struct bf_ra ra;
    bf_dhcp6_client_init(&me, mac);
    if (bf_dhcp6_parse(data, size, &me.id, me.iaid, &a) == BF_OK)
        judge(&a);
    bf_ra_parse(data, size, &ra);
    converse(data, size);
    return 0;
}
