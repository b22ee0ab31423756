#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Services: agents of the old home, a login on the serial console, and what a machine is known by.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022

# shellcheck disable=SC2154 # trees.sh sets $work
r=$work/root
echo '[]' >"$work/devices"
plan_to ''
run() { finalize "$r" "$work/plan"; }
# switched NAME: another plan for a system that was adapted already.
switched() {
    check "$1: apply" run
    check "$1: second run" again
}
# links_to PATH TARGET; gone PATH
links_to() { equal "$(readlink "$r/$1")" "$2"; }
gone() { [ ! -e "$r/$1" ] && [ ! -L "$r/$1" ]; }
# unit NAME [LINE...]: a service of systemd, enabled.
unit() {
    local name=$1
    shift
    { printf '[Unit]\n' && printf '%s\n' "$@" && printf '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n'; } |
        put "$r/usr/lib/systemd/system/$name.service"
    ln -s "/usr/lib/systemd/system/$name.service" "$r/etc/systemd/system/multi-user.target.wants/$name.service"
}
enabled() { systemctl --root="$r" is-enabled "$1.service" 2>/dev/null; }
# An old system without systemd. INIT: what is there
without_systemd() {
    rm -rf "$r"
    mkdir -p "$r"/{etc,sbin,var/lib}
    put "$r/etc/os-release" <<<"ID=${2:-debian}"
    put "$r/etc/fstab" <<<"UUID=1 / ext4 defaults 0 1"
    case $1 in
    sysvinit) put "$r/etc/inittab" <<<"id:2:initdefault:" ;;
    openrc) mkdir -p "$r/etc/runlevels/default" && put "$r/sbin/openrc" <<<x ;;
    runit) mkdir -p "$r/etc/runit/runsvdir/default" ;;
    upstart) put "$r/etc/init/rc-sysinit.conf" <<<"start on filesystem" ;;
    esac
}

# ---- Agents ------------------------------------------------------------------------------------------
bare "$r"
unit vmware-tools
unit open-vm-tools 'ConditionVirtualization=vmware'
unit hypervkvpd
unit walinuxagent
unit vboxadd-service
unit qemu-guest-agent
unit sshd
unit amazon-ssm-agent 'ConditionVirtualization=|amazon' 'ConditionVirtualization=!kvm'
unit google-guest-agent
put "$r/etc/init.d/xe-linux-distribution" <<<"#!/bin/sh"
mkdir -p "$r/etc/rc3.d"
ln -s ../init.d/xe-linux-distribution "$r/etc/rc3.d/S10xe-linux-distribution"
put "$r/usr/lib/systemd/system/prltoolsd.service" <<<"[Unit]" # installed, not enabled
# Its unit stands in /etc, where systemctl does not mask either.
put "$r/etc/systemd/system/do-agent.service" <<<"[Unit]"
ln -s ../do-agent.service "$r/etc/systemd/system/multi-user.target.wants/do-agent.service"
# The name of an alias.
unit spice-vdagentd
adapted "systemd, to KVM"
for name in vmware-tools hypervkvpd walinuxagent vboxadd-service xe-linux-distribution amazon-ssm-agent google-guest-agent; do
    check "$name is masked" links_to "etc/systemd/system/$name.service" /dev/null
    check "systemctl: $name" equal "$(enabled $name)" masked
done
for name in open-vm-tools qemu-guest-agent spice-vdagentd sshd; do
    check "$name stays" equal "$(enabled $name)" enabled
done
check "what is not enabled stays" gone etc/systemd/system/prltoolsd.service
refute "the mask lasts when a package enables its service again" systemctl --root="$r" enable vmware-tools
check "a unit in /etc is left and said" says "do-agent is left as it is"
check "said: what goes" says "info: VMware Tools: disabled, as the new home is another: vmware-tools (masked)"
check "said: what needs nothing" says "info: VMware Tools: left enabled, as systemd starts it under its own hypervisor only: open-vm-tools"
refute "nothing is said of the agent that cloud-init's step knows" says "it is left as it is: remove it where"
plan_to ', "agents": "keep"'
bare "$r"
unit vmware-tools
unit walinuxagent
check "agents: keep" run
check "they stay" equal "$(enabled vmware-tools)" enabled
check "and are said where they set more than themselves" says "may set host name, keys and users in Azure; it is left as it is"
check "the new home's agent is named" says "which is not installed here: the package qemu-guest-agent"
plan_to '' vmware
adapted "to VMware"
check "its own agent stays" equal "$(enabled vmware-tools)" enabled
check "Azure's goes" equal "$(enabled walinuxagent)" masked
refute "no package is named" says "which is not installed here"
ln -s /dev/null "$r/etc/systemd/system/vmware-tools.service"
run
check "its own agent, masked, is said" says "VMware Tools: belongs to the new home and is masked"
check "and stays so" equal "$(enabled vmware-tools)" masked
plan_to '' metal
bare "$r"
unit vmware-tools
unit qemu-guest-agent
unit hypervkvpd
check "bare metal" run
for name in vmware-tools qemu-guest-agent hypervkvpd; do
    check "bare metal: $name is masked" equal "$(enabled $name)" masked
done
plan_to '' generic
bare "$r"
unit vmware-tools
unit qemu-guest-agent
before=$(snapshot "$r")
check "a machine of any kind" run
check "keeps all agents" equal "$(snapshot "$r")" "$before"
plan_to ''

without_systemd sysvinit
for script in vmware-tools other; do put "$r/etc/init.d/$script" <<<"#!/bin/sh"; done
for level in 2 3 4 5; do
    mkdir -p "$r/etc/rc$level.d"
    ln -s ../init.d/vmware-tools "$r/etc/rc$level.d/S20vmware-tools"
    ln -s ../init.d/other "$r/etc/rc$level.d/S21other"
done
mkdir -p "$r/etc/rc0.d"
ln -s ../init.d/vmware-tools "$r/etc/rc0.d/K20vmware-tools"
adapted SysV
check "SysV: links stop it" links_to etc/rc3.d/K80vmware-tools ../init.d/vmware-tools
check "SysV: none starts it" gone etc/rc2.d/S20vmware-tools
check "SysV: others stay" links_to etc/rc2.d/S21other ../init.d/other
check "SysV: the level that stopped it stays" links_to etc/rc0.d/K20vmware-tools ../init.d/vmware-tools

without_systemd openrc alpine
put "$r/etc/init.d/open-vm-tools" <<<"#!/sbin/openrc-run"
ln -s /etc/init.d/open-vm-tools "$r/etc/runlevels/default/open-vm-tools"
ln -s /etc/init.d/sshd "$r/etc/runlevels/default/sshd"
adapted OpenRC
check "OpenRC: out of its run level" gone etc/runlevels/default/open-vm-tools
check "OpenRC: others stay" links_to etc/runlevels/default/sshd /etc/init.d/sshd
check "OpenRC: the script stays" has "$r/etc/init.d/open-vm-tools" "#!/sbin/openrc-run"

without_systemd runit void
put "$r/etc/sv/vmtoolsd/run" <<<"#!/bin/sh"
ln -s /etc/sv/vmtoolsd "$r/etc/runit/runsvdir/default/vmtoolsd"
adapted runit
check "runit: its link is gone" gone etc/runit/runsvdir/default/vmtoolsd
check "runit: the service stays" has "$r/etc/sv/vmtoolsd/run" "#!/bin/sh"

without_systemd upstart ubuntu
put "$r/etc/init/hv-kvp-daemon.conf" <<<"start on runlevel [2345]"
put "$r/etc/init/vmware-tools.conf" <<<"start on runlevel [2345]"
printf '# mine' | put "$r/etc/init/vmware-tools.override"
adapted Upstart
check "Upstart: manual" is "$r/etc/init/hv-kvp-daemon.override" <<<manual
check "Upstart: an override goes on" is "$r/etc/init/vmware-tools.override" <<<"# mine
manual"

# ---- Serial console ----------------------------------------------------------------------------------
on=', "serial_console": true' off=', "serial_console": false'
plan_to "$on"
bare "$r"
printf 'console\ntty1' | put "$r/etc/securetty"
adapted "systemd, serial console"
check "systemd: its generator starts the login" gone etc/systemd/system/getty.target.wants
check "root may log in there" is "$r/etc/securetty" <<<"console
tty1
ttyS0"
bare "$r"
put "$r/usr/lib/systemd/system/serial-getty@.service" <<<"[Unit]"
ln -s /dev/null "$r/etc/systemd/system/serial-getty@ttyS0.service"
ln -s /dev/null "$r/etc/systemd/system/serial-getty@.service"
mkdir -p "$r/etc/systemd/system-generators"
ln -s /dev/null "$r/etc/systemd/system-generators/systemd-getty-generator"
adapted "systemd, masked"
check "masked: the masks go" gone etc/systemd/system/serial-getty@ttyS0.service
check "masked: the template's too" gone etc/systemd/system/serial-getty@.service
check "masked: without the generator, a link starts it" links_to etc/systemd/system/getty.target.wants/serial-getty@ttyS0.service \
    /usr/lib/systemd/system/serial-getty@.service
check "masked: systemctl" equal "$(enabled serial-getty@ttyS0)" enabled
plan_to "$off"
switched "systemd, no serial console"
check "what was enabled by hand goes" gone etc/systemd/system/getty.target.wants/serial-getty@ttyS0.service
bare "$r"
mkdir -p "$r/usr/bin"
{ head -c 18 /bin/ls && printf '\267\0'; } >"$r/usr/bin/dash" # EM_AARCH64
put "$r/etc/securetty" <<<tty1
plan_to "$on"
check "aarch64" run
check "aarch64: its port" is "$r/etc/securetty" <<<"tty1
ttyAMA0"

# inittab INIT ID: a tree with the inittab of standard input.
inittab() { without_systemd "$1" "$2" && put "$r/etc/inittab"; }
inittab sysvinit debian <<'EOF'
id:2:initdefault:
si::sysinit:/etc/init.d/rcS
1:2345:respawn:/sbin/getty 38400 tty1
2:23:respawn:/sbin/getty 38400 tty2
#T0:23:respawn:/sbin/getty -L ttyS0 9600 vt100
T0:23:respawn:/usr/bin/other
EOF
put "$r/sbin/getty" <<<x
adapted "SysV, serial console"
check "SysV: a line behind the other logins" is "$r/etc/inittab" <<'EOF'
id:2:initdefault:
si::sysinit:/etc/init.d/rcS
1:2345:respawn:/sbin/getty 38400 tty1
2:23:respawn:/sbin/getty 38400 tty2
S0:2345:respawn:/sbin/getty -L ttyS0 115200 vt100
#T0:23:respawn:/sbin/getty -L ttyS0 9600 vt100
T0:23:respawn:/usr/bin/other
EOF
plan_to "$off"
switched "SysV, none"
check "SysV: it is a comment again" has "$r/etc/inittab" "#S0:2345:respawn:/sbin/getty -L ttyS0 115200 vt100"
check "SysV: others stay" has "$r/etc/inittab" "T0:23:respawn:/usr/bin/other"
plan_to "$on"
inittab sysvinit rhel <<<"1:2345:respawn:/sbin/mingetty tty1"
put "$r/sbin/agetty" <<<x
check "agetty" run
check "agetty: its line" has "$r/etc/inittab" "T0:2345:respawn:/sbin/agetty -L ttyS0 115200 vt100"
inittab sysvinit debian <<<"co:2345:respawn:/sbin/agetty ttyS0 9600 vt100"
before=$(snapshot "$r")
check "a login that is there" run
check "is enough" equal "$(snapshot "$r")" "$before"
printf '::sysinit:/sbin/openrc sysinit\ntty1::respawn:/sbin/getty 38400 tty1\n#ttyS0::respawn:/sbin/getty -L 115200 ttyS0 vt100' |
    inittab openrc alpine
ln -s /bin/busybox "$r/sbin/init"
adapted BusyBox
check "BusyBox: its form" is "$r/etc/inittab" < <(printf '%s\n' '::sysinit:/sbin/openrc sysinit' \
    'tty1::respawn:/sbin/getty 38400 tty1' 'ttyS0::respawn:/sbin/getty -L 115200 ttyS0 vt100' &&
    printf '#ttyS0::respawn:/sbin/getty -L 115200 ttyS0 vt100')
without_systemd openrc gentoo
put "$r/etc/init.d/agetty" <<<"#!/sbin/openrc-run"
adapted "OpenRC, serial console"
check "OpenRC: the script" links_to etc/init.d/agetty.ttyS0 agetty
check "OpenRC: in the run level" links_to etc/runlevels/default/agetty.ttyS0 /etc/init.d/agetty.ttyS0
check "OpenRC: its speed" has "$r/etc/conf.d/agetty.ttyS0" 'baud="115200"'
plan_to "$off"
switched "OpenRC, none"
check "OpenRC: out of the run level" gone etc/runlevels/default/agetty.ttyS0
plan_to "$on"
without_systemd runit void
put "$r/etc/sv/agetty-ttyS0/run" <<<"#!/bin/sh"
adapted "runit, serial console"
check "runit: the link" links_to etc/runit/runsvdir/default/agetty-ttyS0 /etc/sv/agetty-ttyS0
check "runit: its script stays" is "$r/etc/sv/agetty-ttyS0/run" <<<"#!/bin/sh"
without_systemd runit artix
adapted "runit without the service"
check "runit: a script" has "$r/etc/sv/agetty-ttyS0/run" "exec agetty -L ttyS0 115200 vt100"
check "runit: that can be run" test -x "$r/etc/sv/agetty-ttyS0/run"
without_systemd upstart ubuntu
adapted "Upstart, serial console"
check "Upstart: a job" has "$r/etc/init/ttyS0.conf" "exec /sbin/getty -L 115200 ttyS0 vt100"
plan_to "$off"
switched "Upstart, none"
check "Upstart: it goes" gone etc/init/ttyS0.conf
plan_to "$on"
without_systemd upstart rhel
put "$r/etc/init/serial.conf" <<<"start on fedora.serial-console-available *"
check "RHEL 6" run
check "RHEL 6: its own job does it" gone etc/init/ttyS0.conf

# ---- Identity ----------------------------------------------------------------------------------------
id=0123456789abcdef0123456789abcdef
machine() {
    bare "$r"
    put "$r/etc/machine-id" <<<$id
    put "$r/var/lib/dbus/machine-id" <<<$id
    for key in ssh_host_rsa_key ssh_host_rsa_key.pub ssh_host_ed25519_key moduli; do
        printf -- '-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0c2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n' | put "$r/etc/ssh/$key"
    done
    put "$r/usr/bin/ssh-keygen" <<<x
    printf '[Service]\nExecStartPre=/usr/sbin/sshd -t\n' | put "$r/usr/lib/systemd/system/ssh.service"
    put "$r/var/lib/dhcp/dhclient6.leases" <<<'default-duid "\000\001";'
    put "$r/var/lib/NetworkManager/secret_key" <<<secret
    put "$r/var/lib/systemd/random-seed" <<<seed
    put "$r/etc/iscsi/initiatorname.iscsi" <<<InitiatorName=iqn.x
    put "$r/efi/$id/6.1/linux" <<<kernel
}
plan_to ''
machine
before=$(snapshot "$r")
check "the same machine" run
check "it stays as it is" equal "$(snapshot "$r")" "$before"
check "and that is said" says "info: identity: machine-id, SSH host keys and what DHCP servers know the machine by stay"
plan_to ', "identity": "new"'
machine
adapted "a clone"
check "clone: no machine-id yet" is "$r/etc/machine-id" </dev/null
check "clone: nor one of D-Bus" gone var/lib/dbus/machine-id
check "clone: no host key" equal "$(ls "$r/etc/ssh")" moduli
check "clone: Debian gets a unit that makes them" has "$r/etc/systemd/system/bootferry-ssh-keys.service" "ExecStart=/usr/bin/ssh-keygen -A"
check "clone: enabled" equal "$(enabled bootferry-ssh-keys)" enabled
check "clone: no lease with its DUID" gone var/lib/dhcp/dhclient6.leases
check "clone: no key of NetworkManager" gone var/lib/NetworkManager/secret_key
check "clone: no random seed" gone var/lib/systemd/random-seed
check "clone: boot entries keep their name" is "$r/etc/kernel/entry-token" <<<$id
check "clone: storage is said" says "names the machine to its storage, and stays"
check "clone: what is new is said" says "are made anew at the next start"
undone "$before" || true
machine
run
refute "clone: no key is in the report" grep -qF c2VjcmV0c2VjcmV0 "$work/report" "$work/report.txt"
if systemd-analyze --version >/dev/null 2>&1; then
    put "$r/usr/lib/systemd/system/sysinit.target" <<<"[Unit]"
    check "clone: systemd reads the unit" equal "$(systemd-analyze --root="$r" verify --man=no bootferry-ssh-keys.service 2>&1 |
        grep -c 'bootferry-ssh-keys.*\(Unknown\|Invalid\|ignoring\)')" 0
fi
machine
put "$r/usr/lib/systemd/system/sshd-keygen@.service" <<<"[Unit]"
ln -sf /etc/machine-id "$r/var/lib/dbus/machine-id"
check "a clone whose sshd makes keys" run
check "needs no unit" gone etc/systemd/system/bootferry-ssh-keys.service
check "D-Bus's link stays" links_to var/lib/dbus/machine-id /etc/machine-id
without_systemd sysvinit debian
put "$r/etc/ssh/ssh_host_rsa_key" <<<key
check "a clone that would have no keys" refused_with "nothing in this system makes new SSH host keys"
without_systemd openrc alpine
put "$r/etc/machine-id" <<<$id
put "$r/etc/ssh/ssh_host_rsa_key" <<<key
put "$r/etc/init.d/sshd" <<<'ssh-keygen -A'
adapted "a clone of Alpine"
check "Alpine: no machine-id" gone etc/machine-id
check "Alpine: no key" gone etc/ssh/ssh_host_rsa_key

finish
