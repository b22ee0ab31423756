# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Directory trees that stand for guests, and the helpers of the finalizer's tests. Sourced by the
# scripts of this folder, with FINALIZE naming the program. Nothing here needs privileges.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

: "${FINALIZE:=build/bootferry-finalize}"
work=$T
# has FILE LINE: the file has exactly this line. lacks FILE TEXT: the text is nowhere in it.
has() { grep -qxF -- "$2" "$1" || shows "$2" "$1"; }
lacks() { [ -e "$1" ] && ! grep -F -- "$2" "$1"; }
shows() { # WANTED FILE
    echo "wanted: $1"
    echo "$2 has:"
    tail -n 20 "$2"
    return 1
}
# is FILE: its content is standard input, byte for byte.
is() { diff -u - "$1" >&2; }
# says WORD: the last report has it.
says() { grep -qF -- "$1" "$work/report.txt" || shows "$1" "$work/report.txt"; }

# put PATH: writes standard input to a file, making its directories.
put() {
    mkdir -p "$(dirname "$1")"
    cat >"$1"
}

# Everything that an observer can see of a tree: types, modes, owners, times, content, links, attributes.
snapshot() {
    (cd "$1" && find . -printf '%p %y %m %U %G %T@ %l\n' | LC_ALL=C sort &&
        find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum &&
        { getfattr -R -d -m - . 2>/dev/null || true; })
}

# A kernel with a few modules; the files need not be real for the finalizer to carry them.
kernel() {
    local root=$1 version=$2 m=$1/usr/lib/modules/$2
    mkdir -p "$m/kernel/drivers/virtio" "$m/kernel/drivers/block" "$m/kernel/drivers/net" "$root/boot"
    echo "virtio core $version" >"$m/kernel/drivers/virtio/virtio.ko"
    echo "ring" >"$m/kernel/drivers/virtio/virtio_ring.ko"
    echo "pci" >"$m/kernel/drivers/virtio/virtio_pci.ko"
    echo "blk" >"$m/kernel/drivers/block/virtio_blk.ko"
    echo "net" >"$m/kernel/drivers/net/virtio_net.ko"
    put "$m/modules.dep" <<EOF
kernel/drivers/virtio/virtio.ko:
kernel/drivers/virtio/virtio_ring.ko: kernel/drivers/virtio/virtio.ko
kernel/drivers/virtio/virtio_pci.ko: kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko
kernel/drivers/block/virtio_blk.ko: kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko
kernel/drivers/net/virtio_net.ko: kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko
EOF
    put "$m/modules.builtin" <<<"kernel/drivers/scsi/sd_mod.ko"
    put "$m/modules.dep.bin" <<<"dep index of $version"
    put "$m/modules.alias.bin" <<<"alias index of $version"
    echo "image" >"$root/boot/vmlinuz-$version"
    # An initramfs as Debian makes it: gzip, and a length that is no multiple of 4.
    (mkdir -p "$work/ird/usr/lib/modules/$version" "$work/ird/conf/conf.d" && cd "$work/ird" &&
        ln -sfn usr/lib lib && echo init >init &&
        find . | LC_ALL=C sort | cpio -o -H newc --quiet | gzip -9n) >"$root/boot/initrd.img-$version"
    rm -rf "$work/ird"
    while [ $(($(stat -c %s "$root/boot/initrd.img-$version") % 4)) -ne 1 ]; do
        printf '\0' >>"$root/boot/initrd.img-$version"
    done
}

# A Debian 12 with everything but its network.
debian() {
    local root=$1
    mkdir -p "$root"/{usr/bin,usr/sbin,usr/lib/systemd,etc/systemd/system/multi-user.target.wants} \
        "$root"/{etc/initramfs-tools/conf.d,boot/grub/x86_64-efi,boot/efi/EFI/debian,var/lib,tmp}
    ln -s usr/lib "$root/lib"
    ln -s usr/bin "$root/bin"
    ln -s usr/sbin "$root/sbin"
    head -c 20000 /bin/ls >"$root/usr/bin/dash"
    echo x >"$root/usr/lib/systemd/systemd"
    ln -s ../lib/systemd/systemd "$root/usr/sbin/init"
    put "$root/etc/os-release" <<'EOF'
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
ID=debian
VERSION_ID="12"
VERSION_CODENAME=bookworm
EOF
    put "$root/etc/hostname" <<<oldhost
    put "$root/etc/hosts" <<'EOF'
127.0.0.1	localhost
127.0.1.1	oldhost.example.org	oldhost
192.0.2.10	oldhost.example.org www.example.org
192.0.2.99	other-oldhost
EOF
    put "$root/etc/resolv.conf" <<'EOF'
# by hand
search example.org
nameserver 192.0.2.53
options rotate
EOF
    put "$root/etc/fstab" <<'EOF'
# <file system> <mount point> <type> <options> <dump> <pass>
/dev/sda2	/	ext4	errors=remount-ro 0 1
/dev/sda1  /boot/efi vfat umask=0077 0 1
/dev/sda3	none	swap	sw	0	0
LABEL=data	/srv	xfs	defaults,nofail 0 2
/dev/sdb1	/mnt	ext4	noauto 0 0
EOF
    put "$root/etc/initramfs-tools/modules" <<<"# modules to include"
    put "$root/etc/initramfs-tools/conf.d/resume" <<<"RESUME=/dev/sda3"
    put "$root/etc/default/grub" <<'EOF'
GRUB_DEFAULT=0
GRUB_CMDLINE_LINUX_DEFAULT="quiet resume=/dev/sda3"
GRUB_CMDLINE_LINUX=""
GRUB_DISABLE_LINUX_UUID=true
EOF
    put "$root/boot/grub/grub.cfg" <<'EOF'
menuentry 'Debian GNU/Linux' {
	linux	/boot/vmlinuz-6.1.0-1-amd64 root=/dev/sda2 ro quiet resume=/dev/sda3
	initrd	/boot/initrd.img-6.1.0-1-amd64
}
menuentry 'Memory test' {
	linux	/boot/memtest86+x64.bin
}
EOF
    echo "shim" >"$root/boot/efi/EFI/debian/shimx64.efi"
    printf 'grub\0prefix /EFI/debian\0' >"$root/boot/efi/EFI/debian/grubx64.efi"
    echo "mm" >"$root/boot/efi/EFI/debian/mmx64.efi"
    put "$root/boot/efi/EFI/debian/grub.cfg" <<'EOF'
search.fs_uuid 11111111-2222-3333-4444-555555555555 root
set prefix=($root)'/boot/grub'
configfile $prefix/grub.cfg
EOF
    kernel "$root" 6.1.0-1-amd64
    kernel "$root" 6.1.0-2-amd64
    # A file of another owner, with odd permissions and an old time, tells whether replacing keeps them.
    chmod 0640 "$root/etc/hosts"
    find "$root" -exec touch -h -d '2024-05-06 07:08:09.123456789 UTC' {} +
}

ifupdown() {
    local root=$1
    echo x >"$root/usr/sbin/ifup"
    ln -s /lib/systemd/system/networking.service \
        "$root/etc/systemd/system/multi-user.target.wants/networking.service"
    put "$root/etc/network/interfaces" <<'EOF'
# The loopback
auto lo
iface lo inet loopback

source /etc/network/interfaces.d/*

# office network
allow-hotplug enp0s3
iface enp0s3 inet static
    address 192.0.2.10/24
    gateway 192.0.2.1
    # resolvers
    dns-nameservers 192.0.2.53
    mtu 1400
    wpa-psk verysecretpsk

iface enp0s3 inet6 static
    address 2001:db8::10/64
    gateway 2001:db8::1
    accept_ra 0

auto enp0s4
iface enp0s4 inet static
    address 198.51.100.10/24
EOF
    put "$root/etc/network/interfaces.d/extra" <<'EOF'
iface enp0s3 inet static
    address 192.0.2.11/24
EOF
}

devices() {
    put "$1" <<'EOF'
[{"name": "/dev/vda1", "disk": 0, "part": 1, "type": "vfat", "uuid": "1234-ABCD", "esp": true},
 {"name": "/dev/vda2", "disk": 0, "part": 2, "type": "ext4", "uuid": "11111111-2222-3333-4444-555555555555", "root": true},
 {"name": "/dev/vda3", "disk": 0, "part": 3, "type": "swap", "uuid": "99999999-2222-3333-4444-555555555555"}]
EOF
}

# The same, by a run that sees every disk, with what the tree's file systems are.
devices_mounted() {
    devices "$1.plain"
    jq '(.[] | select(.root)).mounts = [{"at": "/"}] | (.[] | select(.esp)).mounts = [{"at": "/boot/efi"}]' "$1.plain" >"$1"
}

plan() {
    put "$1" <<'EOF'
{"version": 1,
 "target": {"kind": "qemu-virtio", "firmware": "uefi"},
 "hostname": "newhost",
 "nics": [{"match": {"name": "enp0s3"}, "mac": "52:54:00:AA:BB:CC",
           "addresses": ["203.0.113.5/24", "2001:db8:5::5/64"],
           "gateway": ["203.0.113.1", "2001:db8:5::1"], "dns": ["203.0.113.53"], "search": ["example.net"]}],
 "serial_console": true}
EOF
}

# finalize ROOT PLAN [OPTION...]: one run with the devices of the tree; the report goes to $work/report.
finalize() {
    local root=$1 plan=$2
    shift 2
    "$FINALIZE" --root "$root" --plan "$plan" --devices "$work/devices" --report "$work/report" "$@" 2>"$work/err"
}

# ---- Trees for one network stack each, in $r --------------------------------------------------------

# A tree with as little as the network needs.
bare() {
    local root=$1
    rm -rf "$root"
    mkdir -p "$root"/{usr/sbin,usr/lib/systemd,etc/systemd/system/multi-user.target.wants,var/lib}
    echo x >"$root/usr/lib/systemd/systemd"
    put "$root/etc/os-release" <<<"ID=debian"
    put "$root/etc/fstab" <<<"UUID=1 / ext4 defaults 0 1"
}
networkd() {
    bare "$1"
    ln -s /usr/lib/systemd/system/systemd-networkd.service "$1/etc/systemd/system/multi-user.target.wants/"
    ln -s ../run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"
}
netplan() {
    bare "$1"
    echo x >"$1/usr/sbin/netplan"
}
plan_of() { put "$work/plan" <<<"{\"version\": 1, \"target\": {\"kind\": \"kvm\"}, \"nics\": [$1]}"; }
# plan_to MORE [KIND]: a plan without interfaces; MORE begins with a comma.
plan_to() { put "$work/plan" <<<"{\"version\": 1, \"target\": {\"kind\": \"${2:-qemu-virtio}\"}$1}"; }
# shellcheck disable=SC2034 # for the scripts
static='"addresses": ["203.0.113.5/24"], "gateway": "203.0.113.1", "dns": ["203.0.113.53"]'
run() { "$FINALIZE" --root "$r" --plan "$work/plan" --report "$work/report" 2>"$work/err"; }
# again: a second run changes nothing at all.
again() {
    local before
    before=$(snapshot "$r")
    run && [ "$(snapshot "$r")" = "$before" ]
}
# refused_with WORD: the plan is refused with the word, and nothing is changed.
refused_with() {
    local before
    before=$(snapshot "$r")
    ! run && says "$1" && [ "$(snapshot "$r")" = "$before" ]
}
undone() { "$FINALIZE" --root "$r" --undo --report "$work/report" 2>"$work/err" && [ "$(snapshot "$r")" = "$1" ]; }
# adapted NAME: one run, a second one that changes nothing, and an undo; then it runs once more, to be looked at.
adapted() {
    local before
    before=$(snapshot "$r")
    check "$1: apply" run
    check "$1: second run" again
    check "$1: undo" undone "$before"
    check "$1: apply again" run
}
r=$work/root
