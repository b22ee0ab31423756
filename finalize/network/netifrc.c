// SPDX-License-Identifier: Apache-2.0
// netifrc of Gentoo: /etc/conf.d/net, with the variables config_NAME, routes_NAME and dns_..._NAME
// for each interface that has a link net.NAME in a runlevel of OpenRC; without config_NAME it asks
// DHCP. Plain interfaces are rewritten; a file that makes bridges, bonds or VLANs is refused.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/assign.h"
#include "finalize/network/stack.h"
#include "finalize/system/service.h"

#define CONF_D_NET "/etc/conf.d/net"
#define KEY_SIZE   48

static const char *const runlevels[] = {"/etc/runlevels/default", "/etc/runlevels/boot"};

// The same of netifrc's unit for systemd, net@NAME.service.
static bool each_unit(struct bf_fin *f, struct bf_net *net,
                      void (*each)(struct bf_net *net, const char *name))
{
    struct bf_names names;
    if (bf_service_instances(f->root, "net@", &names))
        return false;
    for (size_t i = 0; each && i < names.count; i++)
        each(net, names.name[i]);
    bool any = names.count > 0;
    bf_names_free(&names);
    return any;
}

// The names of the interfaces that a runlevel brings up are handed to `each`.
static bool each_link(struct bf_fin *f, struct bf_net *net,
                      void (*each)(struct bf_net *net, const char *name))
{
    bool any = false;
    for (size_t r = 0; r < BF_COUNT(runlevels); r++) {
        struct bf_names names;
        if (bf_fin_root_list(f->root, runlevels[r], "", &names))
            continue;
        for (size_t i = 0; i < names.count; i++) {
            const char *name = names.name[i] + 4;
            if (strncmp(names.name[i], "net.", 4) != 0 || strcmp(name, "lo") == 0 || !name[0])
                continue;
            any = true;
            if (each)
                each(net, name);
        }
        bf_names_free(&names);
    }
    return each_unit(f, net, each) || any;
}

static bool in_use(struct bf_fin *f)
{
    return each_link(f, NULL, NULL);
}

// "config_" and the name, of which a variable cannot have all characters.
static void key_of(char out[KEY_SIZE], const char *prefix, const char *name)
{
    snprintf(out, KEY_SIZE, "%s%.20s", prefix, name);
    for (char *c = out + strlen(prefix); *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9')))
            *c = '_';
}

// ---- Reading ------------------------------------------------------------------------------------

static bool is_address(const char *w, size_t len)
{
    return memchr(w, '.', len) || memchr(w, ':', len);
}

// A client of DHCP by its module's name.
static bool is_dhcp(const char *w, size_t len)
{
    static const char *const client[] = {"dhcp",   "dhcpv6",     "dhcpcd",     "dhclient",
                                         "udhcpc", "dhclientv6", "dhcpcd-bus", "pump"};
    for (size_t i = 0; i < BF_COUNT(client); i++)
        if (bf_word_is(w, len, client[i]))
            return true;
    return false;
}

// An address as iproute2's module takes it: without a length or a netmask it is a host's.
static void add_address(struct bf_known *k, const char *w, size_t len, const char *mask,
                        size_t mask_len)
{
    char cidr[BF_CIDR_TEXT + 8];
    int bits = mask_len ? bf_net_prefix(mask, mask_len) : -1;
    if (len >= INET6_ADDRSTRLEN + 4)
        return;
    if (memchr(w, '/', len))
        snprintf(cidr, sizeof cidr, "%.*s", (int)len, w);
    else
        snprintf(cidr, sizeof cidr, "%.*s/%d", (int)len, w,
                 bits >= 0             ? bits
                 : memchr(w, ':', len) ? 128
                                       : 32);
    bf_net_address(k, cidr, strlen(cidr));
}

// One of several words of a line, each an entry of its own. False for what is not understood.
static bool take_word(struct bf_known *k, const char *w, size_t len)
{
    if (is_address(w, len))
        add_address(k, w, len, NULL, 0);
    else if (is_dhcp(w, len))
        k->dhcp = true;
    else
        return bf_word_is(w, len, "null") || bf_word_is(w, len, "noop");
    return true;
}

// "192.0.2.2/24 brd ...", "192.0.2.2 netmask 255.255.255.0", or "192.0.2.2/24 192.0.2.3/24": what
// an address follows is a list, where the whole value is one line.
static bool take_item(struct bf_known *k, const char *item, size_t size, bool only)
{
    const char *at = item, *end = item + size, *w, *m = NULL, *mask = NULL;
    size_t len, n = 0, mask_len = 0;
    if (!bf_word_next(&at, end, &w, &len))
        return true;
    bool more = bf_word_next(&at, end, &m, &n);
    if (!more || (only && is_address(m, n))) {
        bool known = take_word(k, w, len);
        while (more && known) {
            known = take_word(k, m, n);
            more = bf_word_next(&at, end, &m, &n);
        }
        return known;
    }
    if (!is_address(w, len))
        return false;
    for (; more; more = bf_word_next(&at, end, &m, &n))
        if (n >= 2 && strncmp(m, "ne", 2) == 0 && bf_word_next(&at, end, &m, &n)) {
            mask = m;
            mask_len = n;
        }
    add_address(k, w, len, mask, mask_len);
    return true;
}

// What nothing here takes apart.
static bool is_beyond(const char *key)
{
    static const char *const prefix[] = {"bridge", "slaves_", "vlan",      "brctl_", "tuntap_",
                                         "link_",  "type_",   "fallback_", "ppp",    "macvlan",
                                         "br2684", "veth",    "iptunnel_", "bonding"};
    for (size_t i = 0; i < BF_COUNT(prefix); i++)
        if (strncmp(key, prefix[i], strlen(prefix[i])) == 0)
            return true;
    return false;
}

// "default via ...", "-6 ::/0 via ...": a default route as netifrc takes it.
static bool is_default(const char *item, size_t size)
{
    static const char *const word[] = {"default", "0.0.0.0", "0.0.0.0/0", "::/0"};
    const char *at = item, *w;
    size_t n;
    bool some;
    while ((some = bf_word_next(&at, item + size, &w, &n)) && w[0] == '-')
        ;
    for (size_t i = 0; some && i < BF_COUNT(word); i++)
        if (bf_word_is(w, n, word[i]))
            return true;
    return false;
}

static void add_link(struct bf_net *net, const char *name)
{
    if (strlen(name) >= BF_IFNAME)
        return;
    struct bf_known *k = bf_net_add(net, &bf_netifrc, name, "");
    if (!k)
        return;
    k->dhcp = true; // unless config_NAME says otherwise
    bf_net_where(k, CONF_D_NET, 0);
}

static struct bf_known *of_key(struct bf_net *net, const char *prefix, const char *key)
{
    char want[KEY_SIZE];
    for (size_t i = 0; i < net->count; i++) {
        key_of(want, prefix, net->known[i].name);
        if (net->known[i].stack == &bf_netifrc && strcmp(key, want) == 0)
            return &net->known[i];
    }
    return NULL;
}

static size_t lines_of(const struct bf_assign *a)
{
    size_t pos = 0, len, lines = 0;
    const char *item;
    while (bf_assign_item(a, &pos, &item, &len))
        lines++;
    return lines;
}

// The last assignment counts; an empty one asks DHCP as none does.
static void read_config(struct bf_net *net, struct bf_known *k, const struct bf_assign *a)
{
    size_t pos = 0, len, lines = lines_of(a);
    const char *item;
    k->dhcp = lines == 0;
    k->addresses = 0;
    k->line = a->number;
    while (bf_assign_item(a, &pos, &item, &len))
        if (!take_item(k, item, len, lines == 1))
            bf_net_trouble(net,
                           "netifrc: " CONF_D_NET ", line %u: a way to configure %s that is "
                           "not understood",
                           a->number, k->name);
}

// A default route of routes_NAME: its gateway.
static void read_route(struct bf_known *k, const char *item, size_t size)
{
    const char *at = item, *end = item + size, *w;
    size_t n;
    if (!is_default(item, size))
        return;
    while (bf_word_next(&at, end, &w, &n))
        if ((bf_word_is(w, n, "via") || bf_word_is(w, n, "gw")) && bf_word_next(&at, end, &w, &n)) {
            bool six = memchr(w, ':', n);
            bf_net_copy(six ? k->gateway6 : k->gateway4, sizeof k->gateway4, w, n);
        }
}

static void read_routes(struct bf_known *k, const struct bf_assign *a)
{
    size_t pos = 0, len;
    const char *item;
    k->gateway4[0] = k->gateway6[0] = 0;
    while (bf_assign_item(a, &pos, &item, &len))
        read_route(k, item, len);
}

// OpenRC reads a file of the service's own, or of the runlevel, after the common one.
static void check_beside(struct bf_fin *f, struct bf_net *net)
{
    static const char *const level[] = {"default", "boot"};
    char path[64];
    struct bf_assign a;
    for (size_t i = 0; i < net->count + BF_COUNT(level); i++) {
        size_t len, k = i - BF_COUNT(level);
        if (i >= BF_COUNT(level) && net->known[k].stack != &bf_netifrc)
            continue;
        snprintf(path, sizeof path, CONF_D_NET ".%s",
                 i < BF_COUNT(level) ? level[i] : net->known[k].name);
        const char *text = bf_edits_get(&f->edits, path, &len, NULL);
        bf_assign_init(&a, text ? text : "", text ? len : 0);
        if (text && bf_assign_next(&a))
            bf_net_trouble(net,
                           "netifrc: %s, line %u: settings beside " CONF_D_NET ", which are not "
                           "rewritten",
                           path, a.number);
    }
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    struct bf_assign a;
    struct bf_fault fault;
    size_t len;
    each_link(f, net, add_link);
    check_beside(f, net);
    const char *text = bf_edits_get(&f->edits, CONF_D_NET, &len, &fault);
    if (!text && fault.code != BF_ERR_NOT_FOUND)
        bf_net_trouble(net, "netifrc: " CONF_D_NET " cannot be read: %s", fault.what);
    if (!text)
        return;
    bf_assign_init(&a, text, len);
    while (bf_assign_next(&a)) {
        struct bf_known *k = of_key(net, "config_", a.key);
        struct bf_known *mac = of_key(net, "mac_", a.key);
        struct bf_known *routes = of_key(net, "routes_", a.key);
        if (a.odd || is_beyond(a.key))
            bf_net_trouble(net,
                           "netifrc: " CONF_D_NET ", line %u: more than plain interfaces, "
                           "which is not rewritten",
                           a.number);
        if (k)
            read_config(net, k, &a);
        if (routes)
            read_routes(routes, &a);
        size_t pos = 0, n;
        const char *item;
        if (mac && bf_assign_item(&a, &pos, &item, &n))
            bf_net_copy(mac->set_mac, sizeof mac->set_mac, item, n);
    }
}

// ---- Rewriting ----------------------------------------------------------------------------------

// The routes of the last value that are no default routes.
static void keep_routes(struct bf_text *out, const char *text, size_t size, const char *key)
{
    struct bf_assign a;
    bf_assign_init(&a, text, size);
    while (bf_assign_next(&a)) {
        size_t pos = 0, len;
        const char *item;
        if (!bf_assign_is(&a, key))
            continue;
        bf_text_free(out);
        while (bf_assign_item(&a, &pos, &item, &len))
            if (!is_default(item, len))
                bf_textf(out, "%s%.*s", out->len ? "\n" : "", (int)len, item);
    }
}

static void put(struct bf_text *out, const char *key, const struct bf_text *value)
{
    if (value->len)
        bf_textf(out, "%s=\"%s\"\n", key, bf_text_get(value));
}

static void gather_config(struct bf_text *config, const struct bf_plan_nic *nic)
{
    if (nic->dhcp)
        bf_text_str(config, "dhcp");
    for (size_t i = 0; i < nic->addresses; i++)
        bf_textf(config, "%s%s/%u", config->len ? "\n" : "", nic->address[i].text,
                 nic->address[i].prefix);
}

static void gather_routes(struct bf_text *routes, const struct bf_plan_nic *nic)
{
    struct bf_text own = {0};
    for (int i = 0; i < 2; i++) {
        const char *gateway = i ? nic->gateway6 : nic->gateway4;
        if (gateway[0])
            bf_textf(&own, "%sdefault via %s", own.len ? "\n" : "", gateway);
    }
    if (own.len && routes->len)
        bf_text_str(&own, "\n");
    bf_text_add(&own, bf_text_get(routes), routes->len);
    bf_text_free(routes);
    *routes = own;
}

static void gather_names(struct bf_text *dns, struct bf_text *search, const struct bf_plan_nic *nic)
{
    for (size_t i = 0; i < nic->dns_count; i++)
        bf_textf(dns, "%s%s", i ? " " : "", nic->dns[i]);
    for (size_t i = 0; i < nic->search_count; i++)
        bf_textf(search, "%s%s", i ? " " : "", nic->search[i]);
}

static enum bf_err rewrite(struct bf_fin *f, const struct bf_link *link, const char *text,
                           size_t len)
{
    enum { CONFIG, ROUTES, DNS, SEARCH, COUNT };
    static const char *const prefix[] = {"config_", "routes_", "dns_servers_", "dns_search_"};
    char name[COUNT][KEY_SIZE];
    const char *key[COUNT + 1];
    struct bf_text value[COUNT] = {0}, all = {0}, out = {0};
    size_t keys = 0;
    for (size_t i = 0; i < COUNT; i++)
        key_of(name[i], prefix[i], link->carrier);
    keep_routes(&value[ROUTES], text, len, name[ROUTES]);
    gather_config(&value[CONFIG], link->nic);
    gather_routes(&value[ROUTES], link->nic);
    gather_names(&value[DNS], &value[SEARCH], link->nic);
    for (size_t i = 0; i < COUNT; i++) {
        if (i < DNS || value[i].len)
            key[keys++] = name[i];
        put(&all, name[i], &value[i]);
        bf_text_free(&value[i]);
    }
    key[keys] = NULL;
    bf_assign_replace(&out, text, len, key, bf_text_get(&all));
    enum bf_err err = bf_fin_set(f, CONF_D_NET, &out, "addresses as planned");
    bf_text_free(&all);
    bf_text_free(&out);
    return err;
}

static enum bf_err adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    const struct bf_plan_nic *nic = link->nic;
    struct bf_fault fault;
    size_t len = 0;
    (void)old; // what the carrier had is gathered by the caller
    if (link->known && link->known->set_mac[0] && nic->new_mac[0])
        return bf_refuse(f->report, "netifrc: " CONF_D_NET " gives %s a MAC address of its own",
                         link->carrier);
    if (!bf_nic_readdresses(nic))
        return BF_OK;
    if (!link->known)
        return bf_refuse(f->report, "netifrc: no runlevel has net.%s", link->carrier);
    if (bf_nic_on_link(nic, AF_INET) || bf_nic_on_link(nic, AF_INET6))
        return bf_refuse(f->report, "netifrc: " CONF_D_NET
                                    ": a gateway outside the planned networks is not written here");
    const char *text = bf_edits_get(&f->edits, CONF_D_NET, &len, &fault);
    if (!text && fault.code != BF_ERR_NOT_FOUND)
        return bf_refuse(f->report, "netifrc: " CONF_D_NET " cannot be read: %s", fault.what);
    return rewrite(f, link, text ? text : "", len);
}

const struct bf_stack_ops bf_netifrc = {
    .name = "netifrc",
    .title = "netifrc",
    .in_use = in_use,
    .scan = scan,
    .adapt = adapt,
};
