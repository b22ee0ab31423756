// SPDX-License-Identifier: Apache-2.0
// Decides which interface of the guest each planned one is, and which stack configures it. The
// evidence, in order: the name in the plan; the MAC address in any configuration or naming rule;
// and, when the plan has one interface and the system configures one, that one. Anything less is
// refused with the names that are known: a wrong guess would cut the machine off.
#include "finalize/network/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/core/journal.h"
#include "finalize/network/steps.h"
#include "finalize/network/stack.h"

static void scan(struct bf_fin *f, struct bf_net *net)
{
    memset(net, 0, sizeof *net);
    for (const struct bf_stack_ops *const *s = bf_stacks; *s; s++)
        if ((*s)->in_use(f))
            net->stack[net->stacks++] = *s;
    for (size_t i = 0; i < net->stacks; i++)
        if (net->stack[i]->scan)
            net->stack[i]->scan(f, net);
    bf_naming_scan(f, net);
}

void bf_inspect_network(struct bf_fin *f)
{
    f->system.net = calloc(1, sizeof *f->system.net);
    if (f->system.net)
        scan(f, f->system.net);
}

// The stacks from the one that is asked last.
json_t *bf_network_json(const struct bf_net *net)
{
    json_t *stacks = json_array(), *list = json_array();
    for (size_t i = net ? net->stacks : 0; i > 0; i--)
        json_array_append_new(stacks, json_string(net->stack[i - 1]->name));
    for (size_t i = 0; net && i < net->count; i++) {
        const struct bf_known *k = &net->known[i];
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:s,s:s,s:b}", "name", k->name, "mac", k->mac,
                                        "configured_by", k->stack ? k->stack->name : "none",
                                        "master", k->master, "virtual", k->made));
    }
    return json_pack("{s:o,s:o}", "stacks", stacks, "interfaces", list);
}

static const struct bf_known *by_name(const struct bf_net *net, const char *name)
{
    for (size_t i = 0; name[0] && i < net->count; i++)
        if (net->known[i].stack &&
            (strcmp(net->known[i].name, name) == 0 || strcmp(net->known[i].alias, name) == 0))
            return &net->known[i];
    return NULL;
}

static const struct bf_known *mac_of_name(const struct bf_net *net, const char *name)
{
    for (size_t i = 0; name[0] && i < net->count; i++)
        if (strcmp(net->known[i].name, name) == 0 && net->known[i].mac[0])
            return &net->known[i];
    return NULL;
}

static const struct bf_known *by_mac(const struct bf_net *net, const char *mac, bool named)
{
    for (size_t i = 0; mac[0] && i < net->count; i++)
        if (strcmp(net->known[i].mac, mac) == 0 && (net->known[i].name[0] || !named))
            return &net->known[i];
    return NULL;
}

static bool is_hardware(const struct bf_known *k)
{
    return k->stack && !k->made && strcmp(k->name, "lo") != 0;
}

// The only interface with hardware behind it that anything configures, or NULL.
static const struct bf_known *only_one(const struct bf_net *net)
{
    const struct bf_known *found = NULL;
    for (size_t i = 0; i < net->count; i++) {
        const struct bf_known *k = &net->known[i];
        if (!is_hardware(k))
            continue;
        if (found && (!k->name[0] || strcmp(found->name, k->name) != 0))
            return NULL;
        found = found ? found : k;
    }
    return found;
}

static const struct bf_stack_ops *default_stack(const struct bf_net *net)
{
    for (size_t i = 0; i < net->stacks; i++)
        if (net->stack[i]->adapt)
            return net->stack[i];
    return NULL;
}

static enum bf_err not_found(struct bf_fin *f, const struct bf_net *net, size_t i)
{
    struct bf_text names = {0};
    for (size_t k = 0; k < net->count; k++)
        if (is_hardware(&net->known[k]) && net->known[k].name[0])
            bf_textf(&names, " %s", net->known[k].name);
    enum bf_err err = bf_refuse(
        f->report,
        "nics[%zu]: nothing in this system says which interface has the MAC address %s; add "
        "match.name to the plan (configured here:%s)",
        i, f->plan->nic[i].mac, names.len ? bf_text_get(&names) : " none");
    bf_text_free(&names);
    return err;
}

// A stack that has a pattern only (Name=en*) configures interfaces that no file names.
static const struct bf_stack_ops *stack_of_pattern(const struct bf_net *net)
{
    for (size_t i = 0; i < net->count; i++)
        if (net->known[i].pattern)
            return net->known[i].stack;
    return default_stack(net);
}

// Nothing that could be rewritten is in use.
static enum bf_err no_stack(struct bf_fin *f, const struct bf_net *net, size_t i)
{
    const char *title[BF_ROWS_MAX], *other = NULL;
    struct bf_text titles = {0};
    size_t count = 0, rows = 0;
    while (bf_stacks[rows])
        rows++;
    for (; rows > 0; rows--)
        if (bf_stacks[rows - 1]->adapt)
            title[count++] = bf_stacks[rows - 1]->title;
    bf_text_list(&titles, title, count, " and ");
    for (size_t k = 0; k < net->stacks; k++)
        other = net->stack[k]->adapt ? other : net->stack[k]->title;
    enum bf_err err =
        bf_refuse(f->report,
                  "nics[%zu]: none of %s is in use here%s%s%s; leave \"nics\" out of the plan to "
                  "finalize the rest",
                  i, bf_text_get(&titles), other ? " (" : "", other ? other : "",
                  other ? " is, which is not adapted)" : "");
    bf_text_free(&titles);
    return err;
}

// The address that an interface of the source has by now: the plan names the source's, and an
// earlier run may have given it another.
static const char *present_mac(const json_t *macs, const char *mac)
{
    const char *now = json_string_value(json_object_get(macs, mac));
    return now && strlen(now) == BF_MAC_TEXT - 1 ? now : mac;
}

static enum bf_err resolve(struct bf_fin *f, const struct bf_net *net, const json_t *macs, size_t i,
                           struct bf_link *link)
{
    const struct bf_plan_nic *nic = &f->plan->nic[i];
    const struct bf_known *k;
    *link = (struct bf_link){.nic = nic};
    bf_net_copy(link->name, sizeof link->name, nic->name, strlen(nic->name));
    const char *mac = present_mac(macs, nic->mac);
    bf_net_copy(link->old_mac, sizeof link->old_mac, mac, strlen(mac));
    if (!link->name[0] && (k = by_mac(net, link->old_mac, true)))
        bf_net_copy(link->name, sizeof link->name, k->name, strlen(k->name));
    k = link->name[0] ? by_name(net, link->name) : by_mac(net, link->old_mac, false);
    if (!k && !link->name[0] && f->plan->nics == 1 && (k = only_one(net)))
        bf_net_copy(link->name, sizeof link->name, k->name, strlen(k->name));
    if (!k && !link->name[0])
        return not_found(f, net, i);
    const struct bf_known *named = mac_of_name(net, link->name);
    if (!link->old_mac[0] && named)
        bf_net_copy(link->old_mac, sizeof link->old_mac, named->mac, strlen(named->mac));
    if (k && k->name[0])
        bf_net_copy(link->name, sizeof link->name, k->name, strlen(k->name));
    const char *carrier = k && k->master[0] ? k->master : link->name;
    bf_net_copy(link->carrier, sizeof link->carrier, carrier, strlen(carrier));
    link->stack = k ? k->stack : stack_of_pattern(net);
    return link->stack ? BF_OK : no_stack(f, net, i);
}

// cloud-init writes the network again when it believes to be a new instance, which a moved machine
// is.
static enum bf_err quiet_cloud_init(struct bf_fin *f)
{
    static const char path[] = "/etc/cloud/cloud.cfg.d/99-bootferry-network.cfg";
    struct bf_text text = {0};
    if (!bf_fin_root_is_dir(f->root, "/etc/cloud/cloud.cfg.d"))
        return BF_OK;
    bf_text_str(&text, "# Written by bootferry-finalize: the network is configured by the files of "
                       "this system.\nnetwork: {config: disabled}\n");
    enum bf_err err = bf_fin_set(f, path, &text, "keeps cloud-init from overwriting the network");
    bf_text_free(&text);
    return err;
}

static enum bf_err resolve_all(struct bf_fin *f, const struct bf_net *net, struct bf_link *link)
{
    struct bf_journal journal;
    enum bf_err err = bf_journal_load(&journal, f->root, f->report);
    for (size_t i = 0; !err && i < f->plan->nics; i++) {
        const struct bf_plan_nic *nic = &f->plan->nic[i];
        err = resolve(f, net, json_object_get(journal.json, "macs"), i, &link[i]);
        if (nic->mac[0] && nic->new_mac[0])
            bf_edits_moved_mac(&f->edits, nic->mac, nic->new_mac);
    }
    bf_journal_free(&journal);
    return err;
}

// What the stacks gave up is what /etc/hosts is searched for.
static enum bf_err adapt_links(struct bf_fin *f, const struct bf_net *net, struct bf_link *link,
                               struct bf_old *old)
{
    size_t count = f->plan->nics;
    enum bf_err err = resolve_all(f, net, link);
    for (size_t i = 0; i < count && !err; i++)
        err = link[i].stack->adapt(f, &link[i], old);
    if (!err)
        err = bf_naming_adapt(f, link, count);
    if (!err)
        err = bf_resolv_adapt(f, link, count);
    if (!err)
        err = bf_hosts_adapt(f, old);
    return err ? err : quiet_cloud_init(f);
}

enum bf_err bf_adapt_network(struct bf_fin *f)
{
    if (f->plan->nics == 0)
        return BF_OK;
    struct bf_net *net = calloc(1, sizeof *net);
    struct bf_link *link = calloc(f->plan->nics, sizeof *link);
    struct bf_old *old = calloc(1, sizeof *old);
    enum bf_err err;
    if (net && link && old) {
        scan(f, net);
        err = adapt_links(f, net, link, old);
    } else {
        err = bf_fail(f->report, "out of memory");
    }
    free(net);
    free(link);
    free(old);
    return err;
}
