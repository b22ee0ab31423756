// SPDX-License-Identifier: Apache-2.0
// GRUB's script, and the files that menus are made from: /etc/default/grub, kernel-install's
// cmdline, the settings of extlinux and u-boot-menu. And what a clone is no longer known by.
#include "finalize/boot/extlinux_defaults.h"
#include "finalize/boot/grub.h"
#include "finalize/boot/kernel_install.h"
#include "finalize/boot/loader.h"
#include "finalize/system/steps.h"

#include "tests/finalize_table.h"
#include "tests/unit/test.h"

#define CON "console=tty0 console=ttyS0,115200"

// ---- grub.cfg ----------------------------------------------------------------------------------

static void test_grub_script(void)
{
    static const struct table_row rows[] = {
        {"menuentry x {\n\tlinux\t/v root=/dev/sda2 ro quiet\n\tinitrd\t/i\n}\n",
         "menuentry x {\n\tlinux\t/v root=UUID=1111 ro quiet\n\tinitrd\t/i\n}\n", NULL},
        {"menuentry x {\n linux /v root=/dev/sda2\n}",
         "menuentry x {\n linux /v root=PARTUUID=part-a2\n}", NULL},
        {"menuentry 'x' { linux16 /v root=/dev/sda2; initrd16 /i; }\n",
         "menuentry 'x' { linux16 /v root=UUID=1111; initrd16 /i; }\n", NULL},
        {"menuentry x {\nlinuxefi /v root=/dev/sda2\ninitrdefi /i\n}\n",
         "menuentry x {\nlinuxefi /v root=UUID=1111\ninitrdefi /i\n}\n", NULL},
        // Words in quotes are quoted only where they have to be.
        {"menuentry x {\nlinux /v \"root=/dev/sda2\" 'resume=/dev/sda3'\ninitrd /i\n}\n",
         "menuentry x {\nlinux /v root=UUID=1111 resume=UUID=2222\ninitrd /i\n}\n", NULL},
        {"menuentry x {\nlinux /v root=/dev/\"sda2\"\ninitrd /i\n}\n",
         "menuentry x {\nlinux /v root=UUID=1111\ninitrd /i\n}\n", NULL},
        // A line that goes on.
        {"menuentry x {\nlinux /v \\\n root=/dev/sda2 \\\n ro\ninitrd /i\n}\n",
         "menuentry x {\nlinux /v \\\n root=UUID=1111 \\\n ro\ninitrd /i\n}\n", NULL},
        {"menuentry a {\nlinux /v root=UUID=1111\ninitrd /i\n}\nmenuentry b {\nlinux /v "
         "root=/dev/sdb1\n"
         "initrd /i\n}\n",
         "menuentry a {\nlinux /v root=UUID=1111\ninitrd /i\n}\nmenuentry b {\nlinux /v "
         "root=UUID=4444\n"
         "initrd /i\n}\n",
         NULL},
        {"menuentry x {\n# linux /v root=/dev/sda2\necho 'root=/dev/sda2'\nlinux /v "
         "root=LABEL=x\n}\n",
         "=", NULL},
        {"menuentry x {\nlinuxx /v root=/dev/sda2\n}\n", "=", NULL},
        {"menuentry 'linux root=/dev/sda2' {\nchainloader +1\n}\n", "=", NULL},
        {"menuentry x {\nlinux /v root=$dev myroot=/dev/sda2\ninitrd /i\n}\n", "=", NULL},
        {"menuentry x {\nlinux\n}\n", "=", NULL},
        {"menuentry x {\nlinux /v cryptdevice=/dev/sda2:c\ninitrd /i\n}\n", "!",
         "line 2: the system is started with cryptdevice=/dev/sda2"},
        {"", "=", NULL},
        {"\n\n", "=", NULL},
    };
    table_begin();
    TABLE_CHECK(bf_grub.rewrite, "/boot/grub/grub.cfg", rows);
    table_remove("/boot/grub/grub.cfg");
}

// ---- /etc/default/grub
// ---------------------------------------------------------------------------

#define ALL "GRUB_CMDLINE_LINUX"

static void test_grub_defaults(void)
{
    static const struct table_row rows[] = {
        {ALL "=\"root=/dev/sda2 quiet\"\n", ALL "=\"root=UUID=1111 quiet\"\n", ""},
        {ALL "_DEFAULT='resume=/dev/sda3'\n", ALL "_DEFAULT='resume=UUID=2222'\n", ""},
        {ALL "=root=/dev/sda2\n", ALL "=\"root=UUID=1111\"\n", ""},
        {ALL "=\"resume=/dev/sda3\" # mine\n", ALL "=\"resume=UUID=2222\" # mine\n", ""},
        {"export " ALL "=\"resume=/dev/sda3\"", "export " ALL "=\"resume=UUID=2222\"", ""},
        {ALL "+=\" resume=/dev/sda3\"\n", ALL "+=\" resume=UUID=2222\"\n", ""},
        {ALL "=\"$" ALL " resume=/dev/sda3\"\n", ALL "=\"$" ALL " resume=UUID=2222\"\n", ""},
        {ALL "_RECOVERY=\"root=/dev/sda2\"\n", ALL "_RECOVERY=\"root=UUID=1111\"\n", ""},
        {ALL "=\"a=\\\"b\\\" resume=/dev/sda3\"\n", ALL "=\"a=\\\"b\\\" resume=UUID=2222\"\n", ""},
        {"GRUB_DISABLE_LINUX_UUID=true\n", "#GRUB_DISABLE_LINUX_UUID=true\n", ""},
        {"GRUB_DISABLE_LINUX_UUID=\"true\"\n", "#GRUB_DISABLE_LINUX_UUID=\"true\"\n", ""},
        {"GRUB_DISABLE_LINUX_UUID=false\n", "=", ""},
        {"GRUB_DEVICE=/dev/sda2\n", "GRUB_DEVICE=/dev/disk/by-uuid/1111\n", ""},
        {"# " ALL "=\"root=/dev/sda2\"\n", "=", ""},
        {"MY_" ALL "=\"root=/dev/sda2\"\n", "=", NULL},
        {ALL "X=\"root=/dev/sda2\"\n", "=", NULL},
        {ALL "=\"\"\n", "=", ""},
        {ALL "=\n", "=", ""},
        {ALL "=\"$(blkid)\"\n", "=", NULL},
        {ALL "=\"x\"\"root=/dev/sda2\"\n", "=",
         "line 1: a kernel command line is made by a program"},
        {"GRUB_TIMEOUT=5\nGRUB_DEFAULT=0\n", "=", ""},
        {"", "=", ""},
    };
    table_begin();
    TABLE_CHECK(bf_grub_defaults, "/etc/default/grub", rows);
    table_remove("/etc/default/grub");
}

static void test_grub_defaults_console(void)
{
    static const struct table_row off[] = {
        {ALL "=\"console=tty0 console=ttyS0,115200n8 quiet\"\n", ALL "=\"console=tty0 quiet\"\n",
         ""},
        {ALL "=\"console=ttyS0\"\n", ALL "=\"\"\n", ""},
        {ALL "_DEFAULT='quiet console=ttyS0'\n", ALL "_DEFAULT='quiet'\n", ""},
        {ALL "=console=ttyS0\n", ALL "=\"\"\n", ""},
        {ALL "+=\" console=ttyS0,115200\"\n", ALL "+=\"\"\n", ""},
    };
    table_begin();
    table_plan.serial_console = BF_OFF;
    TABLE_CHECK(bf_grub_defaults, "/etc/default/grub", off);
    table_remove("/etc/default/grub");
}

// ---- kernel-install, extlinux, u-boot-menu
// ---------------------------------------------------------

static void test_kernel_cmdline(void)
{
    static const struct table_row rows[] = {
        {"root=/dev/sda2 ro\n", "root=UUID=1111 ro\n", ""},
        {"root=/dev/sda2", "root=UUID=1111", ""},
        {"# root=/dev/sda2\n\nroot=/dev/sda2\r\nresume=/dev/sda3\n",
         "# root=/dev/sda2\n\nroot=UUID=1111\r\nresume=UUID=2222\n", ""},
        {"root=UUID=1111\n", "=", ""},
        {"", "=", ""},
    };
    static const struct table_row on[] = {
        {"root=UUID=1111\nquiet\n", "root=UUID=1111 " CON "\nquiet\n", ""},
        {"# x\n\n\troot=UUID=1111\n", "# x\n\n\troot=UUID=1111 " CON "\n", ""},
        {"root=UUID=1111\nconsole=ttyS0\n", "=", ""},
        {"# nothing\n", "=", ""},
    };
    table_begin();
    TABLE_CHECK(bf_kernel_install, "/etc/kernel/cmdline", rows);
    TABLE_CHECK(bf_kernel_install, "/etc/kernel/cmdline.d/10-x.conf", rows);
    table_remove("/etc/kernel/cmdline.d/10-x.conf");
    table_plan.serial_console = BF_ON;
    TABLE_CHECK(bf_kernel_install, "/etc/kernel/cmdline", on);
    table_remove("/etc/kernel/cmdline");
}

static void test_shell_settings(void)
{
    static const struct table_row alpine[] = {
        {"root=/dev/sda2\n", "root=UUID=1111\n", ""},
        {"root=\"/dev/sda2\"\ndefault_kernel_opts=\"quiet resume=/dev/sda3\"\n",
         "root=\"UUID=1111\"\ndefault_kernel_opts=\"quiet resume=UUID=2222\"\n", NULL},
        {"# root=/dev/sda2\nroot=UUID=1111\ntimeout=3\n", "=", ""},
        {"xroot=/dev/sda2\nmodules=sd-mod\n", "=", ""},
    };
    static const struct table_row debian[] = {
        {"EXTLINUX_ROOT=\"root=/dev/sda2\"\n", "EXTLINUX_ROOT=\"root=UUID=1111\"\n", NULL},
        {"EXTLINUX_PARAMETERS=\"ro resume=/dev/sda3\"\n",
         "EXTLINUX_PARAMETERS=\"ro resume=UUID=2222\"\n", NULL},
        {"EXTLINUX_ROOT=\"root=$(x)\"\n", "=", "line 1: EXTLINUX_ROOT is made by a program"},
        {"#EXTLINUX_ROOT=\"root=/dev/sda2\"\n", "=", ""},
        {"EXTLINUX_TIMEOUT=50\n", "=", ""},
    };
    static const struct table_row u_boot[] = {
        {"U_BOOT_ROOT=\"root=/dev/mmcblk0p2\"\n", "U_BOOT_ROOT=\"root=UUID=1111\"\n", NULL},
        {"U_BOOT_PARAMETERS=\"ro quiet\"\n", "=", ""},
    };
    table_begin();
    TABLE_CHECK(bf_extlinux_defaults, "/etc/update-extlinux.conf", alpine);
    TABLE_CHECK(bf_extlinux_defaults, "/etc/default/extlinux", debian);
    TABLE_CHECK(bf_extlinux_defaults, "/etc/default/u-boot", u_boot);
    table_remove("/etc/update-extlinux.conf");
    table_remove("/etc/default/extlinux");
    table_remove("/etc/default/u-boot");
}

// ---- Identity ----------------------------------------------------------------------------------

static void test_identity(void)
{
    static const struct {
        const char *path, *after; // NULL: it goes; "=": it stays
    } files[] = {
        {"/etc/machine-id", ""},
        {"/var/lib/dbus/machine-id", NULL},
        {"/etc/ssh/ssh_host_rsa_key", NULL},
        {"/etc/ssh/ssh_host_rsa_key.pub", NULL},
        {"/etc/ssh/ssh_host_ed25519_key", NULL},
        {"/etc/ssh/ssh_host_ed25519_key-cert.pub", NULL},
        {"/etc/ssh/sshd_config", "="},
        {"/etc/ssh/moduli", "="},
        {"/etc/ssh/my_ssh_host_key", "="},
        {"/etc/ssh/ssh_known_hosts", "="},
        {"/home/web/.ssh/id_rsa", "="},
        {"/var/lib/dhcpcd/duid", NULL},
        {"/etc/dhcpcd.duid", NULL},
        {"/etc/dhcpcd.conf", "="},
        {"/var/lib/wicked/duid.xml", NULL},
        {"/var/lib/systemd/random-seed", NULL},
        {"/var/lib/NetworkManager/secret_key", NULL},
        {"/var/lib/NetworkManager/internal-5a-eth0.lease", NULL},
        {"/var/lib/NetworkManager/NetworkManager.state", "="},
        {"/var/lib/dhcp/dhclient.eth0.leases", NULL},
        {"/var/lib/dhcp/dhclient6.eth0.leases", NULL},
        {"/var/lib/dhcp/dhcpd.leases.conf", "="},
        {"/var/lib/dhclient/dhclient-1-eth0.lease", NULL},
        {"/etc/iscsi/initiatorname.iscsi", "="},
        {"/etc/nvme/hostnqn", "="},
    };
    size_t len;
    for (int clone = 0; clone <= 1; clone++) {
        table_begin();
        table_fin.system.init = BF_INIT_SYSTEMD;
        table_plan.new_identity = clone;
        for (size_t i = 0; i < BF_COUNT(files); i++)
            table_put(files[i].path, "0123456789abcdef0123456789abcdef\n");
        table_put("/usr/lib/systemd/system/sshd-keygen@.service", "[Unit]\n");
        table_again();
        CHECK_EQ(bf_adapt_identity(&table_fin), BF_OK);
        for (size_t i = 0; i < BF_COUNT(files); i++) {
            const char *now = bf_edits_get(&table_fin.edits, files[i].path, &len, NULL);
            const char *want = clone ? files[i].after : "=";
            if (want && strcmp(want, "=") == 0)
                want = "0123456789abcdef0123456789abcdef\n";
            if ((now != NULL) != (want != NULL) || (now && strcmp(now, want) != 0))
                FAIL("%s: %s", files[i].path, now ? now : "goes");
        }
        CHECK(clone || !bf_edits_changes(&table_fin.edits));
        CHECK(table_said("names the machine to its storage") == clone);
    }
    for (size_t i = 0; i < BF_COUNT(files); i++)
        table_remove(files[i].path);
}

// Host keys go only where something makes new ones.
static void test_host_keys(void)
{
    static const struct {
        const char *path, *text; // what is there besides the key
        enum bf_init init;
        int made; // 1: by the system; 0: by a unit that is added; -1: refused
    } cases[] = {
        {"/usr/lib/systemd/system/sshd-keygen.service", "", BF_INIT_SYSTEMD, 1},
        {"/usr/lib/systemd/system/sshdgenkeys.service", "", BF_INIT_SYSTEMD, 1},
        {"/usr/lib/systemd/system/sshd.service", "ExecStartPre=/usr/sbin/sshd-gen-keys-start\n",
         BF_INIT_SYSTEMD, 1},
        {"/etc/init.d/sshd", "ssh-keygen -A\n", BF_INIT_OPENRC, 1},
        {"/etc/sv/sshd/run", "#!/bin/sh\nssh-keygen -A\n", BF_INIT_RUNIT, 1},
        {"/usr/lib/systemd/system/ssh.service", "ExecStart=/usr/sbin/sshd -D\n", BF_INIT_SYSTEMD,
         -1},
        {"/usr/bin/ssh-keygen", "x", BF_INIT_SYSTEMD, 0},
        {"/usr/bin/ssh-keygen", "x", BF_INIT_SYSVINIT, -1},
        {"/etc/init.d/ssh", "start-stop-daemon\n", BF_INIT_SYSVINIT, -1},
    };
    static const char key[] = "/etc/ssh/ssh_host_rsa_key",
                      unit[] = "/etc/systemd/system/bootferry-ssh-keys.service";
    size_t len;
    table_begin();
    table_remove("/usr/lib/systemd/system/sshd-keygen@.service");
    table_plan.new_identity = true;
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        table_put(key, "secret");
        table_put(cases[i].path, cases[i].text);
        table_again();
        table_fin.system.init = cases[i].init;
        enum bf_err err = bf_adapt_identity(&table_fin);
        bool added = bf_edits_get(&table_fin.edits, unit, &len, NULL) != NULL;
        bool gone = bf_edits_get(&table_fin.edits, key, &len, NULL) == NULL;
        if ((err != BF_OK) != (cases[i].made < 0) || added != (cases[i].made == 0) ||
            gone != (cases[i].made >= 0))
            FAIL("%s: error %d, unit added %d, key gone %d", cases[i].path, err, added, gone);
        table_remove(cases[i].path);
    }
    table_remove(key);
    table_again(); // a system without sshd needs nothing
    CHECK_EQ(bf_adapt_identity(&table_fin), BF_OK);
    CHECK(!bf_edits_get(&table_fin.edits, unit, &len, NULL));
}

TEST_MAIN(TEST(test_grub_script), TEST(test_grub_defaults), TEST(test_grub_defaults_console),
          TEST(test_kernel_cmdline), TEST(test_shell_settings), TEST(test_identity),
          TEST(test_host_keys))
