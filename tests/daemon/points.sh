#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whole runs of the hosted sender: points, their disks, verification, export, what the finalizer
# refuses, and a damaged store, all with the operator's command, with the daemon up and down.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
port='' # of the daemon

"$B" init --address 127.0.0.1 >/dev/null
"$B" machine add web-1 >/dev/null
"$B" machine add db-1 >/dev/null
daemon_start --sessions 8
for machine in web-1 db-1; do
    "$B" media "$machine" --conf "$T/$machine.conf" --set "server=127.0.0.1:$port" >/dev/null
done

# disk FILE MIB: some data, some zeros, a size that is no multiple of a chunk.
disk() {
    head -c 3M /dev/urandom >"$1"
    yes 'the text of a file that compresses well' | head -c 2M >>"$1" || true
    truncate -s "$((($2 << 20) + 4096))" "$1"
}
push() { "$PUSH" --conf "$@" >"$T/push.log" 2>&1; }
disk "$T/a.raw" 24
disk "$T/b.raw" 8
disk "$T/c.raw" 16

# ---- A point of two disks ----------------------------------------------------------------------

bf_bound "$B" status web-1 --watch >"$T/watch" &
watch=$!
check "a run of two disks" push "$T/web-1.conf" --disk "$T/a.raw" --disk "$T/b.raw"
check "status --watch ends with it" wait "$watch"
check "points" grep -q '^web-1@1 .* 2 ' <("$B" points web-1)
check "one point, with what a plan needs to know of the source" grep -qE '^NIC: ([0-9a-f]{2}:){5}[0-9a-f]{2}$' <("$B" points web-1@1)
check "points --json" json \
    '.machine == "web-1" and (.points | length == 1) and (.points[0] |
     .ref == "web-1@1" and .point == 1 and .finalized == [] and .excluded == [] and
     (.root | test("^[0-9a-f]{64}$")) and [.disks[].disk] == [0, 1] and
     .disks[0].bytes == 25169920 and .disks[0].data_bytes > 5000000 and
     .source.processors > 0)' "$B" points web-1 --json
check "status says what became of it" json \
    '.served and (.machines[] | select(.name == "web-1") | .phase == "Succeeded" and .live == null and
     .job.kind == "replication" and .job.point == 1 and .job.since.Running != null and
     .job.bytes_total == 33562624 and (.events | length >= 2))' "$B" status --json
check "verify" grep -q '^web-1@1 is the same as the source' <("$B" verify web-1)
check "verify --json" json '.ok and .ref == "web-1@1" and (.disks | length == 2) and .disks[0].damaged == 0' \
    "$B" verify web-1@1 --json

# ---- Export ------------------------------------------------------------------------------------

check "export raw" exits 0 "$B" export web-1 --disk 0 --format raw "$T/out.raw"
check "it is the disk" cmp "$T/a.raw" "$T/out.raw"
check "it is private" mode_is 600 "$T/out.raw"
check "an existing file is not overwritten" exits 1 "$B" export web-1 --disk 1 --format raw "$T/out.raw"
check "export qcow2 of the other disk" exits 0 "$B" export web-1@1 --disk 1 --format qcow2 "$T/out.qcow2"
check "it is that disk" qemu-img compare -f raw -F qcow2 "$T/b.raw" "$T/out.qcow2"
# Ended as soon as its storage daemon serves the disk: all that may be there is the whole file.
cut_export() {
    mkdir "$T/cut"
    bf_bound "$B" export web-1 --disk 0 --format raw "$T/cut/disk.raw" &
    local pid=$!
    until compgen -G "$BOOTFERRY_STATE/run/export-*.nbd"; do kill -0 "$pid" || break; sleep 0.01; done
    kill "-$1" "$pid" || true
    wait "$pid" || true
    rm -f "$T/cut/disk.raw"
    rmdir "$T/cut"
}
check "an export that is ended leaves no part" cut_export TERM
check "one that is killed leaves none either" cut_export KILL
# stalled COMMAND...: an export whose qemu-img runs the command instead, with the storage daemon's process in $daemon. It
# fails and leaves nothing, and what the storage daemon says of its clients is not shown.
stalled() {
    mkdir -p "$T/fake" "$T/cut"
    cat >"$T/fake/qemu-img" <<EOF
#!/bin/bash
daemon=\$(pgrep -P "\$PPID" -f qemu-storage-daemon)
export daemon
$*
EOF
    chmod 755 "$T/fake/qemu-img"
    local status=0
    PATH=$T/fake:$PATH "$B" export web-1 --disk 0 --format raw "$T/cut/disk.raw" >"$T/stdout" 2>"$T/stderr" ||
        status=$?
    cat "$T/stderr"
    [ "$status" != 0 ] && [ -s "$T/stderr" ] && rmdir "$T/cut" && ! grep -q 'Disconnect client' "$T/stderr"
}
is_interrupted() {
    stalled "$@" && diff - "$T/stderr" <<'EOF'
bootferry: the export was interrupted.
  side: none (cancelled)
  next: start it again
EOF
}
# A client of the storage daemon, which loses it in the middle of a read: that is what it complains about.
reading="exec $(command -v qemu-img) bench -c 1000000000 -f raw \"\${@: -2:1}\""
interrupting='(until grep -q " 03 .*run/export-$PPID.nbd" /proc/net/unix; do sleep 0.05; done; kill -TERM $PPID) &'
check "an export that is interrupted says so" is_interrupted "$interrupting $reading"
check "and when its children were, too" is_interrupted 'kill -HUP $PPID; kill $daemon; exit 1'
loses_daemon() {
    stalled "$@" && grep -qE "$words" "$T/stderr" && grep -qF 'next: start it again' "$T/stderr" &&
        ! grep -qE 'next attempt|^[a-z: ]*qemu-img' "$T/stderr"
}
words='the storage daemon has ended unexpectedly .exporting.'
check "a storage daemon that was killed" loses_daemon 'kill -KILL $daemon; echo qemu-img: Failed to read; exit 1'
words='the storage daemon hung and was killed .exporting.'
check "a storage daemon that is stopped" loses_daemon "kill -STOP \$daemon; $reading"
# A link that leads nowhere: it is neither followed nor replaced.
export_into_link() {
    ln -s linked "$T/link.raw"
    exits 1 "$B" export web-1 --disk 0 --format raw "$T/link.raw" && test ! -e "$T/linked" && test -L "$T/link.raw"
}
check "a link is a name that is taken" export_into_link
check "a disk that is not there" refused 1 'no disk 2' "$B" export web-1 --disk 2 --format raw "$T/no"
check "an object that is not there" refused 1 'no web-1@1/1' "$B" export web-1@1/1 --disk 0 --format raw "$T/no"

# ---- Later runs, another machine ---------------------------------------------------------------

printf 'changed' | dd of="$T/a.raw" bs=1 seek=1000000 conv=notrunc status=none
bf_bound "$PUSH" --conf "$T/db-1.conf" --disk "$T/c.raw" >"$T/push-db.log" 2>&1 &
other=$!
check "a later run" push "$T/web-1.conf" --set limit=1G --disk "$T/a.raw" --disk "$T/b.raw"
check "while another machine runs" wait "$other"
check "it was limited as asked" grep -q "^BOOTFERRY event=progress .* limit=1073741824" "$T/push.log"
check "NAME alone is the latest point" json '.ref == "web-1@2" and .ok' "$B" verify web-1 --json
check "the earlier one is what it was" exits 0 "$B" verify web-1@1
check "the other machine has its own" json '.points | length == 1' "$B" points db-1 --json
rm "$T/out.raw"
"$B" export db-1 --disk 0 --format raw "$T/out.raw" >/dev/null
check "of its own disk" cmp "$T/c.raw" "$T/out.raw"
check "another set of disks is refused" exits 1 push "$T/web-1.conf" --disk "$T/a.raw"
check "with the disk that is missing" grep -q 'disk 1 of this replica' "$T/push.log"
check "and no point" json '.points | length == 2' "$B" points web-1 --json
check "the refusal is in the events" grep -q 'refused: disk 1' <("$B" status web-1)

# ---- The finalizer -----------------------------------------------------------------------------

echo '{"version":1,"target":{"kind":"qemu-virtio"}}' >"$T/plan.json"
before=$(find "$BOOTFERRY_STATE/machines" | sort)
check "disks without a system are refused" refused 1 'no Linux' "$B" finalize web-1 --plan "$T/plan.json"
check "and by a dry run" refused 1 'no Linux' "$B" finalize web-1 --plan "$T/plan.json" --dry-run
echo nonsense >"$T/bad.json"
check "a plan that is none is refused" refused 1 plan "$B" finalize web-1 --plan "$T/bad.json"
check "nothing is left of these" test "$(find "$BOOTFERRY_STATE/machines" | sort)$(ls -A "$TMPDIR")" = "$before"
check "no object either" json '[.points[].finalized[]] == []' "$B" points web-1 --json
check "a VM that is not there" refused 1 "$T/none" "$B" finalize web-1 --plan "$T/plan.json" --vm "$T/none"
# Ended as soon as the overlays are there.
cut_finalize() {
    bf_bound "$B" finalize web-1 --plan "$T/plan.json" >"$T/cut.log" 2>&1 &
    local pid=$! status=0
    until compgen -G "$BOOTFERRY_STATE/machines/web-1/finalized-*/*.qcow2"; do kill -0 "$pid" || break; sleep 0.01; done
    kill -TERM "$pid" || true
    wait "$pid" || status=$?
    [ "$status" = 1 ] && grep -q 'interrupted' "$T/cut.log" &&
        [ "$(find "$BOOTFERRY_STATE/machines" | sort)$(ls -A "$TMPDIR")" = "$before" ]
}
check "a finalization that is ended leaves nothing" cut_finalize
check "the failed jobs are on record" json \
    '.machines[0] | .phase == "Failed" and ([.jobs[] | select(.kind == "finalize" and .phase == "Failed")] | length == 2)' \
    "$B" status web-1 --json

# ---- Without the daemon, and a damaged store ---------------------------------------------------

check "the daemon stops" daemon_stop
check "points without it" json '.points | length == 2' "$B" points web-1 --json
check "verify without it" exits 0 "$B" verify web-1@2
check "status without it" json '.served == false' "$B" status --json
flip() { # in the layer that holds the text: one byte of it
    python3 - "$BOOTFERRY_STATE/machines/db-1/disk-0" <<'PY'
import os, sys
for name in sorted(os.listdir(sys.argv[1])):
    path = os.path.join(sys.argv[1], name)
    if not name.endswith(".qcow2"):
        continue
    with open(path, "r+b") as file:
        at = file.read().find(b"compresses well")
        if at >= 0:
            file.seek(at)
            file.write(b"C")
            sys.exit(0)
sys.exit(1)
PY
}
check "damage is done" flip
check "verify finds it" exits 1 "$B" verify db-1 --json
check "and says where" jq -e '.ok == false and .disks[0].damaged == 1' "$T/stdout"
finish
