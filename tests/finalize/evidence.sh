#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a guest carries to say once from inside that it runs: the files for each init, judged by the programs that read
# them where they can be had, and nothing of it left by an undo or by the script itself.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022

r=$work/root
word=0123456789abcdef0123456789abcdef
other=fedcba9876543210fedcba9876543210
name=bootferry-evidence
# evidence_plan [WORD] [MORE]
evidence_plan() { plan_to ", \"evidence\": {\"word\": \"${1:-$word}\"${2:-}}"; }
evidence_plan
links_to() { equal "$2" "$(readlink "$r/$1")"; }
gone() { [ ! -e "$r/$1" ] && [ ! -L "$r/$1" ]; }
# small INIT ID: a system without systemd
small() {
    rm -rf "$r"
    mkdir -p "$r"/{etc,sbin,var/lib}
    put "$r/etc/os-release" <<<"ID=$2"
    put "$r/etc/fstab" <<<"UUID=1 / ext4 defaults 0 1"
    case $1 in
    sysvinit) put "$r/etc/inittab" <<<"id:2:initdefault:" && mkdir -p "$r/etc/init.d" ;;
    openrc) mkdir -p "$r/etc/runlevels/default" "$r/etc/init.d" && put "$r/sbin/openrc-run" <<<x ;;
    runit) mkdir -p "$r/etc/runit/runsvdir/default" "$r/etc/sv" ;;
    upstart) put "$r/etc/init/rc-sysinit.conf" <<<"start on filesystem" && mkdir -p "$r/etc/init.d" ;;
    esac
}
# ran COMMAND...: the guest's script, with the tree as the system and a file as its console, from one of the tree's own.
console=$work/console
ran() {
    rm -rf "$work/run" && mkdir "$work/run" && : >"$console"
    BOOTFERRY_SLASH=$r BOOTFERRY_RUNS=$work/run BOOTFERRY_CONSOLE=$console BOOTFERRY_PATIENCE=4 BOOTFERRY_PORTS=$work/none BOOTFERRY_PAUSE=0 \
        sh "$r/etc/bootferry/evidence" && grep -q "^BOOTFERRY-EVIDENCE $word end -" "$console"
}
# leaves NAME: the script, run, leaves the tree as it was but for the undo journal.
leaves() {
    check "$1: the script runs" ran
    rm -rf "$r/var/lib/bootferry"
    check "$1: and leaves nothing" equal "$before" "$(snapshot_names)"
}
# What a tree holds, without the times of its folders.
snapshot_names() { (cd "$r" && find . \( -type d -printf '%p %m\n' -o -printf '%p %m %l\n' \) | LC_ALL=C sort && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); }
# begin: the tree is as it was before the first run.
begin() { before=$(snapshot_names); }

# ---- systemd ---------------------------------------------------------------------------------------
bare "$r"
begin
adapted systemd
unit=$r/etc/systemd/system/$name.service
check "systemd: the unit starts the script" has "$unit" "ExecStart=-/bin/sh /etc/bootferry/evidence"
check "systemd: no target waits for its end" has "$unit" "Type=simple"
refute "systemd: nor does it wait for a network that may never come" grep -E 'network|^After=' "$unit"
check "systemd: it is wanted" links_to "etc/systemd/system/multi-user.target.wants/$name.service" "/etc/systemd/system/$name.service"
check "the script has the word" has "$r/etc/bootferry/evidence" "token=$word"
check "and is nobody else's to read" equal 700 "$(stat -c %a "$r/etc/bootferry/evidence")"
check "it is said" says "runs once at the first start"
refute "the report does not have the word" grep -F $word "$work/report.txt" "$work/report"
check "the script: dash" dash -n "$r/etc/bootferry/evidence"
check "the script: busybox" busybox sh -n "$r/etc/bootferry/evidence"
check "the script: bash" bash -n "$r/etc/bootferry/evidence"
if command -v shellcheck >/dev/null; then check "the script: shellcheck" shellcheck -S style -s sh "$r/etc/bootferry/evidence"; fi
judged_unit() { equal "" "$(systemd-analyze verify --man=no "$unit" 2>&1 | grep -F "$name")"; }
check "systemd-analyze finds nothing wrong with the unit" judged_unit
sed -i '/ExecStart/s/^/Bogus=1\n/' "$unit"
refute "(which it would say)" judged_unit
sed -i '/^Bogus/d' "$unit"
check "systemctl calls it enabled" equal enabled "$(systemctl --root="$r" is-enabled $name.service)"
evidence_plan $other
check "another word: apply" run
check "another word: the script has it" has "$r/etc/bootferry/evidence" "token=$other"
refute "another word: the old one is gone" grep -rF $word "$r/etc"
check "another word: second run" again
evidence_plan
run
leaves systemd

bare "$r"
ln -s /usr/lib/systemd/system/graphical.target "$r/etc/systemd/system/default.target"
check "a desktop" run
refute "a desktop: no other target" test -e "$r/etc/systemd/system/graphical.target.wants"
ln -sfn /etc/systemd/system/appliance.target "$r/etc/systemd/system/default.target"
check "a target of its own" run
check "a target of its own wants it, too" links_to "etc/systemd/system/appliance.target.wants/$name.service" "/etc/systemd/system/$name.service"

# A failover leaves nothing in the guest: neither the originals.
bare "$r"
put "$r/etc/hostname" <<<oldname
begin
plan_to ", \"hostname\": \"newname\", \"undo\": \"point\", \"evidence\": {\"word\": \"$word\"}"
check "no undo in the guest: apply" run
check "no undo in the guest: the change" has "$r/etc/hostname" newname
check "no undo in the guest: no originals" gone var/lib/bootferry
refute "no undo in the guest: none anywhere" grep -rqF oldname "$r"
check "no undo in the guest: the script runs" ran
echo oldname >"$r/etc/hostname"
check "no undo in the guest: and nothing is left" equal "$before" "$(snapshot_names)"
refused_undo() { ! "$FINALIZE" --root "$r" --undo --report "$work/report" 2>"$work/err" && says "nothing to undo"; }
check "no undo in the guest: there is nothing to undo" refused_undo
# Of a run before, too.
plan_to ', "hostname": "newname"'
check "the originals of an earlier run" run
check "are there" test -e "$r/var/lib/bootferry/undo/journal.json"
plan_to ', "hostname": "third", "undo": "point"'
check "and go" run
check "with those of the later" gone var/lib/bootferry
evidence_plan

# ---- What is planned -------------------------------------------------------------------------------
networkd "$r"
put "$r/etc/systemd/network/a.network" <<<"[Match]
Name=ens3
[Network]
Address=192.0.2.10/24"
put "$work/plan" <<<"{\"version\": 1, \"target\": {\"kind\": \"kvm\"}, \"evidence\": {\"word\": \"$word\",
    \"report_to\": \"https://replica.example.org:7443/e?x=1&y=2\"},
    \"nics\": [{\"match\": {\"name\": \"ens3\"}, \"mac\": \"52:54:00:00:00:05\", \"addresses\": [\"198.51.100.20/24\", \"2001:db8::20/64\"],
      \"gateway\": [\"198.51.100.1\", \"fe80::1\"]}, {\"match\": {\"name\": \"ens4\"}, \"mac\": \"52:54:00:00:00:06\", \"dhcp\": true}]}"
check "with interfaces" run
script=$r/etc/bootferry/evidence
check "the script knows the addresses" has "$script" "planned='198.51.100.20=198.51.100.20 2001:db8::20=2001:0db8:0000:0000:0000:0000:0000:0020'"
check "and the gateways" has "$script" "gateways='198.51.100.1=198.51.100.1 fe80::1=fe80:0000:0000:0000:0000:0000:0000:0001'"
check "and who gets an address by DHCP" has "$script" "dhcp='52:54:00:00:00:06'"
check "and where to report" has "$script" "report_to='https://replica.example.org:7443/e?x=1&y=2'"
check "and no certificate" has "$script" "ca=''"
check "and the serial port" has "$script" "console=/dev/ttyS0"
evidence_plan 'X'
refused_plan() { ! run && matches "$1" "$(cat "$work/err")"; }
check "a word that is none" refused_plan "evidence.word: must be 32 hexadecimal digits"
evidence_plan "$word" ", \"report_to\": \"https://a/'; reboot; '\""
check "a URL with a quote" refused_plan "evidence.report_to: must be a URL"
pem='-----BEGIN CERTIFICATE-----\nMIIBdzCC+/=\n-----END CERTIFICATE-----\n'
evidence_plan "$word" ", \"report_to\": \"https://a/\", \"ca\": \"$pem'; reboot; '\""
check "a certificate with a quote" refused_plan "evidence.ca: must be certificates in PEM"
evidence_plan "$word" ", \"report_to\": \"https://a/\", \"ca\": \"$pem\""
check "with a certificate" run
check "the script has it" equal "$(printf "ca='%b'" "$pem")" "$(sed -n "/^ca='/,/'\$/p" "$script")"
for shell in dash bash; do check "the script with it: $shell" "$shell" -n "$script"; done
check "the script with it: busybox" busybox sh -n "$script"
bare "$r"
plan_to ', "evidence": {"report_to": "https://a/"}'
check "without a word" run
check "nothing is put in" gone etc/bootferry/evidence
check "which is said" says "has no word, so this machine reports nothing"
evidence_plan

# ---- OpenRC, runit ---------------------------------------------------------------------------------
small openrc alpine
begin
adapted OpenRC
check "OpenRC: its interpreter" equal '#!/sbin/openrc-run' "$(head -n 1 "$r/etc/init.d/$name")"
check "OpenRC: it can be executed" test -x "$r/etc/init.d/$name"
check "OpenRC: in the run level" links_to "etc/runlevels/default/$name" "/etc/init.d/$name"
# The functions as openrc-run calls them; /bin/sh is what starts the script.
openrc_start() { (cd "$work" && bash -c ". '$r/etc/init.d/$name'; need() { echo need \$*; }; after() { echo after \"\$*\"; }; set -f; depend") >"$work/depend" && has "$work/depend" "need localmount" && has "$work/depend" "after *"; }
check "OpenRC: it needs the file systems and comes after all others" openrc_start
leaves OpenRC
small openrc gentoo
rm "$r/sbin/openrc-run"
check "an old OpenRC" run
check "an old OpenRC: its interpreter" equal '#!/sbin/runscript' "$(head -n 1 "$r/etc/init.d/$name")"

small runit void
begin
adapted runit
check "runit: linked where runsvdir looks" links_to "etc/runit/runsvdir/default/$name" "/etc/sv/$name"
check "runit: its state is not on the disk" links_to "etc/sv/$name/supervise" "/run/runit/supervise.$name"
check "runit: the program" test -x "$r/etc/sv/$name/run"
check "runit: and it goes on when the script is gone" has "$r/etc/sv/$name/run" "exec sleep 86400"
leaves runit
small runit void
rm -r "$r/etc/runit/runsvdir/default"
put "$r/sbin/runit-init" <<<x
check "runit of Debian" run
check "runit of Debian: linked" links_to "etc/service/$name" "/etc/sv/$name"

# ---- SysV ------------------------------------------------------------------------------------------
levels() { for level in 0 1 2 3 4 5 6; do mkdir -p "$r/$1/rc$level.d"; done; }
small sysvinit debian
levels etc
begin
adapted SysV
for level in 2 3 4 5; do check "SysV: run level $level" links_to "etc/rc$level.d/S99$name" "../init.d/$name"; done
for level in 0 1 6; do check "SysV: not run level $level" gone "etc/rc$level.d/S99$name"; done
leaves SysV
small sysvinit devuan
levels etc
put "$r/etc/init.d/.depend.start" <<<"TARGETS = rsyslog cron
INTERACTIVE =
cron: rsyslog"
begin
adapted startpar
check "startpar: it is in the list" is "$r/etc/init.d/.depend.start" <<<"TARGETS = rsyslog cron $name
INTERACTIVE =
cron: rsyslog"
leaves startpar
small upstart centos
mkdir -p "$r/etc/rc.d/init.d"
levels etc/rc.d
for level in 0 1 2 3 4 5 6; do ln -s "rc.d/rc$level.d" "$r/etc/rc$level.d"; done
rmdir "$r/etc/init.d"
ln -s rc.d/init.d "$r/etc/init.d"
begin
adapted "RHEL 6"
check "RHEL 6: the script" test -x "$r/etc/rc.d/init.d/$name"
check "RHEL 6: for chkconfig" has "$r/etc/rc.d/init.d/$name" "# chkconfig: 2345 99 01"
check "RHEL 6: run level 3" links_to "etc/rc.d/rc3.d/S99$name" "../init.d/$name"
check "RHEL 6: which leads there" test -x "$r/etc/rc.d/rc3.d/S99$name"
leaves "RHEL 6"
small sysvinit sles
levels etc/init.d
ln -s init.d "$r/etc/rc.d"
begin
adapted "SLES 11"
check "SLES 11: run level 3" links_to "etc/init.d/rc3.d/S99$name" "../$name"
check "SLES 11: which leads there" test -x "$r/etc/init.d/rc3.d/S99$name"
leaves "SLES 11"
small sysvinit slackware
rmdir "$r/etc/init.d"
put "$r/etc/rc.d/rc.M" <<<x
put "$r/etc/rc.d/rc.sysvinit" <<<x
begin
adapted Slackware
check "Slackware: run level 3" test -x "$r/etc/rc.d/rc3.d/S99$name"
check "Slackware: run level 4" test -x "$r/etc/rc.d/rc4.d/S99$name"
leaves Slackware
small sysvinit buildroot
put "$r/etc/init.d/rcS" <<<"for i in /etc/init.d/S??*; do \$i start; done"
begin
adapted busybox
check "busybox: among rcS' scripts" test -x "$r/etc/init.d/S99$name"
leaves busybox
small sysvinit unheard-of
check "nothing starts it" refused_with "nothing is known that would start a script"
small sysvinit artix
ln -s /usr/bin/s6-svscan "$r/sbin/init"
check "s6" refused_with "nothing is known that would start a script"

# insserv and startpar of Debian on a system of theirs.
small sysvinit debian
levels etc
run
script_of() { # NAME REQUIRED LEVELS
    put "$r/etc/init.d/$1" <<<"#!/bin/sh
### BEGIN INIT INFO
# Provides: $1
# Required-Start: $2
# Required-Stop:
# Default-Start: $3
# Default-Stop:
# Short-Description: $1
### END INIT INFO
echo \"$1 \$1\" >>/started"
    chmod 755 "$r/etc/init.d/$1"
}
script_of mountall "" S
script_of ssh "\$local_fs" "2 3 4 5"
script_of cron "ssh" "2 3 4 5"
mkdir "$r/etc/rcS.d"
put "$r/etc/insserv.conf" <<<"\$local_fs mountall"
# in_debian COMMAND: this system with the tree's scripts as its own, in a namespace.
in_debian() {
    local root=$work/debian
    mkdir -p "$root"
    unshare -m bash -e -c "mount -t tmpfs none '$root'; mkdir '$root'/{u,w,r}
        mount -t overlay -o lowerdir=/,upperdir='$root/u',workdir='$root/w' none '$root/r'
        rm -rf '$root/r'/etc/{init.d,rc?.d,bootferry}; cp -a '$r/etc/.' '$root/r/etc/'
        chroot '$root/r' bash -e -c '$1'"
}
if [ "$(id -u)" = 0 ] && in_debian true 2>/dev/null && [ -x /sbin/insserv ] && [ -x /bin/startpar ]; then
    last='insserv -f mountall ssh cron bootferry-evidence >&2; ls /etc/rc2.d'
    check "insserv starts it after all others" equal "S03$name" "$(in_debian "$last" 2>/dev/null | grep $name)"
    order='rm /etc/rc?.d/S99bootferry-evidence; sh /etc/init.d/bootferry-evidence stop; insserv -f mountall ssh cron >&2'
    order+='; cd /etc; ln -s ../init.d/bootferry-evidence rc2.d/S99bootferry-evidence; touch /started'
    # shellcheck disable=SC2016 # the script expands it
    order+='; printf "#!/bin/sh\necho ours \$1 >>/started" >init.d/bootferry-evidence'
    par='startpar -p 4 -t 20 -T 3 -M start -P N -R 2 >&2; cat /started'
    refute "startpar does not start what insserv has not listed" grep ours <<<"$(in_debian "$order; $par" 2>/dev/null)"
    listed='sed -i "/^TARGETS/s/\$/ bootferry-evidence/" /etc/init.d/.depend.start'
    check "it starts it with the line that a plan makes" grep "ours start" <<<"$(in_debian "$order; $listed; $par" 2>/dev/null)"
else
    skip "insserv and startpar" "they need root"
fi
finish
