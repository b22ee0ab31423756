#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# States that older versions left are opened, shown, verified and exported, and the session that was under way in them
# goes on where it was interrupted.
#
# tests/daemon/older/schema-N.sql is a dump of the database that a version with schema N wrote. Its programs did the
# following, which leaves the files that older_state makes: bootferry-push copied a machine with the disks a.raw and
# b.raw, with compress=off and limit=4M; a.raw was changed as it is here; it was copied again through tests/tcpfault,
# which stalled after 8000000 bytes; then the daemon was killed. Whoever changes the schema adds a dump.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
FILES=$PWD/build/tests/older_files
OLDER=$PWD/tests/daemon/older
CONTINUED=$PWD/tests/daemon/continued.py
SQL=$PWD/tests/daemon/sql.py
port='' # of the daemon
DURABLE=96 # the first chunk of the changed disk that the daemon had not acknowledged as durable; chunks have 64 KiB
RECORDED=128 # the first one that was not in the working manifest, which is written before the layer

# ---- What was copied ---------------------------------------------------------------------------

text_at() { seq "$2" "$3" | dd of="$1" bs=1M seek=1 conv=notrunc iflag=fullblock status=none; }
# disk FILE BYTES NUMBER: a GPT disk without partitions, which is known by its GUID.
disk() {
    truncate -s "$2" "$1"
    sgdisk --clear --disk-guid="00000000-0000-4000-8000-00000000000$3" "$1" >/dev/null
}
disk "$T/a1.raw" 24M 1
text_at "$T/a1.raw" 1 400000
cp "$T/a1.raw" "$T/a.raw"
text_at "$T/a.raw" 500001 2000000
disk "$T/b.raw" $(((8 << 20) + 4096)) 2
text_at "$T/b.raw" 400001 500000
# What the working manifest calls the live layer's content: the beginning of the new disk, the end of the one before.
{ head -c $((RECORDED << 16)) "$T/a.raw"; tail -c +$(((RECORDED << 16) + 1)) "$T/a1.raw"; } >"$T/recorded.raw"

# ---- Keys and certificates, as they have always been -------------------------------------------

mkdir "$T/pki"
# issue NAME PURPOSE ALTERNATIVE: a key and a certificate of the root.
issue() {
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$T/pki/$1.key" \
        -out "$T/$1.csr" 2>/dev/null
    printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature "extendedKeyUsage=$2" \
        subjectKeyIdentifier=hash authorityKeyIdentifier=keyid "subjectAltName=$3" >"$T/extensions"
    openssl x509 -req -in "$T/$1.csr" -CA "$T/pki/root.pem" -CAkey "$T/pki/root.key" -days 100 \
        -extfile "$T/extensions" -out "$T/pki/$1.pem" 2>/dev/null
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=Bootferry root 4feeab29' -days 100 \
    -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign \
    -keyout "$T/pki/root.key" -out "$T/pki/root.pem" 2>/dev/null
issue server serverAuth IP:127.0.0.1,URI:bootferry:server
issue web-1 clientAuth URI:bootferry:machine:web-1
pem() { openssl "$@" -outform DER 2>/dev/null; }
# row CERTIFICATE MACHINE ROLE ORIGIN: of the table of certificates, which has had these columns in every version.
row() {
    local serial print
    serial=$(openssl x509 -in "$T/pki/$1.pem" -noout -serial)
    print=$(pem x509 -in "$T/pki/$1.pem" | sha256sum)
    echo "INSERT INTO certificates VALUES ('$(tr A-F a-f <<<"${serial#*=}")', X'${print%% *}', '$2', $3, '$4',
          1796027257, 2742107257, 0);"
}
# The medium, as text.
medium() {
    printf '%s\n' name=web-1 made=1796027260 "root=$(pem x509 -in "$T/pki/root.pem" | base64 -w 0)" \
        "certificate=$(pem x509 -in "$T/pki/web-1.pem" | base64 -w 0)" \
        "key=$(pem ec -in "$T/pki/web-1.key" | base64 -w 0)" "server=127.0.0.1:$1" compress=off >"$T/web-1.conf"
}

# ---- The state ---------------------------------------------------------------------------------

layer() { # FILE BYTES [LOWER]
    qemu-img create -q -u -f qcow2 -o compat=1.1,lazy_refcounts=off,cluster_size=65536,extended_l2=off \
        ${3:+-b "$3" -F qcow2} "$1" "$2"
}
# older_disk NUMBER LAYER-1 RECORDS SESSION BOOT NEXT STATE: its two layers and manifests, without what is in layer 2.
older_disk() {
    local folder=$BOOTFERRY_STATE/machines/web-1/disk-$1 bytes
    bytes=$(stat -c %s "$2")
    mkdir -p "$folder"
    layer "$folder/layer-000001.qcow2" "$bytes"
    qemu-img convert -n -f raw -O qcow2 "$2" "$folder/layer-000001.qcow2"
    "$FILES" sealed "$2" "$folder/layer-000001.manifest" >"$T/root-$1"
    layer "$folder/layer-000002.qcow2" "$bytes" layer-000001.qcow2
    "$FILES" working "$3" "$folder/working" "${@:4}"
}
# session_of POINT: its id and the boot of the source.
session_of() {
    "$SQL" "$BOOTFERRY_STATE/db.sqlite" "SELECT lower(hex(id)), lower(hex(boot)) FROM sessions WHERE point = $1"
}
older_state() { # SCHEMA
    local database=$BOOTFERRY_STATE/db.sqlite first second
    rm -rf "$BOOTFERRY_STATE"
    mkdir -m 700 "$BOOTFERRY_STATE" "$BOOTFERRY_STATE/machines" "$BOOTFERRY_STATE/run" "$BOOTFERRY_STATE/pki"
    cp "$T"/pki/{root,server}.* "$BOOTFERRY_STATE/pki/"
    "$SQL" "$database" <"$OLDER/schema-$1.sql"
    { row server '' 1 init; row web-1 web-1 2 media; } | "$SQL" "$database"
    read -ra first < <(session_of 1)
    read -ra second < <(session_of 0)
    older_disk 0 "$T/a1.raw" "$T/recorded.raw" "${second[@]}" "$DURABLE" doubtful
    older_disk 1 "$T/b.raw" "$T/b.raw" "${first[@]}" 129 'done'
    # The first 16 chunks have not changed.
    dd if="$T/a.raw" of="$T/durable" bs=65536 skip=16 count=$((DURABLE - 16)) status=none
    qemu-io -f qcow2 -c "write -s $T/durable 1M $(((DURABLE - 16) << 16))" \
        "$BOOTFERRY_STATE/machines/web-1/disk-0/layer-000002.qcow2" >/dev/null
    # Of the daemon that was killed.
    (cd "$BOOTFERRY_STATE/run" && python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("control")')
}
# roots: those that the older version wrote into its database are those of the files here.
roots() {
    "$SQL" "$BOOTFERRY_STATE/db.sqlite" 'SELECT lower(hex(root)) FROM point_disks ORDER BY disk' |
        diff - <(cat "$T/root-0" "$T/root-1")
}
# columns DATABASE: of all its tables.
columns() {
    "$SQL" "$1" "SELECT m.name, p.* FROM sqlite_master m, pragma_table_info(m.name) p
                 WHERE m.type = 'table' ORDER BY m.name, p.cid"
}
goes_on() {
    local said
    said=$("$CONTINUED" "$BOOTFERRY_STATE" "$port" "$T/pki/web-1.pem" "$T/pki/web-1.key") &&
        equal "goes on: disk 0 from $DURABLE disk 1 from 0" "$said"
}

BOOTFERRY_STATE=$T/fresh "$B" init --address 127.0.0.1 >/dev/null
version() { "$SQL" "$1/db.sqlite" 'PRAGMA user_version'; }
newest=$(version "$T/fresh")
dumps() { find "$OLDER" -name 'schema-*.sql' | sort -V; }
check "there is a dump of every schema" diff <(seq -f "$OLDER/schema-%g.sql" "$newest") <(dumps)
for ((schema = 1; schema <= newest; schema++)); do
    older_state "$schema"
    check "schema $schema: the state is of that version" equal "$schema" "$(version "$BOOTFERRY_STATE")"
    check "schema $schema: the disks are those of then" roots
    : >"$T/daemon.log"
    daemon_start --sessions 2
    medium "$port"
    check "schema $schema: the daemon opens it" equal "$newest" "$(version "$BOOTFERRY_STATE")"
    check "schema $schema: it has today's tables" \
        diff <(columns "$T/fresh/db.sqlite") <(columns "$BOOTFERRY_STATE/db.sqlite")
    check "schema $schema: the point is listed" json '.points | length == 1 and (.[0] | .ref == "web-1@1" and
        [.disks[].data_bytes] == [2883584, 790528] and .source.processors == 2)' "$B" points web-1 --json
    check "schema $schema: with what could not be read" json \
        "[.points[0].unreadable[] | [.disk, .offset, .bytes]] ==
         ([[1, 6291456, 4096]] | if $schema > 1 then . else [] end)" \
        "$B" points web-1@1 --json
    check "schema $schema: the session is shown" json '.machines[0] | .name == "web-1" and .live == null and
        .job.kind == "replication" and ([.jobs[].point] | index(1) != null) and (.events | length >= 3)' \
        "$B" status web-1 --json
    check "schema $schema: the point verifies" json '.ok and (.disks | length == 2)' "$B" verify web-1@1 --json
    check "schema $schema: its first disk is exported" exported 1 0 "$T/a1.raw"
    check "schema $schema: its second disk is exported" exported 1 1 "$T/b.raw"

    check "schema $schema: the session goes on" goes_on
    check "schema $schema: after what was in doubt was read again" \
        grep -q "disk 0: re-read 1 window in doubt, $((RECORDED - DURABLE)) chunks differed" "$T/daemon.log"
    check "schema $schema: another boot of the source ends it with a point" push --disk "$T/a.raw" --disk "$T/b.raw"
    check "schema $schema: what was durable is not sent again" at_most 6599999 "$(field sent)"
    check "schema $schema: the new point verifies" json '.ok' "$B" verify web-1@2 --json
    check "schema $schema: it is the changed disk" exported 2 0 "$T/a.raw"
    check "schema $schema: the older point is what it was" exported 1 0 "$T/a1.raw"
    check "schema $schema: the daemon stops" daemon_stop
done
finish
