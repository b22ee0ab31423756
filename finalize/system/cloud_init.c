// SPDX-License-Identifier: Apache-2.0
// cloud-init believes itself a new machine when its data source has another instance-id, or when
// there is none any more: it then deletes the SSH host keys, takes the host name of the new home,
// locks and makes users, and writes the network anew. A machine that has moved is the same machine.
//
// The instance that it knows goes on (manual_cache_clean: the cached data source is trusted without
// a look at the new home, so one that is gone is not waited for either). Where it knows none, it
// was not at work on the source, and does not begin to be. The keys and the name stay in any case.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/agents.h"
#include "finalize/system/service.h"
#include "finalize/system/steps.h"

#define FOLDER "/etc/cloud/cloud.cfg.d"
#define OURS   "99-bootferry-network.cfg"
#define OFF    "/etc/cloud/cloud-init.disabled"
#define LAST   "zzzz-bootferry.cfg" // where others sort after the usual name

static const char config[] =
    "# Written by bootferry-finalize: in its new home, this is the machine that it was.\n"
    "# \"cloud-init clean\" and the removal of this file let cloud-init begin anew.\n"
    "manual_cache_clean: true\n"
    "preserve_hostname: true\n"
    "manage_etc_hosts: false\n"
    "ssh_deletekeys: false\n";

// Of files with the same key the last one counts; ours has to be it.
static bool is_last(const struct bf_names *names, const char *ours)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->name[i], ours) > 0 && strcmp(names->name[i], LAST) != 0)
            return false;
    return true;
}

static enum bf_err write_config(struct bf_fin *f)
{
    struct bf_text text = {0};
    struct bf_names names;
    struct bf_fault fault;
    char path[128], other[128];
    if (bf_edits_list(&f->edits, FOLDER, ".cfg", &names))
        return BF_OK;
    bool last = is_last(&names, OURS);
    bf_names_free(&names);
    snprintf(path, sizeof path, FOLDER "/%s", last ? OURS : LAST);
    snprintf(other, sizeof other, FOLDER "/%s", last ? LAST : OURS);
    bf_text_str(&text, config);
    if (f->plan->nics > 0)
        bf_text_str(&text, "network: {config: disabled}\n");
    enum bf_err err =
        bf_fin_set(f, path, &text, "keeps cloud-init from overwriting the network, names and keys");
    if (!err && bf_fin_root_exists(f->root, other) &&
        bf_edits_remove(&f->edits, other, "of an earlier plan", &fault))
        err = bf_fail(f->report, "%s cannot be removed: %s", other, fault.what);
    bf_text_free(&text);
    return err;
}

// ---- What goes before the configuration ---------------------------------------------------------

// The number of the first line that begins with the key; 0 when there is none.
static unsigned line_of(const char *text, size_t len, const char *key)
{
    struct bf_line line;
    size_t pos = 0, n = strlen(key);
    unsigned number = 0;
    while (bf_line_next(text, len, &pos, &line)) {
        number++;
        if (line.len > n && memcmp(line.at, key, n) == 0 && line.at[n] == ':')
            return number;
    }
    return 0;
}

// The user data of the instance, which is merged over /etc/cloud at each boot.
static void warn_of_user_data(struct bf_fin *f)
{
    static const char path[] = "/var/lib/cloud/instance/cloud-config.txt";
    static const char *const key[] = {"manage_etc_hosts", "preserve_hostname", "ssh_deletekeys",
                                      "manual_cache_clean"};
    size_t len;
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    for (size_t i = 0; text && i < BF_COUNT(key); i++) {
        unsigned line = line_of(text, len, key[i]);
        if (line)
            bf_note(
                f->report, "warning", path,
                "line %u: the user data of cloud-init has %s, which goes before what is written "
                "to " FOLDER,
                line, key[i]);
    }
}

// Without a cached instance cloud-init looks for each source that the list names, and those of the
// network are waited for: for two minutes (Ec2) or longer.
static void warn_of_source(struct bf_fin *f, const char *path)
{
    static const char *const distant[] = {"Ec2",      "OpenStack", "GCE",      "CloudStack",
                                          "AliYun",   "MAAS",      "Hetzner",  "DigitalOcean",
                                          "Azure",    "Oracle",    "Scaleway", "Vultr",
                                          "Exoscale", "UpCloud",   "Akamai",   "CloudSigma"};
    size_t len, pos = 0;
    struct bf_line line;
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    unsigned number = text ? line_of(text, len, "datasource_list") : 0;
    for (unsigned i = 0; i < number; i++)
        bf_line_next(text, len, &pos, &line);
    for (size_t i = 0; number && i < BF_COUNT(distant); i++)
        if (memmem(line.at, line.len, distant[i], strlen(distant[i]))) {
            bf_note(
                f->report, "warning", path,
                "line %u: cloud-init may wait some minutes at boot for its data source %s, when "
                "the new home has none; \"touch " OFF "\" spares that",
                number, distant[i]);
            return;
        }
}

static void warn_of_sources(struct bf_fin *f)
{
    struct bf_names names;
    warn_of_source(f, "/etc/cloud/cloud.cfg");
    if (bf_edits_list(&f->edits, FOLDER, ".cfg", &names))
        return;
    for (size_t i = 0; i < names.count; i++) {
        char path[512];
        snprintf(path, sizeof path, FOLDER "/%.255s", names.name[i]);
        warn_of_source(f, path);
    }
    bf_names_free(&names);
}

// ---- Others that set up a machine at its first boot ---------------------------------------------

static void note_agents(struct bf_fin *f)
{
    static const struct {
        const char *unit, *file; // enabled, or there; NULL: not looked for
        const char *name, *what; // by the name it may be disabled
    } agents[] = {
        {"walinuxagent.service", NULL, "waagent", "may set host name, keys and users in Azure"},
        {"waagent.service", NULL, "waagent", "may set host name, keys and users in Azure"},
        {"google-guest-agent.service", NULL, "google-guest-agent",
         "makes new SSH host keys and sets the host name where the instance is another in Google's "
         "cloud"},
        {NULL, "/etc/udev/rules.d/53-ec2-network-interfaces.rules", "ec2-net-utils",
         "configures network cards by itself in Amazon's cloud"},
        {NULL, "/usr/lib/udev/rules.d/99-vpc-policy-routes.rules", "amazon-ec2-net-utils",
         "configures network cards by itself in Amazon's cloud"},
        {NULL, "/boot/ignition.firstboot", "Ignition",
         "sets the machine up at the next boot, as at its first"},
        {"afterburn.service", NULL, "afterburn", "takes host name and keys from the new home"},
        {"afterburn-hostname.service", NULL, "afterburn", "takes its host name from the new home"},
    };
    for (size_t i = 0; i < BF_COUNT(agents); i++)
        if (!bf_agent_goes(f, agents[i].name) &&
            ((agents[i].unit && bf_service_enabled(f->root, agents[i].unit)) ||
             (agents[i].file && bf_fin_root_exists(f->root, agents[i].file))))
            bf_note(f->report, "warning", agents[i].name,
                    "%s; it is left as it is: remove it where the new home is another one",
                    agents[i].what);
}

// Whether the system has been started before: only an image that has not has no machine-id.
static bool has_booted(struct bf_fin *f)
{
    size_t len;
    const char *text = bf_edits_get(&f->edits, "/etc/machine-id", &len, NULL);
    return text && len >= 32 && strspn(text, "0123456789abcdef") >= 32;
}

static enum bf_err turn_off(struct bf_fin *f)
{
    struct bf_text text = {0};
    bf_text_str(&text,
                "# Written by bootferry-finalize: cloud-init was not at work on this machine "
                "before it moved.\n");
    enum bf_err err =
        bf_fin_set(f, OFF, &text, "keeps cloud-init from setting the machine up anew");
    bf_text_free(&text);
    return err;
}

enum bf_err bf_adapt_cloud_init(struct bf_fin *f)
{
    enum bf_err err = BF_OK;
    note_agents(f);
    if (!bf_fin_root_is_dir(f->root, FOLDER) &&
        !bf_fin_root_exists(f->root, "/etc/cloud/cloud.cfg"))
        return BF_OK;
    if (bf_fin_root_exists(f->root, "/var/lib/cloud/instance/obj.pkl"))
        warn_of_user_data(f);
    else if (f->system.init == BF_INIT_SYSTEMD && has_booted(f))
        err = bf_fin_root_exists(f->root, OFF) ? BF_OK : turn_off(f);
    else if (!bf_fin_root_exists(f->root, OFF))
        warn_of_sources(f);
    return err ? err : write_config(f);
}
