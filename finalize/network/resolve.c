// SPDX-License-Identifier: Apache-2.0
// Decides which interface of the guest each planned one is, what carries its addresses, and which
// stack configures that. The evidence, in order: the old address in the plan; the name; the MAC
// address in any configuration or naming rule; and, when the plan has one interface and the
// system configures one, that one. Anything less is refused with the names that are known, and so
// is evidence that contradicts itself: a wrong guess would cut the machine off.
#include <stdio.h>
#include <string.h>

#include "finalize/network/layers.h"
#include "finalize/network/network.h"
#include "finalize/network/stack.h"

// Where an interface is configured, for messages: " (/etc/network/interfaces, line 5)" or "".
static const char *place(const struct bf_known *k, char *out, size_t size)
{
    out[0] = 0;
    if (k && k->file[0] && k->line)
        snprintf(out, size, " (%s, line %u)", k->file, k->line);
    else if (k && k->file[0])
        snprintf(out, size, " (%s)", k->file);
    return out;
}

#define PLACE(k) place((k), (char[320]){0}, 320)

static const struct bf_known *by_mac(const struct bf_net *net, const char *mac, bool named)
{
    for (size_t i = 0; mac[0] && i < net->count; i++)
        if (net->known[i].kind == BF_KNOWN_HARDWARE && strcmp(net->known[i].mac, mac) == 0 &&
            (net->known[i].name[0] || !named))
            return &net->known[i];
    return NULL;
}

// Any entry, also of a naming rule, that says which MAC address the name has.
static const struct bf_known *mac_of_name(const struct bf_net *net, const char *name)
{
    for (size_t i = 0; name[0] && i < net->count; i++)
        if (strcmp(net->known[i].name, name) == 0 && net->known[i].mac[0])
            return &net->known[i];
    return NULL;
}

static bool is_named(const struct bf_net *net, const char *name)
{
    return bf_net_find(net, NULL, name) || mac_of_name(net, name);
}

// The only interface with hardware behind it that anything configures, or NULL.
static const struct bf_known *only_one(const struct bf_net *net)
{
    const struct bf_known *found = NULL;
    for (size_t i = 0; i < net->count; i++) {
        const struct bf_known *k = &net->known[i];
        if (!bf_net_is_hardware(k) || k->pattern)
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

static void list_names(const struct bf_net *net, struct bf_text *out)
{
    for (size_t k = 0; k < net->count; k++)
        if (bf_net_is_hardware(&net->known[k]) && net->known[k].name[0])
            bf_textf(out, " %s", net->known[k].name);
    if (!out->len)
        bf_text_str(out, " none");
}

static enum bf_err not_found(struct bf_fin *f, const struct bf_net *net, size_t i)
{
    struct bf_text names = {0};
    list_names(net, &names);
    enum bf_err err = bf_refuse(
        f->report,
        "nics[%zu]: nothing in this system says which interface has the MAC address %s; add "
        "match.name to the plan (configured here:%s)",
        i, f->plan->nic[i].mac, bf_text_get(&names));
    bf_text_free(&names);
    return err;
}

// A stack that has a pattern only (Name=en*) configures interfaces that no file names.
static const struct bf_stack_ops *stack_of_pattern(const struct bf_net *net)
{
    for (size_t i = 0; i < net->count; i++)
        if (net->known[i].pattern && net->known[i].stack)
            return net->known[i].stack;
    return NULL;
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

static enum bf_err not_adapted(struct bf_fin *f, const struct bf_known *k, size_t i)
{
    return bf_refuse(f->report,
                     "nics[%zu]: %s is configured by %s%s, which is not adapted; leave \"nics\" "
                     "out of the plan to finalize the rest",
                     i, k->name, k->stack->title, PLACE(k));
}

// The address that an interface of the source has by now: the plan names the source's, and an
// earlier run may have given it another.
static const char *present_mac(const json_t *macs, const char *mac)
{
    const char *now = json_string_value(json_object_get(macs, mac));
    return now && strlen(now) == BF_MAC_TEXT - 1 ? now : mac;
}

// Whether anything says that the name has that MAC address: with rules for cards that were
// replaced, a name has several.
static bool is_agreed(const struct bf_net *net, const char *name, const char *mac)
{
    for (size_t i = 0; i < net->count; i++)
        if (strcmp(net->known[i].mac, mac) == 0 && strcmp(net->known[i].name, name) == 0)
            return true;
    return false;
}

// An interface that has the MAC address and goes by another name.
static const struct bf_known *contradiction(const struct bf_net *net, const char *name,
                                            const char *mac)
{
    for (size_t i = 0; i < net->count; i++) {
        const struct bf_known *k = &net->known[i];
        if (k->kind == BF_KNOWN_HARDWARE && strcmp(k->mac, mac) == 0 && k->name[0] &&
            strcmp(k->name, name) != 0 && strcmp(k->alias, name) != 0)
            return k;
    }
    return NULL;
}

// The file that ties a MAC address to a name, which a stack's entry has from it.
static const struct bf_known *who_says(const struct bf_net *net, const struct bf_known *k)
{
    for (size_t i = 0; i < net->count; i++)
        if (!net->known[i].stack && strcmp(net->known[i].name, k->name) == 0 &&
            strcmp(net->known[i].mac, k->mac) == 0)
            return &net->known[i];
    return k;
}

// The plan's name and its MAC address must not be two interfaces.
static enum bf_err check_agreement(struct bf_fin *f, const struct bf_net *net, size_t i,
                                   const char *name, const char *mac)
{
    if (!name[0] || !mac[0])
        return BF_OK;
    const struct bf_known *device = bf_net_find(net, NULL, name);
    if (device && device->kind != BF_KNOWN_HARDWARE)
        return BF_OK; // its MAC address is that of what lies below it
    const struct bf_known *named = mac_of_name(net, name);
    const struct bf_known *other = contradiction(net, name, mac);
    if (other)
        return bf_refuse(f->report,
                         "nics[%zu].match: the name is %s, but the MAC address %s belongs to %s "
                         "here%s; name one of them",
                         i, name, mac, other->name, PLACE(who_says(net, other)));
    if (named && strcmp(named->mac, mac) != 0 && !is_agreed(net, name, mac))
        return bf_refuse(f->report,
                         "nics[%zu].match: %s has the MAC address %s here%s, and not %s; name one "
                         "of them",
                         i, name, named->mac, PLACE(who_says(net, named)), mac);
    return BF_OK;
}

// ---- By an old address --------------------------------------------------------------------------

static bool same_device(const struct bf_net *net, const struct bf_known *a,
                        const struct bf_known *b)
{
    return a == b || (a->name[0] && strcmp(a->name, b->name) == 0) ||
           (b->name[0] && bf_net_find(net, NULL, b->name) == a);
}

static bool has_address(const struct bf_known *k, const char *ip)
{
    for (size_t i = 0; i < k->addresses; i++)
        if (bf_net_same_ip(k->address[i], ip))
            return true;
    return false;
}

static enum bf_err no_address(struct bf_fin *f, const struct bf_net *net, size_t i)
{
    struct bf_text list = {0};
    for (size_t k = 0; k < net->count; k++)
        for (size_t a = 0; net->known[k].stack && a < net->known[k].addresses; a++)
            bf_textf(&list, "%s%s %s", list.len ? ", " : "", net->known[k].name,
                     net->known[k].address[a]);
    enum bf_err err =
        bf_refuse(f->report, "nics[%zu].match: no interface here has the address %s (known: %s)", i,
                  f->plan->nic[i].old_address, list.len ? bf_text_get(&list) : "no address");
    bf_text_free(&list);
    return err;
}

// The interface that has the address, or that had it when an earlier run found it by that.
static enum bf_err by_address(struct bf_fin *f, const struct bf_net *net, const json_t *macs,
                              size_t i, const struct bf_known **found)
{
    const char *ip = f->plan->nic[i].old_address;
    const char *then = json_string_value(json_object_get(macs, ip));
    *found = then ? bf_net_find(net, NULL, then) : NULL;
    if (then && !*found)
        *found = by_mac(net, then, false);
    if (*found)
        return BF_OK;
    for (size_t n = 0; n < net->count; n++) {
        const struct bf_known *k = &net->known[n];
        if (!k->stack || !has_address(k, ip))
            continue;
        if (*found && !same_device(net, *found, k))
            return bf_refuse(
                f->report,
                "nics[%zu].match: %s is an address of %s%s and of %s%s; say which with "
                "match.name",
                i, ip, (*found)->name, PLACE(*found), k->name, PLACE(k));
        *found = *found ? *found : k;
    }
    return *found ? BF_OK : no_address(f, net, i);
}

// The interface that has the planned one's old address must be the one with its name and its MAC
// address, or lie on it.
static enum bf_err check_address(struct bf_fin *f, const struct bf_net *net, size_t i,
                                 const struct bf_known *k, const char *mac)
{
    const struct bf_plan_nic *nic = &f->plan->nic[i];
    const struct bf_known *named = bf_net_find(net, NULL, nic->name);
    const struct bf_known *maced = by_mac(net, mac, true), *own = mac_of_name(net, k->name);
    if (nic->name[0] && !named)
        return bf_refuse(f->report,
                         "nics[%zu].match: nothing here is called %s; %s is an address of %s%s", i,
                         nic->name, nic->old_address, k->name, PLACE(k));
    if (named && !same_device(net, named, k) && !bf_net_lies_on(net, k, named->name))
        return bf_refuse(f->report,
                         "nics[%zu].match: %s is an address of %s%s, and not of %s%s; name one of "
                         "them",
                         i, nic->old_address, k->name, PLACE(k), named->name, PLACE(named));
    if (maced && !same_device(net, maced, k) && !bf_net_lies_on(net, k, maced->name))
        return bf_refuse(f->report,
                         "nics[%zu].match: %s is an address of %s%s, and %s is the MAC address of "
                         "%s%s; name one of them",
                         i, nic->old_address, k->name, PLACE(k), mac, maced->name, PLACE(maced));
    if (!maced && mac[0] && own && strcmp(own->mac, mac) != 0)
        return bf_refuse(
            f->report,
            "nics[%zu].match: %s is an address of %s%s, which has the MAC address %s%s "
            "and not %s; name one of them",
            i, nic->old_address, k->name, PLACE(k), own->mac, PLACE(own), mac);
    return BF_OK;
}

// ---- What carries the addresses -----------------------------------------------------------------

static enum bf_err several_carriers(struct bf_fin *f, const struct bf_net *net, size_t i,
                                    const char *base)
{
    struct bf_text list = {0};
    for (size_t k = 0; k < net->count; k++)
        if (net->known[k].stack && bf_net_is_addressed(&net->known[k]) &&
            bf_net_lies_on(net, &net->known[k], base))
            bf_textf(&list, "%s%s%s", list.len ? ", " : "", net->known[k].name,
                     PLACE(&net->known[k]));
    enum bf_err err =
        bf_refuse(f->report,
                  "nics[%zu]: %s has no address, and several devices on it have: %s; choose one "
                  "with match.name",
                  i, base, bf_text_get(&list));
    bf_text_free(&list);
    return err;
}

// What else lies on the interface keeps the address that it had.
static void note_others(struct bf_fin *f, const struct bf_net *net, const struct bf_link *link)
{
    for (size_t i = 0; i < net->count; i++) {
        const struct bf_known *k = &net->known[i];
        bool planned = false;
        for (size_t n = 0; n < f->plan->nics; n++)
            planned = planned || strcmp(f->plan->nic[n].name, k->name) == 0;
        if (k->stack && !planned && strcmp(k->name, link->carrier) != 0 && bf_net_is_addressed(k) &&
            bf_net_lies_on(net, k, link->name))
            bf_note(f->report, "warning", k->name, "lies on %s and keeps %s%s", link->name,
                    k->addresses ? k->address[0] : "DHCP", PLACE(k));
    }
}

// What the devices on an interface call it: one that is known by its MAC address has another name
// at most, or only a master.
static const char *base_of(const struct bf_link *link, const struct bf_known *k)
{
    if (k && !k->name[0] && k->alias[0])
        return k->alias;
    return link->name[0] || !k ? link->name : k->master;
}

// The device that the addresses go to: the interface's bridge or bond, or the only one on it that
// has an address.
static enum bf_err find_carrier(struct bf_fin *f, const struct bf_net *net, size_t i,
                                const struct bf_known *k, struct bf_link *link)
{
    const char *base = base_of(link, k);
    const char *top = bf_net_top_of(net, base), *only = NULL;
    const struct bf_known *at = bf_net_find(net, NULL, top);
    size_t count = 0;
    for (size_t n = 0; n < net->count; n++)
        if (net->known[n].stack && bf_net_is_addressed(&net->known[n]) &&
            bf_net_lies_on(net, &net->known[n], base) &&
            (!only || strcmp(only, net->known[n].name) != 0)) {
            only = net->known[n].name;
            count++;
        }
    if (bf_nic_readdresses(link->nic) && !(at && bf_net_is_addressed(at)) && count > 1)
        return several_carriers(f, net, i, base);
    const char *carrier = at && bf_net_is_addressed(at) ? top : only ? only : top;
    if (k && strcmp(carrier, k->alias) == 0)
        carrier = link->name;
    bf_net_copy(link->carrier, sizeof link->carrier, carrier, strlen(carrier));
    if (bf_nic_readdresses(link->nic) && strcmp(carrier, link->name) != 0)
        bf_note(f->report, "info", carrier, "lies on %s and gets the addresses planned for it",
                link->name[0] ? link->name : base);
    return BF_OK;
}

// ---- One interface ------------------------------------------------------------------------------

// The entry that says which interface the planned one is; NULL when none does.
static enum bf_err identify(struct bf_fin *f, const struct bf_net *net, const json_t *macs,
                            size_t i, const char *mac, const struct bf_known **k)
{
    const struct bf_plan_nic *nic = &f->plan->nic[i];
    *k = NULL;
    if (nic->old_address[0]) {
        enum bf_err err = by_address(f, net, macs, i, k);
        return err ? err : check_address(f, net, i, *k, mac);
    }
    if (nic->name[0]) {
        *k = bf_net_find(net, NULL, nic->name);
        *k = *k ? *k : by_mac(net, mac, false);
        return BF_OK;
    }
    if (!(*k = by_mac(net, mac, true)) && !(*k = by_mac(net, mac, false)) && f->plan->nics == 1)
        *k = only_one(net);
    return BF_OK;
}

// An interface with an address that the plan says nothing of: it would keep that, so what nothing
// knows cannot be a new one.
static const struct bf_known *left_alone(const struct bf_fin *f, const struct bf_net *net)
{
    for (size_t k = 0; k < net->count; k++) {
        const struct bf_known *known = &net->known[k];
        bool planned = known->pattern;
        for (size_t n = 0; n < f->plan->nics; n++)
            planned = planned ||
                      (known->name[0] && strcmp(f->plan->nic[n].name, known->name) == 0) ||
                      (known->mac[0] && strcmp(f->plan->nic[n].mac, known->mac) == 0);
        if (!planned && bf_net_is_hardware(known) && bf_net_is_addressed(known))
            return known;
    }
    return NULL;
}

// A name that nothing knows is a new interface, unless one that is known would keep its address.
static enum bf_err check_new(struct bf_fin *f, const struct bf_net *net, size_t i)
{
    const char *name = f->plan->nic[i].name;
    const struct bf_known *known =
        is_named(net, name) || stack_of_pattern(net) ? NULL : left_alone(f, net);
    return known ? bf_refuse(f->report,
                             "nics[%zu]: nothing here is called %s; %s%s would keep its address", i,
                             name, known->name, PLACE(known))
                 : BF_OK;
}

// Whether a MAC address that nothing knows is enough: only patterns (a cloud image's Name=e*) or a
// daemon that takes whatever there is configure hardware, and the files that are written can mean
// it by that address.
static bool is_enough(const struct bf_fin *f, const struct bf_net *net)
{
    const struct bf_stack_ops *stack = stack_of_pattern(net), *top = default_stack(net);
    if (!stack && top && top->takes_all)
        stack = top;
    return stack && stack->finds_by_mac && !left_alone(f, net);
}

static enum bf_err name_link(struct bf_fin *f, const struct bf_net *net, size_t i,
                             const struct bf_known *k, struct bf_link *link)
{
    const struct bf_plan_nic *nic = link->nic;
    const char *name = k && k->name[0] ? k->name : nic->name;
    bool device = k && k->kind != BF_KNOWN_HARDWARE;
    if (!k && !nic->name[0])
        return is_enough(f, net) ? BF_OK : not_found(f, net, i);
    if (device) {
        const struct bf_known *port = by_mac(net, link->old_mac, true), *below;
        const char *hardware = port ? port->name : bf_net_hardware_of(net, name, &below);
        k = port || !below ? k : below;
        bf_net_copy(link->carrier, sizeof link->carrier, name, strlen(name));
        bf_net_copy(link->name, sizeof link->name, hardware, strlen(hardware));
    } else {
        bf_net_copy(link->name, sizeof link->name, name, strlen(name));
    }
    const struct bf_known *named = mac_of_name(net, link->name);
    if (!link->old_mac[0] && (named || k))
        memcpy(link->old_mac, named ? named->mac : k->mac, sizeof link->old_mac);
    return device ? BF_OK : find_carrier(f, net, i, k, link);
}

// Two stacks that both give the carrier an address would both be right.
static enum bf_err check_single(struct bf_fin *f, const struct bf_net *net, size_t i,
                                const struct bf_link *link)
{
    for (size_t k = 0; k < net->count; k++) {
        const struct bf_known *other = &net->known[k];
        if (other->stack && other->stack != link->stack && bf_nic_readdresses(link->nic) &&
            link->carrier[0] && strcmp(other->name, link->carrier) == 0 &&
            bf_net_is_addressed(other))
            return bf_refuse(f->report,
                             "nics[%zu]: %s is configured by %s%s and by %s%s; take it out of one "
                             "of them",
                             i, link->carrier, link->stack->title, PLACE(link->known),
                             other->stack->title, PLACE(other));
    }
    return BF_OK;
}

static enum bf_err resolve(struct bf_fin *f, const struct bf_net *net, const json_t *macs, size_t i,
                           struct bf_link *link)
{
    const struct bf_plan_nic *nic = &f->plan->nic[i];
    const char *mac = present_mac(macs, nic->mac);
    *link = (struct bf_link){.nic = nic};
    bf_net_copy(link->old_mac, sizeof link->old_mac, mac, strlen(mac));
    const struct bf_known *k;
    enum bf_err err = identify(f, net, macs, i, mac, &k);
    if (!err)
        err = check_agreement(f, net, i, nic->name, mac);
    if (!err && !k && nic->name[0])
        err = check_new(f, net, i);
    if (!err)
        err = name_link(f, net, i, k, link);
    if (err)
        return err;
    link->known = link->carrier[0] ? bf_net_find(net, NULL, link->carrier) : k;
    link->known = link->known ? link->known : k;
    link->stack = link->known && link->known->stack ? link->known->stack : stack_of_pattern(net);
    link->stack = link->stack ? link->stack : default_stack(net);
    if (!link->stack)
        return no_stack(f, net, i);
    if (!link->stack->adapt)
        return link->known ? not_adapted(f, link->known, i) : no_stack(f, net, i);
    if (bf_nic_readdresses(nic) && link->name[0])
        note_others(f, net, link);
    return check_single(f, net, i, link);
}

// One entry of the plan may be the hardware and another a device on it, which then has the same
// MAC address.
static void share_hardware(const struct bf_plan *plan, struct bf_link *link)
{
    for (size_t i = 0; i < plan->nics; i++)
        for (size_t k = 0; !bf_nic_mac(link[i].nic)[0] && k < plan->nics; k++)
            if (link[i].name[0] && strcmp(link[i].name, link[k].name) == 0 &&
                bf_nic_mac(link[k].nic)[0])
                memcpy(link[i].old_mac, bf_nic_mac(link[k].nic), sizeof link[i].old_mac);
}

enum bf_err bf_network_resolve(struct bf_fin *f, const struct bf_net *net, const json_t *macs,
                               struct bf_link *link)
{
    if (net->trouble[0])
        return bf_refuse(f->report,
                         "%s; correct it on the source, or leave \"nics\" out of the plan",
                         net->trouble);
    enum bf_err err = default_stack(net) ? BF_OK : no_stack(f, net, 0);
    for (size_t i = 0; !err && i < f->plan->nics; i++)
        err = resolve(f, net, macs, i, &link[i]);
    if (!err)
        share_hardware(f->plan, link);
    return err;
}
