// SPDX-License-Identifier: Apache-2.0
// Rewrites the ifcfg files of one planned interface in place. Numbering, mask or length, quotes,
// and the words for "static" stay as the file has them, as far as its reader understands them.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/network/ifcfg.h"
#include "finalize/network/ifcfg_change.h"
#include "finalize/network/ifcfg_find.h"

#define WHY "addresses as planned"

struct edit {
    struct bf_fin *f;
    const struct bf_link *link;
    const struct bf_plan_nic *nic;
    struct bf_ifcfg set;
    const struct bf_ifcfg_file *file;                 // the carrier's
    struct bf_ifcfg_file fresh;                       // of a carrier that has none yet
    const struct bf_address *four[BF_PLAN_ADDRESSES]; // planned, the gateway's network first
    size_t fours;
    bool placed[BF_PLAN_ADDRESSES]; // into a file
    struct bf_known before;         // what the files gave it
    bool onlink4, onlink6;          // the scripts reach the gateway by a route file only
    struct bf_ifcfg_changes to;     // the carrier's file
};

static const char *get(const struct edit *e, const char *key)
{
    return bf_shvars_get(&e->file->vars, key);
}

static bool has(const struct edit *e, const char *key)
{
    return bf_shvars_find(&e->file->vars, key) != NULL;
}

// Whether /etc/sysconfig/network has a gateway of the interface.
static bool has_global(const struct edit *e, const char *key)
{
    return bf_ifcfg_has_gateway(&e->set, &e->before, e->link->carrier, key);
}

// ---- IPv4 ---------------------------------------------------------------------------------------

// The scripts set a gateway only if it lies in the first address's network.
static void order_addresses(struct edit *e)
{
    const struct bf_plan_nic *nic = e->nic;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < nic->addresses; i++) {
            const struct bf_address *a = &nic->address[i];
            bool reaches =
                nic->gateway4[0] && a->family == AF_INET && bf_address_reaches(a, nic->gateway4);
            if (a->family == AF_INET && reaches == (pass == 0))
                e->four[e->fours++] = a;
        }
}

static void mask_of(unsigned prefix, char out[INET_ADDRSTRLEN])
{
    struct in_addr a = {.s_addr = prefix ? htonl(~UINT32_C(0) << (32 - prefix)) : 0};
    inet_ntop(AF_INET, &a, out, INET_ADDRSTRLEN);
}

// Whether any variable with the stem, with or without a number, is set.
static bool any_numbered(const struct bf_shvars *vars, const char *stem)
{
    int number;
    for (size_t i = 0; i < vars->count; i++)
        if (vars->var[i].value[0] && bf_ifcfg_number(vars->var[i].key, stem, &number))
            return true;
    return false;
}

// Lengths where the file has them. The old scripts find the gateway's network by NETMASK alone.
static bool takes_prefix(const struct edit *e, const struct bf_shvars *vars)
{
    if (e->file->shell && !e->set.readers.numbered)
        return false;
    return any_numbered(vars, "PREFIX") || !any_numbered(vars, "NETMASK");
}

static void numbered_key(char *out, const char *stem, int number)
{
    if (number < 0)
        snprintf(out, BF_SHVAR_KEY, "%s", stem);
    else
        snprintf(out, BF_SHVAR_KEY, "%s%d", stem, number);
}

// The next address that is in no file yet, `fours` when there is none.
static size_t next_address(const struct edit *e)
{
    size_t i = 0;
    while (i < e->fours && e->placed[i])
        i++;
    return i;
}

static void want_address(struct edit *e, struct bf_ifcfg_changes *to, size_t which, bool prefix,
                         int number)
{
    const struct bf_address *a = e->four[which];
    e->placed[which] = true;
    char key[BF_SHVAR_KEY], mask[INET_ADDRSTRLEN];
    numbered_key(key, "IPADDR", number);
    bf_ifcfg_want(to, key, "%s", a->text);
    mask_of(a->prefix, mask);
    numbered_key(key, prefix ? "PREFIX" : "NETMASK", number);
    if (prefix)
        bf_ifcfg_want(to, key, "%u", a->prefix);
    else
        bf_ifcfg_want(to, key, "%s", mask);
}

// Everything about addresses of IPv4 that is not wanted.
static void drop_numbered(struct bf_ifcfg_changes *to, const struct bf_shvars *vars)
{
    int number;
    for (size_t i = 0; i < vars->count; i++)
        for (const char *const *stem = bf_ifcfg_numbered; *stem; stem++)
            if (bf_ifcfg_number(vars->var[i].key, *stem, &number))
                bf_ifcfg_drop(to, vars->var[i].key);
}

// A file with IPADDR0 goes on counting from 0, others have IPADDR, IPADDR1...: both readers know
// both.
static void want_addresses(struct edit *e, size_t others)
{
    // NetworkManager before 0.9, of RHEL 6, goes on with IPADDR2; later ones take that, too.
    bool old = e->file->nm && e->f->system.init != BF_INIT_SYSTEMD;
    bool zero = has(e, "IPADDR0") && !has(e, "IPADDR") && !old;
    bool many = e->file->nm || e->set.readers.numbered;
    size_t here = e->fours > others ? e->fours - others : e->fours > 0;
    if (!many && here > 1)
        here = 1;
    for (size_t i = 0; i < here; i++)
        want_address(e, &e->to, i, takes_prefix(e, &e->file->vars), i || zero ? (int)i + old : -1);
    if (e->nic->gateway4[0] && !e->onlink4) {
        bool first = e->file->nm && has(e, "GATEWAY0") && !has(e, "GATEWAY");
        bool global = !any_numbered(&e->file->vars, "GATEWAY") && has_global(e, "GATEWAY");
        if (!global)
            bf_ifcfg_want(&e->to, first ? "GATEWAY0" : "GATEWAY", "%s", e->nic->gateway4);
        if (bf_ifcfg_is_no(get(e, "DEFROUTE")))
            bf_ifcfg_want(&e->to, "DEFROUTE", "yes");
    }
    drop_numbered(&e->to, &e->file->vars);
}

static void want_proto(struct edit *e)
{
    const char *proto = get(e, "BOOTPROTO");
    bool dhcp = strcasecmp(proto, "dhcp") == 0 || strcasecmp(proto, "bootp") == 0;
    bool fixed = strcasecmp(proto, "none") == 0 || strcasecmp(proto, "static") == 0;
    bool fresh = e->file == &e->fresh;
    if (e->nic->dhcp && !dhcp)
        bf_ifcfg_want(&e->to, "BOOTPROTO", "dhcp");
    if (!e->nic->dhcp && !fixed && (has(e, "BOOTPROTO") || fresh))
        bf_ifcfg_want(&e->to, "BOOTPROTO", "none");
    if (bf_ifcfg_is_no(get(e, "ONBOOT"))) {
        bf_ifcfg_want(&e->to, "ONBOOT", "yes");
        bf_note(e->f->report, "info", e->file->path, "%s was not brought up at boot and now is",
                e->link->carrier);
    }
    if (!fresh && !get(e, "DEVICE")[0] && e->link->carrier[0] && !get(e, "VLAN_ID")[0])
        bf_ifcfg_want(&e->to, "DEVICE", "%s", e->link->carrier);
}

// ---- IPv6 ---------------------------------------------------------------------------------------

// A link-local gateway needs its interface, in whichever file it stands.
static void put_gateway6(const struct edit *e, struct bf_ifcfg_changes *to)
{
    const char *gateway = e->nic->gateway6;
    bool local = strncmp(gateway, "fe80:", 5) == 0;
    bf_ifcfg_want(to, "IPV6_DEFAULTGW", "%s%s%s", gateway, local ? "%" : "",
                  local ? e->link->carrier : "");
}

static void want_gateway6(struct edit *e)
{
    const char *gateway = e->nic->gateway6;
    bool global = !has(e, "IPV6_DEFAULTGW") && has_global(e, "IPV6_DEFAULTGW");
    if (!gateway[0] || e->onlink6 || global)
        bf_ifcfg_drop(&e->to, "IPV6_DEFAULTGW");
    else
        put_gateway6(e, &e->to);
    if (gateway[0] && bf_ifcfg_is_no(get(e, "IPV6_DEFROUTE")))
        bf_ifcfg_want(&e->to, "IPV6_DEFROUTE", "yes");
}

static void want_ipv6(struct edit *e)
{
    struct bf_text rest = {0};
    bool first = true;
    for (size_t i = 0; i < e->nic->addresses; i++) {
        const struct bf_address *a = &e->nic->address[i];
        if (a->family != AF_INET6)
            continue;
        if (first) {
            bf_ifcfg_want(&e->to, "IPV6INIT", "yes");
            bf_ifcfg_want(&e->to, "IPV6ADDR", "%s/%u", a->text, a->prefix);
        } else {
            bf_textf(&rest, "%s%s/%u", rest.len ? " " : "", a->text, a->prefix);
        }
        first = false;
    }
    e->to.failed = e->to.failed || !bf_text_ok(&rest);
    if (rest.len)
        bf_ifcfg_want(&e->to, "IPV6ADDR_SECONDARIES", "%s", bf_text_get(&rest));
    bf_text_free(&rest);
    want_gateway6(e);
    bf_ifcfg_drop(&e->to, "IPV6ADDR");
    bf_ifcfg_drop(&e->to, "IPV6ADDR_SECONDARIES");
    if (!first && bf_ifcfg_is_yes(get(e, "IPV6_DISABLED")))
        bf_ifcfg_want(&e->to, "IPV6_DISABLED", "no");
    if (!first && !e->nic->dhcp)
        bf_ifcfg_want(&e->to, "IPV6_AUTOCONF", "no");
    if (!e->nic->dhcp && bf_ifcfg_is_yes(get(e, "DHCPV6C")))
        bf_ifcfg_want(&e->to, "DHCPV6C", "no");
    if (e->nic->dhcp && bf_ifcfg_is_no(get(e, "IPV6_AUTOCONF")))
        bf_ifcfg_want(&e->to, "IPV6_AUTOCONF", "yes");
}

// ---- Name servers -------------------------------------------------------------------------------

static void want_search(struct edit *e)
{
    struct bf_text list = {0};
    // NetworkManager reads DOMAIN only where IPv4 is on.
    bool six = e->file->nm && !e->nic->dhcp && e->fours == 0;
    for (size_t i = 0; i < e->nic->search_count; i++)
        bf_textf(&list, "%s%s", i ? " " : "", e->nic->search[i]);
    e->to.failed = e->to.failed || !bf_text_ok(&list);
    if (list.len)
        bf_ifcfg_want(&e->to, six ? "IPV6_DOMAIN" : "DOMAIN", "%s", bf_text_get(&list));
    bf_text_free(&list);
    if (e->nic->search_count || e->nic->dhcp) {
        bf_ifcfg_drop(&e->to, "DOMAIN");
        bf_ifcfg_drop(&e->to, "SEARCH");
        bf_ifcfg_drop(&e->to, "IPV6_DOMAIN");
    }
}

static void want_dns(struct edit *e)
{
    char key[BF_SHVAR_KEY];
    int number;
    for (size_t i = 0; i < e->nic->dns_count; i++) {
        snprintf(key, sizeof key, "DNS%zu", i + 1);
        bf_ifcfg_want(&e->to, key, "%s", e->nic->dns[i]);
    }
    const struct bf_shvars *vars = &e->file->vars;
    for (size_t i = 0; i < vars->count && (e->nic->dns_count || e->nic->dhcp); i++)
        if (bf_ifcfg_number(vars->var[i].key, "DNS", &number))
            bf_ifcfg_drop(&e->to, vars->var[i].key);
    want_search(e);
}

// ---- Other files of the interface ---------------------------------------------------------------

static bool is_alias_of(const struct edit *e, const struct bf_ifcfg_file *file)
{
    return file->kind == BF_IFCFG_ALIAS && file->base == e->file && (file->shell || file->nm);
}

// Whether a planned address may stand in it. Its documentation has ONPARENT=no keep the alias down,
// which NetworkManager does not heed.
static bool takes_address(const struct edit *e, const struct bf_ifcfg_file *file)
{
    return is_alias_of(e, file) && bf_ifcfg_at_boot(&e->set, file) &&
           !bf_ifcfg_is_no(bf_shvars_get(&file->vars, "ONPARENT"));
}

// How many planned addresses go to files of aliases that are there.
static size_t count_aliases(const struct edit *e)
{
    size_t count = 0;
    for (size_t i = 0; i < e->set.count; i++)
        count += takes_address(e, &e->set.file[i]);
    return e->fours > 1 && count > e->fours - 1 ? e->fours - 1 : e->fours > 1 ? count : 0;
}

static enum bf_err remove_file(struct edit *e, const char *path, const char *why)
{
    struct bf_fault fault;
    if (bf_edits_remove(&e->f->edits, path, why, &fault))
        return bf_fail(e->f->report, "%s cannot be removed: %s", path, fault.what);
    return BF_OK;
}

// The planned address that a file of an alias has already, `fours` when there is none.
static size_t has_planned(const struct edit *e, const struct bf_ifcfg_file *file)
{
    size_t i = 0;
    const char *ip = bf_shvars_get(&file->vars, "IPADDR");
    while (i < e->fours && (e->placed[i] || strcmp(e->four[i]->text, ip) != 0))
        i++;
    return i;
}

static enum bf_err edit_alias(struct edit *e, const struct bf_ifcfg_file *file, size_t which)
{
    struct bf_ifcfg_changes to = {.count = 0};
    if (which == e->fours)
        return remove_file(e, file->path, "an address that is given up");
    // The scripts give an alias the PREFIX of its interface rather than its own NETMASK.
    bool prefix = takes_prefix(e, &file->vars) || takes_prefix(e, &e->file->vars);
    want_address(e, &to, which, prefix, -1);
    drop_numbered(&to, &file->vars);
    bf_ifcfg_drop(&to, "IPV6ADDR");
    enum bf_err err = bf_ifcfg_apply(e->f, &to, file->path, NULL, WHY);
    bf_ifcfg_changes_free(&to);
    return err;
}

static enum bf_err edit_other(struct edit *e, const struct bf_ifcfg_file *file)
{
    if (!bf_ifcfg_at_boot(&e->set, file)) {
        bf_note(e->f->report, "warning", file->path,
                "is not read at boot, and keeps its address of %s", e->link->carrier);
        return BF_OK;
    }
    if (file->kind == BF_IFCFG_RANGE)
        return remove_file(e, file->path, "addresses that are given up");
    return edit_alias(e, file, takes_address(e, file) ? next_address(e) : e->fours);
}

// Aliases that have a planned address keep it; the others get what is left, or go.
static enum bf_err edit_aliases(struct edit *e)
{
    bool kept[BF_IFCFG_MAX] = {false};
    enum bf_err err = BF_OK;
    for (size_t i = 0; !err && i < e->set.count; i++) {
        const struct bf_ifcfg_file *file = &e->set.file[i];
        kept[i] = takes_address(e, file) && has_planned(e, file) < e->fours;
        if (kept[i])
            err = edit_alias(e, file, has_planned(e, file));
    }
    for (size_t i = 0; !err && i < e->set.count; i++)
        if (!kept[i] && e->set.file[i].base == e->file && e->set.file[i].kind != BF_IFCFG_PLAIN)
            err = edit_other(e, &e->set.file[i]);
    return err;
}

// The old scripts know one address a file.
static enum bf_err add_aliases(struct edit *e)
{
    enum bf_err err = BF_OK;
    for (unsigned n = 0; !err && next_address(e) < e->fours && n < 1000; n++) {
        char path[128], start[64];
        snprintf(path, sizeof path, BF_IFCFG_DIR "/ifcfg-%s:%u", e->link->carrier, n);
        if (bf_edits_get(&e->f->edits, path, &(size_t){0}, NULL))
            continue;
        struct bf_ifcfg_changes to = {.count = 0};
        snprintf(start, sizeof start, "DEVICE=%s:%u\nONPARENT=yes\n", e->link->carrier, n);
        want_address(e, &to, next_address(e), takes_prefix(e, &e->fresh.vars), -1);
        err = bf_ifcfg_apply(e->f, &to, path, start, WHY);
        bf_ifcfg_changes_free(&to);
    }
    return err;
}

// A device that has all default routes, whatever the files of others say.
static void note_device(struct edit *e, const char *key, const char *gateway)
{
    const struct bf_shvar_var *v = bf_shvars_find(&e->set.network, key);
    if (gateway[0] && v && v->value[0] && strcmp(v->value, e->link->carrier) != 0)
        bf_note(e->f->report, "warning", BF_IFCFG_NETWORK,
                "line %u: %s is %s, so the gateway %s of %s is not used", v->line, key, v->value,
                gateway, e->link->carrier);
}

// A link-local gateway of which nothing says the interface: it could have been this one.
static void note_local(struct edit *e)
{
    const struct bf_shvar_var *v = bf_shvars_find(&e->set.network, "IPV6_DEFAULTGW");
    bool local = v && strncasecmp(v->value, "fe80:", 5) == 0 && !strchr(v->value, '%');
    if (local && !bf_shvars_get(&e->set.network, "IPV6_DEFAULTDEV")[0])
        bf_note(e->f->report, "warning", BF_IFCFG_NETWORK,
                "line %u: the gateway %s stays, which names no interface", v->line, v->value);
}

// /etc/sysconfig/network: gateways of the networks that are left, and the switch for IPv6.
static enum bf_err edit_network(struct edit *e)
{
    struct bf_ifcfg_changes to = {.count = 0};
    const struct bf_shvars *vars = &e->set.network;
    const char *six = bf_shvars_get(vars, "NETWORKING_IPV6");
    bool asks = e->set.readers.global_six || e->set.readers.old_ipv6;
    if (has_global(e, "GATEWAY")) {
        if (e->nic->gateway4[0] && !e->onlink4 && !any_numbered(&e->file->vars, "GATEWAY"))
            bf_ifcfg_want(&to, "GATEWAY", "%s", e->nic->gateway4);
        bf_ifcfg_drop(&to, "GATEWAY");
    }
    if (has_global(e, "IPV6_DEFAULTGW")) {
        if (e->nic->gateway6[0] && !e->onlink6 && !has(e, "IPV6_DEFAULTGW"))
            put_gateway6(e, &to);
        bf_ifcfg_drop(&to, "IPV6_DEFAULTGW");
    }
    if (bf_nic_address(e->nic, AF_INET6) && e->file->shell &&
        (bf_ifcfg_is_no(six) || (asks && !bf_ifcfg_is_yes(six))))
        bf_ifcfg_want(&to, "NETWORKING_IPV6", "yes");
    note_device(e, "GATEWAYDEV", e->nic->gateway4);
    note_device(e, "IPV6_DEFAULTDEV", e->nic->gateway6);
    note_local(e);
    enum bf_err err = bf_ifcfg_apply(e->f, &to, BF_IFCFG_NETWORK, to.count ? "" : NULL, WHY);
    bf_ifcfg_changes_free(&to);
    return err;
}

// ---- The interface ------------------------------------------------------------------------------

static enum bf_err edit_main(struct edit *e)
{
    char start[64];
    snprintf(start, sizeof start, "DEVICE=%s\nTYPE=Ethernet\nONBOOT=yes\n", e->link->carrier);
    want_proto(e);
    want_addresses(e, count_aliases(e));
    want_ipv6(e);
    want_dns(e);
    return bf_ifcfg_apply(e->f, &e->to, e->file->path, e->file == &e->fresh ? start : NULL, WHY);
}

// What the files say before they change, also what is not brought up at boot.
static void look_before(struct edit *e, struct bf_old *old)
{
    char bad[BF_SHVAR_KEY];
    for (size_t i = 0; i < e->set.count; i++)
        if (&e->set.file[i] == e->file || e->set.file[i].base == e->file)
            bf_ifcfg_addresses(&e->set, &e->set.file[i], &e->before, bad);
    for (size_t i = 0; i < e->before.addresses; i++)
        bf_old_add(old, e->before.address[i], strlen(e->before.address[i]));
}

static enum bf_err readdress(struct edit *e, struct bf_old *old)
{
    enum bf_err err = bf_ifcfg_find(e->f, &e->set, e->link, &e->fresh, &e->file);
    if (err)
        return err;
    look_before(e, old);
    order_addresses(e);
    e->onlink4 = e->file->shell && bf_nic_on_link(e->nic, AF_INET);
    e->onlink6 = e->file->shell && bf_nic_on_link(e->nic, AF_INET6);
    err = edit_main(e);
    if (!err)
        err = edit_aliases(e);
    if (!err)
        err = add_aliases(e);
    if (!err)
        err = edit_network(e);
    if (!err)
        err = bf_ifcfg_routes(e->f, e->link, e->link->carrier, e->file->name, e->file->shell,
                              &e->before);
    // NetworkManager knows nothing of them.
    if (!err && e->file->shell)
        err = bf_ifcfg_static_routes(e->f, e->link, e->link->carrier, &e->before);
    return err;
}

enum bf_err bf_ifcfg_adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    struct edit *e = calloc(1, sizeof *e);
    enum bf_err err = BF_OK;
    if (!e)
        return bf_fail(f->report, "out of memory");
    *e = (struct edit){.f = f, .link = link, .nic = link->nic};
    bf_ifcfg_load(f, &e->set);
    if (bf_nic_readdresses(link->nic))
        err = readdress(e, old);
    if (!err)
        err = bf_ifcfg_follow_mac(f, &e->set, link);
    bf_ifcfg_changes_free(&e->to);
    bf_ifcfg_free(&e->set);
    free(e);
    return err;
}
