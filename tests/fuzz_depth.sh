#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/fuzz_depth.sh RUNS [FOLDER]
#
# How deep the fuzzers' inputs come: of RUNS inputs that are tried after the seeds (-seed=1; a tenth
# of them for fuzz_tls, each of which may be a handshake), how many reach the places below. A place
# is the first line of a block that only sound input leads to, told by its text. With FOLDER, the
# absolute path of a checkout of another commit made for this purpose, whose build/fuzz is
# overwritten, its fuzzers are built and measured as well. The fuzzers have no sanitizers here and
# every block is counted (tests/fuzz_depth.c), so libFuzzer's cov is not that of `make check`.
# Prints the table of docs/hacking.md.
set -euo pipefail
shopt -s inherit_errexit
runs=$1 other=${2:-}
flags='$(HOSTED) -O0 -fsanitize=fuzzer-no-link -fsanitize-coverage=no-prune -DBF_FUZZ'
link="-fsanitize=fuzzer -pthread -Wl,--wrap=LLVMFuzzerTestOneInput $PWD/build/depth/tests/fuzz_depth.o"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fuzzer | place | source | text of the line [| source and text in a checkout from before that source]
cat >"$work/places" <<'PLACES'
sender | the plans are agreed | migrate/remote/frames.c | r->state = BF_REMOTE_OPEN; | migrate/sender_session.c | bf_sender_begin_copy(s);
sender | data is durable | migrate/remote/frames.c | r->durable[index] = m.next_chunk; | migrate/sender_session.c | bf_sender_durable(s, (uint16_t)index, m.next_chunk);
sender | a chunk is the same as the base | migrate/copy/class.c | slot->class[i] = BF_CLASS_SAME; | migrate/sender_data.c | state = BF_RANGE_SAME;
sender | everything is read and rooted | migrate/copy/copy.c | c->state = BF_COPY_SEALING; | migrate/sender_copy.c | s->state = BF_SENDER_COMMIT;
sender | a repair is read | migrate/copy/copy.c | const struct bf_need *need = &c->need[c->need_at++]; | migrate/sender_copy.c | const struct bf_need *need = &s->need[s->need_at++];
sender | the point is committed | migrate/copy/copy.c | c->progress->point = point; | migrate/sender_session.c | s->progress.point = m.point;
receiver | the disks are opened | migrate/receiver/receiver.c | r->state = BF_RECEIVER_PLANNING; | migrate/receiver.c | r->state = BF_RECEIVER_PLANNING;
receiver | data is stored | migrate/receiver/copy.c | advance(r, index, m.count, m.raw_len, f->length); | migrate/receiver_copy.c | advance(r, index, m.count, m.raw_len, f->length);
receiver | data is durable | migrate/receiver/copy.c | bf_channel_put(&r->channel, bf_put_checkpoint(room, 64, BF_MSG_DURABLE, &m)); | migrate/receiver_copy.c | bf_link_put(&r->link, bf_put_checkpoint(room, 64, BF_MSG_DURABLE, &m));
receiver | a disk is done | migrate/receiver/copy.c | d->rooted = d->done = d->begun = 1; | migrate/receiver_copy.c | d->rooted = d->done = d->begun = 1;
receiver | a repair is stored | migrate/receiver/copy.c | note_repair(r, index, m.first); | migrate/receiver_copy.c | note_repair(r, index, m.first);
receiver | the point is sealed | migrate/receiver/seal.c | bf_channel_put(&r->channel, bf_put_committed(room, 128, &m)); | migrate/receiver_seal.c | bf_link_put(&r->link, bf_put_committed(room, 128, &m));
tls | keys are agreed | build/third_party/mbedtls/library/ssl_tls13_client.c | mbedtls_ssl_set_inbound_transform(ssl, handshake->transform_handshake);
tls | the certificate is judged | net/tls/mbedtls.c | t->verdict.flags |= *flags; | net/tls_mbedtls.c | t->judgement.flags |= *flags;
tls | the handshake is finished | net/tls/mbedtls.c | t->state = BF_STREAM_OPEN; | net/tls_mbedtls.c | t->state = BF_STREAM_OPEN;
tls | data is sent | net/tls/mbedtls.c | int r = mbedtls_ssl_write(&t->ssl, bytes, len); | net/tls_mbedtls.c | int r = mbedtls_ssl_write(&t->ssl, bytes, len);
tls | data is received | net/tls/mbedtls.c | *done = (size_t)r; | net/tls_mbedtls.c | *done = (size_t)r;
tls | an alert ends it | net/tls/mbedtls.c | t->state = BF_STREAM_ENDED; | net/tls_mbedtls.c | t->state = BF_STREAM_ENDED;
usage | ext2/3/4 has a map | image/usage/ext/map.c | map->ops = &ext_ops; | image/usage_ext.c | map->ops = &ext_ops;
usage | FAT has a map | image/usage/fat.c | map->ops = &fat_ops; | image/usage_fat.c | map->ops = &fat_ops;
usage | swap has a map | image/usage/swap.c | s->end = ((uint64_t)last_page + 1) * swap.page_size; | image/usage_swap.c | s->end = ((uint64_t)last_page + 1) * swap.page_size;
usage | a volume is placed | image/usage/lvm/group.c | const struct run *run = &g->run[s->run + k]; | image/usage_lvm_group.c | const struct run *run = &g->run[s->run + k];
usage | a whole chunk is left out | image/usage/usage.c | whole = u->end / chunk_size; | image/usage.c | whole = u->end / chunk_size;
lvm | the group is understood | image/usage/lvm/group.c | why = place_all(&g); | image/usage_lvm_group.c | why = place_all(&g);
lvm | free extents are placed | image/usage/lvm/group.c | p->segments = gaps; | image/usage_lvm_group.c | p->segments = gaps;
lvm | a volume is placed | image/usage/lvm/group.c | const struct run *run = &g->run[s->run + k]; | image/usage_lvm_group.c | const struct run *run = &g->run[s->run + k];
lvm | a striped volume is placed and asked | image/usage/usage.c | row = s->stripe_bytes * s->legs; | image/usage.c | row = s->stripe_bytes * s->legs;
PLACES

# The numbers of the counters of a line, with commas: counters FOLDER PROGRAM-NAME SOURCE TEXT
counters()
{
    local lines numbers
    lines=$(grep -nF -- "$4" "$1/$3" | cut -d: -f1)
    numbers=$(awk -v source="/$3" -v lines="$lines" '
        BEGIN { n = split(lines, line, "\n"); for (i = 1; i <= n; i++) wanted[line[i]] = 1 }
        { place = $1; number = place; sub(/.*:/, "", number); sub(/:[^:]*$/, "", place) }
        number in wanted && substr(place, length(place) - length(source) + 1) == source {
            out = out sep NR - 1; sep = ","
        }
        END { print out }' "$work/$2.lines")
    [ -n "$numbers" ] || { echo "$1/$3: no counter at: $4" >&2; return 1; }
    echo "$numbers"
}

# The seeds are made by the fuzzer, or kept in the corpus; libFuzzer tries an empty input before.
# measure FOLDER PROGRAM NAME RUNS: a line of numbers
measure()
{
    local folder=$1 program=$2 name=$3 tries=$4 corpus=$work/corpus
    local places='' seeds source text before before_text found
    mkdir "$corpus"
    BF_DEPTH=list "$program" "$corpus" 2>/dev/null >"$work/addresses"
    llvm-symbolizer --obj="$program" --output-style=GNU --no-inlines --functions=none \
        <"$work/addresses" >"$work/$name.lines"
    while IFS='|' read -r _ _ source text before before_text; do
        [ -e "$folder/$source" ] || { source=$before text=$before_text; }
        found=$(counters "$folder" "$name" "$source" "$text")
        places+=" $found"
    done < <(sed 's/ | /|/g' "$work/places" | grep "^$name|")
    for text in "$folder/tests/fuzz/corpus/$name"/*; do
        case $text in
        *.hex) basenc --base16 --decode "$text" >"$corpus/$(basename "$text" .hex)" ;;
        *) [ ! -e "$text" ] || cp "$text" "$corpus" ;;
        esac
    done
    "$program" -runs=0 "$corpus" 2>/dev/null >&2
    seeds=$(($(find "$corpus" -type f | wc -l) + 1))
    BF_DEPTH="$seeds$places" "$program" -seed=1 -runs=$((seeds + tries)) "$corpus" 2>"$work/log" |
        grep '^depth ' >"$work/result" || { cat "$work/log" >&2; return 1; }
    rm -r "$corpus"
    cut -d' ' -f3- "$work/result"
}

# One row for each place, with what the other checkout had.
rows()
{
    local name=$1 tries=$2 before=$3 now=$4
    grep "^$name |" "$work/places" | awk -F' [|] ' -v name="$name" -v tries="$tries" \
        -v before="$before" -v now="$now" '
        BEGIN { split(before, old, " "); split(now, new, " ") }
        {
            times = old[NR] ? sprintf("%.3g", new[NR] / old[NR]) : new[NR] ? "from none" : ""
            printf "| `fuzz_%s` | %s | %d | %s | %d | %s |\n", name, $2, tries, old[NR], new[NR], \
                before == "" ? "" : times
        }'
}

mapfile -t names < <(cut -d' ' -f1 "$work/places" | uniq)
make CCACHE="${CCACHE:-}" "${names[@]/#/build/depth/tests/fuzz/fuzz_}" >&2
[ -z "$other" ] || make -C "$other" CCACHE="${CCACHE:-}" FLAGS_fuzz="$flags" LINK_fuzz="$link" \
    "${names[@]/#/build/fuzz/tests/fuzz/fuzz_}" >&2
echo '| fuzzer | place | inputs | reached before | reached now | times |'
echo '|---|---|---|---|---|---|'
for name in "${names[@]}"; do
    tries=$runs before=''
    [ "$name" != tls ] || tries=$((runs / 10))
    [ -z "$other" ] ||
        before=$(measure "$other" "$other/build/fuzz/tests/fuzz/fuzz_$name" "$name" "$tries")
    now=$(measure . "build/depth/tests/fuzz/fuzz_$name" "$name" "$tries")
    rows "$name" "$tries" "$before" "$now"
done
