#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Another implementation of X25519MLKEM768 as the judge, in both directions: OpenSSL 3.5 of Debian trixie, its packages
# unpacked into a root of their own and run by that root's dynamic linker. The server is ours with OpenSSL 3.0 and our
# provider, then ours on 3.5's libraries, which have the group themselves.
. "$(dirname "$0")/../e2e/lib.sh"
e2e_begin openssl35

cache=${BOOTFERRY_CACHE:-$E2E_TOP/build/cache}/openssl35
tree=$E2E_TOP/build/openssl35
libraries=$tree/usr/lib/x86_64-linux-gnu
from35=("$libraries/ld-linux-x86-64.so.2" --library-path "$libraries")
openssl35() { "${from35[@]}" "$tree/usr/bin/openssl" "$@"; }

mirror() {
    apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk -v r="$(. /etc/os-release && echo "$VERSION_CODENAME")" '$2 == r && $3 == "main" { print $1; exit }'
}

# fetch: the packages into the cache, by an apt configuration that knows nothing but trixie.
fetch() {
    local dir=$E2E_DIR/apt
    mkdir -p "$dir/sources" "$dir/lists/partial" "$dir/archives/partial" "$cache.new"
    printf '%s\n' "Types: deb" "URIs: $(mirror)" "Suites: trixie" "Components: main" "Architectures: amd64" \
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg" >"$dir/sources/debian.sources"
    apt() {
        "$@" -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$dir/sources" -o Dir::State::Lists="$dir/lists" \
            -o Dir::Cache="$dir" -o Dir::State::status=/dev/null -o Acquire::Retries=3
    }
    apt apt-get update && (cd "$cache.new" && apt apt-get download openssl libssl3t64 libc6 zlib1g libzstd1) &&
        rm -rf "$cache" && mv "$cache.new" "$cache"
}

# ready: the root is there, or is made.
ready() {
    local package
    [ ! -e "$tree/stamp" ] || return 0
    ls "$cache"/*.deb >/dev/null 2>&1 || fetch >"$E2E_LOGS/apt.log" 2>&1 || return 1
    rm -rf "$tree"
    mkdir -p "$tree"
    for package in "$cache"/*.deb; do dpkg-deb -x "$package" "$tree" || return 1; done
    touch "$tree/stamp"
}
[ "$(uname -m)" = x86_64 ] || e2e_skip "the packages are for x86-64"
ready || e2e_skip "the mirror has no OpenSSL 3.5 of trixie, see $E2E_LOGS/apt.log"
check "the judge is OpenSSL 3.5 or newer" matches '^OpenSSL (3\.[5-9]|3\.[1-9][0-9]|[4-9])' "$(openssl35 version)"

# ---- Its client, our server --------------------------------------------------------------------

# client OPTION...: a handshake, up to the end of its input.
client() {
    timeout 120 "${from35[@]}" "$tree/usr/bin/openssl" s_client -connect "127.0.0.1:$BF_SERVER_PORT" -brief \
        -CAfile "$E2E_DIR/state/pki/root.pem" -verify_return_error "$@" </dev/null >"$E2E_LOGS/s_client.log" 2>&1
}
# agrees WHAT REGEX OPTION...
agrees() {
    local what=$1 regex=$2
    shift 2
    client "$@" || true
    check "$what" grep -qE "$regex" "$E2E_LOGS/s_client.log"
}
hybrid='^Negotiated TLS1.3 group: X25519MLKEM768$'
judge_server() {
    agrees "$1: its client with the hybrid group alone" "$hybrid" -groups X25519MLKEM768
    agrees "$1: its client as it is" "$hybrid"
    agrees "$1: its client with X25519" 'Peer Temp Key: X25519|group: x25519' -groups X25519
    agrees "$1: its client with P-256" 'Peer Temp Key: ECDH, prime256v1|group: secp256r1' -groups P-256
    agrees "$1: its client with nothing in common" 'alert handshake failure' -groups X448
}
e2e_server
judge_server "our provider"
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_config web-1 "$BF_SERVER_PORT" "$E2E_DIR/web-1.conf" retry=3 kex=hybrid
e2e_disk "$E2E_DIR/data.raw" 4 60
e2e_push 300 "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
check "our client with kex=hybrid, our server" e2e_push_is_ok
check "the sender names the key exchange" grep -q '^BOOTFERRY event=tls .* group=X25519MLKEM768' "$E2E_PUSH_LOG"
check "and so does the server" grep -q 'session begins .*key exchange X25519MLKEM768' <(bf_cli status web-1)
bf_server_stop TERM

BF_SERVER_WRAP="${from35[0]} --library-path $libraries:/usr/lib/x86_64-linux-gnu:/lib/x86_64-linux-gnu"
bf_server_start "$E2E_LOGS/server35.log"
judge_server "our server on OpenSSL 3.5"
agrees "there a client that sent another share is asked again" "$hybrid" -groups '*X25519:X25519MLKEM768'
sed -i "s/^server=.*/server=127.0.0.1:$BF_SERVER_PORT/" "$E2E_DIR/web-1.conf"
e2e_push 300 "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
check "our client with kex=hybrid, our server on OpenSSL 3.5" e2e_push_is_ok
# shellcheck disable=SC2034 # for the library
BF_SERVER_WRAP=''
bf_server_stop TERM

# ---- Our client, its server --------------------------------------------------------------------

# its_server GROUPS: s_server with our server's certificate. It does not speak our protocol, so a run fails after TLS.
its_server() {
    mkfifo "$E2E_DIR/hold.$1"
    bf_bound "${from35[@]}" "$tree/usr/bin/openssl" s_server -accept 127.0.0.1:0 -tls1_3 -groups "$1" -Verify 1 \
        -cert "$E2E_DIR/state/pki/server.pem" -key "$E2E_DIR/state/pki/server.key" \
        -CAfile "$E2E_DIR/state/pki/root.pem" <>"$E2E_DIR/hold.$1" >"$E2E_LOGS/s_server.$1.log" 2>&1 &
    its_pid=$!
    E2E_CHILDREN+=("$its_pid")
    e2e_wait 60 "its server listens" its_listens
}
its_listens() { [ -n "$(bf_listening "$its_pid")" ]; }

# meets GROUPS KEX: a run of our sender against it, as far as it gets.
meets() {
    its_server "$1"
    sed -E "s/^server=.*/server=127.0.0.1:$(bf_listening "$its_pid")/; s/^(retry|kex)=.*/#/" "$E2E_DIR/web-1.conf" >"$E2E_DIR/its.conf"
    printf 'retry=1\nkex=%s\n' "$2" >>"$E2E_DIR/its.conf"
    e2e_push_start "$E2E_DIR/its.conf" "$E2E_DIR/data.raw"
}
# ends: the sender waits for an answer that s_server will never give, until that is killed.
ends() {
    kill "$its_pid" && { wait "$its_pid" 2>/dev/null || true; }
    e2e_push_wait 300
}
# reaches WHAT GROUPS KEX REGEX: the handshake is complete, by what the other side says of it.
reaches() {
    meets "$2" "$3"
    check "$1" e2e_wait 120 "its server names the group" grep -aqE "$4" "$E2E_LOGS/s_server.$2.log"
    ends
}
# With one group in common, that is the one; the certificate and the cipher are printed after the handshake only.
reaches "its server with the hybrid group" X25519MLKEM768 hybrid '^Shared groups: X25519MLKEM768'
reaches "its server with X25519 alone" X25519 auto '^Shared groups: x25519'
reaches "its server with P-256 alone, by a second hello" P-256 auto '^Shared groups: secp256r1'
meets X25519:P-256 hybrid
e2e_push_wait 300
check "kex=hybrid refuses its server without the group" e2e_push_failed auth server
check "and says why" matches 'no hybrid key exchange \(X25519MLKEM768\).* kex=auto' "$E2E_VERDICT"
e2e_end
