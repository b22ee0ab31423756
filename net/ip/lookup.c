// SPDX-License-Identifier: Apache-2.0
// One lookup: a name at a time (a short name in each domain first, then by itself; one with a dot
// the other way round), both types of records at a time, over one UDP port of its own. Servers are
// asked in turn: the next one after STEP, or at once when one cannot say; what was asked before may
// still answer. After the last one it begins again with twice the time. A name that one server
// denies is asked of all the others at once, since in many networks only some know the names of the
// inside; when they agree, or say nothing within DENIED, it does not exist. Answers count from the
// address and port that was asked, with its random identifier and the question (RFC 5452).
#include "net/ip/lookup.h"

#include <string.h>

#include <lwip/udp.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "net/ip/address.h"
#include "net/ip/dns.h"
#include "net/ip/lwip_hooks.h"

enum {
    PORT = 53,
    PORT_LEAST = 49152, // the dynamic ones (RFC 6335)
    PORT_TRIES = 8,
    STEP_US = 750 * 1000,
    DENIED_US = 1000 * 1000,
    OTHER_US = 3 * 1000 * 1000, // for the other type of records
    TOTAL_US = 15 * 1000 * 1000,
    TYPES = 2,
};

static const uint16_t TYPE[TYPES] = {BF_DNS_A, BF_DNS_AAAA};

struct server {
    ip_addr_t address;
    uint16_t id[TYPES];
    uint8_t asked, denies, fails, truncates;
};

struct bf_lookup {
    struct udp_pcb *pcb;
    char host[BF_DNS_NAME], name[BF_DNS_NAME]; // as given; being asked
    uint32_t number;                           // of that name
    uint8_t over, denied;
    struct server server[BF_IP_DNS_SERVERS];
    uint32_t servers, next, round;
    uint64_t started, due, round_due, denied_at, found_at;
    uint8_t answered[TYPES];
    struct bf_dns_addresses found[TYPES];
};

// ---- Names -------------------------------------------------------------------------------------

// The name to ask number so-and-so. 0: there are no more.
static int make_name(struct bf_lookup *l, uint32_t number)
{
    size_t len = strlen(l->host);
    int rooted = len > 0 && l->host[len - 1] == '.', dotted = strchr(l->host, '.') != NULL;
    uint32_t domains = 0;
    while (!rooted && bf_ip_dns_domain(domains))
        domains++;
    if (number > domains)
        return 0;
    if (number == (dotted ? 0 : domains)) {
        bf_snprintf(l->name, sizeof l->name, "%s", l->host);
        l->name[len - (rooted ? 1 : 0)] = 0;
        return 1;
    }
    const char *domain = bf_ip_dns_domain(dotted ? number - 1 : number);
    if (len + 1 + strlen(domain) < sizeof l->name)
        bf_snprintf(l->name, sizeof l->name, "%s.%s", l->host, domain);
    return 1;
}

static void begin_name(struct bf_lookup *l)
{
    ip_addr_t servers[BF_IP_DNS_SERVERS];
    memset(l->server, 0, sizeof l->server);
    l->servers = bf_ip_dns_servers(servers);
    BF_ASSERT(l->servers <= BF_IP_DNS_SERVERS);
    for (uint32_t i = 0; i < l->servers; i++)
        l->server[i].address = servers[i];
    l->next = l->round = 0;
    l->due = l->round_due = l->denied_at = 0;
    memset(l->answered, 0, sizeof l->answered);
}

static void next_name(struct bf_lookup *l, int denied)
{
    l->denied |= (uint8_t)denied;
    if (make_name(l, ++l->number))
        begin_name(l);
    else
        l->over = 1;
}

// ---- Answers -----------------------------------------------------------------------------------

static void take(struct bf_lookup *l, struct server *s, int type, enum bf_dns_answer answer)
{
    BF_ASSERT(s->asked && !l->answered[type] && !l->over);
    BF_ASSERT((answer == BF_DNS_FOUND) == (l->found[type].count > 0));
    if (answer == BF_DNS_NOT_OURS)
        return;
    if (answer == BF_DNS_FOUND)
        bf_ip_dns_answered(&s->address);
    if (answer == BF_DNS_FOUND || answer == BF_DNS_EMPTY)
        l->answered[type] = 1;
    if (answer == BF_DNS_FOUND && !l->found_at)
        l->found_at = bf_platform_now_us();
    s->truncates |= answer == BF_DNS_TRUNCATED;
    s->denies |= answer == BF_DNS_NO_NAME;
    if (answer == BF_DNS_NO_NAME && !l->denied_at)
        l->denied_at = bf_platform_now_us();
    if (answer == BF_DNS_NO_NAME || answer == BF_DNS_FAILED || answer == BF_DNS_TRUNCATED) {
        s->fails = 1;
        l->due = l->next ? 0 : l->round_due; // the next one at once, the first one in its time
    }
}

static void on_message(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                       u16_t port)
{
    struct bf_lookup *l = arg;
    for (uint32_t i = 0; p->len == p->tot_len && port == PORT && i < l->servers; i++) {
        struct server *s = &l->server[i];
        for (int type = 0; s->asked && ip_addr_eq(from, &s->address) && type < TYPES; type++) {
            struct bf_dns_question q = {s->id[type], TYPE[type], l->name};
            if (!l->answered[type] && !l->over)
                take(l, s, type, bf_dns_read(p->payload, p->len, &q, &l->found[type]));
        }
    }
    pbuf_free(p);
}

// ---- Questions ---------------------------------------------------------------------------------

static void send_question(struct bf_lookup *l, struct server *s, int type)
{
    uint8_t bytes[BF_DNS_QUERY];
    struct bf_dns_question q = {s->id[type], TYPE[type], l->name};
    size_t len = bf_dns_query(&q, bytes);
    struct pbuf *p = len ? pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM) : NULL;
    if (!p)
        return; // it counts as lost
    pbuf_take(p, bytes, (u16_t)len);
    s->fails |=
        udp_sendto(l->pcb, p, &s->address, PORT) != ERR_OK; // no route, or no address of ours
    pbuf_free(p);
}

static void ask(struct bf_lookup *l, struct server *s)
{
    uint32_t random = bf_lwip_random();
    s->fails = 0;
    for (int type = 0; type < TYPES; type++) {
        if (!s->asked)
            s->id[type] = (uint16_t)(random >> 16 * type);
        if (!l->answered[type])
            send_question(l, s, type);
    }
    s->asked = 1;
}

static void ask_next(struct bf_lookup *l, uint64_t now)
{
    uint64_t step = (uint64_t)STEP_US << l->round;
    BF_ASSERT(l->next < l->servers && l->round < 8);
    struct server *s = &l->server[l->next];
    if (l->next == 0)
        l->round_due = now + step;
    if (!s->denies)
        ask(l, s);
    l->due = s->fails || (l->denied_at && !l->round) ? 0 : now + step;
    if (++l->next == l->servers) {
        l->next = 0;
        l->round++;
        if (l->due < l->round_due)
            l->due = l->round_due;
    }
}

// ---- The lookup --------------------------------------------------------------------------------

static uint32_t count_of(const struct bf_lookup *l, size_t field)
{
    uint32_t count = 0;
    BF_ASSERT(field < sizeof(struct server));
    for (uint32_t i = 0; i < l->servers; i++)
        count += ((const uint8_t *)&l->server[i])[field] != 0;
    return count;
}

static int all_said(const struct bf_lookup *l, size_t field)
{
    return l->servers > 0 && count_of(l, field) == l->servers;
}

static int is_found(const struct bf_lookup *l)
{
    return l->found[0].count + l->found[1].count > 0;
}

static void judge(struct bf_lookup *l, uint64_t now)
{
    int all_denied = all_said(l, offsetof(struct server, denies));
    BF_ASSERT(!l->over && is_found(l) == (l->found_at != 0));
    if (!bf_dns_is_domain(l->name, strlen(l->name))) {
        next_name(l, 1);
    } else if (l->answered[0] && l->answered[1]) {
        if (is_found(l))
            l->over = 1;
        else
            next_name(l, 1);
    } else if (is_found(l)) {
        l->over = now - l->found_at >= OTHER_US;
    } else if (all_denied || (l->denied_at && now - l->denied_at >= DENIED_US)) {
        next_name(l, 1);
    } else if (now - l->started >= TOTAL_US || !l->servers ||
               (l->round > 1 && l->next == 0 && all_said(l, offsetof(struct server, fails)))) {
        l->over = 1; // the same servers would not say more about another name
        l->denied = 0;
    }
}

enum bf_err bf_lookup_poll(struct bf_lookup *l)
{
    uint64_t now = bf_platform_now_us();
    if (!l->over)
        judge(l, now);
    while (!l->over && l->servers && now >= l->due && l->round < 8)
        ask_next(l, now);
    if (!l->over)
        return BF_AGAIN;
    return is_found(l) ? BF_OK : BF_ERR_NETWORK;
}

const struct bf_dns_addresses *bf_lookup_found(const struct bf_lookup *l, uint8_t family,
                                               int *pending)
{
    int type = family == 6;
    BF_ASSERT(family == 4 || family == 6);
    *pending = !l->over && !l->answered[type];
    return &l->found[type];
}

int bf_lookup_is_denied(const struct bf_lookup *l)
{
    return l->denied;
}

static enum bf_err nobody_says(const struct bf_lookup *l, const char *asked, const char *word,
                               struct bf_fault *fault)
{
    int fails = all_said(l, offsetof(struct server, fails));
    if (count_of(l, offsetof(struct server, truncates))) {
        bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_NETWORK, "",
                     "the DNS server's answer for %s is too long for UDP", l->host);
        return bf_fault_todo(fault, "use the %s's address in %s=", word, word);
    }
    bf_fault_set(fault, fails ? BF_ERR_NETWORK : BF_ERR_TIMEOUT, BF_SIDE_NETWORK, "",
                 fails ? "no DNS server can resolve %.120s; asked: %s%s"
                       : "no DNS server answers queries for %.120s; asked: %s%s",
                 l->host, asked, l->servers > 1 ? " and others" : "");
    return bf_fault_todo(fault,
                         "check the DNS servers and the way to them, set dns=, or use an address "
                         "in %s=",
                         word);
}

static enum bf_err nobody_to_ask(const struct bf_lookup *l, const char *word,
                                 struct bf_fault *fault)
{
    bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_CONFIG, "",
                 "%s cannot be resolved: neither the configuration nor the network names a DNS "
                 "server",
                 l->host);
    return bf_fault_todo(fault, "give a DNS server with dns=, or the %s's address in %s=", word,
                         word);
}

enum bf_err bf_lookup_fault(const struct bf_lookup *l, const struct bf_peer *peer,
                            struct bf_fault *fault)
{
    char asked[IPADDR_STRLEN_MAX] = "";
    const char *domain = bf_ip_dns_domain(0);
    uint32_t i = 0;
    BF_ASSERT(l->over && !is_found(l));
    if (!l->servers)
        return nobody_to_ask(l, peer->word, fault);
    while (i + 1 < l->servers && !l->server[i].denies)
        i++;
    bf_ip_lwip_text(asked, sizeof asked, &l->server[l->server[i].denies ? i : 0].address);
    if (!l->denied)
        return nobody_says(l, asked, peer->word, fault);
    bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_CONFIG, "",
                 "the DNS server %s does not resolve %.100s%s%s", asked, l->host,
                 domain ? ", nor in the domain " : "", domain ? domain : "");
    return bf_fault_todo(fault, "check the name in %s= and the DNS server, or use an address",
                         peer->word);
}

static int bind_randomly(struct udp_pcb *pcb)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        u16_t port = (u16_t)(PORT_LEAST + bf_lwip_random() % (UINT16_MAX - PORT_LEAST));
        if (udp_bind(pcb, IP_ANY_TYPE, port) == ERR_OK)
            return 1;
    }
    return 0;
}

struct bf_lookup *bf_lookup_new(const char *host)
{
    struct bf_lookup *l = bf_alloc(sizeof *l);
    if (!l)
        return NULL;
    bf_snprintf(l->host, sizeof l->host, "%s", host);
    l->started = bf_platform_now_us();
    l->pcb = udp_new_ip_type(IPADDR_TYPE_ANY);
    if (!l->pcb || !bind_randomly(l->pcb)) {
        bf_lookup_free(l);
        return NULL;
    }
    udp_recv(l->pcb, on_message, l);
    make_name(l, 0);
    begin_name(l);
    return l;
}

void bf_lookup_free(struct bf_lookup *l)
{
    if (!l)
        return;
    if (l->pcb)
        udp_remove(l->pcb);
    bf_free(l);
}
