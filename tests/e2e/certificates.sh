#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Certificates that must not be accepted, in either direction: of another root, expired, revoked, in the other role, of
# the right root but unknown to the server, and none at all. None of them leaves a trace in the machine's points.
. "$(dirname "$0")/lib.sh"
e2e_begin certificates

e2e_disk "$E2E_DIR/data.raw" 16 50
pki=$E2E_DIR/state/pki

# replace KEY VALUE FILE: a line of a configuration.
replace() { awk -v k="$1" -v v="$2" 'index($0, k "=") == 1 { $0 = k "=" v } { print }' "$3" >"$3.new" && mv "$3.new" "$3"; }
line() { sed -n "s/^$1=//p" "$2"; }
der() { openssl x509 -in "$1" -outform DER | base64 -w 0; }
der_key() { openssl pkey -in "$1" -outform DER | base64 -w 0; }
# pem_of CONFIG: its certificate and key as $1.crt and $1.key.
pem_of() {
    line certificate "$1" | base64 -d | openssl x509 -inform DER -out "$1.crt"
    line key "$1" | base64 -d | openssl pkey -inform DER -out "$1.key" 2>/dev/null
}
# refused WHAT CONFIG
refused() {
    e2e_push 120 "$2" "$E2E_DIR/data.raw"
    check "$1" e2e_push_failed '(auth|denied)' '(config|server|source)'
}

e2e_server
for machine in web-1 web-2; do
    bf_cli machine add $machine >>"$E2E_LOGS/cli.log"
    e2e_config $machine "$BF_SERVER_PORT" "$E2E_DIR/$machine.conf" retry=3
done

# Another root: a second server's machine of the same name, and that server in place of ours.
first_port=$BF_SERVER_PORT
BF_SERVER_PORT='' bf_server_init "$E2E_DIR/other" 127.0.0.1 >>"$E2E_LOGS/cli.log"
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_config web-1 "$first_port" "$E2E_DIR/other.conf" retry=3
# shellcheck disable=SC2034 # for the library
BF_SERVER_STATE=$E2E_DIR/state
cp "$E2E_DIR/other.conf" "$E2E_DIR/client-other.conf"
replace root "$(line root "$E2E_DIR/web-1.conf")" "$E2E_DIR/client-other.conf"
refused "the server refuses a machine of another root" "$E2E_DIR/client-other.conf"
refused "a machine refuses a server of another root" "$E2E_DIR/other.conf"

# Of our root, for the right name, but not issued by the server.
openssl ecparam -name prime256v1 -genkey -noout -out "$E2E_DIR/unknown.key"
pem_of "$E2E_DIR/web-1.conf"
openssl x509 -in "$E2E_DIR/web-1.conf.crt" -signkey "$E2E_DIR/unknown.key" -x509toreq -copy_extensions copyall -out "$E2E_DIR/unknown.csr" 2>>"$E2E_LOGS/openssl.log"
openssl x509 -req -in "$E2E_DIR/unknown.csr" -CA "$pki/root.pem" -CAkey "$pki/root.key" -copy_extensions copyall -days 30 -out "$E2E_DIR/unknown.crt" 2>>"$E2E_LOGS/openssl.log"
cp "$E2E_DIR/web-1.conf" "$E2E_DIR/unknown.conf"
replace certificate "$(der "$E2E_DIR/unknown.crt")" "$E2E_DIR/unknown.conf"
replace key "$(der_key "$E2E_DIR/unknown.key")" "$E2E_DIR/unknown.conf"
refused "the server refuses what it has not issued" "$E2E_DIR/unknown.conf"

# Swapped roles: the server's certificate as a machine's, and a machine's as the server's.
cp "$E2E_DIR/web-1.conf" "$E2E_DIR/swapped.conf"
replace certificate "$(der "$pki/server.pem")" "$E2E_DIR/swapped.conf"
replace key "$(der_key "$pki/server.key")" "$E2E_DIR/swapped.conf"
refused "the server refuses a server's certificate from a machine" "$E2E_DIR/swapped.conf"

pem_of "$E2E_DIR/web-2.conf"
mkfifo "$E2E_DIR/hold"
bf_bound openssl s_server -accept 127.0.0.1:0 -tls1_3 -cert "$E2E_DIR/web-2.conf.crt" -key "$E2E_DIR/web-2.conf.key" \
    -cert_chain "$pki/root.pem" -quiet <>"$E2E_DIR/hold" >"$E2E_LOGS/s_server.log" 2>&1 &
impostor=$!
E2E_CHILDREN+=("$impostor")
listens() { [ -n "$(bf_listening "$impostor")" ]; }
e2e_wait 20 "the impostor listens" listens
sed "s/^server=.*/server=127.0.0.1:$(bf_listening "$impostor")/" "$E2E_DIR/web-1.conf" >"$E2E_DIR/impostor.conf"
refused "a machine refuses another machine in the server's place" "$E2E_DIR/impostor.conf"

# No certificate, and nothing that could be an enrolment: the server says nothing of its machines, and closes.
e2e_random 51 200 | timeout 60 openssl s_client -connect "127.0.0.1:$BF_SERVER_PORT" -tls1_3 -quiet \
    -CAfile "$pki/root.pem" >"$E2E_DIR/stranger.out" 2>>"$E2E_LOGS/openssl.log" || true
check "a stranger learns nothing" fails 1 grep -aqE 'web-[12]' "$E2E_DIR/stranger.out"
check "the server lives" kill -0 "$BF_SERVER_PID"

# Another machine's certificate under this machine's name is still that other machine.
cp "$E2E_DIR/web-2.conf" "$E2E_DIR/renamed.conf"
replace name web-1 "$E2E_DIR/renamed.conf"
e2e_push 120 "$E2E_DIR/renamed.conf" "$E2E_DIR/data.raw"
check "nobody appends to another machine's points" equal 0 "$(e2e_points web-1)"

# What is right still works; then it is revoked.
e2e_push 120 "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
check "the right one is accepted" e2e_push_is_ok
bf_cli machine revoke web-1 >>"$E2E_LOGS/cli.log"
refused "revoked, it is refused" "$E2E_DIR/web-1.conf"
check "its point stays" e2e_same web-1 0 "$E2E_DIR/data.raw"

# Expired, in either direction: thirty years later.
e2e_clock +31y
bf_server_stop TERM
before=$(e2e_points web-2)
BF_SERVER_WRAP=$E2E_DIR/clock e2e_server_again
refused "the server refuses an expired machine" "$E2E_DIR/web-2.conf"
bf_server_stop TERM
e2e_server_again
E2E_PUSH_WRAP=$E2E_DIR/clock e2e_push 120 "$E2E_DIR/web-2.conf" "$E2E_DIR/data.raw"
check "a machine refuses an expired server" e2e_push_failed '(auth|clock)' '(config|server|source)'
check "no point came of it" equal "$before" "$(e2e_points web-2)"
e2e_end
