// SPDX-License-Identifier: Apache-2.0
// DHCPv6's client. Each state in which something is sent has a line in a table: the message, the
// first pause, the longest, and how often or how long it is tried. See net/ip/dhcp6_client.h.
#include "net/ip/dhcp6_client.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

enum {
    DUID_LL = 3,
    HARDWARE_ETHERNET = 1,
    PREFERENCE_MOST = 255, // 18.2.1: waits for no other
    T1_LEAST_S = 5,        // what a server says below that would be nothing but messages
};
#define SECOND ((uint64_t)1000000)
#define NEVER  UINT64_MAX

struct exchange {
    enum bf_dhcp6_type type;  // 0: nothing is sent
    uint16_t first_s, most_s; // IRT, MRT (7.6)
    uint16_t times, total_s;  // MRC, MRD; 0: no limit
};
static const struct exchange exchanges[BF_DHCP6_STATES] = {
    [BF_DHCP6_SOLICITING] = {BF_DHCP6_SOLICIT, 1, 8, 0, 0},
    [BF_DHCP6_REQUESTING] = {BF_DHCP6_REQUEST, 1, 8, 10, 0},
    [BF_DHCP6_CONFIRMING] = {BF_DHCP6_CONFIRM, 1, 4, 0, 10},
    [BF_DHCP6_RENEWING] = {BF_DHCP6_RENEW, 10, 600, 0, 0},
    [BF_DHCP6_REBINDING] = {BF_DHCP6_REBIND, 10, 600, 0, 0},
    [BF_DHCP6_INFORMING] = {BF_DHCP6_INFORMATION_REQUEST, 1, 8, 0, 0},
};

void bf_dhcp6_client_init(struct bf_dhcp6_client *c, const uint8_t mac[6])
{
    memset(c, 0, sizeof *c);
    c->id = (struct bf_dhcp6_duid){10, {0, DUID_LL, 0, HARDWARE_ETHERNET}};
    memcpy(c->id.bytes + 4, mac, 6);
    c->iaid = bf_be32(mac + 2);
}

static void enter(struct bf_dhcp6_client *c, enum bf_dhcp6_state state, uint64_t now)
{
    BF_ASSERT(state < BF_DHCP6_STATES && (c->has_lease || !bf_dhcp6_needs_lease(state)));
    c->state = state;
    c->began_us = now;
    c->next_us = exchanges[state].type ? now : NEVER;
    c->tries = 0;
    c->pause_us = 0;
    c->has_offer = 0;
}

void bf_dhcp6_client_managed(struct bf_dhcp6_client *c, uint64_t now)
{
    if (c->state == BF_DHCP6_IDLE || c->state == BF_DHCP6_INFORMING ||
        c->state == BF_DHCP6_INFORMED)
        enter(c, BF_DHCP6_SOLICITING, now);
}

void bf_dhcp6_client_other(struct bf_dhcp6_client *c, uint64_t now)
{
    if (c->state == BF_DHCP6_IDLE)
        enter(c, BF_DHCP6_INFORMING, now);
}

void bf_dhcp6_client_confirm(struct bf_dhcp6_client *c, uint64_t now)
{
    if (c->has_lease)
        enter(c, BF_DHCP6_CONFIRMING, now);
    else if (c->state == BF_DHCP6_INFORMED)
        enter(c, BF_DHCP6_INFORMING, now);
}

static void lose_lease(struct bf_dhcp6_client *c, uint64_t now)
{
    c->changes += c->has_lease;
    c->has_lease = 0;
    enter(c, BF_DHCP6_SOLICITING, now);
}

// ---- Sending -----------------------------------------------------------------------------------

static size_t compose(const struct bf_dhcp6_client *c, enum bf_dhcp6_type type, uint64_t now,
                      uint8_t *out)
{
    struct bf_dhcp6_request r = {.type = type,
                                 .transaction = c->transaction,
                                 .elapsed_cs = (uint32_t)((now - c->began_us) / 10000),
                                 .client = &c->id,
                                 .iaid = c->iaid};
    BF_ASSERT(type != BF_DHCP6_REQUEST || c->offer.has_address);
    BF_ASSERT(!c->has_lease || c->answer.has_address);
    if (type == BF_DHCP6_REQUEST) {
        r.server = &c->offer.server;
        r.address = c->offer.address;
    } else if (c->has_lease) {
        r.address = c->answer.address;
        if (type == BF_DHCP6_RENEW || type == BF_DHCP6_RELEASE || type == BF_DHCP6_DECLINE)
            r.server = &c->answer.server;
    }
    return bf_dhcp6_put(&r, out);
}

// 15: twice the pause before, give or take a tenth, at most the longest.
static void set_pause(struct bf_dhcp6_client *c, const struct exchange *e, uint64_t now,
                      uint32_t random)
{
    uint64_t pause = c->pause_us ? 2 * c->pause_us : e->first_s * SECOND;
    BF_ASSERT(e->first_s && e->first_s <= e->most_s);
    if (pause > e->most_s * SECOND)
        pause = e->most_s * SECOND;
    c->pause_us = pause - pause / 10 + pause / 5 * (random & 0xff) / 256;
    c->next_us = now + c->pause_us;
}

// What happens by time alone, in the order of the lease's life.
static void expire(struct bf_dhcp6_client *c, uint64_t now)
{
    const struct exchange *e = &exchanges[c->state];
    if (c->has_lease && now >= c->valid_us)
        lose_lease(c, now);
    else if (c->state == BF_DHCP6_CONFIRMING && now - c->began_us >= e->total_s * SECOND)
        enter(c, BF_DHCP6_BOUND, now); // 18.2.3: nobody says no
    else if (c->state == BF_DHCP6_REQUESTING && c->tries > e->times)
        enter(c, BF_DHCP6_SOLICITING, now);
    else if (c->state == BF_DHCP6_RENEWING && now >= c->t2_us)
        enter(c, BF_DHCP6_REBINDING, now);
    else if (c->state == BF_DHCP6_BOUND && now >= c->t1_us)
        enter(c, BF_DHCP6_RENEWING, now);
    else if (c->state == BF_DHCP6_SOLICITING && c->has_offer && now >= c->next_us) {
        struct bf_dhcp6_answer offer = c->offer;
        enter(c, BF_DHCP6_REQUESTING, now);
        c->offer = offer;
    }
}

size_t bf_dhcp6_client_poll(struct bf_dhcp6_client *c, uint64_t now, uint32_t random,
                            uint8_t out[BF_DHCP6_MESSAGE_MOST])
{
    expire(c, now);
    const struct exchange *e = &exchanges[c->state];
    if (!e->type || now < c->next_us)
        return 0;
    if (c->tries == 0) { // 16.1: one number for all of an exchange
        c->transaction = random & 0xffffff;
        c->began_us = now;
    }
    c->tries++;
    set_pause(c, e, now, random >> 24);
    return compose(c, e->type, now, out);
}

size_t bf_dhcp6_client_drop(struct bf_dhcp6_client *c, enum bf_dhcp6_type how, uint64_t now,
                            uint8_t out[BF_DHCP6_MESSAGE_MOST])
{
    BF_ASSERT(how == BF_DHCP6_RELEASE || how == BF_DHCP6_DECLINE);
    if (!c->has_lease)
        return 0;
    c->began_us = now;
    c->transaction = (c->transaction + 1) & 0xffffff;
    size_t len = compose(c, how, now, out);
    lose_lease(c, now);
    if (how == BF_DHCP6_RELEASE)
        enter(c, BF_DHCP6_IDLE, now);
    return len;
}

// ---- Answers -----------------------------------------------------------------------------------

static void refused(struct bf_dhcp6_client *c, const struct bf_dhcp6_answer *a)
{
    c->refused = 1;
    c->status = a->status ? a->status : BF_DHCP6_NO_ADDRS_AVAIL; // it just gives none
    memcpy(c->text, a->text, sizeof c->text);
}

static void advertised(struct bf_dhcp6_client *c, const struct bf_dhcp6_answer *a, uint64_t now)
{
    BF_ASSERT(c->state == BF_DHCP6_SOLICITING && (!c->has_offer || c->offer.has_address));
    if (!a->has_address) {
        refused(c, a);
        return;
    }
    if (c->has_offer && a->preference <= c->offer.preference)
        return;
    c->offer = *a;
    c->has_offer = 1;
    // 18.2.1: the first round collects; later the first one is taken
    if (c->tries > 1 || a->preference == PREFERENCE_MOST)
        c->next_us = now;
}

static uint64_t after(uint64_t now, uint64_t seconds)
{
    return seconds >= UINT32_MAX ? NEVER : now + seconds * SECOND;
}

static void bind(struct bf_dhcp6_client *c, const struct bf_dhcp6_answer *a, uint64_t now)
{
    uint64_t life = a->preferred ? a->preferred : a->valid;
    uint64_t t1 = a->t1 ? a->t1 : life == UINT32_MAX ? life : life / 2; // 14.2
    uint64_t t2 = a->t2 ? a->t2 : life == UINT32_MAX ? life : life * 4 / 5;
    if (t1 < T1_LEAST_S)
        t1 = T1_LEAST_S;
    if (t2 < t1)
        t2 = t1;
    c->t1_us = after(now, t1);
    c->t2_us = after(now, t2);
    c->valid_us = after(now, a->valid);
    BF_ASSERT(c->t1_us <= c->t2_us && a->has_address);
    c->answer = *a;
    c->has_lease = 1;
    c->refused = 0;
    c->changes++;
    enter(c, BF_DHCP6_BOUND, now);
}

// A Reply to Request, Renew or Rebind.
static void replied(struct bf_dhcp6_client *c, const struct bf_dhcp6_answer *a, uint64_t now)
{
    BF_ASSERT(c->state == BF_DHCP6_REQUESTING || c->has_lease);
    if (a->status == BF_DHCP6_UNSPEC_FAIL)
        refused(c, a); // 18.2.10: it is sent again
    else if (a->has_address)
        bind(c, a, now);
    else if (c->state == BF_DHCP6_REQUESTING) {
        refused(c, a);
        enter(c, BF_DHCP6_SOLICITING, now);
        c->next_us = now + SECOND; // not in a circle as fast as the server answers
    } else if (a->status == BF_DHCP6_NO_BINDING && c->state != BF_DHCP6_REQUESTING) {
        c->offer = c->answer;
        c->offer.server = a->server;
        enter(c, BF_DHCP6_REQUESTING, now);
    }
}

static void informed(struct bf_dhcp6_client *c, const struct bf_dhcp6_answer *a, uint64_t now)
{
    BF_ASSERT(!c->has_lease); // whose address stands in the answer before
    c->answer = *a;
    c->changes++;
    enter(c, BF_DHCP6_INFORMED, now);
}

void bf_dhcp6_client_receive(struct bf_dhcp6_client *c, const uint8_t *message, size_t len,
                             uint64_t now)
{
    struct bf_dhcp6_answer a;
    if (c->tries == 0 || bf_dhcp6_parse(message, len, &c->id, c->iaid, &a) != BF_OK ||
        a.transaction != c->transaction)
        return;
    if (c->state == BF_DHCP6_SOLICITING && a.type == BF_DHCP6_ADVERTISE)
        advertised(c, &a, now);
    if (a.type != BF_DHCP6_REPLY)
        return;
    if (c->state == BF_DHCP6_REQUESTING || c->state == BF_DHCP6_RENEWING ||
        c->state == BF_DHCP6_REBINDING)
        replied(c, &a, now);
    else if (c->state == BF_DHCP6_CONFIRMING && a.status == BF_DHCP6_NOT_ON_LINK)
        lose_lease(c, now);
    else if (c->state == BF_DHCP6_CONFIRMING)
        enter(c, BF_DHCP6_BOUND, now);
    else if (c->state == BF_DHCP6_INFORMING)
        informed(c, &a, now);
}
