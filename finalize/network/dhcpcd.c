// SPDX-License-Identifier: Apache-2.0
// dhcpcd as what configures the network: /etc/dhcpcd.conf (dhcpcd.conf(5)), where a block that
// begins with "interface NAME" may give static addresses; all other interfaces ask DHCP. The static
// lines of one block are rewritten.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/stack.h"
#include "finalize/system/service.h"

#define CONF "/etc/dhcpcd.conf"

static bool in_use(struct bf_fin *f)
{
    return (bf_service_enabled(f->root, "dhcpcd.service") ||
            bf_fin_root_exists(f->root, "/etc/runlevels/default/dhcpcd")) &&
           bf_fin_root_exists(f->root, CONF);
}

// A line with its first two words, and what follows the "=" of "static NAME=VALUE".
struct entry {
    struct bf_line line;
    const char *word, *arg, *value;
    size_t word_len, arg_len, value_len;
};

static bool next(const char *text, size_t size, size_t *pos, struct entry *e)
{
    if (!bf_line_next(text, size, pos, &e->line))
        return false;
    const char *at = e->line.at, *end = at + e->line.len;
    e->word_len = e->arg_len = e->value_len = 0;
    if (!bf_word_next(&at, end, &e->word, &e->word_len) || e->word[0] == '#') {
        e->word_len = 0;
        return true;
    }
    if (!bf_word_next(&at, end, &e->arg, &e->arg_len))
        return true;
    const char *equals = memchr(e->arg, '=', e->arg_len);
    if (!equals)
        return true;
    e->value = equals + 1;
    e->value_len = (size_t)(e->arg + e->arg_len - e->value);
    e->arg_len = (size_t)(equals - e->arg);
    return true;
}

static bool is(const struct entry *e, const char *word)
{
    return bf_word_is(e->word, e->word_len, word);
}

static bool is_static(const struct entry *e, const char *name)
{
    return is(e, "static") && bf_word_is(e->arg, e->arg_len, name);
}

static bool begins_block(const struct entry *e)
{
    return is(e, "interface") || is(e, "ssid") || is(e, "profile") || is(e, "arping");
}

static struct bf_known *begin(struct bf_net *net, const struct entry *e, unsigned number)
{
    char name[BF_IFNAME];
    if (!is(e, "interface"))
        return NULL;
    bf_net_copy(name, sizeof name, e->arg, e->arg_len);
    struct bf_known *k = name[0] ? bf_net_add(net, &bf_dhcpcd, name, "") : NULL;
    if (!k)
        return NULL;
    k->dhcp = true; // unless an address is given
    bf_net_where(k, CONF, number);
    return k;
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    struct bf_known *k = NULL;
    struct bf_fault fault;
    struct entry e;
    size_t len, pos = 0;
    unsigned number = 0;
    const char *text = bf_edits_get(&f->edits, CONF, &len, &fault);
    if (!text)
        bf_net_trouble(net, "dhcpcd: " CONF " cannot be read: %s", fault.what);
    while (text && next(text, len, &pos, &e)) {
        number++;
        if (begins_block(&e))
            k = begin(net, &e, number);
        if (is(&e, "inform") || is(&e, "inform6") || is(&e, "fallback") || is(&e, "profile"))
            bf_net_trouble(net, "dhcpcd: " CONF ", line %u: %.*s, which is not rewritten", number,
                           (int)e.word_len, e.word);
        if (k && is_static(&e, "ip_address") && e.value_len)
            k->dhcp = false;
        if (k && (is_static(&e, "ip_address") || is_static(&e, "ip6_address")))
            bf_net_address(k, e.value, e.value_len);
    }
}

// ---- Rewriting ----------------------------------------------------------------------------------

static bool goes(const struct entry *e, const struct bf_plan_nic *nic)
{
    return is_static(e, "ip_address") || is_static(e, "ip6_address") || is_static(e, "routers") ||
           ((nic->dns_count || nic->dhcp) && is_static(e, "domain_name_servers")) ||
           ((nic->search_count || nic->dhcp) &&
            (is_static(e, "domain_search") || is_static(e, "domain_name")));
}

static void put(struct bf_text *out, const struct bf_plan_nic *nic)
{
    for (size_t i = 0; i < nic->addresses; i++)
        bf_textf(out, "static %s=%s/%u\n",
                 nic->address[i].family == AF_INET ? "ip_address" : "ip6_address",
                 nic->address[i].text, nic->address[i].prefix);
    if (nic->gateway4[0])
        bf_textf(out, "static routers=%s\n", nic->gateway4);
    for (size_t i = 0; i < nic->dns_count; i++)
        bf_textf(out, "%s%s", i ? " " : "static domain_name_servers=", nic->dns[i]);
    bf_text_str(out, nic->dns_count ? "\n" : "");
    for (size_t i = 0; i < nic->search_count; i++)
        bf_textf(out, "%s%s", i ? " " : "static domain_search=", nic->search[i]);
    bf_text_str(out, nic->search_count ? "\n" : "");
}

static void rewrite(struct bf_text *out, const char *text, size_t size, const char *name,
                    const struct bf_plan_nic *nic)
{
    struct entry e;
    size_t pos = 0;
    bool mine = false, done = false;
    while (next(text, size, &pos, &e)) {
        if (begins_block(&e))
            mine = is(&e, "interface") && bf_word_is(e.arg, e.arg_len, name);
        if (!(mine && goes(&e, nic)))
            bf_text_add(out, e.line.at, e.line.full);
        if (out->len && out->data[out->len - 1] != '\n')
            bf_text_str(out, "\n");
        if (mine && !done)
            put(out, nic);
        done = done || mine;
    }
    if (done)
        return;
    bf_textf(out, "\ninterface %s\n", name);
    put(out, nic);
}

// Of each family there is one address at most, and a router of IPv6 is never written down.
static const char *not_written(const struct bf_plan_nic *nic)
{
    size_t count[2] = {0};
    for (size_t i = 0; i < nic->addresses; i++)
        count[nic->address[i].family == AF_INET6]++;
    if (count[0] > 1 || count[1] > 1)
        return "several addresses of a family";
    if (nic->gateway6[0])
        return "a gateway of IPv6";
    if (!nic->dhcp && !count[0])
        return "no address of IPv4";
    return bf_nic_on_link(nic, AF_INET) ? "a gateway outside the planned network" : NULL;
}

static enum bf_err adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    struct bf_text out = {0};
    size_t len;
    (void)old; // what the carrier had is gathered by the caller
    if (!bf_nic_readdresses(link->nic))
        return BF_OK;
    const char *why = not_written(link->nic);
    if (why || !link->carrier[0])
        return bf_refuse(f->report, "dhcpcd: " CONF " cannot have %s",
                         why ? why : "an interface that is known by its MAC address only");
    const char *text = bf_edits_get(&f->edits, CONF, &len, NULL);
    if (!text)
        return bf_refuse(f->report, "dhcpcd: " CONF " cannot be read");
    rewrite(&out, text, len, link->carrier, link->nic);
    enum bf_err err = bf_fin_set(f, CONF, &out, "addresses as planned");
    bf_text_free(&out);
    return err;
}

const struct bf_stack_ops bf_dhcpcd = {
    .name = "dhcpcd",
    .title = "dhcpcd",
    .says_addresses = true,
    .in_use = in_use,
    .scan = scan,
    .adapt = adapt,
};
