// SPDX-License-Identifier: Apache-2.0
// dhcpcd as what configures the network: /etc/dhcpcd.conf (dhcpcd.conf(5)), where a block that
// begins with "interface NAME" may give static addresses; all other interfaces ask DHCP. What
// stands before the first block holds for all of them, and of several addresses of a family the
// last one counts. The static lines of one interface's blocks are rewritten.
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/stack.h"
#include "finalize/system/service.h"

#define CONF "/etc/dhcpcd.conf"

static bool in_use(struct bf_fin *f)
{
    struct bf_names names;
    bool one = !bf_service_instances(f->root, "dhcpcd@", &names) && names.count;
    bf_names_free(&names);
    return (one || bf_service_starts(f, "dhcpcd") || bf_service_starts(f, "dhcpcd5")) &&
           bf_fin_root_exists(f->root, CONF);
}

// A line with its first two words, and what follows the "=" of "static NAME=VALUE".
struct entry {
    struct bf_line line;
    const char *word, *arg, *value;
    size_t word_len, arg_len, value_len;
};

// A comment begins anywhere.
static const char *end_of(const struct bf_line *line)
{
    const char *hash = memchr(line->at, '#', line->len);
    return hash ? hash : line->at + line->len;
}

static bool next(const char *text, size_t size, size_t *pos, struct entry *e)
{
    if (!bf_line_next(text, size, pos, &e->line))
        return false;
    const char *at = e->line.at, *end = end_of(&e->line);
    e->word_len = e->arg_len = e->value_len = 0;
    if (!bf_word_next(&at, end, &e->word, &e->word_len) || e->word[0] == ';') {
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

static bool is_any(const struct entry *e, const char *const *word)
{
    for (; *word; word++)
        if (is(e, *word))
            return true;
    return false;
}

static bool is_static(const struct entry *e, const char *name)
{
    return is(e, "static") && bf_word_is(e->arg, e->arg_len, name);
}

static bool begins_block(const struct entry *e)
{
    return is(e, "interface") || is(e, "ssid") || is(e, "profile");
}

// What keeps a family from being configured.
static bool stops(const struct entry *e, int family)
{
    static const char *const four[] = {"noipv4", "nodhcp", "ipv6only", NULL};
    static const char *const six[] = {"noipv6", "ipv4only", NULL};
    return is_any(e, family == AF_INET ? four : six);
}

// ---- Reading ------------------------------------------------------------------------------------

// Whether the name is among the patterns of a line.
static bool matches(const struct entry *e, const char *name)
{
    const char *at = e->word + e->word_len, *end = end_of(&e->line);
    while (at < end) {
        char pattern[64];
        size_t len = 0;
        while (at + len < end && !strchr(" \t,\r", at[len]))
            len++;
        bf_net_copy(pattern, sizeof pattern, at, len);
        if (pattern[0] && fnmatch(pattern, name, 0) == 0)
            return true;
        at += len + 1;
    }
    return false;
}

// Whether allowinterfaces and denyinterfaces leave the interface to the daemon.
static bool is_managed(const char *text, size_t size, const char *name)
{
    struct entry e;
    size_t pos = 0;
    bool allowed = true, denied = false, listed = false;
    while (next(text, size, &pos, &e)) {
        if (is(&e, "denyinterfaces"))
            denied = denied || matches(&e, name);
        if (is(&e, "allowinterfaces")) {
            allowed = (listed && allowed) || matches(&e, name);
            listed = true;
        }
    }
    return allowed && !denied;
}

static struct bf_known *begin(struct bf_net *net, const char *text, size_t size,
                              const struct entry *e, unsigned number)
{
    char name[BF_IFNAME];
    if (!is(e, "interface"))
        return NULL;
    bf_net_copy(name, sizeof name, e->arg, e->arg_len);
    if (!name[0] || !is_managed(text, size, name))
        return NULL;
    struct bf_known *k = bf_net_add(net, &bf_dhcpcd, name, "");
    if (k && !k->file[0])
        k->dhcp = true; // unless an address is given
    if (k)
        bf_net_where(k, CONF, number);
    return k;
}

// An address takes the place of the one of its family that came before.
static void set_address(struct bf_known *k, const struct entry *e, int family)
{
    struct bf_known had = *k;
    k->addresses = 0;
    for (size_t i = 0; i < had.addresses; i++)
        if ((strchr(had.address[i], ':') != NULL) != (family == AF_INET6))
            bf_net_address(k, had.address[i], strlen(had.address[i]));
    if (e->value_len && !bf_word_is(e->value, e->value_len, "0.0.0.0"))
        bf_net_address(k, e->value, e->value_len);
    if (family == AF_INET)
        k->dhcp = !e->value_len;
}

static void read_entry(struct bf_known *k, const struct entry *e)
{
    if (is_static(e, "ip_address"))
        set_address(k, e, AF_INET);
    if (is_static(e, "ip6_address"))
        set_address(k, e, AF_INET6);
    if (is_static(e, "routers"))
        bf_net_copy(k->gateway4, sizeof k->gateway4, e->value, e->value_len);
    if (stops(e, AF_INET))
        k->dhcp = false;
}

// What is more than plain settings of one interface.
static bool is_beyond(const struct entry *e, bool block)
{
    static const char *const word[] = {"inform", "inform6", "fallback", "profile", NULL};
    return is_any(e, word) ||
           (!block && (is_static(e, "ip_address") || is_static(e, "ip6_address") ||
                       is_static(e, "routers") || stops(e, AF_INET)));
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    struct bf_known *k = NULL;
    struct bf_fault fault;
    struct entry e;
    size_t len, pos = 0;
    unsigned number = 0;
    bool block = false;
    const char *text = bf_edits_get(&f->edits, CONF, &len, &fault);
    if (!text)
        bf_net_trouble(net, "dhcpcd: " CONF " cannot be read: %s", fault.what);
    while (text && next(text, len, &pos, &e)) {
        number++;
        if (begins_block(&e)) {
            block = true;
            k = begin(net, text, len, &e, number);
        }
        if (is_beyond(&e, block))
            bf_net_trouble(net, "dhcpcd: " CONF ", line %u: %.*s%s, which is not rewritten", number,
                           (int)e.word_len, e.word, block ? "" : " for all interfaces");
        if (k)
            read_entry(k, &e);
    }
}

// ---- Rewriting ----------------------------------------------------------------------------------

static bool goes(const struct entry *e, const struct bf_plan_nic *nic)
{
    bool four = nic->dhcp || bf_nic_address(nic, AF_INET);
    return is_static(e, "ip_address") || is_static(e, "ip6_address") || is_static(e, "routers") ||
           is_static(e, "broadcast_address") || is_static(e, "subnet_mask") ||
           (stops(e, AF_INET) && (four || is(e, "noipv4"))) ||
           (stops(e, AF_INET6) && bf_nic_address(nic, AF_INET6)) ||
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
    if (!nic->dhcp && !bf_nic_address(nic, AF_INET))
        bf_text_str(out, "noipv4\n");
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

// Whether a line before all blocks keeps IPv6 from every interface.
static bool has_no_six(const char *text, size_t size)
{
    struct entry e;
    size_t pos = 0;
    while (next(text, size, &pos, &e) && !begins_block(&e))
        if (stops(&e, AF_INET6))
            return true;
    return false;
}

// Of each family there is one address at most, and a router of IPv6 is never written down.
static const char *not_written(const struct bf_link *link, const char *text, size_t size)
{
    const struct bf_plan_nic *nic = link->nic;
    size_t count[2] = {0};
    for (size_t i = 0; i < nic->addresses; i++)
        count[nic->address[i].family == AF_INET6]++;
    if (!link->carrier[0])
        return "an interface that is known by its MAC address only";
    if (!is_managed(text, size, link->carrier))
        return "an interface that allowinterfaces or denyinterfaces leaves out";
    if (count[0] > 1 || count[1] > 1)
        return "several addresses of a family";
    if (nic->gateway6[0])
        return "a gateway of IPv6";
    if (count[1] && has_no_six(text, size))
        return "an address of IPv6, which a line for all interfaces turns off";
    return bf_nic_on_link(nic, AF_INET) ? "a gateway outside the planned network" : NULL;
}

static enum bf_err adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    struct bf_text out = {0};
    size_t len;
    (void)old; // what the carrier had is gathered by the caller
    if (!bf_nic_readdresses(link->nic))
        return BF_OK;
    const char *text = bf_edits_get(&f->edits, CONF, &len, NULL);
    if (!text)
        return bf_refuse(f->report, "dhcpcd: " CONF " cannot be read");
    const char *why = not_written(link, text, len);
    if (why)
        return bf_refuse(f->report, "dhcpcd: " CONF " cannot have %s", why);
    rewrite(&out, text, len, link->carrier, link->nic);
    enum bf_err err = bf_fin_set(f, CONF, &out, "addresses as planned");
    bf_text_free(&out);
    return err;
}

const struct bf_stack_ops bf_dhcpcd = {
    .name = "dhcpcd",
    .title = "dhcpcd",
    .in_use = in_use,
    .scan = scan,
    .adapt = adapt,
};
