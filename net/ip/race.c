// SPDX-License-Identifier: Apache-2.0
// Each address has ten seconds from its own start. One that no route leads to, and that lwIP cannot
// connect to, fails where it would start.
#include "net/ip/race.h"

#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/platform.h"
#include "net/ip/address.h"
#include "net/ip/routes.h"
#include "net/ip/tcp.h"

enum {
    CONNECT_US = 10 * 1000 * 1000,
    AFTER_US = 250 * 1000, // RFC 8305, 5
};

static int family(const ip_addr_t *address)
{
    return IP_IS_V4(address) ? 4 : 6;
}

void bf_race_add(struct bf_race *r, const ip_addr_t *address, int first)
{
    uint8_t at = first ? 0 : r->count;
    BF_ASSERT(r->count <= BF_RACERS);
    for (uint8_t i = 0; i < r->count; i++)
        if (ip_addr_eq(&r->racer[i].address, address))
            return;
    if (r->count == BF_RACERS)
        return;
    memmove(&r->racer[at + 1], &r->racer[at], (r->count - at) * sizeof r->racer[0]);
    memset(&r->racer[at], 0, sizeof r->racer[at]);
    r->racer[at].address = *address;
    r->count++;
}

static void describe(const struct bf_race *r, const struct bf_racer *racer, char *to, size_t size)
{
    char text[IPADDR_STRLEN_MAX];
    bf_ip_lwip_text(text, sizeof text, &racer->address);
    if (r->host)
        bf_snprintf(to, size, "%.200s (%s) port %u", r->host, text, (unsigned)r->port);
    else
        bf_snprintf(to, size, "%s port %u", text, (unsigned)r->port);
}

static void fail(struct bf_race *r, struct bf_racer *racer, const struct bf_fault *why)
{
    BF_ASSERT(why->code && racer->state != BF_RACER_FAILED && r->failed < r->count);
    if (racer->tcp.ops)
        racer->tcp.ops->close(racer->tcp.impl);
    racer->tcp.ops = NULL;
    racer->state = BF_RACER_FAILED;
    if (!r->failed++)
        r->fault = *why;
    r->next_due = 0;
}

// ---- Starting ----------------------------------------------------------------------------------

static void start(struct bf_race *r, struct bf_racer *racer, uint64_t now)
{
    char to[300];
    struct bf_fault fault;
    BF_ASSERT(racer->state == BF_RACER_WAITS && !racer->tcp.ops);
    describe(r, racer, to, sizeof to);
    r->last_family = (uint8_t)family(&racer->address);
    r->next_due = now + AFTER_US;
    racer->deadline = now + CONNECT_US;
    if (bf_ip_routes_check(&racer->address, r->peer, to, &fault) != BF_OK ||
        bf_tcp_connect(&racer->address, r->port, r->peer, to, &racer->tcp, &fault) != BF_OK)
        fail(r, racer, &fault);
    else
        racer->state = BF_RACER_RUNS;
}

// Of the family that did not start last, where one waits: IPv4 begins.
static struct bf_racer *next(struct bf_race *r)
{
    struct bf_racer *same = NULL;
    int wanted = r->last_family == 4 ? 6 : 4;
    for (uint8_t i = 0; i < r->count; i++) {
        struct bf_racer *racer = &r->racer[i];
        if (racer->state != BF_RACER_WAITS || !r->view->ready(&racer->address))
            continue;
        if (family(&racer->address) == wanted)
            return racer;
        same = same ? same : racer;
    }
    return same;
}

static uint32_t running(const struct bf_race *r)
{
    uint32_t count = 0;
    for (uint8_t i = 0; i < r->count; i++)
        count += r->racer[i].state == BF_RACER_RUNS;
    return count;
}

// ---- Judging -----------------------------------------------------------------------------------

static void too_late(const struct bf_race *r, const struct bf_racer *racer, struct bf_fault *fault)
{
    char to[300];
    describe(r, racer, to, sizeof to);
    bf_fault_set(fault, BF_ERR_TIMEOUT, BF_SIDE_NETWORK, "", "%s does not answer", to);
    bf_fault_todo(fault, "see whether the %s is up, and whether a firewall drops the connection",
                  r->peer->word);
}

// True when it has won.
static int check(struct bf_race *r, struct bf_racer *racer, uint64_t now)
{
    struct bf_fault fault;
    BF_ASSERT(racer->state == BF_RACER_RUNS && racer->tcp.ops);
    racer->tcp.ops->poll(racer->tcp.impl);
    enum bf_stream_state state = racer->tcp.ops->state(racer->tcp.impl);
    if (state == BF_STREAM_OPEN || state == BF_STREAM_ENDED)
        return 1;
    if (state == BF_STREAM_OPENING && now < racer->deadline)
        return 0;
    if (state == BF_STREAM_FAILED)
        fault = *racer->tcp.ops->fault(racer->tcp.impl);
    else
        too_late(r, racer, &fault);
    fail(r, racer, &fault);
    return 0;
}

enum bf_err bf_race_poll(struct bf_race *r, struct bf_stream *out, ip_addr_t *winner)
{
    uint64_t now = bf_platform_now_us();
    struct bf_racer *racer;
    for (uint8_t i = 0; i < r->count; i++) {
        racer = &r->racer[i];
        if (racer->state != BF_RACER_RUNS || !check(r, racer, now))
            continue;
        *out = racer->tcp;
        *winner = racer->address;
        racer->tcp.ops = NULL;
        bf_race_close(r);
        return BF_OK;
    }
    while (now >= r->next_due && running(r) < BF_RACERS_RUNNING && (racer = next(r)) != NULL)
        start(r, racer, now);
    BF_ASSERT(running(r) <= BF_RACERS_RUNNING);
    return running(r) || next(r) ? BF_AGAIN : BF_ERR_NOT_FOUND;
}

enum bf_err bf_race_fault(const struct bf_race *r, struct bf_fault *fault)
{
    BF_ASSERT(r->failed && r->fault.code);
    *fault = r->fault;
    if (r->failed > 1)
        bf_snprintf(fault->what, sizeof fault->what, "%.150s; %u further address%s failed, too",
                    r->fault.what, r->failed - 1u, r->failed > 2 ? "es" : "");
    return fault->code;
}

void bf_race_close(struct bf_race *r)
{
    for (uint8_t i = 0; i < r->count; i++)
        if (r->racer[i].tcp.ops)
            r->racer[i].tcp.ops->close(r->racer[i].tcp.impl);
    memset(r->racer, 0, sizeof r->racer);
    r->count = 0;
}
