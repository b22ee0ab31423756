# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the comparisons with other tools share: the disk, an SSH server that nothing else uses. Sets ssh_port, ssh
# (the client's command, with SSHPORT in place of the port) and sshd (the server's).

# What is deleted is of the same kind as what is there.
bench_files() { # MIB FOLDER...
    local mib=$1
    shift
    { tar -cf - --sort=name --exclude='*.ko' "$@" 2>/dev/null || true; } | head -c $((mib << 20))
}
# bench_half_full FILE MIB: ext4, half full of files, its free half full of what was deleted.
bench_half_full() {
    mkdir "$E2E_DIR/tree"
    bench_files "$2" /usr/bin /usr/lib /usr/share >"$1"
    truncate -s "${2}M" "$1"
    bench_files $(($2 / 2)) /usr/share /usr/bin /usr/lib | split -b 3M - "$E2E_DIR/tree/file-"
    mke2fs -q -F -t ext4 -m 0 -E nodiscard,lazy_itable_init=0 -d "$E2E_DIR/tree" "$1"
    rm -r "$E2E_DIR/tree"
}

# The SSH server is taken out of its package and not installed, and sees files of its own as the machine's list of users: a
# benchmark opens no door of the machine. It needs root for that.
ssh_server() {
    local dir=$BF_BUILD/third_party/openssh key
    [ "$(id -u)" = 0 ] || return 1
    if [ ! -x "$dir/usr/sbin/sshd" ]; then
        mkdir -p "$dir"
        (cd "$dir" && apt-get -q download openssh-server >"$E2E_LOGS/apt.log" 2>&1 && dpkg-deb -x openssh-server_*.deb .) || return 1
    fi
    mkdir "$E2E_DIR/ssh"
    for key in host client; do ssh-keygen -q -t ed25519 -N '' -f "$E2E_DIR/ssh/$key"; done
    echo 'root:x:0:0::/:/bin/sh
sshd:x:101:65534::/run:/usr/sbin/nologin' >"$E2E_DIR/ssh/passwd"
    echo 'root:*:19000:0:99999:7:::' >"$E2E_DIR/ssh/shadow"
    ssh_port=$(free_port)
    cat >"$E2E_DIR/ssh/config" <<CONFIG
Port $ssh_port
ListenAddress 127.0.0.1
HostKey $E2E_DIR/ssh/host
AuthorizedKeysFile $E2E_DIR/ssh/client.pub
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
CONFIG
    cat >"$E2E_DIR/ssh/serve" <<SERVE
mount --bind $E2E_DIR/ssh/passwd /etc/passwd
mount --bind $E2E_DIR/ssh/shadow /etc/shadow
mount -t tmpfs none /run
mkdir -p /run/sshd
exec $dir/usr/sbin/sshd -D -e -f $E2E_DIR/ssh/config
SERVE
    # shellcheck disable=SC2034 # for the scripts that use this
    ssh="ssh -F none -p SSHPORT -i $E2E_DIR/ssh/client -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR root@127.0.0.1"
    # shellcheck disable=SC2034
    sshd="exec unshare --mount bash -e $E2E_DIR/ssh/serve"
}
