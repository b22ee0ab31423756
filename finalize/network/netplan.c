// SPDX-License-Identifier: Apache-2.0
// netplan: which of its definitions is rewritten for an interface of the plan. The one that the
// interface gets today is rewritten in place when it means this interface alone; a pattern stays
// for the others, and a definition that goes before it is added. `match` and `set-name` tie an
// interface to its MAC address.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/netplan.h"

#define DEPTH_MAX 8

static void scan(struct bf_fin *f, struct bf_net *net)
{
    struct bf_netplan np;
    bf_netplan_load(f, &bf_netplan, &np);
    bf_netplan_known(&np, net);
    bf_netplan_free(&np);
}

// ---- What refers to what ------------------------------------------------------------------------

struct reference {
    const char *id;
    const char *found; // the port that a list has; with several, NULL and `several`
    bool listed, several;
};

static void look_for_port(struct bf_sheet *s, yaml_node_t *list, void *arg)
{
    struct reference *r = arg;
    for (size_t i = 0; i < bf_yaml_size(list); i++) {
        const char *port = bf_yaml_text(bf_yaml_key(s, list, i));
        r->listed = r->listed || (r->id && strcmp(port, r->id) == 0);
        r->several = r->several || (r->found && strcmp(r->found, port) != 0);
        r->found = port;
    }
}

// Whether a bridge, bond or VLAN needs the definition.
static bool is_referred(struct bf_netplan *np, const struct bf_netplan_def *def)
{
    struct reference r = {.id = def->id};
    for (size_t i = 0; i < np->defs; i++) {
        if (strcmp(np->def[i].link, def->id) == 0)
            return true;
        bf_netplan_each(np, &np->def[i], "interfaces", look_for_port, &r);
    }
    return r.listed;
}

// The hardware below a definition, when there is only one.
static struct bf_netplan_def *hardware_below(struct bf_netplan *np, struct bf_netplan_def *def)
{
    for (int depth = 0; def && depth < DEPTH_MAX && !bf_netplan_is_physical(def); depth++) {
        struct reference r = {0};
        bf_netplan_each(np, def, "interfaces", look_for_port, &r);
        const char *id = def->link[0] ? def->link : r.several ? NULL : r.found;
        def = id ? bf_netplan_find(np, id) : NULL;
    }
    return def && bf_netplan_is_physical(def) ? def : NULL;
}

// ---- Which definition ---------------------------------------------------------------------------

struct choice {
    struct bf_netplan_def *own;   // means the device alone
    struct bf_netplan_def *first; // is what the device gets
};

static bool means_exactly(const struct bf_netplan_def *def, const struct bf_link *link,
                          const char *name)
{
    return bf_netplan_covers(def, name, link->old_mac) == BF_COVER_EXACT ||
           (bf_nic_mac(link->nic)[0] &&
            bf_netplan_covers(def, name, bf_nic_mac(link->nic)) == BF_COVER_EXACT);
}

static struct choice choose(struct bf_netplan *np, const struct bf_link *link, const char *name)
{
    struct choice c = {0};
    bool nameless = !name[0] && link->known && link->known->stack == &bf_netplan;
    struct bf_netplan_def *by_id = bf_netplan_find(np, nameless ? link->known->alias : name);
    // The plan may call a definition by its id, which says whose it is; and what was found by its
    // MAC address may have given that to another meanwhile.
    if (by_id && bf_netplan_is_physical(by_id) && !bf_netplan_name(by_id)[0])
        return (struct choice){by_id, by_id};
    c.first = bf_netplan_winner(np, name, link->old_mac);
    for (size_t i = 0; i < np->defs; i++)
        if (means_exactly(&np->def[i], link, name) &&
            (!c.own || bf_netplan_before(&np->def[i], c.own)))
            c.own = &np->def[i];
    if (c.own && (!c.first || bf_netplan_covers(c.first, name, link->old_mac) == BF_COVER_EXACT))
        c.first = c.own;
    return c;
}

#define LINE(np, def) (np)->sheet[(def)->file].path, (def)->line

// NetworkManager chooses among profiles that fit equally by what it remembers. One for cards does
// not fit a VLAN, bond or bridge that has a card's MAC address.
static enum bf_err check_profiles(struct bf_netplan *np, const struct bf_link *link,
                                  const char *name, const struct bf_netplan_def *own,
                                  struct bf_fin *f)
{
    for (size_t i = 0; own->nm && i < np->defs; i++) {
        const struct bf_netplan_def *def = &np->def[i];
        if (def != own && def->nm && def->priority >= own->priority &&
            bf_netplan_is_physical(def) == bf_netplan_is_physical(own) &&
            bf_netplan_covers(def, name, link->old_mac) != BF_COVER_NO)
            return bf_refuse(f->report,
                             "netplan: %s (%s, line %u) and %s (%s, line %u) both mean %s, and "
                             "NetworkManager may take either; take one of them out",
                             own->id, LINE(np, own), def->id, LINE(np, def), name);
    }
    return BF_OK;
}

// Another definition of the same device keeps addresses that nothing uses.
static void note_unused(struct bf_netplan *np, const struct bf_link *link, const char *name,
                        const struct bf_netplan_def *used, struct bf_fin *f)
{
    for (size_t i = 0; i < np->defs; i++)
        if (&np->def[i] != used && means_exactly(&np->def[i], link, name))
            bf_note(f->report, "warning", np->sheet[np->def[i].file].path,
                    "line %u: %s means %s, too, stays as it is and is not used", np->def[i].line,
                    np->def[i].id, name[0] ? name : used->id);
}

// An id whose generated file goes before the pattern's. False when there is none.
static bool find_id(const struct bf_netplan *np, const char *name,
                    const struct bf_netplan_def *pattern, char *id, size_t size)
{
    static const char *const prefix[] = {"", "bootferry-", "00-bootferry-", "0000-bootferry-"};
    for (size_t i = 0; i < BF_COUNT(prefix); i++) {
        struct bf_netplan_def def = {.id = id};
        snprintf(id, size, "%s%s", prefix[i], name);
        if (!bf_netplan_find(np, id) &&
            (!pattern || pattern->nm || bf_netplan_before(&def, pattern)))
            return true;
    }
    return false;
}

// What the id is made of: the interface's name, or its MAC address without colons.
static void label_of(const char *name, const char *mac, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "%s", name[0] ? name : "nic");
    for (const char *c = name[0] ? "" : mac; *c && n + 1 < size; c++)
        if (*c != ':')
            out[n++] = *c;
    out[n < size ? n : size - 1] = 0;
}

static enum bf_err add_before(struct bf_netplan *np, const char *name, const struct choice *c,
                              struct bf_netplan_new *w)
{
    char id[64], label[32];
    const struct bf_netplan_def *first = c->first;
    const char *mac = bf_nic_mac(w->link->nic);
    label_of(name, mac, label, sizeof label);
    if (first && ((!name[0] && (c->own || !mac[0])) || first->kind != BF_NETPLAN_ETHERNET ||
                  first->priority >= 100 || (c->own && is_referred(np, c->own))))
        return bf_refuse(w->f->report,
                         "netplan: %s (%s, line %u) goes before what is configured for %s and may "
                         "mean it, too; give it a match that leaves %s out%s",
                         first->id, LINE(np, first), name[0] ? name : w->link->old_mac,
                         name[0] ? name : "it", name[0] ? "" : ", or add match.name to the plan");
    if (!find_id(np, label, first, id, sizeof id))
        return bf_refuse(w->f->report,
                         "netplan: no definition for %s can go before %s (%s, line %u); give that "
                         "another name",
                         name, first ? first->id : name, first ? np->sheet[first->file].path : "",
                         first ? first->line : 0);
    w->first = first && first->nm;
    w->set_name = name;
    if (first)
        bf_note(w->f->report, "info", name[0] ? name : mac,
                "gets a definition of its own before the pattern %s (%s, line %u)", first->id,
                LINE(np, first));
    return bf_netplan_create(np, id, first, w);
}

// ---- One device ---------------------------------------------------------------------------------

// Without a MAC address a pattern would give the planned addresses to all that it means.
static enum bf_err check_pattern(struct bf_netplan *np, const struct bf_netplan_def *def,
                                 const struct bf_netplan_new *w)
{
    if (!w->addresses || bf_nic_mac(w->link->nic)[0] || bf_netplan_name(def)[0] ||
        def->match_mac[0])
        return BF_OK;
    return bf_refuse(w->f->report,
                     "netplan: %s (%s, line %u) may mean several interfaces; name the one by its "
                     "MAC address",
                     def->id, LINE(np, def));
}

static enum bf_err rewrite(struct bf_netplan *np, struct bf_netplan_def *def, const char *name,
                           struct bf_netplan_new *w)
{
    const char *own = bf_netplan_name(def);
    // networkd takes wireless devices by name only.
    w->matches = def->kind == BF_NETPLAN_ETHERNET;
    w->set_name = own[0] ? own : strcmp(name, def->id) != 0 ? name : "";
    enum bf_err err = check_pattern(np, def, w);
    if (!err)
        err = check_profiles(np, w->link, name, def, w->f);
    if (!err)
        note_unused(np, w->link, name, def, w->f);
    if (!err)
        bf_netplan_follow_mac(np, def, w->link);
    return err ? err : bf_netplan_rewrite(np, def, w);
}

static enum bf_err adapt_hardware(struct bf_netplan *np, struct bf_netplan_new *w)
{
    const struct bf_link *link = w->link;
    struct choice c = choose(np, link, link->name);
    if (!link->name[0] && !link->old_mac[0] && !c.own)
        c.own = c.first = hardware_below(np, bf_netplan_find(np, link->carrier));
    if (!w->addresses && !bf_nic_mac(link->nic)[0])
        return BF_OK;
    if (c.own && c.own == c.first)
        return rewrite(np, c.own, link->name, w);
    if (!c.first && !link->name[0] && !(w->addresses && bf_nic_mac(link->nic)[0]))
        return BF_OK;
    enum bf_err err = add_before(np, link->name, &c, w);
    if (!err)
        note_unused(np, link, link->name, NULL, w->f);
    return err;
}

// The source's MAC address that a device above hardware was given follows the plan. What it was
// counts, and not what an earlier interface of the plan made of it: two may exchange theirs.
static void follow_above(struct bf_fin *f, struct bf_netplan *np, const struct bf_link *link)
{
    for (size_t i = 0; i < np->defs && f->system.net; i++) {
        const struct bf_netplan_def *def = &np->def[i];
        const struct bf_known *was = bf_net_find(f->system.net, &bf_netplan, def->id);
        if (!bf_netplan_is_physical(def) && was && strcmp(was->set_mac, link->old_mac) == 0)
            bf_netplan_follow_mac(np, def, link);
    }
}

// A bridge, bond, VLAN or the like.
static enum bf_err adapt_device(struct bf_netplan *np, struct bf_netplan_new *w)
{
    const char *name = w->link->carrier;
    struct bf_netplan_def *def = bf_netplan_find(np, name);
    const struct bf_netplan_def *first = bf_netplan_winner(np, name, "");
    if (!def)
        return bf_refuse(w->f->report, "netplan: nothing defines %s", name);
    if (first && first != def)
        return bf_refuse(w->f->report,
                         "netplan: %s (%s, line %u) goes before %s (%s, line %u) and means it, "
                         "too; give it a match that leaves %s out",
                         first->id, LINE(np, first), def->id, LINE(np, def), name);
    enum bf_err err = check_profiles(np, w->link, name, def, w->f);
    return err ? err : bf_netplan_rewrite(np, def, w);
}

static enum bf_err adapt_all(struct bf_fin *f, struct bf_netplan *np, const struct bf_link *link,
                             struct bf_old *old)
{
    bool readdress = bf_nic_readdresses(link->nic);
    bool above = link->carrier[0] && strcmp(link->name, link->carrier) != 0;
    struct bf_netplan_new hardware = {.f = f,
                                      .link = link,
                                      .old = old,
                                      .hardware = true,
                                      .matches = true,
                                      .addresses = readdress && !above,
                                      .set_name = link->name};
    struct bf_netplan_new device = {
        .f = f, .link = link, .old = old, .addresses = true, .set_name = ""};
    enum bf_err err = adapt_hardware(np, &hardware);
    if (!err && above && readdress)
        err = adapt_device(np, &device);
    if (!err)
        follow_above(f, np, link);
    bf_text_free(&hardware.dns);
    bf_text_free(&hardware.search);
    bf_text_free(&device.dns);
    bf_text_free(&device.search);
    return err ? err : bf_netplan_save(f, np);
}

static enum bf_err adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    struct bf_netplan np;
    bf_netplan_load(f, &bf_netplan, &np);
    enum bf_err err =
        np.trouble[0] ? bf_refuse(f->report, "%s", np.trouble) : adapt_all(f, &np, link, old);
    bf_netplan_free(&np);
    return err;
}

// ---- The stack ----------------------------------------------------------------------------------

static bool has_files(struct bf_fin *f, const char *dir)
{
    struct bf_names yaml;
    if (bf_fin_root_list(f->root, dir, ".yaml", &yaml))
        return false;
    bool any = yaml.count > 0;
    bf_names_free(&yaml);
    return any;
}

static bool in_use(struct bf_fin *f)
{
    static const char *const netplan[] = {"/usr/sbin/netplan", "/usr/libexec/netplan/generate",
                                          "/lib/netplan/generate", "/usr/lib/netplan/generate",
                                          NULL};
    return bf_fin_root_any(f->root, netplan) &&
           (has_files(f, BF_NETPLAN_ETC) || has_files(f, "/usr/lib/netplan") ||
            has_files(f, "/lib/netplan"));
}

const struct bf_stack_ops bf_netplan = {
    .name = "netplan",
    .title = "netplan",
    .names_links = true,
    .finds_by_mac = true,
    .in_use = in_use,
    .scan = scan,
    .adapt = adapt,
};
