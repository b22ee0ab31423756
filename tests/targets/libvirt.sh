#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The target libvirt with a session's daemon: a machine is made, runs, tells of itself, is copied while it runs, and is
# removed; whatever is killed on the way, the same call finishes it. The daemon is the test's own.
set -euo pipefail
# A session needs a user other than root: inside a user namespace, root is called one.
if [ "$(id -u)" = 0 ] && [ -z "${BF_TEST_INSIDE:-}" ]; then
    BF_TEST_INSIDE=1 exec unshare --user --map-user=1000 --map-group=1000 "$0" "$@"
fi
# shellcheck source=tests/targets/lib.sh
. "$(dirname "$0")/lib.sh"
export QEMU_ACCEL=tcg

replica_make
MACHINE+=("nic=52:54:00:0a:0b:0c,none,,")

# ---- Without a daemon --------------------------------------------------------------------------

URI=libvirt:test:///default
check "a URI of another driver is refused" lv_refused 'QEMU driver' check
URI="libvirt:qemu+unix:///system?socket=$T/nobody"
check "a daemon that does not run is named, and how to start it" lv_refused "systemctl start libvirtd" check
URI=libvirt:qemu+ssh://host.invalid/system
check "a host elsewhere is refused before anybody connects to it" lv_refused "run their libvirt.sh there" check
URI=libvirt:qemu:///session

session_start
# ---- A machine ---------------------------------------------------------------------------------

autostart() { virsh_ dominfo web | sed -n 's/^Autostart: *//p'; }
check "it can be done" lv check
check "there is no machine yet" says absent lv power
check "the machine is made" lv make autostart=yes
check "it does not start with its host before it is committed" equal disable "$(autostart)"
check "it is off" says off lv power
check "nothing was written" says 0 lv written
virsh_ dumpxml --inactive web >"$T/defined.xml"
check "libvirt's schema takes the definition" virt-xml-validate "$S/$FOLDER/domain.xml" domain
check "each file has its format, down to the end" equal 3 \
    "$(grep -c "<source file=" "$T/defined.xml")"
check "what is made is kept" lv make
check "it starts" lv start
check "it is on" says on lv power
check "to start it again does nothing" lv start
check "its console comes into the job's folder" within 20 grep -q 'the machine runs' "$S/$FOLDER/console.log"
check "the file for evidence is there" test -f "$S/$FOLDER/evidence.log"
written() { lv written && [ "$(<"$T/stdout")" -ge "$1" ]; }
check "what it writes is counted" within 20 written 8192
check "its disk has the serial number" equal SERIAL-0 "$(domain 'string(//disk/serial)')"
check "a machine without a guest agent is told" lv_refused "no guest agent answers" agent
check "its screen can be seen" lv picture "picture=$T/screen.png"
check "that is a PNG picture" grep -q "PNG image data" <(file "$T/screen.png")

# ---- Names that are taken ----------------------------------------------------------------------

second() { FOLDER=jobs/2 lv "$@"; }
mkdir -p "$S/jobs/2"
check "another job's machine of that name is not touched" eval '! second check && grep -q "has another machine web" "$T/stderr"'
check "nor does that job remove it" eval 'second remove && says on lv power'

# ---- The end without commit --------------------------------------------------------------------

check "it is asked to shut down" lv ask
check "its plug is pulled" eval 'lv pull && says off lv power'
check "what it has written is still known" written 4096
check "it starts again" eval 'lv start && says on lv power'
check "a console that was there is written on" within 20 \
    eval '[ "$(grep -c "the machine runs" "$S/$FOLDER/console.log")" = 2 ]'
check "it is removed while it runs" eval 'lv remove && says absent lv power'
check "nothing of it is left" equal "console.log evidence.log" "$(virsh_ list --all --name; cd "$S/$FOLDER" && echo *)"
check "to remove it again does nothing" lv remove
check "sealed layers are what they were" is_sealed

# ---- Commit ------------------------------------------------------------------------------------

mkdir "$T/new"
check "a folder that is not there is refused" eval 'lv make && lv start && lv_refused "no folder" commit "to=$T/none"'
check "a session without a pool is told" lv_refused 'no active storage pool "default"' commit
touch "$T/new/web-disk-0.qcow2"
check "a file that is there is not replaced" lv_refused 'is there already' commit "to=$T/new"
rm "$T/new/web-disk-0.qcow2"
check "a cancelled commit ends" eval 'lv_refused cancelled commit "to=$T/new" turns=0 && says on lv power'
check "it is copied while it runs" lv commit "to=$T/new" autostart=yes
check "from now on it starts with its host" equal enable "$(autostart)"
check "it still runs" says on lv power
check "the copy is the disk" copied "$T/new/web-disk-0.qcow2"
check "and needs nothing of the job" lasting
check "the running one writes to the copy" equal "$T/new/web-disk-0.qcow2" "$(domain 'string(//disk/source/@file)')"
check "commit can be called again" lv commit "to=$T/new"
check "it is still started with its host" equal enable "$(autostart)"
refute "overlays are gone" test -e "$S/$FOLDER/disk-0.qcow2"
rm -rf "${S:?}/$FOLDER/"*.log
check "it starts without the job's files" eval 'virsh_ destroy web && virsh_ start web && says on lv power'
check "remove does not take away what was committed" eval 'lv remove && virsh_ domstate web | grep running'
virsh_ destroy web && virsh_ undefine web
check "sealed layers are still what they were" is_sealed

rm -rf "${S:?}/$FOLDER/"* "$T/new/"* # of the job that has ended
# ---- Machines that cannot be -------------------------------------------------------------------

check "NVMe disks are refused, with what else there is" lv_refused 'name virtio-blk, virtio-scsi or ahci' check bus=nvme
check "a NIC that libvirt has not" lv_refused 'cannot have NICs of the model "ne2k"' check nic-model=ne2k
check "a machine type that is none" lv_refused 'no machine type "isapc"' check type=isapc
check "Secure Boot without q35" lv_refused 'has no Secure Boot' check type=pc uefi=yes secure-boot=yes
check "AHCI disks with large blocks" lv_refused 'which AHCI disks cannot have' check bus=ahci block-size=4096
check "a MAC address that is a group's" lv_refused 'no MAC address that a NIC can have' check nic=01:00:5e:00:00:01,none,,
check "a MAC address that is none" lv_refused 'no MAC address that a NIC can have' check nic=52:54:00:0a:0b:0g,none,,
check "a network that is of no kind" lv_refused 'is not a network of a libvirt host' check nic=52:54:00:0a:0b:0d,vlan:7,,
check "a test's gateway that is no address" lv_refused 'is not an address' check isolated=yes nic=52:54:00:0a:0b:0d,,192.0.2.,
check "a test's network of libvirt, in a session" eval 'URI="libvirt:qemu:///session?isolate=network" lv_refused \
    "a session cannot make the isolated network" check isolated=yes'
check "KVM where it is wanted and is not" eval '[ -e /dev/kvm ] || URI="libvirt:qemu:///session?accel=kvm" lv_refused "has no KVM" check'
check "a default network that is not there is told, and a user mode one taken" eval \
    'lv check nic=52:54:00:0a:0b:0d,,, && grep "nobody can reach it" "$T/stdout"'
check "nothing was made by all that" equal "" "$(virsh_ list --all --name)"
# shellcheck disable=SC2034 # below
kept=11111111-2222-4333-8444-555555555555
check "the source's UUID is the domain's" eval 'lv make "uuid=$kept" && equal "$kept" "$(virsh_ domuuid web)"'
check "a UUID that another machine has is refused" eval \
    '! second check name=other "uuid=$kept" && grep "belongs to the machine web" "$T/stderr"'
check "a machine that was renamed there is not touched" eval 'virsh_ domrename web else && lv_refused "was renamed to else" remove &&
    virsh_ domrename else web && lv remove'

# ---- Other machines ----------------------------------------------------------------------------

# Each is made, runs, and is copied with both of its disks.
both=("disk=$BYTES,$LAYERS") # beside the one in MACHINE
kind() {
    rm -f "$S/$FOLDER/"*.log
    lv make "${both[@]}" "$@" && lv start "${both[@]}" "$@" &&
        within 20 grep 'the machine runs' "$S/$FOLDER/console.log" &&
        lv commit "${both[@]}" "$@" "to=$T/new" && says on lv power &&
        copied "$T/new/web-disk-0.qcow2" && copied "$T/new/web-disk-1.qcow2" &&
        equal "$T/new/web-disk-1.qcow2" "$(domain 'string(//disk[2]/source/@file)')"
}
kind_end() {
    virsh_ destroy web && virsh_ undefine web && lv remove "${both[@]}"
    rm -rf "$T/new/"* "${S:?}/$FOLDER/"*
}
check "two disks on virtio-blk" kind
kind_end
check "two disks on virtio-scsi, type pc" kind bus=virtio-scsi type=pc
kind_end
check "two disks on AHCI, with the source's names" kind bus=ahci "vendor=Example & Sons" "product=<R2>" serial=7
kind_end
check "e1000e and vmxnet3 start" eval 'lv make nic-model=e1000e nic=52:54:00:0a:0b:0d,user,, && lv start && lv remove &&
    lv make nic-model=vmxnet3 nic=52:54:00:0a:0b:0d,user,, && lv start && lv remove'
check "no disk of the replica has changed" is_sealed

# ---- A daemon that hangs -----------------------------------------------------------------------

kill -STOP "$libvirtd_pid"
check "a daemon that does not answer is told" lv_refused 'does not answer' power
kill -CONT "$libvirtd_pid"
check "and then it works again" says absent lv power
finish
