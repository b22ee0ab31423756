// SPDX-License-Identifier: Apache-2.0
// Rewrites NetworkManager's profiles for one interface of the plan. The profile that the daemon
// activates for it is rewritten in place; where that one is for other interfaces too, or belongs to
// a package, a copy of its own gets a higher priority. All is decided by the files as they were
// before this run, so that interfaces may exchange their MAC addresses.
#include "finalize/network/nm_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/network/stack.h"

// What one call of bf_nm_adapt() works with.
struct work {
    struct bf_fin *f;
    const struct bf_link *link;
    struct bf_old *old;
    struct bf_nm_profiles all;
    char device[BF_IFNAME]; // that gets the addresses; "": known by its MAC address only
    char label[32];         // the same, or the MAC address without colons, for names
};

// ---- Files --------------------------------------------------------------------------------------

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// Where a profile is written: one of a package gets a file in /etc, which hides it by its UUID.
// False where it has none, so that both would be in force.
static bool place_of(const struct work *w, const struct bf_nm_profile *p, char *out, size_t size)
{
    size_t len;
    if (!p->vendor) {
        snprintf(out, size, "%s", p->path);
        return true;
    }
    snprintf(out, size, "%s/%s", w->all.conf.profiles, base_name(p->path));
    if (bf_nm_disk_text(w->f, out, &len)) // another profile's
        snprintf(out, size, "%s/bootferry-%s", w->all.conf.profiles, base_name(p->path));
    return p->uuid[0] != 0;
}

// The text of a profile as an earlier interface of the plan left it.
static const char *pending(const struct work *w, const struct bf_nm_profile *p, size_t *len)
{
    char path[1024];
    place_of(w, p, path, sizeof path);
    const char *text = bf_edits_get(&w->f->edits, path, len, NULL);
    if (!text) {
        *len = p->len;
        text = p->text;
    }
    return text;
}

static enum bf_err put(const struct work *w, const char *path, const struct bf_text *text,
                       const char *why)
{
    return bf_fin_set_mode(w->f, path, text, 0600, why);
}

// ---- MAC addresses ------------------------------------------------------------------------------

static enum bf_err follow_profile(const struct work *w, const struct bf_nm_profile *p)
{
    char path[1024];
    size_t len;
    struct bf_text out = {0};
    enum bf_err err = BF_OK;
    const char *text = pending(w, p, &len);
    bf_nm_follow_mac(p->text, p->len, text, len, w->link->old_mac, w->link->nic->new_mac, &out);
    bool same = bf_text_ok(&out) && out.len == len && (!len || memcmp(out.data, text, len) == 0);
    if (!same && !place_of(w, p, path, sizeof path))
        err = bf_refuse(w->f->report,
                        "%s speaks of the MAC address %s and belongs to a package; copy it to %s "
                        "with a uuid of its own",
                        p->path, w->link->old_mac, w->all.conf.profiles);
    else if (!same)
        err = put(w, path, &out, "the interface's new MAC address");
    bf_text_free(&out);
    return err;
}

static enum bf_err follow_macs(const struct work *w)
{
    const struct bf_link *link = w->link;
    enum bf_err err = BF_OK;
    if (!link->nic->new_mac[0] || !link->old_mac[0] ||
        strcmp(link->nic->new_mac, link->old_mac) == 0)
        return BF_OK;
    for (size_t i = 0; i < w->all.count && !err; i++)
        err = follow_profile(w, &w->all.at[i]);
    return err;
}

// ---- A profile of its own -----------------------------------------------------------------------

// A UUID that the same interface gets in every run (RFC 9562, version 8).
static void make_uuid(const char *seed, char out[37])
{
    uint64_t h[2] = {0xcbf29ce484222325u, 0x84222325cbf29ce4u};
    for (int i = 0; i < 2; i++)
        for (const char *c = seed; *c; c++)
            h[i] = (h[i] ^ (unsigned char)*c) * 0x100000001b3u;
    snprintf(out, 37, "%08x-%04x-8%03x-8%03x-%012llx", (unsigned)(h[0] >> 32),
             (unsigned)(h[0] >> 16) & 0xffff, (unsigned)h[0] & 0xfff,
             (unsigned)(h[1] >> 48) & 0xfff, (unsigned long long)(h[1] & 0xffffffffffff));
}

// The priority that comes before all that fit the device; -1 when there is none.
static int priority_above(const struct work *w)
{
    int top = 0;
    bool any = false;
    for (size_t i = 0; i < w->all.count; i++) {
        const struct bf_nm_profile *p = &w->all.at[i];
        if (!bf_nm_is_hardware(p) || bf_nm_fits(p, w->device, w->link->old_mac) == BF_NM_NO)
            continue;
        top = !any || p->priority > top ? p->priority : top;
        any = true;
    }
    return !any ? 0 : top >= 999 ? -1 : top < 0 ? 1 : top + 1;
}

static enum bf_err write_own(const struct work *w, const struct bf_nm_profile *like)
{
    static const char head[] =
        "# Written by bootferry-finalize: the addresses of an interface in its new home.\n"
        "[connection]\ntype=ethernet\n";
    static const struct bf_nm_ip none[2] = {{.method = "auto"}, {.method = "auto"}};
    char id[64], uuid[37], path[512], seed[96];
    struct bf_text out = {0};
    size_t len = sizeof head - 1;
    const char *text = like ? pending(w, like, &len) : head;
    int priority = priority_above(w);
    if (priority < 0)
        return bf_refuse(w->f->report,
                         "%s has the highest autoconnect-priority, 999: no other profile can come "
                         "before it for %s; lower it",
                         like ? like->path : "a profile", w->label);
    snprintf(id, sizeof id, "bootferry-%s", w->label);
    snprintf(seed, sizeof seed, "bootferry NetworkManager %s", w->label);
    make_uuid(seed, uuid);
    struct bf_nm_rewrite rw = {.nic = w->link->nic,
                               .ip = like ? like->ip : none,
                               .name = w->device,
                               .mac = bf_nic_mac(w->link->nic),
                               .copy = true,
                               .id = id,
                               .uuid = uuid,
                               .priority = priority};
    snprintf(path, sizeof path, "%s/%s.nmconnection", w->all.conf.profiles, id);
    bf_nm_rewrite(&rw, text, len, &out);
    enum bf_err err = put(w, path, &out, "addresses as planned");
    bf_text_free(&out);
    return err;
}

// ---- The profile in force -----------------------------------------------------------------------

static enum bf_err write_in_place(const struct work *w, const struct bf_nm_profile *p,
                                  const char *name)
{
    char path[1024];
    size_t len;
    struct bf_text out = {0};
    const char *text = pending(w, p, &len);
    struct bf_nm_rewrite rw = {.nic = w->link->nic, .ip = p->ip, .name = name, .mac = ""};
    place_of(w, p, path, sizeof path);
    bf_nm_rewrite(&rw, text, len, &out);
    enum bf_err err = put(w, path, &out, "addresses as planned");
    bf_text_free(&out);
    return err;
}

static const struct bf_nm_profile *profile_of(const struct work *w)
{
    const struct bf_nm_profile *made = bf_nm_maker(&w->all, w->device);
    return made ? made : bf_nm_active(&w->all, w->device, w->link->old_mac);
}

// Profiles that would come into force if the first were gone keep their addresses.
static void note_others(const struct work *w, const struct bf_nm_profile *active)
{
    for (size_t i = 0; i < w->all.count; i++) {
        const struct bf_nm_profile *p = &w->all.at[i];
        const struct bf_nm_ip *ip = &p->ip[p->ip[0].addresses ? 0 : 1];
        bool same = bf_nm_is_hardware(p) ? bf_nm_fits(p, w->device, w->link->old_mac) != BF_NM_NO
                                         : w->device[0] && strcmp(p->name, w->device) == 0;
        if (p != active && same && ip->addresses)
            bf_note(w->f->report, "warning", p->path,
                    "line %u: another profile that fits %s, which is not activated there at boot, "
                    "keeps %s",
                    ip->line, w->label, ip->address[0]);
    }
}

static void note_dns(const struct work *w, const struct bf_nm_profile *p)
{
    static const int families[2] = {AF_INET, AF_INET6};
    const struct bf_plan_nic *nic = w->link->nic;
    for (int i = 0; i < 2; i++) {
        const char *method = bf_nm_method(nic, i, p ? p->ip[i].method : "auto");
        bool bare = strcmp(method, "manual") != 0 && strcmp(method, "auto") != 0 &&
                    strcmp(method, "shared") != 0 && strcmp(method, "dhcp") != 0;
        for (size_t d = 0; bare && d < nic->dns_count; d++)
            if ((strchr(nic->dns[d], ':') != NULL) == (families[i] == AF_INET6))
                bf_note(w->f->report, "warning", w->label,
                        "the name server %s is left out: NetworkManager takes none for a family "
                        "without addresses",
                        nic->dns[d]);
        if (bare && p && p->ip[i].dns && !nic->dns_count)
            bf_note(w->f->report, "warning", p->path,
                    "loses its name servers of %s, which has no addresses any more",
                    i ? "IPv6" : "IPv4");
    }
}

static void gather_old(const struct work *w, const struct bf_nm_profile *p)
{
    for (int i = 0; i < 2; i++)
        for (size_t a = 0; a < p->ip[i].addresses; a++)
            bf_old_add(w->old, p->ip[i].address[a], strlen(p->ip[i].address[a]));
}

static enum bf_err check(const struct work *w, const struct bf_nm_profile *p)
{
    struct bf_nm_device device = {
        .name = w->device, .mac = w->link->old_mac, .type = p ? p->type : "ethernet"};
    if (bf_nm_conf_leaves(&w->all.conf, &device))
        return bf_refuse(w->f->report,
                         "NetworkManager's configuration leaves %s to others, and no other stack "
                         "speaks of it; add match.name, or configure it on the source",
                         w->label);
    const struct bf_nm_profile *rival =
        p && bf_nm_is_hardware(p) ? bf_nm_rival(&w->all, p, w->device, w->link->old_mac) : NULL;
    if (rival)
        return bf_refuse(w->f->report,
                         "%s and %s are both for %s, and nothing says which comes first; give one "
                         "of them an autoconnect-priority",
                         p->path, rival->path, w->label);
    if (p && p->port)
        return bf_refuse(w->f->report,
                         "%s makes %s a port of %s, which has no profile; a port has no address",
                         p->path, w->label, p->master);
    return BF_OK;
}

// A profile with an address of its own is for one device, even where it names none; unless an
// earlier interface of the plan has it already.
static bool is_for_one(const struct work *w, const struct bf_nm_profile *p)
{
    size_t len;
    const char *text = pending(w, p, &len);
    return !p->matches && !p->vendor && (p->ip[0].addresses || p->ip[1].addresses) &&
           len == p->len && memcmp(text, p->text, len) == 0;
}

static enum bf_err readdress(const struct work *w)
{
    const struct bf_nm_profile *p = profile_of(w);
    enum bf_err err = check(w, p);
    if (err)
        return err;
    note_others(w, p);
    note_dns(w, p);
    if (!p)
        return write_own(w, NULL);
    bool exact = !bf_nm_is_hardware(p) || bf_nm_fits(p, w->device, w->link->old_mac) == BF_NM_EXACT;
    if (exact && (!p->vendor || p->uuid[0])) {
        gather_old(w, p);
        return write_in_place(w, p, "");
    }
    if (!is_for_one(w, p))
        return write_own(w, p);
    gather_old(w, p);
    return write_in_place(w, p, w->device);
}

static void set_labels(struct work *w)
{
    const char *mac = bf_nic_mac(w->link->nic);
    size_t n = 0;
    snprintf(w->device, sizeof w->device, "%s",
             w->link->carrier[0] ? w->link->carrier : w->link->name);
    for (const char *c = w->device[0] ? w->device : mac; *c && n + 1 < sizeof w->label; c++)
        if (*c != ':' && *c != '/')
            w->label[n++] = *c;
    w->label[n] = 0;
}

// A MAC address that is neither the old nor the new one goes on hiding the hardware's.
static void note_set_mac(const struct work *w)
{
    const struct bf_nm_profile *p = profile_of(w);
    if (p && p->set_mac[0] && strcmp(p->set_mac, w->link->old_mac) != 0 &&
        strcmp(p->set_mac, bf_nic_mac(w->link->nic)) != 0)
        bf_note(w->f->report, "warning", p->path,
                "gives %s the MAC address %s, whatever its hardware has", w->label, p->set_mac);
}

enum bf_err bf_nm_adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old)
{
    struct work w = {.f = f, .link = link, .old = old};
    set_labels(&w);
    bf_nm_profiles_load(f, &w.all, BF_NM_ON_DISK, NULL);
    enum bf_err err = w.all.failed ? bf_fail(f->report, "out of memory") : follow_macs(&w);
    if (!err)
        note_set_mac(&w);
    if (!err && bf_nic_readdresses(link->nic))
        err = readdress(&w);
    bf_nm_profiles_free(&w.all);
    return err;
}
