// SPDX-License-Identifier: Apache-2.0
// The network's step: what the stacks say is gathered, resolve.c decides which interface each
// planned one is, its stack rewrites its files, and what they say then is read once more.
#include "finalize/network/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/core/journal.h"
#include "finalize/network/steps.h"
#include "finalize/network/stack.h"

void bf_inspect_network(struct bf_fin *f)
{
    f->system.net = calloc(1, sizeof *f->system.net);
    if (f->system.net)
        bf_network_scan(f, f->system.net);
    if (f->system.net && f->system.net->trouble[0])
        bf_note(f->report, "skipped", "network", "%s", f->system.net->trouble);
}

static json_t *known_json(const struct bf_known *k)
{
    json_t *address = json_array();
    for (size_t i = 0; i < k->addresses; i++)
        json_array_append_new(address, json_string(k->address[i]));
    static const char *const kind[] = {"hardware", "bridge", "bond", "vlan", "other"};
    json_t *o = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:b,s:b,s:o,s:s,s:i}", "name", k->name, "mac", k->mac, "kind",
        kind[k->kind], "configured_by", k->stack ? k->stack->name : "none", "master", k->master,
        "parent", k->parent, "virtual", k->kind != BF_KNOWN_HARDWARE, "pattern", k->pattern, "dhcp",
        k->dhcp, "addresses", address, "file", k->file, "line", (int)k->line);
    if (k->stack)
        json_object_set_new(o, "addresses_known", json_boolean(k->stack->adapt));
    if (k->gateway4[0])
        json_object_set_new(o, "gateway4", json_string(k->gateway4));
    if (k->gateway6[0])
        json_object_set_new(o, "gateway6", json_string(k->gateway6));
    return o;
}

// The stacks from the one that is asked last.
json_t *bf_network_json(const struct bf_net *net)
{
    json_t *stacks = json_array(), *list = json_array();
    for (size_t i = net ? net->stacks : 0; i > 0; i--)
        json_array_append_new(stacks, json_string(net->stack[i - 1]->name));
    for (size_t i = 0; net && i < net->count; i++)
        json_array_append_new(list, known_json(&net->known[i]));
    return json_pack("{s:o,s:o}", "stacks", stacks, "interfaces", list);
}

static enum bf_err resolve_all(struct bf_fin *f, const struct bf_net *net, struct bf_link *link)
{
    struct bf_journal journal;
    enum bf_err err = bf_journal_load(&journal, f->root, f->report);
    if (!err)
        err = bf_network_resolve(f, net, json_object_get(journal.json, "macs"), link);
    for (size_t i = 0; !err && i < f->plan->nics; i++) {
        const struct bf_plan_nic *nic = &f->plan->nic[i];
        const char *mac = nic->new_mac[0] ? nic->new_mac : link[i].old_mac;
        const char *found = link[i].carrier[0] ? link[i].carrier : mac;
        if (nic->mac[0] && nic->new_mac[0])
            bf_edits_moved_mac(&f->edits, nic->mac, nic->new_mac);
        if (nic->old_address[0] && found[0])
            bf_edits_moved_ip(&f->edits, nic->old_address, found);
    }
    bf_journal_free(&journal);
    return err;
}

static bool same_gateway(const char *planned, const char *present)
{
    return !planned[0] || (present[0] && bf_net_same_ip(planned, present));
}

static bool has_planned(const struct bf_known *k, const struct bf_address *a)
{
    char text[BF_CIDR_TEXT + 16];
    snprintf(text, sizeof text, "/%u", a->prefix);
    for (size_t i = 0; i < k->addresses; i++) {
        const char *slash = strchr(k->address[i], '/');
        if (slash && strcmp(slash, text) == 0 && bf_net_same_ip(k->address[i], a->text))
            return true;
    }
    return false;
}

// Whether the carrier gets at boot what is planned for it, as it is.
static bool is_as_planned(const struct bf_link *link)
{
    const struct bf_plan_nic *nic = link->nic;
    const struct bf_known *k = link->known;
    bool same = k && bf_nic_readdresses(nic) && k->dhcp == nic->dhcp &&
                k->addresses == nic->addresses && !nic->dns_count && !nic->search_count &&
                same_gateway(nic->gateway4, k->gateway4) &&
                same_gateway(nic->gateway6, k->gateway6);
    for (size_t a = 0; same && a < nic->addresses; a++)
        same = has_planned(k, &nic->address[a]);
    return same;
}

// Has the stack rewrite its files. An interface that has its planned addresses already is only
// found again: its files keep their bytes, and what the plan leaves out stays.
static enum bf_err adapt_link(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    if (!link->settled)
        return link->stack->adapt(f, link, old);
    struct bf_plan_nic nic = *link->nic;
    struct bf_link found = *link;
    nic.dhcp = false;
    nic.addresses = 0;
    nic.gateway4[0] = nic.gateway6[0] = 0;
    found.nic = &nic;
    return link->stack->adapt(f, &found, old);
}

static bool is_planned(const struct bf_plan *plan, const char *cidr)
{
    for (size_t n = 0; n < plan->nics; n++)
        for (size_t a = 0; a < plan->nic[n].addresses; a++)
            if (bf_net_same_ip(plan->nic[n].address[a].text, cidr))
                return true;
    return false;
}

// What the carriers had, and what the stacks gave up besides, is what /etc/hosts and the rest of
// the configuration are searched for.
static void old_of_link(const struct bf_plan *plan, const struct bf_link *link, struct bf_old *old)
{
    const struct bf_known *k = link->known;
    for (size_t i = 0; k && bf_nic_readdresses(link->nic) && i < k->addresses; i++)
        if (!is_planned(plan, k->address[i]))
            bf_old_add(old, k->address[i], strlen(k->address[i]));
    if (link->nic->new_mac[0] && link->old_mac[0] &&
        strcmp(link->nic->new_mac, link->old_mac) != 0 && old->macs < BF_PLAN_NICS)
        memcpy(old->mac[old->macs++], link->old_mac, BF_MAC_TEXT);
}

static bool is_kept_server(const struct bf_plan *plan, const char *server)
{
    for (size_t n = 0; n < plan->nics; n++)
        for (size_t d = 0; d < plan->nic[n].dns_count; d++)
            if (strcmp(plan->nic[n].dns[d], server) == 0)
                return true;
    return false;
}

// The name servers of resolv.conf, where the plan has others.
static void old_servers(struct bf_fin *f, struct bf_old *old)
{
    size_t len, pos = 0, n;
    struct bf_line line;
    bool planned = false;
    const char *text = bf_edits_get(&f->edits, "/etc/resolv.conf", &len, NULL);
    for (size_t i = 0; i < f->plan->nics; i++)
        planned = planned || f->plan->nic[i].dns_count;
    while (text && planned && bf_line_next(text, len, &pos, &line)) {
        const char *at = line.at, *w;
        if (!bf_word_next(&at, line.at + line.len, &w, &n) || !bf_word_is(w, n, "nameserver") ||
            !bf_word_next(&at, line.at + line.len, &w, &n) || old->servers == BF_PLAN_DNS ||
            n >= INET6_ADDRSTRLEN)
            continue;
        char *server = old->server[old->servers];
        memcpy(server, w, n);
        server[n] = 0;
        old->servers += !is_kept_server(f->plan, server) && strcmp(server, "127.0.0.53") != 0;
    }
}

// Whether a planned address is this one, or lies in one network with it.
static bool stays_near(const struct bf_plan *plan, const char *ip)
{
    for (size_t n = 0; n < plan->nics; n++)
        for (size_t a = 0; a < plan->nic[n].addresses; a++)
            if (bf_address_reaches(&plan->nic[n].address[a], ip))
                return true;
    return false;
}

static bool is_new_mac(const struct bf_plan *plan, const char *mac)
{
    for (size_t n = 0; n < plan->nics; n++)
        if (strcmp(bf_nic_mac(&plan->nic[n]), mac) == 0)
            return true;
    return false;
}

// The stacks give up all that they rewrite. What the plan has once more, maybe for another
// interface, is not old, and a network in which the machine has an address is not left.
static void keep_planned(const struct bf_plan *plan, struct bf_old *old)
{
    size_t n = 0, macs = 0;
    for (size_t i = 0; i < old->count; i++) {
        if (is_planned(plan, old->address[i]))
            continue;
        memmove(old->address[n], old->address[i], sizeof old->address[n]);
        old->prefix[n++] = stays_near(plan, old->address[i]) ? 0 : old->prefix[i];
    }
    for (size_t i = 0; i < old->macs; i++)
        if (!is_new_mac(plan, old->mac[i]))
            memmove(old->mac[macs++], old->mac[i], sizeof old->mac[i]);
    old->count = n;
    old->macs = macs;
}

// Which cards there are is asked of the files as they will be, so that a second run finds the same.
static enum bf_err adapt_naming(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    struct bf_net *before = f->system.net, *after = calloc(1, sizeof *after);
    if (!after)
        return bf_fail(f->report, "out of memory");
    bf_network_scan(f, after);
    f->system.net = after;
    enum bf_err err = bf_naming_adapt(f, link, links);
    f->system.net = before;
    free(after);
    return err;
}

static enum bf_err adapt_links(struct bf_fin *f, const struct bf_net *net, struct bf_link *link,
                               struct bf_old *old)
{
    size_t count = f->plan->nics;
    old_servers(f, old);
    enum bf_err err = resolve_all(f, net, link);
    for (size_t i = 0; i < net->stacks && !err; i++)
        if (net->stack[i]->follow)
            err = net->stack[i]->follow(f, link, count);
    for (size_t i = 0; i < count && !err; i++) {
        link[i].settled = is_as_planned(&link[i]);
        old_of_link(f->plan, &link[i], old);
        err = adapt_link(f, &link[i], old);
    }
    keep_planned(f->plan, old);
    if (!err)
        err = adapt_naming(f, link, count);
    if (!err)
        err = bf_leases_adapt(f, link, count);
    if (!err)
        err = bf_resolv_adapt(f, link, count);
    if (!err)
        err = bf_hosts_adapt(f, old);
    if (!err)
        err = bf_boot_words_adapt(f);
    return err ? err : bf_network_result(f, link);
}

enum bf_err bf_adapt_network(struct bf_fin *f)
{
    if (f->plan->nics == 0)
        return BF_OK;
    f->links = calloc(f->plan->nics, sizeof *f->links);
    f->old = calloc(1, sizeof *f->old);
    if (!f->system.net || !f->links || !f->old)
        return bf_fail(f->report, "out of memory");
    return adapt_links(f, f->system.net, f->links, f->old);
}
