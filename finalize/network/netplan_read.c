// SPDX-License-Identifier: Apache-2.0
// Reads netplan's files as netplan does: a file of /etc takes the place of one with its name in
// /lib, all are read in the order of their names, and definitions with one id are merged key by
// key, where lists grow and the last word holds. (/run/netplan is gone at the next boot.) netplan
// rejects everything for one mistake, so one that it would reject is trouble here.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/netplan.h"

static const struct {
    const char *section;
    enum bf_netplan_kind kind;
} kinds[] = {
    {"ethernets", BF_NETPLAN_ETHERNET},
    {"wifis", BF_NETPLAN_WIFI},
    {"modems", BF_NETPLAN_MODEM},
    {"bridges", BF_NETPLAN_BRIDGE},
    {"bonds", BF_NETPLAN_BOND},
    {"vlans", BF_NETPLAN_VLAN},
    {"tunnels", BF_NETPLAN_OTHER},
    {"vrfs", BF_NETPLAN_OTHER},
    {"dummy-devices", BF_NETPLAN_OTHER},
    {"nm-devices", BF_NETPLAN_OTHER},
    {"virtual-ethernets", BF_NETPLAN_OTHER},
    {"xfrm-interfaces", BF_NETPLAN_OTHER},
};

// ---- One definition -----------------------------------------------------------------------------

struct bf_netplan_def *bf_netplan_find(const struct bf_netplan *np, const char *id)
{
    for (size_t i = 0; i < np->defs; i++)
        if (strcmp(np->def[i].id, id) == 0)
            return &np->def[i];
    return NULL;
}

yaml_node_t *bf_netplan_passthrough(struct bf_sheet *s, yaml_node_t *value)
{
    return bf_yaml_get(s, bf_yaml_get(s, value, "networkmanager"), "passthrough");
}

void bf_netplan_each(struct bf_netplan *np, const struct bf_netplan_def *def, const char *key,
                     void (*visit)(struct bf_sheet *, yaml_node_t *, void *), void *arg)
{
    size_t d = (size_t)(def - np->def);
    for (size_t i = 0; i < np->parts; i++) {
        const struct bf_netplan_part *p = &np->part[i];
        struct bf_sheet *s = &np->sheet[p->file];
        for (size_t k = 0; p->def == d && k < bf_yaml_size(p->value); k++)
            if (strcmp(bf_yaml_text(bf_yaml_key(s, p->value, k)), key) == 0)
                visit(s, bf_yaml_value(s, p->value, k), arg);
    }
}

// The last word on a key with a text.
static void take_text(const char **field, const yaml_node_t *value)
{
    if (value)
        *field = bf_yaml_text(value);
}

static void take_renderer(struct bf_netplan *np, struct bf_sheet *s, struct bf_netplan_def *def,
                          const yaml_node_t *value)
{
    const char *text = bf_yaml_text(value);
    if (!value)
        return;
    def->nm = strcmp(text, "NetworkManager") == 0;
    def->unsaid = false;
    if (!def->nm && strcmp(text, "networkd") != 0)
        bf_netplan_trouble(np, s, value, "the renderer \"%.60s\" is not known", text);
}

// What NetworkManager is handed wins over what netplan makes itself.
static void take_passthrough(struct bf_sheet *s, struct bf_netplan_def *def, yaml_node_t *value)
{
    yaml_node_t *pass = bf_netplan_passthrough(s, value), *method, *priority;
    if (!def->match_name[0] && !def->set_name[0])
        take_text(&def->match_name, bf_yaml_get(s, pass, "connection.interface-name"));
    if (!def->match_mac[0])
        take_text(&def->match_mac, bf_yaml_get(s, pass, "ethernet.mac-address"));
    if (!def->match_mac[0])
        take_text(&def->match_mac, bf_yaml_get(s, pass, "802-3-ethernet.mac-address"));
    if ((method = bf_yaml_get(s, pass, "ipv4.method")))
        def->dhcp = strcmp(bf_yaml_text(method), "auto") == 0;
    if ((priority = bf_yaml_get(s, pass, "connection.autoconnect-priority")))
        def->priority = strtol(bf_yaml_text(priority), NULL, 10);
}

// dhcp4 and dhcp6 are asked for separately; either makes a DHCP client run.
static bool has_dhcp(struct bf_netplan *np, size_t d)
{
    const char *four = "", *six = "";
    for (size_t i = 0; i < np->parts; i++) {
        struct bf_sheet *s = &np->sheet[np->part[i].file];
        if (np->part[i].def != d)
            continue;
        take_text(&four, bf_yaml_get(s, np->part[i].value, "dhcp4"));
        take_text(&six, bf_yaml_get(s, np->part[i].value, "dhcp6"));
    }
    return bf_netplan_is_yes(four) || bf_netplan_is_yes(six);
}

static void take_part(struct bf_netplan *np, struct bf_sheet *s, struct bf_netplan_def *def,
                      yaml_node_t *value)
{
    yaml_node_t *match = bf_yaml_get(s, value, "match");
    bf_netplan_check(np, s, value);
    if (match) {
        def->match = true;
        def->driver = def->driver || bf_yaml_get(s, match, "driver");
        take_text(&def->match_name, bf_yaml_get(s, match, "name"));
        take_text(&def->match_mac, bf_yaml_get(s, match, "macaddress"));
    }
    take_text(&def->set_name, bf_yaml_get(s, value, "set-name"));
    take_text(&def->link, bf_yaml_get(s, value, "link"));
    take_text(&def->set_mac, bf_yaml_get(s, value, "macaddress"));
    take_renderer(np, s, def, bf_yaml_get(s, value, "renderer"));
}

// ---- One file -----------------------------------------------------------------------------------

static struct bf_netplan_def *add_def(struct bf_netplan *np, size_t file, yaml_node_t *key,
                                      size_t kind)
{
    struct bf_netplan_def *def = bf_netplan_find(np, bf_yaml_text(key));
    if (def && strcmp(def->section, kinds[kind].section) != 0)
        bf_netplan_trouble(np, &np->sheet[file], key, "%.60s is in \"%s\" and in \"%s\"", def->id,
                           def->section, kinds[kind].section);
    if (def || np->defs == BF_NETPLAN_DEFS) {
        if (!def)
            bf_netplan_trouble(np, &np->sheet[file], key, "there are more than %d definitions",
                               BF_NETPLAN_DEFS);
        return def;
    }
    def = &np->def[np->defs++];
    *def = (struct bf_netplan_def){.id = bf_yaml_text(key),
                                   .kind = kinds[kind].kind,
                                   .section = kinds[kind].section,
                                   .file = file,
                                   .line = bf_sheet_line(key),
                                   .match_name = "",
                                   .match_mac = "",
                                   .set_name = "",
                                   .link = "",
                                   .set_mac = ""};
    return def;
}

static bool add_part(struct bf_netplan *np, size_t file, size_t def, yaml_node_t *key,
                     yaml_node_t *value)
{
    if (np->parts == BF_NETPLAN_PARTS || bf_yaml_size(value) > BF_NETPLAN_KEYS) {
        bf_netplan_trouble(np, &np->sheet[file], key, "there is more than a network needs");
        return false;
    }
    if (np->parts == np->room) {
        size_t room = np->room ? 2 * np->room : 64;
        struct bf_netplan_part *more = realloc(np->part, room * sizeof *more);
        if (!more)
            return false;
        np->part = more;
        np->room = room;
    }
    np->part[np->parts++] =
        (struct bf_netplan_part){.file = file, .def = def, .key = key, .value = value};
    return true;
}

// "renderer" among the definitions is that of those behind it.
static void read_kind(struct bf_netplan *np, size_t file, yaml_node_t *map, size_t kind)
{
    struct bf_sheet *s = &np->sheet[file];
    const yaml_node_t *renderer = NULL;
    for (size_t i = 0; i < bf_yaml_size(map) && !np->trouble[0]; i++) {
        yaml_node_t *key = bf_yaml_key(s, map, i), *value = bf_yaml_value(s, map, i);
        size_t known = np->defs;
        const char *id = bf_yaml_text(key);
        if (strcmp(id, "renderer") == 0) {
            renderer = value;
            continue;
        }
        if (!bf_yaml_is_map(value) || !id[0] || strpbrk(id, "*[]?/")) {
            bf_netplan_trouble(np, s, key, "\"%.60s\" is no definition", id);
            return;
        }
        struct bf_netplan_def *def = add_def(np, file, key, kind);
        if (!def || !add_part(np, file, (size_t)(def - np->def), key, value))
            return;
        if (np->defs > known && renderer)
            take_renderer(np, s, def, renderer);
        else if (np->defs > known)
            def->unsaid = true;
        take_part(np, s, def, value);
    }
}

static void read_key(struct bf_netplan *np, size_t file, yaml_node_t *key, yaml_node_t *value)
{
    struct bf_sheet *s = &np->sheet[file];
    const char *name = bf_yaml_text(key), *text = bf_yaml_text(value);
    for (size_t k = 0; k < BF_COUNT(kinds); k++) {
        if (strcmp(name, kinds[k].section) != 0)
            continue;
        if (!bf_yaml_is_map(value))
            bf_netplan_trouble(np, s, key, "%s is not a mapping", name);
        read_kind(np, file, value, k);
        return;
    }
    if (strcmp(name, "version") == 0 && strtol(text, NULL, 10) != 2)
        bf_netplan_trouble(np, s, key, "netplan knows version 2 only");
    else if (strcmp(name, "renderer") == 0 && strcmp(text, "NetworkManager") != 0 &&
             strcmp(text, "networkd") != 0)
        bf_netplan_trouble(np, s, key, "the renderer \"%.60s\" is not known", text);
    else if (strcmp(name, "renderer") == 0)
        np->nm = strcmp(text, "NetworkManager") == 0;
    else if (strcmp(name, "version") != 0 && strcmp(name, "openvswitch") != 0)
        bf_netplan_trouble(np, s, key, "netplan knows no key \"%.60s\" here", name);
}

static void read_file(struct bf_netplan *np, size_t file)
{
    struct bf_sheet *s = &np->sheet[file];
    yaml_node_t *root = bf_sheet_root(s);
    if (root && !bf_yaml_is_map(root))
        bf_netplan_trouble(np, s, root, "the file is not a mapping");
    for (size_t i = 0; i < bf_yaml_size(root); i++) {
        yaml_node_t *key = bf_yaml_key(s, root, i), *network = bf_yaml_value(s, root, i);
        if (strcmp(bf_yaml_text(key), "network") != 0)
            bf_netplan_trouble(np, s, key, "netplan knows no key \"%.60s\" here",
                               bf_yaml_text(key));
        else if (!bf_yaml_is_map(network))
            bf_netplan_trouble(np, s, key, "network is not a mapping");
        for (size_t k = 0; bf_yaml_is_map(network) && k < bf_yaml_size(network); k++)
            read_key(np, file, bf_yaml_key(s, network, k), bf_yaml_value(s, network, k));
    }
}

// ---- All files ----------------------------------------------------------------------------------

static void open_file(struct bf_fin *f, struct bf_netplan *np, const char *dir, const char *name)
{
    char path[512], why[300] = "";
    snprintf(path, sizeof path, "%s/%.250s", dir, name);
    struct bf_sheet *more = realloc(np->sheet, (np->files + 1) * sizeof *more);
    if (!more)
        return;
    np->sheet = more;
    // A link to /dev/null is an empty file to netplan, and hides one of the same name in /lib.
    char *to = bf_fin_root_readlink(f->root, path);
    bool masked = to && strcmp(to, "/dev/null") == 0;
    free(to);
    if (masked)
        return;
    if (bf_sheet_open(f, path, &np->sheet[np->files], why, sizeof why)) {
        if (!np->trouble[0])
            snprintf(np->trouble, sizeof np->trouble, "netplan: %.200s: %s", path, why);
        return;
    }
    np->files++;
}

static bool is_in(const struct bf_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->name[i], name) == 0)
            return true;
    return false;
}

// Both lists are sorted. A name that both folders have is that of /etc.
static void open_files(struct bf_fin *f, struct bf_netplan *np, const char *lib,
                       const struct bf_names *upper, const struct bf_names *lower)
{
    size_t u = 0, l = 0;
    while (!np->trouble[0] && (u < upper->count || l < lower->count)) {
        bool take =
            l == lower->count || (u < upper->count && strcmp(upper->name[u], lower->name[l]) <= 0);
        if (take)
            open_file(f, np, BF_NETPLAN_ETC, upper->name[u++]);
        else if (!is_in(upper, lower->name[l]))
            open_file(f, np, lib, lower->name[l++]);
        else
            l++;
    }
}

// Where a definition stands first.
static const yaml_node_t *place_of(const struct bf_netplan *np, size_t def)
{
    for (size_t i = 0; i < np->parts; i++)
        if (np->part[i].def == def)
            return np->part[i].key;
    return NULL;
}

// What is certain only when all files are read.
static void finish_def(struct bf_netplan *np, struct bf_netplan_def *def)
{
    size_t d = (size_t)(def - np->def);
    struct bf_sheet *s = &np->sheet[def->file];
    const yaml_node_t *at = place_of(np, d);
    if (def->unsaid)
        def->nm = np->nm;
    def->unsaid = false;
    def->dhcp = has_dhcp(np, d);
    for (size_t i = 0; def->nm && i < np->parts; i++)
        if (np->part[i].def == d)
            take_passthrough(&np->sheet[np->part[i].file], def, np->part[i].value);
    if (def->set_name[0] && !def->match)
        bf_netplan_trouble(np, s, at, "%.60s has set-name without match", def->id);
    if (def->link[0] && !bf_netplan_find(np, def->link))
        bf_netplan_trouble(np, s, at, "%.60s lies on %.60s, which is not defined", def->id,
                           def->link);
    if (def->kind == BF_NETPLAN_VLAN && !def->link[0])
        bf_netplan_trouble(np, s, at, "%.60s has no link", def->id);
}

void bf_netplan_load(struct bf_fin *f, const struct bf_stack_ops *stack, struct bf_netplan *np)
{
    static const char split[] = "/lib/netplan", merged[] = "/usr/lib/netplan";
    const char *lib = bf_fin_root_is_dir(f->root, split) ? split : merged;
    struct bf_names upper = {0}, lower = {0};
    *np = (struct bf_netplan){.stack = stack, .def = calloc(BF_NETPLAN_DEFS, sizeof *np->def)};
    if (!np->def || bf_edits_list(&f->edits, BF_NETPLAN_ETC, ".yaml", &upper) ||
        bf_edits_list(&f->edits, lib, ".yaml", &lower))
        snprintf(np->trouble, sizeof np->trouble, "netplan: its files cannot be listed");
    else
        open_files(f, np, lib, &upper, &lower);
    bf_names_free(&upper);
    bf_names_free(&lower);
    for (size_t i = 0; i < np->files && !np->trouble[0]; i++)
        read_file(np, i);
    for (size_t i = 0; i < np->defs && !np->trouble[0]; i++)
        finish_def(np, &np->def[i]);
}

void bf_netplan_free(struct bf_netplan *np)
{
    for (size_t i = 0; i < np->files; i++)
        bf_sheet_close(&np->sheet[i]);
    free(np->sheet);
    free(np->def);
    free(np->part);
    *np = (struct bf_netplan){0};
}
