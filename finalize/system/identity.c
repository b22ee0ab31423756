// SPDX-License-Identifier: Apache-2.0
// What a machine is known by: its machine-id, its SSH host keys, and what DHCP servers know it by.
// A machine that has moved keeps all of it. A clone gets new ones at its first start, by what the
// system itself does then: machine-id(5) makes an empty file into a new identity without taking the
// start for a first one (which "uninitialized" would, so that presets would enable and disable
// services anew). SSH host keys go only where something makes new ones: most distributions' sshd
// does, Debian's does not, and there a unit is added.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/steps.h"

#define WHY        "a new identity, as planned"
#define MACHINE_ID "/etc/machine-id"
#define DBUS_ID    "/var/lib/dbus/machine-id"
#define KEYGEN     "/etc/systemd/system/bootferry-ssh-keys.service"
#define KEYGEN_ON  "/etc/systemd/system/multi-user.target.wants/bootferry-ssh-keys.service"

static enum bf_err remove_file(struct bf_fin *f, const char *path)
{
    struct bf_fault fault;
    if (!bf_fin_root_exists(f->root, path))
        return BF_OK;
    if (bf_edits_remove(&f->edits, path, WHY, &fault))
        return bf_fail(f->report, "%s cannot be removed: %s", path, fault.what);
    return BF_OK;
}

static enum bf_err remove_visited(struct bf_fin *f, const char *path, void *arg)
{
    (void)arg;
    return remove_file(f, path);
}

// ---- machine-id ---------------------------------------------------------------------------------

// The present one into `out`, of 33 bytes. False when it has none.
static bool machine_id(struct bf_fin *f, char *out)
{
    size_t len;
    const char *text = bf_edits_get(&f->edits, MACHINE_ID, &len, NULL);
    bool has = text && len >= 32 && strspn(text, "0123456789abcdef") >= 32;
    snprintf(out, 33, "%.32s", has ? text : "");
    return has;
}

static enum bf_err renew_machine_id(struct bf_fin *f)
{
    static const struct bf_text empty;
    enum bf_err err = BF_OK;
    if (f->system.init != BF_INIT_SYSTEMD)
        err = remove_file(f, MACHINE_ID); // dbus-uuidgen --ensure makes one that is missing only
    else if (bf_fin_root_exists(f->root, MACHINE_ID))
        err = bf_fin_set(f, MACHINE_ID, &empty, WHY);
    if (err || bf_edits_link_target(&f->edits, DBUS_ID))
        return err;
    return remove_file(f, DBUS_ID);
}

// ---- Boot entries that are named by it ----------------------------------------------------------

static bool has_entries(struct bf_fin *f, const char *boot, const char *id)
{
    char dir[128];
    struct bf_names names;
    snprintf(dir, sizeof dir, "%s/%s", boot, id);
    bool found = bf_fin_root_is_dir(f->root, dir);
    snprintf(dir, sizeof dir, "%s/loader/entries", boot);
    if (found || bf_edits_list(&f->edits, dir, ".conf", &names))
        return found;
    for (size_t i = 0; i < names.count && !found; i++)
        found = strncmp(names.name[i], id, 32) == 0;
    bf_names_free(&names);
    return found;
}

// kernel-install(8) goes on with the old name where /etc/kernel/entry-token has it.
static enum bf_err keep_entries(struct bf_fin *f, const char *id)
{
    static const char *const boot[] = {"/boot", "/boot/efi", "/efi"};
    struct bf_text token = {0};
    bool found = false;
    for (size_t i = 0; i < BF_COUNT(boot) && !found; i++)
        found = has_entries(f, boot[i], id);
    if (!found || bf_fin_root_exists(f->root, "/etc/kernel/entry-token"))
        return BF_OK;
    bf_note(f->report, "warning", "identity",
            "the boot entries are named by the old machine-id; /etc/kernel/entry-token keeps that "
            "name for kernel-install of systemd 251 and later. An older one, and Red Hat's, begins "
            "new entries with the next kernel: remove the old ones then");
    bf_textf(&token, "%s\n", id);
    enum bf_err err = bf_fin_set(f, "/etc/kernel/entry-token", &token,
                                 "boot entries keep the name that they have");
    bf_text_free(&token);
    return err;
}

// ---- SSH host keys ------------------------------------------------------------------------------

static bool mentions(struct bf_fin *f, const char *path, const char *word)
{
    size_t len;
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    return text && memmem(text, len, word, strlen(word));
}

// Whether the start of sshd makes host keys that are missing.
static bool makes_keys(struct bf_fin *f)
{
    static const char *const units[] = {"/usr/lib/systemd/system/sshd-keygen.service",
                                        "/usr/lib/systemd/system/sshd-keygen@.service",
                                        "/usr/lib/systemd/system/sshdgenkeys.service", NULL};
    static const char *const starts[] = {"/usr/lib/systemd/system/sshd.service",
                                         "/usr/lib/systemd/system/ssh.service",
                                         "/lib/systemd/system/ssh.service",
                                         "/etc/init.d/sshd",
                                         "/etc/init.d/ssh",
                                         "/etc/rc.d/init.d/sshd",
                                         "/etc/sv/sshd/run",
                                         "/etc/rc.d/rc.sshd"};
    bool made = bf_fin_root_any(f->root, units);
    for (size_t i = 0; i < BF_COUNT(starts) && !made; i++)
        made = mentions(f, starts[i], "keygen") || mentions(f, starts[i], "gen-keys");
    return made;
}

// The keys of the default names; others are in files that HostKey names, and stay.
static bool is_host_key(const char *name)
{
    return strncmp(name, "ssh_host_", 9) == 0 && strstr(name, "_key");
}

static bool has_keys(struct bf_fin *f)
{
    struct bf_names names;
    bool found = false;
    if (bf_edits_list(&f->edits, "/etc/ssh", "_key", &names))
        return false;
    for (size_t i = 0; i < names.count; i++)
        found = found || is_host_key(names.name[i]);
    bf_names_free(&names);
    return found;
}

static enum bf_err remove_key(struct bf_fin *f, const char *path, void *arg)
{
    (void)arg;
    return is_host_key(strrchr(path, '/') + 1) ? remove_file(f, path) : BF_OK;
}

static enum bf_err add_unit(struct bf_fin *f)
{
    struct bf_text unit = {0};
    struct bf_fault fault;
    bf_text_str(&unit, "# Written by bootferry-finalize: this machine is a clone with host keys of "
                       "its own.\n"
                       "[Unit]\n"
                       "Description=SSH host keys that are missing\n"
                       "Before=ssh.service sshd.service ssh.socket\n"
                       "\n"
                       "[Service]\n"
                       "Type=oneshot\n"
                       "RemainAfterExit=yes\n"
                       "ExecStart=/usr/bin/ssh-keygen -A\n"
                       "\n"
                       "[Install]\n"
                       "WantedBy=multi-user.target\n");
    enum bf_err err = bf_fin_set(f, KEYGEN, &unit, "makes new SSH host keys");
    bf_text_free(&unit);
    if (!err && bf_edits_link(&f->edits, KEYGEN_ON, KEYGEN, "makes new SSH host keys", &fault))
        err = bf_fail(f->report, "%s cannot be made: %s", KEYGEN_ON, fault.what);
    return err;
}

static enum bf_err renew_keys(struct bf_fin *f)
{
    enum bf_err err = BF_OK;
    if (!has_keys(f))
        return BF_OK;
    if (!makes_keys(f)) {
        if (f->system.init != BF_INIT_SYSTEMD ||
            !bf_fin_root_exists(f->root, "/usr/bin/ssh-keygen"))
            return bf_refuse(f->report,
                             "\"identity\": \"new\": nothing in this system makes new SSH host "
                             "keys when it starts without any; leave \"identity\" out, and after "
                             "the first start remove /etc/ssh/ssh_host_* and run ssh-keygen -A");
        err = add_unit(f);
    }
    return err ? err : bf_fin_each(f, "/etc/ssh", "", remove_key, NULL);
}

// ---- What else a server knows it by, and what must not be the same twice ------------------------

static enum bf_err renew_dhcp(struct bf_fin *f)
{
    static const char *const files[] = {
        "/var/lib/dhcpcd/duid",         "/var/lib/dhcpcd/secret",
        "/var/db/dhcpcd/duid",          "/etc/dhcpcd.duid",
        "/var/lib/wicked/duid.xml",     "/var/lib/wicked/iaid.xml",
        "/var/lib/systemd/random-seed", "/var/lib/NetworkManager/secret_key",
        "/var/lib/urandom/random-seed", "/var/lib/random-seed",
        "/var/lib/misc/random-seed",
    };
    static const struct {
        const char *dir, *suffix;
    } leases[] = {{"/var/lib/dhcp", ".leases"},
                  {"/var/lib/dhclient", ".leases"},
                  {"/var/lib/dhclient", ".lease"},
                  {"/var/lib/NetworkManager", ".lease"}};
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < BF_COUNT(files) && !err; i++)
        err = remove_file(f, files[i]);
    for (size_t i = 0; i < BF_COUNT(leases) && !err; i++)
        err = bf_fin_each(f, leases[i].dir, leases[i].suffix, remove_visited, NULL);
    return err;
}

static void note_others(struct bf_fin *f)
{
    static const char *const files[] = {"/etc/iscsi/initiatorname.iscsi", "/etc/nvme/hostnqn",
                                        "/etc/nvme/hostid"};
    for (size_t i = 0; i < BF_COUNT(files); i++)
        if (bf_fin_root_exists(f->root, files[i]))
            bf_note(f->report, "warning", files[i],
                    "names the machine to its storage, and stays: two machines must not share it");
    if (mentions(f, "/etc/systemd/networkd.conf", "DUIDRawData="))
        bf_note(f->report, "warning", "/etc/systemd/networkd.conf",
                "has the DUID that DHCP servers know the machine by, and stays");
}

enum bf_err bf_adapt_identity(struct bf_fin *f)
{
    char id[33];
    if (!f->plan->new_identity) {
        bf_note(f->report, "info", "identity",
                "machine-id, SSH host keys and what DHCP servers know the machine by stay, since "
                "it is the same machine (\"identity\": \"new\" is for a clone)");
        return BF_OK;
    }
    enum bf_err err = machine_id(f, id) ? keep_entries(f, id) : BF_OK;
    if (!err)
        err = renew_machine_id(f);
    if (!err)
        err = renew_keys(f);
    if (!err)
        err = renew_dhcp(f);
    if (err)
        return err;
    note_others(f);
    bf_note(f->report, "info", "identity",
            "machine-id, SSH host keys and what DHCP servers know the machine by are made anew at "
            "the next start%s",
            f->plan->drop_undo ? ""
                               : "; the old ones are kept for an undo in /var/lib/bootferry/undo, "
                                 "which may be removed once that is not wanted");
    return BF_OK;
}
