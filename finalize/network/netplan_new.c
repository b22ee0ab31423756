// SPDX-License-Identifier: Apache-2.0
// Adds a definition to netplan's, in a file of its own. Where a pattern meant the device so far,
// the pattern's other settings come along: of all definitions that match, networkd takes one.
#include <stdio.h>
#include <string.h>

#include "finalize/network/netplan.h"

// Whether a later part, or a later key of this one, says the same once more.
static bool is_said_later(struct bf_netplan *np, size_t part, size_t child, const char *key)
{
    size_t def = np->part[part].def;
    for (size_t i = part; i < np->parts; i++) {
        const struct bf_netplan_part *p = &np->part[i];
        for (size_t k = i == part ? child + 1 : 0; p->def == def && k < bf_yaml_size(p->value); k++)
            if (strcmp(bf_yaml_text(bf_yaml_key(&np->sheet[p->file], p->value, k)), key) == 0)
                return true;
    }
    return false;
}

// What is the pattern's alone, or is written anew.
static bool is_left_out(const struct bf_netplan_new *w, const char *key)
{
    static const char *const own[] = {"match",    "set-name", "networkmanager",
                                      "renderer", "routes",   NULL};
    return bf_netplan_in_words(key, own) || bf_netplan_goes(w, key) ||
           (w->link->nic->new_mac[0] && strcmp(key, "macaddress") == 0);
}

static enum bf_err copy_settings(struct bf_netplan *np, const struct bf_netplan_def *like,
                                 struct bf_netplan_new *w, struct bf_text *out)
{
    for (size_t i = 0; i < np->parts; i++) {
        const struct bf_netplan_part *p = &np->part[i];
        struct bf_sheet *s = &np->sheet[p->file];
        for (size_t k = 0; &np->def[p->def] == like && k < bf_yaml_size(p->value); k++) {
            const char *key = bf_yaml_text(bf_yaml_key(s, p->value, k));
            yaml_node_t *value = bf_yaml_value(s, p->value, k);
            bool later = is_said_later(np, i, k, key);
            if (is_left_out(w, key) || (later && value->type == YAML_SCALAR_NODE))
                continue;
            if (later)
                return bf_refuse(w->f->report,
                                 "netplan: %s, line %u: %s of %s is said in several places, which "
                                 "is not copied for %s alone",
                                 s->path, bf_sheet_line(value), key, like->id, w->link->name);
            bf_textf(out, "      %s: ", key);
            bf_yaml_emit(s, out, value);
            bf_text_str(out, "\n");
            if (s->failed)
                return bf_refuse(w->f->report, "netplan: %s, line %u: %s of %s is too large",
                                 s->path, bf_sheet_line(value), key, like->id);
        }
    }
    return BF_OK;
}

struct routes {
    struct bf_text *out;
    bool all;
};

static void copy_routes(struct bf_sheet *s, yaml_node_t *list, void *arg)
{
    struct routes *r = arg;
    for (size_t i = 0; i < bf_yaml_size(list); i++) {
        yaml_node_t *route = bf_yaml_key(s, list, i);
        if (!r->all && bf_netplan_is_default(s, route))
            continue;
        bf_text_str(r->out, "      - ");
        bf_yaml_emit(s, r->out, route);
        bf_text_str(r->out, "\n");
    }
}

// The plan's default routes and those that the pattern's definition has besides.
static void put_routes(struct bf_netplan *np, const struct bf_netplan_def *like,
                       const struct bf_netplan_new *w, struct bf_text *out)
{
    struct bf_text list = {0};
    struct routes routes = {.out = &list, .all = !w->addresses};
    if (w->addresses)
        bf_netplan_route_lines(&list, w->link->nic, 6);
    if (like)
        bf_netplan_each(np, like, "routes", copy_routes, &routes);
    if (list.len)
        bf_textf(out, "      routes:\n%s", bf_text_get(&list));
    out->failed = out->failed || list.failed;
    bf_text_free(&list);
}

static void keep_servers(struct bf_sheet *s, yaml_node_t *servers, void *arg)
{
    struct bf_netplan_new *w = arg;
    static const char *const keys[] = {"addresses", "search"};
    for (size_t k = 0; k < 2; k++) {
        yaml_node_t *list = bf_yaml_get(s, servers, keys[k]);
        struct bf_text *out = k ? &w->search : &w->dns;
        for (size_t i = 0; i < bf_yaml_size(list); i++) {
            bf_text_str(out, out->len ? ", " : "");
            bf_yaml_emit(s, out, bf_yaml_key(s, list, i));
        }
    }
}

// 90-bootferry.yaml, or one with the id in its name where an earlier plan took that.
static void free_path(struct bf_fin *f, const char *id, char *path, size_t size)
{
    struct bf_fault fault;
    size_t len;
    snprintf(path, size, BF_NETPLAN_ETC "/90-bootferry.yaml");
    if (bf_edits_get(&f->edits, path, &len, &fault) || fault.code != BF_ERR_NOT_FOUND)
        snprintf(path, size, BF_NETPLAN_ETC "/90-bootferry-%.200s.yaml", id);
}

// A definition without a match means the device that is called like its id.
static void put_name(const struct bf_netplan_new *w, const char *id, struct bf_text *out)
{
    if (!bf_nic_mac(w->link->nic)[0] && w->set_name[0] && strcmp(w->set_name, id) != 0)
        bf_textf(out, "      match:\n        name: \"%s\"\n", w->set_name);
}

static enum bf_err write_file(struct bf_netplan *np, const char *id,
                              const struct bf_netplan_def *like, struct bf_netplan_new *w,
                              struct bf_text *out)
{
    bf_textf(out, "# Written by bootferry-finalize.\nnetwork:\n  version: 2\n  %s:\n    %s:\n",
             like ? like->section : "ethernets", id);
    if (like && like->nm != np->nm)
        bf_textf(out, "      renderer: %s\n", like->nm ? "NetworkManager" : "networkd");
    bf_netplan_lines(out, w, 6, false);
    put_routes(np, like, w, out);
    put_name(w, id, out); // where a second run leaves it
    enum bf_err err = like ? copy_settings(np, like, w, out) : BF_OK;
    if (w->first)
        bf_text_str(out, "      networkmanager:\n        passthrough:\n"
                         "          connection.autoconnect-priority: \"100\"\n");
    return err;
}

enum bf_err bf_netplan_create(struct bf_netplan *np, const char *id,
                              const struct bf_netplan_def *like, struct bf_netplan_new *w)
{
    char path[512];
    struct bf_text out = {0};
    w->had_dhcp = like && like->dhcp;
    if (like && w->addresses)
        bf_netplan_each(np, like, "nameservers", keep_servers, w);
    enum bf_err err = write_file(np, id, like, w, &out);
    free_path(w->f, id, path, sizeof path);
    if (!err)
        err = bf_fin_set_mode(w->f, path, &out, 0600, "addresses as planned");
    bf_text_free(&out);
    return err;
}
