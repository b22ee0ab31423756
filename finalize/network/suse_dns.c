// SPDX-License-Identifier: Apache-2.0
// Name servers of SUSE. netconfig(8) makes /etc/resolv.conf of what a DHCP client was told and of
// two variables that are the whole system's, so those of all planned interfaces go there together.
#include <string.h>

#include "finalize/network/suse.h"

#define CONFIG  BF_SUSE_DIR "/config"
#define SERVERS "NETCONFIG_DNS_STATIC_SERVERS"
#define SEARCH  "NETCONFIG_DNS_STATIC_SEARCHLIST"

static void add_word(struct bf_text *out, const char *word)
{
    const char *at = bf_text_get(out), *end = at + strlen(at), *w;
    size_t len;
    while (bf_word_next(&at, end, &w, &len))
        if (bf_word_is(w, len, word))
            return;
    bf_textf(out, "%s%s", out->len ? " " : "", word);
}

static void gather(const struct bf_plan *plan, struct bf_text *servers, struct bf_text *search)
{
    for (size_t i = 0; i < plan->nics; i++) {
        const struct bf_plan_nic *nic = &plan->nic[i];
        for (size_t n = 0; n < nic->dns_count; n++)
            add_word(servers, nic->dns[n]);
        for (size_t n = 0; n < nic->search_count; n++)
            add_word(search, nic->search[n]);
    }
}

// Whether netconfig is there, which SUSE Linux before 11 has not.
static bool has_netconfig(struct bf_fin *f, const struct bf_shvars *vars)
{
    static const char *const path[] = {"/sbin/netconfig", "/usr/sbin/netconfig", NULL};
    return bf_fin_root_any(f->root, path) || bf_shvars_find(vars, SERVERS);
}

// The policy names what resolv.conf is made of. With an empty one it is made by nobody.
static void check_policy(struct bf_fin *f, const struct bf_shvars *vars)
{
    const struct bf_shvar_var *v = bf_shvars_find(vars, "NETCONFIG_DNS_POLICY");
    if (v && !strstr(v->value, "auto") && !strstr(v->value, "STATIC"))
        bf_note(f->report, "warning", CONFIG,
                "line %u: with this NETCONFIG_DNS_POLICY, netconfig does not use the name servers "
                "of " SERVERS,
                v->line);
}

// Servers that are written down come before those of DHCP, also where the plan names none.
static void check_old(struct bf_fin *f, const struct bf_shvars *vars)
{
    const struct bf_shvar_var *v = bf_shvars_find(vars, SERVERS);
    if (v && v->value[0])
        bf_note(f->report, "warning", CONFIG,
                "line %u: the plan names no name servers, and %s stay before those of DHCP",
                v->line, v->value);
}

// A plain resolv.conf that netconfig has made is rewritten too, so that the first boot has it.
static void note_resolv(struct bf_fin *f)
{
    if (bf_fin_root_exists(f->root, "/var/adm/netconfig/md5/etc/resolv.conf"))
        bf_note(f->report, "info", "/etc/resolv.conf",
                "netconfig will take it for edited by hand; \"netconfig update -f\" makes it "
                "netconfig's again");
}

static enum bf_err rewrite(struct bf_fin *f, const char *text, size_t len, const char *servers,
                           const char *search)
{
    struct bf_shvar_change change[2];
    struct bf_text out = {0};
    size_t count = 0;
    if (servers[0])
        change[count++] = (struct bf_shvar_change){SERVERS, servers};
    if (search[0])
        change[count++] = (struct bf_shvar_change){SEARCH, search};
    bf_shvar_edit(&out, text, len, change, count);
    enum bf_err err = bf_fin_set(f, CONFIG, &out, "name servers as planned");
    bf_text_free(&out);
    return err;
}

static bool any_dhcp(const struct bf_plan *plan)
{
    for (size_t i = 0; i < plan->nics; i++)
        if (plan->nic[i].dhcp)
            return true;
    return false;
}

static enum bf_err adapt(struct bf_fin *f, const char *text, size_t len,
                         const struct bf_shvars *vars)
{
    struct bf_text servers = {0}, search = {0};
    enum bf_err err = BF_OK;
    gather(f->plan, &servers, &search);
    if (servers.len)
        check_policy(f, vars);
    else if (any_dhcp(f->plan))
        check_old(f, vars);
    if (servers.len && !any_dhcp(f->plan))
        note_resolv(f);
    if (servers.len || search.len)
        err = rewrite(f, text, len, bf_text_get(&servers), bf_text_get(&search));
    bf_text_free(&servers);
    bf_text_free(&search);
    return err;
}

enum bf_err bf_suse_dns(struct bf_fin *f)
{
    struct bf_fault fault;
    struct bf_shvars vars;
    size_t len = 0;
    const char *text = bf_edits_get(&f->edits, CONFIG, &len, &fault);
    if (!text && fault.code != BF_ERR_NOT_FOUND)
        return bf_refuse(f->report, CONFIG " cannot be read: %s", fault.what);
    text = text ? text : "";
    bf_shvars_load(&vars, text, len);
    enum bf_err err = vars.failed ? bf_refuse(f->report, CONFIG " has more variables than can be "
                                                                "followed")
                      : has_netconfig(f, &vars) ? adapt(f, text, len, &vars)
                                                : BF_OK;
    bf_shvars_free(&vars);
    return err;
}
