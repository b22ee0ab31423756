#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A guest that means harm, on trees: links that lead out, files that never end, a forged journal; and systems that are
# refused.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022

r=$work/root
devices "$work/devices"
plan "$work/plan"
fresh() {
    rm -rf "$r"
    debian "$r"
    ifupdown "$r"
}

# ---- Links that lead out -----------------------------------------------------------------------
outside=$work/outside
mkdir "$outside"
for f in hosts fstab grub.cfg interfaces; do echo "host's own $f" >"$outside/$f"; done
safe=$(snapshot "$outside")
fresh
ln -sf "$outside/hosts" "$r/etc/hosts"
ln -sf ../../../../../../../../../../../../.."$outside/fstab" "$r/etc/fstab"
rm -r "$r/etc/network" "$r/boot/grub"
ln -s "$outside" "$r/etc/network"
ln -s ../../../../../../../../../.."$outside" "$r/boot/grub"
mkdir -p "$r/var/lib"
ln -s "$outside" "$r/var/lib/bootferry"
finalize "$r" "$work/plan" || true
check "links: nothing outside is touched" test "$(snapshot "$outside")" = "$safe"
check "links: nothing of the outside is in the report" lacks "$work/report" "host's own"

# A link inside is followed to its target, and stays a link.
fresh
mv "$r/etc/hosts" "$r/etc/hosts.real"
ln -s /etc/hosts.real "$r/etc/hosts"
check "links: an absolute one inside" finalize "$r" "$work/plan"
check "links: its target is written" grep -q newhost "$r/etc/hosts.real"
check "links: it stays a link" test "$(readlink "$r/etc/hosts")" = /etc/hosts.real

# A link into the folder of the journal would be undone from what it had changed.
fresh
mkdir -p "$r/var/lib/bootferry"
mkdir -m 700 "$r/var/lib/bootferry/undo"
mv "$r/etc/hosts" "$r/var/lib/bootferry/undo/hosts"
ln -s /var/lib/bootferry/undo/hosts "$r/etc/hosts"
before=$(snapshot "$r")
check "links: one into the undo journal fails the run" fails 1 finalize "$r" "$work/plan"
check "links: the report says why" says "is in the folder of the undo journal"
check "links: nothing is changed then" test "$(snapshot "$r")" = "$before"
check "links: a dry run says it as well" fails 1 finalize "$r" "$work/plan" --dry-run
mkdir "$r/data"
mv "$r/var" "$r/data/var"
ln -s data/var "$r/var"
before=$(snapshot "$r")
check "links: one into the undo journal over another link fails the run" fails 1 finalize "$r" "$work/plan"
check "links: the report says why for both" says "is in the folder of the undo journal"
check "links: nothing is changed there" test "$(snapshot "$r")" = "$before"
for folder in /var/lib/bootferry/undo /var/lib/bootferry; do
    fresh
    rm "$r/etc/hostname"
    ln -s $folder "$r/etc/hostname"
    before=$(snapshot "$r")
    check "links: one to $folder, which is not there yet, fails the run" fails 1 finalize "$r" "$work/plan"
    check "links: it leaves no $folder" test "$(snapshot "$r")" = "$before"
done

# ---- Files that never end, or are none ---------------------------------------------------------
fresh
rm "$r/etc/hosts" "$r/etc/resolv.conf"
mkfifo "$r/etc/hosts"
truncate -s 100G "$r/etc/resolv.conf"
check "a FIFO and a file of 100 GB do not hang it" timeout 600 "$FINALIZE" --root "$r" --plan "$work/plan" --devices "$work/devices" --report "$work/report"
check "the FIFO is left alone, and said" says "skipped: /etc/hosts: cannot be read"
check "the large file is left alone, and said" says "skipped: /etc/resolv.conf: cannot be read: File too large"
rm "$r/etc/resolv.conf"
mkdir -p "$r/etc/cloud/cloud.cfg.d"
mkfifo "$r/etc/cloud/cloud.cfg.d/99-bootferry-network.cfg"
refute "a FIFO that a file of ours would have to replace ends the run" finalize "$r" "$work/plan"
check "and is named" says "99-bootferry-network.cfg cannot be changed"

# ---- YAML that grows when it is read -----------------------------------------------------------
rm -rf "$r"
debian "$r"
echo x >"$r/usr/sbin/netplan"
mkdir -p "$r/etc/netplan"
{
    printf 'network:\n  version: 2\n  openvswitch:\n    x-0: &a0 [1]\n'
    for i in {1..30}; do
        printf '    x-%s: &a%s\n' "$i" "$i"
        for _ in {1..7}; do printf '    - *a%s\n' $((i - 1)); done
    done
    printf '  ethernets:\n    %s:\n      dhcp4: true\n      optional-addresses: *a30\n' enp0s3
} >"$r/etc/netplan/01-net.yaml"
refute "YAML of seven to the thirtieth nodes does not hang it" timeout 600 "$FINALIZE" --root "$r" --plan "$work/plan" --devices "$work/devices" --report "$work/report"
check "and is refused in words" says "line 246: enp0s3 has anchors or aliases"

# ---- Work without end --------------------------------------------------------------------------
# too_much TEXT: the tree as it is is refused with a text that names step and file, and stays as it is.
too_much() {
    local before
    before=$(snapshot "$r")
    ! finalize "$r" "$work/plan" && says "$1" && test "$(snapshot "$r")" = "$before"
}
netplan_file() {
    fresh
    rm -r "$r/etc/network"
    mkdir -p "$r/usr/sbin"
    touch "$r/usr/sbin/netplan"
    put "$r/etc/netplan/01-net.yaml"
}
times() { awk -v n="$1" -v s="$2" 'BEGIN { for (i = 0; i < n; i++) { t = s; gsub(/#/, i, t); printf "%s", t } }'; }
y=/etc/netplan/01-net.yaml
times 100000 '[' | netplan_file
check "100 kB of brackets" too_much "step inspect: $y is nested more than 32 deep"
times 25000 '{a: ' | netplan_file
check "and of braces" too_much "step inspect: $y is nested more than 32 deep"
times 11000 '- &a#\n' | netplan_file
check "100 kB of anchors" too_much "step inspect: $y has more than 256 anchors and aliases"
netplan_file <<<'network: {}'
for i in {1..4097}; do : >"$r/etc/netplan/$i.yaml"; done
check "thousands of files" too_much 'step inspect: /etc/netplan has more than 4096 files'
fresh
times 30000 'source /etc/network/interfaces\n' >"$r/etc/network/interfaces"
check "a file that is included time and again" too_much 'step inspect: /etc/network/interfaces needs more work'
fresh
times 20000 'c# /dev/sda2 none luks\n' >"$r/etc/crypttab"
check "a long crypttab" too_much 'step fstab: /etc/crypttab needs more work'
fresh
times 20000 'root=/dev/sda2 ' >>"$r/etc/default/grub"
times 20000 'linux /vmlinuz root=/dev/sda2\n' >>"$r/boot/grub/grub.cfg"
check "and grub.cfg" too_much 'step boot: /boot/grub/grub.cfg needs more work'
fresh
printf 'menuentry x {\n\flinux \v/vmlinuz\f root=UUID=1\n}\n' >>"$r/boot/grub/grub.cfg"
ends() { finalize "$r" "$work/plan" --dry-run || [ $? = 1 ]; }
check "what GRUB takes for no blank keeps nobody busy" ends
fresh
times 50000 '@ a comment in a long file\n' | tr @ '#' | tee -a "$r/etc/hosts" "$r/etc/crypttab" "$r/etc/default/grub" >>"$r/etc/network/interfaces"
times 2000 '/dev/disk/by-label/x# /mnt/# ext4 defaults 0 0\n' >>"$r/etc/fstab"
truncate -s 1000000 "$r/etc/hosts" "$r/etc/crypttab" "$r/etc/default/grub" "$r/etc/network/interfaces"
check "large files of a system that means no harm are no matter" finalize "$r" "$work/plan"

# ---- A forged journal --------------------------------------------------------------------------
fresh
mkdir -p "$r/var/lib/bootferry/undo"
put "$r/var/lib/bootferry/undo/journal.json" <<EOF
{"version": 2, "next": 2, "dirs": {}, "macs": {}, "files": {
 "/../../../../../../../../../../..$outside/hosts": {"was": "absent"},
 "/etc/x": {"was": "saved", "copy": "../../../../etc/hosts", "meta": {"mode": 420, "uid": 0, "gid": 0, "mtime": 0, "mtime_ns": 0, "xattrs": {}}}}}
EOF
refute "a journal with a path as a copy is refused" "$FINALIZE" --root "$r" --undo --report "$work/report"
put "$r/var/lib/bootferry/undo/journal.json" <<EOF
{"version": 2, "next": 2, "dirs": {}, "macs": {}, "files": {"/../../../../../../../../../../..$outside/hosts": {"was": "absent"}}}
EOF
"$FINALIZE" --root "$r" --undo --report "$work/report" 2>"$work/err" || true
check "a journal that leads out removes nothing there" test "$(snapshot "$outside")" = "$safe"
check "it is no journal at all" says 'is damaged; nothing was touched'

# A journal that somebody else could have written: it would make a program of theirs root's, for everybody to run.
forge() {
    fresh
    mkdir -p "$r/var/lib/bootferry/undo"
    printf 'owned\n' >"$r/var/lib/bootferry/undo/1"
    put "$r/var/lib/bootferry/undo/journal.json" <<EOF
{"version": 2, "next": 2, "dirs": {}, "macs": {}, "files": {"/usr/bin/x": {"was": "saved", "copy": "1", "after": null,
 "meta": {"mode": 2541, "uid": 0, "gid": 0, "mtime": 0, "mtime_ns": 0, "xattrs": {}}}}}
EOF
    chmod 755 "$r/var/lib/bootferry" "$r/var/lib/bootferry/undo"
    mkdir -p "$r/usr/bin"
}
undo() { "$FINALIZE" --root "$r" --undo --report "$work/report" 2>"$work/err"; }
not_believed() {
    local before
    before=$(snapshot "$r")
    ! undo && says 'is not trusted' && ! test -e "$r/usr/bin/x" && test "$(snapshot "$r")" = "$before"
}
forge
check "the caller's own journal is believed" undo
check "and does what it says" test -u "$r/usr/bin/x"
for path in bootferry bootferry/undo bootferry/undo/journal.json; do
    for mode in g+w o+w; do
        forge
        chmod "$mode" "$r/var/lib/$path"
        check "$path with $mode is not believed" not_believed
        mode_is=$(stat -c 'owner %u and mode 0%a' "$r/var/lib/$path")
        check "which names it, its owner and its mode" says "not trusted: $(realpath "$r")/var/lib/$path has $mode_is; it must belong to $(id -u)"
        refute "nor is its removal the remedy" says 'remove it'
    done
    if [ "$(id -u)" = 0 ]; then
        forge
        chown 65534 "$r/var/lib/$path"
        check "$path of another user is not believed" not_believed
        refute "nor by a new run" finalize "$r" "$work/plan"
        check "which says so" says 'is not trusted'
    fi
    forge
    mv "$r/var/lib/$path" "$r/elsewhere"
    ln -s /elsewhere "$r/var/lib/$path"
    check "$path that is a link is not believed" not_believed
    check "which says what it is" says "$(realpath "$r")/var/lib/$path is not a "
done
forge
ln "$r/var/lib/bootferry/undo/journal.json" "$r/second"
check "a journal with two names is not believed" not_believed
check "which says so" says 'journal.json has 2 names'
if [ "$(id -u)" = 0 ]; then
    forge
    chown 65534 "$r/var/lib/bootferry/undo/1"
    refute "a copy of another user is not restored" undo
    refute "nor put there" test -e "$r/usr/bin/x"
fi

# What the journal says nothing of, or something else, was changed since.
changed() {
    fresh
    finalize "$r" "$work/plan"
    jq "$1" "$r/var/lib/bootferry/undo/journal.json" >"$work/journal"
    cat "$work/journal" >"$r/var/lib/bootferry/undo/journal.json"
    echo mine >"$r/etc/hostname"
    ! undo && says 'changed since it was finalized' && test "$(cat "$r/etc/hostname")" = mine
}
check "a file that was changed since is left alone" changed .
check "also where a run was killed" changed 'del(.files["/etc/hostname"].after)'
check "or two" changed '.files["/etc/hostname"].earlier = .files["/etc/hostname"].after'

# ---- Refusals change nothing -------------------------------------------------------------------
fresh
before=$(snapshot "$r")
sed -i 's/"type": "swap"/"type": "swsuspend"/' "$work/devices"
refute "a hibernated system is refused" finalize "$r" "$work/plan"
check "and the refusal says what to do" says 'set "hibernation": "discard"'
check "and nothing is changed" test "$(snapshot "$r")" = "$before"
devices "$work/devices"
truncate -s 1M "$r/swapfile"
printf 'SWAPSPACE2S1SUSPEND\0' | dd of="$r/swapfile" bs=1 seek=4076 conv=notrunc status=none
echo "/swapfile none swap sw 0 0" >>"$r/etc/fstab"
refute "a system hibernated to a file is refused" finalize "$r" "$work/plan"
sed 's/"hostname"/"hibernation": "discard", "hostname"/' "$work/plan" >"$work/discard"
check "or its image is discarded, as planned" finalize "$r" "$work/discard"
check "the swap has its own signature again" test "$(tail -c +4087 "$r/swapfile" | head -c 10)" = SWAPSPACE2

fresh
sed 's/"uefi"/"bios"/' "$work/plan" >"$work/bios"
refute "a system that starts with UEFI only is refused for BIOS" finalize "$r" "$work/bios"
mkdir "$work/empty"
refute "an empty directory is no system" finalize "$work/empty" "$work/plan"

# plan_error TEXT PLAN: the plan is refused with this message, and before anything else is looked at.
plan_error() {
    put "$work/bad" <<<"$2"
    local status=0
    "$FINALIZE" --root "$work/empty" --plan "$work/bad" >"$work/out" 2>&1 || status=$?
    check "plan: $1" sh -c "[ $status = 1 ] && grep -qF -- '$1' '$work/out'"
}
plan_error 'nics[0].adresses: unknown key' '{"version": 1, "target": {"kind": "kvm"}, "nics": [{"match": {"name": "a"}, "adresses": []}]}'
plan_error 'version: must be 1' '{"version": 2}'
plan_error 'target.kind: must be one of qemu-virtio' '{"version": 1, "target": {"kind": "toaster"}}'
plan_error 'nics[0].gateway: is not in the network of any' '{"version": 1, "target": {"kind": "kvm"}, "nics": [{"match": {"name": "a"}, "addresses": ["192.0.2.5/24"], "gateway": "192.0.3.1"}]}'
plan_error 'nics[1].match: is the same interface' '{"version": 1, "target": {"kind": "kvm"}, "nics": [{"match": {"name": "a"}}, {"match": {"name": "a"}}]}'
check "usage errors exit with 2" sh -c "'$FINALIZE' --root /nowhere; [ \$? = 2 ]" 2>/dev/null
finish
