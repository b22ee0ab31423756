#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The operator's command without a machine: state, machines, help, usage, exit statuses, JSON.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# ---- Usage and help ----------------------------------------------------------------------------

check "no command is wrong usage" refused 2 'name a command' "$B"
check "an unknown command is wrong usage" refused 2 'no command "fly"' "$B" fly
check "half a command lists the whole ones" refused 2 'bootferry machine add NAME' "$B" machine
check "an unknown option is wrong usage" refused 2 'no option --colour' "$B" machine list --colour red
check "an option without its value is wrong usage" refused 2 'needs its DIR' "$B" machine list --state
check "a missing argument is wrong usage" refused 2 'argument is missing' "$B" machine add
check "a surplus argument is wrong usage" refused 2 'unexpected argument' "$B" machine add a b
check "init without --address is wrong usage" refused 2 '--address is missing' "$B" init
for bad in '' 'a,,b' '10.0.0.300' 'host:7667' 'under_score'; do
    check "init refuses the address '$bad'" refused 2 'neither a host name' "$B" init --address "$bad"
done
check "a refused init leaves nothing" test ! -e "$BOOTFERRY_STATE"
check "help is an overview" grep -q '^  export' <("$B" help)
check "help COMMAND explains one" grep -q -- '--iso FILE' <("$B" help media)
check "help media lists the keys of --set" grep -q 'on-failure=' <("$B" help media)
check "help export says that it does not compare" grep -q 'bootferry verify' <("$B" help export)
check "in lines for a terminal" test -z "$("$B" help media | sed '1,/^Keys/d' | grep -E '.{81}')"
check "help media does not offer keys of the identity" test -z "$("$B" help media | grep enrol-key=)"
check "COMMAND --help is the same" cmp <("$B" help points) <("$B" points --help)
check "help of a group lists it" test "$("$B" help machine | grep -c '^bootferry machine')" = 6
check "help of nothing is wrong usage" refused 2 'no command "fly"' "$B" help fly
check "--version" grep -q '^bootferry [0-9]' <("$B" --version)
for command in $("$B" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\).*/\1/p' | sort -u); do
    check "bootferry help $command" exits 0 "$B" help "$command"
done

# ---- State -------------------------------------------------------------------------------------

check "without a state commands fail and say init" refused 1 'bootferry init' "$B" machine list
check "init" exits 0 "$B" init --address replica.example.org,10.0.0.5
check "the state is private" mode_is 700 "$BOOTFERRY_STATE"
check "the root's key is private" mode_is 600 "$BOOTFERRY_STATE/pki/root.key"
check "the server's certificate verifies" openssl verify -x509_strict -purpose sslserver \
    -verify_hostname replica.example.org -CAfile "$BOOTFERRY_STATE/pki/root.pem" \
    "$BOOTFERRY_STATE/pki/server.pem"
cp "$BOOTFERRY_STATE/pki/root.pem" "$T/root.pem"
check "init again says what exists" grep -q 'nothing was changed' <("$B" init --address 10.0.0.5)
check "init adds an address" grep -q '1 address was added' <("$B" init --address fd00::7)
check "the root is never replaced" cmp "$T/root.pem" "$BOOTFERRY_STATE/pki/root.pem"
check "the new certificate has the new address" openssl verify -verify_ip fd00::7 \
    -CAfile "$T/root.pem" "$BOOTFERRY_STATE/pki/server.pem"
check "and the old ones" openssl verify -verify_ip 10.0.0.5 -CAfile "$T/root.pem" \
    "$BOOTFERRY_STATE/pki/server.pem"
mv "$BOOTFERRY_STATE" "$T/moved"
check "the state can be moved" exits 0 "$B" machine list --state "$T/moved"
check "--state before the command" exits 0 "$B" --state "$T/moved" machine list
mv "$T/moved" "$BOOTFERRY_STATE"

# ---- Machines ----------------------------------------------------------------------------------

for bad in Web-1 -a a/b '' 'a b' a..b "$(printf 'a%.0s' {1..64})"; do
    check "the name '$bad' is refused" exits 2 "$B" machine add -- "$bad"
done
check "machine add" exits 0 "$B" machine add web-1
check "twice is a failure" refused 1 'already' "$B" machine add web-1
check "machine list" grep -q '^web-1  *active' <("$B" machine list)
check "machine list --json" json \
    '.machines | length == 1 and .[0].name == "web-1" and .[0].state == "active" and
     .[0].latest_point == null and (.[0].created | test("^2[0-9-]*T[0-9:]*Z$"))' \
    "$B" machine list --json
check "machine show of none fails" refused 1 'no machine "db-9"' "$B" machine show db-9
check "machine show --json" json \
    '.name == "web-1" and .disk_list == [] and .certificates == [] and .enrolments == []' \
    "$B" machine show web-1 --json
check "machine renew of an active one changes nothing" grep -q 'was not revoked' <("$B" machine renew web-1)
check "machine revoke" exits 0 "$B" machine revoke web-1
check "it is shown as revoked" json '.machines[0].state == "revoked" and .machines[0].revoked != null' \
    "$B" machine list --json
check "a revoked machine gets no medium" refused 1 'machine renew' "$B" media web-1 --iso "$T/x.iso"
check "machine renew" exits 0 "$B" machine renew web-1
check "it is active again" json '.machines[0].state == "active"' "$B" machine list --json

# ---- Points and status without any -------------------------------------------------------------

check "status" grep -q '^web-1  *never seen' <("$B" status)
check "status --json" json \
    '.served == false and .machines[0].phase == "never seen" and .machines[0].live == null and
     .machines[0].events == []' "$B" status --json
check "status of none fails" refused 1 'no machine' "$B" status db-9
check "points" grep -q 'no recovery point yet' <("$B" points web-1)
check "points --json" json '.machine == "web-1" and .points == []' "$B" points web-1 --json
check "points of a point that is not there" refused 1 'no web-1@7' "$B" points web-1@7
for bad in 'web-1@' 'web-1@0' 'web-1@01' 'web-1@1/' 'web-1@x' 'web-1@1/0' 'web-1/1' '@1' 'web-1@1@2' \
    'web-1@-1' 'web-1@99999999999'; do
    check "the reference '$bad' is wrong usage" exits 2 "$B" points "$bad"
done
check "verify without a point fails" refused 1 'no recovery point' "$B" verify web-1
check "verify takes no /K" exits 2 "$B" verify web-1@1/1
check "export without --disk is wrong usage" exits 2 "$B" export web-1 --format raw "$T/x"
check "export of an unknown format is wrong usage" exits 2 "$B" export web-1 --disk 0 --format vmdk "$T/x"
check "export with a bad number is wrong usage" exits 2 "$B" export web-1 --disk -1 --format raw "$T/x"
check "export without a point fails" refused 1 'no recovery point' "$B" export web-1 --disk 0 --format raw "$T/x"
check "and writes nothing" test ! -e "$T/x"
check "finalize without --plan is wrong usage" refused 2 '--plan is missing' "$B" finalize web-1
check "finalize with a plan that is not there" refused 1 "$T/plan" "$B" finalize web-1 --plan "$T/plan"
check "output that cannot be written is a failure" exits 1 bash -c "'$B' machine list >/dev/full"

# ---- As root, in the state of another user -----------------------------------------------------

if [ "$(id -u)" = 0 ]; then
    chmod 755 "$T"
    chown -R nobody: "$BOOTFERRY_STATE"
    check "root works in the daemon's state" exits 0 "$B" machine add mail-1
    check "and adds an address" exits 0 "$B" init --address 10.0.0.9
    check "and writes a medium of its own" exits 0 "$B" media mail-1 --conf "$T/mail.conf"
    check "the medium is root's" test "$(stat -c %u "$T/mail.conf")" = 0
    check "the state stays the daemon's" test -z "$(find "$BOOTFERRY_STATE" ! -user nobody)"
else
    echo "skip root in the daemon's state: not root"
fi

finish
