// SPDX-License-Identifier: Apache-2.0
// Which of netplan's definitions a device gets. networkd takes the first generated file,
// 10-netplan-ID.network, that matches; what it takes is kept from NetworkManager. A definition
// without `match` means the device of its id, and any definition's pattern may mean a VLAN, too.
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "finalize/network/netplan.h"

bool bf_netplan_is_physical(const struct bf_netplan_def *def)
{
    return def->kind == BF_NETPLAN_ETHERNET || def->kind == BF_NETPLAN_WIFI ||
           def->kind == BF_NETPLAN_MODEM;
}

const char *bf_netplan_name(const struct bf_netplan_def *def)
{
    const char *name = def->id;
    if (!bf_netplan_is_physical(def))
        return def->id;
    if (def->set_name[0])
        name = def->set_name;
    else if (def->match_name[0])
        name = strpbrk(def->match_name, "*?[]!") ? "" : def->match_name;
    else if (def->match)
        name = "";
    return strlen(name) < BF_IFNAME ? name : "";
}

static enum bf_netplan_cover covers_named(const struct bf_netplan_def *def, const char *name)
{
    const char *own = bf_netplan_name(def);
    if (own[0])
        return strcmp(own, name) == 0 ? BF_COVER_EXACT : BF_COVER_NO;
    return !def->match_name[0] || fnmatch(def->match_name, name, 0) == 0 ? BF_COVER_PATTERN
                                                                         : BF_COVER_NO;
}

enum bf_netplan_cover bf_netplan_covers(const struct bf_netplan_def *def, const char *name,
                                        const char *mac)
{
    const char *own = bf_netplan_name(def);
    bool physical = bf_netplan_is_physical(def);
    if (physical && def->match_mac[0]) {
        if (mac[0] ? strcasecmp(def->match_mac, mac) != 0 : strcmp(own, name) != 0 || !own[0])
            return BF_COVER_NO;
        return own[0] && name[0] && strcmp(own, name) != 0 ? BF_COVER_NO : BF_COVER_EXACT;
    }
    // Without a name, every pattern may mean the device.
    if (!name[0])
        return physical && !own[0] ? BF_COVER_PATTERN : BF_COVER_NO;
    return covers_named(def, name);
}

bool bf_netplan_before(const struct bf_netplan_def *a, const struct bf_netplan_def *b)
{
    char x[256], y[256];
    if (a->nm != b->nm)
        return b->nm;
    if (a->nm)
        return a->priority > b->priority;
    snprintf(x, sizeof x, "%.200s.network", a->id);
    snprintf(y, sizeof y, "%.200s.network", b->id);
    return strcmp(x, y) < 0;
}

struct bf_netplan_def *bf_netplan_winner(const struct bf_netplan *np, const char *name,
                                         const char *mac)
{
    struct bf_netplan_def *best = NULL;
    enum bf_netplan_cover cover = BF_COVER_NO;
    const struct bf_netplan_def *own = bf_netplan_find(np, name);
    for (size_t i = 0; i < np->defs; i++) {
        struct bf_netplan_def *def = &np->def[i];
        enum bf_netplan_cover c = bf_netplan_covers(def, name, mac);
        if (def->driver && own && !bf_netplan_is_physical(own))
            continue; // no device that is made has the driver of hardware
        // NetworkManager does not say which of two equal profiles it takes; the exact one is hoped
        // for here, and rewriting makes it certain.
        bool equal = best && def->nm && best->nm && def->priority == best->priority;
        if (c != BF_COVER_NO && (!best || (equal ? c > cover : bf_netplan_before(def, best)))) {
            best = def;
            cover = c;
        }
    }
    return best;
}

// ---- The picture of the network -----------------------------------------------------------------

static void add_address(struct bf_sheet *s, yaml_node_t *list, void *arg)
{
    for (size_t i = 0; i < bf_yaml_size(list); i++) {
        const char *text = bf_netplan_address(s, bf_yaml_key(s, list, i));
        bf_net_address(arg, text, strlen(text));
    }
}

static void add_passed_addresses(struct bf_sheet *s, yaml_node_t *manager, void *arg)
{
    yaml_node_t *pass = bf_yaml_get(s, manager, "passthrough");
    for (size_t i = 0; i < bf_yaml_size(pass); i++) {
        const char *key = bf_yaml_text(bf_yaml_key(s, pass, i));
        const char *text = bf_yaml_text(bf_yaml_value(s, pass, i));
        if (strncmp(key, "ipv", 3) == 0 && strncmp(key + 4, ".address", 8) == 0)
            bf_net_address(arg, text, strcspn(text, ",; "));
    }
}

static enum bf_known_kind known_kind(const struct bf_netplan_def *def)
{
    if (bf_netplan_is_physical(def))
        return BF_KNOWN_HARDWARE;
    return def->kind == BF_NETPLAN_BRIDGE ? BF_KNOWN_BRIDGE
           : def->kind == BF_NETPLAN_BOND ? BF_KNOWN_BOND
           : def->kind == BF_NETPLAN_VLAN ? BF_KNOWN_VLAN
                                          : BF_KNOWN_OTHER;
}

// What the device gets: the definition that comes first decides, whatever its own one says.
static void fill(struct bf_netplan *np, struct bf_known *k, const struct bf_netplan_def *def)
{
    k->dhcp = def->dhcp;
    k->addresses = 0;
    k->file[0] = 0;
    bf_netplan_each(np, def, "addresses", add_address, k);
    if (def->nm)
        bf_netplan_each(np, def, "networkmanager", add_passed_addresses, k);
    bf_net_where(k, np->sheet[def->file].path, def->line);
}

static struct bf_known *add_known(struct bf_netplan *np, struct bf_net *net,
                                  struct bf_netplan_def *def)
{
    const char *name = bf_netplan_name(def);
    char mac[BF_MAC_TEXT];
    bf_net_copy(mac, sizeof mac, def->match_mac, strlen(def->match_mac));
    struct bf_known *k = bf_net_add(net, np->stack, name, mac);
    if (!k) {
        bf_net_trouble(net, "netplan: it configures more than %d interfaces", BF_NET_MAX);
        return NULL;
    }
    struct bf_netplan_def *winner = name[0] || mac[0] ? bf_netplan_winner(np, name, mac) : def;
    k->kind = known_kind(def);
    k->pattern = !name[0] && !mac[0];
    if (winner == def || !k->alias[0])
        bf_net_copy(k->alias, sizeof k->alias, def->id, strlen(def->id));
    bf_net_copy(k->set_mac, sizeof k->set_mac, def->set_mac, strlen(def->set_mac));
    fill(np, k, winner ? winner : def);
    return k;
}

// The entry of a definition: two of one device share theirs.
static struct bf_known *known_of(struct bf_netplan *np, struct bf_net *net, const char *id)
{
    const struct bf_netplan_def *def = bf_netplan_find(np, id);
    const char *name = def ? bf_netplan_name(def) : "";
    for (size_t i = 0; def && i < net->count; i++) {
        struct bf_known *k = &net->known[i];
        if (k->stack == np->stack &&
            (name[0] ? strcmp(k->name, name) == 0 : !k->name[0] && strcmp(k->alias, id) == 0))
            return k;
    }
    return NULL;
}

struct ports {
    struct bf_netplan *np;
    struct bf_net *net;
    const char *master;
};

static void add_ports(struct bf_sheet *s, yaml_node_t *list, void *arg)
{
    struct ports *ports = arg;
    for (size_t i = 0; i < bf_yaml_size(list); i++) {
        yaml_node_t *item = bf_yaml_key(s, list, i);
        struct bf_known *k = known_of(ports->np, ports->net, bf_yaml_text(item));
        if (k)
            bf_net_copy(k->master, sizeof k->master, ports->master, strlen(ports->master));
        else if (!bf_netplan_find(ports->np, bf_yaml_text(item)))
            bf_netplan_trouble(ports->np, s, item, "%.60s is a port of %.60s and not defined",
                               bf_yaml_text(item), ports->master);
    }
}

// A VLAN lies on a definition, whose device goes by its id where its name is not said.
static void add_parent(struct bf_netplan *np, struct bf_net *net, const struct bf_netplan_def *def)
{
    struct bf_known *k = known_of(np, net, def->id), *below = known_of(np, net, def->link);
    if (!k || !below)
        return;
    const char *name = below->name[0] ? below->name : below->alias;
    bf_net_copy(k->parent, sizeof k->parent, name, strlen(name));
}

void bf_netplan_known(struct bf_netplan *np, struct bf_net *net)
{
    for (size_t i = 0; i < np->defs && !np->trouble[0]; i++)
        if (!add_known(np, net, &np->def[i]))
            return;
    for (size_t i = 0; i < np->defs; i++) {
        const struct bf_netplan_def *def = &np->def[i];
        struct ports ports = {.np = np, .net = net, .master = def->id};
        if (def->kind == BF_NETPLAN_BRIDGE || def->kind == BF_NETPLAN_BOND)
            bf_netplan_each(np, def, "interfaces", add_ports, &ports);
        else if (def->kind == BF_NETPLAN_VLAN)
            add_parent(np, net, def);
    }
    if (np->trouble[0])
        bf_net_trouble(net, "%s", np->trouble);
}
