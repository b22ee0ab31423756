// SPDX-License-Identifier: Apache-2.0
// Slackware: /etc/rc.d/rc.inet1 reads /etc/rc.d/rc.inet1.conf, where IPADDR[0], NETMASK[0],
// USE_DHCP[0] and their like belong to eth0, or to what IFNAME[0] names, and so on. From Slackware
// 15.0 on, IPADDRS[0] and IP6ADDRS[0] hold several addresses, each with its length; there bridges,
// bonds and VLANs have addresses as any interface has. The values are replaced where they stand.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/assign.h"
#include "finalize/network/stack.h"

#define SCRIPT   "/etc/rc.d/rc.inet1"
#define CONF     "/etc/rc.d/rc.inet1.conf"
#define NICS_MAX 32
#define NICS     6 // without MAXNICS

enum key {
    IFNAME,
    IPADDR,
    NETMASK,
    IPADDRS,
    IP6ADDRS,
    IPALIASES,
    USE_DHCP,
    USE_DHCP6,
    USE_SLAAC,
    HWADDR,
    BRNICS,
    BONDNICS,
    KEYS
};

static const char *const key_name[KEYS] = {"IFNAME",    "IPADDR",    "NETMASK",  "IPADDRS",
                                           "IP6ADDRS",  "IPALIASES", "USE_DHCP", "USE_DHCP6",
                                           "USE_SLAAC", "HWADDR",    "BRNICS",   "BONDNICS"};

struct word {
    const char *at; // in the file
    size_t len;
};

// The whole file, as the script has it in the end.
struct conf {
    const char *text;
    size_t size;
    struct word value[NICS_MAX][KEYS];
    unsigned line[NICS_MAX]; // the first that is about it; 0: none is
    struct word gateway[2];
    size_t nics; // those that the script looks at
    bool lists;  // it knows IPADDRS and IP6ADDRS
    const char *odd;
    unsigned odd_line;
};

static bool in_use(struct bf_fin *f)
{
    struct stat st;
    return !bf_fin_root_stat(f->root, SCRIPT, &st, NULL) && (st.st_mode & 0111) &&
           bf_fin_root_exists(f->root, CONF);
}

// ---- Reading ------------------------------------------------------------------------------------

static void mark_odd(struct conf *c, const struct bf_assign *a, const char *what)
{
    if (c->odd)
        return;
    c->odd = what;
    c->odd_line = a->number;
}

static bool knows_lists(struct bf_fin *f)
{
    size_t len;
    const char *script = bf_edits_get(&f->edits, SCRIPT, &len, NULL);
    return script && memmem(script, len, "IPADDRS[", 8);
}

// The key of an interface and its number; false for any other.
static bool split_key(const char *key, enum key *which, size_t *index)
{
    size_t len = strcspn(key, "[");
    char *end;
    for (size_t i = 0; i < KEYS; i++) {
        if (strlen(key_name[i]) != len || strncmp(key_name[i], key, len) != 0)
            continue;
        *which = (enum key)i;
        *index = key[len] ? strtoul(key + len + 1, &end, 10) : 0;
        return !key[len] || (end > key + len + 1 && strcmp(end, "]") == 0);
    }
    return false;
}

static struct word value_of(struct conf *c, const struct bf_assign *a)
{
    size_t pos = 0;
    struct word w = {0}, more;
    if (!bf_assign_item(a, &pos, &w.at, &w.len))
        w.len = 0;
    if ((a->len && a->value[0] == '(') || bf_assign_item(a, &pos, &more.at, &more.len))
        mark_odd(c, a, "a list that is not of one line");
    return w;
}

static void read_statement(struct conf *c, const struct bf_assign *a)
{
    enum key key;
    size_t index;
    if (a->odd)
        mark_odd(c, a, "more than an assignment");
    if (bf_assign_is(a, "GATEWAY"))
        c->gateway[0] = value_of(c, a);
    else if (bf_assign_is(a, "GATEWAY6"))
        c->gateway[1] = value_of(c, a);
    else if (bf_assign_is(a, "MAXNICS")) {
        struct word w = value_of(c, a);
        c->nics = w.len ? strtoul(w.at, NULL, 10) : NICS;
        if (c->nics > NICS_MAX)
            mark_odd(c, a, "more interfaces than are read here");
    } else if (split_key(a->key, &key, &index) && index >= NICS_MAX)
        mark_odd(c, a, "a number of an interface that is not read here");
    else if (split_key(a->key, &key, &index)) {
        c->value[index][key] = value_of(c, a);
        if (!c->line[index])
            c->line[index] = a->number;
    }
}

// False when there is no file.
static bool load(struct bf_fin *f, struct conf *c, struct bf_fault *fault)
{
    struct bf_assign a;
    *c = (struct conf){.nics = NICS, .lists = knows_lists(f)};
    c->text = bf_edits_get(&f->edits, CONF, &c->size, fault);
    if (!c->text)
        return false;
    bf_assign_init(&a, c->text, c->size);
    while (bf_assign_next(&a))
        read_statement(c, &a);
    return true;
}

static bool is_yes(const struct word *w)
{
    return bf_word_is(w->at, w->len, "yes");
}

static void name_of(const struct conf *c, size_t i, char name[BF_IFNAME])
{
    const struct word *w = &c->value[i][IFNAME];
    if (w->len)
        bf_net_copy(name, BF_IFNAME, w->at, w->len);
    else
        snprintf(name, BF_IFNAME, "eth%zu", i);
}

// One address with its length, or with what the script takes where that is left out.
static void add_address(struct bf_known *k, const char *w, size_t len, const char *mask,
                        size_t mask_len, unsigned otherwise)
{
    char cidr[BF_CIDR_TEXT + 8];
    const char *slash = memchr(w, '/', len);
    int bits = -1;
    if (slash)
        bits = bf_net_prefix(slash + 1, (size_t)(w + len - slash - 1));
    else if (mask_len)
        bits = bf_net_prefix(mask, mask_len);
    if (slash)
        len = (size_t)(slash - w);
    if (len >= INET6_ADDRSTRLEN || bf_word_is(w, len, "0.0.0.0"))
        return;
    snprintf(cidr, sizeof cidr, "%.*s/%u", (int)len, w, bits < 0 ? otherwise : (unsigned)bits);
    bf_net_address(k, cidr, strlen(cidr));
}

static void add_list(struct bf_known *k, const struct word *list, unsigned otherwise)
{
    const char *at = list->at, *w;
    size_t n;
    while (list->len && bf_word_next(&at, list->at + list->len, &w, &n))
        add_address(k, w, n, NULL, 0, otherwise);
}

static void read_addresses(const struct conf *c, size_t i, struct bf_known *k)
{
    const struct word *v = c->value[i];
    bool six = c->lists && is_yes(&v[USE_DHCP6]);
    k->dhcp = is_yes(&v[USE_DHCP]) || six;
    if (v[IPADDR].len && !k->dhcp && !(c->lists && is_yes(&v[USE_SLAAC])))
        add_address(k, v[IPADDR].at, v[IPADDR].len, v[NETMASK].at, v[NETMASK].len, 24);
    if (c->lists) {
        add_list(k, &v[IPADDRS], 24);
        add_list(k, &v[IP6ADDRS], 64);
    }
    add_list(k, &v[IPALIASES], c->lists ? 24 : 32);
}

static void add_ports(struct bf_net *net, const struct conf *c, size_t i, enum key key,
                      const char *master)
{
    const struct word *list = &c->value[i][key];
    const char *at = list->at, *w;
    char name[BF_IFNAME];
    size_t n;
    while (list->len && bf_word_next(&at, list->at + list->len, &w, &n)) {
        bf_net_copy(name, sizeof name, w, n);
        struct bf_known *k = name[0] ? bf_net_add(net, &bf_rc_inet1, name, "") : NULL;
        if (!k)
            continue;
        bf_net_copy(k->master, sizeof k->master, master, strlen(master));
        bf_net_where(k, CONF, c->line[i]);
    }
}

static void set_kind(struct bf_known *k, const struct word *v)
{
    const char *dot = strrchr(k->name, '.');
    if (v[BONDNICS].len)
        k->kind = BF_KNOWN_BOND;
    else if (v[BRNICS].len)
        k->kind = BF_KNOWN_BRIDGE;
    else if (dot) {
        k->kind = BF_KNOWN_VLAN;
        bf_net_copy(k->parent, sizeof k->parent, k->name, (size_t)(dot - k->name));
    }
}

// The gateways are the whole system's: each is said of the interfaces that reach it.
static void set_gateways(const struct conf *c, struct bf_known *k)
{
    for (int six = 0; six < 2; six++) {
        struct bf_address a = {.family = six ? AF_INET6 : AF_INET};
        char *out = six ? k->gateway6 : k->gateway4, gateway[INET6_ADDRSTRLEN];
        bf_net_copy(gateway, sizeof gateway, c->gateway[six].at, c->gateway[six].len);
        for (size_t i = 0; gateway[0] && i < k->addresses; i++) {
            const char *slash = strchr(k->address[i], '/');
            if (!slash || (strchr(k->address[i], ':') != NULL) != (six != 0))
                continue;
            bf_net_copy(a.text, sizeof a.text, k->address[i], (size_t)(slash - k->address[i]));
            a.prefix = (unsigned)strtoul(slash + 1, NULL, 10);
            if (bf_address_reaches(&a, gateway))
                memcpy(out, gateway, sizeof gateway);
        }
    }
}

static bool is_configured(const struct conf *c, size_t i)
{
    static const enum key any[] = {IPADDR, IPADDRS, IP6ADDRS, BRNICS, BONDNICS};
    const struct word *v = c->value[i];
    bool found = is_yes(&v[USE_DHCP]) || is_yes(&v[USE_DHCP6]) || is_yes(&v[USE_SLAAC]);
    for (size_t k = 0; k < BF_COUNT(any); k++)
        found = found || v[any[k]].len;
    return found;
}

static void add_one(struct bf_net *net, const struct conf *c, size_t i)
{
    char name[BF_IFNAME];
    name_of(c, i, name);
    if (strchr(name, ':') || !name[0]) {
        bf_net_trouble(net,
                       "rc.inet1: " CONF ", line %u: an alias of an interface, which is not "
                       "rewritten",
                       c->line[i]);
        return;
    }
    struct bf_known *k = bf_net_add(net, &bf_rc_inet1, name, "");
    if (!k)
        return;
    bf_net_where(k, CONF, c->line[i]);
    set_kind(k, c->value[i]);
    bf_net_copy(k->set_mac, sizeof k->set_mac, c->value[i][HWADDR].at, c->value[i][HWADDR].len);
    read_addresses(c, i, k);
    set_gateways(c, k);
    add_ports(net, c, i, BONDNICS, name);
    add_ports(net, c, i, BRNICS, name);
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    struct conf c;
    struct bf_fault fault;
    if (!load(f, &c, &fault)) {
        bf_net_trouble(net, "rc.inet1: " CONF " cannot be read: %s", fault.what);
        return;
    }
    if (c.odd)
        bf_net_trouble(net, "rc.inet1: " CONF ", line %u: %s, which is not rewritten", c.odd_line,
                       c.odd);
    for (size_t i = 0; i < NICS_MAX && i < c.nics; i++)
        if (is_configured(&c, i))
            add_one(net, &c, i);
}

// ---- Rewriting ----------------------------------------------------------------------------------

// The number that the interface has, or gets.
static size_t index_of(const struct conf *c, const char *name)
{
    char has[BF_IFNAME];
    for (size_t i = 0; i < NICS_MAX && i < c->nics; i++) {
        name_of(c, i, has);
        if (strcmp(has, name) == 0)
            return i;
    }
    for (size_t i = 0; i < NICS_MAX && i < c->nics; i++)
        if (!is_configured(c, i) && !c->value[i][IFNAME].len)
            return i;
    return NICS_MAX;
}

static void gather(struct bf_text *out, const struct bf_plan_nic *nic, int family)
{
    for (size_t i = 0; i < nic->addresses; i++)
        if (nic->address[i].family == family)
            bf_textf(out, "%s%s/%u", out->len ? " " : "", nic->address[i].text,
                     nic->address[i].prefix);
}

static size_t count(const struct bf_plan_nic *nic, int family)
{
    size_t n = 0;
    for (size_t i = 0; i < nic->addresses; i++)
        n += nic->address[i].family == family;
    return n;
}

// What is going to be written.
struct change {
    char key[KEYS + 2][24];
    struct bf_text value[KEYS + 2];
    struct bf_assign_pair pair[KEYS + 3];
    size_t count;
};

static void change_free(struct change *ch)
{
    for (size_t i = 0; i < ch->count; i++)
        bf_text_free(&ch->value[i]);
}

static struct bf_text *put(struct change *ch, const char *key, const char *value)
{
    struct bf_text *t = &ch->value[ch->count];
    snprintf(ch->key[ch->count++], sizeof ch->key[0], "%s", key);
    bf_text_str(t, value);
    return t;
}

static struct bf_text *put_key(struct change *ch, enum key key, size_t i, const char *value)
{
    char name[24];
    snprintf(name, sizeof name, "%s[%zu]", key_name[key], i);
    return put(ch, name, value);
}

// The script's first way to say an address, where that is enough.
static void put_single(struct change *ch, size_t i, const struct bf_address *a)
{
    struct in_addr mask = {.s_addr = a && a->prefix ? htonl(~0U << (32 - a->prefix)) : 0};
    char text[INET_ADDRSTRLEN] = "";
    if (a)
        inet_ntop(AF_INET, &mask, text, sizeof text);
    put_key(ch, IPADDR, i, a ? a->text : "");
    put_key(ch, NETMASK, i, text);
}

static void gather_addresses(struct change *ch, const struct conf *c, size_t i,
                             const struct bf_plan_nic *nic)
{
    const struct word *v = c->value[i];
    const struct bf_address *four = bf_nic_address(nic, AF_INET);
    bool single = !c->lists || (v[IPADDR].len && !v[IPADDRS].len && count(nic, AF_INET) < 2 &&
                                !is_yes(&v[USE_SLAAC]));
    put_single(ch, i, single ? four : NULL);
    if (c->lists)
        gather(put_key(ch, IPADDRS, i, ""), single ? &(struct bf_plan_nic){0} : nic, AF_INET);
    put_key(ch, USE_DHCP, i, nic->dhcp ? "yes" : "");
    put_key(ch, IPALIASES, i, "");
    if (!c->lists)
        return;
    gather(put_key(ch, IP6ADDRS, i, ""), nic, AF_INET6);
    if (!nic->dhcp)
        put_key(ch, USE_DHCP6, i, "");
    if (bf_nic_address(nic, AF_INET6))
        put_key(ch, USE_SLAAC, i, "");
}

// Whether a gateway of the whole system is there because of this interface.
static bool is_own_gateway(struct bf_fin *f, const struct bf_link *link, int six)
{
    const struct bf_net *net = f->system.net;
    size_t others = 0;
    if (link->known && (six ? link->known->gateway6 : link->known->gateway4)[0])
        return true;
    for (size_t i = 0; i < net->count; i++)
        others += net->known[i].stack == &bf_rc_inet1 && &net->known[i] != link->known &&
                  bf_net_is_addressed(&net->known[i]);
    return others == 0;
}

static void gather_gateways(struct bf_fin *f, struct change *ch, const struct bf_link *link)
{
    for (int six = 0; six < 2; six++) {
        const char *planned = six ? link->nic->gateway6 : link->nic->gateway4;
        if (planned[0] || is_own_gateway(f, link, six))
            put(ch, six ? "GATEWAY6" : "GATEWAY", planned);
    }
}

// A gateway of another planned interface, of which there is room for one.
static bool has_other_gateway(const struct bf_fin *f, const struct bf_plan_nic *nic)
{
    for (size_t i = 0; i < f->plan->nics; i++) {
        const struct bf_plan_nic *n = &f->plan->nic[i];
        if ((n->gateway4[0] && nic->gateway4[0] && strcmp(n->gateway4, nic->gateway4) != 0) ||
            (n->gateway6[0] && nic->gateway6[0] && strcmp(n->gateway6, nic->gateway6) != 0))
            return true;
    }
    return false;
}

static const char *not_written(struct bf_fin *f, const struct conf *c, const struct bf_link *link)
{
    const struct bf_plan_nic *nic = link->nic;
    if (!link->carrier[0])
        return "an interface that is known by its MAC address only";
    if (index_of(c, link->carrier) == NICS_MAX)
        return "one more interface";
    if (!c->lists && bf_nic_address(nic, AF_INET6))
        return "an address of IPv6, which this " SCRIPT " does not know";
    if (!c->lists && count(nic, AF_INET) > 1)
        return "several addresses, which this " SCRIPT " does not know";
    if (bf_nic_on_link(nic, AF_INET) || bf_nic_on_link(nic, AF_INET6))
        return "a gateway outside the planned networks";
    return has_other_gateway(f, nic) ? "several gateways of a family" : NULL;
}

static enum bf_err carry_out(struct bf_fin *f, const struct conf *c, struct change *ch)
{
    struct bf_text out = {0};
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < ch->count; i++)
        ch->pair[i] =
            (struct bf_assign_pair){.key = ch->key[i], .value = bf_text_get(&ch->value[i])};
    ch->pair[ch->count].key = NULL;
    bf_assign_put(&out, c->text, c->size, ch->pair);
    if (ch->count)
        err = bf_fin_set(f, CONF, &out, "addresses as planned");
    change_free(ch);
    bf_text_free(&out);
    return err;
}

static enum bf_err adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    const struct bf_plan_nic *nic = link->nic;
    struct change ch = {.count = 0};
    struct conf c;
    char name[BF_IFNAME];
    (void)old; // what the carrier had is gathered by the caller
    if (!load(f, &c, NULL) || c.odd)
        return bf_refuse(f->report, "rc.inet1: " CONF " cannot be read");
    size_t i = index_of(&c, link->carrier);
    bool set = i < NICS_MAX && link->known && link->known->set_mac[0] && nic->new_mac[0] &&
               strcmp(link->known->set_mac, link->old_mac) == 0;
    if (set)
        put_key(&ch, HWADDR, i, nic->new_mac);
    if (!bf_nic_readdresses(nic))
        return carry_out(f, &c, &ch);
    const char *why = not_written(f, &c, link);
    if (why) {
        change_free(&ch);
        return bf_refuse(f->report, "rc.inet1: " CONF " cannot have %s", why);
    }
    name_of(&c, i, name);
    if (strcmp(name, link->carrier) != 0)
        put_key(&ch, IFNAME, i, link->carrier);
    gather_addresses(&ch, &c, i, nic);
    gather_gateways(f, &ch, link);
    return carry_out(f, &c, &ch);
}

const struct bf_stack_ops bf_rc_inet1 = {
    .name = "slackware",
    .title = "Slackware's rc.inet1 (" CONF ")",
    .in_use = in_use,
    .scan = scan,
    .adapt = adapt,
};
