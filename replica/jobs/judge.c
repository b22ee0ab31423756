// SPDX-License-Identifier: Apache-2.0
// Holds evidence against what was planned; see evidence.h.
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "replica/jobs/evidence.h"

struct judge {
    const struct bf_evidence *e;
    const struct bf_evidence_plan *plan;
    char *missing;
    size_t size, len;
    bool any;
};

static void miss(struct judge *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void miss(struct judge *j, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const char *between = j->any ? "; " : "";
    j->any = true;
    if (j->len + 1 >= j->size)
        return;
    int n = snprintf(j->missing + j->len, j->size - j->len, "%s%s", between, text);
    if (j->len + (size_t)n < j->size) {
        j->len += (size_t)n;
        return;
    }
    j->len = j->size - 1; // full: nothing more goes in
    if (j->size > 3)
        memcpy(j->missing + j->size - 4, "...", 4);
}

// ---- Addresses ----------------------------------------------------------------------------------

struct cidr {
    int family;
    unsigned char raw[16];
    long prefix; // -1: none given
};

static bool cidr_of(const char *text, size_t len, struct cidr *c)
{
    char ip[64];
    if (len >= sizeof ip)
        return false;
    memcpy(ip, text, len);
    ip[len] = 0;
    char *slash = strchr(ip, '/');
    *c = (struct cidr){.family = strchr(ip, ':') ? AF_INET6 : AF_INET, .prefix = -1};
    if (slash) {
        c->prefix = strtol(slash + 1, NULL, 10);
        *slash = 0;
    }
    return inet_pton(c->family, ip, c->raw) == 1;
}

static bool is_same(const struct cidr *a, const struct cidr *b)
{
    return a->family == b->family && memcmp(a->raw, b->raw, sizeof a->raw) == 0 &&
           a->prefix == b->prefix;
}

static bool is_same_ip(const char *a, const char *b)
{
    struct cidr one, two;
    return cidr_of(a, strlen(a), &one) && cidr_of(b, strlen(b), &two) && is_same(&one, &two);
}

static bool nic_has(const struct bf_evidence_nic *nic, const char *address)
{
    struct cidr wanted, one;
    if (!cidr_of(address, strlen(address), &wanted))
        return false;
    for (const char *at = nic->addresses; *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        if (cidr_of(at, len, &one) && is_same(&one, &wanted))
            return true;
        at += len;
    }
    return false;
}

// ---- NICs ---------------------------------------------------------------------------------------

static const struct bf_evidence_nic *nic_of(const struct judge *j, const char *mac)
{
    for (uint32_t i = 0; i < j->e->nics; i++)
        if (strcasecmp(j->e->nic[i].mac, mac) == 0)
            return &j->e->nic[i];
    return NULL;
}

// The NIC besides `not` that has the address; NULL for none.
static const struct bf_evidence_nic *holder(const struct judge *j, const char *address,
                                            const struct bf_evidence_nic * not )
{
    for (uint32_t i = 0; i < j->e->nics; i++)
        if (&j->e->nic[i] != not &&nic_has(&j->e->nic[i], address))
            return &j->e->nic[i];
    return NULL;
}

static void judge_address(struct judge *j, const struct bf_tgt_nic *planned,
                          const struct bf_evidence_nic *nic, const char *address)
{
    if (nic ? nic_has(nic, address) : holder(j, address, NULL) != NULL)
        return;
    const struct bf_evidence_nic *other = nic ? holder(j, address, nic) : NULL;
    if (!nic)
        miss(j, "%s is on no NIC", address);
    else if (other)
        miss(j, "%s is not on the NIC with %s, but on the one with %s", address, planned->mac,
             other->mac);
    else
        miss(j, "%s is not on the NIC with %s, which has %s", address, planned->mac,
             nic->addresses[0] ? nic->addresses : "no address");
}

static bool has_ipv4(const struct bf_evidence_nic *nic)
{
    return strchr(nic->addresses, '.');
}

// A planned NIC without a MAC address has its addresses anywhere.
static void judge_nic(struct judge *j, const struct bf_tgt_nic *planned)
{
    const struct bf_evidence_nic *nic = planned->mac[0] ? nic_of(j, planned->mac) : NULL;
    if (planned->mac[0] && !nic) {
        miss(j, "the system has no NIC with %s", planned->mac);
        return;
    }
    for (uint32_t i = 0; i < planned->addresses; i++)
        judge_address(j, planned, nic, planned->address[i]);
    if (planned->dhcp && nic && !has_ipv4(nic) && !j->plan->isolated)
        miss(j, "no DHCP server gave the NIC with %s an address", planned->mac);
}

// ---- Gateways -----------------------------------------------------------------------------------

static void judge_gateway(struct judge *j, const char *planned)
{
    for (uint32_t i = 0; i < j->e->gateways; i++) {
        if (!is_same_ip(j->e->gateway[i].address, planned))
            continue;
        if (!j->e->gateway[i].answers)
            miss(j, "the gateway %s did not answer", planned);
        return;
    }
    miss(j, "there is no default route over the gateway %s", planned);
}

static void judge_gateways(struct judge *j)
{
    bool any = false, answer = j->e->gateways == 0;
    for (uint32_t i = 0; i < j->plan->nics; i++) {
        const struct bf_tgt_nic *nic = &j->plan->nic[i];
        any = any || nic->gateway4[0] || nic->gateway6[0];
        if (nic->gateway4[0])
            judge_gateway(j, nic->gateway4);
        if (nic->gateway6[0])
            judge_gateway(j, nic->gateway6);
    }
    // Of those that nobody planned, one is enough.
    for (uint32_t i = 0; i < j->e->gateways; i++)
        answer = answer || j->e->gateway[i].answers;
    if (!any && !answer && !j->plan->isolated)
        miss(j, "the gateway %s did not answer", j->e->gateway[0].address);
}

// ---- The system ---------------------------------------------------------------------------------

// A name is the planned one also where one of them is short and the other is full.
static bool is_host(const char *is, const char *planned)
{
    size_t a = strcspn(is, "."), b = strcspn(planned, ".");
    return strcasecmp(is, planned) == 0 ||
           (a == b && strncasecmp(is, planned, a) == 0 && (!is[a] || !planned[b]));
}

static void judge_root(struct judge *j)
{
    const struct bf_evidence *e = j->e;
    if (!e->root_writable)
        miss(j, "the root file system%s%s%s cannot be written", e->root[0] ? " (" : "", e->root,
             e->root[0] ? ")" : "");
}

static void judge_host(struct judge *j)
{
    const struct bf_evidence *e = j->e;
    if (j->plan->host[0] && !is_host(e->host, j->plan->host))
        miss(j, "the host name is %s instead of %s", e->host[0] ? e->host : "not known",
             j->plan->host);
}

bool bf_evidence_judge(const struct bf_evidence *e, const struct bf_evidence_plan *plan,
                       char *missing, size_t size)
{
    struct judge j = {.e = e, .plan = plan, .missing = missing, .size = size};
    if (size)
        missing[0] = 0;
    if (!e->boot_id[0]) {
        miss(&j, "nothing was heard from inside the new machine");
        return false;
    }
    if (!e->complete)
        miss(&j, "the new machine has not said all that it sees of itself");
    judge_root(&j);
    judge_host(&j);
    for (uint32_t i = 0; i < plan->nics; i++)
        judge_nic(&j, &plan->nic[i]);
    judge_gateways(&j);
    return !j.any;
}

bool bf_evidence_judge_agent(const struct bf_evidence *seen, const struct bf_evidence_plan *plan,
                             char *missing, size_t size)
{
    struct judge j = {.e = seen, .plan = plan, .missing = missing, .size = size};
    if (size)
        missing[0] = 0;
    for (uint32_t i = 0; i < plan->nics; i++)
        judge_nic(&j, &plan->nic[i]);
    judge_host(&j);
    return !j.any;
}
