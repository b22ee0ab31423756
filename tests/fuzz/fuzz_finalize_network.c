// SPDX-License-Identifier: Apache-2.0
// The files of each network stack, by themselves, with any bytes: the first byte picks a row, the
// rest becomes the content of its file in a tree where that stack runs, and a dry run with a plan
// for two interfaces goes over it. Nothing may be written, and the work is in proportion.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "finalize/core/text.h"
#include "finalize/finalize.h"
#include "finalize/target/plan_parse.h"
#include "tests/finalize_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SYSTEMD "usr/lib/systemd/systemd"
#define WANTS   "etc/systemd/system/multi-user.target.wants/"
#define SCRIPTS "etc/sysconfig/network-scripts/"
#define PLUGIN  "usr/lib64/NetworkManager/1.18.0/libnm-settings-plugin-ifcfg-rh.so"
#define WICKED  WANTS "wicked.service"
#define SUSE    "etc/sysconfig/network/"
#define BESIDE  6

#define NETCONFIG "NETCONFIG_DNS_STATIC_SERVERS=192.0.2.53\n"

// A file that is fuzzed, and what makes its stack run: "path" or "path=content".
struct row {
    const char *file;
    const char *beside[BESIDE];
};

static const struct row rows[] = {
    {"etc/network/interfaces", {"sbin/ifup", SYSTEMD, WANTS "networking.service"}},
    {"etc/network/interfaces.d/a",
     {"sbin/ifup", SYSTEMD, WANTS "networking.service",
      "etc/network/interfaces=source interfaces.d/*\nauto eth0\niface eth0 inet dhcp\n"}},
    {"etc/network/interfaces",
     {"sbin/ifup", SYSTEMD, WANTS "networking.service", "usr/share/ifupdown2"}},
    {"etc/network/interfaces",
     {"sbin/ifup", SYSTEMD, WANTS "networking.service", "etc/network/ifupdown-ng.conf"}},
    {"etc/resolv.conf",
     {"sbin/ifup", SYSTEMD, WANTS "networking.service",
      "etc/network/interfaces=auto eth0\niface eth0 inet dhcp\n"}},
    {"etc/resolvconf/resolv.conf.d/head",
     {"sbin/ifup", SYSTEMD, WANTS "networking.service",
      "etc/network/interfaces=auto eth0\niface eth0 inet dhcp\n"}},
    {"etc/netplan/a.yaml", {SYSTEMD, "usr/sbin/netplan", WANTS "systemd-networkd.service"}},
    {"usr/lib/netplan/b.yaml",
     {SYSTEMD, "usr/sbin/netplan", WANTS "systemd-networkd.service",
      "etc/netplan/a.yaml=network:\n  ethernets:\n    all: {match: {name: \"e*\"}, dhcp4: true}\n"
      "    nic9: {match: {macaddress: \"52:54:00:00:00:09\"}, dhcp4: true}\n"}},
    {"etc/netplan/90-NM-1.yaml",
     {SYSTEMD, "usr/sbin/netplan",
      "etc/netplan/a.yaml=network: {renderer: NetworkManager, ethernets: {eth9: {}}}\n"}},
    {"etc/systemd/network/a.network", {SYSTEMD, WANTS "systemd-networkd.service"}},
    {"etc/systemd/network/a.netdev",
     {SYSTEMD, WANTS "systemd-networkd.service",
      "etc/systemd/network/b.network=[Match]\nName=eth0\n[Network]\nDHCP=yes\n"}},
    {"etc/systemd/network/b.network.d/c.conf",
     {SYSTEMD, WANTS "systemd-networkd.service",
      "etc/systemd/network/b.network=[Match]\nName=eth0\n[Network]\nDHCP=yes\n"}},
    {"usr/lib/systemd/network/b.network.d/c.conf",
     {SYSTEMD, WANTS "systemd-networkd.service",
      "etc/systemd/network/b.network=[Match]\nName=eth*\n[Network]\nDHCP=yes\n"}},
    {"usr/local/lib/systemd/network/a.network",
     {SYSTEMD, WANTS "systemd-networkd.service",
      "etc/systemd/network/a.netdev=[NetDev]\nName=br0\nKind=bridge\n",
      "etc/systemd/network/b.network=[Match]\nName=br0\n[Network]\nAddress=192.0.2.9/24\n"}},
    {"etc/systemd/network/a.link",
     {SYSTEMD, WANTS "systemd-networkd.service",
      "etc/systemd/network/b.network=[Match]\nName=eth0\n[Network]\nDHCP=yes\n"}},
    {"etc/ssh/sshd_config",
     {"sbin/ifup", SYSTEMD, WANTS "networking.service",
      "etc/network/interfaces=auto eth0\niface eth0 inet static\naddress 192.0.2.9/24\n"}},
    {SCRIPTS "ifcfg-eth0",
     {SYSTEMD, WANTS "network.service", SCRIPTS "route-eth0=default via 1\n"}},
    {SCRIPTS "ifcfg-eth0", {SYSTEMD, WANTS "NetworkManager.service", PLUGIN}},
    {SCRIPTS "ifcfg-eth0",
     {"sbin/init", "etc/rc.d/rc3.d/S10network",
      SCRIPTS "ifcfg-eth0:1=DEVICE=eth0:1\nIPADDR=198.51.100.1\nNETMASK=255.255.255.0\n"}},
    {SCRIPTS "ifcfg-eth0:1",
     {SYSTEMD, WANTS "network.service",
      SCRIPTS "ifcfg-eth0=DEVICE=eth0\nIPADDR=198.51.100.1\nNETMASK=255.255.255.0\n"}},
    {SCRIPTS "ifcfg-eth0-range0",
     {SYSTEMD, WANTS "network.service", SCRIPTS "ifcfg-eth0=DEVICE=eth0\nBOOTPROTO=none\n"}},
    {SCRIPTS "ifcfg-bond0",
     {SYSTEMD, WANTS "network.service",
      SCRIPTS "ifcfg-eth0=DEVICE=eth0\nMASTER=bond0\nSLAVE=yes\n"}},
    {SCRIPTS "route-eth0",
     {SYSTEMD, WANTS "network.service",
      SCRIPTS "ifcfg-eth0=DEVICE=eth0\nIPADDR=198.51.100.1\nNETMASK=255.255.255.0\n"}},
    {SCRIPTS "rule-eth0",
     {SYSTEMD, WANTS "network.service",
      SCRIPTS "ifcfg-eth0=DEVICE=eth0\nIPADDR=198.51.100.1\nNETMASK=255.255.255.0\n"}},
    {SCRIPTS "keys-eth0",
     {SYSTEMD, WANTS "network.service", SCRIPTS "ifcfg-eth0=DEVICE=eth0\nBOOTPROTO=none\n"}},
    {"etc/sysconfig/network",
     {SYSTEMD, WANTS "network.service",
      SCRIPTS "ifcfg-eth0=DEVICE=eth0\nIPADDR=198.51.100.1\nNETMASK=255.255.255.0\n"}},
    {"etc/udev/rules.d/70-persistent-net.rules",
     {"sbin/ifup", SYSTEMD, WANTS "networking.service",
      "etc/network/interfaces=auto eth0\niface eth0 inet dhcp\n"}},
    {"etc/udev/rules.d/70-persistent-net.rules",
     {"sbin/ifup", "sbin/udevd", "etc/inittab=x\n",
      "etc/network/interfaces=auto eth0\niface eth0 inet dhcp\n"}},
    {"etc/mactab",
     {"sbin/ifup", "etc/mdev.conf=-net/.* root:root 600 @nameif\n", "etc/inittab=x\n",
      "etc/network/interfaces=auto eth0\niface eth0 inet dhcp\n"}},
    {"usr/lib/systemd/network/zz.link.d/a.conf",
     {"sbin/ifup", SYSTEMD, WANTS "networking.service",
      "etc/network/interfaces=auto eth0\niface eth0 inet dhcp\nauto eth1\niface eth1 inet dhcp\n"}},
    {"var/lib/dhcp/dhclient.leases",
     {"sbin/ifup", SYSTEMD, WANTS "networking.service",
      "etc/network/interfaces=auto eth0\niface eth0 inet dhcp\n"}},
    {"var/lib/cloud/instance/cloud-config.txt",
     {"sbin/ifup", SYSTEMD, WANTS "networking.service", "etc/cloud/cloud.cfg=x\n",
      "var/lib/cloud/instance/obj.pkl=x\n",
      "etc/network/interfaces=auto eth0\niface eth0 inet dhcp\n"}},
    {"etc/cloud/cloud.cfg",
     {"sbin/ifup", SYSTEMD, WANTS "networking.service",
      "etc/network/interfaces=auto eth0\niface eth0 inet dhcp\n"}},
    {"etc/sysconfig/network/ifcfg-eth0", {SYSTEMD, WICKED, SUSE "config=" NETCONFIG}},
    {"etc/sysconfig/network/ifcfg-br0",
     {SYSTEMD, WICKED, SUSE "ifcfg-eth0=STARTMODE=auto\nIPADDR=192.0.2.4/24\n"}},
    {"etc/sysconfig/network/ifcfg-eth0",
     {"etc/inittab", "sbin/ifup", "etc/init.d/rc3.d/S02network", SUSE "config=" NETCONFIG}},
    {"etc/sysconfig/network/routes",
     {SYSTEMD, WICKED, SUSE "ifcfg-eth0=STARTMODE=auto\nIPADDR=192.0.2.4/24\n"}},
    {"etc/sysconfig/network/ifroute-eth0",
     {SYSTEMD, WICKED, SUSE "ifcfg-eth0=STARTMODE=auto\nIPADDR=192.0.2.4/24\n"}},
    {"etc/sysconfig/network/ifrule-eth0",
     {SYSTEMD, WICKED, SUSE "ifcfg-eth0=STARTMODE=auto\nIPADDR=192.0.2.4/24\n"}},
    {"etc/wicked/ifconfig/a.xml", {SYSTEMD, WICKED, SUSE "config=" NETCONFIG}},
    {"etc/wicked/client.xml", {SYSTEMD, WICKED, SUSE "ifcfg-eth0=STARTMODE=auto\n"}},
    {"etc/conf.d/net", {"sbin/openrc-init", "etc/runlevels/default/net.eth0"}},
    {"etc/netctl/a", {SYSTEMD, WANTS "netctl@a.service"}},
    {"etc/dhcpcd.conf", {SYSTEMD, WANTS "dhcpcd.service"}},
    {"etc/rc.d/rc.inet1.conf", {"etc/rc.d/rc.inet1=IPADDRS[0]\n"}},
    {"var/lib/connman/a.config",
     {SYSTEMD, WANTS "connman.service",
      "var/lib/connman/ethernet_525400000001_cable/settings=[x]\n"}},
    {"var/lib/connman/ethernet_525400000009_cable/settings",
     {SYSTEMD, WANTS "connman.service"}},
    {"etc/openvswitch/conf.db",
     {SYSTEMD, WANTS "openvswitch-switch.service", WANTS "networking.service", "sbin/ifup",
      "etc/network/interfaces=auto br0\niface br0 inet dhcp\n"}},
    {"etc/teamd/team0.conf",
     {SYSTEMD, WANTS "teamd@team0.service", WANTS "networking.service", "sbin/ifup",
      "etc/network/interfaces=auto team0\niface team0 inet dhcp\n"}},
    {"etc/sysconfig/network/config",
     {SYSTEMD, WICKED, SUSE "ifcfg-eth0=STARTMODE=auto\nIPADDR=192.0.2.4/24\n"}},
    {"etc/NetworkManager/system-connections/a.nmconnection",
     {SYSTEMD, WANTS "NetworkManager.service"}},
    {"usr/lib/NetworkManager/system-connections/b.nmconnection",
     {SYSTEMD, WANTS "NetworkManager.service",
      "etc/NetworkManager/system-connections/a=[connection]\ntype=ethernet\n"}},
    {"etc/NetworkManager/conf.d/a.conf",
     {SYSTEMD, WANTS "NetworkManager.service",
      "etc/NetworkManager/system-connections/a=[connection]\ntype=ethernet\n"
      "interface-name=eth0\n"}},
    {"var/lib/NetworkManager/timestamps",
     {SYSTEMD, WANTS "NetworkManager.service",
      "etc/NetworkManager/system-connections/a=[connection]\ntype=ethernet\n"
      "interface-name=eth0\nuuid=00000000-0000-0000-0000-00000000000a\n",
      "etc/NetworkManager/system-connections/b=[connection]\ntype=ethernet\n"
      "interface-name=eth0\nuuid=00000000-0000-0000-0000-00000000000b\n"}},
};
#define ROWS BF_COUNT(rows)

// A stack goes over its files a few times for each interface of the plan, and over each line and
// word of them; three times in all they are gathered.
#define WORK_BASE     ((size_t)20000)
#define WORK_PER_BYTE ((size_t)96)

static const char plan_text[] =
    "{\"version\": 1, \"target\": {\"kind\": \"kvm\"}, "
    "\"nics\": [{\"match\": {\"name\": \"eth0\"}, \"mac\": \"52:54:00:00:00:02\","
    "\"addresses\": [\"192.0.2.5/24\", \"2001:db8::5/64\"], \"gateway\": \"192.0.2.1\","
    "\"dns\": [\"192.0.2.53\"]}, {\"match\": {\"mac\": \"52:54:00:00:00:09\"}, \"dhcp\": true}]}";

static struct bf_plan plan;

static void start(void)
{
    struct bf_fault fault;
    tree_make();
    if (bf_plan_parse(plan_text, sizeof plan_text - 1, &plan, &fault))
        abort();
    tree_put("etc/os-release", "ID=debian\n", 10);
    // The second interface is always found.
    static const char link[] = "[Match]\nMACAddress=52:54:00:00:00:09\n[Link]\nName=eth9\n";
    tree_put("etc/systemd/network/zz.link", link, sizeof link - 1);
}

static void put_beside(const struct row *row)
{
    for (size_t i = 0; i < BESIDE && row->beside[i]; i++) {
        char path[256];
        size_t len = strcspn(row->beside[i], "=");
        const char *content = row->beside[i] + len + (row->beside[i][len] == '=');
        snprintf(path, sizeof path, "%.*s", (int)len, row->beside[i]);
        tree_put(path, content, strlen(content));
        fchmodat(tree_root.fd, path, 0700, 0); // a script of an init counts when it can be run
    }
}

// The folders above go too, as far as they are empty: another row may have a file of that name.
static void remove_path(const char *entry)
{
    char path[256];
    char *slash;
    snprintf(path, sizeof path, "%.*s", (int)strcspn(entry, "="), entry);
    unlinkat(tree_root.fd, path, 0);
    while ((slash = strrchr(path, '/'))) {
        *slash = 0;
        if (unlinkat(tree_root.fd, path, AT_REMOVEDIR))
            break;
    }
}

static void remove_all(const struct row *row)
{
    for (size_t i = 0; i < BESIDE && row->beside[i]; i++)
        remove_path(row->beside[i]);
    remove_path(row->file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_fin_report report;
    if (tree_root.fd < 0)
        start();
    if (size == 0)
        return 0;
    const struct row *row = &rows[data[0] % ROWS];
    put_beside(row);
    tree_put(row->file, data + 1, size - 1);
    size_t before = bf_text_stepped();
    bf_fin_report_init(&report, "dry-run");
    bf_finalize(&tree_root, BF_MODE_DRY_RUN, &plan, NULL, &report);
    size_t work = bf_text_stepped() - before;
    if (work > WORK_BASE + WORK_PER_BYTE * size) {
        fprintf(stderr, "%s: %zu bytes were gone over for a file of %zu\n", row->file, work, size);
        abort();
    }
    bf_fin_report_free(&report);
    remove_all(row);
    return 0;
}
