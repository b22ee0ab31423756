#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The target libvirt with qemu:///system, whose QEMU runs as another user: that user cannot enter the state's folder, and
# sealed layers keep their owner. A test's networks, pools, firmware. The daemon is the test's own: mounts, network and
# processes are in namespaces, which need root.
set -euo pipefail
if [ "$(id -u)" != 0 ]; then
    echo "skip libvirt-system: only root can start a daemon of the system"
    exit 0
fi
if [ -z "${BF_TEST_INSIDE:-}" ]; then
    BF_TEST_INSIDE=1 exec unshare --mount --net --pid --fork --kill-child --mount-proc "$0" "$@"
fi
# shellcheck source=tests/targets/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/targets/system.sh
. "$(dirname "$0")/system.sh"
export QEMU_ACCEL=tcg
URI=libvirt:qemu:///system
OWNER=1000

host_make
system_start
# The target works as the owner of the state, who is neither root nor QEMU's user.
replica_make
chown -R "$OWNER:$OWNER" "$S"
sealed_before=$(sealed)
cp "$TOOL" "$T/libvirt_target"
printf '#!/bin/sh\nexec setpriv --reuid %s --regid %s --clear-groups %s "$@"\n' "$OWNER" "$OWNER" "$T/libvirt_target" >"$T/tool"
chmod 755 "$T/tool" "$T/libvirt_target"
TOOL=$T/tool
mkdir -m 711 /var/lib/libvirt/images

# ---- Another user ------------------------------------------------------------------------------

MACHINE+=("nic=52:54:00:0a:0b:0c,none,,")
check "it can be done" lv check
check "it is made" lv make
check "it starts, though QEMU cannot enter the state's folder" eval 'lv start && says on lv power'
check "QEMU is another user" equal "$QEMU_USER" "$(stat -c %u "/proc/$(</run/libvirt/qemu/web.pid)")"
check "its console can be read by the state's owner" \
    within 20 setpriv --reuid "$OWNER" --regid "$OWNER" --clear-groups grep -q 'the machine runs' "$S/$FOLDER/console.log"
check "its disk is written to" within 20 eval 'lv written && [ "$(<"$T/stdout")" -gt 8192 ]'
check "the overlay belongs to the state's owner" equal "$OWNER" "$(stat -c %u "$S/$FOLDER/disk-0.qcow2")"
check "sealed layers are what they were" is_sealed
check "it starts again" eval 'lv pull && lv start && says on lv power'

# ---- Pools -------------------------------------------------------------------------------------

check "a host without a pool of that name is told" lv_refused 'no active storage pool "default"' commit
virsh_ pool-create-as default dir --target /var/lib/libvirt/images
virsh_ pool-create-as other dir --target "$T" # not one that commit is told of
check "a volume that is there is not replaced" eval 'touch /var/lib/libvirt/images/web-disk-0.qcow2 &&
    virsh_ pool-refresh default && lv_refused "is there already" commit'
virsh_ vol-delete web-disk-0.qcow2 default
check "it is copied into the pool while it runs" eval 'lv commit autostart=yes && says on lv power'
check "the volume is QEMU's" equal "$QEMU_USER" "$(stat -c %u /var/lib/libvirt/images/web-disk-0.qcow2)"
check "it starts by itself, and without anything of the job" eval 'virsh_ destroy web && rm -rf "$S/jobs" &&
    virsh_ start web && virsh_ dominfo web | grep "Autostart: *enable"'
check "sealed layers are still what they were" is_sealed
virsh_ destroy web && virsh_ undefine web && virsh_ vol-delete web-disk-0.qcow2 default
mkdir "$S/jobs" "$S/$FOLDER" && chown -R "$OWNER:$OWNER" "$S/jobs"

# ---- A test's networks -------------------------------------------------------------------------

MACHINE=("disk=$BYTES,$LAYERS" "name=web-test-1" "isolated=yes" "uuid=00112233-4455-6677-8899-aabbccddeeff"
    "nic=52:54:00:0a:0b:0c,network:lan,192.0.2.1,2001:db8::1")
monitor() { virsh_ qemu-monitor-command web-test-1 --hmp "$1"; }
check "a test starts without the plan's networks" eval 'lv check && lv make && lv start && says on lv power'
check "its network is inside QEMU, has the gateways, and lets nothing out" matches \
    'restrict=on.*host=192\.0\.2\.1|host=192\.0\.2\.1.*restrict=on' "$(virsh_ dumpxml web-test-1)"
check "that is the card's" matches 'virtio-net-pci.*macaddr=52:54:00:0a:0b:0c' "$(monitor 'info network')"
check "SMBIOS has the source's UUID" matches 00112233-4455-6677-8899-aabbccddeeff "$(monitor 'info uuid')"
refute "the domain has another one" test 00112233-4455-6677-8899-aabbccddeeff = "$(virsh_ domuuid web-test-1)"
check "a second test runs beside it" eval 'mkdir "$S/jobs/2" && chown "$OWNER:$OWNER" "$S/jobs/2" &&
    FOLDER=jobs/2 lv make name=web-test-2 && FOLDER=jobs/2 lv start name=web-test-2'
check "both are removed" eval 'FOLDER=jobs/2 lv remove name=web-test-2 && lv remove && [ -z "$(virsh_ list --all --name)" ]'

# Networks of libvirt.
URI="libvirt:qemu:///system?isolate=network"
bridge() { virsh_ net-dumpxml "$1" | xmllint --xpath 'string(/network/bridge/@name)' -; }
check "a test with networks of libvirt starts" eval 'lv check && lv make && lv start && says on lv power'
br=$(bridge web-test-1-net0)
check "its bridge has the gateways, and no more" equal "192.0.2.1/32 2001:db8::1/128" \
    "$(ip -j address show "$br" | jq -r '[.[0].addr_info[] | select(.scope == "global") | "\(.local)/\(.prefixlen)"] | join(" ")')"
check "no route of the host's has changed" equal "" "$(ip route; ip -6 route | grep -v -e '^fe80:' -e "^2001:db8::1 dev $br" || true)"
ip link add probe0 type veth peer name probe1
ip link set probe0 master "$br" up
ip link set probe1 up
check "the gateway answers" within 10 tests/targets/arp.py probe1 192.0.2.5 192.0.2.1
refute "nobody else does" tests/targets/arp.py probe1 192.0.2.5 192.0.2.2
check "a second test has the same gateway beside it" eval 'FOLDER=jobs/2 lv make name=web-test-2 &&
    FOLDER=jobs/2 lv start name=web-test-2 && [ "$(bridge web-test-2-net0)" != "$br" ]'
check "networks go with their tests" eval 'FOLDER=jobs/2 lv remove name=web-test-2 && lv remove && [ -z "$(virsh_ net-list --all --name)" ]'
ip link del probe0
ip link add lan type bridge
ip address add 192.0.2.10/24 dev lan
check "a gateway that this host may need itself is not taken" lv_refused "which this host may need itself" check
ip link del lan
MACHINE[4]="nic=52:54:00:0a:0b:0c,,dhcp,"
check "a NIC that asks for an address gets one of a test's network" eval 'lv make && lv start &&
    virsh_ net-dumpxml web-test-1-net0 | grep "<range start=.198\.1[89]\."'
check "it is removed" lv remove
URI=libvirt:qemu:///system

# ---- Networks of a machine ---------------------------------------------------------------------

MACHINE=("disk=$BYTES,$LAYERS" "nic=52:54:00:0a:0b:0c,,,")
check "a host without a default network is told" lv_refused 'no active network "default"' check
virsh_ net-create <(echo '<network><name>default</name><bridge name="virbr0"/><dns enable="no"/></network>')
check "the default network is taken" eval 'lv check && lv make && lv start &&
    equal default "$(domain "string(//interface/source/@network)")" && lv remove'
MACHINE[1]='nic=52:54:00:0a:0b:0c,network:no such,,'
check "a network that is not there is told" lv_refused 'no active network "no such"' check
MACHINE[1]='nic=52:54:00:0a:0b:0c,bridge:virbr0,,'
check "a bridge is taken" eval 'lv make && lv start && equal virbr0 "$(domain "string(//interface/source/@bridge)")" && lv remove'

# ---- Firmware ----------------------------------------------------------------------------------

MACHINE=("disk=$BYTES,$LAYERS" "uefi=yes" "bus=virtio-scsi" "vendor=Example & Sons <x>" "product=R2'D2\"" "serial=S/N 7")
check "with UEFI it starts" eval 'lv make && lv start && says on lv power'
running() { tr '\0' '\n' <"/proc/$(</run/libvirt/qemu/web.pid)/cmdline"; }
check "its firmware has no Secure Boot" eval 'running | grep "OVMF_CODE_4M.fd" && ! running | grep secboot'
check "its variables are its own" test -s /var/lib/libvirt/qemu/nvram/web_VARS.fd
check "SMBIOS has the source's names" eval 'running | grep -F "manufacturer=Example & Sons <x>"'
check "they go with it" eval 'lv remove && [ ! -e /var/lib/libvirt/qemu/nvram/web_VARS.fd ]'
check "with Secure Boot it has the keys" eval 'lv make secure-boot=yes memory=256 && lv start secure-boot=yes && running | grep "OVMF_CODE_4M.ms.fd"'
check "that goes, too" lv remove secure-boot=yes
check "sealed layers are what they were" is_sealed

# ---- Who may -----------------------------------------------------------------------------------

chmod 700 /run/libvirt/libvirt-sock
check "a user who may not is told" lv_refused 'join the group libvirt' check
finish
