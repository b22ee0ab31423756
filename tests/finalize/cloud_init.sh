#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cloud-init in a new home: it goes on with the instance that it knows, so that host keys, host name, users and network
# stay. cloud-init itself judges, with another data source and without one.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
# shellcheck source=tests/finalize/judge.sh
. "$(dirname "$0")/judge.sh"
umask 022

r=$work/root
bare() {
    rm -rf "$r"
    mkdir -p "$r"/{usr/sbin,usr/lib/systemd,etc/systemd/system/multi-user.target.wants,etc/cloud/cloud.cfg.d,var/lib}
    echo x >"$r/usr/lib/systemd/systemd"
    echo x >"$r/usr/sbin/ifup"
    ln -s /usr/lib/systemd/system/networking.service "$r/etc/systemd/system/multi-user.target.wants/"
    put "$r/etc/os-release" <<<"ID=debian"
    put "$r/etc/hostname" <<<oldhost
    printf 'auto ens3\niface ens3 inet dhcp\n' | put "$r/etc/network/interfaces"
}
known() { put "$r/var/lib/cloud/instances/i-old/obj.pkl" <<<x && ln -s /var/lib/cloud/instances/i-old "$r/var/lib/cloud/instance"; }
booted() { put "$r/etc/machine-id" <<<0123456789abcdef0123456789abcdef; }
plan_of() { put "$work/plan" <<<"{\"version\": 1, \"target\": {\"kind\": \"kvm\"}$1}"; }
absent() { [ ! -e "$1" ]; }
nics=', "nics": [{"match": {"name": "ens3"}, "mac": "52:54:00:00:00:02", "addresses": ["203.0.113.5/24"]}]'
name=', "hostname": "web-1"'
usual=$r/etc/cloud/cloud.cfg.d/99-bootferry-network.cfg last=$r/etc/cloud/cloud.cfg.d/zzzz-bootferry.cfg
off=$r/etc/cloud/cloud-init.disabled
identity='# Written by bootferry-finalize: in its new home, this is the machine that it was.
# "cloud-init clean" and the removal of this file let cloud-init begin anew.
manual_cache_clean: true
preserve_hostname: true
manage_etc_hosts: false
ssh_deletekeys: false'

# ---- What is written ---------------------------------------------------------------------------
bare
known
booted
before=$(snapshot "$r")
plan_of "$nics$name"
check "a network and a name" run
check "a network and a name: the file" is "$usual" <<<"$identity
network: {config: disabled}"
check "cloud-init stays on" absent "$off"
check "second run" again
check "undo" undone "$before"
for what in "$name" ''; do
    bare
    known
    plan_of "$what"
    check "no network in the plan${what:+, but a name}" run
    check "no network in the plan${what:+, but a name}: it stays cloud-init's" is "$usual" <<<"$identity"
done

bare
known
for file in 50-cloud.cfg 99-installer.cfg zz-late.cfg; do put "$r/etc/cloud/cloud.cfg.d/$file" <<<'network: {version: 1}'; done
plan_of "$nics"
check "files that sort late" run
check "ours is the last" is "$last" <<<"$identity
network: {config: disabled}"
check "and the only one" absent "$usual"
check "files that sort late: second run" again
rm "$r"/etc/cloud/cloud.cfg.d/{99,zz-}*
check "they are gone" run
check "the usual name is enough" test -e "$usual"
check "and the other goes" absent "$last"

bare
known
put "$r/var/lib/cloud/instances/i-old/cloud-config.txt" <<'EOF'
#cloud-config
hostname: oldhost
manage_etc_hosts: true
EOF
plan_of "$name"
check "user data" run
check "user data that goes before: said with its line" says "line 3: the user data of cloud-init has manage_etc_hosts"

bare
booted
before=$(snapshot "$r")
plan_of "$nics"
check "cloud-init that was not at work" run
check "does not begin to be" has "$off" "# Written by bootferry-finalize: cloud-init was not at work on this machine before it moved."
check "not at work: second run" again
check "not at work: undo" undone "$before"
put "$off" <<<"by hand"
check "turned off already" run
check "stays as it was" has "$off" "by hand"

bare
put "$r/etc/cloud/cloud.cfg.d/90_dpkg.cfg" <<'EOF'
# to update this file, run dpkg-reconfigure cloud-init
datasource_list: [ NoCloud, Ec2, None ]
EOF
plan_of "$nics"
check "an image that was never started" run
check "keeps cloud-init" absent "$off"
check "a data source of the network is said with its line" says "line 2: cloud-init may wait"

bare
rm -r "$r/etc/cloud"
ln -s /usr/lib/systemd/system/walinuxagent.service "$r/etc/systemd/system/multi-user.target.wants/"
put "$r/boot/ignition.firstboot" </dev/null
plan_of "$nics"
check "no cloud-init" run
check "nothing is written for it" absent "$r/etc/cloud"
check "the agent of a cloud that is left is disabled" says "Azure Linux agent: disabled, as the new home is another: walinuxagent (masked)"
check "other agents are said: Ignition" says "Ignition"

# ---- cloud-init itself -------------------------------------------------------------------------
if judge_ready; then
    bare
    put "$r/etc/cloud/cloud.cfg.d/99-zone.cfg" <<'EOF'
network:
  version: 2
  ethernets: {ens3: {addresses: [192.0.2.10/24]}}
EOF
    check "judged: the source's first boot" judge_cloud_first i-old
    shadow=$(sed -n 's/^debian:\([^:]*\):.*/\1/p' "$r/etc/shadow")
    judge_cloud_init i-new >"$work/seen"
    check "judged: left as it is, a new home deletes the host keys" has "$work/seen" "key=deleted"
    check "judged: and locks the user's password" has "$work/seen" "user=!$shadow"
    check "judged: and writes the network" has "$work/seen" "network=50-cloud-init"
    plan_of "$nics$name"
    check "judged: finalized" run
    hosts="hosts=$(sha256sum <"$r/etc/hosts")"
    for home in i-new ''; do
        what="judged: ${home:+another}${home:-no} data source"
        what=${what/i-new/}
        judge_cloud_init "$home" >"$work/seen"
        check "$what: the host keys stay" has "$work/seen" "key=KEY"
        check "$what: the planned host name" has "$work/seen" "hostname=web-1"
        check "$what: /etc/hosts" has "$work/seen" "$hosts"
        check "$what: the network is left alone" has "$work/seen" "network=left alone"
        check "$what: the same instance" has "$work/seen" "instance=i-old"
        check "$what: the user's password" has "$work/seen" "user=$shadow"
    done
else
    skip "judged: cloud-init" "no root, or no judges"
fi
finish
