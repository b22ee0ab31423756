// SPDX-License-Identifier: Apache-2.0
// The keys that a plan writes into a definition of netplan, as lines or on one line.
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/netplan.h"

static const char *const address_keys[] = {"dhcp4",    "dhcp6",    "addresses",
                                           "gateway4", "gateway6", NULL};

// A plan without name servers leaves those that are there, unless a DHCP server names them now.
static bool nameservers_go(const struct bf_netplan_new *w)
{
    const struct bf_plan_nic *nic = w->link->nic;
    return nic->dns_count > 0 || nic->search_count > 0 || (nic->dhcp && !w->had_dhcp);
}

bool bf_netplan_goes(const struct bf_netplan_new *w, const char *key)
{
    const struct bf_plan_nic *nic = w->link->nic;
    if (w->addresses && bf_netplan_in_words(key, address_keys))
        return true;
    if (w->addresses && strcmp(key, "nameservers") == 0)
        return nameservers_go(w);
    // What a DHCP server says was not asked for so far, and so not how much of it is taken.
    if (w->addresses && nic->dhcp && !w->had_dhcp &&
        (strcmp(key, "dhcp4-overrides") == 0 || strcmp(key, "dhcp6-overrides") == 0))
        return true;
    return w->hardware && w->matches && bf_nic_mac(nic)[0] &&
           (strcmp(key, "match") == 0 || strcmp(key, "set-name") == 0);
}

// ---- Values -------------------------------------------------------------------------------------

// The lists of name servers and search domains: what the plan leaves out stays as it was.
static void server_lists(const struct bf_netplan_new *w, struct bf_text *dns,
                         struct bf_text *search)
{
    const struct bf_plan_nic *nic = w->link->nic;
    for (size_t i = 0; i < nic->dns_count; i++)
        bf_textf(dns, "%s\"%s\"", i ? ", " : "", nic->dns[i]);
    for (size_t i = 0; i < nic->search_count; i++)
        bf_textf(search, "%s%s", i ? ", " : "", nic->search[i]);
    bool stay = !nic->dhcp || w->had_dhcp;
    if (!dns->len && stay)
        bf_text_str(dns, bf_text_get(&w->dns));
    if (!search->len && stay)
        bf_text_str(search, bf_text_get(&w->search));
}

struct route {
    const char *to, *via;
    bool on_link;
};

// 0.0.0.0/0 and not "default", which is new in netplan 0.103.
static size_t default_routes(const struct bf_plan_nic *nic, struct route out[2])
{
    size_t n = 0;
    if (nic->gateway4[0])
        out[n++] = (struct route){"0.0.0.0/0", nic->gateway4, bf_nic_on_link(nic, AF_INET)};
    if (nic->gateway6[0])
        out[n++] = (struct route){"\"::/0\"", nic->gateway6, bf_nic_on_link(nic, AF_INET6)};
    return n;
}

// ---- Lines --------------------------------------------------------------------------------------

void bf_netplan_route_lines(struct bf_text *out, const struct bf_plan_nic *nic, size_t column)
{
    struct route route[2];
    int c = (int)column;
    size_t n = default_routes(nic, route);
    for (size_t i = 0; i < n; i++) {
        const char *quote = strchr(route[i].via, ':') ? "\"" : "";
        bf_textf(out, "%*s- to: %s\n%*s  via: %s%s%s\n", c, "", route[i].to, c, "", quote,
                 route[i].via, quote);
        if (route[i].on_link)
            bf_textf(out, "%*s  on-link: true\n", c, "");
    }
}

static void server_lines(struct bf_text *out, const struct bf_netplan_new *w, int c)
{
    struct bf_text dns = {0}, search = {0};
    server_lists(w, &dns, &search);
    if (nameservers_go(w) && (dns.len || search.len)) {
        bf_textf(out, "%*snameservers:\n", c, "");
        if (dns.len)
            bf_textf(out, "%*s  addresses: [%s]\n", c, "", bf_text_get(&dns));
        if (search.len)
            bf_textf(out, "%*s  search: [%s]\n", c, "", bf_text_get(&search));
    }
    bf_text_free(&dns);
    bf_text_free(&search);
}

void bf_netplan_lines(struct bf_text *out, const struct bf_netplan_new *w, size_t column,
                      bool routes)
{
    const struct bf_plan_nic *nic = w->link->nic;
    const char *mac = bf_nic_mac(nic);
    int c = (int)column;
    if (w->hardware && w->matches && mac[0])
        bf_textf(out, "%*smatch:\n%*s  macaddress: \"%s\"\n", c, "", c, "", mac);
    if (w->hardware && w->matches && mac[0] && w->set_name[0])
        bf_textf(out, "%*sset-name: %s\n", c, "", w->set_name);
    if (!w->addresses)
        return;
    bf_textf(out, "%*sdhcp4: %s\n", c, "", nic->dhcp ? "true" : "false");
    if (nic->dhcp && !bf_nic_address(nic, AF_INET6))
        bf_textf(out, "%*sdhcp6: true\n", c, "");
    if (nic->addresses)
        bf_textf(out, "%*saddresses:\n", c, "");
    for (size_t i = 0; i < nic->addresses; i++)
        bf_textf(out, "%*s- \"%s/%u\"\n", c, "", nic->address[i].text, nic->address[i].prefix);
    server_lines(out, w, c);
    if (routes && (nic->gateway4[0] || nic->gateway6[0])) {
        bf_textf(out, "%*sroutes:\n", c, "");
        bf_netplan_route_lines(out, nic, column);
    }
}

// ---- One line -----------------------------------------------------------------------------------

void bf_netplan_route_flow(struct bf_text *out, const struct bf_plan_nic *nic)
{
    struct route route[2];
    size_t n = default_routes(nic, route);
    for (size_t i = 0; i < n; i++)
        bf_textf(out, "{to: %s, via: \"%s\"%s}, ", route[i].to, route[i].via,
                 route[i].on_link ? ", on-link: true" : "");
}

// Takes the ", " behind the last one back.
static void end_flow(struct bf_text *out)
{
    if (out->len >= 2)
        out->data[out->len -= 2] = 0;
}

static void server_flow(struct bf_text *out, const struct bf_netplan_new *w)
{
    struct bf_text dns = {0}, search = {0};
    server_lists(w, &dns, &search);
    if (nameservers_go(w) && (dns.len || search.len)) {
        bf_text_str(out, "nameservers: {");
        if (dns.len)
            bf_textf(out, "addresses: [%s], ", bf_text_get(&dns));
        if (search.len)
            bf_textf(out, "search: [%s], ", bf_text_get(&search));
        end_flow(out);
        bf_text_str(out, "}, ");
    }
    bf_text_free(&dns);
    bf_text_free(&search);
}

void bf_netplan_flow(struct bf_text *out, const struct bf_netplan_new *w, bool routes)
{
    const struct bf_plan_nic *nic = w->link->nic;
    const char *mac = bf_nic_mac(nic);
    if (w->hardware && w->matches && mac[0])
        bf_textf(out, "match: {macaddress: \"%s\"}, ", mac);
    if (w->hardware && w->matches && mac[0] && w->set_name[0])
        bf_textf(out, "set-name: %s, ", w->set_name);
    if (!w->addresses)
        return;
    bf_textf(out, "dhcp4: %s, ", nic->dhcp ? "true" : "false");
    if (nic->dhcp && !bf_nic_address(nic, AF_INET6))
        bf_text_str(out, "dhcp6: true, ");
    if (nic->addresses) {
        bf_text_str(out, "addresses: [");
        for (size_t i = 0; i < nic->addresses; i++)
            bf_textf(out, "\"%s/%u\", ", nic->address[i].text, nic->address[i].prefix);
        end_flow(out);
        bf_text_str(out, "], ");
    }
    server_flow(out, w);
    if (routes && (nic->gateway4[0] || nic->gateway6[0])) {
        bf_text_str(out, "routes: [");
        bf_netplan_route_flow(out, nic);
        end_flow(out);
        bf_text_str(out, "], ");
    }
}
