// SPDX-License-Identifier: Apache-2.0
// Agents of the old home: which of them go for which target, when a unit's own condition suffices,
// and what becomes of a service's links under each init.
#include "finalize/system/agents.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "finalize/system/disable.h"
#include "finalize/system/service.h"
#include "finalize/system/steps.h"
#include "tests/finalize_table.h"
#include "tests/finalize_tree.h"
#include "tests/unit/test.h"

// ---- Which of them ------------------------------------------------------------------------------

// One service of each kind of agent, and the targets that keep it, between blanks.
static void test_targets(void)
{
    static const char *const targets[] = {"qemu-virtio", "kvm", "vmware", "hyperv", "azure",
                                          "aws",         "gcp", "xen",    "metal",  "generic"};
    static const struct {
        const char *service, *kept;
    } agents[] = {
        {"open-vm-tools", " vmware generic "},
        {"vmtoolsd", " vmware generic "},
        {"vmware-tools", " vmware generic "},
        {"vgauthd", " vmware generic "},
        {"hv-kvp-daemon", " hyperv azure generic "},
        {"hypervvssd", " hyperv azure generic "},
        {"hv_fcopy_daemon", " hyperv azure generic "},
        {"walinuxagent", " azure generic "},
        {"waagent", " azure generic "},
        {"waagent-network-setup", " azure generic "},
        {"vboxadd", " generic "},
        {"vboxadd-service", " generic "},
        {"virtualbox-guest-utils", " generic "},
        {"xe-daemon", " xen generic "},
        {"xe-linux-distribution", " xen generic "},
        {"amazon-ssm-agent", " aws generic "},
        {"snap.amazon-ssm-agent.amazon-ssm-agent", " aws generic "},
        {"ec2-instance-connect", " aws generic "},
        {"google-guest-agent", " gcp generic "},
        {"google-osconfig-agent", " gcp generic "},
        {"oracle-cloud-agent", " generic "},
        {"do-agent", " generic "},
        {"droplet-agent", " generic "},
        {"ngt_guest_agent", " generic "},
        {"qemu-guest-agent", " qemu-virtio kvm generic "},
        {"qemu-ga", " qemu-virtio kvm generic "},
        {"spice-vdagentd", " qemu-virtio kvm generic "},
        {"ovirt-guest-agent", " qemu-virtio kvm generic "},
        {"prltoolsd", " generic "},
        // None of them, whatever they sound like.
        {"ssh", " qemu-virtio kvm vmware hyperv azure aws gcp xen metal generic "},
        {"cloud-init", " qemu-virtio kvm vmware hyperv azure aws gcp xen metal generic "},
        {"vmware-tools2", " qemu-virtio kvm vmware hyperv azure aws gcp xen metal generic "},
        {"qemu", " qemu-virtio kvm vmware hyperv azure aws gcp xen metal generic "},
        {"amazon-cloudwatch-agent",
         " qemu-virtio kvm vmware hyperv azure aws gcp xen metal generic "},
        {"", " qemu-virtio kvm vmware hyperv azure aws gcp xen metal generic "},
    };
    char word[32];
    for (size_t t = 0; t < BF_COUNT(targets); t++) {
        table_begin();
        snprintf(table_plan.target, sizeof table_plan.target, "%s", targets[t]);
        snprintf(word, sizeof word, " %s ", targets[t]);
        for (size_t i = 0; i < BF_COUNT(agents); i++) {
            bool goes = bf_agent_goes(&table_fin, agents[i].service);
            if (goes == (strstr(agents[i].kept, word) != NULL))
                FAIL("%s on %s %s", agents[i].service, targets[t], goes ? "goes" : "stays");
        }
        table_plan.keep_agents = true;
        for (size_t i = 0; i < BF_COUNT(agents); i++)
            CHECK(!bf_agent_goes(&table_fin, agents[i].service));
    }
}

// systemd.unit(5), ConditionVirtualization=: a triggering condition ("|") and a negated one leave
// other ways to start, and an empty value takes all that came before it back.
static void test_conditions(void)
{
    static const struct {
        const char *unit;
        unsigned home;
        bool bound; // does not start there
    } cases[] = {
        {"[Unit]\nConditionVirtualization=vmware\n", BF_HOME_KVM, true},
        {"[Unit]\nConditionVirtualization=vmware\n", BF_HOME_VMWARE, false},
        {"[Unit]\nConditionVirtualization = vmware \n", BF_HOME_KVM, true},
        {"[Unit]\r\nConditionVirtualization=vmware\r\n", BF_HOME_KVM, true},
        {"[Unit]\nConditionVirtualization=microsoft", BF_HOME_KVM, true},
        {"[Unit]\nConditionVirtualization=microsoft", BF_HOME_AZURE, false},
        {"[Unit]\nConditionVirtualization=oracle\n", BF_HOME_KVM, true},
        {"[Unit]\nConditionVirtualization=kvm\n", BF_HOME_KVM, false},
        {"[Unit]\nConditionVirtualization=kvm\n", BF_HOME_GOOGLE, false},
        {"[Unit]\nConditionVirtualization=kvm\n", BF_HOME_VMWARE, true},
        {"[Unit]\nConditionVirtualization=xen\n", BF_HOME_AMAZON, false},
        {"[Unit]\nConditionVirtualization=vmware\n", 0, true}, // bare metal
        {"[Unit]\nConditionVirtualization=|vmware\n", BF_HOME_KVM, false},
        {"[Unit]\nConditionVirtualization=!kvm\n", BF_HOME_VMWARE, false},
        {"[Unit]\nConditionVirtualization=vm\n", BF_HOME_KVM, false},
        {"[Unit]\nConditionVirtualization=yes\n", BF_HOME_KVM, false},
        {"[Unit]\nConditionVirtualization=VMWARE\n", BF_HOME_KVM, false},
        {"[Unit]\nConditionVirtualization=\n", BF_HOME_KVM, false},
        {"[Unit]\nConditionVirtualization=vmware\nConditionVirtualization=\n", BF_HOME_KVM, false},
        {"[Unit]\nConditionVirtualization=\nConditionVirtualization=vmware\n", BF_HOME_KVM, true},
        {"[Unit]\nConditionVirtualization=vmware\nConditionVirtualization=|kvm\n", BF_HOME_KVM,
         true},
        {"#[Unit]\nConditionVirtualization=vmware\n", BF_HOME_KVM, false},
        {"[Service]\nConditionVirtualization=vmware\n", BF_HOME_KVM, false},
        {"[Unit]\n#ConditionVirtualization=vmware\n", BF_HOME_KVM, false},
        {"[Unit]\n;ConditionVirtualization=vmware\n", BF_HOME_KVM, false},
        {"[Unit]\nXConditionVirtualization=vmware\n", BF_HOME_KVM, false},
        {"[Unit]\nAssertVirtualization=vmware\n", BF_HOME_KVM, false},
        {"", BF_HOME_KVM, false},
    };
    for (size_t i = 0; i < BF_COUNT(cases); i++)
        if (bf_agent_bound(cases[i].unit, strlen(cases[i].unit), cases[i].home) != cases[i].bound)
            FAIL("\"%s\" in home %u", cases[i].unit, cases[i].home);
}

// ---- Links under each init ----------------------------------------------------------------------

// Up to six links of a service, as PATH>TARGET in a line each; a line without '>' is a file.
struct service {
    enum bf_init init;
    const char *before, *after, *how; // NULL: nothing was done
    const char *note;
};

static void make_one(const char *line, size_t len)
{
    char path[256], *to;
    snprintf(path, sizeof path, "%.*s", (int)len - 1, line + 1);
    to = strchr(path, '>');
    if (to)
        *to++ = 0;
    tree_put(path, "manual\n", 7); // which is what an override of Upstart has to have
    if (!to)
        return;
    CHECK_EQ(unlinkat(tree_root.fd, path, 0), 0);
    CHECK_EQ(symlinkat(to, tree_root.fd, path), 0);
}

static void make_all(const char *lines)
{
    struct bf_line line;
    for (size_t pos = 0; bf_line_next(lines, strlen(lines), &pos, &line);)
        make_one(line.at, line.len);
}

static void remove_all(const char *lines)
{
    struct bf_line line;
    for (size_t pos = 0; bf_line_next(lines, strlen(lines), &pos, &line);) {
        char path[256];
        snprintf(path, sizeof path, "%.*s", (int)line.len - 1, line.at + 1);
        path[strcspn(path, ">")] = 0;
        unlinkat(tree_root.fd, path, 0);
    }
}

// Whether everything that is listed is there, or is going to be; what goes is not listed.
static void check_all(const struct service *s)
{
    struct bf_line line;
    for (size_t pos = 0; bf_line_next(s->after, strlen(s->after), &pos, &line);) {
        char path[256], *to;
        snprintf(path, sizeof path, "%.*s", (int)line.len, line.at);
        to = strchr(path, '>');
        if (to)
            *to++ = 0;
        size_t len;
        const char *is = to ? bf_edits_link_target(&table_fin.edits, path)
                            : bf_edits_get(&table_fin.edits, path, &len, NULL);
        if (!is || (to && strcmp(is, to) != 0))
            FAIL("%s: %s instead of %s", path, is ? is : "nothing", to ? to : "a file");
    }
    for (size_t pos = 0; bf_line_next(s->before, strlen(s->before), &pos, &line);) {
        char path[256], whole[256];
        snprintf(whole, sizeof whole, "%.*s", (int)line.len, line.at);
        snprintf(path, sizeof path, "%.*s", (int)strcspn(whole, ">"), whole);
        if (!strchr(whole, '>') || strstr(s->after, path))
            continue;
        if (bf_edits_link_target(&table_fin.edits, path))
            FAIL("%s stays", path);
    }
}

static void check_service(const struct service *s)
{
    const char *how;
    table_begin();
    make_all(s->before);
    table_fin.system.init = s->init;
    CHECK_EQ(bf_service_disable(&table_fin, "agent", "test", &how), BF_OK);
    if ((how != NULL) != (s->how != NULL) || (how && strcmp(how, s->how) != 0))
        FAIL("%s: %s", s->before, how ? how : "nothing is done");
    check_all(s);
    if (s->note)
        CHECK(table_said(s->note));
    // Once more on what came of it.
    remove_all(s->before);
    make_all(s->after);
    table_again();
    CHECK_EQ(bf_service_disable(&table_fin, "agent", "test", &how), BF_OK);
    if (how || bf_edits_changes(&table_fin.edits))
        FAIL("%s: a second run changes it", s->after);
    remove_all(s->after);
}

#define ETC "/etc/systemd/system/"

static void test_inits(void)
{
    static const struct service services[] = {
        {BF_INIT_SYSTEMD,
         ETC "multi-user.target.wants/agent.service>/usr/lib/systemd/system/agent.service\n",
         ETC "multi-user.target.wants/agent.service>/usr/lib/systemd/system/agent.service\n" ETC
             "agent.service>/dev/null\n",
         "masked", NULL},
        {BF_INIT_SYSTEMD, ETC "sysinit.target.requires/agent.service>../x\n",
         ETC "sysinit.target.requires/agent.service>../x\n" ETC "agent.service>/dev/null\n",
         "masked", NULL},
        {BF_INIT_SYSTEMD, ETC "agent.service>/dev/null\n", ETC "agent.service>/dev/null\n", NULL,
         NULL},
        {BF_INIT_SYSTEMD, "/usr/lib/systemd/system/agent.service\n",
         "/usr/lib/systemd/system/agent.service\n", NULL, NULL},
        {BF_INIT_SYSTEMD, "/etc/rc3.d/S20agent>../init.d/agent\n",
         "/etc/rc3.d/S20agent>../init.d/agent\n" ETC "agent.service>/dev/null\n", "masked", NULL},
        {BF_INIT_SYSTEMD,
         ETC "agent.service\n" ETC "multi-user.target.wants/agent.service>../agent.service\n",
         ETC "agent.service\n" ETC "multi-user.target.wants/agent.service>../agent.service\n", NULL,
         "since its unit stands where a mask would"},
        // An alias: the unit behind it is masked.
        {BF_INIT_SYSTEMD,
         ETC "agent.service>/usr/lib/systemd/system/real.service\n" ETC
             "multi-user.target.wants/agent.service>/usr/lib/systemd/system/real.service\n",
         ETC "agent.service>/usr/lib/systemd/system/real.service\n" ETC
             "multi-user.target.wants/agent.service>/usr/lib/systemd/system/real.service\n" ETC
             "real.service>/dev/null\n",
         "masked", NULL},
        // SysV: number 100 - S, as update-rc.d has it, in each level that started it.
        {BF_INIT_SYSVINIT,
         "/etc/rc2.d/S20agent>../init.d/agent\n/etc/rc5.d/S05agent>../init.d/agent\n",
         "/etc/rc2.d/K80agent>../init.d/agent\n/etc/rc5.d/K95agent>../init.d/agent\n",
         "disabled in its run levels", NULL},
        {BF_INIT_SYSVINIT, "/etc/rc2.d/S00agent>../init.d/agent\n",
         "/etc/rc2.d/K99agent>../init.d/agent\n", "disabled in its run levels", NULL},
        {BF_INIT_SYSVINIT, "/etc/rc3.d/S99agent>../init.d/agent\n",
         "/etc/rc3.d/K01agent>../init.d/agent\n", "disabled in its run levels", NULL},
        {BF_INIT_SYSVINIT, "/etc/rc.d/rc3.d/S50agent>../init.d/agent\n",
         "/etc/rc.d/rc3.d/K50agent>../init.d/agent\n", "disabled in its run levels", NULL},
        {BF_INIT_SYSVINIT, "/etc/init.d/rc3.d/S04agent>../agent\n", "",
         "disabled in its run levels", NULL},
        {BF_INIT_SYSVINIT, "/etc/rcS.d/S11agent>../init.d/agent\n", "",
         "disabled in its run levels", NULL},
        {BF_INIT_SYSVINIT, "/etc/rc2.d/K80agent>../init.d/agent\n",
         "/etc/rc2.d/K80agent>../init.d/agent\n", NULL, NULL},
        {BF_INIT_SYSVINIT,
         "/etc/rc2.d/S20agentx>../x\n/etc/rc2.d/S20xagent>../x\n/etc/rc2.d/S2agent>../x\n",
         "/etc/rc2.d/S20agentx>../x\n/etc/rc2.d/S20xagent>../x\n/etc/rc2.d/S2agent>../x\n", NULL,
         NULL},
        {BF_INIT_OPENRC, "/etc/runlevels/default/agent>/etc/init.d/agent\n/etc/init.d/agent\n",
         "/etc/init.d/agent\n", "taken out of its run level", NULL},
        {BF_INIT_OPENRC,
         "/etc/runlevels/boot/agent>/etc/init.d/agent\n/etc/runlevels/mine/agent>/x\n", "",
         "taken out of its run level", NULL},
        {BF_INIT_OPENRC, "/etc/runlevels/default/agent2>/etc/init.d/agent2\n",
         "/etc/runlevels/default/agent2>/etc/init.d/agent2\n", NULL, NULL},
        {BF_INIT_RUNIT, "/etc/runit/runsvdir/default/agent>/etc/sv/agent\n/etc/sv/agent/run\n",
         "/etc/sv/agent/run\n", "taken out of its run level", NULL},
        {BF_INIT_RUNIT, "/etc/service/agent>/etc/sv/agent\n", "", "taken out of its run level",
         NULL},
        {BF_INIT_UPSTART, "/etc/init/agent.conf\n",
         "/etc/init/agent.conf\n/etc/init/agent.override\n", "set to manual", NULL},
        {BF_INIT_UPSTART, "/etc/rc2.d/S20agent>../init.d/agent\n",
         "/etc/rc2.d/K80agent>../init.d/agent\n", "disabled in its run levels", NULL},
        {BF_INIT_UPSTART, "", "", NULL, NULL},
        {BF_INIT_UNKNOWN, "/etc/rc2.d/S20agent>../init.d/agent\n",
         "/etc/rc2.d/K80agent>../init.d/agent\n", "disabled in its run levels", NULL},
    };
    for (size_t i = 0; i < BF_COUNT(services); i++)
        check_service(&services[i]);
}

static void test_overrides(void)
{
    static const struct {
        const char *before, *after; // of the override; NULL: there is none
    } cases[] = {
        {NULL, "manual\n"},
        {"", "manual\n"},
        {"# mine", "# mine\nmanual\n"},
        {"nice 5\n", "nice 5\nmanual\n"},
        {"manual\n", "manual\n"},
        {"#manual\n", "#manual\nmanual\n"},
        {"x\nmanual", "x\nmanual"},
        {"manually\n", "manually\nmanual\n"},
    };
    static const char path[] = "/etc/init/agent.override";
    const char *how;
    size_t len;
    table_begin();
    table_put("/etc/init/agent.conf", "start on startup\n");
    table_fin.system.init = BF_INIT_UPSTART;
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        table_remove(path);
        if (cases[i].before)
            table_put(path, cases[i].before);
        table_again();
        CHECK_EQ(bf_service_disable(&table_fin, "agent", "test", &how), BF_OK);
        CHECK_STR(bf_edits_get(&table_fin.edits, path, &len, NULL), cases[i].after);
    }
    table_remove(path);
    table_again();
    table_fin.system.family = &bf_redhat; // its Upstart reads no override
    CHECK_EQ(bf_service_disable(&table_fin, "agent", "test", &how), BF_OK);
    CHECK(!how && !bf_edits_get(&table_fin.edits, path, &len, NULL));
    CHECK(table_said("has no override files"));
    table_remove("/etc/init/agent.conf");
}

TEST_MAIN(TEST(test_targets), TEST(test_conditions), TEST(test_inits), TEST(test_overrides))
