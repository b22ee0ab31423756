#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A NIC inside the firmware: TCP to the host and back through the firmware's driver and through ours, three rounds in
# turn. Absolute figures mean little under TCG; the two drivers are compared with each other.
# shellcheck source=tests/efi/lib.sh
. "$(dirname "$0")/../efi/lib.sh"
# shellcheck source=tests/bench/lib.sh
. tests/bench/lib.sh
bench_open nics

# One connection after the other: its first byte says whether everything is taken, or 128 MiB are sent.
python3 - >"$T/port" <<'PYTHON' &
import socket, sys
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(4)
print(s.getsockname()[1], flush=True)
while True:
    c, _ = s.accept()
    data = c.recv(1)
    try:
        if data == b"d":
            c.sendall(bytes(128 << 20))
        while c.recv(1 << 20):
            pass
    except OSError:
        pass
    c.close()
PYTHON
at_exit kill $!
within 10 test -s "$T/port"

efi_disk bench_nics "$T/fat.img"
bf_vm bench "$T/vm" q35
bf_vm_firmware bench
bf_vm_add bench -m 512 -fw_cfg "name=opt/org.bootferry/server,string=10.0.2.2:$(cat "$T/port")"
bf_vm_disk bench ahci "$T/fat.img" raw bootindex=0
bf_vm_nic bench virtio-net-pci
bf_vm_start bench
bf_vm_wait_line bench '^bench done' 600 >/dev/null
bf_vm_serial bench | grep -a '^bench nic=' | tr -d '\r' | sort -k 2,3 -s | tee "$T/lines"
median() { sed -nE "s/.* nic=$1 direction=$2 .*$3=([0-9]+).*/\1/p" "$T/lines" | bench_median; } # DRIVER DIRECTION FIELD
for direction in up down; do
    bench_result "TCP $direction in the firmware, virtio-net beside SNP" "$(median virtio-net $direction mbps)" \
        "$(median snp $direction mbps)" MB/s least 1
done
# Every round of both drivers in both directions, without an error.
check 'bench nics' equal 12 "$(grep -c ' errors=0' "$T/lines")"
finish
