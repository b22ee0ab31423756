// SPDX-License-Identifier: Apache-2.0
// Rewrites the ifcfg file of one interface of SUSE. The planned addresses take the places of the
// old ones, each with the length behind a slash, which goes before all else that says one; what
// belonged to the old addresses goes. Every other variable keeps its bytes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/suse.h"

#define SLOTS_MAX 48

// An IPADDR variable, and the planned address that it gets.
struct slot {
    const char *suffix; // in the variables
    int family;         // of its present address; 0: it is empty
    const struct bf_address *planned;
};

struct edit {
    const struct bf_link *link;
    const struct bf_shvars *vars;
    struct bf_shvar_change change[BF_SHVAR_CHANGES];
    char key[BF_SHVAR_CHANGES][BF_SHVAR_KEY];
    char value[BF_PLAN_ADDRESSES][BF_CIDR_TEXT];
    size_t count, values;
    struct slot slot[SLOTS_MAX];
    size_t slots;
    bool full; // there is more than can be kept apart
};

static void want(struct edit *e, const char *key, const char *suffix, const char *value)
{
    if (e->count == BF_SHVAR_CHANGES) {
        e->full = true;
        return;
    }
    snprintf(e->key[e->count], BF_SHVAR_KEY, "%s%s", key, suffix);
    e->change[e->count] = (struct bf_shvar_change){e->key[e->count], value};
    e->count++;
}

static const struct bf_shvar_var *with(const struct edit *e, const char *key, const char *suffix)
{
    char name[2 * BF_SHVAR_KEY];
    snprintf(name, sizeof name, "%s%s", key, suffix);
    return bf_shvars_find(e->vars, name);
}

// Takes a variable away. One that is empty says nothing and stays, as YaST likes to write it.
static void drop(struct edit *e, const char *key, const char *suffix)
{
    const struct bf_shvar_var *v = with(e, key, suffix);
    if (v && (v->value[0] || !v->literal))
        want(e, key, suffix, NULL);
}

static void find_slots(struct edit *e, struct bf_old *old)
{
    for (size_t i = 0; i < e->vars->count; i++) {
        const struct bf_shvar_var *v = &e->vars->var[i];
        if (strncmp(v->key, "IPADDR", 6) != 0)
            continue;
        if (e->slots == SLOTS_MAX) {
            e->full = true;
            return;
        }
        int family = !v->value[0] ? 0 : strchr(v->value, ':') ? AF_INET6 : AF_INET;
        e->slot[e->slots++] = (struct slot){.suffix = v->key + 6, .family = family};
        bf_old_add(old, v->value, strlen(v->value));
    }
}

static struct slot *free_slot(struct edit *e, int family)
{
    for (size_t i = 0; i < e->slots; i++)
        if (!e->slot[i].planned && e->slot[i].family == family)
            return &e->slot[i];
    return NULL;
}

// The first of the places that fits: one of the family, an empty one, any other.
static struct slot *place_for(struct edit *e, const struct bf_address *a)
{
    int other = a->family == AF_INET ? AF_INET6 : AF_INET;
    struct slot *s = free_slot(e, a->family);
    s = s ? s : free_slot(e, 0);
    return s ? s : free_slot(e, other);
}

// A place that the file has not: IPADDR, IPADDR_1, ...
static void add_slot(struct edit *e, const struct bf_address *a, unsigned *next)
{
    static const char number[][4] = {"",   "_1",  "_2",  "_3",  "_4",  "_5",  "_6",  "_7", "_8",
                                     "_9", "_10", "_11", "_12", "_13", "_14", "_15", "_16"};
    while (*next < BF_COUNT(number) && with(e, "IPADDR", number[*next]))
        ++*next;
    if (*next == BF_COUNT(number) || e->slots == SLOTS_MAX) {
        e->full = true;
        return;
    }
    e->slot[e->slots++] = (struct slot){number[(*next)++], a->family, a};
}

static void place_all(struct edit *e)
{
    const struct bf_plan_nic *nic = e->link->nic;
    unsigned next = 0;
    for (size_t i = 0; i < nic->addresses; i++) {
        struct slot *s = place_for(e, &nic->address[i]);
        if (s)
            s->planned = &nic->address[i];
        else
            add_slot(e, &nic->address[i], &next);
    }
}

// What says the length, the network or the peer of the address that was there.
static void drop_network(struct edit *e, const struct slot *s)
{
    static const char *const key[] = {"PREFIXLEN", "NETMASK", "BROADCAST", "NETWORK",
                                      "REMOTE_IPADDR"};
    for (size_t i = 0; i < BF_COUNT(key); i++)
        drop(e, key[i], s->suffix);
}

// Further properties go with their address; where another takes its place they stay, unless they
// hold an address themselves.
static void drop_properties(struct edit *e, const struct slot *s)
{
    static const char *const key[] = {"LABEL", "SCOPE", "IP_OPTIONS"};
    for (size_t i = 0; i < BF_COUNT(key); i++) {
        const struct bf_shvar_var *v = with(e, key[i], s->suffix);
        bool stays = s->planned && s->family == s->planned->family && v &&
                     !(i == 2 && strpbrk(v->value, ".:"));
        if (!stays)
            drop(e, key[i], s->suffix);
    }
}

static void change_slots(struct edit *e)
{
    for (size_t i = 0; i < e->slots; i++) {
        const struct slot *s = &e->slot[i];
        if (s->planned) {
            char *value = e->value[e->values++];
            snprintf(value, BF_CIDR_TEXT, "%s/%u", s->planned->text, s->planned->prefix);
            want(e, "IPADDR", s->suffix, value);
        } else {
            drop(e, "IPADDR", s->suffix);
        }
        if (s->planned || s->family)
            drop_network(e, s);
        drop_properties(e, s);
    }
}

static void change_protocol(struct bf_fin *f, struct edit *e, const char *path)
{
    const char *proto = bf_shvars_get(e->vars, "BOOTPROTO");
    bool dhcp = e->link->nic->dhcp;
    if (dhcp ? !bf_suse_dhcp(f, e->vars, true) : !bf_suse_is_static(proto))
        want(e, "BOOTPROTO", "", dhcp ? "dhcp" : "static");
    if (bf_suse_boots(e->vars))
        return;
    const char *mode = bf_shvars_get(e->vars, "STARTMODE");
    bf_note(f->report, "warning", path,
            "the interface was not brought up at boot (STARTMODE %s) and is now",
            mode[0] ? mode : "not set");
    want(e, "STARTMODE", "", "auto");
}

// ---- The file -----------------------------------------------------------------------------------

static enum bf_err rewrite(struct bf_fin *f, struct edit *e, const char *path, const char *text,
                           size_t len, struct bf_old *old)
{
    struct bf_text out = {0};
    find_slots(e, old);
    place_all(e);
    change_protocol(f, e, path);
    change_slots(e);
    if (e->full)
        return bf_refuse(f->report, "%s has more addresses than are rewritten; take some out",
                         path);
    bf_shvar_edit(&out, text, len, e->change, e->count);
    // wicked does not read a last line that has no end.
    if (out.len && out.data[out.len - 1] != '\n')
        bf_text_str(&out, "\n");
    enum bf_err err = bf_fin_set(f, path, &out, "addresses as planned");
    bf_text_free(&out);
    return err;
}

static enum bf_err rewrite_file(struct bf_fin *f, const struct bf_link *link, const char *path,
                                const char *text, size_t len, struct bf_old *old)
{
    struct edit *e = calloc(1, sizeof *e);
    struct bf_shvars vars;
    if (!e)
        return bf_fail(f->report, "out of memory");
    bf_shvars_load(&vars, text, len);
    e->link = link;
    e->vars = &vars;
    enum bf_err err =
        vars.failed ? bf_fail(f->report, "out of memory") : rewrite(f, e, path, text, len, old);
    bf_shvars_free(&vars);
    free(e);
    return err;
}

// An interface that has no file yet.
static enum bf_err create(struct bf_fin *f, const struct bf_plan_nic *nic, const char *path)
{
    struct bf_text out = {0};
    bf_textf(&out, "STARTMODE='auto'\nBOOTPROTO='%s'\n", nic->dhcp ? "dhcp" : "static");
    for (size_t i = 0; i < nic->addresses; i++) {
        bf_text_str(&out, "IPADDR");
        if (i)
            bf_textf(&out, "_%zu", i);
        bf_textf(&out, "='%s/%u'\n", nic->address[i].text, nic->address[i].prefix);
    }
    enum bf_err err = bf_fin_set(f, path, &out, "addresses as planned");
    bf_text_free(&out);
    return err;
}

static enum bf_err adapt_carrier(struct bf_fin *f, const struct bf_link *link, const char *carrier,
                                 struct bf_old *old)
{
    char path[BF_SUSE_PATH];
    size_t len;
    struct bf_fault fault;
    bf_suse_path(path, "ifcfg", carrier);
    const char *text = bf_edits_get(&f->edits, path, &len, &fault);
    if (!text && fault.code != BF_ERR_NOT_FOUND)
        return bf_refuse(f->report, "%s cannot be read: %s", path, fault.what);
    if (!text)
        return create(f, link->nic, path);
    return rewrite_file(f, link, path, text, len, old);
}

// ---- MAC addresses that are written down --------------------------------------------------------

static enum bf_err set_mac(struct bf_fin *f, const char *name, const char *mac)
{
    char path[BF_SUSE_PATH];
    size_t len;
    struct bf_text out = {0};
    struct bf_shvar_change change = {"LLADDR", mac};
    bf_suse_path(path, "ifcfg", name);
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    if (!text)
        return BF_OK;
    bf_shvar_edit(&out, text, len, &change, 1);
    enum bf_err err = bf_fin_set(f, path, &out, "the interface's new MAC address");
    bf_text_free(&out);
    return err;
}

// Whether a device is the hardware of another interface of the plan: it has a turn of its own.
static bool is_others(const struct bf_fin *f, const struct bf_link *link, const char *name)
{
    for (size_t i = 0; i < f->plan->nics; i++)
        if (&f->plan->nic[i] != link->nic && strcmp(f->plan->nic[i].name, name) == 0)
            return true;
    return false;
}

// Whether an interface of the plan had the MAC address, or gets it.
static bool is_planned_mac(const struct bf_fin *f, const char *mac)
{
    for (size_t i = 0; i < f->plan->nics; i++)
        if (strcmp(f->plan->nic[i].new_mac, mac) == 0 || strcmp(f->plan->nic[i].mac, mac) == 0)
            return true;
    return false;
}

// The hardware's LLADDR is the plan's, whatever it was, and the source's MAC address on any device
// becomes the new one. What was there before this run decides, since two interfaces may exchange
// theirs.
static enum bf_err follow_mac(struct bf_fin *f, const struct bf_link *link)
{
    const struct bf_net *net = f->system.net;
    const char *mac = link->nic->new_mac;
    enum bf_err err = BF_OK;
    for (size_t i = 0; net && mac[0] && i < net->count && !err; i++) {
        const struct bf_known *k = &net->known[i];
        if (k->stack != link->stack || !k->set_mac[0])
            continue;
        bool old = link->old_mac[0] && strcmp(k->set_mac, link->old_mac) == 0;
        if (strcmp(k->name, link->name) == 0 || (old && !is_others(f, link, k->name)))
            err = set_mac(f, k->name, mac);
        else if (strcmp(k->name, link->carrier) == 0 && !is_planned_mac(f, k->set_mac))
            bf_note(f->report, "warning", k->file,
                    "LLADDR gives %s the MAC address %s, which stays", k->name, k->set_mac);
    }
    return err;
}

enum bf_err bf_suse_adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    const char *carrier = link->carrier[0] ? link->carrier : link->name;
    enum bf_err err = follow_mac(f, link);
    if (err || !bf_nic_readdresses(link->nic))
        return err;
    if (!carrier[0])
        return bf_refuse(f->report,
                         "nothing here says which of " BF_SUSE_DIR "/ifcfg-* has the MAC address "
                         "%s; add match.name to the plan",
                         link->old_mac);
    if (link->known && link->known->kind == BF_KNOWN_OTHER)
        return bf_refuse(f->report, "%s is a device of a kind that is not rewritten",
                         link->known->file);
    err = adapt_carrier(f, link, carrier, old);
    if (!err)
        err = bf_suse_routes(f, link, carrier);
    return err ? err : bf_suse_dns(f);
}
