// SPDX-License-Identifier: Apache-2.0
// route-, route6-, rule- and rule6- files beside ifcfg files: lines for `ip route add`, or numbered
// variables. Default routes go with the addresses that they belonged to; others stay, and what
// leads to a network that is left is said.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/ifcfg.h"
#include "finalize/network/ifcfg_change.h"
#include "finalize/network/ifcfg_find.h"

#define GONE_MAX 16
#define WHY      "default routes as planned"

struct routes {
    struct bf_fin *f;
    const struct bf_link *link;
    const struct bf_known *before;
    const char *path, *device;
    int family;
    const char *gateway; // of the plan, when a route file is what reaches it; else ""
    char gone[GONE_MAX][INET6_ADDRSTRLEN]; // gateways of default routes that go
    size_t count;
};

// What matters of a line for `ip route add`.
struct route {
    char to[64], via[64];
    bool defaults, table;
};

bool bf_ifcfg_is_default(const char *to)
{
    static const char *const word[] = {"default", "0.0.0.0/0", "0/0", "::/0", "0.0.0.0/0.0.0.0"};
    for (size_t i = 0; i < BF_COUNT(word); i++)
        if (strcmp(to, word[i]) == 0)
            return true;
    return false;
}

// False for a line without a route.
static bool parse_route(const struct bf_line *line, struct route *r)
{
    const char *at = line->at, *end = line->at + line->len, *w, *prev = "";
    size_t len, prev_len = 0;
    *r = (struct route){.table = false};
    while (bf_word_next(&at, end, &w, &len)) {
        if (prev_len == 0 && w[0] == '#')
            return false;
        bool type = bf_word_is(w, len, "to") || bf_word_is(w, len, "unicast");
        if (!r->to[0] && !type)
            bf_net_copy(r->to, sizeof r->to, w, len);
        if (bf_word_is(prev, prev_len, "via") && !bf_word_is(w, len, "inet6") &&
            !bf_word_is(w, len, "inet"))
            bf_net_copy(r->via, sizeof r->via, w, len);
        if (bf_word_is(prev, prev_len, "table"))
            r->table = !bf_word_is(w, len, "main") && !bf_word_is(w, len, "254");
        if (!bf_word_is(w, len, "inet6") && !bf_word_is(w, len, "inet")) {
            prev = w;
            prev_len = len;
        }
    }
    r->defaults = bf_ifcfg_is_default(r->to) && !r->table;
    return r->to[0] != 0;
}

static void add_gone(struct routes *rs, const char *gateway)
{
    if (gateway[0] && strlen(gateway) < sizeof rs->gone[0] && rs->count < GONE_MAX)
        snprintf(rs->gone[rs->count++], sizeof rs->gone[0], "%s", gateway);
}

// A route that does nothing but reach a gateway outside the networks of all addresses.
static bool leads_to_gone(const struct routes *rs, const char *to, const char *via)
{
    size_t len = strcspn(to, "/");
    const char *length = to + len;
    bool host = !*length || strcmp(length, rs->family == AF_INET ? "/32" : "/128") == 0;
    for (size_t i = 0; !via[0] && host && i < rs->count; i++)
        if (bf_word_is(to, len, rs->gone[i]))
            return true;
    return false;
}

// ---- What stays ---------------------------------------------------------------------------------

static bool is_left_behind(const struct routes *rs, const char *ip)
{
    const struct bf_plan_nic *nic = rs->link->nic;
    bool old = false;
    for (size_t i = 0; i < rs->before->addresses; i++)
        old = old || bf_ifcfg_reaches(rs->before->address[i], ip);
    for (size_t i = 0; i < nic->addresses; i++)
        if (bf_address_reaches(&nic->address[i], ip))
            return false;
    return old;
}

static void note_route(const struct routes *rs, unsigned number, const struct route *r)
{
    if (r->via[0] && is_left_behind(rs, r->via))
        bf_note(rs->f->report, "warning", rs->path,
                "line %u: the route to %s by %s stays, but lies in none of the new networks",
                number, r->to, r->via);
}

// A rule that names an address that is given up.
static void note_rules(const struct routes *rs, const char *text, size_t size)
{
    size_t pos = 0, len;
    unsigned number = 0;
    struct bf_line line;
    while (bf_line_next(text, size, &pos, &line)) {
        const char *at = line.at, *end = line.at + line.len, *w;
        char ip[64];
        number++;
        while (bf_word_next(&at, end, &w, &len)) {
            if (*w == '#')
                break;
            bf_net_copy(ip, sizeof ip, w, len);
            ip[strcspn(ip, "/")] = 0;
            for (size_t i = 0; ip[0] && i < rs->before->addresses; i++)
                if (bf_word_is(rs->before->address[i], strcspn(rs->before->address[i], "/"), ip))
                    bf_note(rs->f->report, "warning", rs->path,
                            "line %u: the rule for %s stays, an address that is given up", number,
                            ip);
        }
    }
}

// ---- Lines for `ip route add` -------------------------------------------------------------------

static void gather_lines(struct routes *rs, const char *text, size_t size)
{
    size_t pos = 0;
    struct bf_line line;
    struct route r;
    while (bf_line_next(text, size, &pos, &line))
        if (parse_route(&line, &r) && r.defaults)
            add_gone(rs, r.via);
}

static enum bf_err set_or_remove(struct routes *rs, const struct bf_text *out, bool existed)
{
    struct bf_fault fault;
    size_t blank = 0;
    while (blank < out->len && strchr(" \t\r\n", out->data[blank]))
        blank++;
    if (blank < out->len || out->failed)
        return bf_fin_set(rs->f, rs->path, out, WHY);
    if (existed && bf_edits_remove(&rs->f->edits, rs->path, WHY, &fault))
        return bf_fail(rs->f->report, "%s cannot be removed: %s", rs->path, fault.what);
    return BF_OK;
}

static enum bf_err rewrite_lines(struct routes *rs, const char *text, size_t size)
{
    size_t pos = 0;
    unsigned number = 0;
    struct bf_line line;
    struct bf_text out = {0};
    struct route r;
    bool changed = rs->gateway[0] != 0;
    while (bf_line_next(text, size, &pos, &line)) {
        bool any = parse_route(&line, &r);
        number++;
        if (any && (r.defaults || leads_to_gone(rs, r.to, r.via))) {
            changed = true;
            continue;
        }
        bf_text_add(&out, line.at, line.full);
        if (any)
            note_route(rs, number, &r);
    }
    if (rs->gateway[0] && out.len && out.data[out.len - 1] != '\n')
        bf_text_str(&out, "\n");
    if (rs->gateway[0])
        bf_textf(&out, "%s dev %s\ndefault via %s dev %s\n", rs->gateway, rs->device, rs->gateway,
                 rs->device);
    enum bf_err err = changed ? set_or_remove(rs, &out, text[0] != 0) : BF_OK;
    bf_text_free(&out);
    return err;
}

// ---- Numbered variables -------------------------------------------------------------------------

static const char *const part[] = {"ADDRESS", "NETMASK", "GATEWAY", "METRIC", "OPTIONS"};
enum { ADDRESS, NETMASK, GATEWAY };

static void part_key(char *out, size_t p, unsigned number)
{
    snprintf(out, BF_SHVAR_KEY, "%s%u", part[p], number);
}

static const char *part_of(const struct bf_shvars *vars, size_t p, unsigned number)
{
    char key[BF_SHVAR_KEY];
    part_key(key, p, number);
    return bf_shvars_get(vars, key);
}

static bool is_numbered(const char *text, size_t size)
{
    struct bf_shvar sv;
    int number;
    bf_shvar_init(&sv, text, size);
    while (bf_shvar_next(&sv))
        if (sv.kind == BF_SHVAR_SET && bf_ifcfg_number(sv.key, "ADDRESS", &number) && number >= 0)
            return true;
    return false;
}

static bool is_default_entry(const struct bf_shvars *vars, unsigned number)
{
    return strcmp(part_of(vars, ADDRESS, number), "0.0.0.0") == 0 &&
           strcmp(part_of(vars, NETMASK, number), "0.0.0.0") == 0;
}

static bool goes(const struct routes *rs, const struct bf_shvars *vars, unsigned number)
{
    return is_default_entry(vars, number) ||
           (strcmp(part_of(vars, NETMASK, number), "255.255.255.255") == 0 &&
            leads_to_gone(rs, part_of(vars, ADDRESS, number), part_of(vars, GATEWAY, number)));
}

static void want_entry(struct bf_ifcfg_changes *to, unsigned number, const char *const value[])
{
    char key[BF_SHVAR_KEY];
    for (size_t p = 0; p < BF_COUNT(part); p++) {
        part_key(key, p, number);
        if (value[p] && value[p][0])
            bf_ifcfg_want(to, key, "%s", value[p]);
    }
}

// Entries that stay move up: the first number that is missing ends the list.
static unsigned keep_entries(struct routes *rs, const struct bf_shvars *vars,
                             struct bf_ifcfg_changes *to)
{
    unsigned kept = 0;
    for (unsigned n = 0; part_of(vars, ADDRESS, n)[0]; n++) {
        const char *value[BF_COUNT(part)];
        struct route r = {.table = false};
        if (goes(rs, vars, n))
            continue;
        for (size_t p = 0; p < BF_COUNT(part); p++)
            value[p] = part_of(vars, p, n);
        bf_net_copy(r.to, sizeof r.to, value[ADDRESS], strlen(value[ADDRESS]));
        bf_net_copy(r.via, sizeof r.via, value[GATEWAY], strlen(value[GATEWAY]));
        char key[BF_SHVAR_KEY];
        part_key(key, ADDRESS, n);
        note_route(rs, bf_shvars_find(vars, key)->line, &r);
        want_entry(to, kept++, value);
    }
    return kept;
}

// Whether the variable is of a route; it goes unless it was wanted before.
static bool drop_part(struct bf_ifcfg_changes *to, const struct bf_shvar_var *v)
{
    int number;
    for (size_t p = 0; p < BF_COUNT(part); p++)
        if (bf_ifcfg_number(v->key, part[p], &number) && number >= 0) {
            bf_ifcfg_drop(to, v->key);
            return true;
        }
    return false;
}

static enum bf_err rewrite_numbered(struct routes *rs, const char *text, size_t size)
{
    struct bf_shvars vars;
    struct bf_ifcfg_changes to = {.count = 0};
    enum bf_err err = BF_OK;
    bool any = rs->gateway[0] != 0;
    bf_shvars_load(&vars, text, size);
    for (unsigned n = 0; part_of(&vars, ADDRESS, n)[0]; n++) {
        if (is_default_entry(&vars, n))
            add_gone(rs, part_of(&vars, GATEWAY, n));
        any = any || is_default_entry(&vars, n);
    }
    unsigned kept = keep_entries(rs, &vars, &to);
    if (rs->gateway[0]) {
        want_entry(&to, kept, (const char *const[]){rs->gateway, "255.255.255.255", "", "", ""});
        want_entry(&to, kept + 1, (const char *const[]){"0.0.0.0", "0.0.0.0", rs->gateway, "", ""});
    }
    for (size_t i = 0; any && !err && i < vars.count; i++)
        if (drop_part(&to, &vars.var[i]) && !vars.var[i].literal)
            err = bf_refuse(rs->f->report,
                            "%s, line %u: the value of %s is computed, which is not understood",
                            rs->path, vars.var[i].line, vars.var[i].key);
    if (any && !err && vars.code)
        err = bf_refuse(rs->f->report,
                        "%s, line %u: is more than one assignment to a variable, "
                        "which is not understood",
                        rs->path, vars.code);
    if (any && !err)
        err = bf_ifcfg_apply(rs->f, &to, rs->path, NULL, WHY);
    bf_ifcfg_changes_free(&to);
    bf_shvars_free(&vars);
    return err;
}

// ---- Files --------------------------------------------------------------------------------------

static enum bf_err rewrite_file(struct routes *rs)
{
    size_t len;
    struct bf_fault fault;
    const char *text = bf_edits_get(&rs->f->edits, rs->path, &len, &fault);
    rs->count = 0;
    add_gone(rs, rs->gateway);
    if (!text && fault.code != BF_ERR_NOT_FOUND)
        return bf_refuse(rs->f->report, "%s cannot be read: %s", rs->path, fault.what);
    if (text && rs->family == AF_INET && is_numbered(text, len))
        return rewrite_numbered(rs, text, len);
    if (text)
        gather_lines(rs, text, len);
    return rewrite_lines(rs, text ? text : "", len);
}

static void look_at_rules(struct routes *rs, const char *kind, const char *name)
{
    char path[320];
    size_t len;
    snprintf(path, sizeof path, BF_IFCFG_DIR "/%s-%.250s", kind, name);
    rs->path = path;
    const char *text = bf_edits_get(&rs->f->edits, path, &len, NULL);
    if (text)
        note_rules(rs, text, len);
}

// The scripts read the files of the device and of its ifcfg file, NetworkManager the latter's.
enum bf_err bf_ifcfg_routes(struct bf_fin *f, const struct bf_link *link, const char *device,
                            const char *name, bool onlink, const struct bf_known *before)
{
    const char *names[] = {name, device};
    struct routes rs = {.f = f, .link = link, .device = device, .before = before};
    enum bf_err err = BF_OK;
    size_t count = device[0] && strcmp(device, name) != 0 ? 2 : 1;
    for (size_t i = 0; !err && i < count; i++)
        for (int six = 0; !err && six < 2; six++) {
            char path[320];
            snprintf(path, sizeof path, BF_IFCFG_DIR "/route%s-%.250s", six ? "6" : "", names[i]);
            rs.path = path;
            rs.family = six ? AF_INET6 : AF_INET;
            bool wanted = onlink && i == 0 && device[0] && bf_nic_on_link(link->nic, rs.family);
            rs.gateway = !wanted ? "" : six ? link->nic->gateway6 : link->nic->gateway4;
            err = rewrite_file(&rs);
        }
    for (size_t i = 0; !err && i < count; i++) {
        look_at_rules(&rs, "rule", names[i]);
        look_at_rules(&rs, "rule6", names[i]);
    }
    return err;
}
