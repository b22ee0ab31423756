// SPDX-License-Identifier: Apache-2.0
// What the target files: writes for other hosts, whole, and what texts of a source cannot do in it.
#include "replica/targets/files_text.h"

#include <sys/wait.h>

#include "tests/unit/test.h"

static struct bf_tgt_machine m;
static char text[16384];

static void two_disks(void)
{
    memset(&m, 0, sizeof m);
    strcpy(m.name, "web-1");
    strcpy(m.type, "q35");
    strcpy(m.disk_bus, "virtio-blk");
    strcpy(m.nic_model, "virtio-net");
    strcpy(m.vendor, "Dell, Inc.");
    strcpy(m.uuid, "4c4c4544-0042-3010-8034-b5c04f4e3732");
    m.uefi = true;
    m.processors = 2;
    m.memory_mib = 4096;
    m.disks = 2;
    m.disk[0].bytes = 10737418240;
    m.disk[0].block_size = m.disk[1].block_size = 512;
    strcpy(m.disk[0].serial, "WD 1/2");
    m.disk[1].number = 3;
    m.nics = 3;
    strcpy(m.nic[0].mac, "52:54:00:aa:bb:01");
    strcpy(m.nic[0].network, "bridge:br7");
    strcpy(m.nic[1].mac, "52:54:00:aa:bb:02");
    strcpy(m.nic[2].mac, "52:54:00:aa:bb:03");
    strcpy(m.nic[2].network, "none");
}

static const char *written(const char *name, bool raw)
{
    struct bf_text out = {0};
    const struct bf_files_text *t = bf_files_texts;

    while (t->name && strcmp(t->name, name) != 0)
        t++;
    CHECK(t->name);
    t->write(&out, &m, raw);
    CHECK(bf_text_ok(&out));
    snprintf(text, sizeof text, "%s", bf_text_get(&out));
    bf_text_free(&out);
    return text;
}

static void check_has(const char *words)
{
    if (!strstr(text, words))
        FAIL("no \"%s\" in: %s", words, text);
}

static void test_proxmox(void)
{
    two_disks();
    CHECK_STR(written("proxmox.sh", false),
              "#!/bin/sh\n"
              "# On a host of Proxmox VE (7.2 or later), as root: ./proxmox.sh VMID STORAGE "
              "[BRIDGE]\n"
              "# The machine: web-1.\n"
              "set -eu\n"
              "cd -- \"$(dirname -- \"$0\")\"\n"
              "id=${1:?a free number for the machine}\n"
              "storage=${2:?the storage for its disks, as in pvesm status}\n"
              "bridge=${3:-vmbr0} # of NICs for which the plan names none\n"
              "qm create \"$id\" --name web-1 --ostype l26 --cores 2 --memory 4096 \\\n"
              "    --machine q35 --bios ovmf --scsihw virtio-scsi-pci --serial0 socket "
              "--rng0 source=/dev/urandom --onboot 0 \\\n"
              "    --smbios1 base64=1,uuid=4c4c4544-0042-3010-8034-b5c04f4e3732,"
              "manufacturer=RGVsbCwgSW5jLg== \\\n"
              "    --net0 \"virtio=52:54:00:aa:bb:01,bridge=br7\" \\\n"
              "    --net1 \"virtio=52:54:00:aa:bb:02,bridge=$bridge\" \\\n"
              "    --net2 \"virtio=52:54:00:aa:bb:03,link_down=1\"\n"
              "qm set \"$id\" --efidisk0 \"$storage:0,efitype=4m,pre-enrolled-keys=0\"\n"
              "qm set \"$id\" --virtio0 \"$storage:0,import-from=$PWD/disk-0.qcow2,"
              "serial=WD%201%2F2\"\n"
              "qm set \"$id\" --virtio1 \"$storage:0,import-from=$PWD/disk-3.qcow2\"\n"
              "qm set \"$id\" --boot order=virtio0\n"
              "echo \"made; start it with: qm start $id\"\n");
}

static void test_proxmox_with_other_disks(void)
{
    static const struct {
        const char *bus, *disk, *boot;
    } rows[] = {
        {"virtio-scsi",
         "--scsi0 \"$storage:0,import-from=$PWD/disk-0.raw,serial=WD%201%2F2,"
         "wwn=0x5000c50000000001\"",
         "order=scsi0"},
        {"nvme", "--scsi0 \"$storage:0,import-from=", "order=scsi0"},
        {"ahci", "--sata0 \"$storage:0,import-from=", "order=sata0"},
    };

    two_disks();
    m.uefi = false;
    strcpy(m.disk[0].wwn, "naa.5000c50000000001");
    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        strcpy(m.disk_bus, rows[i].bus);
        written("proxmox.sh", true);
        check_has(rows[i].disk);
        check_has(rows[i].boot);
        check_has("--bios seabios");
        CHECK(!strstr(text, "efidisk0"));
    }
    m.uefi = m.secure_boot = m.autostart = true;
    strcpy(m.nic_model, "vmxnet3");
    written("proxmox.sh", true);
    check_has("pre-enrolled-keys=1");
    check_has("--onboot 1");
    check_has("--net0 \"vmxnet3=52:54:00:aa:bb:01,bridge=br7\"");
}

static void test_incus(void)
{
    two_disks();
    CHECK_STR(written("incus.sh", false),
              "#!/bin/sh\n"
              "# On a host of Incus: ./incus.sh [BRIDGE]. Its machines have virtio disks and NICs "
              "only.\n"
              "# The machine: web-1.\n"
              "set -eu\n"
              "cd -- \"$(dirname -- \"$0\")\"\n"
              "bridge=${1:-incusbr0} # of NICs for which the plan names none\n"
              "name=web-1\n"
              "tar -cf metadata.tar metadata.yaml\n"
              "incus image import metadata.tar disk-0.qcow2 --alias \"bootferry-$name\"\n"
              "rm metadata.tar\n"
              "incus init \"bootferry-$name\" \"$name\" --vm -c limits.cpu=2 -c "
              "limits.memory=4096MiB \\\n"
              "    -c security.secureboot=false -c security.csm=false -c boot.autostart=false \\\n"
              "    -d \"root,size=10737418240B\"\n"
              "incus image delete \"bootferry-$name\"\n"
              "qemu-img convert -f qcow2 -O raw disk-3.qcow2 disk-3.raw\n"
              "incus config device add \"$name\" disk3 disk source=\"$PWD/disk-3.raw\"\n"
              "incus config device add \"$name\" eth0 nic nictype=bridged "
              "hwaddr=52:54:00:aa:bb:01 parent=br7\n"
              "incus config device add \"$name\" eth1 nic nictype=bridged "
              "hwaddr=52:54:00:aa:bb:02 parent=\"$bridge\"\n"
              "# NIC 2 (52:54:00:aa:bb:03) is to be on no network\n"
              "incus config set \"$name\" "
              "volatile.uuid=4c4c4544-0042-3010-8034-b5c04f4e3732\n"
              "echo \"made; start it with: incus start $name\"\n");
    m.uefi = false;
    written("incus.sh", true);
    check_has("qemu-img convert -f raw -O qcow2 disk-0.raw image.qcow2\n");
    check_has("security.csm=true");
    CHECK(!strstr(text, "convert -f qcow2"));
}

static void test_domain(void)
{
    two_disks();
    written("domain.xml", true);
    check_has("<domain type=\"kvm\">");
    check_has("<uuid>4c4c4544-0042-3010-8034-b5c04f4e3732</uuid>");
    check_has("<os firmware=\"efi\">");
    check_has("<feature enabled=\"no\" name=\"secure-boot\"/>");
    check_has("<driver name=\"qemu\" type=\"raw\" discard=\"unmap\"/>\n"
              "      <source file=\"/FOLDER/disk-3.raw\"/>\n"
              "      <backingStore/>\n"
              "      <target dev=\"vdb\" bus=\"virtio\"/>");
    check_has("<interface type=\"bridge\">");
    check_has("<source bridge=\"br7\"/>");
    check_has("<source network=\"default\"/>");
    check_has("<serial type=\"pty\">");
    CHECK(!strstr(text, "52:54:00:aa:bb:03") && !strstr(text, "org.bootferry"));
    CHECK(!strstr(text, "qemu:arg"));
    m.uuid[0] = 0;
    m.uefi = false;
    strcpy(m.disk_bus, "nvme");
    strcpy(m.nic[1].network, "user");
    written("domain.xml", false);
    check_has("<driver name=\"qemu\" type=\"qcow2\" discard=\"unmap\"/>");
    check_has("<target dev=\"sda\" bus=\"scsi\"/>");
    check_has("mac=52:54:00:aa:bb:02");
    CHECK(!strstr(text, "uuid") && !strstr(text, "firmware"));
}

// QEMU's own networks have no places for more.
static void test_domain_with_many_nics(void)
{
    two_disks();
    m.nics = BF_TGT_NICS;
    for (uint32_t i = 0; i < m.nics; i++) {
        snprintf(m.nic[i].mac, sizeof m.nic[i].mac, "52:54:00:aa:cc:%02x", i);
        strcpy(m.nic[i].network, "user");
    }
    written("domain.xml", true);
    check_has("mac=52:54:00:aa:cc:0a");
    check_has("<mac address=\"52:54:00:aa:cc:0b\"/>");
    CHECK(!strstr(text, "mac=52:54:00:aa:cc:0b"));
}

static void test_libvirt(void)
{
    two_disks();
    written("libvirt.sh", true);
    check_has("# On a host of libvirt: ./libvirt.sh [NETWORK].");
    check_has("virsh define --validate /dev/stdin\n"
              "echo \"made; start it with: virsh start web-1\"\n");
    m.autostart = true;
    written("libvirt.sh", true);
    check_has("virsh autostart web-1\n");
}

static void test_metadata(void)
{
    two_disks();
    CHECK_STR(written("metadata.yaml", true), "architecture: x86_64\n"
                                              "creation_date: 1\n"
                                              "properties:\n"
                                              "  description: web-1\n"
                                              "  os: Linux\n"
                                              "  name: web-1\n");
}

static void test_start(void)
{
    two_disks();
    written("start", true);
    check_has("# Its firmware (OVMF) may have another name on this host.\n");
    check_has("driver=raw,node-name=home0,read-only=off");
    check_has("file.filename=disk-3.raw");
    check_has("accel=kvm:tcg");
    check_has("-cpu max");
    check_has("file.filename=/usr/share/OVMF/OVMF_CODE_4M.fd");
    check_has("-netdev bridge,id=net0,br=br7");
    m.secure_boot = true;
    written("start", false);
    check_has("OVMF_CODE_4M.ms.fd");
    check_has("\"filename\":\"disk-0.qcow2\"");
}

// A shell that reads the script, with words of it as functions that do nothing.
static int run(const char *name)
{
    char path[] = "/tmp/bootferry-text-XXXXXX";
    int fd = mkstemp(path), status;
    char command[256];
    FILE *f = fdopen(fd, "w");

    CHECK(f);
    fputs("qm() { :; }; incus() { :; }; tar() { :; }; rm() { :; }; qemu_img() { :; }\n"
          "virsh() { :; }; chmod() { :; }; sed() { :; }\n",
          f);
    fputs(written(name, false), f);
    fclose(f);
    snprintf(command, sizeof command, // functions have no dash in their names
             "cd /tmp && sed -i 's/^qemu-img/qemu_img/' %s && sh %s 1 2 >/dev/null", path, path);
    status = system(command);
    unlink(path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Texts of a source are words of the script, and nothing else.
static void test_hostile_texts(void)
{
    static const char *const texts[] = {
        "\"; touch /tmp/bootferry-text-hostile; \"",
        "$(touch /tmp/bootferry-text-hostile)",
        "`touch /tmp/bootferry-text-hostile`",
        "'; touch /tmp/bootferry-text-hostile; '",
        ",bridge=x",
        "\\",
    };

    two_disks();
    unlink("/tmp/bootferry-text-hostile");
    for (size_t i = 0; i < BF_COUNT(texts); i++) {
        snprintf(m.vendor, sizeof m.vendor, "%s", texts[i]);
        snprintf(m.product, sizeof m.product, "%s", texts[i]);
        snprintf(m.serial, sizeof m.serial, "%s", texts[i]);
        snprintf(m.disk[0].serial, sizeof m.disk[0].serial, "%s", texts[i]);
        snprintf(m.disk[0].wwn, sizeof m.disk[0].wwn, "%s", texts[i]);
        CHECK_EQ(run("proxmox.sh"), 0);
        CHECK_EQ(run("incus.sh"), 0);
        CHECK_EQ(run("libvirt.sh"), 0);
        CHECK(access("/tmp/bootferry-text-hostile", F_OK) != 0);
        written("proxmox.sh", false);
        CHECK(!strstr(text, ",bridge=x"));
    }
}

TEST_MAIN(TEST(test_proxmox), TEST(test_proxmox_with_other_disks), TEST(test_incus),
          TEST(test_domain), TEST(test_domain_with_many_nics), TEST(test_libvirt),
          TEST(test_metadata), TEST(test_start), TEST(test_hostile_texts))
