// SPDX-License-Identifier: Apache-2.0
// netplan: /etc/netplan/*.yaml. libyaml tells where each key stands; the lines of the keys that go
// are cut out and new ones are put below the interface's own line, so comments and everything else
// keep their bytes. netplan merges its files key by key, so an interface is cleaned in every file
// and written in one. A file in flow style ({...}), with anchors, or that libyaml rejects, is
// refused.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/bytes.h"
#include "finalize/network/stack.h"
#include "finalize/core/yaml_limit.h"

#define DIR       "/etc/netplan"
#define LINES_MAX 20000
#define NODES_MAX 200000 // visited in one entry; aliases make few lines into many nodes

// A parsed file with its lines.
struct sheet {
    yaml_document_t doc;
    const char *text; // owned by the edit set
    size_t len;
    struct bf_line *line;
    size_t lines;
    size_t visited;        // nodes of the entry at work
    bool *cut;             // lines that go
    struct bf_text *after; // text that is put after a line
};

static void close_sheet(struct sheet *s)
{
    yaml_document_delete(&s->doc);
    for (size_t i = 0; s->after && i < s->lines; i++)
        bf_text_free(&s->after[i]);
    free(s->after);
    free(s->cut);
    free(s->line);
}

static enum bf_err split_lines(struct sheet *s)
{
    size_t pos = 0;
    struct bf_line line;
    s->line = calloc(LINES_MAX, sizeof *s->line);
    while (s->line && s->lines < LINES_MAX && bf_line_next(s->text, s->len, &pos, &line))
        s->line[s->lines++] = line;
    s->cut = calloc(s->lines + 1, sizeof *s->cut);
    s->after = calloc(s->lines + 1, sizeof *s->after);
    if (!s->line || !s->cut || !s->after)
        return BF_ERR_NO_MEMORY;
    return pos < s->len ? BF_ERR_LIMIT : BF_OK;
}

// Fails for what is no YAML or too much of it, with nothing to close.
static enum bf_err open_sheet(struct bf_fin *f, const char *path, struct sheet *s)
{
    yaml_parser_t parser;
    *s = (struct sheet){0};
    s->text = bf_edits_get(&f->edits, path, &s->len, NULL);
    const char *excess = s->text ? bf_yaml_excess(s->text, s->len) : NULL;
    if (excess)
        bf_budget_exceed(&f->budget, path, excess);
    if (!s->text || excess || !yaml_parser_initialize(&parser))
        return BF_ERR_CORRUPT;
    yaml_parser_set_input_string(&parser, (const unsigned char *)s->text, s->len);
    bool ok = yaml_parser_load(&parser, &s->doc);
    yaml_parser_delete(&parser);
    if (!ok)
        return BF_ERR_CORRUPT;
    enum bf_err err = split_lines(s);
    if (err)
        close_sheet(s);
    return err;
}

static yaml_node_t *node(struct sheet *s, int id)
{
    return yaml_document_get_node(&s->doc, id);
}

static const char *scalar(const yaml_node_t *n)
{
    return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : "";
}

#define EACH_PAIR(map, pair)                                                                       \
    (yaml_node_pair_t *pair = (map)->data.mapping.pairs.start;                                     \
     pair < (map)->data.mapping.pairs.top; pair++)
#define EACH_ITEM(seq, item)                                                                       \
    (yaml_node_item_t *item = (seq)->data.sequence.items.start;                                    \
     item < (seq)->data.sequence.items.top; item++)

static bool is_map(const yaml_node_t *n)
{
    return n && n->type == YAML_MAPPING_NODE;
}

static bool is_list(const yaml_node_t *n)
{
    return n && n->type == YAML_SEQUENCE_NODE;
}

// The pair of a key in a mapping, or NULL.
static yaml_node_pair_t *pair_of(struct sheet *s, yaml_node_t *map, const char *key)
{
    if (is_map(map))
        for
            EACH_PAIR(map, p)
    if (strcmp(scalar(node(s, p->key)), key) == 0)
        return p;
    return NULL;
}

static yaml_node_t *value_of(struct sheet *s, yaml_node_t *map, const char *key)
{
    yaml_node_pair_t *p = pair_of(s, map, key);
    return p ? node(s, p->value) : NULL;
}

// The last line that a node stands on. A block mapping's own end mark lies after the comments
// behind it, so its children are asked. Aliases may lead back or fan out without end, so depth and
// visits are bounded.
static size_t last_line(struct sheet *s, const yaml_node_t *n, int depth)
{
    size_t last = n->start_mark.line;
    bool flow =
        (n->type == YAML_MAPPING_NODE && n->data.mapping.style == YAML_FLOW_MAPPING_STYLE) ||
        (n->type == YAML_SEQUENCE_NODE && n->data.sequence.style == YAML_FLOW_SEQUENCE_STYLE);
    if (n->type == YAML_SCALAR_NODE || flow || depth > 64 || ++s->visited > NODES_MAX) {
        last = n->end_mark.line;
        return last > n->start_mark.line && n->end_mark.column == 0 ? last - 1 : last;
    }
    if (is_map(n))
        for
            EACH_PAIR(n, p)
            {
                size_t end = last_line(s, node(s, p->value), depth + 1);
                last = end > last ? end : last;
            }
    if (is_list(n))
        for
            EACH_ITEM(n, i)
            {
                size_t end = last_line(s, node(s, *i), depth + 1);
                last = end > last ? end : last;
            }
    return last;
}

static void cut_lines(struct sheet *s, size_t from, size_t to)
{
    for (size_t i = from; i <= to && i < s->lines; i++)
        s->cut[i] = true;
}

static void cut_pair(struct sheet *s, const yaml_node_pair_t *p)
{
    cut_lines(s, node(s, p->key)->start_mark.line, last_line(s, node(s, p->value), 0));
}

static enum bf_err each_file(struct bf_fin *f,
                             enum bf_err (*visit)(struct bf_fin *, const char *, void *), void *arg)
{
    struct bf_names names;
    enum bf_err err = BF_OK;
    if (bf_edits_list(&f->edits, DIR, ".yaml", &names))
        return BF_OK;
    for (size_t i = 0; i < names.count && !err; i++) {
        char path[512];
        snprintf(path, sizeof path, DIR "/%.250s", names.name[i]);
        err = visit(f, path, arg);
    }
    bf_names_free(&names);
    return err;
}

static const struct {
    const char *key;
    enum bf_known_kind kind;
} made_kinds[] = {{"bridges", BF_KNOWN_BRIDGE}, {"bonds", BF_KNOWN_BOND},
                  {"vlans", BF_KNOWN_VLAN},     {"tunnels", BF_KNOWN_OTHER},
                  {"vrfs", BF_KNOWN_OTHER},     {"dummy-devices", BF_KNOWN_OTHER}};

static void scan_masters(struct sheet *s, struct bf_net *net, yaml_node_t *kind,
                         enum bf_known_kind made)
{
    for
        EACH_PAIR(kind, p)
        {
            const char *master = scalar(node(s, p->key));
            struct bf_known *k = bf_net_add(net, &bf_netplan, master, "");
            if (k)
                k->kind = made;
            yaml_node_t *ports = value_of(s, node(s, p->value), "interfaces");
            if (!is_list(ports))
                continue;
        for
            EACH_ITEM(ports, i)
            {
                k = bf_net_add(net, &bf_netplan, scalar(node(s, *i)), "");
                if (k)
                    bf_net_copy(k->master, sizeof k->master, master, strlen(master));
            }
        }
}

static void scan_ethernets(struct sheet *s, struct bf_net *net, yaml_node_t *ethernets)
{
    for
        EACH_PAIR(ethernets, p)
        {
            yaml_node_t *entry = node(s, p->value), *match = value_of(s, entry, "match");
            const char *id = scalar(node(s, p->key)),
                       *mac = scalar(value_of(s, match, "macaddress"));
            if (strlen(id) >= BF_IFNAME)
                continue;
            struct bf_known *k =
                bf_net_add(net, &bf_netplan, id, strlen(mac) == BF_MAC_TEXT - 1 ? mac : "");
            const char *name = scalar(value_of(s, entry, "set-name"));
            if (k)
                bf_net_copy(k->alias, sizeof k->alias, name, strlen(name));
        }
}

static enum bf_err scan_file(struct bf_fin *f, const char *path, void *arg)
{
    struct sheet s;
    struct bf_net *net = arg;
    if (open_sheet(f, path, &s)) {
        bf_net_trouble(net, "netplan: %s is not valid YAML", path);
        return BF_OK;
    }
    yaml_node_t *network = value_of(&s, yaml_document_get_root_node(&s.doc), "network"), *kind;
    if (is_map(kind = value_of(&s, network, "ethernets")))
        scan_ethernets(&s, net, kind);
    for (size_t i = 0; i < BF_COUNT(made_kinds); i++)
        if (is_map(kind = value_of(&s, network, made_kinds[i].key)))
            scan_masters(&s, net, kind, made_kinds[i].kind);
    close_sheet(&s);
    return BF_OK;
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    each_file(f, scan_file, net);
}

// What is done to one interface over all files.
struct rewrite {
    struct bf_old *old; // gets the addresses that go
    const struct bf_link *link;
    const char *id;
    bool hardware;  // write match and set-name
    bool addresses; // write the planned addresses
    bool placed;
    bool matched;               // the old entry has a match: its id is not the interface's name
    char set_name[BF_IFNAME];   // of the old entry, or ""
    struct bf_text dns, search; // of the old nameservers, as flow lists
    const char *odd;
};

static bool in_words(const char *key, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(*words, key) == 0)
            return true;
    return false;
}

static bool key_goes(const struct rewrite *rw, const char *key)
{
    static const char *const address[] = {"dhcp4",           "dhcp6",    "addresses",
                                          "gateway4",        "gateway6", "dhcp4-overrides",
                                          "dhcp6-overrides", NULL};
    const struct bf_plan_nic *nic = rw->link->nic;
    if (rw->addresses && in_words(key, address))
        return true;
    if (rw->addresses && strcmp(key, "nameservers") == 0)
        return nic->dns_count > 0 || nic->search_count > 0 || nic->dhcp;
    if (rw->hardware && bf_nic_mac(nic)[0] &&
        (strcmp(key, "match") == 0 || strcmp(key, "set-name") == 0))
        return true;
    return nic->new_mac[0] && rw->hardware && strcmp(key, "macaddress") == 0;
}

static void keep_list(struct sheet *s, struct bf_text *out, yaml_node_t *list)
{
    if (!is_list(list))
        return;
    for
        EACH_ITEM(list, i)
        {
            const char *value = scalar(node(s, *i));
            if (value[0] && !strpbrk(value, "\"\\\n"))
                bf_textf(out, "%s\"%s\"", out->len ? ", " : "", value);
        }
}

static void take_addresses(struct sheet *s, struct rewrite *rw, yaml_node_t *list)
{
    if (!is_list(list))
        return;
    for
        EACH_ITEM(list, i)
        {
            yaml_node_t *n = node(s, *i);
            // "192.0.2.5/24": {label: ...} is an address with options.
            if (is_map(n) && n->data.mapping.pairs.start < n->data.mapping.pairs.top)
                n = node(s, n->data.mapping.pairs.start->key);
            bf_old_add(rw->old, scalar(n), strlen(scalar(n)));
        }
}

static bool is_default(const char *to)
{
    return strcmp(to, "default") == 0 || strcmp(to, "0.0.0.0/0") == 0 || strcmp(to, "::/0") == 0;
}

static void write_routes(struct bf_text *out, const struct bf_plan_nic *nic, size_t column)
{
    if (nic->gateway4[0])
        bf_textf(out, "%*s- to: 0.0.0.0/0\n%*s  via: %s\n", (int)column, "", (int)column, "",
                 nic->gateway4);
    if (nic->gateway6[0])
        bf_textf(out, "%*s- to: \"::/0\"\n%*s  via: \"%s\"\n", (int)column, "", (int)column, "",
                 nic->gateway6);
}

// Default routes leave the list; new ones join it when others stay. True when the list goes as a
// whole.
static bool clean_routes(struct sheet *s, struct rewrite *rw, yaml_node_pair_t *p)
{
    yaml_node_t *list = node(s, p->value);
    size_t stay = 0, dash = 0;
    if (!is_list(list) || list->data.sequence.style == YAML_FLOW_SEQUENCE_STYLE) {
        rw->odd = "routes in flow style";
        return false;
    }
    for
        EACH_ITEM(list, i)
    stay += !is_default(scalar(value_of(s, node(s, *i), "to")));
    if (stay == 0)
        return true;
    for
        EACH_ITEM(list, i)
        {
            yaml_node_t *route = node(s, *i);
            size_t at = route->start_mark.line;
            if (is_default(scalar(value_of(s, route, "to"))))
                cut_lines(s, at, last_line(s, route, 0));
            const char *d = at < s->lines ? memchr(s->line[at].at, '-', s->line[at].len) : NULL;
            dash = d ? (size_t)(d - s->line[at].at) : dash;
        }
    size_t key = node(s, p->key)->start_mark.line;
    if (key < s->lines)
        write_routes(&s->after[key], rw->link->nic, dash);
    return false;
}

static void write_list(struct bf_text *out, size_t column, const char *key, const char *items)
{
    bf_textf(out, "%*s%s: [%s]\n", (int)column, "", key, items);
}

static void write_dns(struct bf_text *out, struct rewrite *rw, size_t column)
{
    const struct bf_plan_nic *nic = rw->link->nic;
    struct bf_text dns = {0}, search = {0};
    for (size_t i = 0; i < nic->dns_count; i++)
        bf_textf(&dns, "%s\"%s\"", i ? ", " : "", nic->dns[i]);
    for (size_t i = 0; i < nic->search_count; i++)
        bf_textf(&search, "%s%s", i ? ", " : "", nic->search[i]);
    const struct bf_text *d = dns.len || nic->dhcp ? &dns : &rw->dns;
    const struct bf_text *h = search.len || nic->dhcp ? &search : &rw->search;
    if ((dns.len || search.len) && (d->len || h->len)) {
        bf_textf(out, "%*snameservers:\n", (int)column, "");
        if (d->len)
            write_list(out, column + 2, "addresses", bf_text_get(d));
        if (h->len)
            write_list(out, column + 2, "search", bf_text_get(h));
    }
    bf_text_free(&dns);
    bf_text_free(&search);
}

static void write_entry(struct bf_text *out, struct rewrite *rw, size_t column, bool routes)
{
    const struct bf_plan_nic *nic = rw->link->nic;
    const char *mac = bf_nic_mac(nic);
    int c = (int)column;
    // Without a match the id was the name; with one, only set-name gave it a name.
    const char *name = rw->set_name[0] || rw->matched ? rw->set_name : rw->id;
    if (rw->hardware && mac[0])
        bf_textf(out, "%*smatch:\n%*s  macaddress: \"%s\"\n", c, "", c, "", mac);
    if (rw->hardware && mac[0] && name[0])
        bf_textf(out, "%*sset-name: %s\n", c, "", name);
    if (!rw->addresses)
        return;
    bf_textf(out, "%*sdhcp4: %s\n", c, "", nic->dhcp ? "true" : "false");
    if (nic->dhcp && !bf_nic_address(nic, AF_INET6))
        bf_textf(out, "%*sdhcp6: true\n", c, "");
    if (nic->addresses)
        bf_textf(out, "%*saddresses:\n", c, "");
    for (size_t i = 0; i < nic->addresses; i++)
        bf_textf(out, "%*s- \"%s/%u\"\n", c, "", nic->address[i].text, nic->address[i].prefix);
    write_dns(out, rw, column);
    if (routes && (nic->gateway4[0] || nic->gateway6[0])) {
        bf_textf(out, "%*sroutes:\n", c, "");
        write_routes(out, nic, column);
    }
}

// Whether the entry's lines can be cut one by one: block style, one key per line, no anchors.
static bool is_plain(struct sheet *s, const yaml_node_pair_t *p)
{
    yaml_node_t *key = node(s, p->key), *entry = node(s, p->value);
    size_t row = key->start_mark.line, last;
    if (row >= s->lines || s->line[row].len < key->start_mark.column ||
        strspn(s->line[row].at, " ") != key->start_mark.column)
        return false;
    s->visited = 0;
    last = last_line(s, entry, 0);
    if (s->visited > NODES_MAX)
        return false;
    for (size_t i = row; i <= last && i < s->lines; i++)
        if (memmem(s->line[i].at, s->line[i].len, ": &", 3) ||
            memmem(s->line[i].at, s->line[i].len, ": *", 3) ||
            memmem(s->line[i].at, s->line[i].len, "<<", 2))
            return false;
    return !is_map(entry) || entry->data.mapping.style != YAML_FLOW_MAPPING_STYLE ||
           entry->data.mapping.pairs.start == entry->data.mapping.pairs.top;
}

static void take_old(struct sheet *s, struct rewrite *rw, yaml_node_t *entry)
{
    yaml_node_t *servers = value_of(s, entry, "nameservers");
    const char *name = scalar(value_of(s, entry, "set-name"));
    rw->matched = rw->matched || value_of(s, entry, "match");
    if (name[0] && strlen(name) < sizeof rw->set_name)
        snprintf(rw->set_name, sizeof rw->set_name, "%s", name);
    if (!rw->addresses)
        return;
    take_addresses(s, rw, value_of(s, entry, "addresses"));
    keep_list(s, &rw->dns, value_of(s, servers, "addresses"));
    keep_list(s, &rw->search, value_of(s, servers, "search"));
}

// The entry in one file: old keys out, and the new ones in if this is the first file that has it.
static void rewrite_entry(struct sheet *s, struct rewrite *rw, yaml_node_pair_t *p)
{
    yaml_node_t *key = node(s, p->key), *entry = node(s, p->value);
    size_t row = key->start_mark.line, column = key->start_mark.column + 2, kept = 0, keys = 0;
    bool routes = true;
    if (!is_plain(s, p)) {
        rw->odd = "an entry in flow style or with anchors";
        return;
    }
    if (is_map(entry))
        for
            EACH_PAIR(entry, child)
            {
                const char *name = scalar(node(s, child->key));
                column = keys++ == 0 ? node(s, child->key)->start_mark.column : column;
                bool goes = key_goes(rw, name);
                if (rw->addresses && strcmp(name, "routes") == 0) {
                    goes = clean_routes(s, rw, child);
                    routes = goes;
                }
                if (goes)
                    cut_pair(s, child);
                kept += !goes;
            }
    bool body = !rw->placed || kept > 0;
    if (keys == 0 || !body) {
        // "eth0: {}" or "eth0:" on one line: written anew, with or without a body.
        s->cut[row] = true;
        bf_textf(&s->after[row], "%*s%s:%s\n", (int)key->start_mark.column, "", rw->id,
                 body ? "" : " {}");
    }
    if (!rw->placed)
        write_entry(&s->after[row], rw, column, routes);
    rw->placed = true;
}

static enum bf_err save_sheet(struct bf_fin *f, struct sheet *s, const char *path)
{
    struct bf_text out = {0};
    for (size_t i = 0; i < s->lines; i++) {
        if (!s->cut[i])
            bf_text_add(&out, s->line[i].at, s->line[i].full);
        if (s->after[i].len && out.len && out.data[out.len - 1] != '\n')
            bf_text_str(&out, "\n");
        bf_text_add(&out, bf_text_get(&s->after[i]), s->after[i].len);
    }
    enum bf_err err = bf_fin_set(f, path, &out, "addresses as planned");
    bf_text_free(&out);
    return err;
}

static yaml_node_pair_t *entry_of(struct sheet *s, const char *id)
{
    static const char *const kinds[] = {"ethernets", "bridges", "bonds", "vlans", "wifis"};
    yaml_node_t *network = value_of(s, yaml_document_get_root_node(&s->doc), "network");
    for (size_t i = 0; i < BF_COUNT(kinds); i++) {
        yaml_node_pair_t *p = pair_of(s, value_of(s, network, kinds[i]), id);
        if (p)
            return p;
    }
    return NULL;
}

// First all files are asked what they hold, since the old name servers may stand in a later one.
static enum bf_err gather_file(struct bf_fin *f, const char *path, void *arg)
{
    struct sheet s;
    struct rewrite *rw = arg;
    if (open_sheet(f, path, &s))
        return BF_OK;
    yaml_node_pair_t *p = entry_of(&s, rw->id);
    if (p && is_map(node(&s, p->value)))
        take_old(&s, rw, node(&s, p->value));
    close_sheet(&s);
    return BF_OK;
}

static enum bf_err rewrite_file(struct bf_fin *f, const char *path, void *arg)
{
    struct sheet s;
    struct rewrite *rw = arg;
    enum bf_err err = BF_OK;
    if (open_sheet(f, path, &s))
        return BF_OK; // said by the scan
    yaml_node_pair_t *p = entry_of(&s, rw->id);
    if (p)
        rewrite_entry(&s, rw, p);
    if (rw->odd)
        err = bf_refuse(f->report, "netplan: %s has %s for %s, which is not rewritten", path,
                        rw->odd, rw->id);
    else if (p)
        err = save_sheet(f, &s, path);
    close_sheet(&s);
    return err;
}

static enum bf_err create_file(struct bf_fin *f, struct rewrite *rw)
{
    struct bf_text out = {0};
    bf_textf(&out,
             "# Written by bootferry-finalize.\nnetwork:\n  version: 2\n  ethernets:\n    %s:\n",
             rw->id);
    write_entry(&out, rw, 6, true);
    enum bf_err err =
        bf_fin_set_mode(f, DIR "/90-bootferry.yaml", &out, 0600, "addresses as planned");
    bf_text_free(&out);
    return err;
}

static enum bf_err adapt_id(struct bf_fin *f, struct bf_old *old, const struct bf_link *link,
                            const char *id, bool hardware, bool addresses)
{
    struct rewrite rw = {
        .old = old, .link = link, .id = id, .hardware = hardware, .addresses = addresses};
    enum bf_err err = each_file(f, gather_file, &rw);
    if (!err)
        err = each_file(f, rewrite_file, &rw);
    if (!err && !rw.placed)
        err = create_file(f, &rw);
    bf_text_free(&rw.dns);
    bf_text_free(&rw.search);
    return err;
}

static enum bf_err adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    bool addresses = bf_nic_readdresses(link->nic);
    if (strcmp(link->name, link->carrier) == 0)
        return adapt_id(f, old, link, link->name, true, addresses);
    enum bf_err err = adapt_id(f, old, link, link->name, true, false);
    return err || !addresses ? err : adapt_id(f, old, link, link->carrier, false, true);
}

static bool in_use(struct bf_fin *f)
{
    static const char *const netplan[] = {"/usr/sbin/netplan", "/usr/libexec/netplan/generate",
                                          "/lib/netplan/generate", "/usr/lib/netplan/generate",
                                          NULL};
    struct bf_names yaml;
    if (!bf_fin_root_any(f->root, netplan) || bf_fin_root_list(f->root, DIR, ".yaml", &yaml))
        return false;
    bool any = yaml.count > 0;
    bf_names_free(&yaml);
    return any;
}

const struct bf_stack_ops bf_netplan = {
    .name = "netplan",
    .title = "netplan",
    .names_links = true,
    .in_use = in_use,
    .scan = scan,
    .adapt = adapt,
};
