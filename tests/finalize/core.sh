#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The finalizer's core on a plain directory tree of a Debian 12 with ifupdown: every file that it shall change, none
# that it shall not; dry run, second run, undo; secrets; the initramfs as cpio itself reads it.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"

r=$work/root
debian "$r"
ifupdown "$r"
devices "$work/devices"
plan "$work/plan"
umask 022
before=$(snapshot "$r")

# ---- Inspection and dry run leave no trace -----------------------------------------------------
put "$work/keys" <<<'{"version": 1, "check": "off", "root": "UUID=a", "unlock": [{"uuid": "b", "key_file": "/k"}]}'
made() { "$FINALIZE" --root "$r" --make-plan "$@" >"$work/made" 2>"$work/err"; }
check "a plan of what is there" made --target kvm
check "it names the target" jq -e '.target.kind == "kvm" and .hostname == "oldhost" and .root == null' "$work/made"
check "with the keys of a plan" made --plan "$work/keys"
check "they are in it" jq -e '.target.kind == "generic" and .check == "off" and .root == "UUID=a" and .unlock[0].key_file == "/k"' "$work/made"
put "$work/keys" <<<'{"version": 1, "nonsense": "off"}'
refute "a plan that is none is refused" made --plan "$work/keys"
check "with its place" grep -qF nonsense "$work/err"
check "an inspection takes one, too" test "$("$FINALIZE" --root "$r" --inspect --plan <(echo '{"version": 1}') | head -c 7)" = inspect
"$FINALIZE" --root "$r" --inspect --devices "$work/devices" --report "$work/report"
query() { jq -er "$1" "$work/report"; }
check "inspect: distribution and version" test "$(query '.system.os | .family + " " + .id + " " + .version')" = "debian debian 12"
check "inspect: architecture" test "$(query .system.architecture)" = x86_64
check "inspect: firmware, loaders, init" test "$(query '[.system.firmware, .system.init, .system.boot_loaders[].name] | join(" ")')" = "uefi systemd shim grub2-efi"
check "inspect: kernels and their initramfs" test "$(query '[.system.kernels[] | .version + " " + .initramfs_format] | join(",")')" = "6.1.0-1-amd64 gzip,6.1.0-2-amd64 gzip"
check "inspect: network stack" test "$(query '.system.network.stacks | join(" ")')" = ifupdown
check "inspect: leaves no trace" test "$(snapshot "$r")" = "$before"
check "the report is its owner's alone" test "$(stat -c %a "$work/report" "$work/report.txt" | tr '\n' ' ')" = "600 600 "

check "dry run succeeds" finalize "$r" "$work/plan" --dry-run
check "dry run leaves no trace" test "$(snapshot "$r")" = "$before"
check "dry run shows what it would change" test "$(query '.changes | length')" = 16

# ---- Apply -------------------------------------------------------------------------------------
check "apply succeeds" finalize "$r" "$work/plan"
check "ifupdown: addresses replaced, the rest kept" is "$r/etc/network/interfaces" <<'EOF'
# The loopback
auto lo
iface lo inet loopback

source /etc/network/interfaces.d/*

# office network
allow-hotplug enp0s3
iface enp0s3 inet static
    address 203.0.113.5/24
    gateway 203.0.113.1
    dns-nameservers 203.0.113.53
    dns-search example.net
    mtu 1400
    wpa-psk verysecretpsk
iface enp0s3 inet6 static
    address 2001:db8:5::5/64
    gateway 2001:db8:5::1
    accept_ra 0
    # resolvers


auto enp0s4
iface enp0s4 inet static
    address 198.51.100.10/24
EOF
check "ifupdown: a second address in a sourced file goes too" test ! -s "$r/etc/network/interfaces.d/extra"
check "the interface keeps its name" has "$r/etc/systemd/network/00-bootferry-enp0s3.link" "MACAddress=52:54:00:aa:bb:cc"
check "resolv.conf" is "$r/etc/resolv.conf" <<'EOF'
# by hand
nameserver 203.0.113.53
search example.net
options rotate
EOF
check "host name" has "$r/etc/hostname" newhost
check "hosts: names and old address" is "$r/etc/hosts" <<'EOF'
127.0.0.1	localhost
127.0.1.1	newhost.example.org	newhost
203.0.113.5	newhost.example.org www.example.org
192.0.2.99	other-oldhost
EOF
check "a replaced file keeps its permissions" test "$(stat -c %a "$r/etc/hosts")" = 640
check "fstab off device names" is "$r/etc/fstab" <<'EOF'
# <file system> <mount point> <type> <options> <dump> <pass>
UUID=11111111-2222-3333-4444-555555555555	/	ext4	errors=remount-ro 0 1
UUID=1234-ABCD  /boot/efi vfat umask=0077 0 1
UUID=99999999-2222-3333-4444-555555555555	none	swap	sw	0	0
LABEL=data	/srv	xfs	defaults,nofail 0 2
/dev/sdb1	/mnt	ext4	noauto 0 0
EOF
check "what is not known is said" says "skipped: /etc/fstab: line 6: /dev/sdb1 depends on the order of the disks"
cmdline='root=UUID=11111111-2222-3333-4444-555555555555 ro quiet resume=UUID=99999999-2222-3333-4444-555555555555 console=tty0 console=ttyS0,115200'
check "grub.cfg" has "$r/boot/grub/grub.cfg" "	linux	/boot/vmlinuz-6.1.0-1-amd64 $cmdline"
check "grub.cfg: an entry without a root stays" has "$r/boot/grub/grub.cfg" "	linux	/boot/memtest86+x64.bin"
check "default/grub agrees" is "$r/etc/default/grub" <<'EOF'
GRUB_DEFAULT=0
GRUB_CMDLINE_LINUX_DEFAULT="quiet resume=UUID=99999999-2222-3333-4444-555555555555"
GRUB_CMDLINE_LINUX="console=tty0 console=ttyS0,115200"
#GRUB_DISABLE_LINUX_UUID=true
GRUB_TERMINAL="console serial"
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
EOF
check "resume" has "$r/etc/initramfs-tools/conf.d/resume" "RESUME=UUID=99999999-2222-3333-4444-555555555555"
check "lasting drivers" has "$r/etc/initramfs-tools/modules" virtio_blk
check "EFI fallback is the shim" cmp -s "$r/boot/efi/EFI/BOOT/BOOTX64.EFI" "$r/boot/efi/EFI/debian/shimx64.efi"
check "EFI fallback: what the shim loads" cmp -s "$r/boot/efi/EFI/BOOT/grubx64.efi" "$r/boot/efi/EFI/debian/grubx64.efi"
check "EFI fallback: a GRUB with its vendor's prefix needs no stub" test ! -e "$r/boot/efi/EFI/BOOT/grub.cfg"

# ---- Secrets -----------------------------------------------------------------------------------
check "a secret stays in the file" grep -q verysecretpsk "$r/etc/network/interfaces"
check "a secret is in no report" lacks "$work/report" verysecretpsk
check "nor in its text" lacks "$work/report.txt" verysecretpsk
check "its place is shown" says 'wpa-psk ********'

# ---- The initramfs, as cpio reads it -----------------------------------------------------------
for v in 6.1.0-1-amd64 6.1.0-2-amd64; do
    image=$r/boot/initrd.img-$v
    old=$(jq -r ".changes[] | select(.path == \"/boot/initrd.img-$v\") | .size_before" "$work/report")
    at=$(((old + 3) / 4 * 4))
    mkdir "$work/unpack"
    check "initramfs $v: padded to 4 bytes with zeros" test "$(tail -c +$((old + 1)) "$image" | head -c $((at - old)) | tr -d '\0' | wc -c)" = 0
    check "initramfs $v: what follows is a whole archive" sh -c "tail -c +$((at + 1)) '$image' | (cd '$work/unpack' && cpio -id --quiet)"
    check "initramfs $v: nothing outside usr/lib/modules and conf" test "$(cd "$work/unpack" && find . -type f ! -path './usr/lib/modules/*' ! -path './conf/conf.d/resume')" = ""
    check "initramfs $v: driver and what it needs" diff -rq "$r/usr/lib/modules/$v/kernel" "$work/unpack/usr/lib/modules/$v/kernel"
    check "initramfs $v: the kernel's own index" cmp -s "$r/usr/lib/modules/$v/modules.dep.bin" "$work/unpack/usr/lib/modules/$v/modules.dep.bin"
    check "initramfs $v: no link is replaced by a directory" test ! -e "$work/unpack/lib"
    rm -rf "$work/unpack"
    # lsinitramfs of Debian 12 gives up at bytes behind a gzip stream; the kernel goes on with them.
    check "initramfs $v: the old part is untouched" test "$(head -c "$old" "$image" | gzip -dc 2>/dev/null | cpio -it --quiet | grep -x init)" = init
done

# ---- Second run and undo -----------------------------------------------------------------------
after=$(snapshot "$r")
check "a second run succeeds" finalize "$r" "$work/plan"
check "a second run changes neither content nor metadata" test "$(snapshot "$r")" = "$after"
check "a second run reports no change" test "$(jq '.changes | length' "$work/report")" = 0
check "the undo data is private" test "$(stat -c %a "$r/var/lib/bootferry/undo")" = 700

sed 's/203\.0\.113\.5/203.0.113.6/; s/AA:BB:CC/AA:BB:DD/' "$work/plan" >"$work/plan2"
check "another plan replaces the first" finalize "$r" "$work/plan2"
check "another plan: its address" has "$r/etc/network/interfaces" "    address 203.0.113.6/24"
check "another plan: its MAC address" has "$r/etc/systemd/network/00-bootferry-enp0s3.link" "MACAddress=52:54:00:aa:bb:dd"

undo() { "$FINALIZE" --root "$r" --undo --report "$work/report" 2>"$work/err"; }
check "undo succeeds" undo
check "undo restores every byte, owner, mode and time" test "$(snapshot "$r")" = "$before"
refute "a second undo has nothing to do" undo

# A file that its administrator changed since is not overwritten by an undo.
finalize "$r" "$work/plan"
echo "# mine" >>"$r/etc/fstab"
refute "undo with a file changed since says so" undo
check "the changed file stays" has "$r/etc/fstab" "# mine"
check "the others are restored" has "$r/etc/hostname" oldhost
sed -i '/# mine/d' "$r/etc/fstab"
check "undo again, when it is as it was" undo
check "now all of it is restored" has "$r/etc/fstab" "/dev/sda2	/	ext4	errors=remount-ro 0 1"

# ---- Extended attributes ------------------------------------------------------------------------
attribute() { python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "user.test").decode())' "$1"; }
if python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.test", b"label")' "$r/etc/fstab" 2>/dev/null; then
    finalize "$r" "$work/plan"
    check "a replaced file keeps its extended attributes" test "$(attribute "$r/etc/fstab")" = label
    undo
    check "a restored file has them" test "$(attribute "$r/etc/fstab")" = label
else
    skip "extended attributes" "not on this file system"
fi

# ---- Killed at any moment -----------------------------------------------------------------------
cp -a "$r" "$work/old"
finalize "$r" "$work/plan"
cp -a "$r" "$work/new"
undo
content() { (cd "$1" && find . -path ./var/lib/bootferry -prune -o -type f ! -name '.bootferry*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); }
whole() { ! grep -vxFf <(content "$work/old" && content "$work/new") <(content "$r"); }
killed=0 whole=1 undone=1
journals=0
for time in .005 .02 .04 .06 .08 .1 .15 .2 .25 .3 .35 .4 .5 .6 .7 .9; do
    { timeout -s KILL "0$time" "$FINALIZE" --root "$r" --plan "$work/plan" --devices "$work/devices" --report "$work/report" || killed=$((killed + 1)); } 2>/dev/null
    whole || whole=0
    if [ -e "$r/var/lib/bootferry/undo/journal.json" ]; then
        journals=$((journals + 1))
        undo || undone=0
    fi
    [ "$(content "$r")" = "$(content "$work/old")" ] || undone=0
done
echo "# killed $killed of 16 runs, $journals had begun to write"
check "killed: every file is whole, old or new" test $whole = 1
check "killed: undo restores" test $undone = 1

# A kill leaves the new file beside the one that it was for; undo takes it away, also where there was none before.
finalize "$r" "$work/plan"
touch "$r/etc/systemd/network/.bootferry-finalize.tmp"
undo
refute "killed: no half written file stays" test -e "$r/etc/systemd/network/.bootferry-finalize.tmp"

# An undo that is killed is done again, from the copies of the first time.
half=0 again=1
for time in .01 .02 .04 .06 .08 .1 .12 .15 .2 .25 .3 .4; do
    finalize "$r" "$work/plan"
    { timeout -s KILL "0$time" "$FINALIZE" --root "$r" --undo --report "$work/report" || true; } 2>/dev/null
    if [ -e "$r/var/lib/bootferry/undo/journal.json" ]; then
        [ "$(content "$r")" = "$(content "$work/new")" ] || half=$((half + 1))
        undo || again=0
    fi
    [ "$(content "$r")" = "$(content "$work/old")" ] || again=0
    rm -rf "$r/var/lib/bootferry"
done
echo "# $half undos were killed half way"
check "killed: undo can be done again" test $again = 1

# ---- An ordinary user ---------------------------------------------------------------------------
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    rm -rf "$r"
    debian "$r"
    ifupdown "$r"
    install -m 755 "$FINALIZE" "$work/finalize"
    chown -R 65534:65534 "$work"
    before=$(snapshot "$r")
    as_nobody() {
        setpriv --reuid=65534 --regid=65534 --clear-groups "$work/finalize" --root "$r" --report "$work/report" "$@"
    }
    check "no privileges: apply" as_nobody --plan "$work/plan" --devices "$work/devices"
    check "no privileges: undo" as_nobody --undo
    check "no privileges: undo restores everything" test "$(snapshot "$r")" = "$before"
else
    skip "no privileges" "the whole test runs without"
fi
finish
