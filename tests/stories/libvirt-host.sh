#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A libvirt host of the system, whose QEMU is another user. web-1 is tried twice at the same time there, on bridges that
# do not meet, while replication goes on. Then its source is gone: the new machine joins the host's network, is taken
# back, is made again, and moves into a storage pool while it works. The libvirt daemon is killed whenever it is needed.
set -euo pipefail
if [ "$(id -u)" != 0 ]; then
    echo "skip libvirt-host: only root can start a daemon of the system"
    exit 0
fi
if [ -z "${BF_TEST_INSIDE:-}" ]; then
    BF_TEST_INSIDE=1 exec unshare --mount --net --pid --fork --kill-child --mount-proc "$0" "$@"
fi
export QEMU_ACCEL=tcg
# shellcheck source=tests/stories/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/targets/lib.sh
. tests/targets/lib.sh
# shellcheck source=tests/targets/system.sh
. tests/targets/system.sh
URI=libvirt:qemu:///system
target() { failover "$@" --target "$URI?pool=homes&isolate=network"; }
newest() { bf_cli jobs web-1 --json | jq '[.jobs[] | select(.kind == "failover")][0].id'; }
machines() { virsh_ list "$@" --name | sed '/^$/d' | sort | paste -sd ' '; }
autostart() { virsh_ dominfo "$1" | sed -n 's/^Autostart: *//p'; }
daemon_dies() {
    libvirtd_kill
    rm -f /run/libvirt/libvirt-sock
}

host_make
system_start
mkdir -m 711 "$T/homes"
virsh_ pool-create-as homes dir --target "$T/homes"
volumes() { virsh_ pool-refresh homes && virsh_ vol-list homes | awk '{ print $1 }' | paste -sd ' '; }
replica bios
jq '.machine.autostart = true' "$T/plan.json" >"$T/plan.new"
mv "$T/plan.new" "$T/plan.json"
source_disk mbr
check "web-1 has a point" pushed

# ---- Two tests ---------------------------------------------------------------------------------

check "a first test begins" target test
check "a second one beside it" target test
check "replication goes on" pushed
for test in 2 3; do
    check "test $test runs, proven from inside" reaches "$test" ready 600
    check "test $test has the planned address" within 60 eval 'equal 192.168.77.50/24 "$(from_inside "$test" address)"'
    check "test $test has its name" equal newhome "$(from_inside "$test" host)"
    check "the planned gateway answers it" equal '192.168.77.2 true' \
        "$(jq -r '.gateways[] | "\(.address) \(.answers)"' "$T/state/jobs/$test/evidence.json")"
    check "test $test never starts with its host" equal disable "$(autostart "web-1-test-$test")"
    bridge=$(virsh_ net-dumpxml "web-1-test-$test-net0" | xmllint --xpath 'string(/network/bridge/@name)' -)
    check "its bridge has the gateway, and no more" equal 192.168.77.2/32 \
        "$(ip -j -4 address show "$bridge" | jq -r '[.[0].addr_info[] | "\(.local)/\(.prefixlen)"] | join(" ")')"
    ip link add "probe$test" type veth peer name "ask$test"
    ip link set "probe$test" master "$bridge" up
    ip link set "ask$test" up
done
check "both run beside each other" equal 'web-1-test-2 web-1-test-3' "$(machines)"
answers_in() { tests/targets/arp.py "ask$1" 192.168.77.9 192.168.77.50; }
check "on the bridge of the first, the planned address answers" within 30 answers_in 2
check "on that of the second, too" within 30 answers_in 3
virsh_ suspend web-1-test-2
refute "while the first sleeps, nobody else answers there" answers_in 2
check "and the second still does on its own" within 30 answers_in 3
virsh_ resume web-1-test-2
virsh_ suspend web-1-test-3
refute "nor does the first answer for the second" answers_in 3
check "but for itself" within 30 answers_in 2
ip link del probe2
ip link del probe3
check "the cleanup ends both, of which one sleeps" bf_cli cleanup web-1
check "no machine is left" equal '' "$(machines --all)"
check "no network" equal '' "$(virsh_ net-list --all --name)"
check "no volume" equal '' "$(volumes | sed 's/^Name//; s/-*//; s/ //g')"
refute "nothing that was finalized for them" compgen -G "$T/state/machines/web-1/finalized-*"
check "the points are what they were" bf_cli verify web-1@1

# ---- The source is gone ------------------------------------------------------------------------

virsh_ net-create <(echo '<network><name>default</name><bridge name="virbr0"/><dns enable="no"/>
    <ip address="192.168.77.2" netmask="255.255.255.0"/></network>')
# What the new machine serves, over the host's network: a token that it made at its first start.
token() { timeout 20 bash -c 'exec 3<>/dev/tcp/192.168.77.50/7000 && cat <&3' 2>/dev/null; }
serves() { matches '^[0-9a-f]{32}$' "$(token)"; }
check "the failover begins" target unplanned
job=$(newest)
check "the source has to stay off" within 120 eval 'bf_cli status web-1 | grep fenced'
refute "its medium is refused" pushed
within 120 is_at "$job" looking
daemon_dies
check "the libvirt daemon is killed while the machine starts" within 60 said "$job" 'whether it is on is not known'
check "and comes back" system_start
check "the new machine is proven from inside" reaches "$job" ready 600
check "it has address, name and gateway" within 60 runs_as_planned "$job"
check "it serves its network" within 60 serves
check "before the commit it does not start with its host" equal disable "$(autostart web-1)"
check "what it has written is not thrown away unasked" refuses 1 'has written' bf_cli rollback web-1
check "it serves on" serves
check "it is taken back when that is wanted" bf_cli rollback web-1 --discard
check "the job says so" is_at "$job" rolled-back
check "nothing is left of it" equal '' "$(machines --all)"
check "the source may run again" pushed

# ---- Again, and for good -----------------------------------------------------------------------

check "it begins again" target unplanned
job=$(newest)
check "of the point that was made meanwhile" equal 3 "$(job "$job" .point)"
check "it is proven again" reaches "$job" ready 600
check "it serves again" within 60 serves
token=$(token) pid=$(</run/libvirt/qemu/web-1.pid)
check "the commit begins" bf_cli commit web-1 --no-wait
within 60 test -e "$T/homes/web-1-disk-0.qcow2"
daemon_dies
check "the libvirt daemon is killed while the disk is copied" test -e "$T/homes/web-1-disk-0.qcow2"
check "the machine does not notice" equal "$token" "$(token)"
check "the daemon comes back" system_start
check "the job waits to be asked again" within 120 is_at "$job" ready
check "the same commit finishes it" bf_cli commit web-1
check "the job is over" is_at "$job" committed
check "the machine is the one that it was" equal "$token $pid" "$(token) $(</run/libvirt/qemu/web-1.pid)"
check "its disk is a volume of the pool" equal "$T/homes/web-1-disk-0.qcow2" \
    "$(virsh_ dumpxml web-1 | xmllint --xpath 'string(//disk/source/@file)' -)"
check "and has no other below it" equal null \
    "$(qemu-img info -U --output=json -f qcow2 "$T/homes/web-1-disk-0.qcow2" | jq '."backing-filename"')"
check "it starts with its host, as planned" equal enable "$(autostart web-1)"
rm -rf "$T/state/jobs/$job"
check "its plug is pulled" virsh_ destroy web-1
check "libvirt alone starts it" virsh_ start web-1
check "and it is the same machine" within 300 eval 'equal "$token" "$(token)"'
finish
