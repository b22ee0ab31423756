// SPDX-License-Identifier: Apache-2.0
// Open vSwitch: its bridges and ports are kept in a database, /etc/openvswitch/conf.db, which is
// read for what lies on what and never changed. The addresses of a bridge stand in the files of
// another stack; of one that has none there, nothing is known that could be rewritten.
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/stack.h"
#include "finalize/system/service.h"

#define CONF_DB "/etc/openvswitch/conf.db"
#define HEAD    "OVSDB JSON "

static bool in_use(struct bf_fin *f)
{
    static const char *const service[] = {"openvswitch", "ovs-vswitchd", "openvswitch-switch"};
    bool starts = false;
    for (size_t i = 0; i < BF_COUNT(service); i++)
        starts = starts || bf_service_starts(f, service[i]);
    return starts && bf_fin_root_exists(f->root, CONF_DB);
}

// ---- The database -------------------------------------------------------------------------------

// A row's references to other rows, ["uuid", ID] or ["set", [...]], are turned over in an object
// that has the IDs as keys: what is there goes, what is not comes.
static void toggle(json_t *ids, const json_t *value)
{
    const char *kind = json_string_value(json_array_get(value, 0));
    const json_t *list = json_array_get(value, 1);
    size_t count = kind && strcmp(kind, "set") == 0 ? json_array_size(list) : 1;
    for (size_t i = 0; kind && i < count; i++) {
        const json_t *id =
            strcmp(kind, "set") == 0 ? json_array_get(json_array_get(list, i), 1) : list;
        const char *text = json_string_value(id);
        if (text && json_object_del(ids, text))
            json_object_set_new(ids, text, json_true());
    }
}

static bool is_reference(const char *column)
{
    return strcmp(column, "ports") == 0 || strcmp(column, "interfaces") == 0;
}

// A record has of a row what changed; with "_is_diff", of references which were added or removed.
static void apply_row(json_t *table, const char *id, json_t *row, bool diff)
{
    const char *column;
    json_t *value, *has = json_object_get(table, id);
    if (json_is_null(row)) {
        json_object_del(table, id);
        return;
    }
    if (!has) {
        has = json_object();
        json_object_set_new(table, id, has);
    }
    json_object_foreach(row, column, value)
    {
        json_t *ids = is_reference(column) ? json_object_get(has, column) : NULL;
        if (!is_reference(column)) {
            json_object_set(has, column, value);
            continue;
        }
        if (!ids || !diff) {
            ids = json_object();
            json_object_set_new(has, column, ids);
        }
        toggle(ids, value);
    }
}

static void apply(json_t *base, const json_t *record)
{
    static const char *const tables[] = {"Bridge", "Port", "Interface"};
    bool diff = json_is_true(json_object_get(record, "_is_diff"));
    for (size_t t = 0; t < BF_COUNT(tables); t++) {
        json_t *table = json_object_get(base, tables[t]), *rows, *row;
        const char *id;
        rows = json_object_get(record, tables[t]);
        if (!table)
            json_object_set_new(base, tables[t], table = json_object());
        json_object_foreach(rows, id, row)
        {
            apply_row(table, id, row, diff);
        }
    }
}

// The next record, whose header has its length; NULL at the end, or where the rest is torn.
static json_t *next_record(const char *text, size_t size, size_t *pos)
{
    const char *at = text + *pos, *end = text + size;
    const char *line = memchr(at, '\n', (size_t)(end - at));
    if (!line || (size_t)(line - at) < strlen(HEAD) || memcmp(at, HEAD, strlen(HEAD)) != 0)
        return NULL;
    unsigned long len = strtoul(at + strlen(HEAD), NULL, 10);
    if (len > (size_t)(end - line - 1))
        return NULL;
    *pos = (size_t)(line + 1 - text) + len;
    return json_loadb(line + 1, len, 0, NULL);
}

// What the database has, freed by the caller. The first record is its schema.
static json_t *load(const char *text, size_t size)
{
    json_t *base = json_object(), *record;
    size_t pos = 0;
    for (size_t i = 0; (record = next_record(text, size, &pos)); i++) {
        if (i > 0)
            apply(base, record);
        json_decref(record);
    }
    return base;
}

// ---- What lies on what --------------------------------------------------------------------------

static void name_of(const json_t *row, char name[BF_IFNAME])
{
    const char *text = json_string_value(json_object_get(row, "name"));
    bf_net_copy(name, BF_IFNAME, text ? text : "", text ? strlen(text) : 0);
}

static struct bf_known *add(struct bf_net *net, const char *name)
{
    struct bf_known *k = name[0] ? bf_net_add(net, &bf_openvswitch, name, "") : NULL;
    if (k)
        bf_net_where(k, CONF_DB, 0);
    return k;
}

// Other stacks' files know the name, and not what it is.
static void tell(struct bf_net *net, const char *name, enum bf_known_kind kind, const char *master,
                 const char *parent)
{
    add(net, name);
    bf_net_describe(net, name, kind, master, parent);
}

// A port has one interface, or is a bond of several.
static void add_port(struct bf_net *net, const json_t *base, const json_t *port, const char *bridge)
{
    json_t *ids = json_object_get(port, "interfaces"), *interfaces, *unused;
    char name[BF_IFNAME], below[BF_IFNAME];
    const char *id;
    bool bond = json_object_size(ids) > 1;
    name_of(port, name);
    interfaces = json_object_get(base, "Interface");
    if (strcmp(name, bridge) == 0)
        return;
    if (bond)
        tell(net, name, BF_KNOWN_BOND, bridge, "");
    json_object_foreach(ids, id, unused)
    {
        const json_t *row = json_object_get(interfaces, id);
        const char *type = json_string_value(json_object_get(row, "type"));
        name_of(row, below);
        if (type && strcmp(type, "internal") == 0)
            tell(net, below, BF_KNOWN_VLAN, "", bridge);
        else
            tell(net, below, type && type[0] ? BF_KNOWN_OTHER : BF_KNOWN_HARDWARE,
                 bond ? name : bridge, "");
    }
}

static void add_bridges(struct bf_net *net, const json_t *base)
{
    json_t *bridge, *port, *ports = json_object_get(base, "Port");
    const char *id, *of;
    json_object_foreach(json_object_get(base, "Bridge"), id, bridge)
    {
        char name[BF_IFNAME];
        name_of(bridge, name);
        if (net->count == BF_NET_MAX || !name[0])
            continue;
        tell(net, name, BF_KNOWN_BRIDGE, "", "");
        json_object_foreach(json_object_get(bridge, "ports"), of, port)
        {
            if (net->count < BF_NET_MAX)
                add_port(net, base, json_object_get(ports, of), name);
        }
    }
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    struct bf_fault fault;
    size_t len;
    const char *text = bf_edits_get(&f->edits, CONF_DB, &len, &fault);
    if (!text) {
        bf_net_trouble(net, "Open vSwitch: " CONF_DB " cannot be read: %s", fault.what);
        return;
    }
    if (len < strlen(HEAD) || memcmp(text, HEAD, strlen(HEAD)) != 0) {
        bf_net_trouble(net, "Open vSwitch: " CONF_DB " is no database of one machine");
        return;
    }
    json_t *base = load(text, len);
    add_bridges(net, base);
    json_decref(base);
}

const struct bf_stack_ops bf_openvswitch = {
    .name = "openvswitch",
    .title = "Open vSwitch (" CONF_DB ")",
    .in_use = in_use,
    .scan = scan,
};
