// SPDX-License-Identifier: Apache-2.0
// The new stanzas of an interface, in the form that each reader takes: ifupdown and busybox ignore
// an MTU beside DHCP, busybox wants the netmask by itself, and only ifupdown and ifupdown2 add a
// default route whose gateway lies outside the address's network.
#include "base/bytes.h"
#include "finalize/network/ifupdown_write.h"

#include <stdio.h>
#include <string.h>

#define PLACE(c, l) (c)->file[(c)->line[l].file].path, (c)->line[l].number

static bool is_script(const char *option)
{
    static const char *const word[] = {"up",       "post-up",   "pre-up", "down",
                                       "pre-down", "post-down", NULL};
    return bf_ifup_in(option, word);
}

// Options of the link, whichever family's stanza they stood in.
static bool is_of_link(const char *option)
{
    static const char *const word[] = {"hwaddress", "requires", "use", "slaves", NULL};
    static const char *const prefix[] = {"bridge-", "bond-", "vlan-", "ovs-", "wpa-", "wireless-"};
    for (size_t i = 0; i < BF_COUNT(prefix); i++)
        if (strncmp(option, prefix[i], strlen(prefix[i])) == 0)
            return true;
    return bf_ifup_in(option, word);
}

// A default route that an earlier plan needed: see write_gateway().
static bool is_our_route(struct bf_slice script)
{
    static const char end[] = " dev $IFACE onlink";
    static const char *const begin[] = {"ip route add default via ",
                                        "ip -6 route add default via "};
    size_t n = sizeof end - 1;
    if (script.len < n || memcmp(script.at + script.len - n, end, n) != 0)
        return false;
    for (size_t i = 0; i < 2; i++)
        if (script.len > strlen(begin[i]) && memcmp(script.at, begin[i], strlen(begin[i])) == 0)
            return true;
    return false;
}

// Whether the carrier is the hardware itself, whose MAC address the new home gives.
static bool is_hardware(const struct bf_link *link)
{
    return !link->known || link->known->kind == BF_KNOWN_HARDWARE;
}

// Options that the new stanza replaces or that mean nothing any more.
static bool is_replaced(const struct bf_link *link, const char *option,
                        const struct bf_ifup_line *line)
{
    static const char *const address[] = {"address",
                                          "netmask",
                                          "network",
                                          "broadcast",
                                          "gateway",
                                          "pointopoint",
                                          "point-to-point",
                                          "scope",
                                          "hostname",
                                          "leasehours",
                                          "leasetime",
                                          "vendor",
                                          "client",
                                          "dhcp",
                                          "request-prefix",
                                          "inherit",
                                          "preferred-lifetime",
                                          NULL};
    static const char *const dns[] = {"dns-nameservers", "dns-nameserver", NULL};
    static const char *const search[] = {"dns-search", "dns-domain", NULL};
    const struct bf_plan_nic *nic = link->nic;
    if (bf_ifup_in(option, address))
        return true;
    if (strcmp(option, "hwaddress") == 0)
        return nic->new_mac[0] && is_hardware(link);
    if (strcmp(option, "use") == 0)
        return bf_slice_is(line->value, "static") || bf_slice_is(line->value, "dhcp") ||
               bf_slice_is(line->value, "ipv6-ra");
    if (bf_ifup_in(option, dns))
        return nic->dns_count > 0 || nic->dhcp;
    return bf_ifup_in(option, search) && (nic->search_count > 0 || nic->dhcp);
}

static void note_script(struct bf_ifup_rewrite *rw, size_t line)
{
    static const char *const word[] = {" addr", "route", "ifconfig", "ifup "};
    struct bf_slice s = rw->c->line[line].value;
    bool handles = false;
    for (size_t i = 0; i < BF_COUNT(word); i++)
        handles = handles || memmem(s.at, s.len, word[i], strlen(word[i]));
    if (handles)
        bf_note(rw->f->report, "warning", rw->c->file[rw->c->line[line].file].path,
                "line %u: a script line of %s sets addresses or routes by itself and was kept: "
                "check it",
                rw->c->line[line].number, rw->link->carrier);
}

// Whether another stanza's option of the same name is kept already. In one stanza, ifupdown makes
// one value of two lines, which the shell then takes for two commands.
static bool is_double(struct bf_ifup_rewrite *rw, size_t line, const char *option)
{
    const struct bf_ifup *c = rw->c;
    char other[32];
    if (is_script(option) || strncmp(option, "dns-", 4) == 0 || strcmp(option, "use") == 0)
        return false;
    for (size_t i = 0; i < rw->kepts; i++) {
        const struct bf_ifup_line *k = &c->line[rw->kept[i].line];
        bf_ifup_option(k, other, sizeof other);
        if (k->stanza == c->line[line].stanza || strcmp(other, option) != 0)
            continue;
        if (!bf_slice_same(k->value, c->line[line].value))
            bf_note(rw->f->report, "warning", c->file[c->line[line].file].path,
                    "line %u: %s is left out, since line %u of %s has another value",
                    c->line[line].number, option, k->number, c->file[k->file].path);
        return true;
    }
    return false;
}

enum bf_err bf_ifup_keep(struct bf_ifup_rewrite *rw, size_t line, bool inet6)
{
    const struct bf_ifup_line *l = &rw->c->line[line];
    bool six = bf_nic_address(rw->link->nic, AF_INET6) != NULL;
    char option[32];
    bf_ifup_option(l, option, sizeof option);
    bool script = is_script(option);
    struct bf_slice value = bf_slice_word(l->value);
    if (strcmp(option, "address") == 0)
        bf_old_add(rw->old, value.at, value.len);
    if (is_replaced(rw->link, option, l) || (script && is_our_route(l->value)))
        return BF_OK;
    if (script)
        note_script(rw, line);
    // What belongs to the link or is a script outlives the family in whose stanza it stood.
    bool moves = script || is_of_link(option) || (!six && strcmp(option, "mtu") == 0);
    bool apart = inet6 && !moves;
    if ((apart && !six) || (!apart && is_double(rw, line, option)))
        return BF_OK;
    if (rw->kepts >= BF_IFUP_KEPT)
        return bf_refuse(rw->f->report,
                         "ifupdown: %s, line %u: %s has more options than any system",
                         PLACE(rw->c, line), rw->link->carrier);
    rw->kept[rw->kepts++] = (struct bf_ifup_kept){.line = line, .inet6 = apart};
    return BF_OK;
}

// ---- Writing ------------------------------------------------------------------------------------

// The new lines are indented as the first old one, where that is by blanks alone.
static const char *indent_of(const struct bf_ifup_rewrite *rw, char *out, size_t size)
{
    const struct bf_ifup *c = rw->c;
    const struct bf_ifup_stanza *s = rw->first ? &c->stanza[rw->first - 1] : NULL;
    snprintf(out, size, "    ");
    if (!s || s->end <= s->head + 1)
        return out;
    const struct bf_ifup_line *l = &c->line[s->head + 1];
    const char *text = c->file[l->file].text + l->start;
    size_t len = strspn(text, " \t");
    if (l->stanza == rw->first && len && len < size)
        snprintf(out, size, "%.*s", (int)len, text);
    return out;
}

#define INDENT(rw) indent_of((rw), (char[16]){0}, 16)

static void write_list(struct bf_text *out, const char *indent, const char *option,
                       const char *values, size_t size, size_t count)
{
    if (!count)
        return;
    bf_textf(out, "%s%s", indent, option);
    for (size_t i = 0; i < count; i++)
        bf_textf(out, " %s", values + i * size);
    bf_text_str(out, "\n");
}

static void write_dns(struct bf_text *out, struct bf_ifup_rewrite *rw)
{
    const struct bf_plan_nic *nic = rw->link->nic;
    const char *indent = INDENT(rw);
    write_list(out, indent, "dns-nameservers", nic->dns[0], sizeof nic->dns[0], nic->dns_count);
    write_list(out, indent, "dns-search", nic->search[0], sizeof nic->search[0], nic->search_count);
}

// ifupdown takes an MTU in a static inet stanza alone (in inet6 it means that of IPv6).
static void write_kept(struct bf_text *out, struct bf_ifup_rewrite *rw, size_t i, bool static4)
{
    const struct bf_ifup_line *l = &rw->c->line[rw->kept[i].line];
    bool picky = rw->c->variant == BF_IFUP_CLASSIC || rw->c->variant == BF_IFUP_BUSYBOX;
    if (picky && !static4 && !rw->kept[i].inet6 && bf_slice_is(l->key, "mtu")) {
        struct bf_slice mtu = bf_slice_word(l->value);
        bf_textf(out, "%spre-up ip link set dev $IFACE mtu %.*s\n", INDENT(rw), (int)mtu.len,
                 mtu.at);
        return;
    }
    bf_text_add(out, rw->c->file[l->file].text + l->start, l->full);
    if (out->len && out->data[out->len - 1] != '\n')
        bf_text_str(out, "\n");
}

// What belongs to the interface and not to an address goes into the first stanza only.
static void write_options(struct bf_text *out, struct bf_ifup_rewrite *rw, bool first, bool first6,
                          bool static4)
{
    if (first)
        write_dns(out, rw);
    for (size_t i = 0; i < rw->kepts; i++)
        if (rw->kept[i].inet6 ? first6 : first)
            write_kept(out, rw, i, static4);
}

static bool all_single(const struct bf_plan_nic *nic)
{
    for (size_t i = 0; i < nic->addresses; i++)
        if (nic->address[i].family == AF_INET && nic->address[i].prefix != 32)
            return false;
    return true;
}

// A gateway outside the network: ifupdown and ifupdown2 add its route as on the link; the others
// need to hear that the gateway is the other end, or a route of its own.
static void write_gateway(struct bf_text *out, struct bf_ifup_rewrite *rw, int family)
{
    const struct bf_plan_nic *nic = rw->link->nic;
    const char *gateway = family == AF_INET ? nic->gateway4 : nic->gateway6, *indent = INDENT(rw);
    bool outside = bf_nic_on_link(nic, family) && rw->c->variant >= BF_IFUP_NG;
    if (!gateway[0])
        return;
    if (outside && !(family == AF_INET && all_single(nic))) {
        bf_textf(out, "%sup ip %sroute add default via %s dev $IFACE onlink\n", indent,
                 family == AF_INET ? "" : "-6 ", gateway);
        return;
    }
    if (outside)
        bf_textf(out, "%spointopoint %s\n", indent, gateway);
    bf_textf(out, "%sgateway %s\n", indent, gateway);
}

static void write_address(struct bf_text *out, struct bf_ifup_rewrite *rw,
                          const struct bf_address *a)
{
    const char *indent = INDENT(rw);
    bool any = a->family == AF_INET && a->prefix > 0;
    unsigned bits = any ? ~0U << (32 - a->prefix) : 0;
    if (rw->c->variant != BF_IFUP_BUSYBOX)
        bf_textf(out, "%saddress %s/%u\n", indent, a->text, a->prefix);
    else if (a->family == AF_INET6)
        bf_textf(out, "%saddress %s\n%snetmask %u\n", indent, a->text, indent, a->prefix);
    else
        bf_textf(out, "%saddress %s\n%snetmask %u.%u.%u.%u\n", indent, a->text, indent, bits >> 24,
                 bits >> 16 & 255, bits >> 8 & 255, bits & 255);
}

static void write_head(struct bf_text *out, struct bf_ifup_rewrite *rw, const char *rest)
{
    bf_textf(out, "iface %.*s%s\n", (int)rw->logical.len, rw->logical.at, rest);
}

// One stanza with everything in it, as ifupdown-ng and ifupdown2 take it.
static void write_merged(struct bf_text *out, struct bf_ifup_rewrite *rw)
{
    const struct bf_plan_nic *nic = rw->link->nic;
    write_head(out, rw, "");
    if (nic->dhcp)
        bf_textf(out, "%suse dhcp\n", INDENT(rw));
    for (size_t i = 0; i < nic->addresses; i++)
        write_address(out, rw, &nic->address[i]);
    write_gateway(out, rw, AF_INET);
    write_gateway(out, rw, AF_INET6);
    write_options(out, rw, true, true, true);
}

static bool is_merged(const struct bf_ifup_rewrite *rw)
{
    const struct bf_ifup_stanza *s = rw->first ? &rw->c->stanza[rw->first - 1] : NULL;
    if (!s || s->family.len)
        return false;
    return rw->c->variant == BF_IFUP_NG || (rw->c->variant == BF_IFUP_TWO && !rw->link->nic->dhcp);
}

void bf_ifup_write(struct bf_ifup_rewrite *rw, struct bf_text *out)
{
    const struct bf_plan_nic *nic = rw->link->nic;
    bool first = true, first4 = true, first6 = true;
    if (is_merged(rw)) {
        write_merged(out, rw);
        return;
    }
    if (nic->dhcp) {
        write_head(out, rw, " inet dhcp");
        write_options(out, rw, true, false, false);
        first = false;
    }
    for (size_t i = 0; i < nic->addresses; i++) {
        const struct bf_address *a = &nic->address[i];
        bool six = a->family == AF_INET6, *mine = six ? &first6 : &first4;
        write_head(out, rw, six ? " inet6 static" : " inet static");
        write_address(out, rw, a);
        if (*mine)
            write_gateway(out, rw, a->family);
        write_options(out, rw, first, six && first6, !six);
        first = *mine = false;
    }
}
