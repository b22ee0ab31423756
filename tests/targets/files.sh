#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The target files: disks and definitions for another host, which appear whole or not at all. Libvirt is here as well: its
# daemon, of a session, is the test's own.
set -euo pipefail
# A session needs a user other than root: inside a user namespace, root is called one.
if [ "$(id -u)" = 0 ] && [ -z "${BF_TEST_INSIDE:-}" ]; then
    BF_TEST_INSIDE=1 exec unshare --user --map-user=1000 --map-group=1000 "$0" "$@"
fi
# shellcheck source=tests/targets/writer.sh
. "$(dirname "$0")/writer.sh"
# shellcheck source=tests/targets/lib.sh
. "$(dirname "$0")/lib.sh"
state_with_writer
plan '"machine": {"memory": 64, "networks": {"0": "bridge:br7", "*": "none"}}'
out=$T/out
mkdir "$out"

uri=files:srv
check "a folder without its whole path" refused 1 'by its whole path' target check
uri="files:$out?format=vmdk"
check "a format that is none of ours" refused 1 'format=qcow2' target check
uri=files:$T/nowhere
check "a folder that is not there" refused 1 'cannot be used' target check
uri=files:$out
check "it can be done" target check
check "nothing is there" power_is absent

# ---- Whole or not at all --------------------------------------------------------------------------

killed_at() { BF_KILL_AT=$1 fails 137 target make; }
for step in 'file exported' 'files complete'; do
    check "killed at: $step" killed_at "$step"
    check "there is nothing yet" power_is absent
    check "under its name neither" fails 1 test -e "$out/web-1"
done
first=$(stat -c %i "$out/.web-1.7.part/disk-0.raw")
check "the same call finishes it" target make
check "it is there" power_is off
check "what was complete was not made again" equal "$first" "$(stat -c %i "$out/web-1/disk-0.raw")"
check "and nothing else" equal "$out/web-1" "$(find "$out" -mindepth 1 -maxdepth 1)"
check "made again" target make
check "the first disk" cmp "$T/a.raw" "$out/web-1/disk-0.raw"
check "the second disk" cmp "$T/b.raw" "$out/web-1/disk-1.raw"
check "they are private" mode_is 600 "$out/web-1/disk-0.raw"
check "so is the folder" mode_is 700 "$out/web-1"
check "nothing runs here" refused 1 'cannot be started from here' target start
check "commit has nothing to do" target commit
check "commit goes nowhere else" refused 1 'leave out --to' target commit "$T"
job=8
check "another job finds the name taken" refused 1 'is a' target check
check "and makes nothing" refused 1 'already' target make
check "nor removes anything" target remove
job=7
check "what is there is still there" power_is off

# ---- It starts elsewhere ----------------------------------------------------------------------------

cp -r "$out/web-1" "$T/elsewhere"
# The host of this test may have no KVM; and no bridge of that name.
sed -i 's/accel=kvm:tcg/accel=tcg/; s/bridge,id=net0,br=br7/hubport,id=net0,hubid=0/' "$T/elsewhere/start"
bf_bound "$T/elsewhere/start" </dev/null >"$T/elsewhere.log" 2>&1 &
check "the script starts it" within 60 grep -aq WRITER "$T/elsewhere/console.log"
check "it writes" within 60 more_than 0 "$T/elsewhere/console.log"
kill -9 "$(cat "$T/elsewhere/qemu.pid")"

# ---- Other hosts ----------------------------------------------------------------------------------------

# Programs of other hosts that show how they are called, one argument in brackets each.
mkdir "$T/bin"
for program in qm incus; do
    printf '#!/bin/sh\nprintf "%%s" %s\nprintf " [%%s]" "$@"\necho\n' "$program" >"$T/bin/$program"
    chmod +x "$T/bin/$program"
done
mac=$("$B" points web-1@1 | sed -n 's/^NIC: //p' | head -n 1 | cut -c 1-17)
check "Proxmox VE's script is a sound one" env PATH="$T/bin:$PATH" "$out/web-1/proxmox.sh" 100 local-lvm vmbr1
PATH="$T/bin:$PATH" "$out/web-1/proxmox.sh" 100 local-lvm vmbr1 >"$T/qm"
check "it makes the machine" grep -qF 'qm [create] [100] [--name] [web-1] [--ostype] [l26]' "$T/qm"
check "with its NIC" grep -qF "[--net0] [virtio=$mac,bridge=br7]" "$T/qm"
check "with its disks" grep -qF "qm [set] [100] [--virtio1] [local-lvm:0,import-from=$out/web-1/disk-1.raw" "$T/qm"
check "that start" grep -qF 'qm [set] [100] [--boot] [order=virtio0]' "$T/qm"
check "it wants a number" refused 2 'a free number' "$out/web-1/proxmox.sh"
check "Incus' script is a sound one" env PATH="$T/bin:$PATH" "$out/web-1/incus.sh"
PATH="$T/bin:$PATH" "$out/web-1/incus.sh" >"$T/incus"
check "it makes an image" grep -qF 'incus [image] [import] [metadata.tar] [image.qcow2] [--alias] [bootferry-web-1]' "$T/incus"
check "and a machine of it" grep -qF 'incus [init] [bootferry-web-1] [web-1] [--vm] [-c] [limits.cpu=' "$T/incus"
check "for a BIOS" grep -qF '[security.csm=true]' "$T/incus"
check "with its other disk" grep -qF "[disk1] [disk] [source=$out/web-1/disk-1.raw]" "$T/incus"
check "and its NIC" grep -qF "[eth0] [nic] [nictype=bridged] [hwaddr=$mac] [parent=br7]" "$T/incus"
check "the scripts are tidy" shellcheck -S style "$out/web-1/start" "$out/web-1"/{proxmox,incus,libvirt}.sh
check "describe has them" grep -q '^qm create' <(target describe)
check "removed" target remove
check "nothing is left" equal '' "$(find "$out" -mindepth 1)"

# ---- qcow2, UEFI, without room --------------------------------------------------------------------------

uri="files:$out?format=qcow2" job=9
printf '{"version": 1, "target": {"kind": "vmware", "firmware": "uefi"}, "machine": {"disk_bus": "ahci"}}' >"$T/plan.json"
check "made as qcow2, with UEFI" target make
check "the disk is that of the point" qemu-img compare -f raw -F qcow2 "$T/a.raw" "$out/web-1/disk-0.qcow2"
check "it names no other file" fails 1 grep -q backing <(qemu-img info -f qcow2 "$out/web-1/disk-0.qcow2")
check "the firmware's variables are there" cmp /usr/share/OVMF/OVMF_VARS_4M.fd "$out/web-1/vars.fd"
PATH="$T/bin:$PATH" "$out/web-1/proxmox.sh" 100 local >"$T/qm"
check "Proxmox VE gets disks on SATA" grep -qF '[--sata0] [local:0,import-from=' "$T/qm"
check "and UEFI without keys" grep -qF '[--efidisk0] [local:0,efitype=4m,pre-enrolled-keys=0]' "$T/qm"
session_start
xml() { virsh_ dumpxml --inactive web-1 | xmllint --xpath "$1" -; }
check "libvirt's schema takes the definition" virt-xml-validate "$out/web-1/domain.xml" domain
check "libvirt's script defines the machine on a network that is named" "$out/web-1/libvirt.sh" lan
check "that network" equal lan "$(xml 'string(//interface/source/@network)')"
check "UEFI without keys" equal 'efi no no' \
    "$(xml 'concat(//os/@firmware, " ", //feature[@name="secure-boot"]/@enabled, " ", //feature[@name="enrolled-keys"]/@enabled)')"
check "disks on SATA, whose format is named" equal 'sata qcow2' "$(xml 'concat(//disk[1]/target/@bus, " ", //disk[1]/driver/@type)')"
check "no file is looked for below them" equal 2 "$(xml 'count(//disk/backingStore[not(*)])')"
virsh_ undefine --nvram web-1
check "removed" target remove
cancelled() { BF_CANCEL_AT='file exported' refused 1 'interrupted' target make; }
check "cancelled" cancelled
check "removed after that" target remove
check "nothing is left" equal '' "$(find "$out" -mindepth 1)"

# ---- It starts on a host of libvirt -----------------------------------------------------------------------

uri="files:$out?format=qcow2" job=10 moved="$T/another & <\"home\"> |\\1"
plan '"machine": {"memory": 64, "networks": {"*": "none"}, "autostart": true}'
check "made for libvirt" target make
mv "$out/web-1" "$moved"
qemu-img rebase -q -u -f qcow2 -b /etc/passwd -F raw "$moved/disk-1.qcow2" # as a guest that took QEMU over may write
check "libvirt's script defines it where it was moved to" "$moved/libvirt.sh"
check "its disks are there" equal "$moved/disk-0.qcow2 qcow2" "$(xml 'concat(//disk[1]/source/@file, " ", //disk[1]/driver/@type)')"
check "with the source's UUID, or one of its own" matches '^[0-9a-f-]{36}$' "$(virsh_ domuuid web-1)"
check "it starts with its host, as planned" grep -q '^Autostart: *enable' <(virsh_ dominfo web-1)
check "it starts" virsh_ start web-1
writes() { [ "$(virsh_ domblkstat web-1 vda | awk '$2 == "wr_bytes" { print $3 }')" -gt 4096 ]; }
check "it writes to its disk" within 60 writes
check "QEMU is told of each format, and of nothing below" equal 2 \
    "$(tr '\0' '\n' <"/proc/$(<"$XDG_RUNTIME_DIR/libvirt/qemu/run/web-1.pid")/cmdline" | grep -c '"driver":"qcow2".*"backing":null')"
check "it can be stopped" virsh_ destroy web-1
refute "what it wrote is there" qemu-img compare -q -f raw -F qcow2 "$T/a.raw" "$moved/disk-0.qcow2"
virsh_ undefine web-1
finish
