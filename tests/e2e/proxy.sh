#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# proxy.sh sender|boot: through tinyproxy with a user and a password. The server's name is
# "localhost", which only means the server where the proxy resolves it. The hosted sender also meets what a proxy refuses;
# the boot program enrols and uses several connections.
. "$(dirname "$0")/lib.sh"
kind=${1:?usage: proxy.sh sender|boot}
e2e_begin "proxy-$kind"

# tinyproxy PORT-THAT-MAY-BE-CONNECTED-TO: its port into $proxy_port.
start_proxy() {
    proxy_port=$(free_port)
    printf '%s\n' "Port $proxy_port" "Listen 127.0.0.1" "Timeout 600" "MaxClients 50" "LogFile \"$E2E_LOGS/proxy.log\"" \
        "LogLevel Connect" "BasicAuth web s3cret-w0rd" "ConnectPort $1" >"$E2E_DIR/proxy.conf"
    bf_bound tinyproxy -d -c "$E2E_DIR/proxy.conf" >>"$E2E_LOGS/proxy.out" 2>&1 &
    proxy_pid=$!
    E2E_CHILDREN+=("$proxy_pid")
    e2e_wait 20 "the proxy listens" proxy_listens
}
proxy_listens() { [ "$(bf_listening "$proxy_pid")" = "$proxy_port" ]; }
tunnels() { grep -c "CONNECT localhost:$BF_SERVER_PORT" "$E2E_LOGS/proxy.log" || true; }
silent_about() { ! grep -rqF -e "$1" "${@:2}"; }

e2e_disk "$E2E_DIR/data.raw" 64 31
bf_server_init "$E2E_DIR/state" localhost >>"$E2E_LOGS/cli.log"
bf_server_start "$E2E_LOGS/bootferryd.log"
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
start_proxy "$BF_SERVER_PORT"
password='s3cret%2Dw0rd'

if [ "$kind" = boot ]; then
    E2E_ENROL="--enrol-uses 1" e2e_media web-1 pxe "$E2E_DIR/tftp" "server=localhost:$BF_SERVER_PORT" \
        "proxy=http://web:$password@10.0.2.2:$proxy_port" connections=4 compress=off
    e2e_machine vm "$E2E_DIR/data.raw"
    bf_vm_nic vm virtio-net-pci "tftp=$E2E_DIR/tftp,bootfile=bootferry.efi" romfile=,bootindex=0
    e2e_boot vm 400
    check "the verdict" e2e_verdict_is_ok
    check "enrolment and session are tunnels" at_least 2 "$(tunnels)"
    check "the serial port has no password" silent_about w0rd "$E2E_LOGS/vm/serial.log"
else
    sender() { # PROXY
        e2e_config web-1 "$BF_SERVER_PORT" "$E2E_DIR/web-1.conf" "proxy=$1" retry=3
        sed -i "s/^server=.*/server=localhost:$BF_SERVER_PORT/" "$E2E_DIR/web-1.conf"
        e2e_push 120 "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
    }
    sender "http://web:$password@127.0.0.1:$proxy_port"
    check "the verdict" e2e_push_is_ok
    check "it went through the proxy" at_least 1 "$(tunnels)"
    sender "http://web:another@127.0.0.1:$proxy_port"
    check "a wrong password" e2e_push_failed auth config
    check "which is what is said" matches 'does not accept the user and password' "$E2E_VERDICT"
    sender "http://127.0.0.1:$proxy_port"
    check "no password" e2e_push_failed auth config
    kill "$proxy_pid"
    sender "http://web:$password@127.0.0.1:$proxy_port"
    check "no proxy" e2e_push_failed '(network|timeout)' network
    check "the proxy is named" matches 'what="the proxy: ' "$E2E_VERDICT"
    start_proxy 443
    sender "http://web:$password@127.0.0.1:$proxy_port"
    check "a port that the proxy does not allow" e2e_push_failed denied network
    check "no log has the password" silent_about w0rd "$E2E_LOGS"
fi
check "the point is the disk" e2e_same web-1@1 0 "$E2E_DIR/data.raw"
e2e_end
