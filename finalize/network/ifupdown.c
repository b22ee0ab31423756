// SPDX-License-Identifier: Apache-2.0
// ifupdown: /etc/network/interfaces and the files it sources (interfaces(5)). The stanzas of the
// interface that is readdressed are replaced where the first of them stood; everything else keeps
// its bytes. Options that have nothing to do with addresses (bridge ports, MTU, Wi-Fi, scripts)
// move into the new stanza.
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/service.h"
#include "finalize/network/stack.h"

#define MAIN_FILE "/etc/network/interfaces"
#define FILES_MAX 64

struct files {
    char *path[FILES_MAX];
    size_t count;
};

// What is gathered while old stanzas of one interface are taken out of all files.
struct rewrite {
    const struct bf_link *link;
    struct bf_old *old;          // gets the addresses that go
    struct bf_text kept4, kept6; // options that go on living, with their indentation
    struct bf_text stanza6;      // an inet6 auto/dhcp stanza that "dhcp" keeps
    bool automatic;              // some file brings the interface up
    bool placed;                 // the new stanzas have been written
    const char *odd;             // what cannot be rewritten
    char scripts[160];           // a script line that handles addresses by itself
};

static void add_file(struct bf_fin *f, struct files *files, const char *path, int depth);

// "source" with a pattern in the last component.
static void add_pattern(struct bf_fin *f, struct files *files, const char *pattern, int depth)
{
    char dir[1024], path[2048];
    struct bf_names names;
    const char *slash = strrchr(pattern, '/');
    snprintf(dir, sizeof dir, "%s%.*s", pattern[0] == '/' ? "" : "/etc/network/",
             slash ? (int)(slash - pattern) : 0, pattern);
    if (bf_edits_list(&f->edits, dir, "", &names))
        return;
    for (size_t i = 0; i < names.count; i++) {
        if (fnmatch(slash ? slash + 1 : pattern, names.name[i], FNM_PERIOD) != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, names.name[i]);
        add_file(f, files, path, depth + 1);
    }
    bf_names_free(&names);
}

// "source-directory" takes names of letters, digits, '_' and '-' only.
static void add_directory(struct bf_fin *f, struct files *files, const char *dir, int depth)
{
    char path[2048];
    struct bf_names names;
    if (bf_edits_list(&f->edits, dir, "", &names))
        return;
    for (size_t i = 0; i < names.count; i++) {
        const char *n = names.name[i];
        if (n[strspn(n, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")])
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, n);
        add_file(f, files, path, depth + 1);
    }
    bf_names_free(&names);
}

static void add_sourced(struct bf_fin *f, struct files *files, const struct bf_line *line,
                        int depth)
{
    const char *at = line->at, *end = line->at + line->len, *w, *arg;
    size_t len, arg_len;
    char path[1024];
    if (!bf_word_next(&at, end, &w, &len) || !bf_word_next(&at, end, &arg, &arg_len) ||
        arg_len >= sizeof path)
        return;
    snprintf(path, sizeof path, "%.*s", (int)arg_len, arg);
    if (bf_word_is(w, len, "source"))
        add_pattern(f, files, path, depth);
    else if (bf_word_is(w, len, "source-directory") || bf_word_is(w, len, "source-dir"))
        add_directory(f, files, path, depth);
}

static void add_file(struct bf_fin *f, struct files *files, const char *path, int depth)
{
    size_t len, pos = 0;
    struct bf_line line;
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    if (!text || depth > 4 || files->count >= FILES_MAX)
        return;
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->path[i], path) == 0)
            return;
    files->path[files->count] = strdup(path);
    if (!files->path[files->count])
        return;
    files->count++;
    while (bf_line_next(text, len, &pos, &line))
        add_sourced(f, files, &line, depth);
}

static void free_files(struct files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->path[i]);
}

static bool starts_stanza(const char *w, size_t len)
{
    static const char *const word[] = {
        "auto",       "iface",      "mapping",  "source",      "rename", "source-directory",
        "source-dir", "no-scripts", "template", "no-auto-down"};
    for (size_t i = 0; i < BF_COUNT(word); i++)
        if (bf_word_is(w, len, word[i]))
            return true;
    return len > 6 && memcmp(w, "allow-", 6) == 0;
}

static bool in_list(const char *w, size_t len, const char *const *list)
{
    for (; *list; list++)
        if (bf_word_is(w, len, *list))
            return true;
    return false;
}

// Ports of a bridge or a bond become known with their master.
static void scan_ports(struct bf_net *net, const char *master, const char *at, const char *end)
{
    const char *w;
    size_t len;
    char name[BF_IFNAME];
    while (bf_word_next(&at, end, &w, &len)) {
        bf_net_copy(name, sizeof name, w, len);
        if (!name[0] || strcmp(name, "none") == 0)
            continue;
        struct bf_known *k = bf_net_add(net, &bf_ifupdown, name, "");
        if (k)
            bf_net_copy(k->master, sizeof k->master, master, strlen(master));
    }
}

static void scan_option(struct bf_net *net, const char *name, const char *w, size_t len,
                        const char *at, const char *end)
{
    static const char *const ports[] = {"bridge_ports", "bridge-ports", "bond-slaves", "slaves",
                                        NULL};
    static const char *const bridge[] = {"bridge_ports", "bridge-ports", NULL};
    static const char *const bond[] = {"bond-slaves", "slaves", "bond-mode", NULL};
    static const char *const vlan[] = {"vlan-raw-device", "vlan_raw_device", NULL};
    const char *v;
    size_t n;
    char mac[BF_MAC_TEXT];
    struct bf_known *k = bf_net_add(net, &bf_ifupdown, name, "");
    if (k && in_list(w, len, bridge))
        k->kind = BF_KNOWN_BRIDGE;
    if (k && in_list(w, len, bond))
        k->kind = BF_KNOWN_BOND;
    if (k && in_list(w, len, vlan))
        k->kind = BF_KNOWN_VLAN;
    if (in_list(w, len, ports))
        scan_ports(net, name, at, end);
    if (bf_word_is(w, len, "bond-master") && bf_word_next(&at, end, &v, &n) && k)
        bf_net_copy(k->master, sizeof k->master, v, n);
    if (bf_word_is(w, len, "hwaddress") && bf_word_next(&at, end, &v, &n)) {
        if (bf_word_is(v, n, "ether") && !bf_word_next(&at, end, &v, &n))
            return;
        bf_net_copy(mac, sizeof mac, v, n);
        bf_net_add(net, &bf_ifupdown, name, mac);
    }
}

static void scan_file(struct bf_net *net, const char *text, size_t size)
{
    size_t pos = 0, len;
    struct bf_line line;
    char name[BF_IFNAME] = "";
    while (bf_line_next(text, size, &pos, &line)) {
        const char *at = line.at, *end = line.at + line.len, *w, *v;
        size_t n;
        if (!bf_word_next(&at, end, &w, &len) || w[0] == '#')
            continue;
        if (starts_stanza(w, len)) {
            name[0] = 0;
            if (bf_word_is(w, len, "iface") && bf_word_next(&at, end, &v, &n))
                bf_net_copy(name, sizeof name, v, n);
            if (name[0]) {
                struct bf_known *k = bf_net_add(net, &bf_ifupdown, name, "");
                if (k && (strchr(name, '.') || strncmp(name, "vlan", 4) == 0))
                    k->kind = BF_KNOWN_VLAN;
            }
        } else if (name[0]) {
            scan_option(net, name, w, len, at, end);
        }
    }
}

static void scan(struct bf_fin *f, struct bf_net *net)
{
    struct files files = {.count = 0};
    add_file(f, &files, MAIN_FILE, 0);
    for (size_t i = 0; i < files.count; i++) {
        size_t len;
        const char *text = bf_edits_get(&f->edits, files.path[i], &len, NULL);
        if (text)
            scan_file(net, text, len);
    }
    free_files(&files);
}

// Options of the old stanza that the new one replaces or that mean nothing any more.
static bool is_replaced(const struct bf_plan_nic *nic, const char *w, size_t len)
{
    static const char *const address[] = {
        "address",     "netmask", "network",        "broadcast",          "gateway",
        "pointopoint", "scope",   "hostname",       "leasehours",         "leasetime",
        "vendor",      "client",  "request_prefix", "preferred-lifetime", NULL};
    static const char *const dns[] = {"dns-nameservers", "dns-nameserver", NULL};
    static const char *const search[] = {"dns-search", "dns-domain", NULL};
    if (in_list(w, len, address) || (nic->new_mac[0] && bf_word_is(w, len, "hwaddress")))
        return true;
    if (in_list(w, len, dns))
        return nic->dns_count > 0 || nic->dhcp;
    return in_list(w, len, search) && (nic->search_count > 0 || nic->dhcp);
}

static bool is_script(const char *w, size_t len)
{
    static const char *const word[] = {"up",       "post-up",   "pre-up", "down",
                                       "pre-down", "post-down", NULL};
    return in_list(w, len, word);
}

static void take_option(struct rewrite *rw, const struct bf_line *line, const char *w, size_t len,
                        bool inet6)
{
    const char *at = w + len, *v;
    size_t n;
    if (bf_word_is(w, len, "address") && bf_word_next(&at, line->at + line->len, &v, &n))
        bf_old_add(rw->old, v, n);
    if (is_replaced(rw->link->nic, w, len))
        return;
    bool script = is_script(w, len);
    if (script &&
        (memmem(line->at, line->len, " addr", 5) || memmem(line->at, line->len, "route", 5)))
        snprintf(rw->scripts, sizeof rw->scripts, "%.*s", (int)line->len, line->at);
    // A script outlives the family whose stanza it stood in; other inet6 options do not.
    struct bf_text *kept = inet6 && !script ? &rw->kept6 : &rw->kept4;
    bf_text_add(kept, line->at, line->len);
    bf_text_str(kept, "\n");
}

static void write_dns(struct bf_text *out, const struct bf_plan_nic *nic)
{
    if (nic->dns_count)
        bf_text_str(out, "    dns-nameservers");
    for (size_t i = 0; i < nic->dns_count; i++)
        bf_textf(out, " %s", nic->dns[i]);
    if (nic->dns_count)
        bf_text_str(out, "\n");
    if (nic->search_count)
        bf_text_str(out, "    dns-search");
    for (size_t i = 0; i < nic->search_count; i++)
        bf_textf(out, " %s", nic->search[i]);
    if (nic->search_count)
        bf_text_str(out, "\n");
}

// What belongs to the interface and not to an address goes into the first stanza only.
static void write_first(struct bf_text *out, struct rewrite *rw, bool first, bool inet6)
{
    if (first) {
        write_dns(out, rw->link->nic);
        if (rw->kept4.len)
            bf_text_add(out, rw->kept4.data, rw->kept4.len);
    }
    if (inet6 && rw->kept6.len) {
        bf_text_add(out, rw->kept6.data, rw->kept6.len);
        rw->kept6.len = 0;
    }
}

static void write_stanzas(struct bf_text *out, struct rewrite *rw)
{
    const struct bf_plan_nic *nic = rw->link->nic;
    bool first = true, first4 = true, first6 = true;
    if (nic->dhcp) {
        bf_textf(out, "iface %s inet dhcp\n", rw->link->carrier);
        write_first(out, rw, true, false);
        first = false;
        if (rw->stanza6.len)
            bf_text_add(out, rw->stanza6.data, rw->stanza6.len);
    }
    for (size_t i = 0; i < nic->addresses; i++) {
        const struct bf_address *a = &nic->address[i];
        bool six = a->family == AF_INET6, *mine = six ? &first6 : &first4;
        const char *gateway = six ? nic->gateway6 : nic->gateway4;
        bf_textf(out, "iface %s %s static\n    address %s/%u\n", rw->link->carrier,
                 six ? "inet6" : "inet", a->text, a->prefix);
        if (*mine && gateway[0])
            bf_textf(out, "    gateway %s\n", gateway);
        write_first(out, rw, first, six);
        first = *mine = false;
    }
    rw->placed = true;
}

// The parser's place while a file is rewritten: inside a stanza that goes, or not.
struct place {
    bool going, inet6, keep6;
};

// Looks at the first words of a line that begins a stanza. True when the line itself goes.
static bool begin_stanza(struct rewrite *rw, struct place *p, const struct bf_line *line,
                         const char *at, const char *w, size_t len)
{
    const char *end = line->at + line->len, *v, *family, *method, *more;
    size_t n, fn, mn, xn;
    *p = (struct place){0};
    if (bf_word_is(w, len, "auto") || (len > 6 && memcmp(w, "allow-", 6) == 0)) {
        while (bf_word_next(&at, end, &v, &n))
            rw->automatic = rw->automatic || bf_word_is(v, n, rw->link->carrier);
        return false;
    }
    if (!bf_word_is(w, len, "iface") || !bf_word_next(&at, end, &v, &n) ||
        !bf_word_is(v, n, rw->link->carrier))
        return false;
    if (!bf_word_next(&at, end, &family, &fn) || !bf_word_next(&at, end, &method, &mn) ||
        bf_word_next(&at, end, &more, &xn)) {
        rw->odd = "an iface line that is more than NAME FAMILY METHOD";
        return false;
    }
    p->inet6 = bf_word_is(family, fn, "inet6");
    p->keep6 = p->inet6 && rw->link->nic->dhcp && !bf_word_is(method, mn, "static");
    p->going = p->inet6 || bf_word_is(family, fn, "inet");
    return p->going;
}

// One file without the old stanzas; the new ones where the first stood.
static void rewrite_file(struct rewrite *rw, const char *text, size_t size, struct bf_text *out)
{
    size_t pos = 0, len;
    struct bf_line line;
    struct place p = {0};
    while (bf_line_next(text, size, &pos, &line)) {
        const char *at = line.at, *w;
        bool any = bf_word_next(&at, line.at + line.len, &w, &len) && w[0] != '#';
        bool goes = p.going && any;
        if (any && starts_stanza(w, len)) {
            goes = begin_stanza(rw, &p, &line, at, w, len);
            if (goes && !rw->placed)
                write_stanzas(out, rw);
        }
        if (goes && line.len && line.at[line.len - 1] == '\\')
            rw->odd = "a line that is continued with a backslash";
        if (!goes)
            bf_text_add(out, line.at, line.full);
    }
}

// The first pass over a file: what its stanzas hold.
static void gather(struct rewrite *rw, const char *text, size_t size)
{
    size_t pos = 0, len;
    struct bf_line line;
    struct place p = {0};
    while (bf_line_next(text, size, &pos, &line)) {
        const char *at = line.at, *w;
        if (!bf_word_next(&at, line.at + line.len, &w, &len) || w[0] == '#')
            continue;
        bool head = starts_stanza(w, len);
        if (head)
            begin_stanza(rw, &p, &line, at, w, len);
        if (p.going && p.keep6) {
            bf_text_add(&rw->stanza6, line.at, line.len);
            bf_text_str(&rw->stanza6, "\n");
        } else if (p.going && !head) {
            take_option(rw, &line, w, len, p.inet6);
        }
    }
}

static enum bf_err rewrite_all(struct bf_fin *f, struct files *files, struct rewrite *rw)
{
    size_t len;
    for (size_t i = 0; i < files->count; i++) {
        const char *text = bf_edits_get(&f->edits, files->path[i], &len, NULL);
        if (text)
            gather(rw, text, len);
    }
    for (size_t i = 0; i < files->count && !rw->odd; i++) {
        struct bf_text out = {0};
        const char *text = bf_edits_get(&f->edits, files->path[i], &len, NULL);
        if (!text)
            continue;
        rewrite_file(rw, text, len, &out);
        enum bf_err err = bf_fin_set(f, files->path[i], &out, "addresses as planned");
        bf_text_free(&out);
        if (err)
            return err;
    }
    if (rw->odd)
        return bf_refuse(f->report,
                         "ifupdown: the configuration of %s has %s, which is not rewritten",
                         rw->link->carrier, rw->odd);
    return BF_OK;
}

// An interface that no file configures yet gets its stanzas at the end of the main file.
static enum bf_err append_new(struct bf_fin *f, struct rewrite *rw)
{
    size_t len;
    struct bf_text out = {0};
    const char *text = bf_edits_get(&f->edits, MAIN_FILE, &len, NULL);
    if (text)
        bf_text_add(&out, text, len);
    if (len && text && text[len - 1] != '\n')
        bf_text_str(&out, "\n");
    bf_text_str(&out, "\n");
    if (!rw->automatic)
        bf_textf(&out, "auto %s\n", rw->link->carrier);
    rw->automatic = true;
    write_stanzas(&out, rw);
    enum bf_err err = bf_fin_set(f, MAIN_FILE, &out, "addresses as planned");
    bf_text_free(&out);
    return err;
}

static enum bf_err adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    struct files files = {.count = 0};
    struct rewrite rw = {.link = link, .old = old};
    if (!bf_nic_readdresses(link->nic))
        return BF_OK;
    add_file(f, &files, MAIN_FILE, 0);
    enum bf_err err = rewrite_all(f, &files, &rw);
    if (!err && !rw.placed)
        err = append_new(f, &rw);
    if (!err && !rw.automatic)
        bf_note(f->report, "warning", MAIN_FILE,
                "%s is not brought up at boot (no auto or allow-hotplug)", link->carrier);
    if (rw.scripts[0])
        bf_note(f->report, "skipped", MAIN_FILE,
                "a script line of %s sets addresses or routes by itself and was kept: check it",
                link->carrier);
    bf_text_free(&rw.kept4);
    bf_text_free(&rw.kept6);
    bf_text_free(&rw.stanza6);
    free_files(&files);
    return err;
}

static bool in_use(struct bf_fin *f)
{
    static const char *const ifup[] = {"/sbin/ifup", "/usr/sbin/ifup", NULL};
    bool systemd = f->system.init == BF_INIT_SYSTEMD;
    return bf_fin_root_any(f->root, ifup) && bf_fin_root_exists(f->root, MAIN_FILE) &&
           (!systemd || bf_service_enabled(f->root, "networking.service"));
}

const struct bf_stack_ops bf_ifupdown = {
    .name = "ifupdown",
    .title = "ifupdown",
    .in_use = in_use,
    .scan = scan,
    .adapt = adapt,
};
