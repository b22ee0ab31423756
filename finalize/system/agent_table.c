// SPDX-License-Identifier: Apache-2.0
// The agents, by the names that their packages and installers give to services; docs/finalizer.md
// lists them. The virtualization is what systemd-detect-virt(1) calls it.
#include <string.h>

#include "base/bytes.h"
#include "finalize/core/ini.h"
#include "finalize/system/agents.h"

const struct bf_agent bf_agents[] = {
    {"VMware Tools",
     BF_HOME_VMWARE,
     {"open-vm-tools", "vmtoolsd", "vgauthd", "vgauth", "vmware-tools", "vmware-tools-services",
      "vmware-tools-thinprint"}},
    {"Hyper-V daemons",
     BF_HOME_HYPERV | BF_HOME_AZURE,
     {"hv-kvp-daemon", "hv-vss-daemon", "hv-fcopy-daemon", "hv_kvp_daemon", "hv_vss_daemon",
      "hv_fcopy_daemon", "hypervkvpd", "hypervvssd", "hypervfcopyd"}},
    {"Azure Linux agent",
     BF_HOME_AZURE,
     {"walinuxagent", "waagent", "walinuxagent-network-setup", "waagent-network-setup"}},
    {"VirtualBox Guest Additions",
     BF_HOME_VIRTUALBOX,
     {"vboxadd", "vboxadd-service", "vboxadd-x11", "vboxservice", "virtualbox-guest-utils",
      "virtualbox-guest-additions", "vboxclient"}},
    {"Xen guest utilities",
     BF_HOME_XEN,
     {"xe-daemon", "xe-linux-distribution", "xe-guest-utilities", "xenserver-guest-agent"}},
    {"Amazon agents",
     BF_HOME_AMAZON,
     {"amazon-ssm-agent", "snap.amazon-ssm-agent.amazon-ssm-agent", "ec2-instance-connect",
      "hibinit-agent", "ec2-hibinit-agent"}},
    {"Google guest agent",
     BF_HOME_GOOGLE,
     {"google-guest-agent", "google-guest-agent-manager", "google-startup-scripts",
      "google-shutdown-scripts", "google-osconfig-agent", "google-network-daemon",
      "google-accounts-daemon", "google-clock-skew-daemon", "google-instance-setup",
      "google-guest-compat-manager", "google-ip-forwarding-daemon"}},
    {"Oracle Cloud agent",
     BF_HOME_ORACLE,
     {"oracle-cloud-agent", "oracle-cloud-agent-updater",
      "snap.oracle-cloud-agent.oracle-cloud-agent",
      "snap.oracle-cloud-agent.oracle-cloud-agent-updater"}},
    {"DigitalOcean agents", BF_HOME_DIGITALOCEAN, {"do-agent", "droplet-agent"}},
    {"Nutanix Guest Tools", BF_HOME_NUTANIX, {"ngt_guest_agent", "ngt_self_service_restore"}},
    {"QEMU guest agent", BF_HOME_KVM | BF_HOME_NUTANIX, {"qemu-guest-agent", "qemu-ga"}},
    {"SPICE agent", BF_HOME_KVM, {"spice-vdagentd", "spice-vdagent"}},
    {"oVirt guest agent", BF_HOME_KVM, {"ovirt-guest-agent"}},
    {"Parallels Tools", BF_HOME_PARALLELS, {"prltoolsd", "prl-x11"}},
    {NULL, 0, {NULL}},
};

unsigned bf_agent_homes(const char *target)
{
    static const struct {
        const char *target;
        unsigned homes;
    } kinds[] = {
        {"qemu-virtio", BF_HOME_KVM}, {"kvm", BF_HOME_KVM},     {"vmware", BF_HOME_VMWARE},
        {"hyperv", BF_HOME_HYPERV},   {"azure", BF_HOME_AZURE}, {"aws", BF_HOME_AMAZON},
        {"gcp", BF_HOME_GOOGLE},      {"xen", BF_HOME_XEN},     {"metal", 0},
    };
    for (size_t i = 0; i < BF_COUNT(kinds); i++)
        if (strcmp(kinds[i].target, target) == 0)
            return kinds[i].homes;
    return ~0u;
}

bool bf_agent_goes(const struct bf_fin *f, const char *name)
{
    unsigned homes = bf_agent_homes(f->plan->target);
    for (const struct bf_agent *a = bf_agents; a->title && !f->plan->keep_agents; a++)
        for (size_t i = 0; i < BF_AGENT_NAMES && a->name[i]; i++)
            if (strcmp(a->name[i], name) == 0)
                return !(a->homes & homes);
    return false;
}

// The homes in which a value of ConditionVirtualization= can hold; 0: it is none that is known.
static unsigned homes_of_value(const char *value, size_t len)
{
    static const struct {
        const char *value;
        unsigned homes;
    } values[] = {
        {"kvm", BF_HOME_KVM | BF_HOME_GOOGLE | BF_HOME_AMAZON | BF_HOME_ORACLE |
                    BF_HOME_DIGITALOCEAN | BF_HOME_NUTANIX},
        {"qemu", BF_HOME_KVM},
        {"vmware", BF_HOME_VMWARE},
        {"microsoft", BF_HOME_HYPERV | BF_HOME_AZURE},
        {"xen", BF_HOME_XEN | BF_HOME_AMAZON},
        {"oracle", BF_HOME_VIRTUALBOX},
        {"amazon", BF_HOME_AMAZON},
        {"google", BF_HOME_GOOGLE},
        {"parallels", BF_HOME_PARALLELS},
    };
    for (size_t i = 0; i < BF_COUNT(values); i++)
        if (bf_word_is(value, len, values[i].value))
            return values[i].homes;
    return 0;
}

bool bf_agent_bound(const char *unit, size_t len, unsigned homes)
{
    struct bf_ini ini;
    bool bound = false;
    bf_ini_init(&ini, unit, len);
    while (bf_ini_next(&ini)) {
        if (!bf_ini_is(&ini, "Unit", "ConditionVirtualization"))
            continue;
        // "!xen" and "|xen" leave other ways to start; an empty value takes all conditions back.
        unsigned of = homes_of_value(ini.value, ini.value_len);
        bound = ini.value_len && (bound || (of && !(of & homes)));
    }
    return bound;
}
