// SPDX-License-Identifier: Apache-2.0
// Rewrites the files of systemd-networkd. The file that means exactly the interface is changed in
// place, with its drop-ins; where it means others too, a copy for this interface is put before it.
// What stands in /usr stays: a file of the same name in /etc takes its place.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/networkd.h"

// Further warnings would tell nothing new.
#define ROUTES_SAID 16

struct rewrite {
    struct bf_fin *f;
    const struct bf_link *link;
    struct bf_old *old; // gets the addresses that go
    const char *name;   // the interface whose file this is: the carrier or the hardware; "" by MAC
    bool readdress;     // else only [Match] and the MAC address are changed
    bool hardware;      // it is the interface itself, not a device above it
    bool copy;          // write [Match] anew
    bool matched;       // it was written
    bool keep_dhcp;     // it asks for IPv4 addresses already
    unsigned said;      // routes that a warning was about
};

static const char why_addresses[] = "addresses as planned";

static void add_line(struct bf_text *out, const struct bf_networkd_line *line)
{
    bf_text_add(out, line->at, line->full);
}

static void end_line(struct bf_text *out)
{
    if (out->len && out->data[out->len - 1] != '\n')
        bf_text_str(out, "\n");
}

// ---- What goes ----------------------------------------------------------------------------------

static bool is_any(const char *value)
{
    return strcmp(value, "0.0.0.0/0") == 0 || strcmp(value, "::/0") == 0 ||
           strcmp(value, "0.0.0.0") == 0 || strcmp(value, "::") == 0;
}

// A default route of the main table. One of another table belongs to rules, which stay.
static bool is_default_route(const struct bf_networkd_file *file,
                             const struct bf_networkd_line *section, bool dhcp)
{
    const char *gateway = bf_networkd_value(file, section, "Gateway");
    const char *to = bf_networkd_value(file, section, "Destination");
    const char *table = bf_networkd_value(file, section, "Table");
    const char *type = bf_networkd_value(file, section, "Type");
    if (table && strcmp(table, "main") != 0 && strcmp(table, "254") != 0)
        return false;
    if (type && strcmp(type, "unicast") != 0)
        return false;
    if (dhcp && gateway && gateway[0] == '_')
        return false; // whatever the server says
    if (to && to[0])
        return is_any(to);
    return gateway || bf_networkd_value(file, section, "MultiPathRoute");
}

static bool section_goes(const struct rewrite *rw, const struct bf_networkd_file *file,
                         const struct bf_networkd_line *section)
{
    if (!rw->readdress)
        return false;
    if (strcmp(section->section, "Address") == 0)
        return true;
    return strcmp(section->section, "Route") == 0 &&
           is_default_route(file, section, rw->link->nic->dhcp);
}

static bool network_key_goes(const struct rewrite *rw, const char *key)
{
    const struct bf_plan_nic *nic = rw->link->nic;
    if (strcmp(key, "DHCP") == 0)
        return !rw->keep_dhcp;
    if (strcmp(key, "Address") == 0 || strcmp(key, "Gateway") == 0)
        return true;
    if (strcmp(key, "DNS") == 0)
        return nic->dns_count > 0 || nic->dhcp;
    return strcmp(key, "Domains") == 0 && (nic->search_count > 0 || nic->dhcp);
}

// Whether a list of addresses has the interface's.
static bool has_mac(const struct rewrite *rw, const char *value)
{
    const char *at = value, *end = value + strlen(value), *w, *want = bf_nic_mac(rw->link->nic);
    char mac[BF_MAC_TEXT];
    size_t len;
    want = want[0] ? want : rw->link->old_mac;
    while (bf_word_next(&at, end, &w, &len))
        if (bf_networkd_mac(w, len, mac) && strcmp(mac, want) == 0)
            return true;
    return false;
}

// In [Match] stay the name, the MAC address and what follows from the kind of device.
static bool match_key_goes(const struct rewrite *rw, const struct bf_networkd_line *line)
{
    bool mac =
        strcmp(line->key, "MACAddress") == 0 || strcmp(line->key, "PermanentMACAddress") == 0;
    if (rw->copy || bf_networkd_is_undecided_key(line->key))
        return true;
    return mac && rw->name[0] && !has_mac(rw, line->value);
}

static bool key_goes(const struct rewrite *rw, const struct bf_networkd_line *line)
{
    if (line->kind != BF_NETWORKD_KEY)
        return false;
    if (strcmp(line->section, "Match") == 0)
        return match_key_goes(rw, line);
    return rw->readdress && strcmp(line->section, "Network") == 0 &&
           network_key_goes(rw, line->key);
}

// ---- What comes ---------------------------------------------------------------------------------

static void write_network_keys(const struct rewrite *rw, struct bf_text *out)
{
    const struct bf_plan_nic *nic = rw->link->nic;
    if (!rw->keep_dhcp)
        bf_textf(out, "DHCP=%s\n", nic->dhcp ? "yes" : "no");
    for (size_t i = 0; i < nic->addresses; i++)
        bf_textf(out, "Address=%s/%u\n", nic->address[i].text, nic->address[i].prefix);
    if (nic->gateway4[0] && !bf_nic_on_link(nic, AF_INET))
        bf_textf(out, "Gateway=%s\n", nic->gateway4);
    if (nic->gateway6[0] && !bf_nic_on_link(nic, AF_INET6))
        bf_textf(out, "Gateway=%s\n", nic->gateway6);
    for (size_t i = 0; i < nic->dns_count; i++)
        bf_textf(out, "DNS=%s\n", nic->dns[i]);
    for (size_t i = 0; i < nic->search_count; i++)
        bf_textf(out, "%s%s", i ? " " : "Domains=", nic->search[i]);
    if (nic->search_count)
        bf_text_str(out, "\n");
}

static void begin_section(struct bf_text *out, const char *header)
{
    end_line(out);
    if (out->len > 1 && memcmp(out->data + out->len - 2, "\n\n", 2) != 0)
        bf_text_str(out, "\n");
    bf_text_str(out, header);
}

// A gateway outside of all networks has a route of its own.
static void write_routes(const struct rewrite *rw, struct bf_text *out)
{
    const struct bf_plan_nic *nic = rw->link->nic;
    static const int family[] = {AF_INET, AF_INET6};
    for (size_t i = 0; rw->readdress && i < BF_COUNT(family); i++)
        if (bf_nic_on_link(nic, family[i])) {
            begin_section(out, "[Route]\n");
            bf_textf(out, "Gateway=%s\nGatewayOnLink=yes\n",
                     family[i] == AF_INET ? nic->gateway4 : nic->gateway6);
        }
}

static void write_match(const struct rewrite *rw, struct bf_text *out)
{
    bf_text_str(out, "[Match]\n");
    if (rw->name[0])
        bf_textf(out, "Name=%s\n", rw->name);
    else // VLANs and bridges share the address of what lies below them, and are of another type
        bf_textf(out, "MACAddress=%s\nType=ether\n", bf_nic_mac(rw->link->nic));
}

// ---- One file -----------------------------------------------------------------------------------

// Where the new keys come: where the first old one stands, or after the header; `lines` for the
// end.
static size_t find_place(const struct rewrite *rw, const struct bf_networkd_file *file)
{
    size_t header = file->lines;
    for (size_t i = 0; i < file->lines; i++) {
        const struct bf_networkd_line *line = &file->line[i];
        if (strcmp(line->section, "Network") != 0)
            continue;
        if (line->kind == BF_NETWORKD_KEY && key_goes(rw, line))
            return i;
        if (line->kind == BF_NETWORKD_SECTION && header == file->lines)
            header = i + 1;
    }
    return header;
}

static bool reaches(const struct bf_plan_nic *nic, const char *gateway)
{
    int family = strchr(gateway, ':') ? AF_INET6 : AF_INET;
    if (gateway[0] == '_' || strncmp(gateway, "fe80:", 5) == 0)
        return true;
    for (size_t i = 0; i < nic->addresses; i++)
        if (nic->address[i].family == family && bf_address_reaches(&nic->address[i], gateway))
            return true;
    return false;
}

// A route that stays and cannot be set any more: networkd waits for it for ever.
static void check_route(struct rewrite *rw, const struct bf_networkd_file *file,
                        const struct bf_networkd_line *section)
{
    const char *gateway = bf_networkd_value(file, section, "Gateway");
    const char *to = bf_networkd_value(file, section, "Destination");
    if (rw->said < ROUTES_SAID && rw->readdress && strcmp(section->section, "Route") == 0 &&
        gateway && gateway[0] && !bf_networkd_value(file, section, "GatewayOnLink") &&
        !reaches(rw->link->nic, gateway)) {
        rw->said++;
        bf_note(rw->f->report, "warning", file->path,
                "line %u: the route to %s goes by %s, which lies in no planned network: "
                "systemd-networkd-wait-online will wait for it",
                section->number, to && to[0] ? to : "everywhere", gateway);
    }
}

static void take_key(const struct rewrite *rw, const struct bf_networkd_line *line,
                     struct bf_text *out)
{
    const char *eq = memchr(line->at, '=', line->full);
    if (rw->hardware && rw->link->nic->new_mac[0] && eq &&
        bf_networkd_is(line, "Link", "MACAddress")) {
        bf_text_add(out, line->at, (size_t)(eq + 1 - line->at));
        bf_textf(out, "%s\n", rw->link->nic->new_mac);
    } else if (!key_goes(rw, line)) {
        add_line(out, line);
    } else if (strcmp(line->key, "Address") == 0) {
        bf_old_add(rw->old, line->value, strlen(line->value));
    }
}

// A header; false when its section goes.
static bool take_section(struct rewrite *rw, const struct bf_networkd_file *file,
                         const struct bf_networkd_line *line, struct bf_text *out)
{
    if (section_goes(rw, file, line))
        return false;
    check_route(rw, file, line);
    if (!rw->copy || strcmp(line->section, "Match") != 0)
        add_line(out, line);
    else if (!rw->matched)
        write_match(rw, out);
    rw->matched = rw->matched || strcmp(line->section, "Match") == 0;
    return true;
}

static void add_lines(const struct bf_networkd_file *file, size_t from, size_t to,
                      struct bf_text *out)
{
    for (; from < to; from++)
        add_line(out, &file->line[from]);
}

static bool is_blank(const struct bf_networkd_line *line)
{
    return strspn(line->at, " \t\r") >= line->full || line->at[strspn(line->at, " \t\r")] == '\n';
}

// Rewrites the lines from `first` on. The comments before a header belong to that, also when the
// section above it goes.
static void rewrite_lines(struct rewrite *rw, const struct bf_networkd_file *file, size_t first,
                          size_t place, struct bf_text *out)
{
    bool skip = false;
    size_t kept = file->lines; // where such comments begin
    for (size_t i = first; i < file->lines; i++) {
        const struct bf_networkd_line *line = &file->line[i];
        if (i == place)
            write_network_keys(rw, out);
        if (line->kind == BF_NETWORKD_SECTION) {
            add_lines(file, kept, skip ? i : kept, out);
            skip = !take_section(rw, file, line, out);
            kept = file->lines;
        } else if (!skip && line->kind == BF_NETWORKD_KEY) {
            take_key(rw, line, out);
        } else if (!skip) {
            add_line(out, line);
        } else if (line->kind == BF_NETWORKD_KEY) {
            if (strcmp(line->key, "Address") == 0)
                bf_old_add(rw->old, line->value, strlen(line->value));
            kept = file->lines;
        } else if (kept == file->lines && !is_blank(line)) {
            kept = i;
        }
    }
    add_lines(file, kept, skip ? file->lines : kept, out);
}

static void rewrite_main(struct rewrite *rw, const struct bf_networkd_file *file,
                         struct bf_text *out)
{
    size_t place = rw->readdress ? find_place(rw, file) : SIZE_MAX;
    bf_networkd_head(out, file);
    rewrite_lines(rw, file, 0, place, out);
    if (place == file->lines && place > 0 &&
        strcmp(file->line[place - 1].section, "Network") == 0 &&
        file->line[place - 1].kind == BF_NETWORKD_SECTION) {
        end_line(out);
        write_network_keys(rw, out);
    } else if (place == file->lines) {
        begin_section(out, "[Network]\n");
        write_network_keys(rw, out);
    }
}

// ---- One interface ------------------------------------------------------------------------------

static enum bf_err rewrite_in_place(struct rewrite *rw, const struct bf_networkd_unit *unit)
{
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < unit->files && !err; i++) {
        struct bf_text out = {0};
        if (i == 0) {
            rewrite_main(rw, &unit->file[0], &out);
            write_routes(rw, &out);
        } else {
            bf_networkd_head(&out, &unit->file[i]);
            rewrite_lines(rw, &unit->file[i], 0, SIZE_MAX, &out);
        }
        err = bf_networkd_set(rw->f, &unit->file[i], &out,
                              rw->readdress ? why_addresses : "found in its new home");
        bf_text_free(&out);
    }
    return err;
}

// What stands before a drop-in's first section counts for nothing there, and would for something in
// the copy.
static size_t first_section(const struct bf_networkd_file *file)
{
    size_t i = 0;
    while (i < file->lines && file->line[i].kind != BF_NETWORKD_SECTION)
        i++;
    return i;
}

static enum bf_err write_copy(struct rewrite *rw, const struct bf_networkd_unit *unit,
                              const char *name)
{
    struct bf_text out = {0}, body = {0};
    char path[512];
    rw->copy = true;
    if (unit)
        rewrite_main(rw, &unit->file[0], &body);
    for (size_t i = 1; unit && i < unit->files; i++) {
        begin_section(&body, "");
        rewrite_lines(rw, &unit->file[i], first_section(&unit->file[i]), SIZE_MAX, &body);
    }
    if (!unit && rw->readdress) {
        bf_text_str(&body, "\n[Network]\n");
        write_network_keys(rw, &body);
    }
    write_routes(rw, &body);
    if (!rw->matched)
        write_match(rw, &out);
    if (!rw->matched && body.len && body.data[0] != '\n')
        bf_text_str(&out, "\n");
    bf_text_add(&out, body.data, body.len);
    out.failed = out.failed || body.failed;
    snprintf(path, sizeof path, BF_NETWORKD_ETC "/%s", name);
    enum bf_err err =
        bf_fin_set(rw->f, path, &out, rw->readdress ? why_addresses : "found in its new home");
    bf_text_free(&body);
    bf_text_free(&out);
    return err;
}

// The name that new files carry: the interface's, or its MAC address without colons.
static void file_label(const struct rewrite *rw, char *out, size_t size)
{
    size_t n = 0;
    for (const char *c = rw->name[0] ? rw->name : bf_nic_mac(rw->link->nic); *c && n + 1 < size;
         c++)
        if (*c != ':')
            out[n++] = *c;
    out[n] = 0;
}

// A name that sorts before the pattern's file, byte by byte, as networkd goes through them.
static bool name_before(const struct rewrite *rw, const struct bf_networkd_unit *unit, char *out,
                        size_t size)
{
    static const char *const prefix[] = {"05-", "00-", "0-", "+", "!"};
    char label[32];
    file_label(rw, label, sizeof label);
    for (size_t i = 0; i < BF_COUNT(prefix); i++) {
        snprintf(out, size, "%sbootferry-%s.network", prefix[i], label);
        if (!unit || strcmp(out, unit->name) < 0)
            return true;
    }
    return false;
}

// Whether the file that comes first, which depends on what files do not tell, hides another one
// that surely means the interface.
static enum bf_err check_certain(struct rewrite *rw, const struct bf_networkd_units *u,
                                 const struct bf_networkd_unit *first,
                                 const struct bf_networkd_iface *iface)
{
    if (!rw->readdress || !first || !first->match.undecided)
        return BF_OK;
    for (const struct bf_networkd_unit *unit = first + 1; unit < u->at + u->count; unit++)
        if (bf_networkd_fits(rw->f, unit, iface) != BF_NETWORKD_NO && !unit->match.undecided)
            return bf_refuse(
                rw->f->report,
                "%s: whether systemd-networkd configures it by %s depends on the hardware or the "
                "kernel; else it does by %s. Remove one of them, or give the first a [Match] that "
                "names the interface",
                rw->name[0] ? rw->name : iface->mac, first->file[0].path, unit->file[0].path);
    return BF_OK;
}

static bool is_for_any(const struct bf_networkd_match *m)
{
    bool any = m->positives == 0;
    for (size_t i = 0; i < m->words; i++)
        any = any || (strcmp(m->word[i].text, "*") == 0 && !m->word[i].invert);
    return any;
}

// Which of two patterns (Name=en*, Name=eth*) means an interface without a name, and so which
// settings it had, is not known.
static enum bf_err check_patterns(struct rewrite *rw, const struct bf_networkd_units *u,
                                  const struct bf_networkd_unit *first,
                                  const struct bf_networkd_iface *iface, enum bf_networkd_fit fit)
{
    if (!rw->readdress || rw->name[0] || fit != BF_NETWORKD_PATTERN || is_for_any(&first->match))
        return BF_OK;
    for (const struct bf_networkd_unit *unit = first + 1; unit < u->at + u->count; unit++)
        if (bf_networkd_fits(rw->f, unit, iface) == BF_NETWORKD_PATTERN)
            return bf_refuse(rw->f->report,
                             "whether %s or %s configures the interface with the MAC address %s "
                             "depends on its name; add match.name to the plan",
                             first->file[0].path, unit->file[0].path, rw->link->old_mac);
    return BF_OK;
}

// An interface without a name on which a device lies: which of them carries the addresses is not
// known then.
static enum bf_err check_above(struct rewrite *rw, const struct bf_networkd_unit *unit)
{
    static const char *const key[] = {"VLAN", "MACVLAN", "MACVTAP", "IPVLAN", "IPVTAP"};
    const struct bf_networkd_line *line;
    size_t file = 0, at = 0;
    if (!rw->readdress || rw->name[0])
        return BF_OK;
    while (unit && (line = bf_networkd_next(unit, &file, &at)))
        for (size_t i = 0; i < BF_COUNT(key); i++)
            if (bf_networkd_is(line, "Network", key[i]) && line->value[0])
                return bf_refuse(rw->f->report,
                                 "%s, line %u: %s lies on the interface with the MAC address %s; "
                                 "say with match.name which of them gets the addresses",
                                 unit->file[file].path, line->number, line->value,
                                 bf_nic_mac(rw->link->nic));
    return BF_OK;
}

// Whether the file of an interface that keeps its addresses would not mean it any more.
static bool needs_pin(const struct rewrite *rw, const struct bf_networkd_unit *unit)
{
    const struct bf_networkd_line *line;
    size_t file = 0, at = 0;
    char mac[BF_MAC_TEXT];
    if (unit && unit->match.by_hardware)
        return rw->name[0] || bf_nic_mac(rw->link->nic)[0];
    while (unit && rw->hardware && rw->link->nic->new_mac[0] &&
           (line = bf_networkd_next(unit, &file, &at)))
        if (bf_networkd_is(line, "Link", "MACAddress") &&
            bf_networkd_mac(line->value, strlen(line->value), mac) &&
            strcmp(mac, rw->link->nic->new_mac) != 0)
            return true;
    return false;
}

static const char *kind_of(const struct bf_link *link, const char *name)
{
    static const char *const kind[] = {
        [BF_KNOWN_BRIDGE] = "bridge", [BF_KNOWN_BOND] = "bond", [BF_KNOWN_VLAN] = "vlan"};
    if (!link->known || strcmp(link->known->name, name) != 0 ||
        link->known->kind == BF_KNOWN_HARDWARE)
        return NULL;
    return link->known->kind == BF_KNOWN_OTHER ? "other" : kind[link->known->kind];
}

static enum bf_err adapt_interface(struct rewrite *rw)
{
    struct bf_networkd_units u;
    enum bf_networkd_fit fit;
    char name[128];
    const char *mac = bf_nic_mac(rw->link->nic);
    struct bf_networkd_iface iface = {rw->name, mac[0] ? mac : rw->link->old_mac,
                                      kind_of(rw->link, rw->name)};
    if (iface.kind)
        iface.mac = "";
    bf_networkd_load(rw->f, ".network", &u);
    const struct bf_networkd_unit *unit = bf_networkd_first(rw->f, &u, &iface, &fit);
    enum bf_err err = check_certain(rw, &u, unit, &iface);
    err = err ? err : check_patterns(rw, &u, unit, &iface, fit);
    err = err ? err : check_above(rw, unit);
    rw->keep_dhcp =
        rw->link->nic->dhcp && unit && (bf_networkd_dhcp(unit) & BF_NETWORKD_DHCP4) != 0;
    if (err || (!rw->readdress && !needs_pin(rw, unit)))
        err = err ? err : BF_OK;
    else if (fit == BF_NETWORKD_EXACT)
        err = rewrite_in_place(rw, unit);
    else if (name_before(rw, unit, name, sizeof name))
        err = write_copy(rw, unit, name);
    else
        err = bf_refuse(rw->f->report,
                        "%s sorts before every name that a file for %s could have; rename it",
                        unit->file[0].path, rw->name[0] ? rw->name : mac);
    bf_networkd_free(&u);
    return err;
}

enum bf_err bf_networkd_adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    struct rewrite rw = {.f = f,
                         .link = link,
                         .old = old,
                         .name = link->carrier,
                         .readdress = bf_nic_readdresses(link->nic),
                         .hardware = strcmp(link->carrier, link->name) == 0};
    enum bf_err err = adapt_interface(&rw);
    if (!err && !rw.hardware && link->name[0]) {
        struct rewrite port = {
            .f = f, .link = link, .old = old, .name = link->name, .hardware = true};
        err = adapt_interface(&port);
    }
    return err;
}
