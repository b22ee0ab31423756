#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The script that says what a machine sees of itself, run for real: each shell that may be a guest's, in a network of its
# own with neighbours that answer or do not, with and without the programs that may be missing. Its lines are read and
# judged as the server does it.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022
EVIDENCE=$PWD/build/tests/evidence
r=$work/root
word=0123456789abcdef0123456789abcdef
card=52:54:00:00:00:05
here=$(cat /proc/sys/kernel/hostname)
all='ip ping ping6 bash nc curl wget systemctl'

if [ "$(id -u)" != 0 ] || ! unshare -n -m true 2>/dev/null; then
    skip "the script in a network of its own" "it needs root"
    finish
fi

# planned NIC...: the tree and its script for this plan.
planned() {
    networkd "$r"
    put "$r/etc/systemd/network/a.network" <<<"[Match]
Name=eth0
[Network]
Address=10.9.9.9/24"
    put "$work/plan" <<<"{\"version\": 1, \"target\": {\"kind\": \"kvm\"}, \"evidence\": {\"word\": \"$word\"${report:-}},
        \"nics\": [{\"match\": {\"address\": \"10.9.9.9\"}, \"mac\": \"$card\"$1}]}"
    run || { cat "$work/err"; return 1; }
}
both=', "addresses": ["192.0.2.5/24", "2001:db8::5/64"], "gateway": ["192.0.2.1", "2001:db8::1"]'

# shellcheck disable=SC2016 # the inner shell expands it
# The shell commands of one namespace: a card with an address of the plan's, whose other end is a neighbour of its own.
base='ip link set lo up
    ip link add eth0 type veth peer name other
    ip link set eth0 address '$card'
    ip netns add $space; trap "/sbin/ip netns del $space" EXIT
    ip link set other netns $space
    ip -n $space addr add 192.0.2.1/24 dev other; ip -n $space addr add 2001:db8::1/64 dev other nodad
    ip -n $space link set other up
    mount -t sysfs sysfs /sys'
address='ip addr add 192.0.2.5/24 dev eth0; ip addr add 2001:db8::5/64 dev eth0 nodad; ip link set eth0 up'
routes='ip route add default via 192.0.2.1; ip -6 route add default via 2001:db8::1'
# said SHELL NETWORK [KNOWN [PATIENCE [PROGRAMS]]]: what the script says on its console; the seconds that it took into
# $work/seconds. PROGRAMS is a folder that comes first in its PATH.
said() {
    local space=ev$$ script=$r/etc/bootferry/evidence
    rm -rf "$work/run" && mkdir "$work/run" && : >"$work/console"
    space=$space BOOTFERRY_SLASH=$r BOOTFERRY_RUNS=$work/run BOOTFERRY_CONSOLE=$work/console BOOTFERRY_PORTS=$work/ports \
        BOOTFERRY_PAUSE=0 BOOTFERRY_KNOWN=${3:-$all} BOOTFERRY_PATIENCE=${4:-60} \
        unshare -n -m bash -e -c "$base
            $2
            export PATH=${5:+$5:}\$PATH
            $1 '$script'" >"$work/said" 2>&1 </dev/null || { cat "$work/said"; return 1; }
}
judged() { "$EVIDENCE" $word "$work/console" "$here" $card 192.0.2.5/24,2001:db8::5/64 192.0.2.1 2001:db8::1 >"$work/judged" || { cat "$work/judged"; return 1; }; }
line() { has "$work/judged" "$1"; }
# missing TEXT: it is judged to be missing.
missing() { ! judged >/dev/null && line "missing: $1"; }
quiet() { equal "" "$(cat "$work/said")"; }

# ---- Each shell ------------------------------------------------------------------------------------
for shell in dash 'busybox sh' bash; do
    TEST_PREFIX="$shell: "
    planned "$both"
    check "it runs" said "$shell" "$address; $routes"
    check "it says nothing to others" quiet
    check "the machine is as planned" judged
    check "its card" line "nic $card 192.0.2.5/24 2001:db8::5/64"
    check "its gateways" line "gateway 2001:db8::1 yes"
    check "its boot id" line "boot-id $(cat /proc/sys/kernel/random/boot_id)"
    check "its root file system" line "root-writable yes"
    check "all was said" line "complete yes"
    check "and it is gone" test ! -e "$r/etc/bootferry"
    check "with its unit" equal "" "$(find "$r/etc" -name 'bootferry-evidence*')"
    check "and nothing is left in /run" equal "" "$(ls -A "$work/run")"
done
# BusyBox' own programs and no others.
applets=$work/applets
mkdir "$applets"
for applet in sh ip ping ping6 nc wget cat rm mkdir rmdir sleep dd sed readlink cmp sync mknod kill; do ln -s "$(command -v busybox)" "$applets/$applet"; done
TEST_PREFIX='busybox and its programs: '
planned "$both"
check "it runs" said "busybox sh" "$address; $routes" "ip ping ping6 nc wget" 60 "$applets"
check "it says nothing to others" quiet
check "the machine is as planned" judged

# ---- Programs that are missing ---------------------------------------------------------------------
TEST_PREFIX='no ip: '
planned "$both"
check "it runs" said dash "$address; $routes" "bash" 20
check "the card's addresses are found" line "nic $card 192.0.2.5/24 2001:db8::5/64" || true
judged >/dev/null || true
check "the addresses are those of the card" line "nic $card 192.0.2.5/24 2001:db8::5/64"
check "who answered is found" line "gateway 192.0.2.1 yes"
check "but nobody knows of IPv6" missing "the gateway 2001:db8::1 did not answer"
planned "$both"
check "with ping it runs" said dash "$address; $routes" "ping ping6" 60 "$applets"
check "and all is as planned" judged
TEST_PREFIX='no ping: '
for asks in bash nc curl wget; do
    command -v $asks >/dev/null || [ -e "$applets/$asks" ] || continue
    planned "$both"
    check "it runs with $asks" said dash "$address; $routes" "ip $asks" 60 "$applets"
    check "$asks: who answers is found" judged
done
TEST_PREFIX=''

# ---- Networks --------------------------------------------------------------------------------------
TEST_PREFIX='a bridge: '
planned "$both"
bridge='ip link add br0 type bridge; ip link set br0 address 52:54:00:00:00:99; ip link set eth0 master br0; ip link set eth0 up
    ip addr add 192.0.2.5/24 dev br0; ip addr add 2001:db8::5/64 dev br0 nodad; ip link set br0 up'
check "it runs" said dash "$bridge; $routes"
check "its addresses are those of the card" judged
check "and its own" line "nic 52:54:00:00:00:99 192.0.2.5/24 2001:db8::5/64"
TEST_PREFIX='late addresses: '
planned "$both"
check "it runs" said dash "{ sleep 3; $address; sleep 2; $routes; } &"
check "they are waited for" judged
TEST_PREFIX='duplicate address: '
planned "$both"
# The neighbour has the address; the kernel finds out and keeps ours from being used.
check "it runs" said dash "ip -n \$space addr add 2001:db8::5/64 dev other nodad; ip addr add 192.0.2.5/24 dev eth0
    ip link set eth0 up; ip addr add 2001:db8::5/64 dev eth0; $routes" "$all" 6
check "it is not counted" missing "2001:db8::5/64 is not on the NIC with $card, which has 192.0.2.5/24"
TEST_PREFIX='nobody answers: '
planned "$both"
check "it runs" said dash "$address; $routes; ip -n \$space link set other address 52:54:00:00:00:77; ip -n \$space addr flush dev other" "$all" 8
check "it says so" missing "the gateway 192.0.2.1 did not answer; the gateway 2001:db8::1 did not answer"
TEST_PREFIX='answers no ping: '
planned "$both"
deaf="ip netns exec \$space sysctl -q -w net.ipv4.icmp_echo_ignore_all=1 net.ipv6.icmp.echo_ignore_all=1"
check "it runs" said dash "$address; $routes; $deaf" "$all" 60 "$applets"
check "a neighbour that answers no ping is one" judged
TEST_PREFIX='no network: '
planned "$both"
check "it runs" said dash "true" "$all" 4
check "what is missing" missing "the system has no NIC with $card; there is no default route over the gateway 192.0.2.1; there is no default route over the gateway 2001:db8::1"
TEST_PREFIX='DHCP: '
planned ', "dhcp": true'
check "it runs" said dash "{ sleep 3; ip addr add 192.0.2.77/24 dev eth0; ip link set eth0 up; } &" "$all" 20
check "the address is waited for" "$EVIDENCE" $word "$work/console" "$here" $card dhcp - -
TEST_PREFIX=''

# ---- A root that cannot be written, and a second run -----------------------------------------------
TEST_PREFIX='read-only root: '
planned "$both"
check "it runs" said dash "$address; $routes; mount --bind '$r' '$r'; mount -o remount,bind,ro '$r'"
check "it says so" missing "the root file system ($(awk '$2 == "/" { print $1, $3 }' /proc/mounts | tail -n 1)) cannot be written"
check "and stays" test -e "$r/etc/bootferry/evidence"
mark=$(ls "$work/run")
: >"$work/console"
BOOTFERRY_RUNS=$work/run BOOTFERRY_CONSOLE=$work/console sh "$r/etc/bootferry/evidence"
check "it runs once for each start of the machine" equal "" "$(cat "$work/console")"
check "which its mark shows" equal "bootferry-evidence.$(cat /proc/sys/kernel/random/boot_id)" "$mark"
TEST_PREFIX=''

# ---- What hangs ------------------------------------------------------------------------------------
mkdir "$work/hangs"
printf '#!/bin/sh\nexec sleep 1000\n' | put "$work/hangs/ping"
cp "$work/hangs/ping" "$work/hangs/sync"
chmod 755 "$work/hangs"/*
TEST_PREFIX='programs that hang: '
planned "$both"
check "it runs" timeout 300 bash -c : # the time that it may take at most is that of its own limits
check "it ends" said dash "$address; $routes" "ip ping bash" 10 "$work/hangs"
check "and nothing of them is left" equal "" "$(pgrep -f "$work/hangs/ping" || true)"
check "the machine is as planned" judged
TEST_PREFIX=''

# ---- In the background, and over HTTPS -------------------------------------------------------------
planned "$both"
mkdir -p "$work/run2"
: >"$work/console"
# shellcheck disable=SC2016 # for the inner shell
check "init is not kept waiting" timeout 20 env BOOTFERRY_SLASH="$r" BOOTFERRY_RUNS="$work/run2" BOOTFERRY_CONSOLE="$work/console" \
    BOOTFERRY_PATIENCE=4 BOOTFERRY_PORTS="$work/ports" unshare -n sh -c '"$0" detach' "$r/etc/bootferry/evidence"
check "and it is said nevertheless" within 60 grep -q 'end -' "$work/console"

report=', "report_to": "https://192.0.2.1:8443/evidence"'
planned "$both"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=192.0.2.1 -addext 'subjectAltName=IP:192.0.2.1' \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
put "$work/server.py" <<PY
import http.server, ssl, sys
class Take(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        open("$work/posted", "ab").write(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
s = http.server.HTTPServer(("192.0.2.1", 8443), Take)
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
c.load_cert_chain("$work/cert.pem", "$work/key.pem")
s.socket = c.wrap_socket(s.socket, server_side=True)
s.serve_forever()
PY
server="ip netns exec \$space python3 '$work/server.py' >/dev/null 2>&1 & served=\$!; trap 'kill \$served; /sbin/ip netns del \$space' EXIT; sleep 2"
for client in curl wget; do
    command -v $client >/dev/null || { skip "the report with $client"; continue; }
    planned "$both"
    rm -f "$work/posted"
    trust="export CURL_CA_BUNDLE='$work/cert.pem'; mount --bind '$work/cert.pem' /etc/ssl/certs/ca-certificates.crt"
    check "$client: it runs" said dash "$address; $routes; $server; $trust" "ip bash $client"
    check "$client: the same lines are posted" equal "$(tr -d '\r' <"$work/console" | grep . | awk '!seen[$0]++')" "$(cat "$work/posted")"
    check "$client: and the console has them" judged
done
# What the plan brings to verify the server with, and nothing else that the machine trusts.
server_of_ours="$server; mount -t tmpfs none /etc/ssl; export CURL_CA_BUNDLE=/dev/null"
posts() { equal "$(tr -d '\r' <"$work/console" | grep . | awk '!seen[$0]++')" "$(cat "$work/posted")"; }
report=", \"report_to\": \"https://192.0.2.1:8443/evidence\", \"ca\": $(jq -Rs . <"$work/cert.pem")"
for client in curl wget; do
    command -v $client >/dev/null || { skip "the plan's certificate with $client"; continue; }
    planned "$both"
    rm -f "$work/posted"
    check "$client: it runs with the plan's certificate" said dash "$address; $routes; $server_of_ours" "ip bash $client"
    check "$client: it verifies the server with that" posts
    check "$client: nothing of it is left" equal "" "$(ls -A "$work/run")"
done
# Another server in its place, which has the word of nobody.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=192.0.2.1 -addext 'subjectAltName=IP:192.0.2.1' \
    -keyout "$work/other.key" -out "$work/other.pem" 2>/dev/null
report=", \"report_to\": \"https://192.0.2.1:8443/evidence\", \"ca\": $(jq -Rs . <"$work/other.pem")"
for client in curl wget; do
    command -v $client >/dev/null || continue
    planned "$both"
    rm -f "$work/posted"
    check "$client: it runs with another certificate" said dash "$address; $routes; $server_of_ours" "ip bash $client"
    check "$client: and tells such a server nothing" test ! -e "$work/posted"
    check "$client: the console hears it" judged
done
planned "$both"
rm -f "$work/posted"
check "BusyBox' wget: it runs" said "busybox sh" "$address; $routes; $server_of_ours" "ip bash wget" 60 "$applets"
check "BusyBox' wget: it is not trusted to verify anybody" test ! -e "$work/posted"
check "BusyBox' wget: the console hears it" judged

# ---- Our own server ----------------------------------------------------------------------------------
state=$work/state
build/bootferry --state "$state" init --address 192.0.2.1 >/dev/null
build/bootferry --state "$state" machine add web-1 >/dev/null
mkdir -p "$state/jobs/1"
# A failover that has delivered its files. There is no point that its report could be judged by, so it stays as it came.
tests/daemon/sql.py "$state/db.sqlite" <<SQL
INSERT INTO jobs VALUES (1, 'web-1', 'failover', 4, 1, 2, 0, 0, 0, 'delivered', 0, 0, 0, 0, 1, '');
INSERT INTO failovers VALUES (1, 'web-1', 2, 0, 'files:/srv', 0, '$word', 0, 0, '', '', 0, 0, 600, 0, 0, 'none');
SQL
ours="ip -n \$space link set lo up
    ip netns exec \$space build/bootferryd --state '$state' --listen 127.0.0.1:0 --reports 192.0.2.1:7668 >>'$work/daemon' 2>&1 & served=\$!
    trap 'kill \$served || true; wait \$served || true; /sbin/ip netns del \$space' EXIT; mount -t tmpfs none /etc/ssl"
report=", \"report_to\": \"https://192.0.2.1:7668/\", \"ca\": $(jq -Rs . <"$state/pki/root.pem")"
for client in curl wget; do
    command -v $client >/dev/null || { skip "our own server with $client"; continue; }
    planned "$both"
    rm -f "$state/jobs/1/guest".*
    check "$client: it runs with our own server" said dash "$address; $routes; $ours" "ip bash $client"
    check "$client: the server has what it says" equal "$(tr -d '\r' <"$work/console" | grep . | awk '!seen[$0]++')" "$(cat "$state/jobs/1/guest.new")"
done

report=', "report_to": "https://192.0.2.1:8443/evidence"'
planned "$both"
check "a server that is not there" said dash "$address; $routes" "ip bash curl wget"
check "does not matter" judged
finish
