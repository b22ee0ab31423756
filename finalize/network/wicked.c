// SPDX-License-Identifier: Apache-2.0
// wicked's own files, /etc/wicked/ifconfig/*.xml, which it reads besides the ifcfg files and after
// them: an interface that has an ifcfg file is passed over here. The addresses of an interface are
// the elements ipv4:static, ipv6:static, ipv4:dhcp and ipv6:dhcp, each on lines of its own; they
// are replaced as a whole, and one that holds more than addresses and a default route is refused.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/core/xml.h"
#include "finalize/network/suse.h"

#define XML_DIR    "/etc/wicked/ifconfig"
#define XML_SOURCE "wicked:" XML_DIR
#define PARTS_MAX  8
#define FILES_MAX  256
#define INTERFACES 64

// An element that the addresses are in.
struct part {
    size_t from, to;
    bool dhcp;
    int family;
};

// One <interface> of a file.
struct interface {
    struct bf_known known; // what it says
    size_t close;          // where </interface> stands
    struct part part[PARTS_MAX];
    size_t parts;
    char odd[64]; // what is not rewritten with certainty; ""
};

static bool is_text(const struct bf_xml *x, const char *s)
{
    return bf_word_is(x->word.at, x->word.len, s);
}

static void take(char *out, size_t size, const struct bf_xml *x)
{
    bf_net_copy(out, size, x->word.at, x->word.len);
}

static void mark_odd(struct interface *in, const char *what)
{
    if (!in->odd[0])
        snprintf(in->odd, sizeof in->odd, "%s", what);
}

// ---- Reading ------------------------------------------------------------------------------------

static const struct {
    const char *name;
    bool dhcp;
    int family;
} part_names[] = {{"ipv4:static", false, AF_INET},
                  {"ipv6:static", false, AF_INET6},
                  {"ipv4:dhcp", true, AF_INET},
                  {"ipv6:dhcp", true, AF_INET6}};

static void open_part(struct interface *in, const struct bf_xml *x)
{
    for (size_t i = 0; i < BF_COUNT(part_names); i++) {
        if (!is_text(x, part_names[i].name))
            continue;
        if (in->parts == PARTS_MAX || x->empty) {
            mark_odd(in, "an element without its end, or too many");
            return;
        }
        in->part[in->parts++] = (struct part){
            .from = x->from, .dhcp = part_names[i].dhcp, .family = part_names[i].family};
        in->known.dhcp = in->known.dhcp || part_names[i].dhcp;
    }
}

static void open_device(struct interface *in, const struct bf_xml *x)
{
    static const struct {
        const char *name;
        enum bf_known_kind kind;
    } known[] = {
        {"bridge", BF_KNOWN_BRIDGE}, {"bond", BF_KNOWN_BOND},     {"team", BF_KNOWN_BOND},
        {"vlan", BF_KNOWN_VLAN},     {"macvlan", BF_KNOWN_OTHER}, {"dummy", BF_KNOWN_OTHER},
        {"tun", BF_KNOWN_OTHER},     {"tap", BF_KNOWN_OTHER},     {"sit", BF_KNOWN_OTHER},
        {"gre", BF_KNOWN_OTHER},     {"ipip", BF_KNOWN_OTHER},    {"ppp", BF_KNOWN_OTHER}};
    for (size_t i = 0; i < BF_COUNT(known); i++)
        if (is_text(x, known[i].name))
            in->known.kind = known[i].kind;
    open_part(in, x);
}

static bool in_static(const struct bf_xml *x)
{
    return bf_xml_in(x, 1, "ipv4:static") || bf_xml_in(x, 1, "ipv6:static");
}

static bool in_dhcp(const struct bf_xml *x)
{
    return bf_xml_in(x, 1, "ipv4:dhcp") || bf_xml_in(x, 1, "ipv6:dhcp");
}

// Only addresses and default routes are what a plan speaks of.
static void check_static(struct interface *in, const struct bf_xml *x)
{
    bool address = bf_xml_in(x, 2, "address"), route = bf_xml_in(x, 2, "route");
    if (x->kind == BF_XML_COMMENT)
        mark_odd(in, "a comment among its addresses");
    if (x->kind != BF_XML_OPEN || x->depth < 3)
        return;
    if (!address && !route)
        mark_odd(in, "more than addresses and a default route");
    if (route && x->depth > 3 && !is_text(x, "nexthop") && !is_text(x, "gateway") &&
        !is_text(x, "destination"))
        mark_odd(in, "a route that is more than a gateway");
}

static void text_static(struct interface *in, const struct bf_xml *x)
{
    if (x->depth == 4 && bf_xml_in(x, 2, "address") && bf_xml_in(x, 3, "local"))
        bf_net_address(&in->known, x->word.at, x->word.len);
    if (bf_xml_in(x, 2, "route") && bf_xml_in(x, 3, "destination") && !is_text(x, "0.0.0.0/0") &&
        !is_text(x, "::/0") && !is_text(x, "default"))
        mark_odd(in, "a route that is no default route");
}

static void add_port(struct bf_net *net, const struct interface *in, const struct bf_xml *x)
{
    char port[BF_IFNAME];
    take(port, sizeof port, x);
    struct bf_known *k = port[0] ? bf_net_add(net, &bf_wicked, port, "") : NULL;
    if (k)
        bf_net_copy(k->master, sizeof k->master, in->known.name, strlen(in->known.name));
}

static void text_in(struct interface *in, struct bf_net *net, const struct bf_xml *x)
{
    if (x->depth == 2 && bf_xml_in(x, 1, "name"))
        take(in->known.name, sizeof in->known.name, x);
    if (x->depth == 3 && bf_xml_in(x, 1, "vlan") && bf_xml_in(x, 2, "device"))
        take(in->known.parent, sizeof in->known.parent, x);
    if (x->depth == 3 && bf_xml_in(x, 1, "ethernet") && bf_xml_in(x, 2, "address"))
        take(in->known.set_mac, sizeof in->known.set_mac, x);
    if (x->depth == 3 && bf_xml_in(x, 1, "link") && bf_xml_in(x, 2, "master"))
        take(in->known.master, sizeof in->known.master, x);
    if (net && x->depth == 5 && bf_xml_in(x, 4, "device") &&
        (bf_xml_in(x, 1, "bridge") || bf_xml_in(x, 1, "bond") || bf_xml_in(x, 1, "team")))
        add_port(net, in, x);
    if (x->depth == 3 && bf_xml_in(x, 1, "control") && bf_xml_in(x, 2, "mode") &&
        (is_text(x, "manual") || is_text(x, "off")))
        mark_odd(in, "a mode in which it is not brought up at boot");
    if (in_dhcp(x) && bf_xml_in(x, 2, "enabled") && !is_text(x, "true"))
        mark_odd(in, "DHCP that is switched off");
    if (in_static(x))
        text_static(in, x);
}

static void event(struct interface *in, struct bf_net *net, const struct bf_xml *x)
{
    if (x->kind == BF_XML_OPEN && x->depth == 2) {
        open_device(in, x);
        if (is_text(x, "name") && x->rest.len)
            mark_odd(in, "a name of another kind");
    }
    if (x->kind == BF_XML_TEXT)
        text_in(in, net, x);
    if (in_static(x))
        check_static(in, x);
    if (x->kind == BF_XML_CLOSE && x->depth == 2 && (in_static(x) || in_dhcp(x)) && in->parts)
        in->part[in->parts - 1].to = x->to;
    in->close = x->from;
}

static unsigned line_at(const char *text, size_t pos)
{
    unsigned line = 1;
    for (size_t i = 0; i < pos; i++)
        line += text[i] == '\n';
    return line;
}

// Reads the next <interface>. False at the end; then *why says what is not understood, or is NULL.
static bool next_interface(struct bf_xml *x, struct interface *in, struct bf_net *net,
                           const char **why)
{
    *why = NULL;
    *in = (struct interface){.known = {.stack = &bf_wicked}};
    while (bf_xml_next(x) == BF_XML_COMMENT)
        continue;
    if (x->kind == BF_XML_END)
        return false;
    if (x->kind != BF_XML_OPEN || !is_text(x, "interface")) {
        *why = "no <interface>";
        return false;
    }
    in->known.line = line_at(x->text, x->from);
    while (bf_xml_next(x) != BF_XML_BAD && x->kind != BF_XML_END) {
        event(in, net, x);
        if (x->kind == BF_XML_CLOSE && x->depth == 1)
            return true;
    }
    *why = "XML";
    return false;
}

// ---- The picture --------------------------------------------------------------------------------

static bool has_ifcfg(struct bf_fin *f, const char *name)
{
    char path[BF_SUSE_PATH];
    size_t len;
    bf_suse_path(path, "ifcfg", name);
    return bf_edits_get(&f->edits, path, &len, NULL) != NULL;
}

static void add_known(struct bf_fin *f, struct bf_net *net, const struct interface *in,
                      const char *path)
{
    if (!in->known.name[0] || strcmp(in->known.name, "lo") == 0 || has_ifcfg(f, in->known.name))
        return;
    struct bf_known *k = bf_net_add(net, &bf_wicked, in->known.name, "");
    if (!k)
        return;
    if (k->file[0])
        bf_net_trouble(net, "wicked: %s is in %s and in %s", k->name, k->file, path);
    char master[BF_IFNAME];
    snprintf(master, sizeof master, "%s", in->known.master[0] ? in->known.master : k->master);
    *k = in->known;
    memcpy(k->master, master, sizeof master);
    snprintf(k->file, sizeof k->file, "%.255s", path);
}

static void scan_file(struct bf_fin *f, struct bf_net *net, const char *path)
{
    struct bf_fault fault;
    struct bf_xml x;
    struct interface in;
    const char *why;
    size_t len, count = 0;
    const char *text = bf_edits_get(&f->edits, path, &len, &fault);
    if (!text) {
        bf_net_trouble(net, "wicked: %s cannot be read: %s", path, fault.what);
        return;
    }
    bf_xml_init(&x, text, len);
    while (count++ < INTERFACES && next_interface(&x, &in, net, &why))
        add_known(f, net, &in, path);
    if (why || count > INTERFACES)
        bf_net_trouble(net, "wicked: %s, line %u: %s, which is not understood", path,
                       line_at(text, x.from), why ? why : "more interfaces than can be followed");
}

// Whether the place of an <ifconfig location="..."/> is one of the usual three.
static bool is_usual(const struct bf_xml *x)
{
    static const char *const usual[] = {
        "firmware:", "compat:", "compat:suse", "compat:suse:/etc/sysconfig/network",
        "wicked:",   XML_SOURCE};
    static const char key[] = "location=";
    const char *at = memmem(x->rest.at, x->rest.len, key, strlen(key));
    size_t len = at ? x->rest.len - (size_t)(at - x->rest.at) - strlen(key) : 0;
    const char *end = len > 1 ? memchr(at + strlen(key) + 1, at[strlen(key)], len - 1) : NULL;
    if (!end)
        return false;
    at += strlen(key) + 1;
    for (size_t i = 0; i < BF_COUNT(usual); i++)
        if (bf_word_is(at, (size_t)(end - at), usual[i]))
            return true;
    return false;
}

void bf_wicked_sources(struct bf_fin *f, struct bf_net *net)
{
    static const char *const file[] = {"/etc/wicked/client.xml", "/etc/wicked/client-local.xml",
                                       "/etc/wicked/common.xml", "/etc/wicked/local.xml"};
    for (size_t i = 0; i < BF_COUNT(file); i++) {
        struct bf_xml x;
        size_t len;
        const char *text = bf_edits_get(&f->edits, file[i], &len, NULL);
        if (!text)
            continue;
        bf_xml_init(&x, text, len);
        while (bf_xml_next(&x) != BF_XML_BAD && x.kind != BF_XML_END)
            if (x.kind == BF_XML_OPEN && is_text(&x, "ifconfig") && !is_usual(&x))
                bf_net_trouble(net, "wicked: %s, line %u: a source of interfaces that is not read",
                               file[i], line_at(text, x.from));
    }
}

static bool each_file(struct bf_fin *f, struct bf_net *net)
{
    struct bf_names names;
    if (bf_edits_list(&f->edits, XML_DIR, ".xml", &names))
        return false;
    bool any = names.count > 0;
    for (size_t i = 0; net && i < names.count && i < FILES_MAX; i++) {
        char path[BF_SUSE_PATH];
        snprintf(path, sizeof path, XML_DIR "/%.200s", names.name[i]);
        scan_file(f, net, path);
    }
    bf_names_free(&names);
    return any;
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    each_file(f, net);
    for (size_t i = 0; i < net->count; i++)
        if (net->known[i].stack == &bf_wicked && net->known[i].master[0]) {
            net->known[i].addresses = 0;
            net->known[i].dhcp = false;
        }
}

static bool in_use(struct bf_fin *f)
{
    return bf_suse_is_wicked(f) && each_file(f, NULL);
}

// ---- Rewriting ----------------------------------------------------------------------------------

static void put_static(struct bf_text *out, const struct bf_plan_nic *nic, int family,
                       const char *indent)
{
    const char *gateway = family == AF_INET ? nic->gateway4 : nic->gateway6;
    const char *name = family == AF_INET ? "ipv4:static" : "ipv6:static";
    if (!bf_nic_address(nic, family))
        return;
    bf_textf(out, "%s<%s>\n", indent, name);
    for (size_t i = 0; i < nic->addresses; i++)
        if (nic->address[i].family == family)
            bf_textf(out, "%s  <address>\n%s    <local>%s/%u</local>\n%s  </address>\n", indent,
                     indent, nic->address[i].text, nic->address[i].prefix, indent);
    if (gateway[0])
        bf_textf(out,
                 "%s  <route>\n%s    <nexthop>\n%s      <gateway>%s</gateway>\n%s    </nexthop>\n"
                 "%s  </route>\n",
                 indent, indent, indent, gateway, indent, indent);
    bf_textf(out, "%s</%s>\n", indent, name);
}

static void put_parts(struct bf_text *out, const struct interface *in,
                      const struct bf_plan_nic *nic, const char *indent)
{
    bool four = false;
    for (size_t i = 0; i < in->parts; i++)
        four = four || (in->part[i].dhcp && in->part[i].family == AF_INET);
    if (nic->dhcp && !four)
        bf_textf(out, "%s<ipv4:dhcp>\n%s  <enabled>true</enabled>\n%s</ipv4:dhcp>\n", indent,
                 indent, indent);
    put_static(out, nic, AF_INET, indent);
    put_static(out, nic, AF_INET6, indent);
}

// The lines that an element takes; false when others share them.
static bool widen(const char *text, size_t size, size_t *from, size_t *to)
{
    while (*from > 0 && (text[*from - 1] == ' ' || text[*from - 1] == '\t'))
        --*from;
    while (*to < size && (text[*to] == ' ' || text[*to] == '\t' || text[*to] == '\r'))
        ++*to;
    bool alone = (*from == 0 || text[*from - 1] == '\n') && *to < size && text[*to] == '\n';
    *to += alone;
    return alone;
}

// Where the new elements go, and the blanks before them.
static bool find_place(const struct interface *in, const char *text, size_t *at, char *indent,
                       size_t size)
{
    size_t from = in->parts ? in->part[0].from : in->close, start = from;
    while (start > 0 && (text[start - 1] == ' ' || text[start - 1] == '\t'))
        start--;
    size_t len = from - start;
    if ((start > 0 && text[start - 1] != '\n') || len + 3 > size)
        return false;
    snprintf(indent, size, "%.*s%s", (int)len, text + start, in->parts ? "" : "  ");
    *at = start;
    return true;
}

static bool rewrite(struct bf_text *out, const struct interface *in, const struct bf_plan_nic *nic,
                    const char *text, size_t size)
{
    char indent[32];
    size_t at, pos = 0;
    if (!find_place(in, text, &at, indent, sizeof indent))
        return false;
    if (!in->parts) {
        bf_text_add(out, text, at);
        put_parts(out, in, nic, indent);
        bf_text_add(out, text + at, size - at);
        return true;
    }
    for (size_t i = 0; i < in->parts; i++) {
        size_t from = in->part[i].from, to = in->part[i].to;
        bool stays = in->part[i].dhcp && nic->dhcp;
        if (to <= from || !widen(text, size, &from, &to) || from < pos)
            return false;
        bf_text_add(out, text + pos, from - pos);
        if (i == 0 && !stays)
            put_parts(out, in, nic, indent);
        if (stays)
            bf_text_add(out, text + from, to - from);
        if (i == 0 && stays)
            put_parts(out, in, nic, indent);
        pos = to;
    }
    bf_text_add(out, text + pos, size - pos);
    return true;
}

static enum bf_err refuse(struct bf_fin *f, const struct bf_known *k, const char *what)
{
    return bf_refuse(f->report,
                     "wicked: %s, line %u: the interface %s has %s, which is not rewritten",
                     k->file, k->line, k->name, what);
}

static const char *not_certain(const struct bf_link *link, const struct interface *in)
{
    const struct bf_plan_nic *nic = link->nic;
    if (in->odd[0])
        return in->odd;
    if (in->known.kind == BF_KNOWN_OTHER)
        return "a device of its own";
    if (in->known.set_mac[0] && nic->new_mac[0])
        return "a MAC address of its own";
    if (bf_nic_on_link(nic, AF_INET) || bf_nic_on_link(nic, AF_INET6))
        return "no network that the planned gateway is in";
    return NULL;
}

static enum bf_err rewrite_interface(struct bf_fin *f, const struct bf_link *link,
                                     const struct interface *in, const char *text, size_t len)
{
    struct bf_text out = {0};
    const char *why = not_certain(link, in);
    if (why)
        return refuse(f, link->known, why);
    if (!rewrite(&out, in, link->nic, text, len)) {
        bf_text_free(&out);
        return refuse(f, link->known, "elements that share a line");
    }
    enum bf_err err = bf_fin_set(f, link->known->file, &out, "addresses as planned");
    bf_text_free(&out);
    return err ? err : bf_suse_dns(f);
}

static enum bf_err adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    struct bf_xml x;
    struct interface in;
    const char *why;
    size_t len;
    const struct bf_known *k = link->known;
    (void)old; // what the carrier had is gathered by the caller
    if (!bf_nic_readdresses(link->nic))
        return BF_OK;
    const char *text = k && k->file[0] ? bf_edits_get(&f->edits, k->file, &len, NULL) : NULL;
    if (!text)
        return bf_refuse(f->report, "wicked: no file of " XML_DIR " has the interface %s",
                         link->carrier);
    bf_xml_init(&x, text, len);
    while (next_interface(&x, &in, NULL, &why))
        if (strcmp(in.known.name, k->name) == 0)
            return rewrite_interface(f, link, &in, text, len);
    return bf_refuse(f->report, "wicked: %s has no interface %s", k->file, k->name);
}

const struct bf_stack_ops bf_wicked = {
    .name = "wicked",
    .title = "wicked's XML files",
    .in_use = in_use,
    .scan = scan,
    .adapt = adapt,
};
