#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A server without the hybrid key exchange: OpenSSL's configuration allows its default provider only, so neither our
# provider nor another one's group is taken. The daemon says so and goes on with X25519; kex=hybrid does not.
. "$(dirname "$0")/../e2e/lib.sh"
e2e_begin no-hybrid

printf '%s\n' 'openssl_conf = init' '[init]' 'alg_section = algorithms' '[algorithms]' \
    'default_properties = provider=default' >"$E2E_DIR/openssl.cnf"
# OpenSSL 3.5 has the group in that provider.
case $(openssl version) in
"OpenSSL 3."[0-4].*) ;;
*) e2e_skip "this OpenSSL has the group itself" ;;
esac
# shellcheck disable=SC2034 # for the library
BF_SERVER_WRAP="env OPENSSL_CONF=$E2E_DIR/openssl.cnf"
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_disk "$E2E_DIR/data.raw" 4 60
warns() { grep -q "does not support X25519MLKEM768: .* kex=hybrid refuses to connect; look at .*default_properties" "$1"; }
check "the daemon warns as it starts" warns "$E2E_LOGS/bootferryd.log"

e2e_config web-1 "$BF_SERVER_PORT" "$E2E_DIR/web-1.conf" retry=3
e2e_push 300 "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
check "it goes on with what it has" e2e_push_is_ok
check "which is X25519, as the sender says" grep -q '^BOOTFERRY event=tls .* group=X25519$' "$E2E_PUSH_LOG"
check "and the server" grep -q 'session begins .*key exchange X25519$' <(bf_cli status web-1)

e2e_config web-1 "$BF_SERVER_PORT" "$E2E_DIR/hybrid.conf" retry=3 kex=hybrid
check "a medium with kex=hybrid is warned of" grep -q '^Warning: kex=hybrid .* X25519MLKEM768' "$E2E_LOGS/cli.log"
e2e_push 300 "$E2E_DIR/hybrid.conf" "$E2E_DIR/data.raw"
check "its machine refuses, and the server is at fault" e2e_push_failed auth server
check "the sentence names the group and what to do" \
    matches 'no hybrid key exchange \(X25519MLKEM768\).* kex=auto' "$E2E_VERDICT"

# The same state, without the restriction.
bf_server_stop TERM
# shellcheck disable=SC2034
BF_SERVER_WRAP=''
bf_server_start "$E2E_LOGS/bootferryd-free.log"
check "a daemon that has the group does not warn" test -z "$(grep "does not support X25519MLKEM768" "$E2E_LOGS/bootferryd-free.log")"
sed -i "s/^server=.*/server=127.0.0.1:$BF_SERVER_PORT/" "$E2E_DIR/hybrid.conf"
e2e_push 300 "$E2E_DIR/hybrid.conf" "$E2E_DIR/data.raw"
check "and takes that machine" e2e_push_is_ok
e2e_end
