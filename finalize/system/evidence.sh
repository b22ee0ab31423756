# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# Written by bootferry-finalize. At the first start in its new home the machine says what it sees of itself: lines for
# the replica server, to the virtio port, else to the serial console. Then all that belongs to this is removed again.
# The lines above this one have the plan: token (the word of the job), planned, gateways, dhcp, console, report_to, ca,
# gone, folders.
#
# It has to get along with any Linux system of the last fifteen years: POSIX sh and a few programs of coreutils or
# busybox. Whatever else may be missing has another way to the same answer. Every wait has an end, and nothing waits for
# this script. Where a program may hang (a port that nobody reads, a dead disk), it is given up after a while.
: "${token:?}" "${planned?}" "${gateways?}" "${dhcp?}" "${console?}" "${report_to?}" "${ca?}" "${gone?}" "${folders?}"
# Tests set these; a guest does not.
patience=${BOOTFERRY_PATIENCE:-120} pause=${BOOTFERRY_PAUSE:-3}
ports=${BOOTFERRY_PORTS:-/dev/virtio-ports} console=${BOOTFERRY_CONSOLE:-$console}
slash=${BOOTFERRY_SLASH:-} runs=${BOOTFERRY_RUNS:-/run /dev/shm /dev /tmp} net=/sys/class/net proc=/proc/net
known=${BOOTFERRY_KNOWN:-ip ping ping6 bash nc curl wget systemctl} port=org.bootferry.evidence
PATH=${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
umask 077

# Init is not kept waiting.
if [ "${1:-}" = detach ]; then
    /bin/sh "$0" </dev/null >/dev/null 2>&1 &
    exit 0
fi

# ---- Helpers ------------------------------------------------------------------------------------

# now: seconds since the start, in $now.
now() { read -r now _ </proc/uptime && now=${now%.*}; }
nap() { sleep "${1:-0.2}" 2>/dev/null || sleep 1; }
has() {
    case " $known " in *" $1 "*) command -v "$1" >/dev/null 2>&1 ;; *) return 1 ;; esac
}
# bounded SECONDS COMMAND...: its status, or 124 when it did not end in time.
bounded() {
    limit=$1
    shift
    jobs=$((jobs + 1))
    (
        "$@" &
        child=$!
        trap 'kill -9 $child; exit 1' TERM
        wait $child
        echo $? >"$tmp/status.$jobs"
    ) 2>/dev/null &
    job=$!
    now
    until=$((now + limit))
    while [ ! -s "$tmp/status.$jobs" ] && [ "$now" -lt "$until" ]; do
        nap 0.05
        now
    done
    status=124
    [ ! -s "$tmp/status.$jobs" ] || read -r status <"$tmp/status.$jobs"
    [ "$status" != 124 ] || kill "$job" 2>/dev/null
    rm -f "$tmp/status.$jobs"
    return "$status"
}

# Once for each start of the machine; what is left of it is in a folder that the next start does not have.
read -r boot_id </proc/sys/kernel/random/boot_id
jobs=0 tmp=
for place in $runs; do
    tmp=$place/bootferry-evidence.$boot_id
    mkdir "$tmp" 2>/dev/null && break
    [ ! -d "$tmp" ] || exit 0
    tmp=
done
[ -n "$tmp" ] || exit 0

# ---- Addresses ----------------------------------------------------------------------------------

# groups HEX: 32 digits as an address of IPv6, in $groups.
groups() {
    rest=$1 groups=
    while [ -n "$rest" ]; do
        groups=$groups${groups:+:}${rest%"${rest#????}"}
        rest=${rest#????}
    done
}
# dotted HEX: an address of /proc/net/route, whose first byte comes last, in $dotted.
dotted() {
    n=$((0x$1))
    dotted=$((n & 255)).$((n >> 8 & 255)).$((n >> 16 & 255)).$((n >> 24 & 255))
}

# "INTERFACE ADDRESS/LENGTH" of each address that can be used, into $tmp/addresses.
addresses_by_ip() {
    bounded 10 ip -o addr show >"$tmp/ip" || return 1
    while read -r _ name family address rest; do
        case $family in inet | inet6) ;; *) continue ;; esac
        case "$family $rest " in *" tentative "* | *" dadfailed "* | inet6*" scope link "*) continue ;; esac
        case $address in
        */*) ;;
        *:*) address=$address/128 ;;
        *) address=$address/32 ;;
        esac
        [ "$name" = lo ] || echo "$name $address"
    done <"$tmp/ip"
}
# The kernel has no list of IPv4 addresses with their interfaces: the routes to their networks have these.
addresses_by_proc() {
    seen=' '
    while read -r first second third; do
        case "$first $second $third" in
        '|-- '*) last=$second ;;
        '/32 host LOCAL')
            case "$last$seen" in 127.* | *" $last "*) continue ;; esac
            seen="$seen$last "
            network_of "$last"
            ;;
        esac
    done <"$proc/fib_trie"
    [ ! -r "$proc/if_inet6" ] || while read -r hex _ length scope flags name; do
        # Not of the link alone, and neither being tried nor found to be somebody else's.
        case $name,$scope,$((0x$flags & 0x48)) in lo,* | *,20,* | *,*,[!0]*) continue ;; esac
        groups "$hex"
        echo "$name $groups/$((0x$length))"
    done <"$proc/if_inet6"
}
network_of() { # ADDRESS
    a=${1%%.*} b=${1#*.} d=${1##*.} best=-1 on=
    c=${b#*.} c=${c%%.*} b=${b%%.*}
    n=$((d << 24 | c << 16 | b << 8 | a))
    while read -r name to via flags _ _ _ mask _; do
        case $via,$mask in *,00000000) continue ;; 00000000,*) ;; *) continue ;; esac
        [ $((n & 0x$mask)) = $((0x$to)) ] || continue
        bits=0 m=$((0x$mask))
        while [ $m != 0 ]; do
            bits=$((bits + (m & 1)))
            m=$((m >> 1))
        done
        [ $bits -le $best ] || best=$bits on=$name
    done <"$proc/route"
    [ -z "$on" ] || echo "$on $1/$best"
}
see_addresses() {
    if ! has ip || ! addresses_by_ip >"$tmp/addresses"; then addresses_by_proc >"$tmp/addresses" 2>/dev/null; fi
    all=' '
    while read -r _ address; do all="$all$address "; done <"$tmp/addresses"
}

# ---- Network cards ------------------------------------------------------------------------------

# mac_of INTERFACE: its own address, which a bond hides behind that of the bond, in $mac.
mac_of() {
    mac=
    if [ -r "$net/$1/bonding_slave/perm_hwaddr" ]; then
        read -r mac <"$net/$1/bonding_slave/perm_hwaddr"
    else
        for bond in "$proc"/bonding/*; do
            [ -r "$bond" ] || continue
            port_name=
            while read -r first second third rest; do
                case "$first $second" in 'Slave Interface:') port_name=$third ;; 'Permanent HW') [ "$port_name" != "$1" ] || mac=${rest##* } ;; esac
            done <"$bond"
        done
        [ -n "$mac" ] || { read -r mac <"$net/$1/address"; } 2>/dev/null || mac=
    fi
    case $mac in ??:??:??:??:??:??) ;; *) mac= ;; esac
    [ "$mac" != 00:00:00:00:00:00 ] || mac=
}
# above INTERFACE: it, and bridges, bonds and VLANs on top of it, in $stack.
above() {
    stack=" $1 " todo=$1
    while [ -n "$todo" ]; do
        at=${todo%% *}
        case $todo in *' '*) todo=${todo#* } ;; *) todo= ;; esac
        for upper in "$net/$at"/upper_* "$net/$at/master"; do
            [ -e "$upper" ] || continue
            case $upper in */master) upper=$(readlink "$upper") && upper=${upper##*/} ;; *) upper=${upper##*/upper_} ;; esac
            case $stack in *" $upper "*) continue ;; esac
            stack="$stack$upper "
            todo=$todo${todo:+ }$upper
        done
    done
}
# A line "MAC ADDRESS..." for each MAC address that a card has, or that has addresses, into $tmp/nics.
see_nics() {
    : >"$tmp/pairs"
    for at in "$net"/*; do
        name=${at##*/}
        [ "$name" != lo ] || continue
        mac_of "$name"
        [ -n "$mac" ] || continue
        [ ! -e "$at/device" ] || echo "$mac" >>"$tmp/pairs"
        above "$name"
        while read -r on address; do
            case $stack in *" $on "*) echo "$mac $address" >>"$tmp/pairs" ;; esac
        done <"$tmp/addresses"
    done
    told=' '
    while read -r mac _; do
        case $told in *" $mac "*) continue ;; esac
        told="$told$mac " line=" $mac "
        while read -r other address; do
            [ "$other" = "$mac" ] || continue
            case $line in *" $address "*) ;; *) line="$line${address:+$address }" ;; esac
        done <"$tmp/pairs"
        line=${line# }
        echo "${line% }"
    done <"$tmp/pairs" >"$tmp/nics"
}

# Whether all that was planned is there; a machine of which nothing is planned has some address.
is_there() {
    see_addresses
    see_nics
    for wanted in $planned; do
        case $all in *" ${wanted%=*}/"* | *" ${wanted#*=}/"*) ;; *) return 1 ;; esac
    done
    for wanted in $dhcp; do
        got=
        while read -r mac addresses; do
            [ "$mac" != "$wanted" ] || case $addresses in *.*) got=1 ;; esac
        done <"$tmp/nics"
        [ -n "$got" ] || return 1
    done
    [ -n "$planned$dhcp" ] || [ "$all" != ' ' ] || [ ! -s "$tmp/nics" ]
}

# ---- Default routes -----------------------------------------------------------------------------

# "ADDRESS INTERFACE" of each default route, into $tmp/routes.
routes_by_ip() { # FAMILY
    bounded 10 ip "$1" route show >"$tmp/ip" || return 1
    is_default=
    while read -r line; do
        case $line in default*) is_default=1 ;; nexthop*) ;; *) is_default= ;; esac
        case "$is_default$line" in 1*' via '*' dev '*) ;; *) continue ;; esac
        to=${line#* via } on=${line#* dev }
        to=${to#inet6 }
        echo "${to%% *} ${on%% *}"
    done <"$tmp/ip"
}
routes4_by_proc() {
    while read -r name to via _ _ _ _ mask _; do
        case $to$mask,$via in *,00000000) continue ;; 0000000000000000,*) ;; *) continue ;; esac
        dotted "$via"
        echo "$dotted $name"
    done <"$proc/route"
}
routes6_by_proc() {
    while read -r to length _ _ via _ _ _ _ name; do
        case "$length$to" in 00*[!0]*) continue ;; 00*) ;; *) continue ;; esac
        case $via in *[!0]*) ;; *) continue ;; esac
        groups "$via"
        echo "$groups $name"
    done <"$proc/ipv6_route"
}
see_routes() {
    {
        { has ip && routes_by_ip -4; } || routes4_by_proc
        { has ip && routes_by_ip -6; } || routes6_by_proc
    } >"$tmp/routes" 2>/dev/null
}

# poke PROGRAM ADDRESS INTERFACE: any packet to it, so that the kernel asks for its hardware address.
poke() {
    case $2 in [Ff][Ee]80:*) peer=$2%$3 ;; *) peer=$2 ;; esac
    case $2 in *:*) url=http://[$peer]:9/ ;; *) url=http://$peer:9/ ;; esac
    # shellcheck disable=SC2016 # bash is to expand it
    case $1 in
    bash) bounded 4 bash -c 'echo >"/dev/udp/$0/9"' "$peer" ;;
    nc) bounded 4 nc -w 2 "$peer" 9 </dev/null ;;
    curl) bounded 4 curl -s -m 2 "$url" ;;
    wget) bounded 4 wget -O /dev/null "$url" ;;
    esac
} >/dev/null 2>&1
ping_once() { # ADDRESS INTERFACE
    case $1 in
    *:*)
        { has ping && bounded 5 ping -6 -c 1 -W 2 -I "$2" "$1" >/dev/null; } ||
            { has ping6 && bounded 5 ping6 -c 1 -W 2 -I "$2" "$1" >/dev/null; }
        ;;
    *) has ping && bounded 5 ping -c 1 -W 2 "$1" >/dev/null ;;
    esac
}
# answers ADDRESS INTERFACE: to a ping, or to the kernel, which asks for its hardware address whatever is sent there.
answers() {
    ! ping_once "$1" "$2" || return 0
    for program in bash nc curl wget; do
        has "$program" || continue
        poke "$program" "$1" "$2"
        ! is_neighbour "$1" || return 0
    done
    is_neighbour "$1"
}
# is_neighbour ADDRESS: it has answered the kernel, by the table of neighbours.
is_neighbour() {
    if has ip && bounded 10 ip neigh show >"$tmp/ip"; then
        while read -r address rest; do
            case "$address $rest " in "$1 "*" lladdr "*" REACHABLE "*) return 0 ;; esac
        done <"$tmp/ip"
        return 1
    fi
    while read -r address _ flags _; do
        [ "$address $flags" != "$1 0x2" ] || return 0
    done <"$proc/arp"
    return 1
} 2>/dev/null
# Each default route's neighbour, asked once: "ADDRESS yes|no" into $tmp/gateways. Fails when one that was planned has no
# route, when there is no route at all, or when somebody did not answer.
ask_gateways() {
    see_routes
    good=0 asked=' '
    [ -s "$tmp/routes" ] || good=1
    : >"$tmp/gateways"
    while read -r to on; do
        case $asked in *" $to "*) continue ;; esac
        asked="$asked$to "
        if answers "$to" "$on"; then
            echo "$to yes" >>"$tmp/gateways"
        else
            echo "$to no" >>"$tmp/gateways"
            good=1
        fi
    done <"$tmp/routes"
    for wanted in $gateways; do
        case $asked in *" ${wanted%=*} "* | *" ${wanted#*=} "*) ;; *) good=1 ;; esac
    done
    return $good
}

# ---- The system ---------------------------------------------------------------------------------

say() { echo "BOOTFERRY-EVIDENCE $token $*"; }
say_root() {
    root=
    while read -r device at type _; do [ "$at" != / ] || root="$device $type"; done </proc/mounts
    say root "$root"
    probe=$slash/.bootferry-evidence
    writable=no
    if bounded 30 dd if=/proc/sys/kernel/random/boot_id of="$probe" conv=fsync 2>/dev/null; then
        read -r back <"$probe"
        rm -f "$probe" && [ "$back" = "$boot_id" ] && writable=yes
    fi 2>/dev/null
    say root-writable $writable
}
# systemd is done when nothing waits any more to be started; of what may hang, nobody waits longer than that.
wait_for_systemd() {
    now
    end=$((now + patience / 2))
    while [ "$now" -lt $end ]; do
        state=
        bounded 10 systemctl is-system-running >"$tmp/state"
        read -r state <"$tmp/state"
        case $state in initializing | starting) ;; *) return ;; esac
        nap
        now
    done
}
say_failed() {
    if has systemctl && [ -d /run/systemd/system ]; then
        wait_for_systemd
        bounded 10 systemctl --failed --full --no-legend --no-pager >"$tmp/failed"
        while read -r first second _; do
            case $first in *.*) ;; *) first=$second ;; esac
            case $first in *.*) say failed-unit "$first" ;; esac
        done <"$tmp/failed"
        return
    fi
    for failed in /run/openrc/failed/* /lib/rc/init.d/failed/*; do
        [ ! -L "$failed" ] || say failed-unit "${failed##*/}"
    done
}

# ---- What is said, and where --------------------------------------------------------------------

# All that the finalizer put here. Of startpar's list of what is started, the script's word.
remove_all() {
    list=$slash/etc/init.d/.depend.start
    if [ -w "$list" ] && sed '/^bootferry-evidence:/d; s/ bootferry-evidence\( \|$\)/\1/g' "$list" >"$tmp/list"; then
        cmp -s "$tmp/list" "$list" 2>/dev/null || cat "$tmp/list" >"$list"
    fi
    ! command -v rc-service >/dev/null 2>&1 || bounded 10 rc-service bootferry-evidence zap >/dev/null
    # insserv numbers its links anew when another script comes.
    rm -f "$slash"/etc/rc?.d/S??bootferry-evidence "$slash"/etc/init.d/rc?.d/S??bootferry-evidence
    stays=
    for path in $gone; do
        rm -rf "${slash}${path:?}"
        if [ -e "$slash$path" ] || [ -L "$slash$path" ]; then stays=1; fi
    done
    for path in $folders; do rmdir "$slash$path"; done
    # All file systems, where it knows no other way.
    bounded $((patience / 4)) sync -f "${slash:-/}" || [ "$status" = 124 ] || bounded $((patience / 4)) sync
} 2>/dev/null

# The port's device, in $device.
find_port() {
    device=$ports/$port
    [ ! -c "$device" ] || return 0
    if [ ! -d /sys/class/virtio-ports ] && command -v modprobe >/dev/null 2>&1; then
        bounded 10 modprobe -q virtio_console
        nap
        [ ! -c "$device" ] || return 0
    fi
    for at in /sys/class/virtio-ports/*/name; do
        name=
        { read -r name <"$at"; } 2>/dev/null
        [ "$name" = "$port" ] || continue
        at=${at%/name}
        device=/dev/${at##*/}
        IFS=: read -r major minor <"$at/dev"
        [ -c "$device" ] || device=$tmp/port
        [ -c "$device" ] || mknod "$device" c "$major" "$minor"
        [ -c "$device" ] && return 0
    done
    return 1
}
# shellcheck disable=SC2317 # bounded calls it, and the next one
tell_port() { cat "$tmp/lines" >"$device"; }
# A login prompt, or half a message of the kernel, may stand before; a getty that starts hangs up. So it is said twice.
# shellcheck disable=SC2317
tell_console() {
    for _ in 1 2; do
        while read -r line; do printf '\r\n%s\r\n' "$line"; done <"$tmp/lines" >"$console"
        sleep "$pause"
    done
}
# BusyBox' wget cannot verify a server by the certificates that the plan brings, and some versions verify none: it is not
# used.
is_gnu_wget() {
    first=
    bounded 10 wget --version >"$tmp/wget"
    read -r first <"$tmp/wget"
    case $first in 'GNU Wget'*) ;; *) return 1 ;; esac
} 2>/dev/null
tell_server() {
    [ -z "$ca" ] || printf '%s\n' "$ca" >"$tmp/ca"
    for _ in 1 2 3; do
        if has curl; then
            bounded 60 curl -q -fsS -m 50 ${ca:+--cacert "$tmp/ca"} -H 'Content-Type: text/plain' \
                --data-binary "@$tmp/lines" "$report_to" && return
        elif has wget && is_gnu_wget; then
            bounded 60 wget -q -O /dev/null ${ca:+--ca-certificate="$tmp/ca"} --post-file="$tmp/lines" "$report_to" && return
        else
            return
        fi
        sleep 10
    done >/dev/null 2>&1
}

now
begun=$now
while ! is_there && [ "$now" -lt $((begun + patience)) ]; do
    nap
    now
done
now
begun=$now
while ! ask_gateways && [ "$now" -lt $((begun + patience / 4)) ]; do
    nap
    now
done
# The routes may have come late, and with them an address.
is_there
{
    say boot-id "$boot_id"
    read -r host </proc/sys/kernel/hostname
    say host "$host"
    say_root
    while read -r line; do say nic "$line"; done <"$tmp/nics"
    while read -r line; do say gateway "$line"; done <"$tmp/gateways"
    say_failed
    say end -
} >"$tmp/lines"
# First it goes, then it speaks: so it cannot be heard twice.
remove_all
{ find_port && bounded 10 tell_port; } || { [ -z "$console" ] || bounded 30 tell_console; }
[ -z "$report_to" ] || tell_server
rm -rf "${tmp:?}"/*
[ -n "$stays" ] || rmdir "$tmp"
exit 0
