# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Starting what must not outlive the script that starts it. To be sourced.

# bf_bound COMMAND...: for use with & in the script itself. The background job becomes the command, under the same process
# id, and is killed when the script ends in any way, also by SIGKILL. A script that was killed before the kernel was asked
# for that is noticed by the parent's number.
bf_bound() {
    local parent=$$
    [ "$BASH_SUBSHELL" = 1 ] || parent='' # in a subshell, whose number only its children know
    # shellcheck disable=SC2016 # for the inner shell
    exec setpriv --pdeathsig KILL sh -c '[ "${1:-$PPID}" = "$PPID" ] || exit 1; shift; exec "$@"' sh "$parent" "$@"
}
