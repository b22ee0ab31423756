// SPDX-License-Identifier: Apache-2.0
// ifupdown: what /etc/network/interfaces and all that it includes make of the network. Readers
// differ: where an address has both a length and a netmask, ifupdown believes the netmask and
// ifupdown2 the length; without either the one goes by the address's class, ifupdown-ng takes 24
// and ifupdown2 32.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/ifupdown.h"
#include "finalize/system/service.h"

#define INHERIT_MAX 8
#define LINE_UNITS  32 // of the budget: for a line of a stanza, each time it is gone over

// ---- Options ------------------------------------------------------------------------------------

static bool is_mac(struct bf_slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (i % 3 == 2 ? s.at[i] != ':' : !strchr("0123456789abcdefABCDEF", s.at[i]) || !s.at[i])
            return false;
    return s.len == BF_MAC_TEXT - 1;
}

static void copy(char *out, size_t size, struct bf_slice s)
{
    bf_net_copy(out, size, s.at, s.len);
}

static void scan_parent(struct bf_net *net, struct bf_known *k, struct bf_slice parent)
{
    char name[BF_IFNAME];
    copy(name, sizeof name, bf_ifup_device(parent));
    if (!name[0] || strcmp(name, k->name) == 0)
        return;
    k->kind = BF_KNOWN_VLAN;
    memcpy(k->parent, name, sizeof k->parent);
    bf_net_add(net, &bf_ifupdown, name, "");
}

// "eth0.10" is a VLAN of eth0; "dummy0" is no hardware.
static void scan_name(struct bf_net *net, struct bf_known *k)
{
    static const char *const prefix[] = {"dummy", "tun", "tap", "wg", "veth", "ifb", "gre", "sit"};
    char *dot = strrchr(k->name, '.');
    for (size_t i = 0; i < BF_COUNT(prefix); i++) {
        size_t n = strlen(prefix[i]);
        if (strncmp(k->name, prefix[i], n) == 0 && strspn(k->name + n, "0123456789"))
            k->kind = BF_KNOWN_OTHER;
    }
    if (strncmp(k->name, "vlan", 4) == 0)
        k->kind = BF_KNOWN_VLAN;
    if (dot && dot != k->name && dot[1] && !dot[1 + strspn(dot + 1, "0123456789")])
        scan_parent(net, k, (struct bf_slice){k->name, (size_t)(dot - k->name)});
}

static struct bf_known *add_device(struct bf_net *net, struct bf_slice physical)
{
    char name[BF_IFNAME];
    copy(name, sizeof name, bf_ifup_device(physical));
    bool is_new = !bf_net_find(net, &bf_ifupdown, name);
    struct bf_known *k = name[0] ? bf_net_add(net, &bf_ifupdown, name, "") : NULL;
    if (k && (is_new || !k->file[0]))
        scan_name(net, k);
    return k;
}

// Ports become known with their master; a port "bond0.7" may have no stanza.
static void scan_ports(struct bf_ifup *c, struct bf_net *net, size_t line, const char *master)
{
    static const char *const words[] = {"all", "regex", "noregex", "glob", NULL};
    struct bf_slice rest = c->line[line].value, word;
    char name[BF_IFNAME];
    while (bf_slice_next(&rest, &word)) {
        copy(name, sizeof name, word);
        if (bf_ifup_in(name, words) || bf_ifup_is_pattern(word)) {
            bf_ifup_trouble(c, line, "the ports of %s are not listed by name", master);
            return;
        }
        if (!name[0] || strcmp(name, "none") == 0 || strcmp(name, master) == 0)
            continue;
        struct bf_known *k = add_device(net, word);
        if (!k)
            return;
        bf_net_copy(k->master, sizeof k->master, master, strlen(master));
        bf_net_where(k, c->file[c->line[line].file].path, c->line[line].number);
    }
}

// The options of Open vSwitch.
static void scan_ovs(struct bf_net *net, struct bf_known *k, const char *option,
                     struct bf_slice value)
{
    if (strcmp(option, "ovs-type") == 0 && bf_slice_is(value, "OVSBridge"))
        k->kind = BF_KNOWN_BRIDGE;
    else if (strcmp(option, "ovs-type") == 0 && bf_slice_is(value, "OVSBond"))
        k->kind = BF_KNOWN_BOND;
    else if (strcmp(option, "ovs-type") == 0 && bf_slice_is(value, "OVSIntPort"))
        k->kind = BF_KNOWN_VLAN;
    else if (strcmp(option, "ovs-bridge") == 0 && k->kind == BF_KNOWN_VLAN)
        scan_parent(net, k, value);
    else if (strcmp(option, "ovs-bridge") == 0)
        copy(k->master, sizeof k->master, value);
}

// What lies below a device, for ifupdown-ng.
static void scan_requires(struct bf_ifup *c, struct bf_net *net, struct bf_known *k, size_t line,
                          const struct bf_ifup_stanza *s)
{
    if (s->uses & BF_IFUP_USES_BRIDGE)
        k->kind = BF_KNOWN_BRIDGE;
    else if (s->uses & BF_IFUP_USES_BOND)
        k->kind = BF_KNOWN_BOND;
    if (s->uses & (BF_IFUP_USES_BRIDGE | BF_IFUP_USES_BOND))
        scan_ports(c, net, line, k->name);
    else if ((s->uses & BF_IFUP_USES_VLAN) && !k->parent[0])
        scan_parent(net, k, bf_slice_word(c->line[line].value));
}

// What an option says of the device's kind and of those below and above it.
static void scan_device(struct bf_ifup *c, struct bf_net *net, struct bf_known *k, size_t line,
                        const struct bf_ifup_stanza *s)
{
    static const char *const bridge[] = {"bridge-ports", "ovs-ports", NULL};
    static const char *const bond[] = {"bond-slaves", "slaves",    "bond-members",
                                       "team-ports",  "ovs-bonds", NULL};
    static const char *const other[] = {
        "vxlan-id",      "tunnel-mode", "veth-peer-name", "link-type",
        "tunnel-remote", "vrf-table",   "endpoint",       NULL};
    struct bf_slice value = bf_slice_word(c->line[line].value);
    char option[32];
    bf_ifup_option(&c->line[line], option, sizeof option);
    if (bf_ifup_in(option, bridge))
        k->kind = BF_KNOWN_BRIDGE;
    if (bf_ifup_in(option, bond) || strcmp(option, "bond-mode") == 0)
        k->kind = BF_KNOWN_BOND;
    if (bf_ifup_in(option, other))
        k->kind = BF_KNOWN_OTHER;
    if (bf_ifup_in(option, bridge) || bf_ifup_in(option, bond))
        scan_ports(c, net, line, k->name);
    else if (strcmp(option, "requires") == 0)
        scan_requires(c, net, k, line, s);
    else if (strcmp(option, "vlan-raw-device") == 0)
        scan_parent(net, k, value);
    else if (strcmp(option, "bond-master") == 0)
        copy(k->master, sizeof k->master, value);
    else if (strncmp(option, "ovs-", 4) == 0)
        scan_ovs(net, k, option, value);
}

// "hwaddress MAC", "hwaddress ether MAC", "bridge_hw MAC".
static void scan_mac(struct bf_net *net, struct bf_known *k, const struct bf_ifup_line *line)
{
    char option[32];
    struct bf_slice rest = line->value, word;
    bf_ifup_option(line, option, sizeof option);
    if (strcmp(option, "hwaddress") != 0 && strcmp(option, "bridge-hw") != 0)
        return;
    if (bf_slice_next(&rest, &word) && bf_slice_is(word, "ether"))
        word = bf_slice_word(rest);
    if (!is_mac(word))
        return;
    copy(k->set_mac, sizeof k->set_mac, word);
    if (k->kind == BF_KNOWN_HARDWARE && k->name[0] && !k->mac[0])
        bf_net_add(net, &bf_ifupdown, k->name, k->set_mac);
}

// ---- Addresses ----------------------------------------------------------------------------------

// The value of an option, the stanza's own or inherited; empty when there is none.
static struct bf_slice option_of(const struct bf_ifup *c, const struct bf_ifup_stanza *s,
                                 const char *name)
{
    for (int depth = 0; s && depth < INHERIT_MAX; depth++) {
        for (size_t i = s->head + 1; i < s->end; i++)
            if (bf_ifup_is_of(c, i, s) && bf_slice_is(c->line[i].key, name))
                return bf_slice_word(c->line[i].value);
        s = s->inherits ? &c->stanza[s->inherits - 1] : NULL;
    }
    return (struct bf_slice){"", 0};
}

// "255.255.255.0" or "24"; -1 for anything else.
static int mask_length(struct bf_slice s)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr mask;
    copy(text, sizeof text, s);
    if (inet_pton(AF_INET, text, &mask) == 1)
        return __builtin_popcount(mask.s_addr);
    return text[0] && !text[strspn(text, "0123456789")] ? (int)strtoul(text, NULL, 10) : -1;
}

// The length that an address has when neither it nor a netmask says one.
static int usual_length(const struct bf_ifup *c, const char *ip)
{
    struct in_addr a;
    if (inet_pton(AF_INET, ip, &a) != 1)
        return c->variant == BF_IFUP_TWO ? 128 : c->variant == BF_IFUP_NG ? 24 : 64;
    if (c->variant == BF_IFUP_NG)
        return 24;
    if (c->variant == BF_IFUP_TWO)
        return 32;
    unsigned first = ntohl(a.s_addr) >> 24;
    return first < 128 ? 8 : first < 192 ? 16 : 24;
}

static void scan_address(const struct bf_ifup *c, struct bf_known *k, int mask,
                         struct bf_slice word)
{
    char ip[BF_CIDR_TEXT], cidr[BF_CIDR_TEXT + 16];
    copy(ip, sizeof ip, word);
    char *slash = strchr(ip, '/');
    int own = slash ? mask_length((struct bf_slice){slash + 1, strlen(slash + 1)}) : -1;
    if (slash)
        *slash = 0;
    if (!ip[0])
        return;
    bool mask_wins = c->variant == BF_IFUP_CLASSIC || c->variant == BF_IFUP_BUSYBOX;
    int len = (mask_wins ? mask : own) >= 0 ? (mask_wins ? mask : own) : mask_wins ? own : mask;
    int n = snprintf(cidr, sizeof cidr, "%s/%d", ip, len >= 0 ? len : usual_length(c, ip));
    bf_net_address(k, cidr, (size_t)n);
}

// Whether the stanza's addresses are set: "manual" and "dhcp" of ifupdown ignore them.
static bool has_addresses(const struct bf_ifup *c, const struct bf_ifup_stanza *s)
{
    static const char *const none[] = {"manual", "dhcp", "auto", "bootp", "none", NULL};
    char method[16];
    copy(method, sizeof method, s->method);
    return c->variant == BF_IFUP_TWO || c->variant == BF_IFUP_NG || !bf_ifup_in(method, none);
}

static void scan_method(const struct bf_ifup *c, struct bf_known *k, const struct bf_ifup_stanza *s)
{
    static const char *const tunnel[] = {"tunnel", "v4tunnel", "6to4",      "gre",
                                         "ppp",    "wvdial",   "wireguard", NULL};
    static const char *const asking[] = {"dhcp", "bootp", "auto", NULL};
    char method[16];
    copy(method, sizeof method, s->method);
    if (bf_ifup_in(method, tunnel))
        k->kind = BF_KNOWN_OTHER;
    bool ng = c->variant == BF_IFUP_NG;
    if (bf_ifup_in(method, asking) && !(ng && strcmp(method, "dhcp") != 0))
        k->dhcp = true;
    if (ng && ((s->uses & BF_IFUP_USES_DHCP) || bf_slice_is(s->family, "dhcp")))
        k->dhcp = true;
}

// The options of one stanza and of those that it inherits from, the nearest first.
static void scan_options(struct bf_ifup *c, struct bf_net *net, struct bf_known *k,
                         const struct bf_ifup_stanza *s)
{
    bool any = !has_addresses(c, s);
    int mask = mask_length(option_of(c, s, "netmask"));
    const struct bf_ifup_stanza *at = s;
    for (int depth = 0; at && depth < INHERIT_MAX; depth++) {
        bool own = false;
        for (size_t i = at->head + 1; i < at->end; i++) {
            const struct bf_ifup_line *line = &c->line[i];
            if (!bf_ifup_is_of(c, i, at))
                continue;
            scan_device(c, net, k, i, at);
            scan_mac(net, k, line);
            if (!any && bf_slice_is(line->key, "address")) {
                scan_address(c, k, mask, bf_slice_word(line->value));
                own = true;
            }
        }
        any = any || (own && c->variant != BF_IFUP_NG); // one's own address goes before
        at = at->inherits ? &c->stanza[at->inherits - 1] : NULL;
    }
}

// ---- Interfaces ---------------------------------------------------------------------------------

// "mac/52:54:00:12:34:56" names an interface by its MAC address; other patterns may mean several.
static struct bf_known *add_pattern(struct bf_ifup *c, struct bf_net *net, size_t line,
                                    struct bf_slice physical)
{
    const char *slash = memchr(physical.at, '/', physical.len);
    if (slash && slash != physical.at && memcmp(physical.at, "mac/", 4) != 0)
        bf_ifup_trouble(c, line, "which interfaces %.*s means is in no file",
                        (int)(physical.len < 60 ? physical.len : 60), physical.at);
    char mac[BF_MAC_TEXT] = "";
    if (physical.len == 4 + BF_MAC_TEXT - 1 && memcmp(physical.at, "mac/", 4) == 0)
        copy(mac, sizeof mac, (struct bf_slice){physical.at + 4, BF_MAC_TEXT - 1});
    struct bf_known *k = bf_net_add(net, &bf_ifupdown, "", mac);
    if (k)
        k->pattern = !mac[0];
    return k;
}

// A stanza may be that of many interfaces.
static void scan_stanza(struct bf_fin *f, struct bf_ifup *c, struct bf_net *net,
                        const struct bf_ifup_stanza *s)
{
    size_t at = 0;
    struct bf_slice physical;
    const struct bf_ifup_line *head = &c->line[s->head];
    while (bf_ifup_physical(c, s, &at, &physical)) {
        bool pattern = bf_ifup_is_pattern(physical);
        struct bf_known *k =
            pattern ? add_pattern(c, net, s->head, physical) : add_device(net, physical);
        if (!k || bf_budget_take(f->root->budget, c->file[head->file].path,
                                 (s->end - s->head) * LINE_UNITS))
            continue;
        if (!bf_slice_same(bf_ifup_device(s->name), bf_ifup_device(physical)))
            copy(k->alias, sizeof k->alias, s->name);
        bf_net_where(k, c->file[head->file].path, head->number);
        scan_method(c, k, s);
        scan_options(c, net, k, s);
    }
}

// "rename mac/52:54:00:12:34:56=lan0", or from another name.
static void scan_rename(const struct bf_ifup *c, struct bf_net *net, const struct bf_ifup_up *up)
{
    struct bf_slice from = up->physical;
    struct bf_known *k = add_device(net, up->logical);
    if (!k || bf_slice_same(from, up->logical))
        return;
    bf_net_where(k, c->file[c->line[up->line].file].path, c->line[up->line].number);
    if (!bf_ifup_is_pattern(from))
        copy(k->alias, sizeof k->alias, from);
    else if (from.len == 4 + BF_MAC_TEXT - 1 && memcmp(from.at, "mac/", 4) == 0)
        copy(k->mac, sizeof k->mac, (struct bf_slice){from.at + 4, BF_MAC_TEXT - 1});
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    struct bf_ifup c;
    bf_ifup_read(f, &c);
    for (size_t i = 0; i < c.renames; i++)
        scan_rename(&c, net, &c.rename[i]);
    for (size_t i = 0; i < c.stanzas; i++)
        scan_stanza(f, &c, net, &c.stanza[i]);
    if (c.trouble[0])
        bf_net_trouble(net, "%s", c.trouble);
    bf_ifup_free(&c);
}

// ---- Whether it runs ----------------------------------------------------------------------------

// Before systemd and OpenRC, a script of the package did it on every system.
static bool is_started(struct bf_fin *f)
{
    bool asks = f->system.init == BF_INIT_SYSTEMD || f->system.init == BF_INIT_OPENRC;
    return !asks || bf_service_starts(f, "networking");
}

// Debian's own switch.
static bool is_switched_off(struct bf_fin *f)
{
    size_t len, pos = 0;
    struct bf_line line;
    bool off = false;
    const char *text = bf_edits_get(&f->edits, "/etc/default/networking", &len, NULL);
    while (text && bf_line_next(text, len, &pos, &line))
        if (line.len > 21 && memcmp(line.at, "CONFIGURE_INTERFACES=", 21) == 0)
            off = memmem(line.at + 21, line.len - 21, "no", 2) != NULL;
    return off;
}

static bool in_use(struct bf_fin *f)
{
    static const char *const ifup[] = {"/sbin/ifup", "/usr/sbin/ifup", NULL};
    char *link = bf_fin_root_readlink(f->root, "/sbin/ifup");
    bool installed = link || bf_fin_root_any(f->root, ifup);
    free(link);
    return installed && is_started(f) && bf_fin_root_exists(f->root, BF_IFUP_MAIN) &&
           !is_switched_off(f);
}

const struct bf_stack_ops bf_ifupdown = {
    .name = "ifupdown",
    .title = "ifupdown",
    .dns_by_file = true,
    .in_use = in_use,
    .scan = scan,
    .adapt = bf_ifup_adapt,
    .follow = bf_ifup_follow,
};
