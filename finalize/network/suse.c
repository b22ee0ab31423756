// SPDX-License-Identifier: Apache-2.0
// SUSE's network: /etc/sysconfig/network/ifcfg-* (ifcfg(5)), which wicked reads, and before SLES 12
// the ifup of the sysconfig package. What the two make of a file is the same but for odd forms,
// which are told here: ifup is a shell script and executes the file, wicked steps through its lines
// and takes them one by one. A form that they would read differently is refused.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/network/suse.h"

// ---- What a file says ---------------------------------------------------------------------------

static bool starts(const char *key, const char *prefix)
{
    return strncmp(key, prefix, strlen(prefix)) == 0;
}

// Whether the variable decides about a device, its name or its addresses.
static bool matters(const char *key)
{
    static const char *const prefix[] = {"IPADDR",     "PREFIXLEN",     "NETMASK",      "BOOTPROTO",
                                         "STARTMODE",  "ETHERDEVICE",   "BONDING_",     "BRIDGE",
                                         "LLADDR",     "INTERFACETYPE", "TUNNEL",       "TEAM_",
                                         "OVS_BRIDGE", "VLAN_ID",       "MACV",         "VXLAN",
                                         "DUMMY",      "MASTER_DEVICE", "REMOTE_IPADDR"};
    for (size_t i = 0; i < BF_COUNT(prefix); i++)
        if (starts(key, prefix[i]))
            return true;
    return false;
}

// Whether a shell and wicked, which knows no escapes, no pieces and no variables, read the same.
static bool is_plain(const struct bf_shvar *sv)
{
    const char *v = sv->value;
    size_t len = sv->value_len;
    if (len >= 2 && (v[0] == '\'' || v[0] == '"')) {
        if (v[len - 1] != v[0] || memchr(v + 1, v[0], len - 2))
            return false;
        if (v[0] == '\'')
            return true;
    } else if (memchr(v, '\'', len) || memchr(v, '"', len) ||
               (v + len < sv->line.at + sv->line.len && v[len] == ';')) {
        return false;
    }
    return !memchr(v, '\\', len) && !memchr(v, '$', len) && !memchr(v, '`', len);
}

// Why the statement cannot be placed, or NULL.
static const char *odd(const struct bf_shvar *sv, bool wicked)
{
    const char *at = sv->line.at, *w, *end = at + sv->line.len;
    size_t len;
    if (sv->kind == BF_SHVAR_NONE)
        return NULL;
    if (sv->lines > 1)
        return "a value over several lines";
    if (sv->kind == BF_SHVAR_SET && !matters(sv->key))
        return NULL;
    if (sv->kind == BF_SHVAR_SET)
        return sv->exported || sv->cr || !is_plain(sv) ? "a value that is not plain" : NULL;
    if (!wicked)
        return "a command";
    if (!bf_word_next(&at, end, &w, &len) || !memchr(w, '=', len))
        return NULL;
    char key[BF_SHVAR_KEY];
    snprintf(key, sizeof key, "%.*s", (int)strcspn(w, "="), w);
    return matters(key) ? "more than an assignment" : NULL;
}

static bool is_understood(struct bf_net *net, const char *path, const char *text, size_t len,
                          bool wicked)
{
    struct bf_shvar sv;
    bf_shvar_init(&sv, text, len);
    while (bf_shvar_next(&sv)) {
        const char *why = odd(&sv, wicked);
        if (why) {
            bf_net_trouble(net, "%s, line %u: %s, which is not understood", path, sv.number, why);
            return false;
        }
    }
    return true;
}

static bool is_yes(const struct bf_shvars *vars, const char *key)
{
    const char *v = bf_shvars_get(vars, key);
    return strcasecmp(v, "yes") == 0 || strcasecmp(v, "on") == 0 || strcasecmp(v, "true") == 0;
}

static void scan_addresses(struct bf_known *k, const struct bf_shvars *vars)
{
    const char *proto = bf_shvars_get(vars, "BOOTPROTO");
    if (strcasecmp(proto, "none") == 0 || strcasecmp(proto, "ibft") == 0)
        return;
    for (size_t i = 0; i < vars->count; i++) {
        char cidr[BF_CIDR_TEXT];
        if (!starts(vars->var[i].key, "IPADDR"))
            continue;
        bf_suse_address(vars, vars->var[i].key + strlen("IPADDR"), cidr);
        bf_net_address(k, cidr, strlen(cidr));
    }
}

// ---- Devices ------------------------------------------------------------------------------------

static void add_port(struct bf_net *net, const char *master, const char *name, size_t len)
{
    char port[BF_IFNAME];
    bf_net_copy(port, sizeof port, name, len);
    struct bf_known *k = port[0] ? bf_net_add(net, &bf_suse_ifcfg, port, "") : NULL;
    if (k)
        bf_net_copy(k->master, sizeof k->master, master, strlen(master));
}

// Ports are counted in variables of their own, those of a bridge are words of one.
static void scan_ports(struct bf_net *net, const char *master, const struct bf_shvars *vars,
                       const char *prefix)
{
    for (size_t i = 0; i < vars->count; i++) {
        const char *v = vars->var[i].value;
        if (starts(vars->var[i].key, prefix) && v[0])
            add_port(net, master, v, strlen(v));
    }
}

static void scan_bridge(struct bf_net *net, const char *name, const struct bf_shvars *vars)
{
    const char *at = bf_shvars_get(vars, "BRIDGE_PORTS"), *end = at + strlen(at), *w;
    size_t len;
    while (bf_word_next(&at, end, &w, &len))
        add_port(net, name, w, len);
}

// A device that is made of nothing planned.
static bool is_other(const char *name, const struct bf_shvars *vars)
{
    static const char *const key[] = {"TUNNEL",        "MACVLAN_DEVICE", "MACVTAP_DEVICE",
                                      "IPVLAN_DEVICE", "IPVTAP_DEVICE",  "PPPMODE",
                                      "MODEM_DEVICE"};
    static const char *const type[] = {"dummy", "tun", "tap",    "sit",  "gre",
                                       "ipip",  "ppp", "ip6tnl", "isdn", "veth"};
    for (size_t i = 0; i < BF_COUNT(key); i++)
        if (bf_shvars_get(vars, key[i])[0])
            return true;
    for (size_t i = 0; i < BF_COUNT(type); i++)
        if (strcmp(bf_shvars_get(vars, "INTERFACETYPE"), type[i]) == 0)
            return true;
    return is_yes(vars, "VXLAN") || is_yes(vars, "DUMMY") || starts(name, "dummy");
}

static enum bf_known_kind kind_of(const char *name, const struct bf_shvars *vars)
{
    const char *type = bf_shvars_get(vars, "INTERFACETYPE");
    if (is_yes(vars, "BONDING_MASTER") || bf_shvars_get(vars, "TEAM_RUNNER")[0] ||
        strcmp(type, "bond") == 0)
        return BF_KNOWN_BOND;
    if (is_yes(vars, "BRIDGE") || is_yes(vars, "OVS_BRIDGE") || strcmp(type, "bridge") == 0)
        return BF_KNOWN_BRIDGE;
    if (bf_shvars_get(vars, "ETHERDEVICE")[0])
        return BF_KNOWN_VLAN;
    // A partition of InfiniBand lies on its port as a VLAN does.
    if (starts(name, "ib") && name[2] >= '0' && name[2] <= '9' && strchr(name, '.'))
        return BF_KNOWN_VLAN;
    return is_other(name, vars) ? BF_KNOWN_OTHER : BF_KNOWN_HARDWARE;
}

static void scan_device(struct bf_net *net, struct bf_known *k, const struct bf_shvars *vars)
{
    const char *parent = bf_shvars_get(vars, "ETHERDEVICE"), *mac = bf_shvars_get(vars, "LLADDR");
    const char *master = bf_shvars_get(vars, "MASTER_DEVICE");
    bf_net_copy(k->set_mac, sizeof k->set_mac, mac, strlen(mac));
    if (master[0])
        bf_net_copy(k->master, sizeof k->master, master, strlen(master));
    if (k->kind == BF_KNOWN_VLAN)
        bf_net_copy(k->parent, sizeof k->parent, parent[0] ? parent : k->name,
                    parent[0] ? strlen(parent) : strcspn(k->name, "."));
    if (k->kind == BF_KNOWN_BOND) {
        scan_ports(net, k->name, vars, "BONDING_SLAVE");
        scan_ports(net, k->name, vars, "TEAM_PORT_DEVICE");
    } else if (k->kind == BF_KNOWN_BRIDGE) {
        scan_bridge(net, k->name, vars);
        scan_ports(net, k->name, vars, "OVS_BRIDGE_PORT_DEVICE");
    }
}

// The line that an interface's addresses begin at.
static unsigned first_line(const struct bf_shvars *vars)
{
    unsigned line = 0;
    for (size_t i = 0; i < vars->count; i++)
        if (starts(vars->var[i].key, "IPADDR") && vars->var[i].value[0] &&
            (!line || vars->var[i].line < line))
            line = vars->var[i].line;
    const struct bf_shvar_var *proto = bf_shvars_find(vars, "BOOTPROTO");
    return line ? line : proto ? proto->line : 0;
}

static void scan_vars(struct bf_fin *f, struct bf_net *net, const char *name, const char *path,
                      const struct bf_shvars *vars)
{
    static const char *const spare[] = {".bak", ".orig", ".rpmorig", NULL};
    enum bf_known_kind kind = kind_of(name, vars);
    // ifup is called for hardware that is there, so a backup of its file is never read.
    if (kind == BF_KNOWN_HARDWARE && bf_suse_ends_in(name, spare))
        return;
    struct bf_known *k = bf_net_add(net, &bf_suse_ifcfg, name, "");
    if (!k) {
        bf_net_trouble(net, "%s: there are more interfaces than can be followed", path);
        return;
    }
    k->kind = kind;
    bf_net_where(k, path, first_line(vars));
    scan_device(net, k, vars);
    if (!bf_suse_boots(vars))
        return;
    k->dhcp = bf_suse_dhcp(f, vars, false);
    scan_addresses(k, vars);
}

static void scan_file(struct bf_fin *f, struct bf_net *net, const char *name)
{
    char path[BF_SUSE_PATH];
    struct bf_fault fault;
    struct bf_shvars vars;
    size_t len;
    bf_suse_path(path, "ifcfg", name);
    const char *text = bf_edits_get(&f->edits, path, &len, &fault);
    if (!text) {
        bf_net_trouble(net, "%s cannot be read: %s", path, fault.what);
        return;
    }
    if (!is_understood(net, path, text, len, bf_suse_is_wicked(f)))
        return;
    bf_shvars_load(&vars, text, len);
    if (vars.failed)
        bf_net_trouble(net, "%s has more variables than can be followed", path);
    else
        scan_vars(f, net, name, path, &vars);
    bf_shvars_free(&vars);
}

// A port has no addresses of its own, whatever its file says.
static void clear_ports(struct bf_net *net)
{
    for (size_t i = 0; i < net->count; i++) {
        struct bf_known *k = &net->known[i];
        if (k->stack != &bf_suse_ifcfg || !k->master[0])
            continue;
        k->addresses = 0;
        k->dhcp = false;
    }
}

// Before SUSE Linux 11, getcfg found the file of a NIC by its MAC address or its slot. Later
// readers pass over such names.
static void check_old_names(struct bf_fin *f, struct bf_net *net)
{
    static const char *const mark[] = {"-id-", "-bus-", "-vpid-"};
    struct bf_names names;
    if (!bf_fin_root_exists(f->root, "/sbin/getcfg") ||
        bf_edits_list(&f->edits, BF_SUSE_DIR, "", &names))
        return;
    for (size_t i = 0; i < names.count; i++)
        for (size_t m = 0; m < BF_COUNT(mark); m++)
            if (starts(names.name[i], "ifcfg-") && strstr(names.name[i], mark[m]))
                bf_net_trouble(net,
                               BF_SUSE_DIR "/%s is for a NIC by its address or slot; rename it "
                                           "after the interface (ifcfg-eth0)",
                               names.name[i]);
    bf_names_free(&names);
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    struct bf_names names;
    check_old_names(f, net);
    if (bf_suse_is_wicked(f))
        bf_wicked_sources(f, net);
    if (bf_suse_files(f, &names)) {
        bf_net_trouble(net, BF_SUSE_DIR " has more files than can be followed");
        return;
    }
    for (size_t i = 0; i < names.count; i++)
        scan_file(f, net, names.name[i]);
    bf_names_free(&names);
    clear_ports(net);
}

const struct bf_stack_ops bf_suse_ifcfg = {
    .name = "suse",
    .title = "SUSE's ifcfg files",
    .in_use = bf_suse_in_use,
    .scan = scan,
    .adapt = bf_suse_adapt,
};
