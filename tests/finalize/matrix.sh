#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every shape of a network for every stack, with every kind of plan: it is carried out to the letter or refused for a
# reason that stands here, everything else stays, and an undo restores the tree. matrix_plans.py has the plans and what
# has to hold, matrix_*_trees.sh the shapes; Red Hat's files have ifcfg_matrix.sh.
here=$(dirname "$0")
# shellcheck source=tests/finalize/trees.sh
. "$here/trees.sh"
# shellcheck source=tests/finalize/judge.sh
. "$here/judge.sh"
# shellcheck source=tests/finalize/matrix_ifupdown_trees.sh
. "$here/matrix_ifupdown_trees.sh"
# shellcheck source=tests/finalize/matrix_networkd_trees.sh
. "$here/matrix_networkd_trees.sh"
# shellcheck source=tests/finalize/matrix_netplan_trees.sh
. "$here/matrix_netplan_trees.sh"
# shellcheck source=tests/finalize/matrix_networkmanager_trees.sh
. "$here/matrix_networkmanager_trees.sh"
# shellcheck source=tests/finalize/matrix_other_trees.sh
. "$here/matrix_other_trees.sh"
umask 022
export FINALIZE
mac1=52:54:00:00:00:01 mac2=52:54:00:00:00:02

# The cards of all shapes, named by their MAC addresses: by .link files, or by udev's rules.
# shellcheck disable=SC2317 # the trees call them
cards() {
    put "$r/etc/systemd/network/70-enp1s0.link" <<<$'[Match]\nMACAddress='"$mac1"$'\n[Link]\nName=enp1s0'
    put "$r/etc/systemd/network/70-enp2s0.link" <<<$'[Match]\nMACAddress='"$mac2"$'\n[Link]\nName=enp2s0'
}
# shellcheck disable=SC2317
rules() {
    put "$r/etc/udev/rules.d/70-persistent-net.rules" <<E
SUBSYSTEM=="net", ACTION=="add", ATTR{address}=="$mac1", NAME="enp1s0"
SUBSYSTEM=="net", ACTION=="add", ATTR{address}=="$mac2", NAME="enp2s0"
E
}

# What is refused, and has to be: STACK/SHAPE/PLAN, and words of the reason.
tr -s '\t' >"$work/refused" <<'E'
netifrc/vlan/*		line 2: more than plain interfaces
netifrc/*/alone		gateway outside the planned networks
netctl/routes/new mac		-
netctl/routes/match only	-
netctl/routes/*		line 6: settings beyond addresses
netctl/bridge/new mac		-
netctl/bridge/match only	-
netctl/bridge/by address	no profile of a plain Ethernet interface
netctl/bridge/*		no enabled profile of /etc/netctl is for enp1s0
netctl/*/alone		gateway outside the planned networks
dhcpcd/*/alone		outside
dhcpcd/*/both		gateway of IPv6
dhcpcd/*/six		IPv6
dhcpcd/*/several		several
E

shapes='plain dhcp routes six both several two vlan bond bridge tower fixed pattern odd'
# carrier STACK SHAPE: the device that has the addresses.
carrier() {
    case $1/$2 in
    ifupdown/vlan) echo enp1s0.7 ;;
    netctl/bridge) echo enp1s0 ;;
    netifrc/vlan) echo enp1s0.7 ;;
    */vlan) echo lan7 ;;
    */bond) echo bond0 ;;
    */bridge | */tower | */fixed) echo br0 ;;
    *) echo enp1s0 ;;
    esac
}
# tree STACK SHAPE: in $r. NetworkManager below netplan is the stack netplan-nm.
tree() {
    # shellcheck disable=SC2034 # for netplan's trees
    renderer=networkd
    [ "$1" != netplan-nm ] || renderer=NetworkManager
    "${1%-nm}_begin"
    [ "$1" != netplan-nm ] ||
        ln -s /usr/lib/systemd/system/NetworkManager.service "$r/etc/systemd/system/multi-user.target.wants/"
    "${1%-nm}_$2"
}
# every_plan STACK SHAPE
every_plan() {
    local address=192.0.2.10/24 files=${1%-nm}_files
    case $2 in
    dhcp | pattern) address='' ;;
    six) address=2001:db8::10/64 ;;
    esac
    tree "$1" "$2"
    "$here/matrix_plans.py" "$1" "$2" "$r" "${!files}" enp1s0 $mac1 "$(carrier "$1" "$2")" "$address" "$work/refused" \
        >"$work/plans"
    cat "$work/plans"
    counts "$work/plans"
}
for stack in ${MATRIX_STACKS:-ifupdown networkd netplan netplan-nm networkmanager suse netifrc netctl dhcpcd}; do
    for shape in $shapes; do
        if declare -F "${stack%-nm}_$shape" >/dev/null; then every_plan "$stack" "$shape"; fi
    done
done

# ---- What the real readers make of some ------------------------------------------------------------
# judged STACK SHAPE JUDGE ARGUMENT: the carrier has the planned address, and nothing the old one.
# shellcheck disable=SC2317
judged() {
    tree "$1" "$2"
    plan_of "{\"match\": {\"name\": \"enp1s0\"}, $static}"
    run && "$3" "$4" >"$work/judged" 2>&1 && cat "$work/judged" &&
        grep -qE "^($(carrier "$1" "$2")(@[^ ]*)? .*|address: )203\.0\.113\.5" "$work/judged" &&
        ! grep -E '(address: |/|UP .*)192\.0\.2\.10' "$work/judged"
}
if judge_ready; then
    links=enp1s0:$mac1,enp2s0:$mac2
    for shape in plain routes both several; do
        check "networkd judges: $shape" judged networkd $shape judge_networkd $links
        check "netplan judges: $shape" judged netplan $shape judge_netplan $links
    done
    check "netplan judges: pattern" judged netplan pattern judge_netplan $links
    for shape in plain odd; do
        check "ifquery judges: $shape" judged ifupdown $shape judge_ifquery enp1s0
    done
else
    skip "the real readers" "no judges here"
fi
finish
