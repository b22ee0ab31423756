// SPDX-License-Identifier: Apache-2.0
// The network as the rewritten files have it, read once more by the stacks: a carrier without the
// planned addresses, or with one that was not planned, is no result. And the table of what each
// interface had and gets.
#include <stdlib.h>
#include <string.h>

#include "finalize/network/network.h"
#include "finalize/network/stack.h"

// Whether a configured address is the planned one: texts of IPv6 differ, and a length may be left
// out.
static bool is_address(const char *text, const struct bf_address *a)
{
    const char *slash = strchr(text, '/');
    return bf_net_same_ip(text, a->text) && (!slash || strtoul(slash + 1, NULL, 10) == a->prefix);
}

static bool has(const struct bf_known *k, const struct bf_address *a)
{
    for (size_t i = 0; i < k->addresses; i++)
        if (is_address(k->address[i], a))
            return true;
    return false;
}

static bool is_planned(const struct bf_plan_nic *nic, const char *text)
{
    for (size_t i = 0; i < nic->addresses; i++)
        if (is_address(text, &nic->address[i]))
            return true;
    return false;
}

static const struct bf_known *carrier_of(const struct bf_net *net, const struct bf_link *link)
{
    const struct bf_known *k = bf_net_find(net, link->stack, link->carrier);
    const char *mac = bf_nic_mac(link->nic)[0] ? bf_nic_mac(link->nic) : link->old_mac;
    for (size_t i = 0; !k && mac[0] && i < net->count; i++)
        if (net->known[i].stack == link->stack && strcmp(net->known[i].mac, mac) == 0 &&
            !(link->carrier[0] && net->known[i].name[0]))
            k = &net->known[i];
    return k;
}

static enum bf_err check(struct bf_fin *f, const struct bf_known *k, const struct bf_link *link,
                         size_t i)
{
    const struct bf_plan_nic *nic = link->nic;
    const char *name = link->carrier[0] ? link->carrier : bf_nic_mac(nic);
    for (size_t a = 0; a < nic->addresses; a++)
        if (!k || !has(k, &nic->address[a]))
            return bf_refuse(f->report,
                             "nics[%zu]: the files of %s, rewritten, would not give %s the address "
                             "%s/%u; nothing was changed",
                             i, link->stack->title, name, nic->address[a].text,
                             nic->address[a].prefix);
    for (size_t a = 0; k && a < k->addresses; a++)
        if (!is_planned(nic, k->address[a]))
            return bf_refuse(f->report,
                             "nics[%zu]: the files of %s, rewritten, would give %s the address %s "
                             "besides; nothing was changed",
                             i, link->stack->title, name, k->address[a]);
    if ((k && k->dhcp) != nic->dhcp)
        return bf_refuse(
            f->report,
            "nics[%zu]: the files of %s, rewritten, would%s have %s ask for an address "
            "by DHCP; nothing was changed",
            i, link->stack->title, nic->dhcp ? " not" : "", name);
    return BF_OK;
}

// Two stacks that give the carrier an address: resolve.c refuses those that it sees, but what a
// pattern means is known only once the interface's name is written down.
static enum bf_err check_alone(struct bf_fin *f, const struct bf_net *net,
                               const struct bf_link *link, size_t i)
{
    for (size_t k = 0; k < net->count; k++) {
        const struct bf_known *other = &net->known[k];
        if (other->stack && other->stack != link->stack && link->carrier[0] &&
            strcmp(other->name, link->carrier) == 0 && bf_net_is_addressed(other))
            return bf_refuse(f->report,
                             "nics[%zu]: %s is configured by %s, and by %s in %s, too; take it "
                             "out of one of them; nothing was changed",
                             i, link->carrier, link->stack->title, other->stack->title,
                             other->file[0] ? other->file : "its files");
    }
    return BF_OK;
}

// A machine that loses its way out is told so.
static void note_gateway(struct bf_fin *f, const struct bf_link *link, int family, const char *had,
                         const char *planned)
{
    if (!link->settled && had[0] && !planned[0] && bf_nic_address(link->nic, family))
        bf_note(f->report, "warning", link->carrier,
                "had the gateway %s, and the plan has none for %s: add \"gateway\" if it needs one",
                had, family == AF_INET ? "IPv4" : "IPv6");
}

static json_t *addresses_json(const struct bf_known *k)
{
    json_t *list = json_array();
    if (k && k->dhcp)
        json_array_append_new(list, json_string("DHCP"));
    for (size_t i = 0; k && i < k->addresses; i++)
        json_array_append_new(list, json_string(k->address[i]));
    return list;
}

// What the interface had: by its own entry, or where it has none, by the stack's patterns, when
// they all say the same.
static const struct bf_known *before(const struct bf_net *net, const struct bf_link *link)
{
    const struct bf_known *found = NULL;
    if (link->known)
        return link->known;
    for (size_t i = 0; i < net->count; i++) {
        const struct bf_known *k = &net->known[i];
        if (!k->pattern || k->stack != link->stack)
            continue;
        if (k->addresses || (found && found->dhcp != k->dhcp))
            return NULL;
        found = k;
    }
    return found;
}

static void add_row(json_t *table, const struct bf_link *link, const struct bf_known *had,
                    const struct bf_known *now)
{
    bool says = !had || !had->stack || had->stack->adapt; // else it was only recognised
    json_array_append_new(table, json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:o,s:o,s:s}", "interface",
                                           link->name, "carrier", link->carrier, "stack",
                                           link->stack->name, "old_mac", link->old_mac, "new_mac",
                                           bf_nic_mac(link->nic), "addresses_known", says, "old",
                                           addresses_json(had), "new", addresses_json(now), "file",
                                           now ? now->file : ""));
}

enum bf_err bf_network_result(struct bf_fin *f, const struct bf_link *link)
{
    struct bf_net *net = calloc(1, sizeof *net);
    json_t *table = json_array();
    enum bf_err err = BF_OK;
    if (!net || !table) {
        free(net);
        json_decref(table);
        return bf_fail(f->report, "out of memory");
    }
    bf_network_scan(f, net);
    if (net->trouble[0])
        err = bf_refuse(f->report, "after the edits: %s; nothing was changed", net->trouble);
    for (size_t i = 0; !err && i < f->plan->nics; i++) {
        const struct bf_known *now = carrier_of(net, &link[i]);
        if (bf_nic_readdresses(link[i].nic))
            err = check(f, now, &link[i], i);
        if (!err && bf_nic_readdresses(link[i].nic))
            err = check_alone(f, net, &link[i], i);
        if (link[i].known) {
            note_gateway(f, &link[i], AF_INET, link[i].known->gateway4, link[i].nic->gateway4);
            note_gateway(f, &link[i], AF_INET6, link[i].known->gateway6, link[i].nic->gateway6);
        }
        add_row(table, &link[i], before(f->system.net, &link[i]), now);
    }
    free(net);
    json_object_set_new(f->report->json, "addresses", table);
    return err;
}
