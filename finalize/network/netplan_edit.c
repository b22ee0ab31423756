// SPDX-License-Identifier: Apache-2.0
// Rewrites one of netplan's definitions where it stands. Files are merged key by key, so the old
// keys go out of every file and the new ones into one.
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "finalize/network/netplan.h"

static const char anchors[] = "anchors or aliases";
static const char form[] = "keys that do not stand on lines of their own";

// One part at work.
struct part_edit {
    struct bf_sheet *s;
    const struct bf_netplan_new *w;
    const struct bf_netplan_def *def;
    bool placed; // the new routes are in a list that stays
    bool first;  // the new keys go here
    const char *odd;
};

// ---- Routes -------------------------------------------------------------------------------------

static bool is_main_table(const char *table)
{
    return !table[0] || strcmp(table, "254") == 0;
}

bool bf_netplan_is_default(struct bf_sheet *s, yaml_node_t *route)
{
    const char *to = bf_yaml_text(bf_yaml_get(s, route, "to"));
    if (strcmp(to, "default") != 0 && strcmp(to, "0.0.0.0/0") != 0 && strcmp(to, "::/0") != 0)
        return false;
    return is_main_table(bf_yaml_text(bf_yaml_get(s, route, "table")));
}

static void put_routes(struct part_edit *e, yaml_node_t *key, yaml_node_t *list)
{
    const struct bf_plan_nic *nic = e->w->link->nic;
    struct bf_text out = {0};
    // The item's own column is behind its dash, "- ".
    size_t column = bf_yaml_key(e->s, list, 0)->start_mark.column;
    if (bf_yaml_is_flow(list)) {
        bf_netplan_route_flow(&out, nic);
        bf_sheet_put_before(e->s, bf_yaml_key(e->s, list, 0), bf_text_get(&out));
    } else {
        bf_netplan_route_lines(&out, nic, column >= 2 ? column - 2 : 0);
        bf_sheet_put_below(e->s, key->start_mark.line, bf_text_get(&out));
    }
    e->s->failed = e->s->failed || !bf_text_ok(&out);
    bf_text_free(&out);
    e->placed = true;
}

// Default routes leave the list, and new ones join it when others stay. True when the list goes as
// a whole.
static bool clean_routes(struct part_edit *e, yaml_node_t *key, yaml_node_t *list)
{
    size_t count = bf_yaml_size(list), stay = 0;
    bool joined = false;
    for (size_t i = 0; i < count; i++)
        stay += !bf_netplan_is_default(e->s, bf_yaml_key(e->s, list, i));
    if (stay == 0)
        return true;
    for (size_t i = 0; i < count && !e->odd; i++) {
        bool goes = bf_netplan_is_default(e->s, bf_yaml_key(e->s, list, i));
        if (goes && !bf_sheet_remove(e->s, list, i, joined))
            e->odd = form;
        joined = !goes;
    }
    if (e->first && !e->placed && (e->w->link->nic->gateway4[0] || e->w->link->nic->gateway6[0]))
        put_routes(e, key, list);
    return false;
}

// ---- NetworkManager's own settings --------------------------------------------------------------

// Those that name the family's addresses; a way of its own ("disabled") stays where the plan says
// nothing of the family.
static bool passed_family_goes(const struct part_edit *e, const char *key, const char *value)
{
    const struct bf_plan_nic *nic = e->w->link->nic;
    bool four = strncmp(key, "ipv4.", 5) == 0;
    bool planned = four ? nic->dhcp || bf_nic_address(nic, AF_INET) != NULL
                        : bf_nic_address(nic, AF_INET6) != NULL;
    if (!four && strncmp(key, "ipv6.", 5) != 0)
        return false;
    key += 5;
    if (strcmp(key, "method") == 0)
        return planned || strcmp(value, "auto") == 0 || strcmp(value, "manual") == 0 ||
               strcmp(value, "dhcp") == 0;
    if (strncmp(key, "route", 5) == 0 && key[5] >= '0' && key[5] <= '9')
        return strncmp(value, "0.0.0.0/0", 9) == 0 || strncmp(value, "::/0", 4) == 0;
    if (strncmp(key, "dns", 3) == 0)
        return bf_netplan_goes(e->w, "nameservers");
    return strncmp(key, "address", 7) == 0 || strcmp(key, "gateway") == 0 ||
           (strcmp(key, "never-default") == 0 && (four ? nic->gateway4[0] : nic->gateway6[0]));
}

static bool passed_goes(const struct part_edit *e, const char *key, const char *value)
{
    static const char *const macs[] = {"ethernet.mac-address", "802-3-ethernet.mac-address", NULL};
    const char *mac = bf_nic_mac(e->w->link->nic);
    if (e->w->hardware && mac[0] && bf_netplan_in_words(key, macs))
        return strcasecmp(value, mac) != 0 && strcasecmp(value, e->w->link->old_mac) != 0;
    return e->w->addresses && passed_family_goes(e, key, value);
}

// True when nothing of them is left, so that they go as a whole.
static bool clean_manager(struct part_edit *e, yaml_node_t *manager)
{
    yaml_node_t *pass = bf_yaml_get(e->s, manager, "passthrough");
    size_t stay = 0, count = bf_yaml_size(pass);
    bool joined = false;
    for (size_t i = 0; i < count; i++)
        stay += !passed_goes(e, bf_yaml_text(bf_yaml_key(e->s, pass, i)),
                             bf_yaml_text(bf_yaml_value(e->s, pass, i)));
    if (stay == count)
        return false;
    if (stay == 0 && bf_yaml_size(manager) == 1)
        return true;
    for (size_t i = 0; stay == 0 && i < bf_yaml_size(manager); i++)
        if (bf_yaml_value(e->s, manager, i) == pass && !bf_sheet_remove(e->s, manager, i, i > 0))
            e->odd = form;
    for (size_t i = 0; stay > 0 && i < count && !e->odd; i++) {
        bool goes = passed_goes(e, bf_yaml_text(bf_yaml_key(e->s, pass, i)),
                                bf_yaml_text(bf_yaml_value(e->s, pass, i)));
        if (goes && !bf_sheet_remove(e->s, pass, i, joined))
            e->odd = form;
        joined = !goes;
    }
    return false;
}

// ---- One part -----------------------------------------------------------------------------------

static bool child_goes(struct part_edit *e, yaml_node_t *key, yaml_node_t *value)
{
    const struct bf_plan_nic *nic = e->w->link->nic;
    const char *name = bf_yaml_text(key);
    if (e->w->addresses && strcmp(name, "routes") == 0)
        return clean_routes(e, key, value);
    if (e->def->nm && strcmp(name, "networkmanager") == 0)
        return clean_manager(e, value);
    // An address of its own would hide the planned one; the source's follows the plan.
    if (e->w->hardware && nic->new_mac[0] && strcmp(name, "macaddress") == 0)
        return strcasecmp(bf_yaml_text(value), e->w->link->old_mac) != 0 &&
               strcasecmp(bf_yaml_text(value), nic->new_mac) != 0;
    return bf_netplan_goes(e->w, name);
}

// Takes the old keys out. The number of those that stay.
static size_t clean(struct part_edit *e, yaml_node_t *value)
{
    size_t stay = 0;
    bool joined = false;
    for (size_t i = 0; i < bf_yaml_size(value) && !e->odd; i++) {
        yaml_node_t *key = bf_yaml_key(e->s, value, i), *child = bf_yaml_value(e->s, value, i);
        if (!bf_yaml_is_flow(value) && !bf_sheet_leads(e->s, key))
            e->odd = form;
        bool goes = !e->odd && child_goes(e, key, child);
        if (goes && !bf_sheet_remove(e->s, value, i, joined))
            e->odd = form;
        joined = !goes;
        stay += !goes;
    }
    return stay;
}

static void put_lines(struct part_edit *e, const struct bf_netplan_part *p, size_t last)
{
    struct bf_text out = {0};
    bool empty = bf_yaml_size(p->value) == 0;
    size_t column =
        empty ? p->key->start_mark.column + 2 : bf_yaml_key(e->s, p->value, 0)->start_mark.column;
    bf_netplan_lines(&out, e->w, column, !e->placed);
    if (out.len && empty)
        bf_sheet_clear(e->s, p->value);
    if (out.len)
        bf_sheet_put_below(e->s, empty ? last : p->key->start_mark.line, bf_text_get(&out));
    e->s->failed = e->s->failed || out.failed;
    bf_text_free(&out);
}

static void put_flow(struct part_edit *e, const struct bf_netplan_part *p, size_t stay)
{
    struct bf_text out = {0};
    bf_netplan_flow(&out, e->w, !e->placed);
    if (out.len >= 2 && stay == 0)
        out.data[out.len - 2] = 0;
    if (out.len && bf_yaml_size(p->value))
        bf_sheet_put_before(e->s, bf_yaml_key(e->s, p->value, 0), bf_text_get(&out));
    else if (out.len)
        bf_sheet_put_inside(e->s, p->value, bf_text_get(&out));
    e->s->failed = e->s->failed || out.failed;
    bf_text_free(&out);
}

static void edit_part(struct part_edit *e, const struct bf_netplan_part *p)
{
    size_t last = bf_sheet_last(e->s, p->key, p->value), size = bf_yaml_size(p->value);
    bool flow = bf_yaml_is_flow(p->value), leads = bf_sheet_leads(e->s, p->key);
    if (bf_sheet_has_marks(e->s, p->key->start_mark.line, last))
        e->odd = anchors;
    else if (!flow && !leads)
        e->odd = form;
    if (e->odd)
        return;
    size_t stay = clean(e, p->value);
    if (e->odd)
        return;
    if (e->first && (!flow || (leads && size == 0)))
        put_lines(e, p, last);
    else if (e->first)
        put_flow(e, p, stay);
    else if (!flow && stay == 0 && size > 0)
        bf_sheet_put_behind(e->s, p->key, " {}");
}

// ---- All parts ----------------------------------------------------------------------------------

static void keep_list(struct bf_sheet *s, struct bf_text *out, yaml_node_t *list)
{
    for (size_t i = 0; i < bf_yaml_size(list); i++) {
        const char *value = bf_yaml_text(bf_yaml_key(s, list, i));
        if (value[0] && !strpbrk(value, "\"\\\n"))
            bf_textf(out, "%s\"%s\"", out->len ? ", " : "", value);
    }
}

static void take_addresses(struct bf_sheet *s, yaml_node_t *list, void *arg)
{
    for (size_t i = 0; i < bf_yaml_size(list); i++) {
        const char *text = bf_netplan_address(s, bf_yaml_key(s, list, i));
        bf_old_add(arg, text, strlen(text));
    }
}

static void take_servers(struct bf_sheet *s, yaml_node_t *servers, void *arg)
{
    struct bf_netplan_new *w = arg;
    keep_list(s, &w->dns, bf_yaml_get(s, servers, "addresses"));
    keep_list(s, &w->search, bf_yaml_get(s, servers, "search"));
}

static void warn_route(struct bf_sheet *s, yaml_node_t *list, void *arg)
{
    struct bf_netplan_new *w = arg;
    for (size_t i = 0; i < bf_yaml_size(list); i++) {
        yaml_node_t *route = bf_yaml_key(s, list, i);
        const char *table = bf_yaml_text(bf_yaml_get(s, route, "table"));
        const char *to = bf_yaml_text(bf_yaml_get(s, route, "to"));
        if (!is_main_table(table) && (strcmp(to, "default") == 0 || strstr(to, "/0")))
            bf_note(w->f->report, "warning", s->path,
                    "line %u: the default route of table %.20s stays", bf_sheet_line(route), table);
    }
}

// The part that gets the new keys: the first in /etc, since one of /lib is a package's.
static size_t place_of(const struct bf_netplan *np, size_t def)
{
    size_t place = np->parts;
    for (size_t i = 0; i < np->parts; i++) {
        bool etc = strncmp(np->sheet[np->part[i].file].path, BF_NETPLAN_ETC "/",
                           strlen(BF_NETPLAN_ETC "/")) == 0;
        if (np->part[i].def == def && etc)
            return i;
        if (np->part[i].def == def && place == np->parts)
            place = i;
    }
    return place;
}

enum bf_err bf_netplan_rewrite(struct bf_netplan *np, const struct bf_netplan_def *def,
                               struct bf_netplan_new *w)
{
    size_t d = (size_t)(def - np->def), place = place_of(np, d);
    w->had_dhcp = def->dhcp;
    if (w->addresses) {
        bf_netplan_each(np, def, "addresses", take_addresses, w->old);
        bf_netplan_each(np, def, "nameservers", take_servers, w);
        bf_netplan_each(np, def, "routes", warn_route, w);
    }
    for (size_t i = 0; i < np->parts; i++) {
        const struct bf_netplan_part *p = &np->part[i];
        struct part_edit e = {.s = &np->sheet[p->file], .w = w, .def = def, .first = i == place};
        if (p->def != d)
            continue;
        edit_part(&e, p);
        if (e.odd)
            return bf_refuse(w->f->report,
                             "netplan: %s, line %u: %s has %s, which are not rewritten; write it "
                             "with one key per line on the source",
                             e.s->path, bf_sheet_line(p->key), def->id, e.odd);
    }
    return BF_OK;
}

// ---- MAC addresses ------------------------------------------------------------------------------

static bool ends_with(const char *s, const char *end)
{
    size_t len = strlen(s), n = strlen(end);
    return len >= n && strcmp(s + len - n, end) == 0;
}

static void follow(struct bf_sheet *s, yaml_node_t *map, bool top, const struct bf_link *link)
{
    char quoted[BF_MAC_TEXT + 2];
    snprintf(quoted, sizeof quoted, "\"%s\"", link->nic->new_mac);
    for (size_t i = 0; bf_yaml_is_map(map) && i < bf_yaml_size(map); i++) {
        const char *key = bf_yaml_text(bf_yaml_key(s, map, i));
        yaml_node_t *value = bf_yaml_value(s, map, i);
        bool mac = top ? strcmp(key, "macaddress") == 0
                       : ends_with(key, "mac-address") || strcmp(key, "hwaddr") == 0;
        if (mac && strcasecmp(bf_yaml_text(value), link->old_mac) == 0)
            bf_sheet_replace(s, value, quoted);
    }
}

void bf_netplan_follow_mac(struct bf_netplan *np, const struct bf_netplan_def *def,
                           const struct bf_link *link)
{
    size_t d = (size_t)(def - np->def);
    if (!link->nic->new_mac[0] || !link->old_mac[0])
        return;
    for (size_t i = 0; i < np->parts; i++) {
        struct bf_sheet *s = &np->sheet[np->part[i].file];
        yaml_node_t *value = np->part[i].value;
        if (np->part[i].def != d)
            continue;
        follow(s, value, true, link);
        follow(s, bf_netplan_passthrough(s, value), false, link);
        follow(s, bf_yaml_get(s, bf_yaml_get(s, value, "openvswitch"), "other-config"), false,
               link);
    }
}

// ---- Saving -------------------------------------------------------------------------------------

static enum bf_err save(struct bf_fin *f, struct bf_sheet *s)
{
    char path[512];
    struct bf_text out = {0};
    const char *name = strrchr(s->path, '/');
    enum bf_err err;
    snprintf(path, sizeof path, BF_NETPLAN_ETC "/%.250s", name ? name + 1 : s->path);
    if (strcmp(path, s->path) != 0)
        bf_note(f->report, "info", path, "takes the place of %s, which stays as it is", s->path);
    if (bf_sheet_render(s, &out))
        err = bf_fin_set_mode(f, path, &out, 0600, "addresses as planned");
    else
        err = bf_fail(f->report, "%s: out of memory", path);
    bf_text_free(&out);
    return err;
}

enum bf_err bf_netplan_save(struct bf_fin *f, struct bf_netplan *np)
{
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < np->files && !err; i++)
        if (np->sheet[i].splices || np->sheet[i].failed)
            err = save(f, &np->sheet[i]);
    return err;
}
