// SPDX-License-Identifier: Apache-2.0
// The interfaces that ifcfg files speak of, as their readers make them of all files together.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/network/ifcfg.h"
#include "finalize/network/network.h"

// What has to be written down for the file to be understood.
static const char *const needed[] = {
    "DEVICE",       "HWADDR",      "MACADDR",  "BOOTPROTO",
    "ONBOOT",       "TYPE",        "VLAN",     "PHYSDEV",
    "MASTER",       "BRIDGE",      "IPV6INIT", "DHCPV6C",
    "SLAVE",        "TEAM_MASTER", "IPV6ADDR", "IPV6ADDR_SECONDARIES",
    "NM_CONTROLLED"};

static bool is_type(const char *type, const char *const *list)
{
    for (; *list; list++)
        if (strcasecmp(type, *list) == 0)
            return true;
    return false;
}

// ---- Files that are not understood --------------------------------------------------------------

static void check_file(struct bf_net *net, const struct bf_ifcfg_file *file)
{
    for (size_t i = 0; i < BF_COUNT(needed); i++) {
        const struct bf_shvar_var *v = bf_shvars_find(&file->vars, needed[i]);
        if (v && !v->literal)
            bf_net_trouble(net, "%s, line %u: the value of %s is computed, which is not understood",
                           file->path, v->line, v->key);
    }
    // NetworkManager would take each line by itself.
    for (size_t i = 0; file->nm && i < file->vars.count; i++)
        if (file->vars.var[i].lines > 1)
            bf_net_trouble(net,
                           "%s, line %u: %s goes over several lines, which NetworkManager does "
                           "not read",
                           file->path, file->vars.var[i].line, file->vars.var[i].key);
    if (file->vars.code)
        bf_net_trouble(net,
                       "%s, line %u: is more than one assignment to a variable, which is not "
                       "understood",
                       file->path, file->vars.code);
    else if (file->nm && file->vars.exported)
        bf_net_trouble(net, "%s, line %u: NetworkManager does not read what is exported",
                       file->path, file->vars.exported);
    else if (file->shell && file->vars.cr)
        bf_net_trouble(net,
                       "%s, line %u: ends with CR LF; to the network scripts CR is a part of "
                       "the value",
                       file->path, file->vars.cr);
}

// The files of keys are read behind their interface's and could say anything again.
static void check_keys(struct bf_fin *f, struct bf_net *net, const struct bf_ifcfg_file *file)
{
    char path[320];
    size_t len;
    struct bf_shvars keys;
    snprintf(path, sizeof path, BF_IFCFG_DIR "/keys-%s", file->name);
    const char *text = file->shell ? bf_edits_get(&f->edits, path, &len, NULL) : NULL;
    if (!text)
        return;
    bf_shvars_load(&keys, text, len);
    for (size_t i = 0; i < keys.count; i++) {
        const struct bf_shvar_var *v = &keys.var[i];
        bool odd = is_type(v->key, (const char *const[]){"DEVICE", "BOOTPROTO", "IPADDR", "NETMASK",
                                                         "PREFIX", "GATEWAY", "ONBOOT", NULL});
        if (odd)
            bf_net_trouble(net, "%s, line %u: sets %s, which belongs into %s", path, v->line,
                           v->key, file->path);
    }
    bf_shvars_free(&keys);
}

// ---- Devices ------------------------------------------------------------------------------------

// A master or a parent: the name of a device, or, to NetworkManager, the UUID of its profile.
static void copy_device(const struct bf_ifcfg *set, const char *value, char *out, size_t size)
{
    for (size_t i = 0; value[0] && i < set->count; i++)
        if (strcasecmp(bf_shvars_get(&set->file[i].vars, "UUID"), value) == 0) {
            bf_ifcfg_device(set, &set->file[i], out, size);
            return;
        }
    bf_net_copy(out, size, value, strlen(value));
}

static void find_master(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file,
                        struct bf_known *k)
{
    static const char *const key[] = {"MASTER", "TEAM_MASTER", "BRIDGE", "OVS_BRIDGE"};
    static const char *const uuid[] = {"MASTER_UUID", "TEAM_MASTER_UUID", "BRIDGE_UUID"};
    // The scripts take MASTER only together with SLAVE=yes.
    size_t first = file->shell && !bf_ifcfg_is_yes(bf_ifcfg_get(set, file, "SLAVE"));
    for (size_t i = first; i < BF_COUNT(key) && !k->master[0]; i++)
        copy_device(set, bf_ifcfg_get(set, file, key[i]), k->master, sizeof k->master);
    for (size_t i = 0; i < BF_COUNT(uuid) && file->nm && !k->master[0]; i++)
        copy_device(set, bf_ifcfg_get(set, file, uuid[i]), k->master, sizeof k->master);
}

// "eth0.10" is VLAN 10 on eth0.
static const char *vlan_dot(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && dot[1] && !dot[1 + strspn(dot + 1, "0123456789")] ? dot : NULL;
}

static enum bf_known_kind kind_of(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file,
                                  const char *name)
{
    static const char *const bridge[] = {"Bridge", "OVSBridge", NULL};
    static const char *const bond[] = {"Bond", "Team", "OVSBond", NULL};
    static const char *const other[] = {
        "IPIP",  "GRE", "SIT",   "IPSEC",      "Tap",       "xDSL",      "Modem", "ISDN",
        "IPIP6", "VRF", "Dummy", "OVSIntPort", "OVSTunnel", "WireGuard", "CIPE",  NULL};
    const char *type = bf_ifcfg_get(set, file, "TYPE");
    const char *device_type = bf_ifcfg_get(set, file, "DEVICETYPE");
    const char *vlan = bf_ifcfg_get(set, file, "VLAN");
    if (bf_ifcfg_is_yes(vlan) ? vlan_dot(name) || bf_ifcfg_get(set, file, "PHYSDEV")[0]
                              : !bf_ifcfg_is_no(vlan) && vlan_dot(name))
        return BF_KNOWN_VLAN;
    if (strcasecmp(type, "Vlan") == 0)
        return BF_KNOWN_VLAN;
    if (is_type(type, bridge))
        return BF_KNOWN_BRIDGE;
    if (is_type(type, bond) || strcasecmp(device_type, "Team") == 0 ||
        bf_ifcfg_is_yes(bf_ifcfg_get(set, file, "BONDING_MASTER")) ||
        (bf_shvars_find(&file->vars, "BONDING_OPTS")) ||
        (bf_shvars_find(&file->vars, "TEAM_CONFIG") && strcasecmp(device_type, "TeamPort") != 0 &&
         !bf_ifcfg_get(set, file, "TEAM_MASTER")[0]))
        return BF_KNOWN_BOND;
    bool tunnel = is_type(type, other) || strncmp(name, "ppp", 3) == 0 ||
                  strncmp(name, "tun", 3) == 0 || strncmp(name, "sit", 3) == 0 ||
                  strncmp(name, "ippp", 4) == 0 || strncmp(name, "dummy", 5) == 0;
    return tunnel ? BF_KNOWN_OTHER : BF_KNOWN_HARDWARE;
}

static void describe(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file,
                     struct bf_known *k)
{
    const char *mac = bf_ifcfg_get(set, file, "MACADDR");
    k->kind = kind_of(set, file, k->name);
    if (strlen(mac) == BF_MAC_TEXT - 1) // else NetworkManager's "random", "stable" and the like
        bf_net_copy(k->set_mac, sizeof k->set_mac, mac, strlen(mac));
    find_master(set, file, k);
    const char *dot = vlan_dot(k->name);
    if (k->kind == BF_KNOWN_VLAN)
        copy_device(set, bf_ifcfg_get(set, file, "PHYSDEV"), k->parent, sizeof k->parent);
    // The scripts take the name for it, whatever PHYSDEV says, unless VID is set.
    if (k->kind == BF_KNOWN_VLAN && dot &&
        (!k->parent[0] || (file->shell && !bf_ifcfg_get(set, file, "VID")[0])))
        bf_net_copy(k->parent, sizeof k->parent, k->name, (size_t)(dot - k->name));
}

static void add_addresses(struct bf_net *net, const struct bf_ifcfg *set,
                          const struct bf_ifcfg_file *file, struct bf_known *k)
{
    char bad[BF_SHVAR_KEY] = "";
    if (!bf_ifcfg_at_boot(set, file) || k->master[0])
        return;
    if (!bf_ifcfg_addresses(set, file, k, bad)) {
        const struct bf_shvar_var *v = bf_shvars_find(&file->vars, bad);
        bf_net_trouble(net, "%s, line %u: %s is not understood", file->path, v ? v->line : 1, bad);
    }
}

// The address by which the hardware is found, or that its name is checked by.
static void hardware_address(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file,
                             char mac[BF_MAC_TEXT])
{
    const char *text = bf_ifcfg_get(set, file, "HWADDR");
    bf_net_copy(mac, BF_MAC_TEXT, text, strlen(text));
    if (strlen(mac) != BF_MAC_TEXT - 1)
        mac[0] = 0;
}

// What naming rules, which are gathered before the stacks, call the hardware: a file without DEVICE
// means it by its MAC address.
static void name_by_rules(const struct bf_net *net, const char *mac, char name[BF_IFNAME])
{
    for (size_t i = 0; !name[0] && i < net->count; i++)
        if (!net->known[i].stack && strcmp(net->known[i].mac, mac) == 0)
            memcpy(name, net->known[i].name, BF_IFNAME);
}

static void add_plain(struct bf_net *net, const struct bf_stack_ops *stack,
                      const struct bf_ifcfg *set, const struct bf_ifcfg_file *file)
{
    char name[BF_IFNAME], mac[BF_MAC_TEXT];
    bf_ifcfg_device(set, file, name, sizeof name);
    hardware_address(set, file, mac);
    if (!name[0] && mac[0])
        name_by_rules(net, mac, name);
    // Without both, NetworkManager takes the profile for any Ethernet device.
    bool any = !name[0] && !mac[0];
    if (any && !(file->nm && strcasecmp(bf_ifcfg_get(set, file, "TYPE"), "Ethernet") == 0))
        return;
    struct bf_known *k = bf_net_add(net, stack, name, mac);
    if (!k)
        bf_net_trouble(net, BF_IFCFG_DIR ": configures more than %d interfaces", BF_NET_MAX);
    if (!k)
        return;
    const struct bf_shvar_var *v = bf_shvars_find(&file->vars, "IPADDR");
    v = v ? v : bf_shvars_find(&file->vars, "IPADDR0");
    v = v ? v : bf_shvars_find(&file->vars, "IPV6ADDR");
    v = v ? v : bf_shvars_find(&file->vars, "BOOTPROTO");
    v = v ? v : bf_shvars_find(&file->vars, "DEVICE");
    bf_net_where(k, file->path, v ? v->line : 1);
    k->pattern = any;
    describe(set, file, k);
    add_addresses(net, set, file, k);
}

// NetworkManager leaves the interface of a file with NM_CONTROLLED=no alone: it is this stack's,
// and without addresses.
static void add_unread(struct bf_net *net, const struct bf_stack_ops *stack,
                       const struct bf_ifcfg *set, const struct bf_ifcfg_file *file)
{
    char name[BF_IFNAME];
    bf_ifcfg_device(set, file, name, sizeof name);
    struct bf_known *k =
        file->kind == BF_IFCFG_PLAIN && name[0] ? bf_net_add(net, stack, name, "") : NULL;
    if (k)
        bf_net_where(k, file->path, 1);
}

static struct bf_known *find_mutable(struct bf_net *net, const struct bf_stack_ops *stack,
                                     const char *name)
{
    for (size_t i = 0; name[0] && i < net->count; i++)
        if (net->known[i].stack == stack && strcmp(net->known[i].name, name) == 0)
            return &net->known[i];
    return NULL;
}

static void add_alias(struct bf_net *net, const struct bf_stack_ops *stack,
                      const struct bf_ifcfg *set, const struct bf_ifcfg_file *file)
{
    char name[BF_IFNAME];
    bf_ifcfg_device(set, file, name, sizeof name);
    struct bf_known *k = find_mutable(net, stack, name);
    if (k && file->base)
        add_addresses(net, set, file, k);
}

// A bond may be known by its ports only.
static void describe_masters(struct bf_net *net, const struct bf_stack_ops *stack,
                             const struct bf_ifcfg *set)
{
    for (size_t i = 0; i < set->count; i++) {
        char name[BF_IFNAME];
        const struct bf_ifcfg_file *file = &set->file[i];
        if (file->kind != BF_IFCFG_PLAIN || (!file->shell && !file->nm))
            continue;
        bf_ifcfg_device(set, file, name, sizeof name);
        const struct bf_known *port = find_mutable(net, stack, name);
        if (!port || !port->master[0])
            continue;
        bool bridge =
            bf_ifcfg_get(set, file, "BRIDGE")[0] || bf_ifcfg_get(set, file, "BRIDGE_UUID")[0];
        struct bf_known *k = find_mutable(net, stack, port->master);
        if (!k)
            k = bf_net_add(net, stack, port->master, "");
        if (k && k->kind == BF_KNOWN_HARDWARE)
            k->kind = bridge ? BF_KNOWN_BRIDGE : BF_KNOWN_BOND;
    }
}

void bf_ifcfg_scan(struct bf_fin *f, struct bf_net *net, const struct bf_stack_ops *stack)
{
    struct bf_ifcfg set;
    bf_ifcfg_load(f, &set);
    if (set.failed)
        bf_net_trouble(net,
                       BF_IFCFG_DIR ": has more than %d files, or one with more than %d "
                                    "variables",
                       BF_IFCFG_MAX, BF_SHVAR_MAX);
    if (set.network.code && set.readers.shell)
        bf_net_trouble(net,
                       BF_IFCFG_NETWORK ", line %u: is more than one assignment to a "
                                        "variable, which is not understood",
                       set.network.code);
    for (size_t i = 0; i < set.count; i++) {
        const struct bf_ifcfg_file *file = &set.file[i];
        if (!file->shell && !file->nm) {
            add_unread(net, stack, &set, file);
            continue;
        }
        check_file(net, file);
        check_keys(f, net, file);
        if (file->kind == BF_IFCFG_PLAIN)
            add_plain(net, stack, &set, file);
    }
    for (size_t i = 0; i < set.count; i++)
        if (set.file[i].kind != BF_IFCFG_PLAIN)
            add_alias(net, stack, &set, &set.file[i]);
    describe_masters(net, stack, &set);
    bf_ifcfg_free(&set);
}
