#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bootferry plan, and --mac for finalize: what is refused before anything runs, tables for many machines, and whole runs
# through the finalizer's VM over a point of a small system.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/finalize/trees.sh
. tests/finalize/trees.sh
# shellcheck source=tests/finalize/disk.sh
. tests/finalize/disk.sh
umask 022

"$B" init --address 127.0.0.1 >/dev/null
"$B" machine add web-1 >/dev/null
"$B" machine add db-1 >/dev/null

# ---- Usage -------------------------------------------------------------------------------------

mac=52:54:00:aa:bb:01
check "plan alone is wrong usage" refused 2 'name a machine, or a table with --csv' "$B" plan
check "an address without --check is wrong usage" refused 2 'goes with --check' "$B" plan web-1 --mac x
check "a file of keys that is not there" refused 1 'no-such-file' "$B" plan web-1 --plan "$T/no-such-file"
put "$T/wrong.json" <<<'{"version": 1, "unlock": [{"uuid": "x"}]}'
check "a file of keys that is none" refused 1 'unlock[0]' "$B" plan web-1 --plan "$T/wrong.json"
put "$T/keys.json" <<<'{"version": 1, "root": "UUID=11111111-2222-3333-4444-555555555555", "check": "full", "hostname": "other"}'
check "a file of keys" refused 1 'no recovery point' "$B" plan web-1 --plan "$T/keys.json"
check "--check without a plan is wrong usage" refused 2 '--plan is missing, or --mac' "$B" plan web-1 --check
check "--output without --csv is wrong usage" refused 2 'go with --csv' "$B" plan web-1 --output x
check "--csv with a machine is wrong usage" refused 2 'are named in the file' "$B" plan web-1 --csv x --check
check "--csv with --mac is wrong usage" refused 2 'takes neither --plan nor --mac' "$B" plan --csv x --check --mac x
check "--csv without anything to do is wrong usage" refused 2 '--output DIR, or --check' "$B" plan --csv x
check "a machine without a point" refused 1 'no recovery point' "$B" plan web-1
check "a target that is none" refused 1 'qemu-virtio, kvm' "$B" plan web-1 --target kvn

# ---- --mac -------------------------------------------------------------------------------------

# mac_refused WORDS VALUE: finalize refuses --mac VALUE, before it looks for a point.
mac_refused() { refused 1 "$1" "$B" finalize web-1 --target kvm --mac "$2"; }
check "--mac without a target" refused 1 '--mac without --plan needs --target KIND' "$B" finalize web-1 --mac "$mac:ip:192.0.2.5,192.0.2.1,24"
check "which lists the kinds" grep -q 'qemu-virtio, kvm' "$T/stderr"
check "--mac for a bridge" mac_refused '"bridge" is set where the new machine is made' "$mac:bridge:br0"
check "--mac for a network" mac_refused '"network" is set where the new machine is made' "$mac:network:default"
check "--mac without a length" mac_refused 'the prefix length is missing' "$mac:ip:192.0.2.5,192.0.2.1"
check "--mac with a gateway elsewhere" mac_refused "--mac $mac:ip:192.0.2.5,198.51.100.1,24: gateway[0]: is not in the network" "$mac:ip:192.0.2.5,198.51.100.1,24"
check "--mac that is none" mac_refused 'must be a MAC address' "52:54:00:aa:bb:zz:ip:192.0.2.5,,24"
check "--mac is taken, also twice for one NIC" refused 1 'no recovery point' "$B" finalize web-1 --target kvm \
    --mac "$mac:ip:192.0.2.5,192.0.2.1,24,192.0.2.53" --mac "$mac:ip:2001:db8::5,fe80::1,64"

# ---- Tables ------------------------------------------------------------------------------------

"$B" plan --csv-template >"$T/template.csv"
check "the template is a table" exits 0 "$B" plan --csv "$T/template.csv" --output "$T/plans"
check "whose plan is written" json '.nics[0].addresses == ["198.51.100.20/24", "2001:db8::20/64"]' cat "$T/plans/web-1.json"
before=$(stat -c %y "$T/plans/web-1.json")
check "a plan that is there is not replaced" refused 1 'web-1.json is there already' "$B" plan --csv "$T/template.csv" --output "$T/plans"
check "nor touched" test "$(stat -c %y "$T/plans/web-1.json")" = "$before"
check "unless it is to be" exits 0 "$B" plan --csv "$T/template.csv" --output "$T/plans" --force

put "$T/bad.csv" <<'EOF'
name,target,mac,address,gateway
web-1,kvm,52:54:00:aa:bb:01,192.0.2.5/24,192.0.2.1
db-1,kvm,52:54:00:aa:bb:02,192.0.2.6,192.0.2.1
"mail 1",kvm,52:54:00:aa:bb:03,192.0.2.7/24,192.0.3.1
EOF
check "a table with mistakes is refused" refused 1 'bad.csv: line 3, column "address" (192.0.2.6): must be an address' \
    "$B" plan --csv "$T/bad.csv" --output "$T/bad"
check "with all of them" grep -q 'line 4, column "name" (mail 1): is not a machine' "$T/stderr"
check "and nothing is written" test ! -e "$T/bad"
printf 'name,mac,address\nweb-1,%s,192.0.2.5/24\nweb-1@2,%s,192.0.2.6/24\n' "$mac" "$mac" >"$T/two.csv"
check "two points of one machine" refused 1 'line 3, column "name": web-1@2 is the machine that line 2 calls web-1' \
    "$B" plan --csv "$T/two.csv" --target kvm --output "$T/bad"
printf 'name,mac,address\r\nweb-1,%s,192.0.2.5/24\r\n\r\n# x\r\ndb-1,%s,192.0.2.5/24\r\n' "$mac" "$mac" >"$T/twice.csv"
check "an address twice is a warning" refused 0 'warning: ' "$B" plan --csv "$T/twice.csv" --output "$T/twice" --target kvm
check "and both are written" test -e "$T/twice/web-1.json" -a -e "$T/twice/db-1.json"
check "a table that is not there" refused 1 'cannot open' "$B" plan --csv "$T/none.csv" --output "$T/bad"

# ---- Points ------------------------------------------------------------------------------------

daemon_start --sessions 8
for machine in web-1 db-1; do
    "$B" media "$machine" --conf "$T/$machine.conf" --set "server=127.0.0.1:$port" >/dev/null
done
push() { "$PUSH" --conf "$@" >"$T/push.log" 2>&1 || { cat "$T/push.log"; return 1; }; }
head -c 1M /dev/urandom >"$T/db.raw"
check "a point without a system" push "$T/db-1.conf" --disk "$T/db.raw"
nic=$("$B" points db-1@1 --json | jq -r '.points[0].source.nics[0].mac')
debian "$r"
ifupdown "$r"
put "$r/etc/systemd/network/10-lan.link" <<EOF
[Match]
MACAddress=$nic
[Link]
Name=enp0s3
EOF
make_disk "$r" "$T/web.raw"
check "a point of a small system" push "$T/web-1.conf" --disk "$T/web.raw"

# ---- The NICs that the point's machine had -----------------------------------------------------

typed=52:54:00:00:be:ef
check "a MAC address that no NIC of the point has" refused 1 "its machine had no NIC with the MAC address $typed" \
    "$B" finalize web-1 --target kvm --mac "$typed:ip:192.0.2.5/24"
check "is refused with those that it has" grep -qF "its NICs: " "$T/stderr"
check "by their address" grep -qF "$nic" "$T/stderr"
check "before the VM runs" test ! -s "$T/stdout"
printf 'name,mac,address\ndb-1,%s,192.0.2.5/24\n' "$typed" >"$T/typed.csv"
check "in a table, too" refused 1 "its machine had no NIC" "$B" plan --csv "$T/typed.csv" --target kvm --check --output "$T/none"
check "of which nothing is written then" test ! -e "$T/none"

# ---- A plan of what is there -------------------------------------------------------------------

check "plan" exits 0 "$B" plan web-1 --target qemu-virtio
cp "$T/stdout" "$T/plan.json"
check "it has what is there" json ".target.kind == \"qemu-virtio\" and .target.firmware == \"uefi\" and .hostname == \"oldhost\" and
    [.nics[].match.name] == [\"enp0s3\", \"enp0s4\"] and .nics[0].match.mac == \"$nic\"" cat "$T/plan.json"
sed "s/11111111-2222-3333-4444-555555555555/00000000-2222-3333-4444-555555555555/" "$T/keys.json" >"$T/other.json"
check "an inspection follows the plan's choice of a root" refused 1 'it is unclear which file system is the root' "$B" plan web-1 --plan "$T/other.json"
check "and a right one" exits 0 "$B" plan web-1 --plan "$T/keys.json"
check "which goes into the new plan, and no other key" json '.root == "UUID=11111111-2222-3333-4444-555555555555" and .check == "full" and
    .target.kind == "generic" and .hostname == "oldhost"' cat "$T/stdout"
check "and says how to go on" grep -qF 'bootferry plan web-1@1 --check --plan FILE' "$T/stderr"
check "unchanged, it is valid" exits 0 "$B" plan web-1 --check --plan "$T/plan.json" --json
check "and changes no address" json '.result == "ok" and
    ([.changes[].path] | all(test("^/etc/(network/|hosts|hostname|resolv)") | not))' cat "$T/stdout"
"$B" points web-1@1 >"$T/shown"
check "the point shows what was found of Secure Boot" grep -q '^Secure Boot: does not start with Secure Boot: /boot/efi/EFI/BOOT/BOOTX64.EFI ' "$T/shown"
check "and when" json '.points[0].secure_boot | .starts == "no" and (.checked | test("^20"))' "$B" points web-1@1 --json
check "a point that nobody looked at shows nothing" json '.points[0].secure_boot == null' "$B" points db-1@1 --json
check "a system that is none" refused 1 'was not inspected' "$B" plan db-1

# ---- What a plan would do ----------------------------------------------------------------------

check "finalize with --mac" exits 0 "$B" finalize web-1 --target qemu-virtio --mac "$nic:ip:203.0.113.5,203.0.113.1,24,203.0.113.53"
check "begins with the verdict and the table" grep -qE "^enp0s3 +$nic .* -> 203.0.113.5/24 " <(head -n 20 "$T/stdout")
printf 'name,target,interface,address,gateway\nweb-1,kvm,enp0s3,203.0.113.5/24,203.0.113.1\n' >"$T/points.csv"
check "a table that is checked against its points" exits 0 "$B" plan --csv "$T/points.csv" --check --output "$T/checked"
check "says so" grep -qx '1 of 1 plans would be carried out' "$T/stdout"
check "and is written" json '.nics[0].addresses == ["203.0.113.5/24"]' cat "$T/checked/web-1.json"
daemon_stop TERM

finish
