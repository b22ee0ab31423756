// SPDX-License-Identifier: Apache-2.0
// ConnMan. A cable is a service that is named by the card's MAC address; what a user set for it
// stands in /var/lib/connman/ethernet_MAC_cable/settings, which the daemon writes itself. A section
// of a file /var/lib/connman/*.config comes before that. So a section is rewritten where it stands,
// and where there is none the service gets one in bootferry.config, with the card's new address.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/core/ini.h"
#include "finalize/network/stack.h"
#include "finalize/system/service.h"

#define DIR     "/var/lib/connman"
#define OWN     DIR "/bootferry.config"
#define MAIN    "/etc/connman/main.conf"
#define SUFFIX  ".config"
#define LIST    512 // of name servers and search domains
#define SERVICE "service_"

static bool in_use(struct bf_fin *f)
{
    return bf_service_starts(f, "connman");
}

// ---- Reading ------------------------------------------------------------------------------------

// "192.0.2.5/24/192.0.2.1", where the mask may be written out and the gateway left out.
static bool take_address(struct bf_known *k, const char *value, size_t len, char *gateway)
{
    char cidr[BF_CIDR_TEXT + 8];
    const char *end = value + len, *slash = memchr(value, '/', len);
    if (!slash)
        return false;
    const char *mask = slash + 1, *next = memchr(mask, '/', (size_t)(end - mask));
    int bits = bf_net_prefix(mask, (size_t)((next ? next : end) - mask));
    if (bits < 0 || slash - value >= INET6_ADDRSTRLEN)
        return false;
    snprintf(cidr, sizeof cidr, "%.*s/%d", (int)(slash - value), value, bits);
    bf_net_address(k, cidr, strlen(cidr));
    if (next)
        bf_net_copy(gateway, INET6_ADDRSTRLEN, next + 1, (size_t)(end - next - 1));
    return true;
}

static bool is_value(const struct bf_ini *ini, const char *word)
{
    return bf_word_is(ini->value, ini->value_len, word);
}

// A section as it is read: what is for a card of Ethernet becomes an entry.
struct section {
    struct bf_known known;
    bool wired;
    unsigned odd; // the line that is not understood; 0: none
};

static void take_key(struct section *s, const struct bf_ini *ini, unsigned number)
{
    struct bf_known *k = &s->known;
    bool known = true;
    if (strcmp(ini->key, "Type") == 0)
        s->wired = is_value(ini, "ethernet");
    else if (strcmp(ini->key, "MAC") == 0)
        bf_net_copy(k->mac, sizeof k->mac, ini->value, ini->value_len);
    else if (strcmp(ini->key, "DeviceName") == 0)
        bf_net_copy(k->name, sizeof k->name, ini->value, ini->value_len);
    else if (strcmp(ini->key, "IPv4") == 0) {
        k->dhcp = is_value(ini, "dhcp");
        known = k->dhcp || is_value(ini, "off") ||
                take_address(k, ini->value, ini->value_len, k->gateway4);
    } else if (strcmp(ini->key, "IPv6") == 0)
        known = is_value(ini, "off") || is_value(ini, "auto") ||
                take_address(k, ini->value, ini->value_len, k->gateway6);
    s->odd = known || s->odd ? s->odd : number;
}

// The name that a rule gives the card: the daemon's files have none.
static void name_by_rule(const struct bf_net *net, struct bf_known *k)
{
    for (size_t i = 0; i < net->count && k->mac[0]; i++)
        if (!net->known[i].stack && strcmp(net->known[i].mac, k->mac) == 0)
            memcpy(k->name, net->known[i].name, sizeof k->name);
}

static bool is_same(const struct bf_known *a, const struct bf_known *b)
{
    return a->mac[0] || b->mac[0] ? strcmp(a->mac, b->mac) == 0 : strcmp(a->name, b->name) == 0;
}

static void add_section(struct bf_net *net, struct section *s)
{
    struct bf_known *k = &s->known;
    if (!k->file[0] || !s->wired)
        return;
    if (s->odd)
        bf_net_trouble(net, "ConnMan: %s, line %u: an address that is not understood", k->file,
                       s->odd);
    if (k->mac[0])
        k->name[0] = 0; // the MAC address comes before DeviceName
    for (size_t i = 0; i < net->count; i++)
        if (net->known[i].stack == &bf_connman && is_same(&net->known[i], k))
            bf_net_trouble(
                net,
                "ConnMan: %s, line %u, and %s, line %u, are for one card, and either may "
                "be used",
                net->known[i].file, net->known[i].line, k->file, k->line);
    name_by_rule(net, k);
    struct bf_known *added = bf_net_add(net, &bf_connman, k->name, k->mac);
    if (added)
        *added = *k;
}

static void read_config(struct bf_fin *f, struct bf_net *net, const char *path)
{
    struct bf_ini ini;
    struct bf_fault fault;
    struct section s = {.odd = 0};
    size_t len;
    unsigned number = 0;
    const char *text = bf_edits_get(&f->edits, path, &len, &fault);
    if (!text) {
        bf_net_trouble(net, "ConnMan: %s cannot be read: %s", path, fault.what);
        return;
    }
    bf_ini_init(&ini, text, len);
    while (bf_ini_next(&ini)) {
        number++;
        if (ini.kind == BF_INI_SECTION) {
            add_section(net, &s);
            s = (struct section){.known = {.stack = &bf_connman, .dhcp = true}};
            if (strncmp(ini.section, SERVICE, strlen(SERVICE)) == 0)
                bf_net_where(&s.known, path, number);
        } else if (ini.kind == BF_INI_KEY)
            take_key(&s, &ini, number);
    }
    add_section(net, &s);
}

// A file is read when its name has letters, digits and "_" only.
static bool is_read(const char *name)
{
    size_t len = strlen(name) - strlen(SUFFIX);
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
    return len > 0;
}

// "ethernet_525400000001_cable": its MAC address. False for any other service.
static bool mac_of_service(const char *name, char mac[BF_MAC_TEXT])
{
    static const char head[] = "ethernet_", tail[] = "_cable";
    const char *hex = name + strlen(head);
    if (strncmp(name, head, strlen(head)) != 0 || strspn(hex, "0123456789abcdef") != 12 ||
        strcmp(hex + 12, tail) != 0)
        return false;
    for (size_t i = 0; i < 6; i++)
        snprintf(mac + 3 * i, 4, "%.2s%s", hex + 2 * i, i < 5 ? ":" : "");
    return true;
}

static bool find(const char *text, size_t len, const char *service, const char *key, char *out,
                 size_t size)
{
    return bf_ini_find(text, len, service, key, out, size) && out[0];
}

static void take_family(struct bf_known *k, const char *text, size_t len, const char *service,
                        int family)
{
    const char *ip = family == AF_INET ? "IPv4" : "IPv6";
    char key[48], method[16] = "", address[INET6_ADDRSTRLEN], bits[8] = "";
    char cidr[BF_CIDR_TEXT + 8];
    snprintf(key, sizeof key, "%s.method", ip);
    find(text, len, service, key, method, sizeof method);
    if (family == AF_INET)
        k->dhcp = strcmp(method, "dhcp") == 0 || !method[0];
    snprintf(key, sizeof key, "%s.local_address", ip);
    if (strcmp(method, "manual") != 0 || !find(text, len, service, key, address, sizeof address))
        return;
    snprintf(key, sizeof key, "%s.netmask_prefixlen", ip);
    find(text, len, service, key, bits, sizeof bits);
    snprintf(cidr, sizeof cidr, "%s/%s", address, bits);
    bf_net_address(k, cidr, strlen(cidr));
    snprintf(key, sizeof key, "%s.gateway", ip);
    find(text, len, service, key, family == AF_INET ? k->gateway4 : k->gateway6, INET6_ADDRSTRLEN);
}

// What the daemon remembers of a service, unless a section comes before it.
static void read_settings(struct bf_fin *f, struct bf_net *net, const char *service)
{
    struct bf_known k = {.stack = &bf_connman};
    char path[128], from[64];
    size_t len;
    if (!mac_of_service(service, k.mac))
        return;
    snprintf(path, sizeof path, DIR "/%.60s/settings", service);
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    if (!text || find(text, len, service, "Config.file", from, sizeof from))
        return;
    for (size_t i = 0; i < net->count; i++)
        if (net->known[i].stack == &bf_connman && strcmp(net->known[i].mac, k.mac) == 0)
            return;
    bf_net_where(&k, path, 1);
    take_family(&k, text, len, service, AF_INET);
    take_family(&k, text, len, service, AF_INET6);
    name_by_rule(net, &k);
    struct bf_known *added = bf_net_add(net, &bf_connman, k.name, k.mac);
    if (added)
        *added = k;
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    struct bf_names names;
    if (!bf_edits_list(&f->edits, DIR, SUFFIX, &names)) {
        for (size_t i = 0; i < names.count; i++) {
            char path[128];
            snprintf(path, sizeof path, DIR "/%.90s", names.name[i]);
            if (is_read(names.name[i]))
                read_config(f, net, path);
        }
        bf_names_free(&names);
    }
    if (bf_fin_root_list(f->root, DIR, "_cable", &names))
        return;
    for (size_t i = 0; i < names.count; i++)
        read_settings(f, net, names.name[i]);
    bf_names_free(&names);
}

// ---- Rewriting ----------------------------------------------------------------------------------

// The keys of a section as they are to be; "" for one that is left out.
struct wanted {
    char ip4[128], ip6[128];
    char dns[LIST], search[LIST], mac[BF_MAC_TEXT];
};

static void put_planned(char *out, size_t size, const struct bf_plan_nic *nic, int family,
                        const char *otherwise)
{
    const struct bf_address *a = bf_nic_address(nic, family);
    const char *gateway = family == AF_INET ? nic->gateway4 : nic->gateway6;
    if (a)
        snprintf(out, size, "%s/%u%s%s", a->text, a->prefix, gateway[0] ? "/" : "", gateway);
    else
        snprintf(out, size, "%s", otherwise);
}

// The same of what the service has.
static void put_known(char *out, size_t size, const struct bf_known *k, int family,
                      const char *otherwise)
{
    const char *gateway = family == AF_INET ? k->gateway4 : k->gateway6;
    snprintf(out, size, "%s", otherwise);
    for (size_t i = 0; i < k->addresses; i++)
        if ((strchr(k->address[i], ':') != NULL) == (family == AF_INET6))
            snprintf(out, size, "%s%s%s", k->address[i], gateway[0] ? "/" : "", gateway);
}

static void put_list(char out[LIST], const char *text)
{
    size_t len = strlen(out);
    if (text[0])
        snprintf(out + len, LIST - len, "%s%s", len ? "," : "", text);
}

// A list of the settings, whose items end with ";".
static void put_settings(char out[LIST], const char *text, size_t size, const char *service,
                         const char *key)
{
    char list[LIST] = "", *rest = list, *item;
    if (out[0] || !find(text, size, service, key, list, sizeof list))
        return;
    while ((item = strtok_r(rest, ";", &rest)))
        put_list(out, item);
}

static void plan_values(struct wanted *w, const struct bf_plan_nic *nic, const char *six)
{
    put_planned(w->ip4, sizeof w->ip4, nic, AF_INET, nic->dhcp ? "dhcp" : "off");
    put_planned(w->ip6, sizeof w->ip6, nic, AF_INET6, six);
    for (size_t i = 0; i < nic->dns_count; i++)
        put_list(w->dns, nic->dns[i]);
    for (size_t i = 0; i < nic->search_count; i++)
        put_list(w->search, nic->search[i]);
}

// A new section, for a service that had settings or nothing.
static enum bf_err add_own(struct bf_fin *f, const struct bf_link *link, struct wanted *w)
{
    const struct bf_known *k = link->known;
    char service[64] = "", method[16] = "", hex[BF_MAC_TEXT] = "";
    struct bf_text out = {0};
    size_t len = 0, size = 0;
    if (k && strlen(k->file) > strlen(DIR) + 1)
        bf_net_copy(service, sizeof service, k->file + strlen(DIR) + 1,
                    strcspn(k->file + strlen(DIR) + 1, "/"));
    const char *had = k ? bf_edits_get(&f->edits, k->file, &size, NULL) : NULL;
    had = had ? had : "";
    find(had, size, service, "IPv6.method", method, sizeof method);
    const char *six = strcmp(method, "off") == 0 ? "off" : "auto";
    if (bf_nic_readdresses(link->nic))
        plan_values(w, link->nic, six);
    else if (k) {
        put_known(w->ip4, sizeof w->ip4, k, AF_INET, k->dhcp ? "dhcp" : "off");
        put_known(w->ip6, sizeof w->ip6, k, AF_INET6, six);
    }
    if (!link->nic->dhcp) {
        put_settings(w->dns, had, size, service, "Nameservers");
        put_settings(w->search, had, size, service, "Domains");
    }
    for (size_t i = 0; i < 6; i++)
        snprintf(hex + 2 * i, 3, "%.2s", w->mac + 3 * i);
    const char *text = bf_edits_get(&f->edits, OWN, &len, NULL);
    bf_text_add(&out, text ? text : "", text ? len : 0);
    bf_textf(&out, "%s[" SERVICE "%s]\nType=ethernet\nMAC=%s\nIPv4=%s\nIPv6=%s\n", len ? "\n" : "",
             hex, w->mac, w->ip4, w->ip6);
    if (w->dns[0])
        bf_textf(&out, "Nameservers=%s\n", w->dns);
    if (w->search[0])
        bf_textf(&out, "SearchDomains=%s\n", w->search);
    enum bf_err err = bf_fin_set_mode(f, OWN, &out, 0600, "addresses as planned");
    bf_text_free(&out);
    return err;
}

enum { WANTED = 5 };
static const char *const wanted_key[WANTED] = {"MAC", "IPv4", "IPv6", "Nameservers",
                                               "SearchDomains"};

// Which of the keys it is, if it is wanted; WANTED when not.
static size_t place_of(const struct wanted *w, const char *key, const char **value)
{
    const char *all[WANTED] = {w->mac, w->ip4, w->ip6, w->dns, w->search};
    for (size_t i = 0; i < WANTED; i++)
        if (strcmp(key, wanted_key[i]) == 0 && all[i][0]) {
            *value = all[i];
            return i;
        }
    return WANTED;
}

// Appends the section whose header is the line `line` with the wanted keys: in place of what it
// has, else behind the header. Only notes in `has` which it has when there is no text.
static void step_section(struct bf_text *out, const char *text, size_t len, unsigned line,
                         const struct wanted *w, bool has[WANTED + 1])
{
    struct bf_ini ini;
    unsigned number = 0;
    bool mine = false;
    const char *value;
    bf_ini_init(&ini, text, len);
    while (bf_ini_next(&ini)) {
        size_t place = WANTED;
        number++;
        if (ini.kind == BF_INI_SECTION)
            mine = number == line;
        else if (mine && ini.kind == BF_INI_KEY)
            place = place_of(w, ini.key, &value);
        has[place] = true;
        if (!out)
            continue;
        if (place < WANTED) {
            bf_text_add(out, ini.line.at, (size_t)(ini.value - ini.line.at));
            bf_textf(out, "%s\n", value);
            continue;
        }
        bf_text_add(out, ini.line.at, ini.line.full);
        for (size_t i = 0; number == line && i < WANTED; i++)
            if (!has[i] && place_of(w, wanted_key[i], &value) < WANTED)
                bf_textf(out, "%s%s=%s\n", out->len && out->data[out->len - 1] != '\n' ? "\n" : "",
                         wanted_key[i], value);
    }
}

static enum bf_err rewrite(struct bf_fin *f, const struct bf_known *k, const struct wanted *w)
{
    struct bf_text out = {0};
    size_t len;
    bool has[WANTED + 1] = {false};
    const char *text = bf_edits_get(&f->edits, k->file, &len, NULL);
    step_section(NULL, text ? text : "", text ? len : 0, k->line, w, has);
    step_section(&out, text ? text : "", text ? len : 0, k->line, w, has);
    enum bf_err err = bf_fin_set_mode(f, k->file, &out, 0600, "addresses as planned");
    bf_text_free(&out);
    return err;
}

// Of the names that the daemon keeps its hands off, each the beginning of one.
static bool is_blacklisted(struct bf_fin *f, const char *name)
{
    char list[LIST], *rest = list, *item;
    size_t len;
    const char *text = bf_edits_get(&f->edits, MAIN, &len, NULL);
    if (!text || !name[0] ||
        !bf_ini_find(text, len, "General", "NetworkInterfaceBlacklist", list, sizeof list))
        return false;
    while ((item = strtok_r(rest, ", ", &rest)))
        if (strncmp(name, item, strlen(item)) == 0)
            return true;
    return false;
}

static const char *not_written(struct bf_fin *f, const struct bf_link *link, const char *mac)
{
    const struct bf_plan_nic *nic = link->nic;
    size_t count[2] = {0};
    for (size_t i = 0; i < nic->addresses; i++)
        count[nic->address[i].family == AF_INET6]++;
    if (!mac[0] && !(link->known && link->known->name[0]))
        return "a card without a MAC address; add \"mac\" to the plan";
    if (count[0] > 1 || count[1] > 1)
        return "several addresses of a family";
    return is_blacklisted(f, link->name) ? "a card that NetworkInterfaceBlacklist of " MAIN " names"
                                         : NULL;
}

static bool is_section(const struct bf_known *k)
{
    size_t len = k ? strlen(k->file) : 0;
    return len > strlen(SUFFIX) && strcmp(k->file + len - strlen(SUFFIX), SUFFIX) == 0;
}

static bool has_six(const struct bf_known *k)
{
    for (size_t i = 0; i < k->addresses; i++)
        if (strchr(k->address[i], ':'))
            return true;
    return false;
}

static enum bf_err adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    const struct bf_plan_nic *nic = link->nic;
    const struct bf_known *k =
        link->known && link->known->stack == &bf_connman ? link->known : NULL;
    const char *mac = bf_nic_mac(nic)[0] ? bf_nic_mac(nic) : link->old_mac;
    bool moves = nic->new_mac[0] && strcmp(nic->new_mac, link->old_mac) != 0;
    struct wanted w = {.ip4 = ""};
    (void)old; // what the carrier had is gathered by the caller
    if (!bf_nic_readdresses(nic) && !(moves && k))
        return BF_OK;
    const char *why = not_written(f, link, mac);
    if (why)
        return bf_refuse(f->report, "ConnMan: %s cannot have %s", is_section(k) ? k->file : OWN,
                         why);
    // A section for a device by its name stays one.
    if (!is_section(k) || k->mac[0] || !k->name[0])
        memcpy(w.mac, mac, sizeof w.mac);
    if (!is_section(k))
        return add_own(f, link, &w);
    if (bf_nic_readdresses(nic))
        plan_values(&w, nic, has_six(k) ? "auto" : "");
    return rewrite(f, k, &w);
}

const struct bf_stack_ops bf_connman = {
    .name = "connman",
    .title = "ConnMan (" DIR ")",
    .in_use = in_use,
    .scan = scan,
    .adapt = adapt,
};
