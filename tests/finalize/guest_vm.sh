# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# One virtual machine in which many trees are judged, one after the other, each in namespaces of its own, as judge.sh does
# it here: Debian's kernel knows bonds and VLANs, and its network cards have a permanent MAC address. Sourced after
# trees.sh and judge.sh.
# shellcheck source=qemu/lib.sh
. qemu/lib.sh

GUEST=$T/guest
GUEST_NICS=(52:54:00:00:00:02 52:54:00:00:00:04 52:54:00:00:00:06 52:54:00:00:00:08)
GUEST_MODULES='virtio_pci virtio_blk virtio_net overlay 8021q bonding bridge dummy'
mkdir -p "$GUEST/jobs"
at_exit bf_vm_kill_all

# guest_job NAME LINKS COMMAND: the tree $r is to be judged by the command. LINKS is a list of NAME:MAC, separated by
# commas, each one of the cards above; NAME is what the kernel calls it before udev. What has to come of it is standard
# input: guest_picture's lines. GUEST_ONLY, a regular expression, leaves out other names.
guest_job() {
    [[ $1 =~ ${GUEST_ONLY:-.} ]] || return 0
    local job=$GUEST/jobs/$1
    mkdir "$job"
    judge_pack "$job/tree.tar"
    printf 'judge_links=%q judge_command=%q\n' "$2" "$3" >"$job/job"
    LC_ALL=C sort >"$GUEST/wanted.$1"
}

# ---- What is called in the machine --------------------------------------------------------------

# The machine calls a card cXX by the end of its permanent MAC address. A job has a namespace by name, from which its cards
# are taken back: after NetworkManager the kernel keeps a nameless one for ever.
guest_name() { # NAMESPACE OPTION...: all cards there
    ip "$@" -o link | sed -nE 's/^[0-9]+: ([^:@]+).* (link\/ether|permaddr) [0-9a-f:]*:([0-9a-f]{2})( .*|$)/\1 c\3/p'
}
guest_give() {
    local link card
    ip netns add job
    for link in ${judge_links//,/ }; do
        card=c${link##*:}
        ip link set "$card" down
        ip link set "$card" address "${link#*:}" mtu 1500
        ip link set "$card" netns job
        ip -n job link set "$card" name "${link%%:*}"
    done
}
guest_take() {
    local name card
    # Devices that are no cards can be removed.
    for name in $(ip -n job -o link | sed -nE 's/^[0-9]+: ([^:@]+).*/\1/p'); do ip -n job link del "$name" 2>/dev/null; done
    guest_name -n job | while read -r name card; do
        ip -n job link set "$name" down
        ip -n job link set "$name" name "$card"
        ip -n job link set "$card" netns 1
    done
    ip netns del job
}
# in_judged READER DEVICE...: udev names the cards, and the reader brings up the devices; then the state in JSON.
in_judged() {
    local reader=$1 card
    shift
    case $reader in
    netplan*)
        /usr/libexec/netplan/generate || return 1
        ;;
    ifupdown?*)
        in_install "${reader/_/-}"
        chmod 755 /usr/share/ifupdown2/__main__.py 2>/dev/null
        ;;
    esac
    for card in /sys/class/net/*/device; do
        card=${card%/device}
        in_udev "${card##*/}"
    done
    case $reader in
    ifup*) ;;
    *) # read-only, so that nobody waits for udev; but NetworkManager writes a bond's options
        mkdir /run/links
        mount --bind /sys/devices/virtual/net /run/links
        mount -o remount,bind,ro /sys
        mount --bind /run/links /sys/devices/virtual/net
        ;;
    esac
    case $reader in
    networkd | netplan) in_networkd "$@" ;;
    networkmanager | netplan_nm) in_networkmanager "$@" ;;
    *) ifup -a 2>&1 ;;
    esac
    in_wait 20 in_no_tentative || true
    echo "@links $(ip -j -d addr)"
    echo "@routes $(ip -j -4 route)"
    echo "@routes $(ip -j -6 route)"
}
# guest_main: what the machine does, as its first process.
guest_main() {
    local job name card
    export PATH=/usr/sbin:/usr/bin:/sbin:/bin judge_root=/ judge_functions
    # shellcheck disable=SC2046 # a list of names
    judge_functions=$(declare -f $(compgen -A function in_))
    for name in /sys/class/net/*/device; do
        name=$(basename "${name%/device}")
        card=$(cat "/sys/class/net/$name/address")
        ip link set "$name" name "c${card##*:}"
    done
    for job in /mnt/jobs/*; do guest_do "$job"; done
    echo '@end' >/dev/console
    echo o >/proc/sysrq-trigger
    sleep 600
}
guest_do() { # JOB
    local job=$1 began=$SECONDS
    export judge_links judge_command judge_layer=/mnt/job
    mkdir $judge_layer
    [ ! -e "$job/tree.tar" ] || mv "$job/tree.tar" $judge_layer/
    . "$job/job"
    {
        guest_give
        timeout -k 5 300 nsenter --net=/run/netns/job unshare -m -p --fork --kill-child \
            bash -e -c "$(declare -f judge_inside); judge_inside true" </dev/null
        echo "@status $?"
        guest_take
        echo "@seconds $((SECONDS - began))"
    } >/mnt/out 2>&1
    rm -rf $judge_layer
    { echo "@job ${job##*/}" && cat /mnt/out; } >/dev/console
}

# ---- The machine's disks and its kernel's first program ------------------------------------------

# guest_root: the judges' root as an image, once for each that is made.
guest_root() {
    local image=$BF_BUILD/judge/root.ext4
    if [ ! "$image" -nt "$BF_BUILD/judge/stamp" ]; then
        mke2fs -q -t ext4 -O ^has_journal -E root_owner=0:0 -d "$JUDGE" "$image.new" 640M >/dev/null
        mv "$image.new" "$image"
    fi
    echo "$image"
}
# guest_initramfs FILE: loads the modules and becomes the program on the second disk, with the first one as root.
guest_initramfs() {
    local tree=$BF_BUILD/finalize-vm/tree version path root=$GUEST/initramfs name
    version=$(basename "$tree"/lib/modules/*)
    mkdir -p "$root"/{modules,judged,dev,proc}
    for name in /bin/dash /bin/mount /sbin/insmod /sbin/switch_root /usr/sbin/chroot; do
        install -D "$(chroot "$JUDGE" readlink -f "$name" | sed "s|^|$JUDGE|")" "$root/bin/${name##*/}"
        while read -r path; do
            [ -e "$root$path" ] || install -D "$JUDGE$(chroot "$JUDGE" readlink -f "$path")" "$root$path"
        done < <(chroot "$JUDGE" ldd "$name" | grep -oE '/lib[^ ]+')
    done
    for name in $GUEST_MODULES; do
        modprobe -d "$tree" -S "$version" --show-depends "$name" 2>/dev/null | sed -n 's/^insmod \([^ ]*\).*/\1/p'
    done | awk '!seen[$0]++' | while read -r path; do
        install -m 644 "$path" "$root/modules/"
        case ${path##*/} in
        bonding.ko) echo "insmod /modules/${path##*/} max_bonds=0" ;;
        *) echo "insmod /modules/${path##*/}" ;;
        esac
    done >"$GUEST/insmod"
    put "$root/init" <<EOF2
#!/bin/dash
export PATH=/bin
mount -t devtmpfs dev /dev
$(cat "$GUEST/insmod")
mount -t ext4 -o ro /dev/vda /judged
mount -t devtmpfs dev /judged/dev
mount -t proc proc /judged/proc
mount -t sysfs sysfs /judged/sys
mount -t tmpfs none /judged/mnt
mount -t tmpfs none /judged/run
mount -t tmpfs none /judged/tmp
chroot /judged tar -xf /dev/vdb -C /mnt
exec switch_root /judged /bin/bash /mnt/main
EOF2
    chmod 755 "$root/init"
    (cd "$root" && find . | cpio -o -H newc --quiet) >"$1"
}

# guest_run: all jobs, in one boot; what each printed is then in $GUEST/out/NAME.
guest_run() {
    local vm=readers mac i=0
    {
        # shellcheck disable=SC2046 # a list of names
        declare -f judge_inside guest_main guest_do guest_name guest_give guest_take $(compgen -A function in_)
        echo guest_main
    } >"$GUEST/main"
    tar -C "$GUEST" -cf "$GUEST/jobs.tar" main jobs
    truncate -s %1M "$GUEST/jobs.tar"
    guest_initramfs "$GUEST/initramfs.cpio"
    bf_vm $vm "$BF_BUILD/test-logs/finalize-guest" q35
    bf_vm_add $vm -m 1536 -smp 2 -kernel "$BF_BUILD/finalize-vm/vmlinuz" -initrd "$GUEST/initramfs.cpio" \
        -append "console=ttyS0 quiet loglevel=2 panic=-1 oops=panic random.trust_cpu=on no_timer_check net.ifnames=0"
    bf_vm_disk $vm virtio-blk "$(guest_root)" raw
    bf_vm_disk $vm virtio-blk "$GUEST/jobs.tar" raw
    for mac in "${GUEST_NICS[@]}"; do
        bf_vm_add $vm -netdev "hubport,id=nic$i,hubid=$i" -device "virtio-net-pci,netdev=nic$i,mac=$mac,romfile="
        i=$((i + 1))
    done
    bf_vm_start $vm
    bf_vm_wait_line $vm '^@end' $((60 + 10 * $(find "$GUEST/jobs" -mindepth 1 -maxdepth 1 | wc -l)))
    bf_vm_wait_exit $vm 30
    mkdir -p "$GUEST/out"
    bf_vm_serial $vm | awk -v out="$GUEST/out/" '/^@job / { file = out $2; next } /^@end/ { file = "" } file { print > file }'
}

# guest_picture NAME: what the reader made of the tree, in lines: each device but the loopback, with the options that are
# not the kernel's own, its addresses, and routes that somebody made.
guest_picture() {
    sed -n 's/^@links //p' "$GUEST/out/$1" | jq -r '
        def unlike($name; $usual): (.[$name] // $usual) as $v | if $v == $usual then "" else " \($name)=\($v)" end;
        .[] | select(.ifname != "lo") | (.linkinfo.info_data // {}) as $d |
        .ifname + ": " + (.linkinfo.info_kind // "card") +
        (if .linkinfo.info_kind == "bond" then " " + $d.mode + ($d | unlike("primary"; "") + unlike("miimon"; 0) +
            unlike("updelay"; 0) + unlike("ad_lacp_rate"; "slow") + unlike("xmit_hash_policy"; "layer2"))
        elif .linkinfo.info_kind == "vlan" then " \($d.id) on \(.link)"
        elif .linkinfo.info_kind == "bridge" then $d | unlike("stp_state"; 0) + unlike("forward_delay"; 1500) +
            unlike("priority"; 32768) + unlike("vlan_filtering"; 0)
        else "" end) +
        (if .master then ", port of " + .master else "" end) +
        (if .mtu == 1500 then "" else ", mtu \(.mtu)" end) +
        (if .address | test("^(52:54|02:)") then ", " + .address else "" end) +
        (if .operstate == "DOWN" then ", down" else "" end),
        (.ifname as $n | .addr_info[] | select(.scope == "global") | "\($n) has \(.local)/\(.prefixlen)")'
    sed -n 's/^@routes //p' "$GUEST/out/$1" | jq -r '
        .[] | select((.protocol != "kernel" or .dst == "default") and .dst != "224.0.0.0/4") | .dst + (if .gateway then " via " + .gateway else "" end) + " dev " + .dev'
}
# guest_judge NAME: compares.
guest_judge() {
    [ -s "$GUEST/out/$1" ] && grep -qx '@status 0' "$GUEST/out/$1" &&
        diff -u --label wanted --label "the reader's" "$GUEST/wanted.$1" <(guest_picture "$1" | LC_ALL=C sort)
}
guest_judge_all() {
    local wanted name
    for wanted in "$GUEST"/wanted.*; do
        name=${wanted##*/wanted.}
        check "${name//-/ }, by its reader" guest_judge "$name"
        refute "${name//-/ }: nothing old is left" grep -E '192\.0\.2\.|2001:db8:1:|52:54:00:00:00:0[1357]' "$GUEST/out/$name"
    done
}
