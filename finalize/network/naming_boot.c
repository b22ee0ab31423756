// SPDX-License-Identifier: Apache-2.0
// A small program of the guest's own early boot, for what udev cannot do: systemd's udev cannot
// exchange eth0 and eth1, since the one name is taken while the other is given ("File exists"), and
// before version 240 it leaves a name alone that the initramfs gave. A unit before
// network-pre.target renames by MAC address through names in between.
//
// The initramfs does not get in the way otherwise. What Debian's update-initramfs copies into it
// are the .link files of the old home, whose MAC addresses are on no card any more; its
// 99-default.link may name a card by its slot, which udev outside changes again (systemd 240 and
// later). dracut's has no .link files unless its network modules are in it.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/network/naming.h"

#define FOLDER "/usr/lib/bootferry"
#define UNITS  "/etc/systemd/system"

static const char script[] =
    "#!/bin/sh\n"
    "# Written by bootferry-finalize: gives network cards the names that they had before this "
    "machine\n"
    "# moved. udev cannot exchange names of the kernel's kind (eth0, eth1). The table has a MAC "
    "address\n"
    "# and a name on each line. Nothing happens when all is as it says.\n"
    "table=${1:-" FOLDER "/names}\n"
    "net=/sys/class/net\n"
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"
    "export PATH\n"
    "\n"
    "# A VLAN, bridge or bond shares the address of a port; a port's own may be hidden by its "
    "master's.\n"
    "is_card() {\n"
    "    [ ! -e \"$net/$1/bridge\" ] && [ ! -e \"$net/$1/bonding\" ] && [ ! -e \"$net/$1/master\" "
    "] || return 1\n"
    "    for lower in \"$net/$1\"/lower_*; do [ ! -e \"$lower\" ] || return 1; done\n"
    "}\n"
    "# Sets card to the one with that MAC address; to nothing when there is none, or more than "
    "one.\n"
    "find_card() {\n"
    "    card=\n"
    "    for at in \"$net\"/*; do\n"
    "        { read -r address <\"$at/address\"; } 2>/dev/null || continue\n"
    "        if [ \"$address\" != \"$1\" ] || ! is_card \"${at##*/}\"; then continue; fi\n"
    "        [ -z \"$card\" ] || { card=; return; }\n"
    "        card=${at##*/}\n"
    "    done\n"
    "}\n"
    "all_right() {\n"
    "    while read -r mac name; do\n"
    "        find_card \"$mac\"\n"
    "        [ \"$card\" = \"$name\" ] || return 1\n"
    "    done <\"$table\"\n"
    "}\n"
    "# The name may be an alternative one of the same card.\n"
    "rename() {\n"
    "    ip link set dev \"$1\" name \"$2\" 2>/dev/null && return\n"
    "    ip link property del dev \"$1\" altname \"$2\" 2>/dev/null\n"
    "    ip link set dev \"$1\" name \"$2\"\n"
    "}\n"
    "\n"
    "[ -r \"$table\" ] || exit 0\n"
    "all_right && exit 0\n"
    "if command -v udevadm >/dev/null; then udevadm settle --timeout=30; fi\n"
    "all_right && exit 0\n"
    "if ! command -v ip >/dev/null; then\n"
    "    echo \"the ip command is missing: names of network cards cannot be exchanged\" >&2\n"
    "    exit 1\n"
    "fi\n"
    "\n"
    "# Out of the way: each card that is called otherwise, and whatever has its name.\n"
    "n=0 free='' aside='' renamed='' status=0\n"
    "while read -r mac name; do\n"
    "    find_card \"$mac\"\n"
    "    if [ -z \"$card\" ] || [ \"$card\" = \"$name\" ]; then continue; fi\n"
    "    for old in \"$card\" \"$name\"; do\n"
    "        [ -e \"$net/$old\" ] || continue\n"
    "        while [ -e \"$net/bfname$n\" ]; do n=$((n + 1)); done\n"
    "        rename \"$old\" \"bfname$n\" || { status=1; continue; }\n"
    "        free=\"$free $old\" aside=\"$aside bfname$n\"\n"
    "    done\n"
    "done <\"$table\"\n"
    "while read -r mac name; do\n"
    "    find_card \"$mac\"\n"
    "    if [ -z \"$card\" ] || [ \"$card\" = \"$name\" ]; then continue; fi\n"
    "    if rename \"$card\" \"$name\"; then renamed=\"$renamed $name\"; else status=1; fi\n"
    "done <\"$table\"\n"
    "# What stood in the way, and what could not be named, gets a name that is free now.\n"
    "for card in $aside; do\n"
    "    [ -e \"$net/$card\" ] || continue\n"
    "    for name in $free; do\n"
    "        [ ! -e \"$net/$name\" ] && rename \"$card\" \"$name\" && renamed=\"$renamed $name\" "
    "&& break\n"
    "    done\n"
    "done\n"
    "# What waits for a card by its name is told once more.\n"
    "if command -v udevadm >/dev/null; then\n"
    "    for name in $renamed; do udevadm trigger --action=add --subsystem-match=net "
    "--sysname-match=\"$name\"; done\n"
    "    udevadm settle --timeout=30\n"
    "fi\n"
    "[ -z \"$renamed\" ] || echo \"network cards renamed:$renamed\"\n"
    "exit $status\n";

static const char unit[] =
    "# Written by bootferry-finalize\n"
    "[Unit]\n"
    "Description=Names of network cards from before the move\n"
    "DefaultDependencies=no\n"
    "RequiresMountsFor=" FOLDER "\n"
    "Wants=network-pre.target\n"
    "After=systemd-udevd.service systemd-udev-trigger.service\n"
    "Before=network-pre.target sysinit.target cloud-init-local.service shutdown.target\n"
    "Conflicts=shutdown.target\n"
    "\n"
    "[Service]\n"
    "Type=oneshot\n"
    "RemainAfterExit=yes\n"
    "ExecStart=/bin/sh " FOLDER "/keep-names\n"
    "TimeoutStartSec=90\n";

static const char wants[] = "# Written by bootferry-finalize\n"
                            "[Unit]\n"
                            "Wants=bootferry-names.service\n";

static const struct {
    const char *path, *content;
    unsigned mode;
} files[] = {
    {FOLDER "/names", NULL, 0644},
    {FOLDER "/keep-names", script, 0755},
    {UNITS "/bootferry-names.service", unit, 0644},
    // As a link in sysinit.target.wants would.
    {UNITS "/sysinit.target.d/bootferry-names.conf", wants, 0644},
};

static bool is_in(const struct bf_text *table, const char *word)
{
    return word[0] && table->len && memmem(table->data, table->len, word, strlen(word));
}

// The planned interfaces, and those besides whose MAC address is known and stays.
static void make_table(const struct bf_fin *f, const struct bf_link *link, size_t links,
                       struct bf_text *table)
{
    const struct bf_net *net = f->system.net;
    char line[BF_MAC_TEXT + BF_IFNAME + 2];
    for (size_t i = 0; i < links; i++)
        if (bf_naming_keeps(f, &link[i]) && bf_naming_new_mac(&link[i])[0])
            bf_textf(table, "%s %s\n", bf_naming_new_mac(&link[i]), link[i].name);
    for (size_t i = 0; net && i < net->count; i++) {
        const struct bf_known *k = &net->known[i];
        bool old = false;
        for (size_t n = 0; n < links; n++)
            old = old || strcmp(link[n].old_mac, k->mac) == 0;
        snprintf(line, sizeof line, " %s\n", k->name);
        if (bf_naming_is_card(k) && k->mac[0] && !old && !is_in(table, line) &&
            !is_in(table, k->mac))
            bf_textf(table, "%s %s\n", k->mac, k->name);
    }
}

static bool is_needed(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    bool kernels = false, any = false;
    for (size_t i = 0; i < links; i++)
        if (bf_naming_keeps(f, &link[i]) && bf_naming_new_mac(&link[i])[0]) {
            any = true;
            kernels = kernels || bf_naming_is_kernels(link[i].name);
        }
    if (!any || f->system.init != BF_INIT_SYSTEMD)
        return false;
    return (kernels && bf_naming_cards(f, link, links) > 1) || bf_naming_names_once(f);
}

// Our own of an earlier plan, which the unit shows.
static enum bf_err remove_all(struct bf_fin *f)
{
    struct bf_fault fault;
    bool ours = bf_fin_root_exists(f->root, UNITS "/bootferry-names.service");
    for (size_t i = ours ? 0 : BF_COUNT(files); i < BF_COUNT(files); i++)
        if (bf_fin_root_exists(f->root, files[i].path) &&
            bf_edits_remove(&f->edits, files[i].path, "of an earlier plan", &fault))
            return bf_fail(f->report, "%s cannot be removed: %s", files[i].path, fault.what);
    return BF_OK;
}

static void warn_of_ip(struct bf_fin *f)
{
    static const char *const ip[] = {"/sbin/ip", "/usr/sbin/ip", "/bin/ip", "/usr/bin/ip", NULL};
    if (!bf_fin_root_any(f->root, ip))
        bf_note(f->report, "warning", FOLDER "/keep-names",
                "needs the ip command (iproute2), which is not installed: names of the kernel's "
                "kind cannot be exchanged, so give the network cards of the new machine the order "
                "that they had");
}

static void note_names(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    struct bf_text names = {0};
    for (size_t i = 0; i < links; i++)
        if (bf_naming_keeps(f, &link[i]) && bf_naming_is_kernels(link[i].name))
            bf_textf(&names, "%s%s", names.len ? ", " : "", link[i].name);
    if (names.len)
        bf_note(f->report, "info", "bootferry-names.service",
                "gives %s to the right network cards early at boot, where the new machine counts "
                "them in another order: udev cannot exchange names of the kernel's kind",
                bf_text_get(&names));
    bf_text_free(&names);
}

enum bf_err bf_naming_boot_adapt(struct bf_fin *f, const struct bf_link *link, size_t links)
{
    struct bf_text table = {0};
    enum bf_err err = BF_OK;
    if (!is_needed(f, link, links))
        return remove_all(f);
    make_table(f, link, links, &table);
    note_names(f, link, links);
    for (size_t i = 0; i < BF_COUNT(files) && !err; i++) {
        struct bf_text out = {0};
        bf_text_str(&out, files[i].content ? files[i].content : bf_text_get(&table));
        err = bf_fin_set_mode(f, files[i].path, &out, files[i].mode,
                              "names of network cards that udev cannot exchange");
        bf_text_free(&out);
    }
    bf_text_free(&table);
    warn_of_ip(f);
    return err;
}
