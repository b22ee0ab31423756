# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The real readers as judges of a tree: Debian's netplan, systemd-networkd, udev, ifupdown (and ifupdown2, -ng),
# NetworkManager and cloud-init, run in a network namespace with links that are made for it. Sourced after trees.sh.
# Each run sees a throw-away layer over build/judge/root (JUDGE names another), with the tree's own configuration in it.

: "${JUDGE:=$PWD/build/judge/root}"
# What of a tree is put over the judges' root.
JUDGED='etc/netplan etc/network etc/systemd/network etc/udev/rules.d etc/NetworkManager etc/cloud etc/resolv.conf
    etc/modprobe.d var/lib/NetworkManager usr/lib/netplan usr/lib/systemd/network usr/local/lib/systemd/network
    usr/lib/NetworkManager etc/dhcpcd.conf etc/netctl var/lib/connman etc/connman
    usr/lib/bootferry etc/systemd/system/bootferry-names.service etc/systemd/system/sysinit.target.d'

# Whether judges can be asked here: root, their folder, and a kernel with overlays and namespaces.
judge_ready() {
    [ "$(id -u)" = 0 ] && [ -x "$JUDGE/usr/sbin/netplan" ] || return 1
    [ -n "${judge_works:-}" ] || { judge_run "" true >/dev/null 2>&1 && judge_works=yes || judge_works=no; }
    [ "$judge_works" = yes ]
}

# judge_run LINKS COMMAND: executes the shell command in the judges' root. LINKS is a list of NAME:MAC, separated by
# commas, each a veth whose other end pN is up. Functions of this file that begin with `in_` can be called there.
judge_run() {
    local links=$1 layer
    shift
    layer=$(mktemp -d "$T/judge.XXXXXX")
    judge_pack "$layer/tree.tar"
    # shellcheck disable=SC2046 # a list of names
    judge_layer=$layer judge_links=$links judge_command="$*" judge_root=$JUDGE \
        judge_functions=$(declare -f $(compgen -A function in_)) \
        timeout -k 5 $((60 * ${BF_PATIENCE:-6})) unshare -n -m bash -e -c "$(declare -f judge_veth judge_inside)
            judge_inside judge_veth"
    local status=$?
    rm -rf "$layer"
    return $status
}
# judge_pack FILE: what is judged of the tree $r, as a tar file; none where there is nothing.
judge_pack() {
    local paths=() path
    # shellcheck disable=SC2154 # r is the tree of the script that sources this
    for path in $JUDGED; do [ ! -e "$r/$path" ] || paths+=("$path"); done
    [ ${#paths[@]} = 0 ] || tar -C "$r" -cf "$1" "${paths[@]}"
}

# judge_inside LINKER: in a network and a mount namespace of their own, the variables of judge_run being set, it becomes
# the command. LINKER makes the links.
# shellcheck disable=SC2154 # they come from outside
judge_inside() {
    mount --make-rprivate /
    mkdir "$judge_layer/space" "$judge_layer/root"
    mount -t tmpfs none "$judge_layer/space"
    mkdir "$judge_layer/space/upper" "$judge_layer/space/work"
    local root=$judge_layer/root
    mount -t overlay -o "lowerdir=$judge_root,upperdir=$judge_layer/space/upper,workdir=$judge_layer/space/work" none "$root"
    rm -rf "$root/etc/netplan" "$root/etc/network/interfaces" "$root/etc/systemd/network"
    mkdir -p "$root/etc/netplan" "$root/etc/network" "$root/etc/systemd/network"
    [ ! -e "$judge_layer/tree.tar" ] || tar -C "$root" --no-same-owner -xf "$judge_layer/tree.tar"
    chmod -R go+rX "$root/etc/network" "$root/etc/systemd/network"
    echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
    mount -t proc proc "$root/proc"
    mount -t tmpfs none "$root/run"
    mkdir -p "$root"/run/{network,udev,dbus,lock} "$root"/run/systemd/{network,netif/links,netif/leases,netif/lldp}
    chmod -R 755 "$root/run"
    chroot "$root" chown -R systemd-network /run/systemd/netif 2>/dev/null || true
    ip link set lo up
    # Nobody else is there: readers need not wait until their addresses are known to be single.
    local detection
    for detection in /proc/sys/net/ipv6/conf/{all,default}/accept_dad; do echo 0 >"$detection"; done
    "$1"
    # Read-only, as in a container: networkd does not wait for udev then.
    mount -t sysfs -o ro sysfs "$root/sys"
    exec chroot "$root" /bin/bash -c "$judge_functions
$judge_command"
}
# shellcheck disable=SC2154 # they come from outside
judge_veth() {
    local link i=0
    for link in ${judge_links//,/ }; do
        ip link add "${link%%:*}" type veth peer name "p$i"
        ip link set "${link%%:*}" address "${link#*:}"
        ip link set "p$i" up
        i=$((i + 1))
    done
}

# ---- What is called inside ----------------------------------------------------------------------

# in_wait SECONDS COMMAND...: until the command succeeds.
in_wait() {
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.1
    done
}
# in_install PACKAGE: what was unpacked below /opt takes its places.
in_install() { tar -C "/opt/$1" -c . | tar -C / --keep-directory-symlink -x; }
# A veth has no permanent address, by which netplan has networkd match; a network card has.
in_permanent() {
    local f
    for f in /run/systemd/network/*; do
        [ ! -f "$f" ] || sed -i 's/^PermanentMACAddress=/MACAddress=/' "$f"
    done
}
# What the kernel has: links with MTU, addresses, routes of both families.
in_state() {
    ip -br link | awk '{ print "link", $1, $3 }'
    ip -o link | sed -nE 's/^[0-9]+: ([^:@]+).* mtu ([0-9]+).*/mtu \1 \2/p'
    ip -br addr
    ip route
    ip -6 route | grep -vE '^(fe80|::1|multicast)' || true
}
# Nobody answers router solicitations here, and networkd would wait 12 seconds for an answer.
in_no_router() {
    local f
    for f in {/etc,/run,/usr/lib,/usr/local/lib}/systemd/network/*.network; do
        [ -s "$f" ] || continue
        mkdir -p "/run/systemd/network/${f##*/}.d"
        printf '[Network]\nIPv6AcceptRA=no\n' >"/run/systemd/network/${f##*/}.d/zz-no-router.conf"
    done
}
# in_networkd LINK...: the daemon until it calls each link configured (or failed), then the state and what it said.
in_networkd() {
    local link
    in_no_router
    SYSTEMD_LOG_LEVEL=info SYSTEMD_LOG_TARGET=console /lib/systemd/systemd-networkd >/run/networkd.log 2>&1 &
    for link; do in_wait 60 in_networkd_settled "$link" || true; done
    in_state
    kill -9 %1
    echo '-- log'
    grep -iE 'conf|warn|ignor|error|fail' /run/networkd.log | head -n 30
}
in_networkd_settled() { # LINK, which the daemon may have to make
    local id
    id=$(cat "/sys/class/net/$1/ifindex" 2>/dev/null) &&
        grep -qE '^ADMIN_STATE=(configured|failed|unmanaged)' "/run/systemd/netif/links/$id" 2>/dev/null
}
# NetworkManager until each LINK is activated or waits for a DHCP server, or nothing is left to be done: the devices
# ("LINK:STATE:PROFILE"), the profiles that it has read ("profile NAME:UUID:FILE"), the state and what it complained of.
# A link's other end is none of the tree's devices.
in_networkmanager() {
    local link bus daemon
    mkdir -p /run/NetworkManager/conf.d
    printf '[device-judge]\nmatch-device=interface-name:p?\nmanaged=0\n' >/run/NetworkManager/conf.d/zz-judge.conf
    dbus-daemon --system --nofork --nopidfile >/dev/null 2>&1 &
    bus=$!
    in_wait 10 test -S /run/dbus/system_bus_socket || true
    NetworkManager --debug --log-level=INFO >/run/nm.log 2>&1 &
    daemon=$!
    disown -a
    in_wait 60 nmcli -t general >/dev/null 2>&1 || true
    for link; do in_wait 20 in_nm_settled "$link" || true; done
    nmcli -t -f DEVICE,STATE,CONNECTION device | grep -vE '^(lo|p[0-9]+):'
    nmcli -t -f NAME,UUID,FILENAME connection show | sed -n 's/^/profile /p'
    in_state
    kill -9 "$daemon" "$bus"
    echo '-- log'
    grep -E '<(warn|error)>' /run/nm.log | grep -vE 'error accessing rf|dispatcher|polkit|hostname|modem-manager' | head -n 30
}
in_no_tentative() { ! ip -o addr show tentative ${1:+dev "$1"} | grep -q .; }
in_nm_settled() { # LINK
    in_no_tentative "$1" || return 1
    case $(nmcli -t -f GENERAL.STATE device show "$1" 2>/dev/null) in
        *:100*) ;;
        *:70*) grep -qE "dhcp4 \\($1\\): activation: beginning" /run/nm.log ;;
        *) grep -q 'startup complete' /run/nm.log ;;
    esac
}
# The names that links have once udev has carried out its rules, "MAC NAME" each.
in_udev() {
    local link
    mount -o remount,rw /sys
    for link in "$@"; do udevadm test -a add "/sys/class/net/$link" 2>&1 | grep -iE 'failed to rename' || true; done
    for link in /sys/class/net/*/; do echo "$(cat "$link/address") $(basename "$link")"; done
}

# in_cloud_init INSTANCE: a boot's stages, with the seed of that instance as data source; without an instance there is no
# data source. A network card ens3 is there.
in_cloud_init() {
    touch /etc/hosts /etc/hostname
    rm -rf /var/lib/cloud/seed
    if [ -n "$1" ]; then
        mkdir -p /var/lib/cloud/seed/nocloud
        printf 'instance-id: %s\nlocal-hostname: %s-host\n' "$1" "$1" >/var/lib/cloud/seed/nocloud/meta-data
        echo '#cloud-config' >/var/lib/cloud/seed/nocloud/user-data
    fi
    [ -e /etc/cloud/cloud.cfg.d/10-source.cfg ] ||
        echo 'datasource_list: [ NoCloud, None ]' >/etc/cloud/cloud.cfg.d/10-source.cfg
    cloud-init init --local
    cloud-init init
    cloud-init modules --mode=config
} >/tmp/cloud-init.out 2>&1
# What cloud-init left of the machine's own.
in_cloud_state() {
    echo "key=$(cat /etc/ssh/ssh_host_ed25519_key 2>/dev/null || echo deleted)"
    echo "hostname=$(cat /etc/hostname)"
    echo "hosts=$(sha256sum </etc/hosts)"
    echo "network=$(find /etc/network /etc/netplan -name '*cloud*' -printf '%f' | grep . || echo left alone)"
    echo "instance=$(cat /var/lib/cloud/data/instance-id 2>/dev/null)"
    echo "user=$(sed -n 's/^debian:\([^:]*\):.*/\1/p' /etc/shadow)"
}

# dhcpcd as a service for a few seconds: the state, what it asks for and what it complains of.
in_dhcpcd() {
    rm -rf /opt/dhcpcd-base/etc
    in_install dhcpcd-base
    sleep 1
    dhcpcd --nodelay --noarp --nodev -B -d -Z 'p*' >/run/dhcpcd.log 2>&1 &
    sleep 4
    in_state
    grep -E '^(nameserver|search)' /etc/resolv.conf || true
    kill -9 %1
    echo '-- log'
    grep -E 'soliciting a DHCP lease|invalid|unknown' /run/dhcpcd.log || true
} 2>/dev/null
# in_netctl PROFILE...: each is started as its unit would do it.
in_netctl() {
    in_install netctl
    for profile; do /usr/lib/netctl/network start "$profile" || echo "failed: $profile"; done
    in_state
} 2>&1
# ConnMan for a few seconds.
in_connman() {
    local bus daemon
    for package in libxtables12 connman; do in_install "$package"; done
    dbus-daemon --system --nofork --nopidfile >/dev/null 2>&1 &
    bus=$!
    in_wait 10 test -S /run/dbus/system_bus_socket || true
    connmand -n -d -I p0,p1,lo >/run/connman.log 2>&1 &
    daemon=$!
    disown -a
    sleep 5
    in_state
    kill -9 "$daemon" "$bus"
    echo '-- log'
    grep -E "wants|Adding|Failed|rror" /run/connman.log | head -n 30
}

# ---- The judges ---------------------------------------------------------------------------------

judge_names() { tr , '\n' <<<"$1" | cut -d: -f1 | tr '\n' ' '; }
# Each prints what its reader made of the tree $r; LINKS as for judge_run.
judge_networkd() { judge_run "$1" "in_networkd $(judge_names "$1")"; }
judge_netplan() { # LINKS: what is generated, then what networkd makes of it; fails if netplan rejects the files
    judge_run "$1" "/usr/libexec/netplan/generate || exit 1
        for f in /run/systemd/network/* /run/NetworkManager/system-connections/*; do
            [ ! -f \"\$f\" ] || { echo \"== \$f\"; cat \"\$f\"; }
        done
        echo '== state'; in_permanent; in_networkd $(judge_names "$1")"
}
judge_udev() { judge_run "$1" "in_udev $(judge_names "$1")"; }
judge_networkmanager() { judge_run "$1" "in_networkmanager $(judge_names "$1")"; }
judge_dhcpcd() { judge_run "$1" in_dhcpcd; }
judge_netctl() { judge_run "$1" "in_netctl ${*:2}"; } # LINKS PROFILE...
judge_connman() { judge_run "$1" in_connman; }
# Whether a package of those beside the judges' root is there.
judge_beside() { judge_ready && [ -d "$JUDGE/opt/$1" ]; }
judge_ifup() { judge_run "${1:-eth9:02:00:00:00:00:09}" "ifup --no-act --force -a -v 2>&1"; }
judge_ifquery() { judge_run eth9:02:00:00:00:00:09 "ifquery $*"; }
judge_ifquery2() { # of ifupdown2
    judge_run eth9:02:00:00:00:00:09 "in_install ifupdown2; chmod 755 /usr/share/ifupdown2/__main__.py; ifquery $*"
}
judge_ifquery_ng() { # of ifupdown-ng
    judge_run eth9:02:00:00:00:00:09 "in_install ifupdown-ng; ifquery $*"
}
# What cloud-init has to do with: the machine's own files, and what it remembers.
CLOUD_STATE='etc/ssh etc/hostname etc/hosts etc/passwd etc/shadow etc/group etc/gshadow var/lib/cloud'
# judge_cloud_first INSTANCE: the source's first boot, whose results are put into the tree.
judge_cloud_first() {
    judge_run ens3:52:54:00:00:00:01 "in_cloud_init $1; echo debian:secret | chpasswd; mkdir -p /etc/ssh
        echo KEY >/etc/ssh/ssh_host_ed25519_key; tar -C / -c $CLOUD_STATE etc/cloud" >"$T/cloud.tar" &&
        tar -C "$r" --no-same-owner -xf "$T/cloud.tar"
}
# judge_cloud_init INSTANCE: a boot of the tree in its new home; what is left.
judge_cloud_init() {
    JUDGED="$JUDGED $CLOUD_STATE" judge_run ens3:52:54:00:00:00:02 "in_cloud_init $1; in_cloud_state"
}
