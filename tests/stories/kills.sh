# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A story in which the server is killed again and again (killed.sh): BF_KILLS names the places, one a line. The programs are
# those with stops.c: a job's runner that comes to such a place stops there. Then this sees that the job is on record at the
# step that was meant, and kills all of the server's processes but the new machine; the daemon is started again, and the
# story goes on as if nothing had happened. Sourced by lib.sh, whose words it changes.
# shellcheck disable=SC2154 # logs is lib.sh's

# Places within a step of a job. All others are steps by themselves.
declare -A kills_step=(['source is sent']=waiting ['finalizer runs']=finalizing ['machine images']=making ['machine made']=making
    ['machine started']=starting ['machine removed']=removing ['fence lifted']=removing ['object dropped']=removing)
for place in 'home chosen' 'home has room' 'mirror begun' 'mirror equal' 'machine paused' 'mirror completed' \
    'home recorded' 'machine continued' 'layers dropped'; do
    kills_step[$place]=committing
done

BF_PROGRAMS=$BF_BUILD/tests/stops
ln -sfn ../../bootferry.efi "$BF_PROGRAMS/bootferry.efi"
ln -sfn ../../finalize-vm "$BF_PROGRAMS/finalize-vm"
export BF_STOPS=$T/stops
mkdir "$BF_STOPS"
mapfile -t kills <<<"$BF_KILLS"
for place in "${kills[@]}"; do : >"$BF_STOPS/$place"; done

# The daemon is started by this loop and not by the story, so that it can be started again.
serve() {
    kills_loop &
    kills_pid=$!
    within 60 test -s "$T/port"
    BF_SERVER_PORT=$(<"$T/port")
}
daemon_anew() {
    : >"$T/restart"
    within 60 test ! -e "$T/restart"
}
# All places were come to, and the daemon is up again after the last one.
is_told() {
    local place
    for place in "${kills[@]}"; do grep -q "^$place: " "$logs/kills" || return; done
}
kills_are_over() { within 60 is_told; }
killed_on_the_way() { true; } # the story's own kill
kills_daemon() {
    bf_server_start "$logs/bootferryd.log"
    echo "$BF_SERVER_PORT" >"$T/port"
}
kills_daemon_anew() {
    bf_server_stop KILL
    kills_daemon
    rm "$T/restart"
}
kills_loop() {
    trap - EXIT
    set +x
    exec >>"$logs/kills" 2>&1
    kills_daemon
    while kill -0 $$ 2>/dev/null && [ ! -e "$T/kills.end" ]; do
        kills_at_stop
        [ ! -e "$T/restart" ] || kills_daemon_anew
        [ ! -e "$BF_STOPS/finalizer runs" ] || kills_beside 'finalizer runs' qemu-system
        [ ! -e "$BF_STOPS/source is sent" ] || kills_beside 'source is sent' qemu-storage
        sleep 0.2
    done
    bf_server_stop KILL
    exit 0
}

kills_at_stop() {
    local hit place stopped=()
    for hit in "$BF_STOPS"/*.hit; do
        [ -e "$hit" ] || continue
        place=$(basename "$hit" .hit)
        if kill -0 "$(<"$hit")" 2>/dev/null; then
            stopped+=("$place" "$(<"$hit")")
            rm "$hit"
        else # it came there just when it was killed elsewhere
            mv "$hit" "$BF_STOPS/$place"
        fi
    done
    [ ${#stopped[@]} = 0 ] || kills_all "${stopped[@]}"
}
# kills_beside PLACE PROGRAM: while the server has a process of that name, which stops at no place by itself.
kills_beside() {
    local runner
    for runner in $(runners); do
        grep -q "$2" <(kills_of "$runner") || continue
        kill -STOP "$runner"
        grep -q "$2" <(kills_of "$runner") || { kill -CONT "$runner"; continue; }
        rm "$BF_STOPS/$1"
        kills_all "$1" "$runner"
    done
}
runners() { pgrep -f -- "--state $T/state job run" || true; }
# kills_of RUNNER...: what the server runs for them: the daemon with its storage daemons, each runner with the finalizer's
# VM. What a runner has started is in its session; only the new machine has one of its own.
kills_of() {
    local sessions
    sessions=$(ps -o sid= -p "$(paste -sd , < <(printf '%s\n' "$@"))" | xargs)
    ps -e -o pid=,ppid=,sid=,comm= | awk -v sids=" $sessions " -v daemon="$BF_SERVER_PID" \
        'index(sids, " " $3 " ") || $1 == daemon || $2 == daemon { print $1, $4 }'
}
is_stopped() { [ "$(ps -o stat= -p "$1" | cut -c 1)" = T ]; }
nothing_of() { ! ps -o pid=,comm= -p "$(tr '\n' , <<<"$1" | sed 's/,$//')" | grep -v defunct; }

# kills_at PLACE RUNNER: it is stopped, and its job is on record at this step. The new machine's process is noted.
kills_at() {
    local job now pid wanted=${kills_step[$1]:-$1}
    within 60 is_stopped "$2" >/dev/null || { echo "the runner did not stop"; return; }
    job=$(tr '\0' '\n' <"/proc/$2/cmdline" | tail -n 1)
    now=$(step "$job")
    pid=$(cat "$T/state/jobs/$job/qemu.pid" 2>/dev/null) && kill -0 "$pid" 2>/dev/null && echo "$pid" >>"$T/machines"
    if [ "$now" = "$wanted" ]; then echo "job $job"; else echo "job $job is at $now"; fi
}
# kills_all PLACE RUNNER [PLACE RUNNER...]: everything is killed while these jobs are where they were meant to be. The lines
# that say so are what is judged.
kills_all() {
    local lines=() all pid workers words=killed
    : >"$T/machines"
    while [ $# -gt 0 ]; do
        lines+=("$1: $(kills_at "$1" "$2")")
        shift 2
    done
    mapfile -t workers < <(runners)
    all=$(kills_of "${workers[@]}" | cut -d ' ' -f 1)
    bf_server_stop KILL
    kill -KILL "${workers[@]}" || true
    within 60 nothing_of "$all" >/dev/null || words='some of it lives on'
    kills_daemon
    for pid in $(<"$T/machines"); do kill -0 "$pid" || words='the new machine has ended'; done
    printf "%s, $words\n" "${lines[@]}"
}

# One that is stopped would stay so.
end_runners() {
    local runner
    for runner in $(runners); do kill -KILL "$runner"; done
}
at_exit end_runners
nothing_is_left_in() { [ -z "$(ls "$1")" ]; }
finish() {
    local place
    within 10 nothing_is_left_in "$BF_STOPS" || true # a place at which the job is over is reached when the story is, too
    : >"$T/kills.end"
    wait "$kills_pid" || true
    for place in "${kills[@]}"; do
        check "everything of the server's was killed at: $place" grep -q "^$place: job [0-9]*, killed\$" "$logs/kills"
    done
    # shellcheck disable=SC2034 # for tests/lib.sh
    TEST_FINISHED=1
    exit 0
}
