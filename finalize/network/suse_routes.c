// SPDX-License-Identifier: Apache-2.0
// Routes of SUSE: /etc/sysconfig/network/ifroute-NAME and routes (ifroute(5)), lines of
// destination, gateway, netmask, interface and options, "-" for nothing. The default routes of the
// interface that is readdressed become the plan's, where they stand; all others keep their bytes.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/suse.h"

#define ROUTES BF_SUSE_DIR "/routes"

enum { DEST, GATEWAY, MASK, DEVICE, COLUMNS };

// A line, taken apart. A column that is left out or "-" has the length 0.
struct route {
    struct bf_line line;
    unsigned number;
    const char *at[COLUMNS];
    size_t len[COLUMNS];
    const char *rest, *end; // the options
    int family;             // 0: the line does not say
    bool continued;
};

// What is done to both files, in the order of ifroute-NAME and routes.
struct work {
    struct bf_fin *f;
    const struct bf_link *link;
    const char *carrier;
    const char *path;       // of the file at work
    bool own;               // it is ifroute-NAME
    bool done[2];           // the default route of IPv4 and of IPv6 is written
    bool host[2];           // a line says already that the gateway is on the link
    struct bf_old gateways; // of the default routes that go
    const char *odd;
    unsigned odd_line;
};

// ---- Lines --------------------------------------------------------------------------------------

static bool is_word(const struct route *r, int column, const char *s)
{
    return bf_word_is(r->at[column], r->len[column], s);
}

// A counted word as a C string, "" when it is too long for an address or a name.
static const char *text_of(const struct route *r, int column, char out[INET6_ADDRSTRLEN + 4])
{
    bf_net_copy(out, INET6_ADDRSTRLEN + 4, r->at[column], r->len[column]);
    return out;
}

static int family_of(const struct route *r)
{
    int column = r->len[GATEWAY] ? GATEWAY : DEST;
    if (memchr(r->at[column], ':', r->len[column]))
        return AF_INET6;
    return memchr(r->at[column], '.', r->len[column]) ? AF_INET : 0;
}

// False for a line that is none: blank, a comment.
static bool parse(struct route *r)
{
    const char *at = r->line.at, *end = at + r->line.len, *w;
    const char *comment = memchr(at, '#', r->line.len);
    size_t len;
    r->continued = r->line.len && memchr(at, '\\', r->line.len);
    r->end = comment ? comment : end;
    for (int i = 0; i < COLUMNS; i++) {
        r->len[i] = 0;
        r->at[i] = r->end;
        if (!bf_word_next(&at, r->end, &w, &len))
            continue;
        r->at[i] = w;
        r->len[i] = i != DEST && bf_word_is(w, len, "-") ? 0 : len;
    }
    r->rest = at < r->end ? at : r->end;
    r->family = family_of(r);
    return r->len[DEST] > 0;
}

static bool option(const struct route *r, const char *name, const char **value, size_t *len)
{
    const char *at = r->rest, *w;
    size_t n;
    while (bf_word_next(&at, r->end, &w, &n)) {
        if (!bf_word_is(w, n, name))
            continue;
        if (!bf_word_next(&at, r->end, value, len))
            *len = 0;
        return true;
    }
    return false;
}

static bool has_type(const struct route *r)
{
    static const char *const type[] = {"unreachable", "blackhole", "prohibit", "throw"};
    const char *v;
    size_t n;
    for (size_t i = 0; i < BF_COUNT(type); i++)
        if (option(r, type[i], &v, &n))
            return true;
    return false;
}

// The main table's, and one that leads anywhere.
static bool is_main(const struct route *r)
{
    const char *v;
    size_t n;
    if (option(r, "table", &v, &n) && !bf_word_is(v, n, "main") && !bf_word_is(v, n, "254"))
        return false;
    return !has_type(r);
}

static bool is_default(const struct route *r)
{
    if (is_word(r, DEST, "default") || is_word(r, DEST, "0.0.0.0/0") || is_word(r, DEST, "0/0") ||
        is_word(r, DEST, "::/0"))
        return is_main(r);
    return is_word(r, DEST, "0.0.0.0") && (is_word(r, MASK, "0.0.0.0") || is_word(r, MASK, "0")) &&
           is_main(r);
}

static bool has_gateway(const struct route *r)
{
    return r->len[GATEWAY] && !is_word(r, GATEWAY, "0.0.0.0") && !is_word(r, GATEWAY, "::");
}

// The next line of a text; false at its end.
static bool next(const char *text, size_t size, size_t *pos, struct route *r)
{
    r->number++;
    return bf_line_next(text, size, pos, &r->line);
}

// ---- Whose a route is ---------------------------------------------------------------------------

static bool cidr_reaches(const char *cidr, const char *ip)
{
    struct bf_address a = {.family = strchr(cidr, ':') ? AF_INET6 : AF_INET};
    size_t len = strcspn(cidr, "/");
    a.prefix = cidr[len] ? (unsigned)strtoul(cidr + len + 1, NULL, 10) : 128;
    if (len >= sizeof a.text || a.prefix > (a.family == AF_INET ? 32 : 128))
        return false;
    memcpy(a.text, cidr, len);
    return bf_address_reaches(&a, ip);
}

static bool known_reaches(const struct bf_known *k, const char *ip)
{
    for (size_t i = 0; k && i < k->addresses; i++)
        if (cidr_reaches(k->address[i], ip))
            return true;
    return false;
}

// Whether another interface had the gateway in its network before this run.
static bool others_reach(const struct work *w, const char *ip)
{
    const struct bf_net *net = w->f->system.net;
    for (size_t i = 0; net && i < net->count; i++)
        if (net->known[i].stack == w->link->stack && strcmp(net->known[i].name, w->carrier) != 0 &&
            known_reaches(&net->known[i], ip))
            return true;
    return false;
}

// Whether another interface has addresses, maybe of a server that nothing here knows.
static bool has_others(const struct work *w)
{
    const struct bf_net *net = w->f->system.net;
    for (size_t i = 0; net && i < net->count; i++)
        if (net->known[i].stack == w->link->stack && strcmp(net->known[i].name, w->carrier) != 0 &&
            bf_net_is_addressed(&net->known[i]))
            return true;
    return false;
}

// A default route that any of several interfaces may have, and that the plan puts nothing in the
// place of.
static bool is_nobodys(const struct work *w, const struct route *r, const char *gateway)
{
    bool six = r->family == AF_INET6;
    const char *planned = six ? w->link->nic->gateway6 : w->link->nic->gateway4;
    return !planned[0] && has_others(w) && !known_reaches(w->link->known, gateway) &&
           !others_reach(w, gateway);
}

// A line without an interface belongs to the one that has the gateway in its network; if none has
// it, a default route is taken for the carrier's.
static bool is_carriers(const struct work *w, const struct route *r)
{
    char gateway[INET6_ADDRSTRLEN + 4];
    if (w->own)
        return true;
    if (r->len[DEVICE])
        return is_word(r, DEVICE, w->carrier);
    text_of(r, GATEWAY, gateway);
    if (known_reaches(w->link->known, gateway))
        return true;
    return is_default(r) && !others_reach(w, gateway) && !is_nobodys(w, r, gateway);
}

// ---- What the plan wants ------------------------------------------------------------------------

static int index_of(int family)
{
    return family == AF_INET6;
}

static const char *gateway_of(const struct work *w, int index)
{
    return index ? w->link->nic->gateway6 : w->link->nic->gateway4;
}

static bool is_on_link(const struct work *w, int index)
{
    return bf_nic_on_link(w->link->nic, index ? AF_INET6 : AF_INET);
}

// Whether the line says that this address alone is on the carrier's link.
static bool is_host(const struct work *w, const struct route *r, const char *ip)
{
    char dest[INET6_ADDRSTRLEN + 4];
    text_of(r, DEST, dest);
    size_t len = strcspn(dest, "/");
    bool single = !dest[len] ? !r->len[MASK] || is_word(r, MASK, "255.255.255.255")
                             : strcmp(dest + len, strchr(dest, ':') ? "/128" : "/32") == 0;
    return single && strlen(ip) == len && strncmp(dest, ip, len) == 0 && !has_gateway(r) &&
           is_main(r) && (w->own || is_word(r, DEVICE, w->carrier));
}

// The first pass: gateways that go, and what is said already.
static void gather(struct work *w, const char *text, size_t size)
{
    struct route r = {0};
    size_t pos = 0;
    bool more = false;
    while (next(text, size, &pos, &r)) {
        bool skip = more, line = parse(&r);
        more = r.continued;
        if (skip || !line)
            continue;
        for (int i = 0; i < 2; i++)
            w->host[i] = w->host[i] || (gateway_of(w, i)[0] && is_host(w, &r, gateway_of(w, i)));
        if (!is_default(&r) || !is_carriers(w, &r))
            continue;
        if (r.continued || option(&r, "nexthop", &(const char *){0}, &(size_t){0})) {
            w->odd = r.continued ? "a default route over several lines"
                                 : "a default route of several gateways";
            w->odd_line = r.number;
        }
        bf_old_add(&w->gateways, r.at[GATEWAY], r.len[GATEWAY]);
    }
}

// A line that only said where the old gateway is.
static bool is_old_host(const struct work *w, const struct route *r)
{
    for (size_t i = 0; i < w->gateways.count; i++) {
        const char *ip = w->gateways.address[i];
        bool stays = strcmp(ip, gateway_of(w, 0)) == 0 || strcmp(ip, gateway_of(w, 1)) == 0;
        if (!stays && is_host(w, r, ip))
            return true;
    }
    return false;
}

// ---- Writing ------------------------------------------------------------------------------------

static void put_host(struct work *w, struct bf_text *out, int index)
{
    if (is_on_link(w, index) && !w->host[index])
        bf_textf(out, "%s/%d - - %s\n", gateway_of(w, index), index ? 128 : 32, w->carrier);
    w->host[index] = true;
}

// The options of the old route; a source address that is given up becomes the planned one.
static void put_options(const struct work *w, struct bf_text *out, const struct route *r,
                        const char *from, int index)
{
    const struct bf_address *a = bf_nic_address(w->link->nic, index ? AF_INET6 : AF_INET);
    const char *end = r->line.at + r->line.full, *src;
    size_t len;
    if (option(r, "src", &src, &len) && len && a) {
        bf_text_add(out, from, (size_t)(src - from));
        bf_text_str(out, a->text);
        from = src + len;
    }
    bf_text_add(out, from, (size_t)(end - from));
}

static void put_default(struct work *w, struct bf_text *out, const struct route *r, int index)
{
    put_host(w, out, index);
    if ((w->own || r->len[DEVICE]) && r->len[GATEWAY]) {
        bf_text_add(out, r->line.at, (size_t)(r->at[GATEWAY] - r->line.at));
        bf_text_str(out, gateway_of(w, index));
        put_options(w, out, r, r->at[GATEWAY] + r->len[GATEWAY], index);
    } else {
        bf_textf(out, "default %s - %s", gateway_of(w, index), w->carrier);
        put_options(w, out, r, r->rest, index);
    }
    if (out->len && out->data[out->len - 1] != '\n')
        bf_text_str(out, "\n");
    w->done[index] = true;
}

static bool is_planned_network(const struct work *w, const char *ip)
{
    const struct bf_plan_nic *nic = w->link->nic;
    for (size_t i = 0; i < nic->addresses; i++)
        if (bf_address_reaches(&nic->address[i], ip))
            return true;
    return strncmp(ip, "fe80:", 5) == 0 || strcmp(ip, nic->gateway4) == 0 ||
           strcmp(ip, nic->gateway6) == 0;
}

// A route that stays, by a gateway that the interface will not have in its network.
static void note_route(struct work *w, const struct route *r)
{
    char gateway[INET6_ADDRSTRLEN + 4], dest[INET6_ADDRSTRLEN + 4];
    text_of(r, GATEWAY, gateway);
    if (!w->own && !r->len[DEVICE] && is_default(r) && is_nobodys(w, r, gateway))
        bf_note(w->f->report, "warning", w->path,
                "line %u: the default route by %s stays, which lies in no interface's network",
                r->number, gateway);
    if (!has_gateway(r) || !is_carriers(w, r))
        return;
    if (!is_planned_network(w, gateway))
        bf_note(w->f->report, "warning", w->path,
                "line %u: the route to %s stays, and its gateway %s is in no planned network",
                r->number, text_of(r, DEST, dest), gateway);
}

// The second pass. True when the line stays as it is.
static bool stays(struct work *w, struct bf_text *out, const struct route *r)
{
    if (is_old_host(w, r))
        return false;
    if (!is_default(r) || !is_carriers(w, r)) {
        note_route(w, r);
        return true;
    }
    int index = index_of(r->family);
    if (gateway_of(w, index)[0] && !w->done[index])
        put_default(w, out, r, index);
    return false;
}

static void rewrite(struct work *w, const char *text, size_t size, struct bf_text *out)
{
    struct route r = {0};
    size_t pos = 0;
    bool more = false;
    while (next(text, size, &pos, &r)) {
        bool skip = more, line = parse(&r);
        more = r.continued;
        if (skip || !line || stays(w, out, &r))
            bf_text_add(out, r.line.at, r.line.full);
    }
}

// A default route that stood nowhere goes to the end of routes.
static void append(struct work *w, struct bf_text *out)
{
    for (int i = 0; i < 2; i++) {
        if (!gateway_of(w, i)[0] || w->done[i])
            continue;
        if (out->len && out->data[out->len - 1] != '\n')
            bf_text_str(out, "\n");
        put_host(w, out, i);
        bf_textf(out, "default %s - %s\n", gateway_of(w, i), w->carrier);
        w->done[i] = true;
    }
}

// ---- Files --------------------------------------------------------------------------------------

// The text of a file, "" when it is not there; NULL after a refusal.
static const char *read_file(struct bf_fin *f, const char *path, size_t *len, bool *exists)
{
    struct bf_fault fault;
    const char *text = bf_edits_get(&f->edits, path, len, &fault);
    *exists = text != NULL;
    if (text)
        return text;
    *len = 0;
    if (fault.code == BF_ERR_NOT_FOUND)
        return "";
    bf_refuse(f->report, "%s cannot be read: %s", path, fault.what);
    return NULL;
}

static enum bf_err each(struct work *w, const char *path, bool own, bool write)
{
    struct bf_text out = {0};
    size_t len;
    bool exists;
    enum bf_err err = BF_OK;
    const char *text = read_file(w->f, path, &len, &exists);
    if (!text)
        return BF_ERR_CONFIG;
    w->path = path;
    w->own = own;
    if (!write) {
        gather(w, text, len);
        if (w->odd)
            err = bf_refuse(w->f->report, "%s, line %u: %s, which is not rewritten", path,
                            w->odd_line, w->odd);
        return err;
    }
    rewrite(w, text, len, &out);
    if (!own)
        append(w, &out);
    if (exists || out.len)
        err = bf_fin_set(w->f, path, &out, "default route as planned");
    bf_text_free(&out);
    return err;
}

// Rules of routing are not the plan's; one that names an address that is given up is said.
static void note_rules(struct bf_fin *f, const struct bf_link *link, const char *carrier)
{
    char path[BF_SUSE_PATH];
    size_t len, pos = 0;
    struct bf_line line;
    unsigned number = 0;
    bf_suse_path(path, "ifrule", carrier);
    const char *text = bf_edits_get(&f->edits, path, &len, NULL), *w;
    while (text && bf_line_next(text, len, &pos, &line)) {
        const char *at = line.at;
        size_t n;
        number++;
        while (bf_word_next(&at, line.at + line.len, &w, &n) && w[0] != '#') {
            char ip[BF_CIDR_TEXT];
            bf_net_copy(ip, sizeof ip, w, n);
            ip[strcspn(ip, "/")] = 0;
            if (ip[0] && known_reaches(link->known, ip))
                bf_note(f->report, "warning", path, "line %u: the rule for %s stays", number, ip);
        }
    }
}

enum bf_err bf_suse_routes(struct bf_fin *f, const struct bf_link *link, const char *carrier)
{
    char path[BF_SUSE_PATH];
    struct work *w = calloc(1, sizeof *w);
    if (!w)
        return bf_fail(f->report, "out of memory");
    w->f = f;
    w->link = link;
    w->carrier = carrier;
    bf_suse_path(path, "ifroute", carrier);
    enum bf_err err = each(w, path, true, false);
    if (!err)
        err = each(w, ROUTES, false, false);
    if (!err)
        err = each(w, path, true, true);
    if (!err)
        err = each(w, ROUTES, false, true);
    if (!err)
        note_rules(f, link, carrier);
    free(w);
    return err;
}
