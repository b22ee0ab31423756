#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# NetworkManager's keyfiles on trees: which profiles count, which one the daemon activates, and what becomes of it.
# Where NetworkManager itself runs here, it judges the results.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
# shellcheck source=tests/finalize/judge.sh
. "$(dirname "$0")/judge.sh"
umask 022
r=$work/root
nm=etc/NetworkManager/system-connections
a=00000000-0000-0000-0000-00000000000a
b=00000000-0000-0000-0000-00000000000b
mac1=52:54:00:00:00:01
mac2=52:54:00:00:00:02
static='"addresses": ["203.0.113.5/24"], "gateway": "203.0.113.1", "dns": ["203.0.113.53"]'
both='"addresses": ["203.0.113.5/24", "203.0.113.6/24", "2001:db8:5::5/64"], "gateway": ["203.0.113.1", "2001:db8:5::1"],
      "dns": ["203.0.113.53", "2001:db8:5::53"], "search": ["example.net", "example.com"]'

# A tree in which NetworkManager runs.
tree() {
    rm -rf "$r"
    mkdir -p "$r"/{usr/sbin,usr/lib/systemd,etc/systemd/system/multi-user.target.wants,var/lib} \
        "$r"/{$nm,etc/NetworkManager/conf.d,usr/lib/NetworkManager/system-connections}
    echo x >"$r/usr/lib/systemd/systemd"
    ln -s /usr/lib/systemd/system/NetworkManager.service "$r/etc/systemd/system/multi-user.target.wants/"
    put "$r/etc/os-release" <<<"ID=debian"
    put "$r/etc/fstab" <<<"UUID=1 / ext4 defaults 0 1"
    printf '[main]\nplugins=ifupdown,keyfile\n\n[ifupdown]\nmanaged=false\n' | put "$r/etc/NetworkManager/NetworkManager.conf"
}
# profile NAME [FOLDER]: standard input is a profile, of mode 0600.
profile() {
    put "$r/${2:-$nm}/$1"
    chmod 600 "$r/${2:-$nm}/$1"
}
# simple NAME UUID ADDRESS [LINE...]: an ethernet profile with the lines in [connection].
simple() {
    local name=$1 uuid=$2 address=$3
    shift 3
    {
        printf '[connection]\nid=%s\nuuid=%s\ntype=ethernet\n' "$name" "$uuid"
        [ $# = 0 ] || printf '%s\n' "$@"
        printf '\n[ipv4]\nmethod=manual\naddress1=%s,192.0.2.1\n\n[ipv6]\nmethod=disabled\n' "$address"
    } | profile "$name.nmconnection"
}
plan_of() { put "$work/plan" <<<"{\"version\": 1, \"target\": {\"kind\": \"kvm\"}, \"nics\": [$1]}"; }
run() { "$FINALIZE" --root "$r" --plan "$work/plan" --report "$work/report" 2>"$work/err"; }
refused() { ! run && grep -qF -- "$1" "$work/err" || shows "$1" "$work/err"; }
again() {
    local before
    before=$(snapshot "$r")
    run && [ "$(snapshot "$r")" = "$before" ]
}
undone() { "$FINALIZE" --root "$r" --undo --report "$work/report" 2>"$work/err" && [ "$(snapshot "$r")" = "$1" ]; }
mode_is() { [ "$(stat -c %a "$r/$nm/$1")" = "$2" ]; }
# both_ways NAME PLAN: the plan is carried out, a second run changes nothing; undo is for the caller, with $before.
before=
carry() {
    before=$(snapshot "$r")
    plan_of "$2"
    check "$1" run
}
settle() {
    check "$1: second run" again
    check "$1: undo" undone "$before"
}

# ---- One profile, rewritten in place -----------------------------------------------------------
tree
profile office.nmconnection <<'E'
# the office, since 2019
[connection]
id=office
uuid=00000000-0000-0000-0000-00000000000a
type=ethernet
interface-name=eth5
timestamp=1700000000
permissions=

[ethernet]
mtu=1400
mac-address=52:54:00:00:00:01

[ipv4]
address1=192.0.2.10/24,192.0.2.1
# a second one
address2=192.0.2.11/24
dns=192.0.2.53;192.0.2.54;
dns-search=example.org;
method=manual
route1=10.0.0.0/8,192.0.2.254
route2=0.0.0.0/0,192.0.2.2,50
routing-rule1=priority 5 from 10.0.0.1/32 table 5
may-fail=false

[ipv6]
addr-gen-mode=stable-privacy
method=auto

[proxy]

[user]
company.key=value
E
carry "static to static" "{\"match\": {\"mac\": \"$mac1\"}, \"mac\": \"$mac2\", $static}"
check "static to static: in place, all else stays" is "$r/$nm/office.nmconnection" <<'E'
# the office, since 2019
[connection]
id=office
uuid=00000000-0000-0000-0000-00000000000a
type=ethernet
interface-name=eth5
timestamp=1700000000
permissions=

[ethernet]
mtu=1400
mac-address=52:54:00:00:00:02

[ipv4]
method=manual
address1=203.0.113.5/24,203.0.113.1
dns=203.0.113.53;
# a second one
dns-search=example.org;
route1=10.0.0.0/8,192.0.2.254
routing-rule1=priority 5 from 10.0.0.1/32 table 5
may-fail=false

[ipv6]
addr-gen-mode=stable-privacy
method=auto

[proxy]

[user]
company.key=value
E
check "static to static: the permissions stay" mode_is office.nmconnection 600
check "static to static: nothing else lies in the folder" equal "$(ls -A "$r/$nm")" office.nmconnection
settle "static to static"
finish
