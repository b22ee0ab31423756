// SPDX-License-Identifier: Apache-2.0
// Two files of routes for all devices, which the network service's scripts read: static-routes-ipv6
// (DEVICE NETWORK [GATEWAY]) and static-routes (DEVICE or "any", and arguments of route(8)).
// Default routes of the interface that is readdressed go, all other lines stay.
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "finalize/network/ifcfg.h"
#include "finalize/network/ifcfg_find.h"

#define STATIC4 "/etc/sysconfig/static-routes"
#define STATIC6 "/etc/sysconfig/static-routes-ipv6"

struct statics {
    struct bf_fin *f;
    const struct bf_link *link;
    const struct bf_known *before;
    const char *path, *device;
    bool six;
};

// What matters of a line. `device` is the one that it names, "" for "any" without one.
struct static_route {
    char device[BF_IFNAME], to[64], via[64], mask[64];
};

// The arguments of route(8), behind "-": net|host TARGET [netmask MASK] [gw GATEWAY] [[dev] IF].
static void parse_arguments(const char *at, const char *end, struct static_route *r)
{
    const char *w, *prev = "";
    size_t len, prev_len = 0;
    while (bf_word_next(&at, end, &w, &len)) {
        if (bf_word_is(prev, prev_len, "gw"))
            bf_net_copy(r->via, sizeof r->via, w, len);
        else if (bf_word_is(prev, prev_len, "netmask"))
            bf_net_copy(r->mask, sizeof r->mask, w, len);
        else if (bf_word_is(prev, prev_len, "dev"))
            bf_net_copy(r->device, sizeof r->device, w, len);
        else if (!r->to[0] && !bf_word_is(w, len, "net") && !bf_word_is(w, len, "host"))
            bf_net_copy(r->to, sizeof r->to, w, len);
        prev = w;
        prev_len = len;
    }
}

// False for a line without a route.
static bool parse(const struct statics *s, const struct bf_line *line, struct static_route *r)
{
    const char *at = line->at, *end = line->at + line->len, *w;
    size_t len;
    *r = (struct static_route){.to = ""};
    if (!bf_word_next(&at, end, &w, &len) || *w == '#')
        return false;
    if (s->six || !bf_word_is(w, len, "any"))
        bf_net_copy(r->device, sizeof r->device, w, len);
    if (!s->six) {
        parse_arguments(at, end, r);
        return r->to[0] != 0;
    }
    if (bf_word_next(&at, end, &w, &len))
        bf_net_copy(r->to, sizeof r->to, w, len);
    if (bf_word_next(&at, end, &w, &len))
        bf_net_copy(r->via, sizeof r->via, w, strcspn(w, "%") < len ? strcspn(w, "%") : len);
    return r->to[0] != 0;
}

static bool is_default(const struct static_route *r)
{
    return bf_ifcfg_is_default(r->to) ||
           (strcmp(r->to, "0.0.0.0") == 0 && strcmp(r->mask, "0.0.0.0") == 0);
}

static bool had(const struct statics *s, const char *ip)
{
    for (size_t i = 0; ip[0] && i < s->before->addresses; i++)
        if (bf_ifcfg_reaches(s->before->address[i], ip))
            return true;
    return false;
}

static bool will_have(const struct statics *s, const char *ip)
{
    const struct bf_plan_nic *nic = s->link->nic;
    for (size_t i = 0; i < nic->addresses; i++)
        if (bf_address_reaches(&nic->address[i], ip))
            return true;
    return false;
}

// Whether a line stays; one by a gateway that is left behind is said.
static bool stays(const struct statics *s, unsigned number, const struct static_route *r)
{
    bool own = r->device[0] ? strcmp(r->device, s->device) == 0 : had(s, r->via);
    if (own && is_default(r))
        return false;
    if (own && had(s, r->via) && !will_have(s, r->via))
        bf_note(s->f->report, "warning", s->path,
                "line %u: the route to %s by %s stays, but lies in none of the new networks",
                number, r->to, r->via);
    if (!own && !r->device[0] && is_default(r))
        bf_note(s->f->report, "warning", s->path,
                "line %u: the default route by %s stays, which names no interface", number, r->via);
    return true;
}

static enum bf_err rewrite(const struct statics *s)
{
    size_t size, pos = 0;
    unsigned number = 0;
    struct bf_line line;
    struct bf_fault fault;
    struct bf_text out = {0};
    struct static_route r;
    const char *text = bf_edits_get(&s->f->edits, s->path, &size, &fault);
    if (!text && fault.code != BF_ERR_NOT_FOUND)
        return bf_refuse(s->f->report, "%s cannot be read: %s", s->path, fault.what);
    while (text && bf_line_next(text, size, &pos, &line)) {
        number++;
        if (!parse(s, &line, &r) || stays(s, number, &r))
            bf_text_add(&out, line.at, line.full);
    }
    // Unchanged, it keeps its bytes.
    enum bf_err err = text ? bf_fin_set(s->f, s->path, &out, "default routes as planned") : BF_OK;
    bf_text_free(&out);
    return err;
}

enum bf_err bf_ifcfg_static_routes(struct bf_fin *f, const struct bf_link *link, const char *device,
                                   const struct bf_known *before)
{
    struct statics s = {.f = f, .link = link, .before = before, .path = STATIC4, .device = device};
    enum bf_err err = rewrite(&s);
    s.path = STATIC6;
    s.six = true;
    return err ? err : rewrite(&s);
}
